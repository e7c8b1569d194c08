# Les couches sont dans une liste ordinaire : leurs paramètres ne sont pas ceux du modèle.
# loses: test_q2_1a 0.5
# %% q2_1a
class VariationalMLP(nn.Module):
    def __init__(self, input_size, hidden_size, prior_var):
        super().__init__()
        self.layers = [LinearVariational(input_size, hidden_size, prior_var), LinearVariational(hidden_size, 1, prior_var)]

    def forward(self, x):
        return self.layers[1](torch.relu(self.layers[0](x)))

    def kl_divergence(self):
        return sum(layer.kl_divergence() for layer in self.layers)
