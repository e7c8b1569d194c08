# Les poids sont tirés indépendamment : la diagonale de Sigma seulement.
# loses: test_q1_2c 1
# %% q1_2c
def laplace_predict(X, w_map, Sigma, nsamples):
    w = w_map + torch.randn(nsamples, 3) * torch.sqrt(torch.diag(Sigma))
    return torch.sigmoid(X @ w[:, :2].T + w[:, 2]).mean(dim=1)
