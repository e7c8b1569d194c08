# La hessienne par torch.autograd.functional, la limite au loin en évaluant très loin, des boucles sur les tirages.
# %% q1_1b
def fit_map(model, X, y, lam):
    # Descente de gradient ordinaire, sur toutes les données, jusqu'au critère.
    parameters = [model.fc.weight, model.fc.bias]
    for _ in range(100000):
        z = model(X)
        U = F.softplus(z).sum() - (y * z).sum()
        U = U + 0.5 * lam * (model.fc.weight.pow(2).sum() + model.fc.bias.pow(2).sum())
        gradients = torch.autograd.grad(U, parameters)
        if max(g.abs().max().item() for g in gradients) < 5e-5:
            break
        with torch.no_grad():
            for p, g in zip(parameters, gradients):
                p -= 0.05 * g
# %% q1_2a
def hessian(X, y, w, lam):
    def U(w):
        z = X @ w[:2] + w[2]
        return F.binary_cross_entropy_with_logits(z, y[:, 0], reduction="sum") + lam / 2 * w @ w

    return torch.autograd.functional.hessian(U, w)
# %% q1_2b
Sigma_laplace = torch.inverse(hessian(X_train, y_train, w_map, lam))
# %% q1_2c
def laplace_predict(X, w_map, Sigma, nsamples):
    L = torch.linalg.cholesky(Sigma)
    total = torch.zeros(len(X))
    for _ in range(nsamples):
        w = w_map + L @ torch.randn(3)
        total += torch.sigmoid(X @ w[:2] + w[2])
    return total / nsamples
# %% q1_2d
def probit_predict(X, w_map, Sigma):
    resultats = []
    for x in X:
        x1 = torch.cat([x, torch.ones(1)])
        kappa = 1 / torch.sqrt(1 + torch.pi / 8 * (x1 @ Sigma @ x1))
        resultats.append(torch.sigmoid(kappa * (w_map @ x1)))
    return torch.stack(resultats)
# %% q1_3a
def far_limit(w_map, Sigma, d):
    return probit_predict(1e5 * d[None, :], w_map, Sigma)[0].item()
