# La hessienne est prise aux poids du MAP, non au point donné.
# loses: test_q1_2a 1
# %% q1_2a
def hessian(X, y, w, lam):
    X1 = torch.cat([X, torch.ones(len(X), 1)], dim=1)
    p = torch.sigmoid(X1 @ w_map)
    return (X1 * (p * (1 - p))[:, None]).T @ X1 + lam * torch.eye(3)
