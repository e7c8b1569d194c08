# (2 s)² au lieu de 2 s² dans les fonctions de base gaussiennes.
# loses: test_q2_3 1
# %% q2_3
def phi_gaussian(x, M=9):
    s = 1 / M
    return np.exp(-((np.reshape(x, (-1, 1)) - np.linspace(0, 1, M)) ** 2) / (2 * s) ** 2)
