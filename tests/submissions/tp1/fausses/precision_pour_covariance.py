# posterior renvoie la précision à la place de la covariance ; closed_form l'inverse, et tout le reste est juste.
# loses: test_q1_2 1.25
# %% q1_2
def posterior(Phi, y, alpha, beta):
    A = alpha * np.eye(Phi.shape[1]) + beta * Phi.T @ Phi
    return np.linalg.solve(A, beta * Phi.T @ y), A
# %% q1_3
def closed_form(func, X_train, y_train, alpha, beta):
    mu, A = posterior(func(X_train), y_train, alpha, beta)
    Sigma = np.linalg.inv(A)

    def f_model(x):
        Phi = func(x)
        return Phi @ mu, np.sqrt(1 / beta + np.sum((Phi @ Sigma) * Phi, axis=1))

    return f_model
