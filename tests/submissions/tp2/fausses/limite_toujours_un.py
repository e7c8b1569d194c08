# La limite au loin est dite égale à 1 ou à 0, comme pour le MAP.
# loses: test_q1_3a 0.75
# %% q1_3a
def far_limit(w_map, Sigma, d):
    return float(w_map[:2] @ d > 0)
