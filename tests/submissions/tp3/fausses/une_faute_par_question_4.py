# 14 fautes sans lien, une au plus par question.
# Pas de ReLU entre fc1 et fc2.
# Un seul tirage, répété.
# Les votes sont comparés à la classe de la moyenne des passes, non à la classe majoritaire.
# La variance des passes, un désaccord qui n'est pas l'information mutuelle.
# Une classe de confiance vide donne NaN.
# La température divise les probabilités, après un premier softmax.
# argmax au lieu de max : la classe prédite, non sa probabilité.
# c est de forme (N, 1).
# L'écart absolu au lieu du carré.
# La part des négatifs signalés quand 95 % des positifs le sont : les rôles sont échangés.
# La MCP est laissée telle quelle : une confiance, parmi deux incertitudes.
# Les quantiles à 5 % et 95 %.
# La sortie porte un gradient.
# Le score est celui de l'image reçue.
# loses: test_q1_1 1, test_q1_2 0.75, test_q1_3a 0.75, test_q1_3c 0.75, test_q1_4a 1, test_q1_4b 1, test_q2_1a 0.25, test_q2_2a 0.5, test_q2_2b 1.25, test_q2_3a 0.5, test_q2_3b 0.5, test_q2_3c 0.5, test_q3_1 0.25, test_q3_2 0.5
# %% q1_1
class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 16, 5), nn.Conv2d(16, 32, 5)
        self.fc1, self.fc2 = nn.Linear(512, 100), nn.Linear(100, 10)
        self.d1, self.d2 = nn.Dropout(0.5), nn.Dropout(0.25)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc2(self.d2(self.fc1(self.d1(x.flatten(1)))))
# %% q1_2
def MC_sampling(X, net, tbatch=100, samples=50):
    mode = net.training
    net.train()
    with torch.no_grad():
        passe = torch.cat([net(x) for x in X.split(tbatch)]).softmax(1)
    net.train(mode)
    return passe.repeat(samples, 1, 1)
# %% q1_3a
def variation_ratio(probs):
    classe = probs.mean(dim=0).argmax(dim=1)
    return (probs.argmax(dim=2) != classe).float().mean(dim=0)
# %% q1_3c
def mutual_information(probs):
    return probs.var(dim=0, unbiased=False).sum(dim=1)
# %% q1_4a
def ece(probs, labels, n_bins=15):
    conf, pred = probs.max(dim=1)
    total = 0.0
    for m in range(n_bins):
        dans = (conf > m / n_bins) & (conf <= (m + 1) / n_bins)
        total += dans.double().mean() * ((pred == labels)[dans].double().mean() - conf[dans].mean()).abs()
    return float(total)
# %% q1_4b
def fit_temperature(logits, labels):
    probs = logits.softmax(dim=1)
    grille = np.exp(np.linspace(np.log(0.1), np.log(10), 1500))
    return grille[int(np.argmin([F.cross_entropy(probs / T, labels).item() for T in grille]))]
# %% q2_1a
def confidences(probs, labels):
    return probs.argmax(dim=1), probs[torch.arange(len(labels)), labels]
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
        return self.fc2(h), self.uncertainty5(c)
# %% q2_2b
def confidnet_loss(logits, c, labels):
    tcp = logits.detach().softmax(dim=1).gather(1, labels.unsqueeze(1)).squeeze(1)
    return F.l1_loss(torch.sigmoid(c), tcp)
# %% q2_3a
def auroc(scores, positives):
    from sklearn.metrics import roc_auc_score

    return roc_auc_score(positives, scores)


def aupr(scores, positives):
    from sklearn.metrics import average_precision_score

    return average_precision_score(positives, scores)


def fpr95(scores, positives):
    return np.mean(scores[~positives] >= np.quantile(scores[positives], 0.05))
# %% q2_3b
def failure_scores(probs, mc_mean, c):
    logs = np.log(np.where(mc_mean > 0, mc_mean, 1))
    return {"MCP": probs.max(axis=1), "MC dropout": -np.sum(mc_mean * logs, axis=1), "ConfidNet": 1 - 1 / (1 + np.exp(-c))}
# %% q2_3c
def paired_bootstrap(metric, scores_a, scores_b, positives, n_boot=1000, seed=0):
    hasard, n = np.random.default_rng(seed), len(positives)
    ecarts = []
    for _ in range(n_boot):
        i = hasard.integers(0, n, n)
        ecarts.append(metric(scores_a[i], positives[i]) - metric(scores_b[i], positives[i]))
    return tuple(np.quantile(ecarts, [0.05, 0.95]))
# %% q3_1
def odin_preprocessing(model, input, epsilon, temperature):
    x = input.clone().requires_grad_(True)
    logits = model(x) / temperature
    loss = F.cross_entropy(logits, logits.argmax(dim=1), reduction="sum")
    (gradient,) = torch.autograd.grad(loss, x)
    return x - epsilon * gradient.sign()
# %% q3_2
def odin_score(model, x, epsilon, temperature):
    with torch.no_grad():
        return 1 - (model(x).double() / temperature).softmax(dim=1).max(dim=1).values
