# alpha est pris pour la variance a priori : I / alpha dans la précision, avec ou sans données ; c'est une seule erreur.
# loses: test_q1_2 1.25
# %% q1_2
def posterior(Phi, y, alpha, beta):
    Sigma = np.linalg.inv(np.eye(Phi.shape[1]) / alpha + beta * Phi.T @ Phi)
    return beta * Sigma @ Phi.T @ y, Sigma
