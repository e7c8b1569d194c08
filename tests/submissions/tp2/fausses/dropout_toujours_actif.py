# Le dropout reste actif en mode eval().
# loses: test_q2_2a 0.25
# %% q2_2a
class MLP(nn.Module):
    """Perceptron à une couche cachée, avec dropout : x (N, input_size) -> logits (N, 1)."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.fc1 = nn.Linear(input_size, hidden_size)
        self.dropout = nn.Dropout(0.2)
        self.fc2 = nn.Linear(hidden_size, 1)

    def forward(self, x):
        return self.fc2(F.dropout(F.relu(self.fc1(x)), 0.2))
        ### END SOLUTION
