# f_pred_hole est ajustée sur le groupe de gauche seulement ; le minimum est bien celui de ce modèle.
# loses: test_q1_6a 0.5
# %% q1_6a
gauche = x_train_hole < 0
f_pred_hole = closed_form(phi_linear, x_train_hole[gauche], y_train_hole[gauche], alpha, beta)
