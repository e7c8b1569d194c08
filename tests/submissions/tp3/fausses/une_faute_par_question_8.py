# 7 fautes sans lien, une au plus par question.
# N // tbatch paquets : les images du dernier, incomplet, manquent.
# La somme porte aussi sur les images : un seul nombre pour tout le paquet.
# La température minimise l'ECE, non la NLL.
# Le tronc rend des probabilités au lieu de logits.
# Le softmax manque dans la cible : le logit de la vraie classe.
# Les positifs et les négatifs sont tirés à part : leur nombre ne varie pas.
# Un pas de longueur epsilon le long du gradient, au lieu de son signe.
# loses: test_q1_2 1.5, test_q1_3b 0.75, test_q1_4b 1, test_q2_2a 0.5, test_q2_2b 1.25, test_q2_3c 0.5, test_q3_1 1.75
# %% q1_2
def MC_sampling(X, net, tbatch=100, samples=50):
    mode = net.training
    net.train()
    with torch.no_grad():
        toutes = torch.zeros(samples, len(X) // tbatch * tbatch, 10)
        for s in range(samples):
            for i in range(len(X) // tbatch):
                paquet = slice(i * tbatch, (i + 1) * tbatch)
                toutes[s, paquet] = net(X[paquet]).softmax(1)
    net.train(mode)
    return toutes
# %% q1_3b
def predictive_entropy(probs):
    p = probs.mean(dim=0)
    return -torch.special.xlogy(p, p).sum() / len(p)
# %% q1_3c
def mutual_information(probs):
    p = probs.mean(dim=0)
    total = -torch.special.xlogy(p, p).sum(dim=1)
    return total + torch.special.xlogy(probs, probs).sum(dim=2).mean(dim=0)
# %% q1_4b
def fit_temperature(logits, labels):
    grille = np.exp(np.linspace(np.log(0.1), np.log(10), 300))
    return grille[int(np.argmin([float(ece((logits / T).softmax(1), labels)) for T in grille]))]
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
        return self.fc2(h).softmax(dim=1), self.uncertainty5(c).squeeze(1)
# %% q2_2b
def confidnet_loss(logits, c, labels):
    tcp = logits.detach().gather(1, labels.unsqueeze(1)).squeeze(1)
    return F.mse_loss(torch.sigmoid(c), tcp)
# %% q2_3c
def paired_bootstrap(metric, scores_a, scores_b, positives, n_boot=1000, seed=0):
    hasard = np.random.default_rng(seed)
    groupes = np.flatnonzero(positives), np.flatnonzero(~positives)
    ecarts = []
    for _ in range(n_boot):
        i = np.concatenate([hasard.choice(groupe, groupe.size) for groupe in groupes])
        ecarts.append(metric(scores_a[i], positives[i]) - metric(scores_b[i], positives[i]))
    return tuple(np.quantile(ecarts, [0.025, 0.975]))
# %% q3_1
def odin_preprocessing(model, input, epsilon, temperature):
    x = input.detach().clone().requires_grad_(True)
    logits = model(x) / temperature
    loss = F.cross_entropy(logits, logits.argmax(dim=1), reduction="sum")
    (gradient,) = torch.autograd.grad(loss, x)
    return input.detach() - epsilon * F.normalize(gradient.flatten(1)).reshape(input.shape)
