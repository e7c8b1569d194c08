"""Personal data of past years: where it is, and taking it away (docs/personal-data.md).

Nothing is removed but what is listed first, and nothing outside the folders and files named here.
A student's data goes as a whole or stays: who handed something in later keeps everything.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from nbjudge.course import Course
from nbjudge.errors import ConfigurationError, MachineError
from nbjudge.gradebook import refusal
from nbjudge.records import RESULTS

STUDENTS = ("submitted", "autograded", "feedback")
"""Steps whose folder holds one folder a student."""
TABLES = (
    "marks*.csv", "marks*.xlsx", "marks*.json", "exam*.csv", "students.csv", "report*.html",
    ".nbgrader.log", "gradebook.db.*", ".nbjudge/removed.txt", ".nbjudge/moodle/*",
    "dist/*.csv", "dist/*-feedback*.zip",
)  # fmt: skip
"""Files of a whole class, by what the documentation calls them; their last change counts."""
FROZEN = (".nbjudge/frozen", ".nbjudge/contestations.jsonl")
"""What a jury saw, and who contested it: kept unless asked for."""
_KEPT_STEPS = ("source", "release", "solution")
_SEPTEMBER = 9


@dataclass(frozen=True, kw_only=True)
class Span:
    """A stretch of time, its end not included."""

    start: datetime | None
    end: datetime

    def __contains__(self, moment: datetime) -> bool:
        return (self.start is None or self.start <= moment) and moment < self.end


def before(day: datetime, now: datetime | None = None) -> Span:
    """Return all the time before a day.

    Raises
    ------
    ConfigurationError
        If the day is still to come.
    """
    day = day.astimezone()
    if day > (now or datetime.now().astimezone()):
        raise ConfigurationError(
            f"Purging what is older than {day:%Y-%m-%d}: that day is still to come. Give one that "
            "is past."
        )
    return Span(start=None, end=day)


def year(number: int, now: datetime | None = None) -> Span:
    """Return an academic year: from 1 September of its number to 31 August of the next.

    Raises
    ------
    ConfigurationError
        If it is not over.
    """
    start = datetime(number, _SEPTEMBER, 1).astimezone()
    end = datetime(number + 1, _SEPTEMBER, 1).astimezone()
    if end > (now or datetime.now().astimezone()):
        raise ConfigurationError(
            f"Purging the year {number}: it goes from {start:%Y-%m-%d} to the end of August "
            f"{number + 1}, and is not over. Name the year that it began in, or use --before DATE."
        )
    return Span(start=start, end=end)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What would be removed."""

    course: Course
    students: Sequence[str]
    folders: Mapping[str, Sequence[Path]]
    """By what they are called: folders of students."""
    files: Sequence[Path]
    """Of the whole class."""
    in_gradebook: Sequence[str]
    """Students with rows there."""
    kept: Sequence[str]
    """Students who have data of another time."""
    undated: Sequence[str]
    """Students of whom no date is known; they are kept."""
    kept_files: Sequence[Path]
    """Of the whole class, changed at another time, or kept unless asked for."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to remove."""
        return not (self.students or self.files)


def plan(course: Course, span: Span, *, frozen: bool = False) -> Plan:
    """Return what belongs to a stretch of time; nothing is changed.

    Parameters
    ----------
    course
        The course.
    span
        A student belongs to it whose last submission does; a file whose last change does.
    frozen
        Whether what juries saw belongs to it as well.

    Raises
    ------
    ConfigurationError
        If a folder of students is one of the course's own, or the gradebook cannot be read.
    """
    places = _places(course)
    rows = _in_gradebook(course)
    folders = {
        name: {path.name: path for path in _folders_in(place)} for name, place in places.items()
    }
    everybody = sorted({*rows, *(student for found in folders.values() for student in found)})
    dates = {
        student: _last(rows.get(student), [found[student] for found in folders.values()
                                           if student in found])
        for student in everybody
    }  # fmt: skip
    gone = [s for s in everybody if (moment := dates[s]) is not None and moment in span]
    kept = [s for s in everybody if (moment := dates[s]) is not None and moment not in span]
    undated = [s for s in everybody if dates[s] is None]
    if gone and not kept:
        # Names without a submission are of the class that goes.
        gone, undated = sorted([*gone, *undated]), []
    files: list[Path] = []
    kept_files: list[Path] = []
    for path in _class_files(course.root, TABLES):
        (files if _changed(path) in span else kept_files).append(path)
    for path in _class_files(course.root, FROZEN):
        (files if frozen and _changed(path) in span else kept_files).append(path)
    return Plan(
        course=course,
        students=gone,
        folders={
            name: [found[student] for student in gone if student in found]
            for name, found in folders.items()
        },
        files=files,
        in_gradebook=[student for student in gone if student in rows],
        kept=kept,
        undated=undated,
        kept_files=kept_files,
    )


def _places(course: Course) -> dict[str, Path]:
    """Return the folders that hold one folder a student."""
    places = {step: course.folder(step) for step in STUDENTS} | {
        str(RESULTS): course.root / RESULTS
    }
    own = [course.folder(step) for step in _KEPT_STEPS] + [course.root / "judge", course.root]
    for name, place in places.items():
        for folder in own:
            theirs, ours = place.resolve(), folder.resolve()
            if theirs == ours or (ours.is_relative_to(theirs)):
                raise ConfigurationError(
                    f"Purging: the folder of {name}, {place}, is or holds {folder}, where nothing "
                    "is removed. See c.CourseDirectory in nbgrader_config.py."
                )
            if folder != course.root and theirs.is_relative_to(ours):
                raise ConfigurationError(
                    f"Purging: the folder of {name}, {place}, lies in {folder}, where nothing is "
                    "removed. See c.CourseDirectory in nbgrader_config.py."
                )
    return places


def _folders_in(place: Path) -> Iterator[Path]:
    if place.is_dir():
        yield from sorted(
            path
            for path in place.iterdir()
            if not path.name.startswith(".") and (path.is_dir() or path.is_symlink())
        )


def _class_files(root: Path, patterns: Iterable[str]) -> list[Path]:
    return sorted({path for pattern in patterns for path in root.glob(pattern)})


def _in_gradebook(course: Course) -> dict[str, list[datetime]]:
    """Return when each student of the gradebook handed in; nobody where there is none yet."""
    from sqlalchemy import DateTime, column, create_engine, inspect, select, table
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.pool import NullPool

    url = course.db_url
    try:
        place = make_url(url)
        if (
            place.get_backend_name() == "sqlite"
            and place.database
            and not Path(place.database).exists()
        ):
            return {}
        engine = create_engine(url, poolclass=NullPool)
        if not inspect(engine).has_table("student"):
            return {}
        students = table("student", column("id"))
        submissions = table(
            "submitted_assignment", column("student_id"), column("timestamp", DateTime())
        )
        with engine.connect() as connection:
            found: dict[str, list[datetime]] = {
                name: [] for (name,) in connection.execute(select(students.c.id))
            }
            for name, moment in connection.execute(
                select(submissions.c.student_id, submissions.c.timestamp)
            ):
                if moment is not None:
                    found.setdefault(name, []).append(moment.replace(tzinfo=UTC))
        return found
    except (SQLAlchemyError, ModuleNotFoundError) as error:
        raise ConfigurationError(refusal(url, error)) from error


def _last(rows: Sequence[datetime] | None, folders: Sequence[Path]) -> datetime | None:
    """Return when a student last did something.

    What says when a submission arrived counts; where nothing does, the newest file.
    """
    moments = [*(rows or ()), *(m for folder in folders for m in _timestamps(folder))]
    if not moments:
        moments = [moment for folder in folders for moment in _changes(folder)]
    return max(moments, default=None)


def _timestamps(folder: Path) -> Iterator[datetime]:
    from nbjudge.store import parsed

    if folder.is_symlink():
        return
    for path in folder.glob("*/timestamp.txt"):
        try:
            yield parsed(path.read_text("utf-8")[:200].strip()).replace(tzinfo=UTC)
        except (OSError, ValueError, TypeError, OverflowError):
            continue


def _changes(folder: Path) -> Iterator[datetime]:
    if folder.is_symlink():
        yield _changed(folder)
        return
    for directory, _folders, names in os.walk(folder):
        yield from (_changed(Path(directory, name)) for name in names)


def _changed(path: Path) -> datetime:
    """Return the last change of a file, or of the newest file in a folder."""
    if path.is_dir() and not path.is_symlink():
        return max(_changes(path), default=_own_time(path))
    return _own_time(path)


def _own_time(path: Path) -> datetime:
    return datetime.fromtimestamp(path.lstat().st_mtime, UTC)


def sentences(planned: Plan, shown: int = 20) -> Iterator[str]:
    """Yield what would be removed, and what stays."""
    root = planned.course.root
    if planned.students:
        yield f"Students: {len(planned.students)} ({_listed(planned.students, shown)})"
    for name, folders in planned.folders.items():
        if folders:
            size = sum(_size(folder) for folder in folders)
            yield f"  {name}/: {len(folders)} folders, {size / 1e6:.1f} MB"
    if planned.in_gradebook:
        yield f"  gradebook: {len(planned.in_gradebook)} students with all their submissions"
    for path in planned.files:
        yield f"  {path.relative_to(root)}"
    if planned.kept:
        yield f"Stay, active at another time: {len(planned.kept)} students"
    if planned.undated:
        yield (
            f"Stay, of unknown date: {len(planned.undated)} students "
            f"({_listed(planned.undated, shown)})"
        )
    for path in planned.kept_files:
        yield f"Stays: {path.relative_to(root)} (changed {_changed(path).astimezone():%Y-%m-%d})"


def _listed(names: Sequence[str], most: int) -> str:
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")


def _size(path: Path) -> int:
    if path.is_symlink() or not path.is_dir():
        return path.lstat().st_size
    return sum(
        Path(directory, name).lstat().st_size
        for directory, _folders, names in os.walk(path)
        for name in names
    )


def remove(planned: Plan) -> None:
    """Remove what a plan lists.

    Files first, the gradebook last: it says when students handed in, so that the same command goes
    on after an interruption.

    Raises
    ------
    ConfigurationError
        If a class is being graded meanwhile.
    MachineError
        If something cannot be removed.
    """
    from nbjudge.writer_lock import only_writer

    with only_writer(planned.course.root, "(purging)"):
        try:
            for folders in planned.folders.values():
                for folder in folders:
                    _remove(folder)
            for path in planned.files:
                _remove(path)
        except OSError as error:
            raise MachineError(
                f"Purging: {error}. What came before it is removed; put that right, and give the "
                "command again."
            ) from error
        if planned.in_gradebook:
            _remove_rows(planned.course, planned.in_gradebook)


def _remove(path: Path) -> None:
    """Remove a file, a folder, or a link: never what it points to."""
    if path.is_dir() and not path.is_symlink():
        for directory, _folders, _names in os.walk(path):
            Path(directory).chmod(0o700)  # nbgrader's and frozen ones may not be written
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


_AT_ONCE = 500
"""Students in one statement: databases bound what it may hold."""


def _remove_rows(course: Course, students: Sequence[str]) -> None:
    """Remove students and all that hangs on them from the gradebook, in one transaction."""
    from sqlalchemy import column, create_engine, delete, select, table
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.pool import NullPool

    people = table("student", column("id"))
    submissions = table("submitted_assignment", column("id"), column("student_id"))
    notebooks = table("submitted_notebook", column("id"), column("assignment_id"))
    engine = create_engine(course.db_url, poolclass=NullPool)
    try:
        with engine.begin() as connection:
            for start in range(0, len(students), _AT_ONCE):
                some = students[start : start + _AT_ONCE]
                theirs = select(submissions.c.id).where(submissions.c.student_id.in_(some))
                books = select(notebooks.c.id).where(notebooks.c.assignment_id.in_(theirs))
                for name in ("grade", "comment"):
                    rows = table(name, column("notebook_id"))
                    connection.execute(delete(rows).where(rows.c.notebook_id.in_(books)))
                connection.execute(delete(notebooks).where(notebooks.c.assignment_id.in_(theirs)))
                connection.execute(delete(submissions).where(submissions.c.student_id.in_(some)))
                connection.execute(delete(people).where(people.c.id.in_(some)))
        if engine.dialect.name == "sqlite":
            # Deleted rows would stay readable in the file.
            with engine.connect() as connection:
                connection.exec_driver_sql("VACUUM")
    except SQLAlchemyError as error:
        raise ConfigurationError(refusal(course.db_url, error)) from error
