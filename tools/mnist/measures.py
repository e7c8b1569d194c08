"""How well a score tells positives (errors, out-of-distribution) from the others, with intervals.

A score is an uncertainty: larger is more suspicious. Equal scores are never told apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Measure = Callable[[Flags, Floats], float]


def aupr_positive(positive: Flags, score: Floats) -> float:
    """Return the average precision, positives to be found by large scores (AUPR-Error, -Out)."""
    return float(average_precision_score(positive, score))


def aupr_negative(positive: Flags, score: Floats) -> float:
    """Return the average precision of the others, found by small scores (AUPR-Success, -In)."""
    return float(average_precision_score(~positive, -score))


def auroc(positive: Flags, score: Floats) -> float:
    """Return the probability that a positive scores above another, ties counting one half."""
    return float(roc_auc_score(positive, score))


def fpr95(positive: Flags, score: Floats) -> float:
    """Return the share of positives accepted when 95 % of the others, at least, are accepted.

    Accepted is what scores at most the threshold, the smallest score that accepts enough.
    """
    others = np.sort(score[~positive])
    threshold = others[int(np.ceil(0.95 * len(others))) - 1]
    return float(np.mean(score[positive] <= threshold))


MEASURES: Mapping[str, Measure] = {
    "FPR95": fpr95,
    "AUPR+": aupr_positive,
    "AUPR-": aupr_negative,
    "AUROC": auroc,
}


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float


def bootstrap(
    runs: list[tuple[Flags, Floats]], measure: Measure, *, seed: int, resamples: int = 500
) -> Estimate:
    """Return a measure's mean over runs, with a percentile interval.

    Runs are drawn with replacement, then the test images of each, so that the interval holds what
    training and the finite test set both do.
    """
    rng = np.random.default_rng(seed)
    means = [
        float(
            np.mean(
                [_resampled(runs[r], measure, rng) for r in rng.integers(0, len(runs), len(runs))]
            )
        )
        for _ in range(resamples)
    ]
    value = float(np.mean([measure(*run) for run in runs]))
    low, high = np.percentile(means, [2.5, 97.5])
    return Estimate(value, float(low), float(high))


def paired_bootstrap(
    runs: list[tuple[Flags, Floats, Floats]], measure: Measure, *, seed: int, resamples: int = 500
) -> Estimate:
    """Return the mean difference, second score less first, on the same images in every draw."""
    rng = np.random.default_rng(seed)

    def difference(positive: Flags, first: Floats, second: Floats) -> float:
        return measure(positive, second) - measure(positive, first)

    means = []
    for _ in range(resamples):
        drawn = []
        for r in rng.integers(0, len(runs), len(runs)):
            positive, first, second = runs[r]
            rows = _stratified(positive, rng)
            drawn.append(difference(positive[rows], first[rows], second[rows]))
        means.append(float(np.mean(drawn)))
    value = float(np.mean([difference(*run) for run in runs]))
    low, high = np.percentile(means, [2.5, 97.5])
    return Estimate(value, float(low), float(high))


def _resampled(run: tuple[Flags, Floats], measure: Measure, rng: np.random.Generator) -> float:
    positive, score = run
    rows = _stratified(positive, rng)
    return measure(positive[rows], score[rows])


def _stratified(positive: Flags, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw rows with replacement among all, again until both kinds are there."""
    while True:
        rows = rng.integers(0, len(positive), len(positive))
        if 0 < positive[rows].sum() < len(rows):
            return rows
