"""A verdict of time or memory may be the machine's doing: such a notebook is graded once more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nbjudge.assignment import Assignment, Upload
from nbjudge.grade import grade_notebook
from nbjudge.limits import Limits
from nbjudge.settings import Settings
from nbjudge.verdict import Result, Status
from nbjudge.warm import Warmth

_LIMITED = (Status.TIMEOUT, Status.MEMORY)


def grade_fairly(
    upload: Upload,
    assignment: Assignment,
    notebook: str,
    settings: Settings,
    secret: bytes,
    again: Sequence[bytes] = (),
    warmth: Warmth | None = None,
) -> Result:
    """Grade a notebook; where a limit of time or memory decided something, grade it once more.

    A neighbour on a busy machine can make a right answer late, and no student shall pay for it.
    The second run starts its own Python: so a kernel that died warm has another chance as well.
    Kept is the run in which limits decided less; of two alike the one with more points, else the
    second. Its log says that there were two, and why.

    Parameters and errors are those of :func:`~nbjudge.grade.grade_notebook`. What is judged again
    with further secrets (``again``) is a measurement of the tests, and run once.
    """
    first = grade_notebook(upload, assignment, notebook, settings, secret, again, warmth)
    limited = limits_met(first, settings.limits)
    if warmth is not None and first.restarts:
        limited.append(f"its kernel was replaced ({first.restarts})")
    if again or not limited:
        return first
    second = grade_notebook(upload, assignment, notebook, settings, secret)
    still = limits_met(second, settings.limits)
    is_first = (len(limited), -first.points) < (len(still), -second.points)
    kept = first if is_first else second
    line = (
        f"{notebook} was graded twice, because of this in the first run: {'; '.join(limited)}. "
        f"In the second: {'; '.join(still) or 'nothing of the kind'}. Kept: the "
        f"{'first' if is_first else 'second'} ({first.points:g} points, then {second.points:g})."
    )
    return replace(kept, log=(*kept.log, line))


def limits_met(result: Result, limits: Limits) -> list[str]:
    """Return what a limit of time or memory has decided, each in some words.

    Besides verdicts that say so themselves, a cell that was interrupted counts: what it would
    have defined is missing from the questions after it, whose verdicts speak of that.
    """
    met = [f"{v.grade_id} ({v.status})" for v in result.verdicts if v.status in _LIMITED]
    named = {v.grade_id for v in result.verdicts if v.status in _LIMITED}
    met += [
        f"{cell.name} took {cell.seconds:.3g} s"
        for cell in result.timings
        if cell.seconds >= limits.cell_seconds and cell.name not in named
    ]
    if result.seconds >= limits.notebook_seconds:
        met.append(f"the notebook took {result.seconds:.3g} s")
    if result.memory_bytes >= limits.memory_bytes and Status.MEMORY not in {
        v.status for v in result.verdicts
    }:
        met.append(f"the kernel was seen to use {result.memory_bytes >> 20} MiB")
    return met
