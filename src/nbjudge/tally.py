"""Points of one test cell: from its credits, its last value, or whether it passed."""

from __future__ import annotations

import math
import numbers
from fractions import Fraction
from typing import Any

from nbjudge import testing
from nbjudge.assignment import SourceCell
from nbjudge.errors import HiddenTestError
from nbjudge.i18n import gettext as _
from nbjudge.remote import Remote
from nbjudge.verdict import Status


def tally(
    cell: SourceCell,
    credits: testing.Ledger,
    score: float | None,
    status: Status,
    message: str,
    detail: str,
    *,
    strict: bool,
) -> dict[str, Any]:
    """Return the verdict as plain data.

    Parameters
    ----------
    cell
        The test cell.
    credits
        The shares that it gave, in order.
    score
        What it ended in, if that is a number (:func:`read_score`).
    status, message, detail
        How its execution ended.
    strict
        Whether the reference is being proved.

    Raises
    ------
    HiddenTestError
        While proving: if the credits or the score do not fit the cell's points.
    """
    total = sum(entry.max_points for entry in credits)
    if credits and strict and not math.isclose(total, cell.points, abs_tol=1e-9):
        raise HiddenTestError(
            f"The credits of {cell.grade_id!r} add up to {total:g}, the cell is worth "
            f"{cell.points:g}: make them equal."
        )
    if credits:
        points = sum(entry.points for entry in credits)
    elif score is not None and status is Status.PASSED:
        points = score
        if not 0 <= points <= cell.points:  # NaN too
            said = f"score {points!r} of {cell.points:g}"
            if strict:
                raise HiddenTestError(
                    f"{cell.grade_id!r} ends in a number, which nbgrader takes for a score, "
                    f"but it is outside its points ({said}). End the cell in something else."
                )
            points, status = 0.0, Status.ERROR
            message = _("The tests gave a score outside the range of the question.")
            detail = said
    else:
        points = cell.points if status is Status.PASSED else 0.0
    points = min(points, cell.points)
    if math.isclose(points, cell.points, abs_tol=1e-9):
        points = cell.points  # ten tenths are a whole
    if status is Status.PASSED and points < cell.points:
        status = Status.PARTIAL if points > 0 else Status.FAILED
    elif status is not Status.PASSED and points >= cell.points > 0:
        # Every credit was earned; what failed after them is said and costs nothing.
        status = Status.PASSED
    elif status is not Status.PASSED and points > 0:
        status = Status.PARTIAL
    return {
        "status": status.value,
        "points": points,
        "message": message,
        "detail": detail,
        "false_alarm": credits.false_alarm + sum(entry.false_alarm for entry in credits),
        "parts": [
            {
                "what": entry.what,
                "points": entry.points,
                "max_points": entry.max_points,
                "message": _why(entry, message),
                "detail": entry.detail or (detail if entry.is_open else ""),
                "false_alarm": entry.false_alarm,
            }
            for entry in credits
        ],
    }


def _why(entry: testing.Credit, message: str) -> str:
    """Say why a share was lost; nothing if it was earned."""
    if entry.points or entry.message:
        return entry.message
    # What ends the whole cell (the kernel died) is told where it happened.
    return message if entry.is_open else _("not reached, an earlier check failed")


def read_score(value: Any) -> float | None:
    """Return the score that nbgrader would read of the value that a notebook shows."""
    if isinstance(value, Remote | bool | Fraction):
        return None
    is_number = isinstance(value, numbers.Real)
    is_tensor = hasattr(value, "requires_grad") and value.ndim == 0
    return float(value) if is_number or is_tensor else None
