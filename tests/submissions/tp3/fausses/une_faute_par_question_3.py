# 13 fautes sans lien, une au plus par question.
# La probabilité donnée est celle de garder : 0,75 au lieu de 0,25.
# Le softmax est pris sur le mauvais axe.
# La somme des entropies des passes, non leur moyenne.
# Les plus grands scores, du plus petit au plus grand.
# Toutes les classes sont ouvertes à droite : une confiance de 1 n'est dans aucune.
# La grille commence à 1 : un réseau trop prudent garde sa température.
# probs[:, labels] : un tableau (N, N) au lieu d'une valeur par exemple.
# c est déjà passé par la sigmoïde.
# La somme au lieu de la moyenne.
# Les égalités ne comptent pour rien dans l'AUROC.
# Un tirage de N exemples sans remise : toutes les différences sont égales.
# Le gradient est divisé par l'écart-type des pixels après le signe : le pas n'est plus de epsilon.
# L'entropie du softmax, au lieu de son maximum.
# loses: test_q1_1 0.5, test_q1_2 1.5, test_q1_3c 0.75, test_q1_3d 0.25, test_q1_4a 0.25, test_q1_4b 1, test_q2_1a 0.5, test_q2_2a 0.5, test_q2_2b 1.25, test_q2_3a 0.25, test_q2_3c 0.5, test_q3_1 1.75, test_q3_2 1
# %% q1_1
class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 16, 5), nn.Conv2d(16, 32, 5)
        self.fc1, self.fc2 = nn.Linear(512, 100), nn.Linear(100, 10)
        self.d1, self.d2 = nn.Dropout(0.5), nn.Dropout(0.75)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc2(self.d2(F.relu(self.fc1(self.d1(x.flatten(1))))))
# %% q1_2
def MC_sampling(X, net, tbatch=100, samples=50):
    mode = net.training
    net.train()
    with torch.no_grad():
        passes = [torch.cat([net(x) for x in X.split(tbatch)]).softmax(0) for _ in range(samples)]
    net.train(mode)
    return torch.stack(passes)
# %% q1_3c
def mutual_information(probs):
    return predictive_entropy(probs) + torch.special.xlogy(probs, probs).sum(dim=2).sum(dim=0)
# %% q1_3d
def most_suspect(scores, k):
    return scores.argsort()[-k:]
# %% q1_4a
def ece(probs, labels, n_bins=15):
    conf, pred = probs.max(dim=1)
    total = 0.0
    for m in range(n_bins):
        dans = (conf >= m / n_bins) & (conf < (m + 1) / n_bins)
        if dans.any():
            total += float(dans.double().mean() * ((pred == labels)[dans].double().mean() - conf[dans].mean()).abs())
    return total
# %% q1_4b
def fit_temperature(logits, labels):
    grille = np.linspace(1, 10, 1801)
    return grille[int(np.argmin([F.cross_entropy(logits / T, labels).item() for T in grille]))]
# %% q2_1a
def confidences(probs, labels):
    return probs.max(dim=1).values, probs[:, labels]
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
    return ((torch.sigmoid(c) - tcp) ** 2).sum()
# %% q2_3a
def auroc(scores, positives):
    return np.mean(scores[positives][:, None] > scores[~positives])


def aupr(scores, positives):
    from sklearn.metrics import average_precision_score

    return average_precision_score(positives, scores)


def fpr95(scores, positives):
    return float(np.mean(scores[positives] <= np.quantile(scores[~positives], 0.95)))
# %% q2_3c
def paired_bootstrap(metric, scores_a, scores_b, positives, n_boot=1000, seed=0):
    hasard, n = np.random.default_rng(seed), len(positives)
    ecarts = []
    for _ in range(n_boot):
        i = hasard.permutation(n)
        ecarts.append(metric(scores_a[i], positives[i]) - metric(scores_b[i], positives[i]))
    return tuple(np.quantile(ecarts, [0.025, 0.975]))
# %% q3_1
def odin_preprocessing(model, input, epsilon, temperature):
    x = input.detach().clone().requires_grad_(True)
    logits = model(x) / temperature
    loss = F.cross_entropy(logits, logits.argmax(dim=1), reduction="sum")
    (gradient,) = torch.autograd.grad(loss, x)
    return input.detach() - epsilon * gradient.sign() / 0.3081
# %% q3_2
def odin_score(model, x, epsilon, temperature):
    moved = odin_preprocessing(model, x, epsilon, temperature)
    with torch.no_grad():
        p = (model(moved).double() / temperature).softmax(dim=1)
    return -(p * p.log()).sum(dim=1)
