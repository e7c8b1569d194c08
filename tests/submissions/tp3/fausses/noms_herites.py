# Les couches de LeNet portent d'autres noms, et ConfidNet en hérite : le chargement échoue, payé une seule fois.
# loses: test_q1_1 1
# %% q1_1
class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.convs = nn.Sequential(nn.Conv2d(1, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 5), nn.ReLU(), nn.MaxPool2d(2))
        self.dense1, self.dense2 = nn.Linear(512, 100), nn.Linear(100, 10)

    def forward(self, x):
        h = F.dropout(self.convs(x).flatten(1), 0.5, self.training)
        return self.dense2(F.dropout(F.relu(self.dense1(h)), 0.25, self.training))
# %% q2_2a
class LeNetConfidNet(LeNet):
    def __init__(self):
        super().__init__()
        self.requires_grad_(False)
        self.uncertainty1, self.uncertainty2 = nn.Linear(100, 100), nn.Linear(100, 100)
        self.uncertainty3, self.uncertainty4 = nn.Linear(100, 100), nn.Linear(100, 100)
        self.uncertainty5 = nn.Linear(100, 1)

    def forward(self, x):
        h = c = F.relu(self.dense1(self.convs(x).flatten(1)))
        for k in range(1, 5):
            c = F.relu(getattr(self, f"uncertainty{k}")(c))
        return self.dense2(h), self.uncertainty5(c).squeeze(1)
