# np.vander sans increasing=True : les puissances sont dans l'ordre inverse.
# loses: test_q2_1 0.75
# %% q2_1
def phi_polynomial(x, degree=9):
    return np.vander(np.ravel(x), degree + 1)
