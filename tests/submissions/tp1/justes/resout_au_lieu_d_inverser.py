# Résout des systèmes au lieu d'inverser la matrice ; l'évidence par la loi marginale de y, avec scipy.
# %% q1_2
def posterior(Phi, y, alpha, beta):
    A = alpha * np.eye(Phi.shape[1]) + beta * (Phi.T @ Phi)
    mu = np.linalg.solve(A, beta * (Phi.T @ y))
    return mu, np.linalg.solve(A, np.eye(len(A)))
# %% q1_3
def closed_form(func, X_train, y_train, alpha, beta):
    Phi_train = func(X_train)
    A = alpha * np.eye(Phi_train.shape[1]) + beta * (Phi_train.T @ Phi_train)
    mu = np.linalg.solve(A, beta * (Phi_train.T @ y_train))

    def f_model(x):
        Phi = func(x)
        variance = 1 / beta + np.sum(Phi.T * np.linalg.solve(A, Phi.T), axis=0)
        return Phi @ mu, np.sqrt(variance)

    return f_model
# %% q1_5a
def variance_alpha0(x_star, x_train):
    Phi = phi_linear(x_train)
    Phi_star = phi_linear(x_star)
    return 1 + np.diag(Phi_star @ np.linalg.solve(Phi.T @ Phi, Phi_star.T))
# %% q2_6a
def log_evidence(Phi, y, alpha, beta):
    from scipy.stats import multivariate_normal

    C = np.eye(len(y)) / beta + Phi @ Phi.T / alpha
    return multivariate_normal(np.zeros(len(y)), C).logpdf(y)
