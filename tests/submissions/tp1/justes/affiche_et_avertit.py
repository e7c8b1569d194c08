# Des print, des avertissements sur stderr, une figure, une valeur affichée en fin de cellule : rien de cela n'est une faute.
# %% q1_1
import logging
import sys
import warnings

warnings.simplefilter("always")


def phi_linear(x):
    warnings.warn("je vérifie mes avertissements")
    print("phi_linear", np.shape(x))
    return np.column_stack([np.ones(np.size(x)), np.ravel(x)])


phi_linear(2.0)
# %% q1_2
def posterior(Phi, y, alpha, beta):
    print("alpha =", alpha, "beta =", beta, file=sys.stderr)
    logging.getLogger().warning("posterior de %s", Phi.shape)
    np.log(np.zeros(1))  # un RuntimeWarning de numpy
    Sigma = np.linalg.inv(alpha * np.eye(Phi.shape[1]) + beta * Phi.T @ Phi)
    return beta * Sigma @ Phi.T @ y, Sigma
# %% q2_2a
def f_pred_poly(x):
    mean, std = closed_form(phi_polynomial, x_train_sin, y_train_sin, alpha_sin, beta)(x)
    plt.figure()
    plt.plot(np.ravel(x), mean)
    return mean, std


f_pred_poly(np.linspace(0, 1, 3))
