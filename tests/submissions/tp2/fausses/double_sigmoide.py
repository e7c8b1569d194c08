# La sigmoïde est déjà dans les modèles variationnels, et le coût attend des logits.
# loses: test_q1_5a 0.5, test_q2_1a 0.5, test_q2_2a 0.25
# %% q1_5a
class VariationalLogisticRegression(nn.Module):
    """Régression logistique variationnelle : x (N, input_size) -> logits (N, 1)."""

    def __init__(self, input_size, prior_var):
        super().__init__()
        self.fc = LinearVariational(input_size, 1, prior_var)

    def forward(self, x):
        return torch.sigmoid(self.fc(x))

    def kl_divergence(self):
        return self.fc.kl_divergence()
        ### END SOLUTION
# %% q2_1a
class VariationalMLP(nn.Module):
    """Perceptron variationnel à une couche cachée : x (N, input_size) -> logits (N, 1)."""

    def __init__(self, input_size, hidden_size, prior_var):
        super().__init__()
        self.fc1 = LinearVariational(input_size, hidden_size, prior_var)
        self.fc2 = LinearVariational(hidden_size, 1, prior_var)

    def forward(self, x):
        return torch.sigmoid(self.fc2(F.relu(self.fc1(x))))

    def kl_divergence(self):
        return self.fc1.kl_divergence() + self.fc2.kl_divergence()
        ### END SOLUTION
# %% q2_2a
class MLP(nn.Module):
    """Perceptron à une couche cachée, avec dropout : x (N, input_size) -> logits (N, 1)."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.fc1 = nn.Linear(input_size, hidden_size)
        self.dropout = nn.Dropout(0.2)
        self.fc2 = nn.Linear(hidden_size, 1)

    def forward(self, x):
        return torch.sigmoid(self.fc2(self.dropout(F.relu(self.fc1(x)))))
        ### END SOLUTION
