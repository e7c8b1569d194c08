# Chaque réponse se suffit à elle-même : aucune n'appelle une réponse précédente ; un module à côté du notebook.
# %% file random.py
# Un fichier à soi, dont le nom cache par accident un module de Python.
def graine():
    return 4
# %% q1_3
def closed_form(func, X_train, y_train, alpha, beta):
    Phi_train = func(X_train)
    S = np.linalg.inv(alpha * np.eye(Phi_train.shape[1]) + beta * Phi_train.T @ Phi_train)
    m = beta * S @ Phi_train.T @ y_train
    return lambda x: (func(x) @ m, np.sqrt(1 / beta + np.sum(func(x) @ S * func(x), axis=1)))
# %% q1_4a
def f_pred(x):
    Phi_t, Phi = np.c_[np.ones(25), x_train], np.c_[np.ones(len(x)), x]
    S = np.linalg.inv(alpha * np.eye(2) + beta * Phi_t.T @ Phi_t)
    return Phi @ (beta * S @ Phi_t.T @ y_train), np.sqrt(1 / beta + np.sum(Phi @ S * Phi, axis=1))
# %% q1_5a
def variance_alpha0(x_star, x_train):
    x_star, x_train = np.atleast_1d(x_star).ravel(), np.atleast_1d(x_train).ravel()
    N, s1, s2 = len(x_train), x_train.sum(), (x_train**2).sum()
    return 1 + (s2 - 2 * x_star * s1 + N * x_star**2) / (N * s2 - s1**2)
# %% q1_5b
# Des affirmations vérifiées par le calcul : ce sont des booléens de numpy.
v = variance_alpha0(np.array([0.0, 10.0, 20.0]), x_train)
reponses_1_5 = {
    "a": np.bool_(False),
    "b": variance_alpha0(x_train.mean(), x_train)[0] < v[0],
    "c": np.isclose(v[2] / v[1], 2, atol=0.1),
    "d": True,
    "e": bool(variance_alpha0(10.0, x_train / 2)[0] < v[1]),
}
# %% q1_6a
def f_pred_hole(x):
    Phi_t, Phi = np.c_[np.ones(20), x_train_hole], np.c_[np.ones(len(x)), x]
    S = np.linalg.inv(2.0 * np.eye(2) + 25 * Phi_t.T @ Phi_t)
    return Phi @ (25 * S @ Phi_t.T @ y_train_hole), np.sqrt(0.04 + np.sum(Phi @ S * Phi, axis=1))
# %% q1_6b
x_min_hole = round(20 * 25 * float(x_train_hole.mean()) / (2 + 20 * 25), 2)
reponses_1_6 = {"a": False, "b": True, "c": False, "d": False, "e": True}
# %% q2_2a
def f_pred_poly(x):
    Phi_t, Phi = x_train_sin[:, None] ** np.arange(10), x[:, None] ** np.arange(10)
    S = np.linalg.inv(alpha_sin * np.eye(10) + beta * Phi_t.T @ Phi_t)
    return Phi @ (beta * S @ Phi_t.T @ y_train_sin), np.sqrt(1 / beta + np.sum(Phi @ S * Phi, axis=1))
# %% q2_6a
def log_evidence(Phi, y, alpha, beta):
    C = np.eye(len(y)) / beta + Phi @ Phi.T / alpha
    return -0.5 * (len(y) * np.log(2 * np.pi) + np.linalg.slogdet(C)[1] + y @ np.linalg.solve(C, y))
# %% q2_6b
def best_alpha(Phi, y, alphas, beta):
    def evidence(alpha):
        C = np.eye(len(y)) / beta + Phi @ Phi.T / alpha
        return -0.5 * (len(y) * np.log(2 * np.pi) + np.linalg.slogdet(C)[1] + y @ np.linalg.solve(C, y))

    return max(((a, evidence(a)) for a in alphas), key=lambda couple: couple[1])
