# La prédiction en d, sans le biais : la limite n'est pas prise.
# loses: test_q1_3a 0.75
# %% q1_3a
def far_limit(w_map, Sigma, d):
    v = d @ Sigma[:2, :2] @ d
    return torch.sigmoid(w_map[:2] @ d / torch.sqrt(1 + math.pi / 8 * v))
