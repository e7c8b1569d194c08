# La variance des logits ne compte pas le biais.
# loses: test_q1_2d 1
# %% q1_2d
def probit_predict(X, w_map, Sigma):
    v = ((X @ Sigma[:2, :2]) * X).sum(dim=1)
    return torch.sigmoid((X @ w_map[:2] + w_map[2]) / torch.sqrt(1 + math.pi * v / 8))
