"""The networks: TP3's LeNet, the two of Corbière et al. on MNIST, and the head of ConfidNet.

Each classifier is cut before its first dropout: ``trunk`` never draws, so that many passes of MC
dropout share one run of it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional

CLASSES = 10


class Classifier(nn.Module, ABC):
    """Images (N, 1, 28, 28), standardised → logits (N, 10)."""

    #: Width of :meth:`hidden`.
    width: int

    @abstractmethod
    def trunk(self, x: Tensor) -> Tensor:
        """Return what comes before the first dropout, (N, ...)."""

    @abstractmethod
    def hidden(self, trunk: Tensor) -> Tensor:
        """Return the last hidden layer after its ReLU, before its dropout: (N, width)."""

    @abstractmethod
    def top(self, hidden: Tensor) -> Tensor:
        """Return logits (N, 10)."""

    def above(self, trunk: Tensor) -> Tensor:
        """Return logits (N, 10) from the trunk's outputs; draws when in training mode."""
        return self.top(self.hidden(trunk))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, 10)."""
        return self.above(self.trunk(x))


class LeNet(Classifier):
    """The network of TP3, question 1.1; ``dropout=False`` leaves both dropouts out."""

    width = 100

    def __init__(self, *, dropout: bool = True) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 5)
        self.conv2 = nn.Conv2d(16, 32, 5)
        self.fc1 = nn.Linear(512, 100)
        self.fc2 = nn.Linear(100, CLASSES)
        self.dropout1 = nn.Dropout(0.5 if dropout else 0.0)
        self.dropout2 = nn.Dropout(0.25 if dropout else 0.0)

    def trunk(self, x: Tensor) -> Tensor:
        """Return (N, 512)."""
        x = functional.max_pool2d(torch.relu(self.conv1(x)), 2)
        return functional.max_pool2d(torch.relu(self.conv2(x)), 2).flatten(1)

    def hidden(self, trunk: Tensor) -> Tensor:
        """Return (N, 100)."""
        return torch.relu(self.fc1(self.dropout1(trunk)))

    def top(self, hidden: Tensor) -> Tensor:
        """Return logits (N, 10)."""
        logits: Tensor = self.fc2(self.dropout2(hidden))
        return logits


class MLP(Classifier):
    """One hidden layer of 100, dropout 0.3 after it, as in the authors' code.

    References
    ----------
    Corbière et al., *Addressing Failure Prediction by Learning Model Confidence*, NeurIPS 2019,
    supplementary material; code of the authors, ``models/mlp.py``.
    """

    width = 100

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(28 * 28, 100)
        self.fc2 = nn.Linear(100, CLASSES)
        self.dropout = nn.Dropout(0.3)

    def trunk(self, x: Tensor) -> Tensor:
        """Return (N, 100)."""
        return torch.relu(self.fc1(x.flatten(1)))

    def hidden(self, trunk: Tensor) -> Tensor:
        """Return the trunk's output: nothing lies between."""
        return trunk

    def top(self, hidden: Tensor) -> Tensor:
        """Return logits (N, 10)."""
        logits: Tensor = self.fc2(self.dropout(hidden))
        return logits


class SmallConvNet(Classifier):
    """Convolutions 32 and 64 of 3×3, pool, dropout 0.25, 128 hidden units, dropout 0.5.

    References
    ----------
    Corbière et al., NeurIPS 2019; code of the authors, ``models/small_convnet_mnist.py``.
    """

    width = 128

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3)
        self.conv2 = nn.Conv2d(32, 64, 3)
        self.fc1 = nn.Linear(9216, 128)
        self.fc2 = nn.Linear(128, CLASSES)
        self.dropout1 = nn.Dropout(0.25)
        self.dropout2 = nn.Dropout(0.5)

    def trunk(self, x: Tensor) -> Tensor:
        """Return (N, 9216)."""
        return functional.max_pool2d(torch.relu(self.conv2(torch.relu(self.conv1(x)))), 2).flatten(
            1
        )

    def hidden(self, trunk: Tensor) -> Tensor:
        """Return (N, 128)."""
        return torch.relu(self.fc1(self.dropout1(trunk)))

    def top(self, hidden: Tensor) -> Tensor:
        """Return logits (N, 10)."""
        logits: Tensor = self.fc2(self.dropout2(hidden))
        return logits


class ConfidenceHead(nn.Module):
    """What ConfidNet adds: five dense layers, the last one to a single logit.

    Parameters
    ----------
    inputs
        Width of the classifier's last hidden layer.
    width
        Width of the four hidden layers; 400 in the paper.
    """

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.uncertainty1 = nn.Linear(inputs, width)
        self.uncertainty2 = nn.Linear(width, width)
        self.uncertainty3 = nn.Linear(width, width)
        self.uncertainty4 = nn.Linear(width, width)
        self.uncertainty5 = nn.Linear(width, 1)

    def forward(self, hidden: Tensor) -> Tensor:
        """Return c (N,); its sigmoid estimates the probability of the true class."""
        z = hidden
        for layer in (self.uncertainty1, self.uncertainty2, self.uncertainty3, self.uncertainty4):
            z = torch.relu(layer(z))
        c: Tensor = self.uncertainty5(z).squeeze(1)
        return c
