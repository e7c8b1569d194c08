# 9 fautes sans lien, une au plus par question.
# Les passes sont le deuxième axe, (N, samples, K).
# Le signe moins est oublié ; l'information mutuelle en hérite, et n'est pas payée une seconde fois.
# Les scores sont rendus, non les numéros.
# Le nombre de classes est écrit en dur.
# La tête n'a pas de ReLU : cinq couches linéaires de suite.
# Le coût passe par numpy : sa valeur est juste, il ne se dérive pas.
# 0 ln 0 donne NaN dans le score de MC dropout.
# L'argument metric n'est pas lu : c'est toujours l'AUROC.
# Le gradient lui-même, au lieu de son signe.
# loses: test_q1_2 1.5, test_q1_3b 0.75, test_q1_3d 0.25, test_q1_4a 1, test_q2_2a 0.5, test_q2_2b 0.5, test_q2_3b 0.5, test_q2_3c 0.5, test_q3_1 1.75
# %% q1_2
def MC_sampling(X, net, tbatch=100, samples=50):
    mode = net.training
    net.train()
    with torch.no_grad():
        passes = [torch.cat([net(x) for x in X.split(tbatch)]).softmax(1) for _ in range(samples)]
    net.train(mode)
    return torch.stack(passes, dim=1)
# %% q1_3b
def predictive_entropy(probs):
    p = probs.mean(dim=0)
    return torch.special.xlogy(p, p).sum(dim=1)
# %% q1_3d
def most_suspect(scores, k):
    return scores.topk(k).values
# %% q1_4a
def ece(probs, labels, n_bins=15):
    conf, pred = probs.max(dim=1)
    total = 0.0
    for m in range(15):
        dans = (conf > m / 15) & (conf <= (m + 1) / 15)
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
            c = getattr(self, f"uncertainty{k}")(c)
        return self.fc2(h), self.uncertainty5(c).squeeze(1)
# %% q2_2b
def confidnet_loss(logits, c, labels):
    tcp = logits.detach().softmax(dim=1).gather(1, labels.unsqueeze(1)).squeeze(1)

    ecart = 1 / (1 + np.exp(-c.detach().numpy())) - tcp.numpy()
    return torch.tensor(np.mean(ecart**2))
# %% q2_3b
def failure_scores(probs, mc_mean, c):
    with np.errstate(all="ignore"):
        entropie = -np.sum(mc_mean * np.log(mc_mean), axis=1)
    return {"MCP": 1 - probs.max(axis=1), "MC dropout": entropie, "ConfidNet": 1 - 1 / (1 + np.exp(-c))}
# %% q2_3c
def paired_bootstrap(metric, scores_a, scores_b, positives, n_boot=1000, seed=0):
    hasard, n = np.random.default_rng(seed), len(positives)
    ecarts = []
    for _ in range(n_boot):
        i = hasard.integers(0, n, n)
        ecarts.append(auroc(scores_a[i], positives[i]) - auroc(scores_b[i], positives[i]))
    return tuple(np.quantile(ecarts, [0.025, 0.975]))
# %% q3_1
def odin_preprocessing(model, input, epsilon, temperature):
    x = input.detach().clone().requires_grad_(True)
    logits = model(x) / temperature
    loss = F.cross_entropy(logits, logits.argmax(dim=1), reduction="sum")
    (gradient,) = torch.autograd.grad(loss, x)
    return input.detach() - epsilon * gradient
