# Les deux probabilités de dropout sont interverties ; les passes sont en mode eval ; le signe est faux partout où il y en a un.
# loses: test_q1_1 0.5, test_q1_2 0.75, test_q1_3a 0.75, test_q1_3c 0.75, test_q1_3d 0.25, test_q2_3b 0.5, test_q3_1 1.75, test_q3_2 1
# %% q1_1
class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 16, 5), nn.Conv2d(16, 32, 5)
        self.fc1, self.fc2 = nn.Linear(512, 100), nn.Linear(100, 10)
        self.d1, self.d2 = nn.Dropout(0.25), nn.Dropout(0.5)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc2(self.d2(F.relu(self.fc1(self.d1(x.flatten(1))))))
# %% q1_2
def MC_sampling(X, net, tbatch=100, samples=50):
    mode = net.training
    net.eval()
    with torch.no_grad():
        p = torch.cat([net(x) for x in X.split(tbatch)]).softmax(1)
        toutes = torch.stack([p for _ in range(samples)])
    net.train(mode)
    return toutes
# %% q1_3a
def variation_ratio(probs):
    S, _, K = probs.shape
    return F.one_hot(probs.argmax(dim=2), K).sum(dim=0).max(dim=1).values / S
# %% q1_3c
def mutual_information(probs):
    return predictive_entropy(probs) + torch.special.xlogy(probs, probs).sum(dim=2).mean(dim=0) * -1
# %% q1_3d
def most_suspect(scores, k):
    return scores.argsort()[:k]
# %% q2_3b
def failure_scores(probs, mc_mean, c):
    logs = np.log(np.where(mc_mean > 0, mc_mean, 1))
    return {"MCP": probs.max(axis=1), "MC dropout": -np.sum(mc_mean * logs, axis=1), "ConfidNet": 1 / (1 + np.exp(-c))}
# %% q3_1
def odin_preprocessing(model, input, epsilon, temperature):
    x = input.detach().clone().requires_grad_(True)
    logits = model(x) / temperature
    loss = F.cross_entropy(logits, logits.argmax(dim=1), reduction="sum")
    (gradient,) = torch.autograd.grad(loss, x)
    return input.detach() + epsilon * gradient.sign()
# %% q3_2
def odin_score(model, x, epsilon, temperature):
    moved = odin_preprocessing(model, x, epsilon, temperature)
    with torch.no_grad():
        return (model(moved).double() / temperature).softmax(dim=1).max(dim=1).values
