# Le MAP par scipy, les scores par scikit-learn, la hessienne ligne par ligne, un tirage des poids pour chaque entrée.
# %% q1_1b
from scipy.optimize import minimize

def fit_map(model, X, y, lam):
    X1, t = torch.cat([X, torch.ones(len(X), 1)], dim=1).double().numpy(), y[:, 0].double().numpy()

    def U(w):
        z = X1 @ w
        p = 1 / (1 + np.exp(-z))
        return (np.logaddexp(0, z) - t * z).sum() + lam / 2 * w @ w, X1.T @ (p - t) + lam * w

    w = torch.from_numpy(minimize(U, np.zeros(3), jac=True, options={"gtol": 1e-6}).x).float()
    with torch.no_grad():
        model.fc.weight[0], model.fc.bias[0] = w[:2], w[2]
# %% after q1_1a
import numpy as np
# %% q1_2a
def hessian(X, y, w, lam):
    w = w.clone().requires_grad_()
    z = (X * w[:2]).sum(1) + w[2]
    U = -torch.distributions.Bernoulli(logits=z).log_prob(y[:, 0]).sum() + lam / 2 * (w * w).sum()
    (gradient,) = torch.autograd.grad(U, w, create_graph=True)
    return torch.stack([torch.autograd.grad(g, w, retain_graph=True)[0] for g in gradient])
# %% q1_2c
def laplace_predict(X, w_map, Sigma, nsamples):
    draws = np.random.multivariate_normal(w_map.numpy(), Sigma.numpy(), size=nsamples, check_valid="ignore")
    logits = X.double().numpy() @ draws[:, :2].T + draws[:, 2]
    return torch.from_numpy((1 / (1 + np.exp(-logits))).mean(axis=1)).float()
# %% q1_4
class LinearVariational(nn.Module):
    """Un tirage des poids pour chaque entrée."""

    def __init__(self, input_size, output_size, prior_var):
        super().__init__()
        self.log_prior_var = math.log(prior_var)
        shapes = [(input_size, output_size), (input_size, output_size), (output_size,), (output_size,)]
        for name, shape in zip(["w_mu", "w_rho", "b_mu", "b_rho"], shapes):
            self.register_parameter(name, nn.Parameter(0.1 * torch.randn(shape) - 3 * name.endswith("rho")))

    def sampling(self, mu, rho):
        return torch.normal(torch.zeros_like(mu), 1.0) * F.softplus(rho) + mu

    def kl_divergence(self):
        mu = nn.utils.parameters_to_vector([self.w_mu, self.b_mu])
        log_var = 2 * F.softplus(nn.utils.parameters_to_vector([self.w_rho, self.b_rho])).log()
        log_ratio = log_var - self.log_prior_var
        return 0.5 * (log_ratio.exp() + mu**2 * math.exp(-self.log_prior_var) - 1 - log_ratio).sum()

    def forward(self, x):
        n = len(x)
        w = self.sampling(self.w_mu.expand(n, -1, -1), self.w_rho.expand(n, -1, -1))
        b = self.sampling(self.b_mu.expand(n, -1), self.b_rho.expand(n, -1))
        return torch.einsum("nd,ndk->nk", x, w) + b
# %% q1_5b
def elbo_loss(model, x, y, n_total):
    return n_total * nn.BCELoss()(torch.sigmoid(model(x)), y) + model.kl_divergence()
# %% q2_1a
class VariationalMLP(nn.Sequential):
    def __init__(self, input_size, hidden_size, prior_var):
        super().__init__(LinearVariational(input_size, hidden_size, prior_var), nn.ReLU(), LinearVariational(hidden_size, 1, prior_var))

    def kl_divergence(self):
        return self[0].kl_divergence() + self[2].kl_divergence()
# %% q2_2b
def mc_dropout_predict(model, X, nsamples):
    mode = model.training
    model.train()
    probs = torch.sigmoid(torch.cat([model(x[None].expand(nsamples, -1)) for x in X], dim=1)).detach()
    model.train(mode)
    return probs
# %% q2_2c
from sklearn.metrics import accuracy_score, log_loss

def evaluate(probs, y):
    p, t = probs.double().mean(0).numpy(), y.flatten().int().numpy()
    return accuracy_score(t, p > 0.5), log_loss(t, p), float(probs.double().std(0).mean())
