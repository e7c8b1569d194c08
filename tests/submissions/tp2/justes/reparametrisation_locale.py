# Les sorties sont tirées, non les poids ; F.dropout avec un drapeau explicite ; coût de Blundell, divergence pondérée par B / N.
# %% q1_1b
def fit_map(model, X, y, lam):
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for step in range(50000):
        optimizer.zero_grad()
        w = torch.cat([p.flatten() for p in model.parameters()])
        U = nn.BCEWithLogitsLoss(reduction="sum")(model(X), y) + lam / 2 * torch.dot(w, w)
        U.backward()
        if all((p.grad.abs() < 3e-5).all() for p in model.parameters()):
            return
        for group in optimizer.param_groups:
            group["lr"] = 0.05 / (1 + step / 300)
        optimizer.step()
# %% q1_4
class LinearVariational(nn.Module):
    def __init__(self, input_size, output_size, prior_var):
        super().__init__()
        self.prior_var = prior_var
        for nom, forme in {"w": (output_size, input_size), "b": (output_size,)}.items():
            setattr(self, nom + "_mu", nn.Parameter(torch.empty(forme).normal_(0, 0.1)))
            setattr(self, nom + "_rho", nn.Parameter(torch.empty(forme).fill_(-3)))

    @property
    def sigmas(self):
        return torch.log1p(torch.exp(self.w_rho)), torch.log1p(torch.exp(self.b_rho))

    def sampling(self, mu, rho):
        eps = torch.distributions.Normal(0, 1).sample(mu.shape)
        return mu + torch.log(1 + rho.exp()) * eps

    def kl_divergence(self):
        mu = torch.cat([self.w_mu.flatten(), self.b_mu])
        s2 = torch.cat([s.flatten() for s in self.sigmas]) ** 2
        return 0.5 * torch.sum((s2 + mu**2) / self.prior_var - 1 - torch.log(s2 / self.prior_var))

    def forward(self, x):
        sw, sb = self.sigmas
        mean, var = F.linear(x, self.w_mu, self.b_mu), F.linear(x**2, sw**2, sb**2)
        return mean + var.sqrt() * torch.randn_like(mean)
# %% q1_5b
def elbo_loss(model, x, y, n_total):
    # La moyenne de deux tirages ; la divergence pèse B / N.
    logits = [model(x) for _ in range(2)]
    nll = sum(nn.functional.binary_cross_entropy_with_logits(z, y, reduction="sum") for z in logits) / 2
    return nll + len(x) / n_total * model.kl_divergence()
# %% q2_2a
class MLP(nn.Module):
    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.sortie = nn.Linear(hidden_size, 1)
        self.cachee = nn.Linear(input_size, hidden_size)
        self.mc = False

    def forward(self, x):
        h = torch.relu(self.cachee(x))
        return self.sortie(F.dropout(h, p=0.2, training=self.training or self.mc))
# %% q2_2b
def mc_dropout_predict(model, X, nsamples):
    model.mc = True
    tirages = [torch.sigmoid(model(X)).flatten().detach() for _ in range(nsamples)]
    model.mc = False
    return torch.stack(tirages, dim=0)
# %% q2_2c
def evaluate(probs, y):
    p = probs.mean(0, keepdim=True).T
    exact = torch.where(y == 1, p > 0.5, p <= 0.5)
    vrais = y * p + (1 - y) * (1 - p)
    return exact.float().mean(), -vrais.log().mean(), torch.std(probs, dim=0, unbiased=False).mean()
