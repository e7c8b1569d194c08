"""How well a score tells positives (errors, out-of-distribution) from the others, with intervals.

A score is an uncertainty: larger is more suspicious. Equal scores are never told apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress
from sklearn.metrics import average_precision_score, roc_auc_score

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Measure = Callable[[Flags, Floats], float]


def aupr_positive(positive: Flags, score: Floats) -> float:
    """Return the average precision, positives to be found by large scores (AUPR-Error, -Out).

    >>> aupr_positive(np.array([True, False, True]), np.array([0.9, 0.5, 0.5]))
    0.8333333333333333
    """
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

    >>> fpr95(np.array([False] * 20 + [True] * 2), np.array([*range(20), 18, 18.5], dtype=float))
    0.5
    """
    others = score[~positive]
    place = int(np.ceil(0.95 * len(others))) - 1
    threshold = np.partition(others, place)[place]
    return float(np.mean(score[positive] <= threshold))


FAILURE: Mapping[str, Measure] = {
    "FPR95": fpr95,
    "AUPR-Error": aupr_positive,
    "AUPR-Success": aupr_negative,
    "AUROC": auroc,
}
OUTSIDE: Mapping[str, Measure] = {"FPR95": fpr95, "AUPR-Out": aupr_positive, "AUROC": auroc}


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def sign(self) -> int:
        """1 or −1 if the interval lies on one side of 0, else 0."""
        return int(self.low > 0) - int(self.high < 0)


@dataclass(frozen=True)
class Run:
    """One trained network on the test images: which are positive, and each method's scores."""

    positive: Flags
    scores: Mapping[str, Floats]


@dataclass(frozen=True)
class Comparison:
    """Means over runs, by (method, measure); ``gain``: less the first method's, paired."""

    value: Mapping[tuple[str, str], Estimate]
    gain: Mapping[tuple[str, str], Estimate]


def compare(
    runs: Sequence[Run],
    measures: Mapping[str, Measure],
    *,
    seed: int,
    resamples: int,
    progress: Progress,
) -> Comparison:
    """Return every measure of every method with percentile intervals.

    A resample draws runs with replacement, then images with replacement: the same images for all
    its runs and all methods, which share one test set. The interval thus holds what the finite
    test set does and, as far as a few runs show it, what training does.

    Parameters
    ----------
    runs
        All on the same images in the same order, with the same methods.
    """
    rng = np.random.default_rng(seed)
    methods = list(runs[0].scores)
    count = len(runs[0].positive)

    def table(chosen: Sequence[int], rows: NDArray[np.int64] | slice) -> Floats:
        """Return means over runs, (methods, measures)."""
        each = [
            [
                [
                    measure(runs[r].positive[rows], runs[r].scores[m][rows])
                    for measure in measures.values()
                ]
                for m in methods
            ]
            for r in chosen
        ]
        means: Floats = np.mean(each, axis=0)
        return means

    found = table(range(len(runs)), slice(None))
    drawn = []
    for _ in progress.track(range(resamples), description="Bootstrap"):
        chosen = rng.integers(0, len(runs), len(runs))
        rows = rng.integers(0, count, count)
        # Without a positive, or with nothing else, no measure is defined.
        if all(0 < runs[r].positive[rows].sum() < count for r in chosen):
            drawn.append(table([int(r) for r in chosen], rows))
    draws = np.stack(drawn)
    return Comparison(
        _estimates(found, draws, methods, measures),
        _estimates(found - found[:1], draws - draws[:, :1], methods, measures),
    )


def _estimates(
    found: Floats, draws: Floats, methods: Sequence[str], measures: Mapping[str, Measure]
) -> dict[tuple[str, str], Estimate]:
    low, high = np.percentile(draws, [2.5, 97.5], axis=0)
    return {
        (method, measure): Estimate(float(found[i, j]), float(low[i, j]), float(high[i, j]))
        for i, method in enumerate(methods)
        for j, measure in enumerate(measures)
    }
