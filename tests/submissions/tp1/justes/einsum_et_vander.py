# einsum pour les formes quadratiques, np.vander pour les puissances, et des affectations f_pred = closed_form(...).
# %% q1_1
def phi_linear(x):
    return np.vander(np.ravel(x), 2, increasing=True)
# %% q1_2
def posterior(Phi, y, alpha, beta):
    Sigma = np.linalg.inv(beta * np.einsum("ni,nj->ij", Phi, Phi) + np.diag([alpha] * Phi.shape[1]))
    return np.einsum("ij,nj,n->i", beta * Sigma, Phi, y), Sigma
# %% q1_3
def closed_form(func, X_train, y_train, alpha, beta):
    mu, Sigma = posterior(func(X_train), y_train, alpha, beta)

    def f_model(x):
        Phi = func(x)
        variance = np.einsum("ni,ij,nj->n", Phi, Sigma, Phi) + beta**-1
        return np.einsum("ni,i->n", Phi, mu), variance**0.5

    return f_model
# %% q1_4a
f_pred = closed_form(phi_linear, x_train, y_train, alpha, beta)
# %% q1_6a
f_pred_hole = closed_form(phi_linear, x_train_hole, y_train_hole, alpha, beta)
# %% q2_1
def phi_polynomial(x, degree=9):
    return np.vander(np.ravel(x), degree + 1, increasing=True)
# %% q2_2a
f_pred_poly = closed_form(phi_polynomial, x_train_sin, y_train_sin, alpha_sin, beta)
# %% q2_3
def phi_gaussian(x, M=9):
    ecarts = np.subtract.outer(np.ravel(x), np.arange(M) / (M - 1))
    return np.exp(-0.5 * (M * ecarts) ** 2)
# %% q2_4
f_pred_gauss = closed_form(phi_gaussian, x_train_sin, y_train_sin, alpha_sin, beta)
