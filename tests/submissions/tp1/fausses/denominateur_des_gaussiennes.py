# (2 s)² au lieu de 2 s² dans les features gaussiennes.
# loses: test_q2_3 1.5
# %% q2_3
def phi_gaussian(x, M=9):
    x = np.asarray(x, dtype=float).reshape(-1, 1)
    return np.exp(-((x - np.linspace(0, 1, M)) ** 2) / (2 / M) ** 2)
