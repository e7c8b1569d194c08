# 13 fautes sans lien, une au plus par question.
# Seul le premier dropout est écrit.
# Le softmax est oublié.
# 0 ln 0 donne NaN dans l'entropie des passes.
# La moyenne des écarts, sans leurs effectifs.
# Cent petits pas d'Adam : le minimum n'est pas atteint.
# La TCP est la probabilité de la classe prédite.
# Toute la passe est sous no_grad : la tête n'a pas de gradient.
# L'entropie croisée binaire au lieu du carré.
# Les scores égaux sont pris un à un, dans un ordre arbitraire.
# La moitié des exemples, tirée sans remise.
# Le coût est celui de la classe 0, non de la classe prédite.
# La température manque dans le score.
# L'ordre est le même aux deux températures.
# loses: test_q1_1 0.5, test_q1_2 1.5, test_q1_3c 0.75, test_q1_4a 1, test_q1_4b 1, test_q2_1a 0.5, test_q2_2a 0.75, test_q2_2b 1.25, test_q2_3a 0.25, test_q2_3c 0.5, test_q3_1 1.75, test_q3_2 1, test_q3_3a 0.5
# %% q1_1
class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 16, 5), nn.Conv2d(16, 32, 5)
        self.fc1, self.fc2 = nn.Linear(512, 100), nn.Linear(100, 10)
        self.d1 = nn.Dropout(0.5)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc2(F.relu(self.fc1(self.d1(x.flatten(1)))))
# %% q1_2
def MC_sampling(X, net, tbatch=100, samples=50):
    mode = net.training
    net.train()
    with torch.no_grad():
        passes = [torch.cat([net(x) for x in X.split(tbatch)]) for _ in range(samples)]
    net.train(mode)
    return torch.stack(passes)
# %% q1_3c
def mutual_information(probs):
    return predictive_entropy(probs) + (probs * torch.log(probs)).sum(dim=2).mean(dim=0)
# %% q1_4a
def ece(probs, labels, n_bins=15):
    conf, pred = probs.max(dim=1)
    ecarts = []
    for m in range(n_bins):
        dans = (conf > m / n_bins) & (conf <= (m + 1) / n_bins)
        if dans.any():
            ecarts.append(float(((pred == labels)[dans].double().mean() - conf[dans].mean()).abs()))
    return np.mean(ecarts)
# %% q1_4b
def fit_temperature(logits, labels):
    T = torch.ones(1, requires_grad=True)
    pas = torch.optim.Adam([T], lr=0.01)
    for _ in range(100):
        pas.zero_grad()
        F.cross_entropy(logits / T, labels).backward()
        pas.step()
    return T.item()
# %% q2_1a
def confidences(probs, labels):
    mcp = probs.max(dim=1).values
    return mcp, probs[torch.arange(len(labels)), probs.argmax(dim=1)]
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
        with torch.no_grad():
            x = F.max_pool2d(F.relu(self.conv1(x)), 2)
            x = F.max_pool2d(F.relu(self.conv2(x)), 2)
            h = c = F.relu(self.fc1(x.flatten(1)))
            for k in range(1, 5):
                c = F.relu(getattr(self, f"uncertainty{k}")(c))
            return self.fc2(h), self.uncertainty5(c).squeeze(1)
# %% q2_2b
def confidnet_loss(logits, c, labels):
    tcp = logits.detach().softmax(dim=1).gather(1, labels.unsqueeze(1)).squeeze(1)
    return F.binary_cross_entropy_with_logits(c, tcp)
# %% q2_3a
def auroc(scores, positives):
    from sklearn.metrics import roc_auc_score

    return roc_auc_score(positives, scores)


def aupr(scores, positives):
    if np.ptp(scores) == 0:
        return np.mean(positives)
    trouves = positives[np.argsort(-scores, kind="stable")]
    precision = np.cumsum(trouves) / np.arange(1, len(trouves) + 1)
    return precision[trouves].mean()


def fpr95(scores, positives):
    return float(np.mean(scores[positives] <= np.quantile(scores[~positives], 0.95)))
# %% q2_3c
def paired_bootstrap(metric, scores_a, scores_b, positives, n_boot=1000, seed=0):
    hasard, n = np.random.default_rng(seed), len(positives)
    ecarts = []
    for _ in range(n_boot):
        i = hasard.choice(n, size=n // 2, replace=False)
        ecarts.append(metric(scores_a[i], positives[i]) - metric(scores_b[i], positives[i]))
    return tuple(np.quantile(ecarts, [0.025, 0.975]))
# %% q3_1
def odin_preprocessing(model, input, epsilon, temperature):
    x = input.detach().clone().requires_grad_(True)
    logits = model(x) / temperature
    loss = F.cross_entropy(logits, torch.zeros(len(x), dtype=torch.long), reduction="sum")
    (gradient,) = torch.autograd.grad(loss, x)
    return input.detach() - epsilon * gradient.sign()
# %% q3_2
def odin_score(model, x, epsilon, temperature):
    moved = odin_preprocessing(model, x, epsilon, temperature)
    with torch.no_grad():
        return 1 - model(moved).double().softmax(dim=1).max(dim=1).values
# %% q3_3a
z_reversal = [[5.0, 0.0, 0.0], [1.0, 0.0, 0.0]]
