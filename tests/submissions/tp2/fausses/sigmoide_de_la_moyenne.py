# La sigmoïde est appliquée à la moyenne des logits : c'est la prédiction du MAP.
# loses: test_q1_2c 1
# %% q1_2c
def laplace_predict(X, w_map, Sigma, nsamples):
    w = torch.distributions.MultivariateNormal(w_map, Sigma).sample((nsamples,))
    return torch.sigmoid((X @ w[:, :2].T + w[:, 2]).mean(dim=1))
