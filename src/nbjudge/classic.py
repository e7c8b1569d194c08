"""Scores of test cells that run inside the student's kernel, by nbgrader's rules.

The rules of ``nbgrader.utils.determine_grade`` (0.9.6) without its accidents: a score that is
not in [0, points] earns nothing instead of everything or of losing the whole submission.
Inside means forgeable: see the threat model in the README.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from nbjudge.i18n import gettext as _
from nbjudge.verdict import Status, Verdict


def classic_verdict(
    grade_id: str,
    max_points: float,
    outputs: Sequence[dict[str, Any]],
    seconds: float,
    *,
    raised: bool = False,
    ignored_stderr: str = "",
) -> Verdict:
    """Return the verdict of an executed cell from its outputs.

    An error or anything on stderr earns 0; a number as the cell's value is a partial score;
    anything else, and no output at all, earns full points.

    Parameters
    ----------
    grade_id, max_points
        Of the cell.
    outputs
        Of the cell, as nbformat has them.
    seconds
        That it took.
    raised
        Whether the kernel's reply says that the cell stopped with an exception, whatever was
        displayed of it (a notebook can replace what displays exceptions).
    ignored_stderr
        Regular expression of error output that counts for nothing (``c.IgnorePattern``).
    """

    def verdict(status: Status, points: float, message: str = "", detail: str = "") -> Verdict:
        return Verdict(
            grade_id=grade_id,
            status=status,
            points=points,
            max_points=max_points,
            message=message,
            detail=detail,
            seconds=seconds,
        )

    for output in outputs:
        kind = output.get("output_type")
        if kind == "error":
            name = str(output.get("ename", ""))
            said = f"{name}: {output.get('evalue', '')}"
            status = Status.UNDEFINED if name == "NotImplementedError" else Status.FAILED
            return verdict(status, 0.0, _("The tests stopped with {kind}.").format(kind=name), said)
        if kind == "stream" and output.get("name") == "stderr":
            if ignored_stderr and re.search(ignored_stderr, str(output.get("text", ""))):
                continue
            return verdict(
                Status.FAILED,
                0.0,
                _("The tests wrote to the error output."),
                output.get("text", ""),
            )
    if raised:
        return verdict(Status.FAILED, 0.0, _("The tests stopped with an exception."))
    for output in outputs:
        if output.get("output_type") == "execute_result":
            score = _number(output.get("data", {}).get("text/plain", ""))
            if score is None:
                break
            if not 0 <= score <= max_points:
                return verdict(
                    Status.ERROR,
                    0.0,
                    _("The tests gave a score outside the range of the question."),
                    f"score {score!r} of {max_points:g}",
                )
            if score == max_points:
                break
            return verdict(Status.PARTIAL if score > 0 else Status.FAILED, score)
    return verdict(Status.PASSED, max_points)


# What a notebook shows of a number of numpy's or torch's.
_WRAPPED = re.compile(
    r"^(?:(?:np|numpy|torch)\.)?(?:float|int|uint|tensor)\w*\(([^,()]*)(?:,.*)?\)$"
)


def _number(text: object) -> float | None:
    """Read a cell's value; None for what is no number, -1 for NaN."""
    shown = str(text).strip()
    wrapped = _WRAPPED.match(shown)
    try:
        value = float(wrapped[1] if wrapped else shown)
    except ValueError:
        return None
    return value if not math.isnan(value) else -1.0
