# Mesures par numpy et scipy, température par scipy, métriques de scikit-learn, scores d'un autre signe ou d'une autre base.
# %% q1_1
class LeNet(nn.Module):
    def __init__(self):
        super(LeNet, self).__init__()
        self.conv1 = nn.Conv2d(in_channels=1, out_channels=16, kernel_size=5)
        self.conv2 = nn.Conv2d(16, 32, 5, padding="valid")
        self.fc1, self.fc2 = nn.Linear(512, 100), nn.Linear(100, 10)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), 2))
        x = F.relu(F.max_pool2d(self.conv2(x), 2)).reshape(x.shape[0], -1)
        x = F.dropout(x, training=self.training)
        x = F.dropout(F.relu(self.fc1(x)), 0.25, self.training)
        return self.fc2(x)
# %% q1_2
def MC_sampling(X, net, tbatch=100, samples=50):
    mode = net.training
    net.train()
    sortie = torch.zeros(samples, len(X), 10)
    debut = 0
    while debut < len(X):
        fin = min(debut + tbatch, len(X))
        for s in range(samples):
            sortie[s, debut:fin] = nn.Softmax(dim=1)(net(X[debut:fin])).detach()
        debut = fin
    if mode:
        net.train()
    else:
        net.eval()
    return sortie
# %% q1_3a
def variation_ratio(probs):
    p = np.asarray(probs)
    S, N, K = p.shape
    votes = p.argmax(-1)
    return np.array([1 - np.bincount(votes[:, n]).max() / S for n in range(N)])
# %% q1_3b
from scipy.stats import entropy


def predictive_entropy(probs):
    return entropy(np.asarray(probs).mean(axis=0), axis=-1)
# %% q1_3c
def mutual_information(probs):
    p = np.asarray(probs)
    return entropy(p.mean(0), axis=1) - entropy(p, axis=2).mean(0)
# %% q1_3d
def most_suspect(scores, k):
    return np.argsort(-np.asarray(scores))[:k]
# %% q1_4a
def ece(probs, labels, n_bins=15):
    p, y = probs.numpy(), labels.numpy()
    conf, juste = p.max(1), p.argmax(1) == y
    classe = np.digitize(conf, np.linspace(0, 1, n_bins + 1), right=True)
    total = 0
    for m in np.unique(classe):
        dedans = classe == m
        total += dedans.mean() * abs(juste[dedans].mean() - conf[dedans].mean())
    return total
# %% q1_4b
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax


def fit_temperature(logits, labels):
    z, y = logits.numpy().astype(float), labels.numpy()
    nll = lambda T: -log_softmax(z / T, axis=1)[np.arange(len(y)), y].mean()
    return minimize_scalar(nll, bounds=(0.05, 20), method="bounded").x
# %% q2_1a
def confidences(probs, labels):
    p, y = probs.numpy(), labels.numpy()
    return p.max(axis=1), np.take_along_axis(p, y[:, None], axis=1)[:, 0]
# %% q2_3a
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve


def auroc(scores, positives):
    return roc_auc_score(positives, scores)


def aupr(scores, positives):
    return average_precision_score(positives, scores)


def fpr95(scores, positives):
    # Les négatifs acceptés sont des « vrais positifs » du score opposé.
    taux_positifs, taux_negatifs, _ = roc_curve(~positives, -scores, drop_intermediate=False)
    return taux_positifs[np.argmax(taux_negatifs >= 0.95)]
# %% q2_3b
def failure_scores(probs, mc_mean, c):
    return {"ConfidNet": -c, "MC dropout": entropy(mc_mean, base=2, axis=1), "MCP": -probs.max(1)}
# %% q2_3c
def paired_bootstrap(metric, scores_a, scores_b, positives, n_boot=1000, seed=0):
    np.random.seed(seed)
    n = len(positives)
    tirages = np.random.choice(n, size=(n_boot, n))
    d = np.array([metric(scores_a[i], positives[i]) - metric(scores_b[i], positives[i]) for i in tirages])
    return np.percentile(d, 2.5), np.percentile(d, 97.5)
# %% q3_2
def odin_score(model, x, epsilon, temperature):
    x = odin_preprocessing(model, x, epsilon, temperature)
    z = model(x).detach().numpy().astype(np.float64) / temperature
    z -= z.max(axis=1, keepdims=True)
    return 1 - 1 / np.exp(z).sum(axis=1)
# %% q3_3a
z_reversal = torch.tensor([[1.0, -1.0, -1.0], [10.0, 9.8, -10.0]])
# %% q3_3b
reponses_3_3 = dict(a=True, b=True, c=False, d=True, e=False)
