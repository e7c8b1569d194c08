# La covariance est l'inverse de chaque élément de la hessienne.
# loses: test_q1_2b 0.5
# %% q1_2b
Sigma_laplace = 1 / hessian(X_train, y_train, w_map, lam)
