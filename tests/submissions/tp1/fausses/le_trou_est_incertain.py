# L'incertitude est crue plus grande dans le trou que près des données, et minimale au cœur d'un groupe.
# loses: test_q1_6b 1
# %% q1_6b
x_min_hole = 2.0
reponses_1_6 = {"a": True, "b": False, "c": False, "d": True, "e": True}
