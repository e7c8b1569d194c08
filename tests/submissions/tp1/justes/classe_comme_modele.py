# closed_form renvoie un objet que l'on peut appeler, les prédictions sont des lambdas, les fonctions de base une classe.
# %% q1_3
class Modele:
    """Régression bayésienne ajustée ; s'appelle comme une fonction."""

    def __init__(self, func, X, y, alpha, beta):
        self.func, self.beta = func, beta
        self.mu, self.Sigma = posterior(func(X), y, alpha, beta)

    @property
    def bruit(self):
        return 1 / self.beta

    def __call__(self, x):
        Phi = self.func(x)
        return Phi.dot(self.mu), np.sqrt(self.bruit + ((Phi @ self.Sigma) * Phi).sum(1))


closed_form = Modele
# %% q1_4a
modele = Modele(phi_linear, x_train, y_train, alpha, beta)
f_pred = lambda x: modele(x)
# %% q1_4b
def variance_parts(f_model, x, beta):
    std = f_model(x)[1]
    return np.ones_like(std) / beta, std * std - 1 / beta
# %% q1_6a
f_pred_hole = Modele(phi_linear, x_train_hole, y_train_hole, alpha, beta)
# %% q1_6b
# La valeur exacte, par le calcul.
N = x_train_hole.size
x_min_hole = beta * N * x_train_hole.mean() / (alpha + beta * N)
reponses_1_6 = dict(a=False, b=True, c=False, d=False, e=True)
# %% q2_3
class BaseGaussienne:
    def __call__(self, x, M=9):
        x = np.asarray(x, dtype=float).reshape(-1, 1)
        return np.exp(-(M**2) * (x - np.linspace(0, 1, num=M)[None, :]) ** 2 / 2)


phi_gaussian = BaseGaussienne()
# %% q2_6c
reponses_2_6 = {}
for lettre, reponse in zip("abcde", (False, False, True, False, True)):
    reponses_2_6[lettre] = reponse
