# best_alpha renvoie la log-évidence, puis alpha : le couple est interverti.
# loses: test_q2_6b 0.5
# %% q2_6b
def best_alpha(Phi, y, alphas, beta):
    valeurs = [log_evidence(Phi, y, a, beta) for a in alphas]
    return np.max(valeurs), alphas[np.argmax(valeurs)]
