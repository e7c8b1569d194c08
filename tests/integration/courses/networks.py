"""(d) torch: modules, gradients, training."""

from courses import Question

IMPORTS = """
import numpy as np
import torch
from torch import nn
import torch.nn.functional as F
from torch.utils.data import Dataset, DataLoader

torch.manual_seed(0)
x_train = torch.linspace(-1, 1, 32).reshape(-1, 1)
y_train = 2 * x_train + 1
"""

QUESTIONS = [
    Question(
        "gradient",
        """
        w = torch.tensor([1.0, 2.0], requires_grad=True)
        loss = (w ** 2).sum()
        loss.backward()
        """,
        """
        w = torch.arange(1.0, 3.0, requires_grad=True)
        loss = w @ w
        loss.backward()
        """,
        "w = torch.tensor([1.0, 2.0])\nloss = 5.0",
        [
            """
            assert w.requires_grad and w.is_leaf
            assert torch.allclose(w.grad, torch.tensor([2.0, 4.0]))
            """,
            "assert loss.item() == 5 and loss.grad_fn is not None and loss.dim() == 0",
        ],
    ),
    Question(
        "mse",
        "def mse(p, y): return ((p - y) ** 2).mean()",
        "def mse(p, y): return F.mse_loss(p, y)",
        "def mse(p, y): return ((p - y) ** 2).sum()",
        [
            """
            p, y = torch.tensor([1.0, 2.0]), torch.tensor([0.0, 0.0])
            assert torch.isclose(mse(p, y), torch.tensor(2.5))
            assert mse(p, p) == 0 and mse(p, y).shape == ()
            """
        ],
    ),
    Question(
        "net",
        """
        class Net(nn.Module):
            def __init__(self, hidden=8):
                super().__init__()
                self.first = nn.Linear(1, hidden)
                self.last = nn.Linear(hidden, 1)

            def forward(self, x):
                return self.last(torch.relu(self.first(x)))
        """,
        """
        class Net(nn.Module):
            def __init__(self, hidden=8):
                super(Net, self).__init__()
                self.first, self.last = nn.Linear(1, hidden), nn.Linear(hidden, 1)
                self.act = nn.ReLU()

            def forward(self, x):
                x = self.act(self.first(x))
                return self.last(x)
        """,
        """
        class Net(nn.Module):
            def __init__(self, hidden=8):
                super().__init__()
                self.first = nn.Linear(1, hidden, bias=False)
                self.last = nn.Linear(hidden, 2)

            def forward(self, x):
                return self.last(self.first(x)).detach()
        """,
        [
            """
            net = Net(4)
            assert net(torch.zeros(5, 1)).shape == (5, 1), "one output for each input"
            assert sum(p.numel() for p in net.parameters()) == 4 + 4 + 4 + 1
            """,
            """
            net = Net()
            assert sorted(net.state_dict()) == [
                "first.bias", "first.weight", "last.bias", "last.weight",
            ]
            assert [name for name, _ in net.named_parameters()][0] == "first.weight"
            """,
            """
            net = Net(6)
            assert isinstance(net, nn.Module) and issubclass(Net, nn.Module)
            assert isinstance(net.last, nn.Linear) and net.last.out_features == 1
            assert isinstance(net.first.weight, nn.Parameter) and net.first.bias.shape == (6,)
            """,
            """
            out = Net()(torch.ones(2, 1))
            assert out.requires_grad and out.dtype == torch.float32
            with torch.no_grad():
                assert Net()(torch.ones(2, 1)).numpy().shape == (2, 1)
            """,
        ],
    ),
    Question(
        "freeze",
        """
        def freeze(net):
            for p in net.first.parameters():
                p.requires_grad = False
            return net
        """,
        "def freeze(net):\n    net.first.requires_grad_(False)\n    return net",
        "def freeze(net):\n    return net",
        [
            """
            net = freeze(Net())
            assert not any(p.requires_grad for p in net.first.parameters())
            assert all(p.requires_grad for p in net.last.parameters())
            """
        ],
    ),
    Question(
        "train",
        """
        def train(net, x, y, steps=150):
            optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
            losses = []
            for _ in range(steps):
                optimizer.zero_grad()
                loss = mse(net(x), y)
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
            return losses
        """,
        """
        def train(net, x, y, steps=150):
            optimizer, losses = torch.optim.AdamW(net.parameters(), lr=0.05), []
            while len(losses) < steps:
                net.zero_grad()
                loss = F.mse_loss(net(x), y)
                loss.backward()
                optimizer.step()
                losses.append(float(loss.detach()))
            return losses
        """,
        "def train(net, x, y, steps=150): return [mse(net(x), y).item()] * steps",
        [
            """
            torch.manual_seed(1)
            net = Net(16)
            losses = train(net, x_train, y_train)
            assert len(losses) == 150 and losses[-1] < 0.1 * losses[0]
            with torch.no_grad():
                assert mse(net(x_train), y_train).item() < 0.2
            """,
            """
            net = Net(16)
            before = {k: v.clone() for k, v in net.state_dict().items()}
            train(net, x_train, y_train, steps=3)
            assert any(not torch.equal(before[k], v) for k, v in net.state_dict().items())
            net.eval()
            assert not net.training
            """,
        ],
    ),
    Question(
        "fitted",
        "model = Net(16)\nhistory = train(model, x_train, y_train, steps=200)",
        "model = nn.Sequential(nn.Linear(1, 1))\n"
        "history = train(model, x_train, y_train, steps=400)",
        "model = Net(16)\nhistory = [1.0, 0.0]",
        [
            "assert history[-1] < 0.05 and len(history) >= 100",
            "assert predictions.shape == (2, 1) and abs(predictions[1, 0] - 3) < 0.6",
        ],
        after="""
        with torch.no_grad():
            predictions = model(torch.tensor([[0.0], [1.0]])).numpy()
        """,
    ),
    Question(
        "data",
        """
        class Pairs(Dataset):
            def __init__(self, x, y):
                self.x, self.y = x, y

            def __len__(self):
                return len(self.x)

            def __getitem__(self, i):
                return self.x[i], self.y[i]
        """,
        """
        class Pairs(Dataset):
            def __init__(self, x, y):
                self.items = list(zip(x, y))

            def __len__(self):
                return len(self.items)

            def __getitem__(self, i):
                return self.items[i]
        """,
        """
        class Pairs:
            def __init__(self, x, y):
                self.x, self.y = x, y

            def __len__(self):
                return 2

            def __getitem__(self, i):
                return self.x[i]
        """,
        [
            """
            pairs = Pairs(torch.arange(4.0), torch.arange(4))
            assert len(pairs) == 4 and isinstance(pairs, Dataset)
            a, b = pairs[2]
            assert a == 2 and b == 2
            """,
            """
            batches = list(DataLoader(Pairs(torch.arange(4.0), torch.arange(4)), batch_size=2))
            assert len(batches) == 2 and torch.equal(batches[0][0], torch.tensor([0.0, 1.0]))
            """,
        ],
    ),
    Question(
        "layers",
        "stack = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Dropout(0.5), nn.Linear(3, 1))",
        "layers = [nn.Linear(2, 3), nn.ReLU(), nn.Dropout(p=0.5), nn.Linear(3, 1)]\n"
        "stack = nn.Sequential(*layers)",
        "stack = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))",
        [
            """
            assert len(stack) == 4 and isinstance(stack[1], nn.ReLU) and stack[2].p == 0.5
            assert [type(layer).__name__ for layer in stack.children()] == [
                "Linear", "ReLU", "Dropout", "Linear",
            ]
            """
        ],
    ),
    Question(
        "numerics",
        "def softmax(z):\n    e = torch.exp(z - z.max())\n    return e / e.sum()",
        "def softmax(z): return torch.softmax(z, dim=0)",
        "def softmax(z): return z / z.sum()",
        [
            """
            z = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
            s = softmax(z)
            assert s.dtype == torch.float64 and abs(s.sum().item() - 1) < 1e-12
            np.testing.assert_allclose(s.numpy(), np.exp(z.numpy()) / np.exp(z.numpy()).sum())
            assert torch.isfinite(softmax(torch.tensor([1e3, 0.0]))).all()
            """
        ],
    ),
]
