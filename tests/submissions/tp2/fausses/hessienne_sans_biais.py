# La hessienne oublie le biais : elle est de forme (2, 2), et la covariance aussi.
# loses: test_q1_2a 1
# %% q1_2a
def hessian(X, y, w, lam):
    p = torch.sigmoid(X @ w[:2] + w[2])
    return (X * (p * (1 - p))[:, None]).T @ X + lam * torch.eye(2)
