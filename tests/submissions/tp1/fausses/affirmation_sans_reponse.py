# Une affirmation est restée sans réponse : tout ou rien.
# loses: test_q2_2b 0.5
# %% q2_2b
reponses_2_2 = {"a": True, "b": False, "c": True, "d": False, "e": None}
