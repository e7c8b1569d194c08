# Renvoie des tenseurs creux, sans données, complexes, quantifiés, gigantesques par diffusion, ou qui se contiennent.
# base: release
# %% q1_2a
def hessian(X, y, w, lam):
    return torch.eye(3).to_sparse()
# %% q1_2b
Sigma_laplace = torch.empty(3, 3, device="meta")
# %% q1_2c
def laplace_predict(X, w_map, Sigma, nsamples):
    return torch.zeros(1).expand(10**12)
# %% q1_2d
def probit_predict(X, w_map, Sigma):
    return torch.quantize_per_tensor(torch.zeros(len(X)), 0.1, 0, torch.quint8)
# %% q1_3a
def far_limit(w_map, Sigma, d):
    return torch.tensor(float("nan"))
# %% q1_4
class LinearVariational(nn.Module):
    def __init__(self, input_size, output_size, prior_var):
        super().__init__()
        self.w_mu = nn.Parameter(torch.full((output_size, input_size), float("nan")))
        self.moi = [self]

    def sampling(self, mu, rho):
        return torch.full_like(mu, float("inf"))

    def kl_divergence(self):
        return torch.tensor(float("nan"), requires_grad=True)

    def forward(self, x):
        return self.moi
# %% q1_5b
def elbo_loss(model, x, y, n_total):
    return (model(x).sum() + model.kl_divergence()) * float("nan")
# %% q2_2b
def mc_dropout_predict(model, X, nsamples):
    return torch.randn(nsamples, len(X), dtype=torch.complex64)
# %% q2_2c
def evaluate(probs, y):
    boucle = []
    boucle.append(boucle)
    return boucle
