"""The geometry of a histogram, for the template that draws it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 360.0, 190.0
"""Of the drawing, in its own units: as wide as a phone, so that its words stay legible there."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 30.0, 8.0, 20.0, 38.0
FULL = 20


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One class of marks."""

    label: str
    count: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, kw_only=True)
class Tick:
    """A number beside an axis."""

    text: str
    place: float


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """Bars of marks on 20, one for each point; the last one holds 20 itself, and above."""

    bars: Sequence[Bar]
    across: Sequence[Tick]
    up: Sequence[Tick]
    left: float = _LEFT
    right: float = WIDTH - _RIGHT
    top: float = _TOP
    base: float = HEIGHT - _BOTTOM
    width: float = WIDTH
    height: float = HEIGHT


def counts(marks: Sequence[float]) -> list[int]:
    """Return how many marks lie in [0, 1[, [1, 2[, ..., [19, 20].

    >>> counts([0.0, 0.99, 10.0, 19.5, 20.0])[::10], counts([20.0, 20.5])[-1]
    ([2, 1], 2)
    """
    found = [0] * FULL
    for mark in marks:
        found[min(FULL - 1, max(0, int(mark)))] += 1
    return found


def label(place: int) -> str:
    """Return the words of a bar."""
    return f"{place} to {place + 1}" + ("" if place == FULL - 1 else " (not included)")


def histogram(marks: Sequence[float]) -> Histogram:
    """Return the drawing of marks on 20."""
    numbers = counts(marks)
    most = max(1, *numbers)
    step = _step(most)
    top = -(-most // step) * step
    base, room = HEIGHT - _BOTTOM, HEIGHT - _BOTTOM - _TOP
    slot = (WIDTH - _LEFT - _RIGHT) / FULL
    bars = [
        Bar(
            label=label(place),
            count=count,
            x=round(_LEFT + slot * place + 1, 2),
            y=round(base - room * count / top, 2),
            width=round(slot - 2, 2),
            height=round(room * count / top, 2),
        )
        for place, count in enumerate(numbers)
    ]
    return Histogram(
        bars=bars,
        across=[Tick(text=str(n), place=round(_LEFT + slot * n, 2)) for n in range(0, FULL + 1, 5)],
        up=[
            Tick(text=str(n), place=round(base - room * n / top, 2))
            for n in range(0, top + 1, step)
        ],
    )


def _step(most: int) -> int:
    """Return a round distance of about four ticks."""
    size = 1
    while True:
        for factor in (1, 2, 5):
            if most <= 4 * factor * size:
                return factor * size
        size *= 10
