# LeNet finit par un softmax ; une seule passe est répétée ; entropie des passes, en log2 ; ECE signée ; TCP égale à MCP ; tronc non gelé ; température hors du gradient.
# loses: test_q1_1 1.5, test_q1_2 0.75, test_q1_3b 0.75, test_q1_4a 1, test_q1_4b 1, test_q2_1a 0.5, test_q2_2a 0.75, test_q2_2b 0.5, test_q2_3a 0.25, test_q2_3b 0.5, test_q2_3c 0.5, test_q3_1 0.5
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
        return F.softmax(self.fc2(self.d2(F.relu(self.fc1(self.d1(x.flatten(1)))))), dim=1)
# %% q1_2
def MC_sampling(X, net, tbatch=100, samples=50):
    mode = net.training
    net.train()
    with torch.no_grad():
        passe = torch.cat([net(x) for x in X.split(tbatch)]).softmax(1)
    net.train(mode)
    return passe.repeat(samples, 1, 1)
# %% q1_3b
def predictive_entropy(probs):
    p = probs.mean(dim=0)
    return -torch.special.xlogy(p, p).sum(dim=1) / np.log(2)
# %% q1_4a
def ece(probs, labels, n_bins=15):
    conf, pred = probs.max(dim=1)
    return float((conf - (pred == labels).to(conf.dtype)).mean().abs())
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
    mcp = probs.max(dim=1).values
    return mcp, mcp
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
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        h = c = F.relu(self.fc1(x.flatten(1)))
        for k in range(1, 5):
            c = F.relu(getattr(self, f"uncertainty{k}")(c))
        return self.fc2(h), self.uncertainty5(c).squeeze(1)
# %% q2_2b
def confidnet_loss(logits, c, labels):
    tcp = logits.softmax(dim=1).gather(1, labels.unsqueeze(1)).squeeze(1)
    return F.mse_loss(torch.sigmoid(c), tcp)
# %% q2_3a
def auroc(scores, positives):
    from sklearn.metrics import roc_auc_score

    return roc_auc_score(positives, scores)


def aupr(scores, positives):
    from sklearn.metrics import auc, precision_recall_curve

    precision, rappel, _ = precision_recall_curve(positives, scores)
    return auc(rappel, precision)  # des trapèzes


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
        i = hasard.choice(n, size=n // 2, replace=False)
        ecarts.append(metric(scores_b[i], positives[i]) - metric(scores_a[i], positives[i]))
    return tuple(np.quantile(ecarts, [0.025, 0.975]))
# %% q3_1
def odin_preprocessing(model, input, epsilon, temperature):
    x = input.detach().clone().requires_grad_(True)
    logits = model(x)
    (gradient,) = torch.autograd.grad(F.cross_entropy(logits, logits.argmax(dim=1)), x)
    return input.detach() - epsilon * gradient.sign()
