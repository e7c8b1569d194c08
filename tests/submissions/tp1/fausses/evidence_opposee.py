# log_evidence renvoie l'opposé de la log-évidence ; best_alpha en cherche donc le minimum.
# loses: test_q2_6a 1
# %% q2_6a
def log_evidence(Phi, y, alpha, beta):
    C = np.eye(len(y)) / beta + Phi @ Phi.T / alpha
    return 0.5 * (y @ np.linalg.solve(C, y) + np.linalg.slogdet(C)[1] + len(y) * np.log(2 * np.pi))
# %% q2_6b
def best_alpha(Phi, y, alphas, beta):
    valeurs = [log_evidence(Phi, y, a, beta) for a in alphas]
    return alphas[np.argmin(valeurs)], min(valeurs)
