# La première couche du réseau est ordinaire : seule la dernière est bayésienne.
# loses: test_q2_1a 0.5
# %% q2_1a
class VariationalMLP(nn.Module):
    def __init__(self, input_size, hidden_size, prior_var):
        super().__init__()
        self.hidden = nn.Linear(input_size, hidden_size)
        self.last = LinearVariational(hidden_size, 1, prior_var)

    def forward(self, x):
        return self.last(F.relu(self.hidden(x)))

    def kl_divergence(self):
        return self.last.kl_divergence()
