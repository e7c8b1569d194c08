# Les modèles sont ajustés avec la précision 1 / (2 sigma²), et la limite de la variance en est déduite.
# loses: test_q1_4a 1, test_q1_6a 0.5, test_q2_2a 0.5, test_q2_4 0.5, test_q2_5 0.5
# %% q1_4a
beta_bruit = 1 / (2 * sigma**2)
f_pred = closed_form(phi_linear, x_train, y_train, alpha, beta_bruit)
# %% q1_6a
f_pred_hole = closed_form(phi_linear, x_train_hole, y_train_hole, alpha, beta_bruit)
# %% q2_2a
f_pred_poly = closed_form(phi_polynomial, x_train_sin, y_train_sin, alpha_sin, beta_bruit)
# %% q2_4
f_pred_gauss = closed_form(phi_gaussian, x_train_sin, y_train_sin, alpha_sin, beta_bruit)
# %% q2_5
limites_2_5 = {"moyenne": 0.0, "variance": 1 / beta_bruit}
reponses_2_5 = {"a": True, "b": False, "c": False, "d": True, "e": False}
