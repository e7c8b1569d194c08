# LBFGS sans recherche linéaire, relancé jusqu'au critère ; des lois de torch.distributions ; le masque du dropout écrit à la main.
# %% q1_1a
class LogisticRegression(nn.Module):
    def __init__(self, input_size):
        super().__init__()
        self.add_module("fc", nn.Linear(input_size, 1))

    def forward(self, x):
        return torch.einsum("nd,kd->nk", x, self.fc.weight) + self.fc.bias
# %% q1_1b
def fit_map(model, X, y, lam):
    optimizer = torch.optim.LBFGS(model.fc.parameters(), lr=1)

    def closure():
        optimizer.zero_grad()
        log_p = torch.distributions.Bernoulli(logits=model.fc(X)).log_prob(y).sum()
        log_prior = sum(-lam * p.square().sum() / 2 for p in model.fc.parameters())
        loss = -(log_p + log_prior)
        loss.backward()
        return loss

    for _ in range(100):
        optimizer.step(closure)
        closure()
        if max(p.grad.abs().max() for p in model.fc.parameters()) < 1e-4:
            break
# %% q1_2b
Sigma_laplace = torch.cholesky_inverse(torch.linalg.cholesky(hessian(X_train, y_train, w_map, lam)))
# %% q1_5b
def elbo_loss(model, x, y, n_total):
    log_likelihood = torch.distributions.Bernoulli(logits=model(x)).log_prob(y).mean()
    return model.kl_divergence() - n_total * log_likelihood
# %% q2_1b
reponses_2_1 = {letter: letter in "ade" for letter in "abcde"}
# %% q2_2a
class MLP(nn.Module):
    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.hidden, self.last = nn.Linear(input_size, hidden_size), nn.Linear(hidden_size, 1)

    def forward(self, x):
        h = self.hidden(x).relu()
        if self.training:
            h = h * torch.bernoulli(torch.full_like(h, 0.8)) / 0.8
        return self.last(h)
# %% q2_2b
import copy

def mc_dropout_predict(model, X, nsamples):
    stochastic = copy.deepcopy(model).train()
    return torch.vstack([stochastic(X).sigmoid().T for _ in range(nsamples)]).detach()
# %% q2_2d
reponses_2_2 = {"a": False, "b": True}
reponses_2_2.update(c=False, d=True, e=False)
