"""``nbjudge solutions``: the corrigé as one zip, and not before everyone's time is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from nbjudge.due import Due, check_known, how_to_set, read_due
from nbjudge.errors import ConfigurationError
from nbjudge.marking.chain import login_name, now, open_chain
from nbjudge.marking.roll import read_roll
from nbjudge.produce import solution_version, write_folder, write_zip

if TYPE_CHECKING:
    from nbjudge.course import Course

LOG = Path(".nbjudge") / "solutions.jsonl"
"""Who published before the time, when and why."""
_NAMED = 3


def publish(
    course: Course,
    assignment: str,
    output: Path | None = None,
    *,
    before_time: str | None = None,
    clock: datetime | None = None,
) -> Path:
    """Make ``solutions/`` of an assignment anew, and one zip of it; return the zip.

    Parameters
    ----------
    course, assignment
        Of which it is.
    output
        The zip; by default ``dist/<assignment>-solutions.zip``.
    before_time
        Why it is published although somebody has time left; None to refuse that. It is logged.
    clock
        The moment; by default now.

    Raises
    ------
    ConfigurationError
        If the last extension has not passed, or no due date is set.
    NotebookError
        If it cannot be made.
    """
    check_known(assignment, course.assignments())
    due = read_due(course, assignment, read_roll(course.root))
    refusal = _refusal(due, clock or datetime.now(UTC))
    if refusal is not None and before_time is None:
        raise ConfigurationError(refusal)
    compiled = course.compile(assignment)
    files = solution_version(course, compiled)
    if refusal is not None:
        with open_chain(course.root / LOG) as log:
            log.append(
                {
                    "time": now(),
                    "who": login_name(),
                    "assignment": assignment,
                    "reason": before_time,
                    "against": refusal,
                }
            )
    write_folder(course.folder("solution") / assignment, files)
    target = output or course.root / "dist" / f"{assignment}-solutions.zip"
    write_zip(target, assignment, files, None)
    return target


def _refusal(due: Due, moment: datetime) -> str | None:
    """Return why it is too early; None if it is not."""
    doing = f"Publishing the solutions of {due.assignment}"
    last = due.last()
    if last is None or due.date is None:
        return (
            f"{doing}: the gradebook has no due date, so nobody knows when the last student has "
            f"finished. Set it: {how_to_set(due.assignment, due.deadlines)}"
        )
    until, whose = last
    if moment > until:
        return None
    shown = due.deadlines.shown
    added = []
    if due.deadlines.grace:
        added.append(f"{int(due.deadlines.grace.total_seconds()) // 60} min of grace")
    if whose:
        named = ", ".join(whose[:_NAMED]) + (", ..." if len(whose) > _NAMED else "")
        extension = until - due.date - due.deadlines.grace
        added.append(f"the longest extension ({_duration(extension)}: {named})")
    because = f", with {' and '.join(added)}" if added else ""
    return (
        f"{doing}: students have time until {shown(until)} (due {shown(due.date)}{because}). Try "
        "again after that; to publish all the same, add --force --reason TEXT, which is logged."
    )


def _duration(time: timedelta) -> str:
    hours, seconds = divmod(int(time.total_seconds()), 3600)
    days, hours = divmod(hours, 24)
    parts = ((days, "d"), (hours, "h"), (seconds // 60, "min"))
    return " ".join(f"{count} {unit}" for count, unit in parts if count)
