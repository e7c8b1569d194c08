# Une boucle sur les points, des listes, et un calcul en colonne.
# %% q1_1
def phi_linear(x):
    return np.array([[1.0, float(v)] for v in np.ravel(x)])


# %% q1_3
def closed_form(func, X_train, y_train, alpha, beta):
    mu, Sigma = posterior(func(X_train), y_train, alpha, beta)

    def f_model(x):
        moyennes, ecarts = [], []
        for ligne in func(x):
            phi = ligne.reshape(-1, 1)
            moyennes.append((phi.T @ mu.reshape(-1, 1)).item())
            ecarts.append(((1 / beta + phi.T @ Sigma @ phi) ** 0.5).item())
        return np.array(moyennes), np.array(ecarts)

    return f_model


# %% q2_3
def phi_gaussian(x, M=9):
    lignes = []
    for v in np.ravel(x):
        lignes.append([np.exp(-((v - j / (M - 1)) ** 2) / (2 * (1 / M) ** 2)) for j in range(M)])
    return np.array(lignes)
