# La vraisemblance au point mu est donnée pour l'évidence : les poids ne sont pas intégrés.
# loses: test_q2_6a 1
# %% q2_6a
def log_evidence(Phi, y, alpha, beta):
    mu, _ = posterior(Phi, y, alpha, beta)
    return len(y) / 2 * np.log(beta / (2 * np.pi)) - beta / 2 * np.sum((y - Phi @ mu) ** 2)
