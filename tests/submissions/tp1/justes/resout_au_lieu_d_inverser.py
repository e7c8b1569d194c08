# Résout des systèmes au lieu d'inverser la matrice.
# %% q1_2
def posterior(Phi, y, alpha, beta):
    A = alpha * np.eye(Phi.shape[1]) + beta * (Phi.T @ Phi)
    mu = np.linalg.solve(A, beta * (Phi.T @ y))
    return mu, np.linalg.solve(A, np.eye(len(A)))


# %% q2_6
def log_evidence(Phi, y, alpha, beta):
    # La loi marginale de y, directement.
    from scipy.stats import multivariate_normal

    C = np.eye(len(y)) / beta + Phi @ Phi.T / alpha
    return multivariate_normal(np.zeros(len(y)), C).logpdf(y)
