# Des boucles sur les images, les passes et les seuils ; température par une grille ; rien n'appelle rien.
# %% q1_2
@torch.no_grad()
def MC_sampling(X, net, tbatch=100, samples=50):
    avant = net.training
    toutes = []
    for s in range(samples):
        net.train(True)
        passe = []
        for lot in torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X), batch_size=tbatch):
            passe += [net(lot[0]).softmax(1)]
        toutes += [torch.vstack(passe)]
    net.train(avant)
    return torch.stack(toutes, 0)
# %% q1_3a
def variation_ratio(probs):
    S, N, K = probs.shape
    ratios = []
    for n in range(N):
        votes = [int(torch.argmax(probs[s, n])) for s in range(S)]
        ratios.append(1 - max(votes.count(k) for k in range(K)) / S)
    return torch.tensor(ratios)
# %% q1_3b
def predictive_entropy(probs):
    p = probs.mean(0)
    return -(p * torch.log(p + 1e-8)).sum(-1)
# %% q1_3c
def mutual_information(probs):
    p = probs.mean(0)
    return torch.distributions.Categorical(probs=p).entropy() - torch.distributions.Categorical(probs=probs).entropy().mean(0)
# %% q1_3d
def most_suspect(scores, k):
    return scores.topk(k).indices
# %% q1_4a
def ece(probs, labels, n_bins=15):
    total = torch.tensor(0.0)
    conf, pred = probs.max(1)
    for m in range(n_bins):
        dans = (conf > m / n_bins) & (conf <= (m + 1) / n_bins)
        if dans.any():
            total += dans.double().mean() * ((pred == labels)[dans].double().mean() - conf[dans].double().mean()).abs()
    return total
# %% q1_4b
def fit_temperature(logits, labels):
    grille = torch.exp(torch.linspace(np.log(0.05), np.log(20), 1200))
    couts = [F.cross_entropy(logits / T, labels).item() for T in grille]
    return grille[int(np.argmin(couts))]
# %% q2_1a
def confidences(probs, labels):
    mcp, tcp = [], []
    for p, y in zip(probs, labels):
        mcp.append(p.max())
        tcp.append(p[y])
    return torch.stack(mcp), torch.stack(tcp)
# %% q2_2a
class LeNetConfidNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 16, 5), nn.Conv2d(16, 32, 5)
        self.fc1, self.fc2 = nn.Linear(512, 100), nn.Linear(100, 10)
        self.uncertainty1, self.uncertainty2 = nn.Linear(100, 100), nn.Linear(100, 100)
        self.uncertainty3, self.uncertainty4 = nn.Linear(100, 100), nn.Linear(100, 100)
        self.uncertainty5 = nn.Linear(100, 1)

    def forward(self, x):
        with torch.no_grad():
            x = F.max_pool2d(self.conv1(x).relu(), 2)
            x = F.max_pool2d(self.conv2(x).relu(), 2)
            h = self.fc1(torch.flatten(x, 1)).relu()
            logits = self.fc2(h)
        u = h
        for k in (1, 2, 3, 4):
            u = getattr(self, f"uncertainty{k}")(u).relu()
        return logits, self.uncertainty5(u).flatten()
# %% q2_2b
def confidnet_loss(logits, c, labels):
    p = logits.softmax(-1).detach()
    total = 0
    for n in range(len(labels)):
        total = total + (torch.sigmoid(c[n]) - p[n, labels[n]]) ** 2
    return total / len(labels)
# %% q2_3a
def auroc(scores, positives):
    plus, moins = scores[positives], scores[~positives]
    return ((plus[:, None] > moins).mean() + (plus[:, None] == moins).mean() / 2)


def aupr(scores, positives):
    aire, rappel = 0.0, 0.0
    for t in sorted(set(scores), reverse=True):
        signales = scores >= t
        nouveau = positives[signales].sum() / positives.sum()
        aire += (nouveau - rappel) * positives[signales].mean()
        rappel = nouveau
    return aire


def fpr95(scores, positives):
    return (scores[positives] <= np.quantile(scores[~positives], 0.95)).mean()
# %% q2_3c
def paired_bootstrap(metric, scores_a, scores_b, positives, n_boot=1000, seed=0):
    import random

    hasard, n, ecarts = random.Random(seed), len(positives), []
    for b in range(n_boot):
        i = np.array(hasard.choices(range(n), k=n))
        ecarts.append(metric(scores_a[i], positives[i]) - metric(scores_b[i], positives[i]))
    ecarts.sort()
    return ecarts[round(0.025 * n_boot)], ecarts[round(0.975 * n_boot) - 1]
# %% q3_1
def odin_preprocessing(model, input, epsilon, temperature):
    pas = []
    for x in input.detach():
        x = x.unsqueeze(0).clone().requires_grad_()
        z = model(x)
        cout = nn.CrossEntropyLoss()(z / temperature, z.argmax(1))
        model.zero_grad()
        cout.backward()
        pas.append(x.data - epsilon * x.grad.data.sign())
    return torch.cat(pas)
# %% q3_2
def odin_score(model, x, epsilon, temperature):
    y = x.detach().clone().requires_grad_()
    (g,) = torch.autograd.grad(F.log_softmax(model(y) / temperature, 1).max(1).values.sum(), y)
    z = model(x + epsilon * g.sign()).detach().to(torch.float64)
    return 1 - torch.exp(F.log_softmax(z / temperature, dim=1)).max(1)[0]
