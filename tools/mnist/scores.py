"""Scores of uncertainty (larger is more suspicious), and calibration.

Natural logarithms throughout; probabilities in double precision.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import Progress
from scipy.optimize import minimize_scalar
from scipy.special import entr, logsumexp
from torch import Tensor

from mnist.networks import Classifier
from mnist.training import seeded

Floats = NDArray[np.float64]
Labels = NDArray[np.integer]
_CHUNK = 1_000


@dataclass(frozen=True)
class MonteCarlo:
    """What passes of MC dropout say of N images.

    ``mean`` (N, 10) mean softmax; ``entropy`` (N,) predictive entropy, ``mutual_information``
    (N,), both in nats; ``variation_ratio`` (N,) 1 − share of the most voted class.
    """

    mean: Floats
    entropy: Floats
    mutual_information: Floats
    variation_ratio: Floats


@torch.no_grad()
def _passes(
    network: Classifier, x: Tensor, samples: int, seed: int, progress: Progress
) -> Iterator[Tensor]:
    """Yield the logits (N, 10) of each pass with dropout; leave the network in eval mode."""
    network.eval()
    trunk = torch.cat([network.trunk(part) for part in torch.split(x, _CHUNK)])
    network.train()
    with seeded(seed):
        for _ in progress.track(range(samples), description=f"MC dropout, {len(x)} images"):
            passes = [network.above(part).double() for part in torch.split(trunk, _CHUNK)]
            yield torch.cat(passes)
    network.eval()


def mc_dropout(
    network: Classifier, x: Tensor, *, samples: int, seed: int, progress: Progress
) -> MonteCarlo:
    """Return what ``samples`` passes with dropout say; the network is left in eval mode."""
    total = np.zeros((len(x), 10))
    expected_entropy = np.zeros(len(x))
    votes = np.zeros((len(x), 10))
    for logits in _passes(network, x, samples, seed, progress):
        p = logits.softmax(1).numpy()
        total += p
        expected_entropy += entr(p).sum(1)
        votes[np.arange(len(x)), p.argmax(1)] += 1
    mean = total / samples
    entropy = entr(mean).sum(1)
    # Rounding must not make an information negative.
    information = np.maximum(entropy - expected_entropy / samples, 0.0)
    return MonteCarlo(mean, entropy, information, 1 - votes.max(1) / samples)


def mc_means(
    network: Classifier, x: Tensor, *, samples: int, seed: int, progress: Progress
) -> tuple[Floats, Floats]:
    """Return the mean softmax and the mean logits, both (N, 10), of the passes of `mc_dropout`."""
    softmax, logits = np.zeros((len(x), 10)), np.zeros((len(x), 10))
    for z in _passes(network, x, samples, seed, progress):
        softmax += z.softmax(1).numpy()
        logits += z.numpy()
    return softmax / samples, logits / samples


def odin(network: Classifier, x: Tensor, *, epsilon: float, temperature: float) -> Floats:
    """Return ODIN's score (N,): 1 − the largest softmax at a temperature, of perturbed inputs.

    The step is against the gradient of the predicted class's cross-entropy at the same
    temperature; ``epsilon`` is in standardised units and nothing is clipped.

    References
    ----------
    Liang, Li, Srikant, *Enhancing the reliability of out-of-distribution image detection in
    neural networks*, ICLR 2018, equations 1 and 2.
    """
    network.eval()
    scores = []
    for part in torch.split(x, _CHUNK):
        moved = part
        if epsilon:
            moved = part.clone().requires_grad_()
            logits = network(moved) / temperature
            loss = torch.nn.functional.cross_entropy(logits, logits.argmax(1), reduction="sum")
            (gradient,) = torch.autograd.grad(loss, moved)
            moved = (moved - epsilon * gradient.sign()).detach()
        with torch.no_grad():
            p = (network(moved).double() / temperature).softmax(1)
        scores.append(1 - p.max(1).values)
    return torch.cat(scores).numpy()


def negative_log_likelihood(logits: Floats, labels: Labels, temperature: float = 1.0) -> float:
    """Return the mean cross-entropy in nats."""
    z = logits / temperature
    return float(np.mean(logsumexp(z, axis=1) - z[np.arange(len(z)), labels]))


def fit_temperature(logits: Floats, labels: Labels) -> float:
    """Return the temperature of lowest cross-entropy, which is convex in its inverse.

    References
    ----------
    Guo et al., *On calibration of modern neural networks*, ICML 2017, section 4.2.
    """
    found = minimize_scalar(
        lambda beta: negative_log_likelihood(logits, labels, 1 / beta),
        bounds=(0.05, 20.0),
        method="bounded",
        options={"xatol": 1e-8},
    )
    return float(1 / found.x)


@dataclass(frozen=True)
class Reliability:
    """Bins of a reliability diagram that hold something: mean confidence, accuracy, count."""

    confidence: Floats
    accuracy: Floats
    count: NDArray[np.int64]

    @property
    def error(self) -> float:
        """Expected calibration error, a fraction."""
        weights = self.count / self.count.sum()
        return float(np.sum(weights * np.abs(self.accuracy - self.confidence)))


def reliability(p: Floats, labels: Labels, bins: int = 15) -> Reliability:
    """Return the bins ](m − 1)/M, m/M] of the largest probability of (N, K)."""
    confidence, right = p.max(1), p.argmax(1) == labels
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    full = count > 0
    sums = (np.bincount(place, values, minlength=bins)[full] for values in (confidence, right))
    mean_confidence, accuracy = (total / count[full] for total in sums)
    return Reliability(mean_confidence, accuracy, count[full])
