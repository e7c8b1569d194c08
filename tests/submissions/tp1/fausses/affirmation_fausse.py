# Une seule affirmation sur l'évidence est fausse : tout ou rien.
# loses: test_q2_6c 0.5
# %% q2_6c
reponses_2_6 = {"a": True, "b": False, "c": True, "d": False, "e": True}
