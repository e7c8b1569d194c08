# Le facteur pi / 8 manque dans la limite.
# loses: test_q1_3a 0.75
# %% q1_3a
def far_limit(w_map, Sigma, d):
    return torch.sigmoid(w_map[:2] @ d / torch.sqrt(d @ Sigma[:2, :2] @ d))
