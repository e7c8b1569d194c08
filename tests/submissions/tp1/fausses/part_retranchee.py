# La part épistémique est retranchée du bruit : loin des données, l'écart-type est NaN, ici et dans tout ce qui suit.
# loses: test_q1_3 1.25
# %% q1_3
def closed_form(func, X_train, y_train, alpha, beta):
    mu, Sigma = posterior(func(X_train), y_train, alpha, beta)

    def f_model(x):
        Phi = func(x)
        return Phi @ mu, np.sqrt(1 / beta - np.sum((Phi @ Sigma) * Phi, axis=1))

    return f_model
