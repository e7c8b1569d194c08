"""Numbers of marks: exact fractions inside, one rounding at the end."""

from __future__ import annotations

import math
import re
from fractions import Fraction

FULL = Fraction(20)
"""French marks are on 20."""
_SIMPLE = 1_000
"""Denominators up to here count as written: quarters, tenths, thirds, sevenths."""
_SLIP = Fraction(1, 10**12)
"""What adding shares of points in binary may be off by; no two simple fractions are so near."""
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?")


def exact(value: float) -> Fraction:
    """Return the points that were meant by a binary number of the gradebook.

    Ten tenths are one, and two thirds are two thirds; what is near no simple fraction is taken
    digit by digit.

    >>> exact(0.1 + 0.2), exact(2 / 3), exact(0.123456789)
    (Fraction(3, 10), Fraction(2, 3), Fraction(123456789, 1000000000))

    Raises
    ------
    ValueError
        If it is infinite or no number.
    """
    if not math.isfinite(value):
        raise ValueError(f"{value!r} is no number of points")
    digits = Fraction(repr(float(value)))
    simple = digits.limit_denominator(_SIMPLE)
    return simple if abs(simple - digits) <= _SLIP else digits


def parse(text: str) -> Fraction:
    """Return a number as a person writes it, with a comma or a point.

    >>> parse("12,5"), parse("12.50")
    (Fraction(25, 2), Fraction(25, 2))

    Raises
    ------
    ValueError
        If it is none.
    """
    text = text.strip()
    if not text.isascii() or not _NUMBER.fullmatch(text):
        raise ValueError(f"{text!r} is no number")
    return Fraction(text.replace(",", "."))


def round_half_up(value: Fraction, step: Fraction) -> Fraction:
    """Return the nearest multiple of a step; a half goes upwards.

    >>> round_half_up(Fraction("7.875"), Fraction("0.25"))
    Fraction(8, 1)
    """
    return math.floor(value / step + Fraction(1, 2)) * step


def decimal(value: Fraction, places: int, *, fixed: bool = False) -> str:
    """Return a number with at most so many decimals, a half upwards; ``fixed``: exactly so many.

    >>> decimal(Fraction(37, 3), 4), decimal(Fraction(12), 2), decimal(Fraction(12), 2, fixed=True)
    ('12.3333', '12', '12.00')
    """
    units = round_half_up(value, Fraction(1, 10**places)) * 10**places
    digits = f"{abs(int(units)):0{places + 1}d}"
    whole, rest = digits[: len(digits) - places], digits[len(digits) - places :]
    if not fixed:
        rest = rest.rstrip("0")
    return ("-" if units < 0 else "") + whole + (f".{rest}" if rest else "")


def written(value: Fraction) -> str:
    """Return a number exactly: as a decimal if it ends, else as a fraction. ``Fraction`` reads it.

    >>> written(Fraction(49, 4)), written(Fraction(37, 3))
    ('12.25', '37/3')
    """
    # A decimal of 15 places at most: none is longer that a person wrote.
    if 10**15 % value.denominator:
        return str(value)
    return decimal(value, 15)


def said(value: Fraction) -> str:
    """Return a number for a person: exactly, and its decimals too where they do not end.

    >>> said(Fraction(49, 4)), said(Fraction(37, 3))
    ('12.25', '37/3 (12.3333…)')
    """
    text = written(value)
    return text if "/" not in text else f"{text} ({decimal(value, 4)}…)"
