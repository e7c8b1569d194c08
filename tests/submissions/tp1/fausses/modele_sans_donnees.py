# closed_form renvoie un modèle qui ignore les données : rien de ce qui l'appelle n'en devient juste.
# loses: test_q1_3 3, test_q1_4a 1, test_q1_6a 0.5, test_q2_2a 0.5, test_q2_4 0.5, test_q1_6b 0.5
# %% q1_3
def closed_form(func, X_train, y_train, alpha, beta):
    def f_model(x):
        x = np.ravel(x)
        return 0.5 * x - 0.3, np.sqrt(1 / beta + x**2 / 100)

    return f_model
