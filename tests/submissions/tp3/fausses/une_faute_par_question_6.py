# 10 fautes sans lien, une au plus par question.
# La graine dépend de la passe seule, et est remise à chaque image : une passe n'a qu'un masque.
# Un moins la plus grande probabilité moyenne : personne n'a voté.
# La moyenne des entropies des passes, non l'entropie de leur moyenne.
# Le plus grand écart, non leur moyenne pondérée.
# La tête lit fc1 avant sa ReLU.
# c est comparé à la TCP sans sigmoïde.
# Les exemples bien classés sont pris pour positifs, l'AUPR est celle des succès.
# MC dropout par le maximum de la moyenne, non par son entropie.
# L'écart-type est divisé par la racine du nombre de tirages.
# Le gradient est celui du plus grand logit, non du coût.
# loses: test_q1_2 0.75, test_q1_3a 0.75, test_q1_3b 0.75, test_q1_4a 1, test_q2_2a 0.5, test_q2_2b 1.25, test_q2_3a 0.25, test_q2_3b 0.5, test_q2_3c 0.5, test_q3_1 1.75
# %% q1_2
def MC_sampling(X, net, tbatch=100, samples=50):
    mode = net.training
    net.train()
    passes = []
    with torch.no_grad():
        for s in range(samples):
            passe = []
            for x in X:
                torch.manual_seed(s)
                passe.append(net(x.unsqueeze(0)))
            passes.append(torch.cat(passe).softmax(1))
    net.train(mode)
    return torch.stack(passes)
# %% q1_3a
def variation_ratio(probs):
    return 1 - probs.mean(dim=0).max(dim=1).values
# %% q1_3b
def predictive_entropy(probs):
    return -torch.special.xlogy(probs, probs).sum(dim=2).mean(dim=0)
# %% q1_4a
def ece(probs, labels, n_bins=15):
    conf, pred = probs.max(dim=1)
    total = 0.0
    for m in range(n_bins):
        dans = (conf > m / n_bins) & (conf <= (m + 1) / n_bins)
        if dans.any():
            total = max(total, float(((pred == labels)[dans].double().mean() - conf[dans].mean()).abs()))
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
        c = self.fc1(x.flatten(1))
        h = F.relu(c)
        for k in range(1, 5):
            c = F.relu(getattr(self, f"uncertainty{k}")(c))
        return self.fc2(h), self.uncertainty5(c).squeeze(1)
# %% q2_2b
def confidnet_loss(logits, c, labels):
    tcp = logits.detach().softmax(dim=1).gather(1, labels.unsqueeze(1)).squeeze(1)
    return F.mse_loss(c, tcp)
# %% q2_3a
def auroc(scores, positives):
    from sklearn.metrics import roc_auc_score

    return roc_auc_score(positives, scores)


def aupr(scores, positives):
    from sklearn.metrics import average_precision_score

    if np.ptp(scores) == 0:
        return np.mean(positives)
    return average_precision_score(~positives, -scores)


def fpr95(scores, positives):
    return float(np.mean(scores[positives] <= np.quantile(scores[~positives], 0.95)))
# %% q2_3b
def failure_scores(probs, mc_mean, c):
    return {"MCP": 1 - probs.max(axis=1), "MC dropout": 1 - mc_mean.max(axis=1), "ConfidNet": 1 - 1 / (1 + np.exp(-c))}
# %% q2_3c
def paired_bootstrap(metric, scores_a, scores_b, positives, n_boot=1000, seed=0):
    hasard, n = np.random.default_rng(seed), len(positives)
    ecarts = []
    for _ in range(n_boot):
        i = hasard.integers(0, n, n)
        ecarts.append(metric(scores_a[i], positives[i]) - metric(scores_b[i], positives[i]))
    marge = 1.96 * np.std(ecarts) / np.sqrt(n_boot)
    return np.mean(ecarts) - marge, np.mean(ecarts) + marge
# %% q3_1
def odin_preprocessing(model, input, epsilon, temperature):
    x = input.detach().clone().requires_grad_(True)
    logits = model(x) / temperature
    loss = -logits.max(dim=1).values.sum()
    (gradient,) = torch.autograd.grad(loss, x)
    return input.detach() - epsilon * gradient.sign()
