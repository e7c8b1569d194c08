# Le dropout reste actif en eval ; des mesures par paquet ; moyenne des entropies ; bords de gauche ; dropout dans le tronc ; somme des carrés ; logit au lieu du coût ; T oubliée dans le score.
# loses: test_q1_1 1, test_q1_2 1.5, test_q1_3b 0.75, test_q1_4a 0.25, test_q2_2a 0.75, test_q2_2b 1.25, test_q2_3a 0.25, test_q3_1 1.75, test_q3_2 1
# %% q1_1
class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 16, 5), nn.Conv2d(16, 32, 5)
        self.fc1, self.fc2 = nn.Linear(512, 100), nn.Linear(100, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc2(F.dropout(F.relu(self.fc1(F.dropout(x.flatten(1)))), 0.25))
# %% q1_2
def MC_sampling(X, net, tbatch=100, samples=50):
    mode = net.training
    net.train()
    with torch.no_grad():
        par_paquet = [torch.stack([net(x).softmax(1) for _ in range(samples)]).mean(1) for x in X.split(tbatch)]
    net.train(mode)
    return torch.stack(par_paquet, dim=1)
# %% q1_3b
def predictive_entropy(probs):
    return -torch.special.xlogy(probs, probs).sum(dim=2).mean(dim=0)
# %% q1_3c
def mutual_information(probs):
    p = probs.mean(dim=0)
    return torch.special.xlogy(probs, probs).sum(dim=2).mean(dim=0) - torch.special.xlogy(p, p).sum(dim=1)
# %% q1_4a
def ece(probs, labels, n_bins=15):
    conf, pred = probs.max(dim=1)
    total = 0.0
    for m in range(n_bins):
        droite = (m + 1) / n_bins if m < n_bins - 1 else 1.1
        dans = (conf >= m / n_bins) & (conf < droite)
        if dans.any():
            total += float(dans.double().mean() * ((pred == labels)[dans].double().mean() - conf[dans].mean()).abs())
    return total
# %% q2_2a
class LeNetConfidNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 16, 5), nn.Conv2d(16, 32, 5)
        self.fc1, self.fc2 = nn.Linear(512, 100), nn.Linear(100, 10)
        self.requires_grad_(False)
        self.uncertainty1, self.uncertainty2 = nn.Linear(100, 100), nn.Linear(100, 100)
        self.uncertainty3, self.uncertainty4 = nn.Linear(100, 100), nn.Linear(100, 100)
        self.uncertainty5 = nn.Linear(100, 1)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.dropout(x.flatten(1), 0.5, self.training)
        h = c = F.relu(self.fc1(x))
        for k in range(1, 5):
            c = F.relu(getattr(self, f"uncertainty{k}")(c))
        return self.fc2(F.dropout(h, 0.25, self.training)), self.uncertainty5(c).squeeze(1)
# %% q2_2b
def confidnet_loss(logits, c, labels):
    tcp = logits.detach().softmax(dim=1).gather(1, labels.unsqueeze(1)).squeeze(1)
    return ((torch.sigmoid(c) - tcp) ** 2).sum()
# %% q2_3a
def auroc(scores, positives):
    # Les égalités comptent pour rien.
    return np.mean(scores[positives][:, None] > scores[~positives])


def aupr(scores, positives):
    from sklearn.metrics import average_precision_score

    return average_precision_score(positives, scores)


def fpr95(scores, positives):
    return float(np.mean(scores[positives] <= np.quantile(scores[~positives], 0.95)))
# %% q3_1
def odin_preprocessing(model, input, epsilon, temperature):
    x = input.detach().clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad((model(x) / temperature).max(dim=1).values.sum(), x)
    return input.detach() + epsilon * gradient.sign()
# %% q3_2
def odin_score(model, x, epsilon, temperature):
    moved = odin_preprocessing(model, x, epsilon, temperature)
    with torch.no_grad():
        return 1 - model(moved).double().softmax(dim=1).max(dim=1).values
