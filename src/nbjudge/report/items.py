"""Questions and checks as instruments: how many succeed, and whether it is those who know more."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FEWEST = 3
"""Submissions: two points always lie on a line."""
LOW = 0.2
"""Below, a question tells those who know from those who do not badly (Ebel, 1972)."""
_Z = 1.959964
"""Of the normal law: 95 % lie within."""


@dataclass(frozen=True, kw_only=True)
class Item:
    """What a class did with a question, or with one check of it."""

    count: int
    """Submissions that it was judged in."""
    full: float
    """Share of them with all its points, in [0, 1]."""
    mean: float
    """Share of its points that they earned on average."""
    discrimination: float | None
    """Correlation with the rest of the score, in [-1, 1]; None where it is not defined."""
    low: float | None = None
    """Of its 95 % interval."""
    high: float | None = None
    why: str = ""
    """Why it is not defined."""

    @property
    def remark(self) -> str:
        """What a lecturer should think about; nothing where all is well."""
        if self.discrimination is None:
            return ""
        if self.discrimination < 0:
            return "negative: those who know more do worse here"
        return "low" if self.discrimination < LOW else ""


def item(points: Sequence[float], totals: Sequence[float], maximum: float) -> Item:
    """Return the statistics of one item.

    Its discrimination is Pearson's correlation of its points with the rest of the score, itself
    left out (the corrected item-total correlation); where it is earned whole or not at all, that is
    the point-biserial correlation.  The interval is Fisher's, of the normal law: a rough one for
    few submissions.

    Parameters
    ----------
    points
        Of the item, by submission.
    totals
        Of the same submissions, the item included.
    maximum
        Of the item, above 0.

    References
    ----------
    Henrysson, S. (1963). Correction of item-total correlations in item analysis. Psychometrika 28.
    """
    import numpy as np

    earned = np.asarray(points, dtype=float)
    count = len(earned)
    if count == 0:
        return Item(count=0, full=0.0, mean=0.0, discrimination=None, why="nobody was judged")
    rest = np.asarray(totals, dtype=float) - earned
    full, mean = float(np.mean(earned >= maximum - 1e-9)), float(np.mean(earned) / maximum)
    why = ""
    if count < FEWEST:
        why = f"fewer than {FEWEST} submissions"
    elif _is_constant(earned):
        why = "the same for everybody"
    elif _is_constant(rest):
        why = "the rest is the same for everybody"
    if why:
        return Item(count=count, full=full, mean=mean, discrimination=None, why=why)
    found = float(np.clip(np.corrcoef(earned, rest)[0, 1], -1.0, 1.0))
    low, high = _interval(found, count)
    return Item(count=count, full=full, mean=mean, discrimination=found, low=low, high=high)


def _is_constant(values: NDArray[np.float64]) -> bool:
    # Sums of tenths differ in their last bit.
    return bool(values.max() - values.min() < 1e-9)


def _interval(correlation: float, count: int) -> tuple[float | None, float | None]:
    if count <= FEWEST or abs(correlation) > 1 - 1e-12:
        return None, None
    middle, half = math.atanh(correlation), _Z / math.sqrt(count - 3)
    return math.tanh(middle - half), math.tanh(middle + half)


@dataclass(frozen=True, kw_only=True)
class Spread:
    """How numbers lie."""

    count: int
    mean: float
    deviation: float
    """Standard deviation of the class itself (division by the count)."""
    least: float
    lower: float
    median: float
    upper: float
    """Quartiles, interpolated."""
    most: float
    high: float
    """95 % are not above."""


def spread(values: Sequence[float]) -> Spread | None:
    """Return how numbers lie; None where there are none."""
    import numpy as np

    if not values:
        return None
    every: Any = np.asarray(values, dtype=float)
    least, lower, median, upper, high, most = np.percentile(every, [0, 25, 50, 75, 95, 100])
    return Spread(
        count=len(every),
        mean=float(every.mean()),
        deviation=float(every.std()),
        least=float(least),
        lower=float(lower),
        median=float(median),
        upper=float(upper),
        most=float(most),
        high=float(high),
    )
