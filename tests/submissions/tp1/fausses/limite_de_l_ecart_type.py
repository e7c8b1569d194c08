# La limite de l'écart-type est donnée pour celle de la variance.
# loses: test_q2_5 0.5
# %% q2_5
limites_2_5 = {"moyenne": 0.0, "variance": sigma}
reponses_2_5 = {"a": True, "b": False, "c": False, "d": True, "e": False}
