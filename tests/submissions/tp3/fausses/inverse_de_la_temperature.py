# Les logits sont multipliés par T.
# loses: test_q1_4b 1
# %% q1_4b
def fit_temperature(logits, labels):
    grille = np.exp(np.linspace(-3, 3, 1500))
    couts = [F.cross_entropy(logits * T, labels).item() for T in grille]
    return grille[int(np.argmin(couts))]
