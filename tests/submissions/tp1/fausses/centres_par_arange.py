# Les centres viennent de np.arange(0, 1, 1 / M) : pas de centre en 1, parfois un de trop.
# loses: test_q2_3 1.25
# %% q2_3
def phi_gaussian(x, M=9):
    x = np.asarray(x, dtype=float).reshape(-1, 1)
    return np.exp(-((x - np.arange(0, 1, 1 / M)) ** 2) * M**2 / 2)
