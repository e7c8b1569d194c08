# Les réseaux sont écrits autrement : une suite ordonnée, un dropout de F, un tronc hérité et mis en eval par train().
# %% q1_1
from collections import OrderedDict


class LeNet(nn.Sequential):
    def __init__(self):
        super().__init__(OrderedDict([
            ("conv1", nn.Conv2d(1, 16, kernel_size=5)), ("relu1", nn.ReLU()), ("pool1", nn.MaxPool2d(2)),
            ("conv2", nn.Conv2d(16, 32, kernel_size=(5, 5))), ("relu2", nn.ReLU()), ("pool2", nn.MaxPool2d(2, 2)),
            ("plat", nn.Flatten()), ("hasard1", nn.Dropout()), ("fc1", nn.Linear(32 * 4 * 4, 100)),
            ("hasard2", nn.Dropout(p=0.25)), ("relu3", nn.ReLU(inplace=True)), ("fc2", nn.Linear(100, 10)),
        ]))
# %% q1_2
def MC_sampling(X, y, net, tbatch=100, samples=50):
    modes = {module: module.training for module in net.modules()}
    for module in net.modules():
        if isinstance(module, nn.Dropout):
            module.train()
    paquets = []
    with torch.inference_mode():
        for x in X.split(tbatch):
            repete = x.repeat(samples, 1, 1, 1)
            paquets.append(F.softmax(net(repete), dim=-1).view(samples, len(x), -1))
    for module, mode in modes.items():
        module.training = mode
    return torch.cat(paquets, dim=1)
# %% q2_2a
class LeNetConfidNet(LeNet):
    def __init__(self):
        super().__init__()
        for p in self.parameters():
            p.requires_grad = False
        largeurs = [100, 100, 100, 100, 100, 1]
        for k in range(5):
            setattr(self, f"uncertainty{k + 1}", nn.Linear(largeurs[k], largeurs[k + 1]))
        self.train()

    def train(self, mode=True):
        super().train(mode)
        for nom in ("hasard1", "hasard2"):
            getattr(self, nom).eval()
        return self

    def forward(self, x):
        for nom, couche in self.named_children():
            if nom == "fc2":
                break
            x = couche(x)
        h = x.view(len(x), -1)
        u = F.relu(self.uncertainty1(h))
        u = F.relu(self.uncertainty2(u))
        u = F.relu(self.uncertainty3(u))
        u = torch.relu(self.uncertainty4(u))
        return self.fc2(h), self.uncertainty5(u)[:, 0]
# %% q2_2b
def confidnet_loss(logits, c, labels):
    with torch.no_grad():
        p = torch.exp(F.log_softmax(logits, 1))
        cible = (p * F.one_hot(labels, p.shape[1])).sum(1)
    return ((c.sigmoid() - cible) ** 2).mean()
# %% q3_1
def odin_preprocessing(model, input, epsilon, temperature):
    x = input.clone()
    x.requires_grad = True
    log_p = torch.log_softmax(model(x) / temperature, 1)
    log_p.max(1)[0].sum().backward()
    with torch.no_grad():
        return x + epsilon * torch.sign(x.grad)
# %% q3_2
import copy


def odin_score(model, x, epsilon, temperature):
    x = odin_preprocessing(model, x, epsilon, temperature)
    double = copy.deepcopy(model).double()
    with torch.no_grad():
        p = torch.softmax(double(x.double()) / temperature, -1)
    return (1 - p.amax(-1)).numpy()
# %% q3_3a
z_reversal = [[2, 0, 0], [5, 4.5, -15]]
