# Moyennes et écarts-types de forme (n, 1), poids de forme (M, 1).
# %% q1_2
def posterior(Phi, y, alpha, beta):
    Sigma = np.linalg.inv(alpha * np.eye(Phi.shape[1]) + beta * Phi.T @ Phi)
    return beta * Sigma @ Phi.T @ np.reshape(y, (-1, 1)), Sigma


# %% q1_3
def closed_form(func, X_train, y_train, alpha, beta):
    mu, Sigma = posterior(func(X_train), y_train, alpha, beta)

    def f_model(x):
        Phi = func(x)
        return Phi @ mu, np.sqrt(1 / beta + np.diag(Phi @ Sigma @ Phi.T)).reshape(-1, 1)

    return f_model
