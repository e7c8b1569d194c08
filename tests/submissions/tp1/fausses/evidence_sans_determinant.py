# Le déterminant est oublié dans l'évidence.
# loses: test_q2_6a 1
# %% q2_6a
def log_evidence(Phi, y, alpha, beta):
    N, M = Phi.shape
    mu, Sigma = posterior(Phi, y, alpha, beta)
    return (
        M / 2 * np.log(alpha)
        + N / 2 * np.log(beta)
        - beta / 2 * np.sum((y - Phi @ mu) ** 2)
        - alpha / 2 * np.sum(mu**2)
        - N / 2 * np.log(2 * np.pi)
    )
