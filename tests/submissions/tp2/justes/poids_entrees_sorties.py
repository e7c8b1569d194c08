# Les poids sont de forme (entrées, sorties), la régression hérite de la couche, le réseau est un Sequential.
# %% q1_1a
class LogisticRegression(torch.nn.Module):
    def __init__(self, input_size):
        super().__init__()
        self.fc = torch.nn.Linear(in_features=input_size, out_features=1, bias=True)

    def forward(self, x):
        return x @ self.fc.weight.T + self.fc.bias
# %% q1_4
class LinearVariational(nn.Module):
    def __init__(self, input_size, output_size, prior_var):
        super().__init__()
        self.prior = torch.distributions.Normal(0.0, prior_var**0.5)
        self.w_mu = nn.Parameter(0.1 * torch.randn(input_size, output_size))
        self.w_rho = nn.Parameter(torch.zeros(input_size, output_size) - 2)
        self.b_mu = nn.Parameter(torch.zeros(output_size))
        self.b_rho = nn.Parameter(torch.zeros(output_size) - 2)

    def sampling(self, mu, rho):
        return torch.distributions.Normal(mu, nn.Softplus()(rho)).rsample()

    def kl_divergence(self):
        paires = [(self.w_mu, self.w_rho), (self.b_mu, self.b_rho)]
        return sum(
            torch.distributions.kl_divergence(torch.distributions.Normal(m, F.softplus(r)), self.prior).sum()
            for m, r in paires
        )

    def forward(self, x):
        w, b = self.sampling(self.w_mu, self.w_rho), self.sampling(self.b_mu, self.b_rho)
        return torch.matmul(x, w) + b
# %% q1_5a
class VariationalLogisticRegression(LinearVariational):
    def __init__(self, input_size, prior_var):
        super().__init__(input_size, 1, prior_var)
# %% q1_5b
def elbo_loss(model, x, y, n_total):
    # Coût moyen par point : la divergence y est divisée par N.
    return F.binary_cross_entropy_with_logits(model(x), y) + model.kl_divergence() / n_total
# %% q2_1a
class VariationalMLP(nn.Module):
    def __init__(self, input_size, hidden_size, prior_var):
        super().__init__()
        self.couches = nn.Sequential(
            LinearVariational(input_size, hidden_size, prior_var), nn.ReLU(), LinearVariational(hidden_size, 1, prior_var)
        )

    def forward(self, x):
        return self.couches(x)

    def kl_divergence(self):
        return sum(m.kl_divergence() for m in self.couches if isinstance(m, LinearVariational))
# %% q2_2a
class MLP(nn.Module):
    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(input_size, hidden_size), nn.Dropout(p=0.2), nn.ReLU(), nn.Linear(hidden_size, 1)
        )

    def forward(self, x):
        return self.net(x)
# %% q2_2b
def mc_dropout_predict(model, X, nsamples):
    model.eval()
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.train()
    # Un seul appel, les entrées répétées : chaque ligne a son masque.
    with torch.no_grad():
        return torch.sigmoid(model(X.repeat(nsamples, 1))).reshape(nsamples, len(X))
