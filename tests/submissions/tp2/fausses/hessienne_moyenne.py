# La hessienne de la moyenne des coûts, non de leur somme.
# loses: test_q1_2a 1
# %% q1_2a
def hessian(X, y, w, lam):
    X1 = torch.cat([X, torch.ones(len(X), 1)], dim=1)
    p = torch.sigmoid(X1 @ w)
    return (X1 * (p * (1 - p))[:, None]).T @ X1 / len(X) + lam * torch.eye(3)
