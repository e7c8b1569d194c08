# Renvoie des listes immenses, imbriquées, récursives, des tableaux qui se disent énormes ; seules ces réponses sont perdues.
# loses: test_q1_4b 1, test_q1_5a 1.5, test_q1_6b 0.5, test_q2_5 0.5, test_q2_6b 0.5
# %% q1_4b
def variance_parts(f_model, x, beta):
    enorme = np.broadcast_to(0.04, (10**5, 10**6))
    return enorme, enorme
# %% q1_5a
def variance_alpha0(x_star, x_train):
    liste = []
    for _ in range(200_000):
        liste = [liste]
    return liste
# %% q1_6b
x_min_hole = 10**100_000
reponses_1_6 = {"a": False, "b": True, "c": False, "d": False, "e": True}
# %% q2_5
boucle = []
boucle.append(boucle)
limites_2_5 = {"moyenne": boucle, "variance": boucle}
reponses_2_5 = {"a": True, "b": False, "c": False, "d": True, "e": False}
# %% q2_6b
def best_alpha(Phi, y, alphas, beta):
    return [0.0] * 30_000_000, {i: [i] for i in range(1_000_000)}
