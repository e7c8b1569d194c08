# Des boucles et des listes, un point après l'autre.
# %% q1_1
def phi_linear(x):
    return np.array([[1.0, float(v)] for v in np.ravel(x)])
# %% q1_2
def posterior(Phi, y, alpha, beta):
    M = Phi.shape[1]
    A = alpha * np.identity(M)
    b = np.zeros(M)
    for phi, sortie in zip(Phi, y):
        A += beta * np.outer(phi, phi)
        b += beta * sortie * phi
    Sigma = np.linalg.inv(A)
    return Sigma @ b, Sigma
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
# %% q1_4b
def variance_parts(f_model, x, beta):
    aleatoric, epistemic = [], []
    for v in x:
        _, std = f_model(np.array([v]))
        aleatoric.append(1 / beta)
        epistemic.append(float(std[0]) ** 2 - 1 / beta)
    return np.array(aleatoric), np.array(epistemic)
# %% q1_5a
def variance_alpha0(x_star, x_train):
    points = [float(v) for v in np.ravel(x_train)]
    N = len(points)
    barycentre = sum(points) / N
    etalement = sum((v - barycentre) ** 2 for v in points) / N
    return np.array([1 + 1 / N + (v - barycentre) ** 2 / (N * etalement) for v in np.ravel(x_star)])
# %% q2_1
def phi_polynomial(x, degree=9):
    lignes = []
    for v in np.ravel(x):
        ligne = [1.0]
        for _ in range(degree):
            ligne.append(ligne[-1] * v)
        lignes.append(ligne)
    return np.array(lignes)
# %% q2_3
def phi_gaussian(x, M=9):
    lignes = []
    for v in np.ravel(x):
        lignes.append([np.exp(-((v - j / (M - 1)) ** 2) / (2 * (1 / M) ** 2)) for j in range(M)])
    return np.array(lignes)
# %% q2_6b
def best_alpha(Phi, y, alphas, beta):
    meilleur, record = None, -np.inf
    for a in alphas:
        valeur = log_evidence(Phi, y, a, beta)
        if valeur > record:
            meilleur, record = a, valeur
    return meilleur, record
