# La hessienne par torch.func, le MAP par la méthode de Newton, tout en double précision, des résultats en colonne ou en numpy.
# %% q1_1b
def fit_map(model, X, y, lam):
    X1 = torch.cat([X, torch.ones_like(X[:, :1])], dim=1).double()
    w = torch.zeros(3, dtype=torch.float64)
    for _ in range(50):
        p = torch.sigmoid(X1 @ w)
        g = X1.T @ (p - y[:, 0]) + lam * w
        w -= torch.linalg.solve(X1.T @ torch.diag(p * (1 - p)) @ X1 + lam * torch.eye(3), g)
    model.fc.weight.data = w[:2].float().reshape(1, 2)
    model.fc.bias.data = w[2:].float()
    return model
# %% q1_2a
def hessian(X, y, w, lam):
    def U(w):
        z = X.double() @ w[:2] + w[2]
        return -(y[:, 0] * F.logsigmoid(z) + (1 - y[:, 0]) * F.logsigmoid(-z)).sum() + lam * (w**2).sum() / 2

    return torch.func.hessian(U)(w.double())
# %% q1_2b
Sigma_laplace = torch.linalg.solve(hessian(X_train, y_train, w_map, lam), torch.eye(3).double()).float()
# %% q1_2c
def laplace_predict(X, w_map, Sigma, nsamples):
    e, V = torch.linalg.eigh(Sigma)
    w = w_map[:, None] + V @ (e.clamp(min=0).sqrt()[:, None] * torch.randn(3, nsamples))
    return (X @ w[:2] + w[2]).sigmoid().mean(1)
# %% q1_2d
def probit_predict(X, w_map, Sigma):
    X1 = F.pad(X, (0, 1), value=1.0)
    m, v = X1 @ w_map, torch.einsum("ni,ij,nj->n", X1, Sigma, X1)
    return torch.sigmoid(m / (1 + torch.pi * v / 8) ** 0.5)
# %% q1_3a
def far_limit(w_map, Sigma, d):
    d3 = F.pad(d, (0, 1)).numpy()
    m, v = w_map.numpy() @ d3, d3 @ Sigma.numpy() @ d3
    return 1 / (1 + math.exp(-m / math.sqrt(math.pi * v / 8)))
# %% q2_2c
import numpy as np

def evaluate(probs, y):
    P, t = probs.numpy(), y.numpy().ravel()
    p = P.mean(axis=0)
    log_p = np.where(t == 1, np.log(p), np.log1p(-p))
    return np.array([np.mean((p > 0.5) == t), -log_p.mean(), P.std(axis=0).mean()])
