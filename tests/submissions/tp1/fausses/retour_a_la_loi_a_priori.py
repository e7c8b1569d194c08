# Loin des données, la variance du modèle gaussien est crue revenir à celle d'une loi a priori.
# loses: test_q2_5 1
# %% q2_5
limites_2_5 = {"moyenne": 0.0, "variance": 1 / alpha_sin + 1 / beta}
reponses_2_5 = {"a": False, "b": True, "c": True, "d": True, "e": True}
