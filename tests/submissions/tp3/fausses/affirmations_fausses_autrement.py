# Une autre affirmation fausse dans chacune des cinq questions d'interprétation, dont l'époque choisie sur le test.
# loses: test_q1_3e 0.5, test_q1_4c 0.5, test_q2_1b 0.75, test_q2_3d 0.5, test_q3_3b 0.5
# %% q1_3e
reponses_1_3 = {"a": True, "b": False, "c": True, "d": True, "e": False}
# %% q1_4c
reponses_1_4 = {"a": True, "b": True, "c": False, "d": True, "e": False}
# %% q2_1b
reponses_2_1 = {"a": True, "b": True, "c": False, "d": True, "e": True}
# %% q2_3d
reponses_2_3 = {"a": True, "b": True, "c": False, "d": False, "e": True}
# %% q3_3b
reponses_3_3 = {"a": True, "b": True, "c": False, "d": False, "e": False}
