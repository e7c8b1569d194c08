# Passe par la factorisation de Cholesky.
# %% q1_2
from scipy.linalg import cho_factor, cho_solve


def posterior(Phi, y, alpha, beta):
    A = alpha * np.eye(Phi.shape[1]) + beta * Phi.T.dot(Phi)
    facteur = cho_factor(A)
    return cho_solve(facteur, beta * Phi.T.dot(y)), cho_solve(facteur, np.eye(A.shape[0]))


# %% q2_6
def log_evidence(Phi, y, alpha, beta):
    C = np.linalg.cholesky(np.eye(len(y)) / beta + Phi @ Phi.T / alpha)
    z = np.linalg.solve(C, y)
    return float(-0.5 * z @ z - np.log(np.diag(C)).sum() - len(y) / 2 * np.log(2 * np.pi))
