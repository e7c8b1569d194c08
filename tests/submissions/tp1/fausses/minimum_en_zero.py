# Le minimum de la part épistémique est donné en 0 exactement, au milieu du trou.
# loses: test_q1_6b 1
# %% q1_6b
x_min_hole = 0.0
reponses_1_6 = {"a": False, "b": True, "c": True, "d": False, "e": True}
