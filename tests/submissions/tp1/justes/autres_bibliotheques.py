# D'autres chemins : moindres carrés augmentés, QR, polyvander, lois de scipy, règle de la chaîne, partial, couples nommés.
# %% q1_1
phi_linear = lambda x: np.polynomial.polynomial.polyvander(np.ravel(x), 1)
# %% q1_2
from collections import namedtuple
from functools import partial

from scipy import optimize, stats


def posterior(Phi, y, alpha, beta):
    # La loi a priori compte pour M mesures de plus ; R'R est la précision.
    M = Phi.shape[1]
    augmentee = np.vstack([np.sqrt(beta) * Phi, np.sqrt(alpha) * np.eye(M)])
    sorties = np.concatenate([np.sqrt(beta) * y, np.zeros(M)])
    R_inverse = np.linalg.inv(np.linalg.qr(augmentee)[1])
    return np.linalg.lstsq(augmentee, sorties, rcond=None)[0], R_inverse @ R_inverse.T
# %% q1_3
Prediction = namedtuple("Prediction", "mean std")


def predire(x, func, mu, Sigma, bruit):
    lignes = func(x)
    return Prediction(
        [float(ligne @ mu) for ligne in lignes],
        [float(np.sqrt(bruit + ligne @ Sigma @ ligne)) for ligne in lignes],
    )


def closed_form(func, X_train, y_train, alpha, beta):
    mu, Sigma = posterior(func(X_train), y_train, alpha, beta)
    return partial(predire, func=func, mu=mu, Sigma=Sigma, bruit=1 / beta)
# %% q1_4b
def variance_parts(f_model, x, beta):
    variance = np.square(f_model(x)[1])
    return np.stack([np.broadcast_to(1 / beta, variance.shape), np.maximum(variance - 1 / beta, 0)])
# %% q1_5a
def variance_alpha0(x_star, x_train):
    # Le carré de la norme de la ligne qui donne la prédiction à partir des sorties.
    return 1 + np.sum((phi_linear(x_star) @ np.linalg.pinv(phi_linear(x_train))) ** 2, axis=1)
# %% q1_6b
x_min_hole = optimize.minimize(lambda x: f_pred_hole(x)[1][0], x0=[1.0]).x
reponses_1_6 = dict(zip("abcde", map(bool, [0, 1, 0, 0, 1])))
# %% q2_1
def phi_polynomial(x, degree=9):
    return np.cumprod(np.c_[np.ones(np.size(x)), np.tile(np.ravel(x), (degree, 1)).T], axis=1)
# %% q2_3
def phi_gaussian(x, M=9):
    return np.sqrt(2 * np.pi) / M * stats.norm.pdf(np.c_[np.ravel(x)], np.linspace(0, 1, M), 1 / M)
# %% q2_6a
def log_evidence(Phi, y, alpha, beta):
    # p(y1) p(y2 | y1) p(y3 | y1, y2)...
    total = 0.0
    for n in range(len(y)):
        mu, Sigma = posterior(Phi[:n], y[:n], alpha, beta)
        total += stats.norm.logpdf(y[n], Phi[n] @ mu, np.sqrt(1 / beta + Phi[n] @ Sigma @ Phi[n]))
    return total
# %% q2_6b
def best_alpha(Phi, y, alphas, beta):
    evidences = {a: log_evidence(Phi, y, a, beta) for a in alphas}
    alpha_best = max(evidences, key=evidences.get)
    return alpha_best, evidences[alpha_best]
