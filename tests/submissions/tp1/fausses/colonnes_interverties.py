# Les colonnes de phi_linear sont dans l'ordre x, 1.
# loses: test_q1_1 0.75
# %% q1_1
def phi_linear(x):
    return np.vander(np.ravel(x), 2)
