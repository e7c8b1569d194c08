# Le dropout porte sur les entrées, non sur les unités cachées.
# loses: test_q2_2a 0.5
# %% q2_2a
class MLP(nn.Module):
    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.net = nn.Sequential(nn.Dropout(0.2), nn.Linear(input_size, hidden_size), nn.ReLU(), nn.Linear(hidden_size, 1))

    def forward(self, x):
        return self.net(x)
