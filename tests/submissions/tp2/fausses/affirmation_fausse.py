# Une seule affirmation fausse par série : tout ou rien.
# loses: test_q1_1c 0.5, test_q1_3b 0.75, test_q1_5c 0.5, test_q2_1b 0.5, test_q2_2d 0.5
# %% q1_1c
reponses_1_1 = {"a": True, "b": True, "c": True, "d": False, "e": False}
# %% q1_3b
reponses_1_3 = {"a": True, "b": True, "c": True, "d": False, "e": False}
# %% q1_5c
reponses_1_5 = {"a": False, "b": True, "c": False, "d": False, "e": True}
# %% q2_1b
reponses_2_1 = {"a": True, "b": False, "c": True, "d": True, "e": True}
# %% q2_2d
reponses_2_2 = {"a": False, "b": True, "c": True, "d": True, "e": False}
