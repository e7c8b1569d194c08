# Un réseau recopié plutôt que rendu, des modes et des rangs, une bissection, torch.func, des détachements au lieu de requires_grad_, des réponses complétées une à une.
# %% q1_1
class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 5)
        self.conv2 = nn.Conv2d(16, 32, 5)
        self.fc1 = nn.LazyLinear(100)
        self.fc2 = nn.Linear(100, 10)
        self(torch.zeros(1, 1, 28, 28))

    def forward(self, x):
        for conv in (self.conv1, self.conv2):
            x = torch.max_pool2d(torch.relu(conv(x)), 2)
        masques = (nn.Dropout(p).train(self.training) for p in (0.5, 0.25))
        for masque, dense in zip(masques, (self.fc1, self.fc2)):
            x = dense(masque(x.flatten(1)))
            x = x if dense is self.fc2 else torch.relu(x)
        return x
# %% q1_2
import copy


def MC_sampling(X, net, tbatch=100, samples=50):
    copie = copy.deepcopy(net).requires_grad_(False).train()
    paquets = [torch.stack([copie(x).softmax(-1) for _ in range(samples)]) for x in torch.split(X, tbatch)]
    return torch.hstack(paquets)
# %% q1_3a
def variation_ratio(probs):
    votes = probs.argmax(-1)
    return (votes != votes.mode(0).values).double().mean(0)
# %% q1_3b
def predictive_entropy(probs):
    return torch.special.entr(torch.einsum("snk->nk", probs) / len(probs)).sum(-1)
# %% q1_3c
def mutual_information(probs):
    # La moyenne des divergences des passes à leur moyenne.
    rapport = torch.where(probs > 0, probs / probs.mean(0), torch.ones_like(probs))
    return (probs * rapport.log()).sum(-1).mean(0)
# %% q1_3d
def most_suspect(scores, k):
    return np.array(sorted(range(len(scores)), key=lambda i: float(scores[i]), reverse=True)[:k])
# %% q1_4a
def ece(probs, labels, n_bins=15):
    confiance, classe = (t.numpy() for t in probs.max(1))
    rang = np.searchsorted(np.arange(1, n_bins) / n_bins, confiance, side="left")
    ecarts = np.bincount(rang, weights=(classe == labels.numpy()) - confiance, minlength=n_bins)
    return np.abs(ecarts).sum() / len(confiance)
# %% q1_4b
def fit_temperature(logits, labels):
    # La dérivée de la NLL par rapport à 1 / T est croissante : une bissection.
    z = logits.double()
    bas, haut = 0.01, 100.0
    while haut - bas > 1e-9:
        b = (bas + haut) / 2
        attendu = ((b * z).softmax(1) * z).sum(1)
        pente = (attendu - z[range(len(z)), labels]).mean()
        bas, haut = (bas, b) if pente > 0 else (b, haut)
    return 1 / torch.tensor(bas)
# %% q1_4c
reponses_1_4 = dict(zip("abcde", [True, True, False, False, False]))
# %% q2_1a
def confidences(probs, labels):
    vrai = F.one_hot(labels, probs.shape[1]).bool()
    return probs.amax(1), probs[vrai]
# %% q2_1b
reponses_2_1 = {"a": None, "b": None, "c": None, "d": None, "e": None}
reponses_2_1.update(a=True, b=True, c=False, d=False, e=True)
# %% q2_2a
class LeNetConfidNet(nn.Module):
    def __init__(self):
        super().__init__()
        formes = dict(conv1=(16, 1, 5, 5), conv2=(32, 16, 5, 5), fc1=(100, 512), fc2=(10, 100))
        for nom, forme in formes.items():
            couche = nn.Conv2d(forme[1], forme[0], 5) if len(forme) == 4 else nn.Linear(*forme[::-1])
            self.add_module(nom, couche)
        for k in range(1, 6):
            self.add_module(f"uncertainty{k}", nn.Linear(100, 100 if k < 5 else 1))

    def forward(self, x):
        p = {nom: valeur.detach() for nom, valeur in self.named_parameters()}
        x = F.max_pool2d(F.conv2d(x, p["conv1.weight"], p["conv1.bias"]), 2).clamp(min=0)
        x = F.max_pool2d(F.conv2d(x, p["conv2.weight"], p["conv2.bias"]), 2).clamp(min=0)
        h = F.linear(x.flatten(1), p["fc1.weight"], p["fc1.bias"]).clamp(min=0)
        u = F.relu(self.uncertainty2(F.relu(self.uncertainty1(h))))
        u = F.relu(self.uncertainty4(F.relu(self.uncertainty3(u))))
        return F.linear(h, p["fc2.weight"], p["fc2.bias"]), self.uncertainty5(u).view(len(x))
# %% q2_2b
def confidnet_loss(logits, c, labels):
    tcp = torch.exp(-F.cross_entropy(logits, labels, reduction="none"))
    ecart = torch.sigmoid(c) - tcp.detach()
    return torch.dot(ecart, ecart) / ecart.numel()
# %% q2_3a
from scipy.stats import rankdata


def auroc(scores, positives):
    n = positives.sum()
    return (rankdata(scores)[positives].sum() - n * (n + 1) / 2) / (n * (len(scores) - n))


def aupr(scores, positives):
    seuils, rang = np.unique(-scores, return_inverse=True)
    trouves, signales = np.bincount(rang, weights=positives), np.bincount(rang)
    return np.sum(trouves * np.cumsum(trouves) / np.cumsum(signales)) / positives.sum()


def fpr95(scores, positives):
    seuil = np.quantile(scores[~positives], 0.95, method="inverted_cdf")
    return 1 - np.mean(scores[positives] > seuil)
# %% q2_3b
from scipy.special import entr


def failure_scores(probs, mc_mean, c):
    return {"MCP": -np.log(probs.max(1)), "MC dropout": entr(mc_mean).sum(1), "ConfidNet": np.exp(-c)}
# %% q2_3c
from sklearn.utils import resample


def paired_bootstrap(metric, scores_a, scores_b, positives, n_boot=1000, seed=0):
    ecarts = []
    for b in range(n_boot):
        a_b, b_b, p_b = resample(scores_a, scores_b, positives, random_state=1000 * seed + b)
        ecarts.append(metric(a_b, p_b) - metric(b_b, p_b))
    return [float(np.percentile(ecarts, q)) for q in (2.5, 97.5)]
# %% q2_3d
reponses_2_3 = {"a": None, "b": None, "c": None, "d": None, "e": None}
for lettre in reponses_2_3:
    reponses_2_3[lettre] = lettre < "c"
# %% q3_1
def odin_preprocessing(model, input, epsilon, temperature):
    def confiance(x):
        z = model(x) / temperature
        return (z.amax(1) - z.logsumexp(1)).sum()

    return (input + epsilon * torch.func.grad(confiance)(input).sign()).detach()
# %% q3_2
def odin_score(model, x, epsilon, temperature):
    with torch.no_grad():
        z = model(odin_preprocessing(model, x, epsilon, temperature)).double() / temperature
    return -torch.expm1(z.amax(1) - z.logsumexp(1))
# %% q3_3a
z_reversal = ((4, 0, 0), (15, 14.5, -20))
