# Le perceptron variationnel n'a que des couches ordinaires : il n'en reste rien.
# loses: test_q2_1a 1.5
# %% q2_1a
class VariationalMLP(nn.Module):
    def __init__(self, input_size, hidden_size, prior_var):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(input_size, hidden_size), nn.Linear(hidden_size, 1)

    def forward(self, x):
        return self.fc2(F.relu(self.fc1(x)))

    def kl_divergence(self):
        return torch.zeros(1, requires_grad=True)
