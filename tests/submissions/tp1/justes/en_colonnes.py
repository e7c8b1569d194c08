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
# %% q1_5a
def variance_alpha0(x_star, x_train):
    x_star, x_train = np.reshape(x_star, (-1, 1)), np.reshape(x_train, (-1, 1))
    N = len(x_train)
    return 1 + 1 / N + (x_star - x_train.mean()) ** 2 / (N * x_train.var())
# %% q2_6a
def log_evidence(Phi, y, alpha, beta):
    N, M = Phi.shape
    mu, Sigma = posterior(Phi, y, alpha, beta)
    reste = y.reshape(-1, 1) - Phi @ mu
    carres = beta * (reste.T @ reste) + alpha * (mu.T @ mu)
    constante = M * np.log(alpha) + N * np.log(beta) - N * np.log(2 * np.pi)
    return (constante - carres.item() + np.linalg.slogdet(Sigma)[1]) / 2
