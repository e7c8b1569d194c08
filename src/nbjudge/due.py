"""``nbjudge.configure_deadlines(c)``, and until when a submission is in time.

The due date is nbgrader's (``nbgrader db assignment add TP --duedate ...``), with the extensions
granted in its gradebook; the roll has further ones (tiers-temps); grace and time zone are said
here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

from nbjudge.errors import ConfigurationError, UnknownNameError

if TYPE_CHECKING:
    from nbjudge.marking.roll import Roll

SECTION = "NbJudgeDeadlines"
TIMEZONE = "Europe/Paris"
_LATE = ("keep", "refuse")
_MOST_GRACE = 7 * 24 * 60


@dataclass(frozen=True, kw_only=True)
class Deadlines:
    """How the deadlines of a course are read; made by :func:`deadlines_from`."""

    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo(TIMEZONE))
    """Of times without one: those of Moodle's worksheets, and of sentences."""
    grace: timedelta = timedelta()
    late: Literal["keep", "refuse"] = "keep"
    """What becomes of an upload after the deadline of a student who has no other."""

    def shown(self, time: datetime) -> str:
        """Return a time as people here read it, with the zone that it is in.

        >>> Deadlines().shown(datetime(2025, 11, 3, 22, 59, tzinfo=UTC))
        'Monday 3 November 2025 at 23:59 (Europe/Paris)'
        """
        local = time.astimezone(self.timezone)
        # Not %A and %B: those are in the language of the process.
        day, month = _DAYS[local.weekday()], _MONTHS[local.month - 1]
        clock = f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"
        return f"{day} {local.day} {month} {local.year} at {clock} ({self.timezone.key})"


_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)


def configure_deadlines(
    c: Any, *, timezone: str = TIMEZONE, grace_minutes: int = 0, late: str = "keep"
) -> None:
    """Say how deadlines are read; without this call it is as the defaults say.

    Parameters
    ----------
    c
        nbgrader's configuration: ``get_config()`` in ``nbgrader_config.py``.
    timezone
        Of the times in Moodle's worksheets (the one in the profile of who downloads them) and of
        sentences with a time; a name such as ``"Europe/Paris"``, summer time included.
    grace_minutes
        After the due date, during which an upload is still in time.
    late
        What `nbjudge moodle collect` does with an upload after the deadline, of a student who has
        none before it: ``"keep"`` it and report it, or ``"refuse"`` it (it is put aside).

    Raises
    ------
    ConfigurationError
        Naming the option that is wrong.
    """
    said = {"timezone": timezone, "grace_minutes": grace_minutes, "late": late}
    _deadlines(said)
    for name, value in said.items():
        setattr(c[SECTION], name, value)


def deadlines_from(config: Any) -> Deadlines:
    """Return what :func:`configure_deadlines` wrote into a configuration.

    Raises
    ------
    ConfigurationError
        If an option was set to a wrong value afterwards.
    """
    return _deadlines(dict(config.get(SECTION, {})))


def _deadlines(said: Mapping[str, Any]) -> Deadlines:
    grace = said.get("grace_minutes", 0)
    if not isinstance(grace, int) or isinstance(grace, bool) or not 0 <= grace <= _MOST_GRACE:
        raise _wrong("grace_minutes", grace, "a number of minutes from 0 to a week: 0, 10, ...")
    late = said.get("late", "keep")
    if late not in _LATE:
        raise _wrong("late", late, '"keep" or "refuse"')
    return Deadlines(
        timezone=_zone(said.get("timezone", TIMEZONE)),
        grace=timedelta(minutes=grace),
        late=late,
    )


def _zone(name: Any) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    # A folder of zones is an OSError, a path out of it a ValueError.
    except (KeyError, ValueError, TypeError, OSError):
        raise _wrong(
            "timezone",
            name,
            'the name of a time zone of the IANA data base, such as "Europe/Paris" (if it is one, '
            "this machine has no time zones: pip install tzdata)",
        ) from None


def _wrong(name: str, value: Any, expected: str) -> ConfigurationError:
    return ConfigurationError(
        f"nbjudge.configure_deadlines: {name} is {value!r}; it must be {expected}."
    )


@dataclass(frozen=True, kw_only=True)
class Due:
    """When an assignment is due, for everyone."""

    assignment: str
    date: datetime | None
    """Aware; None if none is set."""
    deadlines: Deadlines
    granted: Mapping[str, timedelta] = field(default_factory=dict)
    """Extensions in nbgrader's gradebook, by student."""
    roll: Roll | None = None

    def until(self, student: str) -> datetime | None:
        """Return the last moment in time for a student, grace included; None without a date."""
        if self.date is None:
            return None
        return self.date + self._extension(student) + self.deadlines.grace

    def is_late(self, student: str, arrived: datetime) -> bool:
        """Whether a submission of this moment is late; none is without a due date."""
        until = self.until(student)
        return until is not None and arrived > until

    def last(self) -> tuple[datetime, tuple[str, ...]] | None:
        """Return when the last extension ends, grace included, and whose it is.

        The students are empty if nobody has one; None without a due date.
        """
        if self.date is None:
            return None
        extensions = {student: self._extension(student) for student in self._everyone()}
        longest = max(extensions.values(), default=timedelta())
        longest = max(longest, timedelta())
        whose = sorted(s for s, extension in extensions.items() if extension == longest)
        return self.date + longest + self.deadlines.grace, tuple(whose if longest else ())

    def _everyone(self) -> Iterable[str]:
        return {*self.granted, *(self.roll.students if self.roll else ())}

    def _extension(self, student: str) -> timedelta:
        """Return the longer one of the two: an extension is a promise, wherever it was given."""
        enrolled = self.roll.students.get(student) if self.roll else None
        from_roll = enrolled.extension_for(self.assignment) if enrolled else timedelta()
        return max(from_roll, self.granted.get(student, timedelta()))


def read_due(course: Any, assignment: str, roll: Roll | None) -> Due:
    """Return when an assignment of a course is due.

    Parameters
    ----------
    course
        :class:`nbjudge.course.Course`.
    assignment
        Its name.
    roll
        Of the course.

    Raises
    ------
    ConfigurationError
        If the options or the gradebook cannot be read.
    """
    from nbjudge.gradebook import read_duedate

    date, granted = read_duedate(course.db_url, assignment)
    return Due(
        assignment=assignment,
        date=None if date is None else date.replace(tzinfo=UTC),
        deadlines=deadlines_from(course.config),
        granted=granted,
        roll=roll,
    )


def how_to_set(assignment: str, deadlines: Deadlines) -> str:
    """Return the command that sets a due date.

    The zone stands in it by its name: nbgrader takes "+0100" for a hundred seconds.
    """
    return (
        f"nbgrader db assignment add {assignment} "
        f'--duedate="2025-11-03 23:59:00 {deadlines.timezone.key}"'
    )


def check_known(assignment: str, names: Iterable[str]) -> None:
    """Refuse the name of an assignment that the course has not.

    Raises
    ------
    UnknownNameError
        If there is none of this name.
    """
    every = list(names)
    if assignment not in every:
        raise UnknownNameError(
            f"There is no assignment {assignment!r} in source/; there are: "
            f"{', '.join(every) or 'none'}."
        )
