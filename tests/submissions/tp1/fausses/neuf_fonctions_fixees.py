# La largeur des fonctions gaussiennes est fixée à 1 / 9, quel que soit M.
# loses: test_q2_3 0.25
# %% q2_3
def phi_gaussian(x, M=9):
    return np.exp(-((np.reshape(x, (-1, 1)) - np.linspace(0, 1, M)) ** 2) / (2 / 81))
