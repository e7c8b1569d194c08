# alpha est pris pour la variance a priori : I / alpha dans la précision, avec ou sans données.
# loses: test_q1_2 1.75
# %% q1_2
def posterior(Phi, y, alpha, beta):
    Sigma = np.linalg.inv(np.eye(Phi.shape[1]) / alpha + beta * Phi.T @ Phi)
    return beta * Sigma @ Phi.T @ y, Sigma
