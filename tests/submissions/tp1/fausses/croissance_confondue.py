# La croissance de l'écart-type est donnée comme celle de la variance : en |x|, en |x|^9.
# loses: test_q1_5b 1, test_q2_2b 0.5
# %% q1_5b
reponses_1_5 = {"a": False, "b": True, "c": True, "d": True, "e": False}
# %% q2_2b
reponses_2_2 = {"a": True, "b": True, "c": True, "d": False, "e": False}
