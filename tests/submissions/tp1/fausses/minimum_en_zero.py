# Le minimum de la variance épistémique est donné en 0, au milieu du trou.
# loses: test_q1_6 0.5, test_q1_6_vf 0.5
# %% q1_6
f_pred_hole = closed_form(phi_linear, x_hole, y_hole, alpha, beta)
x_min_hole = 0.0
# %% q1_6_vf
reponses_1_6 = {"a": False, "b": True, "c": True, "d": False}
