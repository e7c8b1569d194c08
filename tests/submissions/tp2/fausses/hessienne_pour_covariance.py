# La hessienne n'est pas inversée : une précision est prise pour une covariance.
# loses: test_q1_2b 0.5
# %% q1_2b
Sigma_laplace = hessian(X_train, y_train, w_map, lam)
