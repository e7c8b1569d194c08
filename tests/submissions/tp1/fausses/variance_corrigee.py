# Variance empirique corrigée (ddof = 1) dans le cas alpha = 0.
# loses: test_q1_5a 1.25
# %% q1_5a
def variance_alpha0(x_star, x_train):
    x_star, x_train = np.ravel(x_star), np.ravel(x_train)
    N = len(x_train)
    return 1 + 1 / N + (x_star - np.mean(x_train)) ** 2 / (N * np.var(x_train, ddof=1))
