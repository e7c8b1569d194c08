# Une ReLU manque dans LeNet, et ConfidNet en hérite : payé une seule fois.
# loses: test_q1_1 1
# %% q1_1
class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 16, 5), nn.Conv2d(16, 32, 5)
        self.fc1, self.fc2 = nn.Linear(512, 100), nn.Linear(100, 10)
        self.d1, self.d2 = nn.Dropout(0.5), nn.Dropout(0.25)

    def cachees(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(self.conv2(x), 2)
        return F.relu(self.fc1(self.d1(x.flatten(1))))

    def forward(self, x):
        return self.fc2(self.d2(self.cachees(x)))
# %% q2_2a
class LeNetConfidNet(LeNet):
    def __init__(self):
        super().__init__()
        self.requires_grad_(False)
        self.uncertainty1, self.uncertainty2 = nn.Linear(100, 100), nn.Linear(100, 100)
        self.uncertainty3, self.uncertainty4 = nn.Linear(100, 100), nn.Linear(100, 100)
        self.uncertainty5 = nn.Linear(100, 1)

    def forward(self, x):
        self.d1.eval()
        h = self.cachees(x)
        c = F.relu(self.uncertainty2(F.relu(self.uncertainty1(h))))
        c = F.relu(self.uncertainty4(F.relu(self.uncertainty3(c))))
        return self.fc2(h), self.uncertainty5(c).squeeze(1)
