# Des essais à soi entre les cellules, des graines fixées, un affichage dans les fonctions ; le modèle est remis en mode eval().
# %% after q1_1a
torch.manual_seed(1234)
essai = LogisticRegression(2)
print(essai(torch.zeros(3, 2)))
# %% q1_2c
def laplace_predict(X, w_map, Sigma, nsamples):
    print("tirages :", nsamples)
    loi = torch.distributions.MultivariateNormal(loc=w_map, covariance_matrix=Sigma)
    probabilites = 0
    for w in loi.sample([nsamples]):
        probabilites = probabilites + torch.sigmoid(X @ w[:-1] + w[-1]) / nsamples
    return probabilites
# %% after q1_4
couche = LinearVariational(2, 1, 1.0)
print(couche(torch.ones(1, 2)), couche.kl_divergence())
# %% q1_4
class LinearVariational(nn.Module):
    """Une couche dont le tirage est gardé, pour la regarder."""

    def __init__(self, input_size, output_size, prior_var):
        super().__init__()
        self.register_buffer("prior_var", torch.tensor(float(prior_var)))
        self.w_mu = nn.Parameter(nn.init.xavier_normal_(torch.empty(output_size, input_size)))
        self.w_rho = nn.Parameter(-3 * torch.ones(output_size, input_size))
        self.b_mu, self.b_rho = nn.Parameter(torch.zeros(output_size)), nn.Parameter(-3 * torch.ones(output_size))
        self.w = self.b = None

    @staticmethod
    def kl(mu, sigma, variance):
        return (0.5 * torch.log(variance / sigma**2) + (sigma**2 + mu**2) / (2 * variance) - 0.5).sum()

    def sampling(self, mu, rho):
        return torch.addcmul(mu, F.softplus(rho), torch.empty_like(mu).normal_())

    def kl_divergence(self):
        return self.kl(self.w_mu, F.softplus(self.w_rho), self.prior_var) + self.kl(
            self.b_mu, F.softplus(self.b_rho), self.prior_var
        )

    def forward(self, x):
        self.w = self.sampling(self.w_mu, self.w_rho)
        self.b = self.sampling(self.b_mu, self.b_rho)
        return torch.mm(x, self.w.t()) + self.b
# %% q1_5a
class VariationalLogisticRegression(nn.Module):
    def __init__(self, input_size, prior_var):
        super().__init__()
        self.layer = LinearVariational(input_size, output_size=1, prior_var=prior_var)
        self.kl_divergence = self.layer.kl_divergence

    def forward(self, x):
        return self.layer.forward(x).view(-1, 1)
# %% q2_1a
class VariationalMLP(nn.Module):
    def __init__(self, input_size, hidden_size, prior_var):
        super().__init__()
        self.layers = nn.ModuleList([LinearVariational(a, b, prior_var) for a, b in [(input_size, hidden_size), (hidden_size, 1)]])

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = layer(x).clamp(min=0)
        return self.layers[-1](x)

    def kl_divergence(self):
        return torch.stack([layer.kl_divergence() for layer in self.layers]).sum()
# %% q2_2b
def mc_dropout_predict(model, X, nsamples):
    model.train()
    probs = torch.zeros(nsamples, X.shape[0])
    for k in range(nsamples):
        probs[k] = model(X)[:, 0].sigmoid()
    model.eval()
    return probs
# %% text after q2_2d
Une note à moi-même : relire l'article de Gal.
