# Une réponse manque dans une série, une autre série est restée telle quelle.
# loses: test_q1_5c 0.5, test_q2_2d 0.5
# %% q1_5c
reponses_1_5 = {"a": False, "b": True, "c": True, "d": None, "e": True}
# %% q2_2d
reponses_2_2 = {"a": None, "b": None, "c": None, "d": None, "e": None}
raise NotImplementedError("À compléter")
