# La hessienne est dans l'ordre b, w1, w2.
# loses: test_q1_2a 1
# %% q1_2a
def hessian(X, y, w, lam):
    X1 = torch.cat([torch.ones(len(X), 1), X], dim=1)
    p = torch.sigmoid(X1[:, 1:] @ w[:2] + w[2])
    return (X1 * (p * (1 - p))[:, None]).T @ X1 + lam * torch.eye(3)
