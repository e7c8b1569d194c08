# Une faute de syntaxe dans une réponse ne coûte que cette réponse.
# loses: test_q1_5a 1.5
# %% q1_5a
def variance_alpha0(x_star, x_train)
    x_star, x_train = np.ravel(x_star), np.ravel(x_train)
    return 1 + 1 / len(x_train) + (x_star - x_train.mean()) ** 2 / np.sum((x_train - x_train.mean()) ** 2)
