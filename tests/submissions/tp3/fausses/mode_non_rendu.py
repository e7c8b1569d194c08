# Le réseau reste en mode train ; ECE sans poids ; c passé par la sigmoïde ; BCE au lieu du carré ; seuil pris sur tous les exemples ; sortie attachée au graphe.
# loses: test_q1_2 0.5, test_q1_4a 1, test_q2_2a 0.5, test_q2_2b 1.25, test_q2_3a 0.5, test_q3_1 0.25
# %% q1_2
def MC_sampling(X, net, tbatch=100, samples=50):
    net.train()
    with torch.no_grad():
        return torch.stack([torch.cat([net(x) for x in X.split(tbatch)]).softmax(1) for _ in range(samples)])
# %% q1_4a
def ece(probs, labels, n_bins=15):
    conf, pred = probs.max(dim=1)
    ecarts = []
    for m in range(n_bins):
        dans = (conf > m / n_bins) & (conf <= (m + 1) / n_bins)
        if dans.any():
            ecarts.append(float(((pred == labels)[dans].double().mean() - conf[dans].mean()).abs()))
    return np.mean(ecarts)
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
        h = c = F.relu(self.fc1(x.flatten(1)))
        for k in range(1, 5):
            c = F.relu(getattr(self, f"uncertainty{k}")(c))
        return self.fc2(h), torch.sigmoid(self.uncertainty5(c).squeeze(1))
# %% q2_2b
def confidnet_loss(logits, c, labels):
    tcp = logits.detach().softmax(dim=1).gather(1, labels.unsqueeze(1)).squeeze(1)
    return F.binary_cross_entropy_with_logits(c, tcp)
# %% q2_3a
def auroc(scores, positives):
    from sklearn.metrics import roc_auc_score

    return roc_auc_score(positives, scores)


def aupr(scores, positives):
    from sklearn.metrics import average_precision_score

    return average_precision_score(positives, scores)


def fpr95(scores, positives):
    # Le seuil est pris sur tous les exemples.
    return float(np.mean(scores[positives] <= np.quantile(scores, 0.95)))
# %% q3_1
def odin_preprocessing(model, input, epsilon, temperature):
    input.requires_grad_(True)
    logits = model(input) / temperature
    loss = F.cross_entropy(logits, logits.argmax(dim=1), reduction="sum")
    (gradient,) = torch.autograd.grad(loss, input)
    return input - epsilon * gradient.sign()
