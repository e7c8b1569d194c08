# Les réponses sont données, mais la ligne raise de chaque cellule a été laissée.
# %% q1_5b
reponses_1_5 = {"a": False, "b": True, "c": False, "d": True, "e": False}
# À COMPLÉTER
raise NotImplementedError("À compléter")
# %% q1_6b
x_min_hole = np.mean(x_train_hole)
reponses_1_6 = {"a": False, "b": True, "c": False, "d": False, "e": True}
# À COMPLÉTER
raise NotImplementedError("À compléter")
# %% q2_2b
reponses_2_2 = {"a": True, "b": False, "c": True, "d": False, "e": False}
# À COMPLÉTER
raise NotImplementedError("À compléter")
# %% q2_5
limites_2_5 = {"moyenne": 0, "variance": 0.04}
reponses_2_5 = {"a": True, "b": False, "c": False, "d": True, "e": False}
# À COMPLÉTER
raise NotImplementedError("À compléter")
# %% q2_6c
reponses_2_6 = {"a": False, "b": False, "c": True, "d": False, "e": True}
# À COMPLÉTER
raise NotImplementedError("À compléter")
