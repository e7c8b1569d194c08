# f_pred est ajustée sur les dix premiers points seulement.
# loses: test_q1_4a 1
# %% q1_4a
f_pred = closed_form(phi_linear, x_train[:10], y_train[:10], alpha, beta)
