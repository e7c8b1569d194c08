# La divergence est estimée par un tirage, non par la formule.
# loses: test_q1_4 1
# %% q1_4
class LinearVariational(nn.Module):
    def __init__(self, input_size, output_size, prior_var):
        super().__init__()
        self.prior_var = prior_var
        self.w_mu = nn.Parameter(torch.randn(output_size, input_size) / math.sqrt(input_size))
        self.w_rho = nn.Parameter(torch.full((output_size, input_size), -3.0))
        self.b_mu = nn.Parameter(torch.zeros(output_size))
        self.b_rho = nn.Parameter(torch.full((output_size,), -3.0))

    def sampling(self, mu, rho):
        return mu + F.softplus(rho) * torch.randn_like(mu)

    def kl_divergence(self):
        total = 0.0
        prior = torch.distributions.Normal(0.0, math.sqrt(self.prior_var))
        for mu, rho in ((self.w_mu, self.w_rho), (self.b_mu, self.b_rho)):
            q = torch.distributions.Normal(mu, F.softplus(rho))
            w = q.rsample()
            total = total + (q.log_prob(w) - prior.log_prob(w)).sum()
        return total

    def forward(self, x):
        return F.linear(x, self.sampling(self.w_mu, self.w_rho), self.sampling(self.b_mu, self.b_rho))
