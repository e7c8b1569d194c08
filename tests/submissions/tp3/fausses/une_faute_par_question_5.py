# 11 fautes sans lien, une au plus par question.
# Moyenne au lieu du maximum dans les deux réductions.
# La graine est fixée à chaque passe : les masques sont toujours les mêmes.
# Une passe qui hésite vote pour la dernière des classes à égalité.
# La confiance est prise à la vraie classe, non à la classe prédite.
# Une ReLU de trop, après uncertainty5 : c n'est jamais négatif.
# La cible est 1 si l'exemple est bien classé, 0 sinon.
# La part des positifs signalés, au lieu des acceptés.
# c est laissé tel quel : une confiance, parmi deux incertitudes.
# percentile reçoit 0,025 et 0,975, des pourcents : l'intervalle se réduit à ses plus petites valeurs.
# L'argument est perturbé sur place.
# La perturbation est calculée à la température 1.
# loses: test_q1_1 1, test_q1_2 0.75, test_q1_3a 0.75, test_q1_4a 1, test_q2_2a 0.5, test_q2_2b 1.25, test_q2_3a 0.5, test_q2_3b 0.5, test_q2_3c 0.5, test_q3_1 0.25, test_q3_2 0.5
# %% q1_1
class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 16, 5), nn.Conv2d(16, 32, 5)
        self.fc1, self.fc2 = nn.Linear(512, 100), nn.Linear(100, 10)
        self.d1, self.d2 = nn.Dropout(0.5), nn.Dropout(0.25)

    def forward(self, x):
        x = F.avg_pool2d(F.relu(self.conv1(x)), 2)
        x = F.avg_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc2(self.d2(F.relu(self.fc1(self.d1(x.flatten(1))))))
# %% q1_2
def MC_sampling(X, net, tbatch=100, samples=50):
    mode = net.training
    net.train()
    passes = []
    with torch.no_grad():
        for _ in range(samples):
            torch.manual_seed(0)
            passes.append(torch.cat([net(x) for x in X.split(tbatch)]).softmax(1))
    net.train(mode)
    return torch.stack(passes)
# %% q1_3a
def variation_ratio(probs):
    S, _, K = probs.shape
    votes = K - 1 - probs.flip(2).argmax(dim=2)
    return 1 - F.one_hot(votes, K).sum(dim=0).max(dim=1).values / S
# %% q1_4a
def ece(probs, labels, n_bins=15):
    conf, pred = probs.gather(1, labels[:, None])[:, 0], probs.argmax(dim=1)
    total = 0.0
    for m in range(n_bins):
        dans = (conf > m / n_bins) & (conf <= (m + 1) / n_bins)
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
        h = c = F.relu(self.fc1(x.flatten(1)))
        for k in range(1, 5):
            c = F.relu(getattr(self, f"uncertainty{k}")(c))
        return self.fc2(h), F.relu(self.uncertainty5(c)).squeeze(1)
# %% q2_2b
def confidnet_loss(logits, c, labels):
    juste = (logits.argmax(dim=1) == labels).to(c.dtype)
    return F.mse_loss(torch.sigmoid(c), juste)
# %% q2_3a
def auroc(scores, positives):
    from sklearn.metrics import roc_auc_score

    return roc_auc_score(positives, scores)


def aupr(scores, positives):
    from sklearn.metrics import average_precision_score

    return average_precision_score(positives, scores)


def fpr95(scores, positives):
    return float(np.mean(scores[positives] > np.quantile(scores[~positives], 0.95)))
# %% q2_3b
def failure_scores(probs, mc_mean, c):
    logs = np.log(np.where(mc_mean > 0, mc_mean, 1))
    return {"MCP": 1 - probs.max(axis=1), "MC dropout": -np.sum(mc_mean * logs, axis=1), "ConfidNet": c}
# %% q2_3c
def paired_bootstrap(metric, scores_a, scores_b, positives, n_boot=1000, seed=0):
    hasard, n = np.random.default_rng(seed), len(positives)
    ecarts = []
    for _ in range(n_boot):
        i = hasard.integers(0, n, n)
        ecarts.append(metric(scores_a[i], positives[i]) - metric(scores_b[i], positives[i]))
    return tuple(np.percentile(ecarts, [0.025, 0.975]))
# %% q3_1
def odin_preprocessing(model, input, epsilon, temperature):
    x = input.detach().clone().requires_grad_(True)
    logits = model(x) / temperature
    loss = F.cross_entropy(logits, logits.argmax(dim=1), reduction="sum")
    (gradient,) = torch.autograd.grad(loss, x)
    input.data -= epsilon * gradient.sign()
    return input.detach().clone()
# %% q3_2
def odin_score(model, x, epsilon, temperature):
    moved = odin_preprocessing(model, x, epsilon, 1.0)
    with torch.no_grad():
        return 1 - (model(moved).double() / temperature).softmax(dim=1).max(dim=1).values
