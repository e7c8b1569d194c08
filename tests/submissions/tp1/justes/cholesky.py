# Passe par la factorisation de Cholesky (scipy), sans jamais appeler ses propres fonctions.
# %% q1_2
from scipy.linalg import cho_factor, cho_solve, solve_triangular


def posterior(Phi, y, alpha, beta):
    A = alpha * np.eye(Phi.shape[1]) + beta * Phi.T.dot(Phi)
    facteur = cho_factor(A)
    return cho_solve(facteur, beta * Phi.T.dot(y)), cho_solve(facteur, np.eye(A.shape[0]))
# %% q1_3
def closed_form(func, X_train, y_train, alpha, beta):
    Phi = func(X_train)
    L = np.linalg.cholesky(alpha * np.eye(Phi.shape[1]) + beta * Phi.T @ Phi)
    moitie = solve_triangular(L, beta * Phi.T @ y_train, lower=True)

    def f_model(x):
        V = solve_triangular(L, func(x).T, lower=True)
        return V.T @ moitie, np.sqrt(1 / beta + (V**2).sum(axis=0))

    return f_model
# %% q2_6a
def log_evidence(Phi, y, alpha, beta):
    C = np.linalg.cholesky(np.eye(len(y)) / beta + Phi @ Phi.T / alpha)
    z = solve_triangular(C, y, lower=True)
    return -0.5 * z @ z - np.log(np.diag(C)).sum() - len(y) / 2 * np.log(2 * np.pi)
