# Ses propres cellules : des imports, une fonction auxiliaire, des variables globales, des essais qui échouent.
# %% after q1_1
import scipy.linalg as sla
from functools import lru_cache

cache = {}


def precision(Phi, alpha, beta):
    return alpha * np.eye(Phi.shape[1]) + beta * Phi.T @ Phi
# %% after q1_1
# Un essai qui ne marche pas.
1 / 0
# %% q1_2
def posterior(Phi, y, alpha, beta):
    cle = (Phi.tobytes(), np.asarray(y).tobytes(), Phi.shape, alpha, beta)
    if cle not in cache:
        A = precision(Phi, alpha, beta)
        cache[cle] = sla.solve(A, beta * Phi.T @ y, assume_a="pos"), sla.inv(A)
    return cache[cle]
# %% text after q1_2
Je garde les résultats en mémoire pour aller plus vite.
# %% after q1_2
list = [1, 2, 3]
max = 12
reponse = 42
# %% q2_6a
def log_evidence(Phi, y, alpha, beta):
    N, M = Phi.shape
    mu, _ = posterior(Phi, y, alpha, beta)
    A = precision(Phi, alpha, beta)
    E = beta / 2 * np.sum((y - Phi @ mu) ** 2) + alpha / 2 * mu @ mu
    return M / 2 * np.log(alpha) + N / 2 * np.log(beta) - E - 0.5 * np.linalg.slogdet(A)[1] - N / 2 * np.log(2 * np.pi)
