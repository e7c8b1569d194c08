# Le trou est étudié avec le modèle ajusté sur le premier jeu de données.
# loses: test_q1_6 1
# %% q1_6
f_pred_hole = closed_form(phi_linear, x_train, y_train, alpha, beta)
x_min_hole = x_test_hole[np.argmin(f_pred_hole(x_test_hole)[1])]
