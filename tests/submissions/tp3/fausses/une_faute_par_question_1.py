# 12 fautes sans lien, une au plus par question.
# Les deux dropouts sont oubliés.
# Le réseau est rendu en mode eval, même s'il est arrivé en mode train.
# La moyenne des entropies moins l'entropie de la moyenne : une information négative.
# Un pourcentage au lieu d'une fraction.
# L'optimiseur cherche ln T, et ln T est rendu.
# Le couple est rendu dans l'autre ordre.
# La tête est gelée avec le tronc : elle ne peut plus apprendre.
# L'aire sous la courbe par trapèzes, au lieu de la précision moyenne.
# La différence est prise dans l'autre sens.
# La température divise le coût, non les logits : elle ne change pas le signe.
# Le score est en simple précision.
# Un logit sort de l'intervalle de l'énoncé.
# loses: test_q1_1 0.5, test_q1_2 0.5, test_q1_3c 0.75, test_q1_4a 1, test_q1_4b 1, test_q2_1a 0.75, test_q2_2a 0.75, test_q2_3a 0.25, test_q2_3c 0.5, test_q3_1 0.5, test_q3_2 0.5, test_q3_3a 0.5
# %% q1_1
class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 16, 5), nn.Conv2d(16, 32, 5)
        self.fc1, self.fc2 = nn.Linear(512, 100), nn.Linear(100, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc2(F.relu(self.fc1(x.flatten(1))))
# %% q1_2
def MC_sampling(X, net, tbatch=100, samples=50):
    net.train()
    with torch.no_grad():
        passes = torch.stack([torch.cat([net(x) for x in X.split(tbatch)]).softmax(1) for _ in range(samples)])
    net.eval()
    return passes
# %% q1_3c
def mutual_information(probs):
    return -torch.special.xlogy(probs, probs).sum(dim=2).mean(dim=0) - predictive_entropy(probs)
# %% q1_4a
def ece(probs, labels, n_bins=15):
    conf, pred = probs.max(dim=1)
    total = 0.0
    for m in range(n_bins):
        dans = (conf > m / n_bins) & (conf <= (m + 1) / n_bins)
        if dans.any():
            total += float(dans.double().mean() * ((pred == labels)[dans].double().mean() - conf[dans].mean()).abs())
    return 100 * total
# %% q1_4b
def fit_temperature(logits, labels):
    log_T = torch.zeros(1, requires_grad=True)
    pas = torch.optim.LBFGS([log_T], max_iter=100, line_search_fn="strong_wolfe")

    def cout():
        pas.zero_grad()
        nll = F.cross_entropy(logits / log_T.exp(), labels)
        nll.backward()
        return nll

    pas.step(cout)
    return log_T.item()
# %% q2_1a
def confidences(probs, labels):
    return probs[torch.arange(len(labels)), labels], probs.max(dim=1).values
# %% q2_2a
class LeNetConfidNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 16, 5), nn.Conv2d(16, 32, 5)
        self.fc1, self.fc2 = nn.Linear(512, 100), nn.Linear(100, 10)
        self.uncertainty1, self.uncertainty2 = nn.Linear(100, 100), nn.Linear(100, 100)
        self.uncertainty3, self.uncertainty4 = nn.Linear(100, 100), nn.Linear(100, 100)
        self.uncertainty5 = nn.Linear(100, 1)
        self.requires_grad_(False)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        h = c = F.relu(self.fc1(x.flatten(1)))
        for k in range(1, 5):
            c = F.relu(getattr(self, f"uncertainty{k}")(c))
        return self.fc2(h), self.uncertainty5(c).squeeze(1)
# %% q2_3a
def auroc(scores, positives):
    from sklearn.metrics import roc_auc_score

    return roc_auc_score(positives, scores)


def aupr(scores, positives):
    from sklearn.metrics import auc, precision_recall_curve

    precision, rappel, _ = precision_recall_curve(positives, scores)
    return auc(rappel, precision)


def fpr95(scores, positives):
    return float(np.mean(scores[positives] <= np.quantile(scores[~positives], 0.95)))
# %% q2_3c
def paired_bootstrap(metric, scores_a, scores_b, positives, n_boot=1000, seed=0):
    hasard, n = np.random.default_rng(seed), len(positives)
    ecarts = []
    for _ in range(n_boot):
        i = hasard.integers(0, n, n)
        ecarts.append(metric(scores_b[i], positives[i]) - metric(scores_a[i], positives[i]))
    return tuple(np.quantile(ecarts, [0.025, 0.975]))
# %% q3_1
def odin_preprocessing(model, input, epsilon, temperature):
    x = input.detach().clone().requires_grad_(True)
    logits = model(x)
    loss = F.cross_entropy(logits, logits.argmax(dim=1), reduction="sum") / temperature
    (gradient,) = torch.autograd.grad(loss, x)
    return input.detach() - epsilon * gradient.sign()
# %% q3_2
def odin_score(model, x, epsilon, temperature):
    moved = odin_preprocessing(model, x, epsilon, temperature)
    with torch.no_grad():
        return 1 - (model(moved) / temperature).softmax(dim=1).max(dim=1).values
# %% q3_3a
z_reversal = [[3.0, 0.0, 0.0], [6.0, 5.0, -30.0]]
