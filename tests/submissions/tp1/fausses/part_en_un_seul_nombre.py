# La part aléatorique est un nombre au lieu d'un tableau de n valeurs.
# loses: test_q1_4b 0.5
# %% q1_4b
def variance_parts(f_model, x, beta):
    _, std = f_model(x)
    return 1 / beta, std**2 - 1 / beta
