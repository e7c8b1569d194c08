# Le modèle passe en double précision le temps de l'apprentissage ; la loi prédictive est en double précision.
# %% q1_1b
def fit_map(model, X, y, lam):
    model.double()
    optimizer = torch.optim.LBFGS(model.parameters(), lr=1, max_iter=200, tolerance_grad=1e-7, line_search_fn="strong_wolfe")
    Xd, yd = X.double(), y.double()

    def closure():
        optimizer.zero_grad()
        loss = F.binary_cross_entropy_with_logits(model(Xd), yd, reduction="sum")
        for p in model.parameters():
            loss = loss + 0.5 * lam * (p**2).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    model.float()
# %% q1_2a
def hessian(X, y, w, lam):
    H = lam * torch.eye(3, dtype=torch.float64)
    for x in X.double():
        x1 = torch.cat([x, torch.ones(1)])
        p = torch.sigmoid(x1 @ w.double())
        H += p * (1 - p) * torch.outer(x1, x1)
    return H
# %% q1_2b
Sigma_laplace = torch.linalg.pinv(hessian(X_train, y_train, w_map, lam), hermitian=True).float()
# %% q1_2d
def probit_predict(X, w_map, Sigma):
    m = X @ w_map[:2] + w_map[2]
    v = (X @ Sigma[:2, :2] * X).sum(1) + 2 * X @ Sigma[:2, 2] + Sigma[2, 2]
    return 1 / (1 + torch.exp(-m / torch.sqrt(1 + torch.pi / 8 * v)))
# %% q1_3a
def far_limit(w_map, Sigma, d):
    u = d.double() / d.double().norm()
    A = Sigma[:2, :2].double()
    return torch.sigmoid((u @ w_map[:2].double()) * (8 / torch.pi / (u @ A @ u)).sqrt())
# %% q1_5a
class VariationalLogisticRegression(nn.Module):
    def __init__(self, input_size, prior_var):
        super().__init__()
        self.couches = nn.ModuleDict({"sortie": LinearVariational(input_size, 1, prior_var)})

    def forward(self, x):
        return self.couches["sortie"](x)

    def kl_divergence(self):
        return sum(couche.kl_divergence() for couche in self.couches.values())
# %% q2_1a
class VariationalMLP(nn.Module):
    def __init__(self, input_size, hidden_size, prior_var):
        super().__init__()
        self.sortie = LinearVariational(hidden_size, 1, prior_var)
        self.cachee = LinearVariational(input_size, hidden_size, prior_var)

    def forward(self, x):
        return self.sortie(torch.maximum(self.cachee(x), torch.zeros(1)))

    def kl_divergence(self):
        return sum(m.kl_divergence() for m in self.modules() if isinstance(m, LinearVariational))
# %% q2_2b
def mc_dropout_predict(model, X, nsamples):
    dropouts = [m for m in model.modules() if "Dropout" in type(m).__name__]
    before = [m.training for m in dropouts]
    for m in dropouts:
        m.train()
    with torch.inference_mode():
        probs = torch.stack([model(X).flatten() for _ in range(nsamples)]).sigmoid()
    for m, mode in zip(dropouts, before):
        m.train(mode)
    return probs
