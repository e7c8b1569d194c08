# beta multiplie la moyenne une seconde fois, et une entrée scalaire n'est pas acceptée : deux erreurs, deux parts.
# loses: test_q1_3 1.75
# %% q1_3
def closed_form(func, X_train, y_train, alpha, beta):
    mu, Sigma = posterior(func(X_train), y_train, alpha, beta)

    def f_model(x):
        Phi = func(x)
        variance = [1 / beta + Phi[k] @ Sigma @ Phi[k] for k in range(len(x))]
        return beta * Phi @ mu, np.sqrt(variance)

    return f_model
