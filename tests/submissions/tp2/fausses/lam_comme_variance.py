# Dans la hessienne, 1 / lam au lieu de lam.
# loses: test_q1_2a 0.5
# %% q1_2a
def hessian(X, y, w, lam):
    X1 = torch.cat([X, torch.ones(len(X), 1)], dim=1)
    p = torch.sigmoid(X1 @ w)
    return (X1 * (p * (1 - p))[:, None]).T @ X1 + torch.eye(3) / lam
