# Une boucle sans fin à la question 1.4 ne coûte que la question 1.4.
# loses: test_q1_4 2
# %% q1_4
def split_variance(func, X_train, y_train, alpha, beta, x):
    while True:
        pass
