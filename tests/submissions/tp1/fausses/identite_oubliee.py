# alpha est ajouté à toute la matrice, sans l'identité ; sans donnée, elle n'est plus inversible.
# loses: test_q1_2 1.75
# %% q1_2
def posterior(Phi, y, alpha, beta):
    Sigma = np.linalg.inv(alpha + beta * Phi.T @ Phi)
    return beta * Sigma @ Phi.T @ y, Sigma
