# Le facteur beta est oublié dans la moyenne a posteriori.
# loses: test_q1_2 1.25
# %% q1_2
def posterior(Phi, y, alpha, beta):
    Sigma = np.linalg.inv(alpha * np.eye(Phi.shape[1]) + beta * Phi.T @ Phi)
    return Sigma @ Phi.T @ y, Sigma
