# Les parts aléatorique et épistémique sont interverties.
# loses: test_q1_4 2
# %% q1_4
def split_variance(func, X_train, y_train, alpha, beta, x):
    _, Sigma = posterior(func(X_train), y_train, alpha, beta)
    Phi = func(x)
    epistemique = np.sum((Phi @ Sigma) * Phi, axis=1)
    return epistemique, np.full(len(epistemique), 1 / beta)
