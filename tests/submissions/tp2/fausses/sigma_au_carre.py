# Le bruit est multiplié par la variance.
# loses: test_q1_4 0.5
# %% q1_4
class LinearVariational(nn.Module):
    """Couche linéaire de poids normaux indépendants : x (N, input_size) -> (N, output_size).

    prior_var : variance a priori de chaque poids et de chaque biais.
    """

    def __init__(self, input_size, output_size, prior_var):
        super().__init__()
        self.prior_var = prior_var
        self.w_mu = nn.Parameter(torch.randn(output_size, input_size) / math.sqrt(input_size))
        self.w_rho = nn.Parameter(torch.full((output_size, input_size), -3.0))
        self.b_mu = nn.Parameter(torch.zeros(output_size))
        self.b_rho = nn.Parameter(torch.full((output_size,), -3.0))

    def sampling(self, mu, rho):
        """Tirage reparamétrisé, de la forme de mu et de rho."""
        return mu + F.softplus(rho) ** 2 * torch.randn_like(mu)

    def kl_divergence(self):
        """Somme des KL(q || p) de tous les poids, un tenseur à un élément."""
        total = 0.0
        for mu, rho in ((self.w_mu, self.w_rho), (self.b_mu, self.b_rho)):
            sigma = F.softplus(rho)
            kl = math.log(self.prior_var) / 2 - torch.log(sigma) + (sigma**2 + mu**2) / (2 * self.prior_var) - 0.5
            total = total + kl.sum()
        return total

    def forward(self, x):
        """Sortie (N, output_size) pour un nouveau tirage des poids."""
        return F.linear(x, self.sampling(self.w_mu, self.w_rho), self.sampling(self.b_mu, self.b_rho))
        ### END SOLUTION
