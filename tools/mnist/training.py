"""Training, the same from the same seed on one thread; and plain passes in eval mode."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from rich.progress import Progress
from torch import Tensor, nn
from torch.nn import functional

from mnist.networks import Classifier, ConfidenceHead

BATCH = 128
_CHUNK = 1_000
Say = Callable[[str], None]


@dataclass(frozen=True)
class Recipe:
    """How a classifier is trained.

    ``optimizer`` is ``"adam"`` or ``"sgd"`` (momentum 0.9, weight decay 1e-4: the recipe of
    Corbière et al.); ``decays`` lets the rate fall to 0 along a half cosine.
    """

    epochs: int
    rate: float
    optimizer: str = "adam"
    decays: bool = True

    def prepare(
        self, network: nn.Module, steps: int
    ) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler | None]:
        """Return the optimiser and the schedule, if any."""
        optimizer: torch.optim.Optimizer
        if self.optimizer == "sgd":
            optimizer = torch.optim.SGD(
                network.parameters(), self.rate, momentum=0.9, weight_decay=1e-4
            )
        else:
            optimizer = torch.optim.Adam(network.parameters(), self.rate)
        if not self.decays:
            return optimizer, None
        return optimizer, torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw from this seed inside, and leave torch's generator as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def fit_classifier(
    make: Callable[[], Classifier],
    x: Tensor,
    y: Tensor,
    recipe: Recipe,
    seed: int,
    progress: Progress,
) -> Classifier:
    """Return a network trained by cross-entropy, in eval mode.

    Parameters
    ----------
    make
        Makes the network; called under the seed.
    x, y
        float32 (N, 1, 28, 28), standardised, and int64 (N,).
    """
    with seeded(seed):
        network = make().train()
        batches = -(-len(x) // BATCH)
        optimizer, schedule = recipe.prepare(network, recipe.epochs * batches)
        bar = progress.add_task(
            f"{type(network).__name__}, seed {seed}", total=recipe.epochs * batches
        )
        for _ in range(recipe.epochs):
            for rows in torch.split(torch.randperm(len(x)), BATCH):
                optimizer.zero_grad()
                functional.cross_entropy(network(x[rows]), y[rows]).backward()
                optimizer.step()
                if schedule is not None:
                    schedule.step()
                progress.advance(bar)
    return network.eval()


@dataclass(frozen=True)
class FittedHead:
    """A head, the epoch it was taken from, and its mean squared error on the validation set."""

    head: ConfidenceHead
    epoch: int
    validation_error: float


def fit_head(
    network: Classifier,
    fitted: tuple[Tensor, Tensor],
    validation: tuple[Tensor, Tensor],
    *,
    width: int,
    rate: float,
    epochs: int,
    seed: int,
    progress: Progress,
) -> FittedHead:
    """Return ConfidNet's head on a frozen network in eval mode, of the best epoch.

    The loss is the mean squared error between the sigmoid of its output and the probability that
    the network gives to the true class. The best epoch is that of the lowest validation error.
    """
    hidden, target = frozen(network, *fitted)
    held_hidden, held_target = frozen(network, *validation)
    with seeded(seed):
        head = ConfidenceHead(network.width, width)
        optimizer = torch.optim.Adam(head.parameters(), rate)
        bar = progress.add_task(
            f"ConfidNet, width {width}, rate {rate:g}, seed {seed}", total=epochs
        )
        best = FittedHead(head, 0, float("inf"))
        for epoch in range(1, epochs + 1):
            for rows in torch.split(torch.randperm(len(hidden)), BATCH):
                optimizer.zero_grad()
                functional.mse_loss(head(hidden[rows]).sigmoid(), target[rows]).backward()
                optimizer.step()
            with torch.no_grad():
                error = functional.mse_loss(head(held_hidden).sigmoid(), held_target).item()
            if error < best.validation_error:
                best = FittedHead(copy.deepcopy(head), epoch, error)
            progress.advance(bar)
    best.head.eval()
    return best


@torch.no_grad()
def frozen(network: Classifier, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return the last hidden layer (N, width) and the true class's probability (N,)."""
    network.eval()
    hidden = torch.cat([network.hidden(network.trunk(part)) for part in torch.split(x, _CHUNK)])
    target = network.top(hidden).softmax(1).gather(1, y[:, None]).squeeze(1)
    return hidden, target


@torch.no_grad()
def logits_of(network: Classifier, x: Tensor) -> Tensor:
    """Return logits (N, 10) in eval mode."""
    network.eval()
    return torch.cat([network(part) for part in torch.split(x, _CHUNK)])
