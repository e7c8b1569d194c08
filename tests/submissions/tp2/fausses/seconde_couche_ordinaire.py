# La seconde couche du réseau est une couche linéaire ordinaire : une erreur, payée une fois, avec les couches.
# loses: test_q2_1a 0.5
# %% q2_1a
class VariationalMLP(nn.Module):
    """Perceptron variationnel à une couche cachée : x (N, input_size) -> logits (N, 1)."""

    def __init__(self, input_size, hidden_size, prior_var):
        super().__init__()
        self.fc1 = LinearVariational(input_size, hidden_size, prior_var)
        self.fc2 = nn.Linear(hidden_size, 1)

    def forward(self, x):
        return self.fc2(F.relu(self.fc1(x)))

    def kl_divergence(self):
        return self.fc1.kl_divergence()
        ### END SOLUTION
