# Sans donnée, alpha I est donné comme covariance a priori au lieu de I / alpha.
# loses: test_q1_2 0.5
# %% q1_2
def posterior(Phi, y, alpha, beta):
    M = Phi.shape[1]
    if len(y) == 0:
        return np.zeros(M), alpha * np.eye(M)
    Sigma = np.linalg.inv(alpha * np.eye(M) + beta * Phi.T @ Phi)
    return beta * Sigma @ Phi.T @ y, Sigma
