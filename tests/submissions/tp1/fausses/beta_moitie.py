# beta = 1 / (2 sigma²) dans les ajustements de la seconde partie.
# loses: test_q2_2 0.5, test_q2_4 0.5
# %% q2_2
f_pred_poly = closed_form(phi_polynomial, x_sin, y_sin, alpha_sin, 1 / (2 * sigma**2))
# %% q2_4
f_pred_gauss = closed_form(phi_gaussian, x_sin, y_sin, alpha_sin, 1 / (2 * sigma**2))
