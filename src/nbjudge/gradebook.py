"""What nbgrader's gradebook holds of an assignment, read without nbgrader.

Importing nbgrader takes longer than reading a class: a run that finds nothing to do needs no more
than these few questions.  They name the tables of nbgrader's schema, the same in SQLite and
PostgreSQL; what writes is :mod:`nbjudge.store`, through nbgrader's own classes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbjudge.errors import ConfigurationError

if TYPE_CHECKING:
    from sqlalchemy import Connection

INDEXES = {
    "nbjudge_grade_notebook": ("grade", "notebook_id"),
    "nbjudge_comment_notebook": ("comment", "notebook_id"),
    "nbjudge_submitted_notebook_assignment": ("submitted_notebook", "assignment_id"),
    "nbjudge_submitted_assignment_student": ("submitted_assignment", "student_id"),
    "nbjudge_base_cell_notebook": ("base_cell", "notebook_id"),
}
"""By name: table and column. nbgrader has no index for what its export and formgrader ask, row by
row: without them both are quadratic in the class."""


@dataclass(frozen=True, kw_only=True)
class Score:
    """One cell of one submission."""

    auto: float | None
    manual: float | None
    extra: float | None
    max_score: float
    needs_manual_grade: bool

    @property
    def score(self) -> float:
        """What counts, as nbgrader adds it up."""
        given = self.auto if self.manual is None else self.manual
        return 0.0 if given is None else given + (self.extra or 0.0)


@dataclass(frozen=True, kw_only=True)
class Part:
    """One notebook of one submission."""

    penalty: float | None
    """For being late; None where none was given."""
    scores: Mapping[str, Score]
    """By cell."""

    @property
    def score(self) -> float:
        """Before the penalty."""
        return sum(score.score for score in self.scores.values())


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One submission."""

    seconds_late: float = 0.0
    """After the student's own due date."""
    extension_seconds: float = 0.0
    """Of that date, as the gradebook has it."""
    parts: dict[str, Part] = field(default_factory=dict)
    """By notebook."""


def read_standings(url: str, assignment: str) -> dict[str, Standing]:
    """Return all submissions of an assignment by student; none where there is no gradebook yet.

    Raises
    ------
    ConfigurationError
        If the database is there and cannot be read.
    """
    with _reading(url, "grade") as connection:
        return {} if connection is None else standings(connection, assignment)


def read_duedate(url: str, assignment: str) -> tuple[datetime | None, dict[str, timedelta]]:
    """Return an assignment's due date (UTC, without a zone) and the extensions, by student.

    Raises
    ------
    ConfigurationError
        If the database is there and cannot be read.
    """
    from sqlalchemy import DateTime, Interval, column, select, table

    assignments = table("assignment", column("id"), column("name"), column("duedate", DateTime()))
    submissions = table(
        "submitted_assignment",
        column("assignment_id"),
        column("student_id"),
        column("extension", Interval()),
    )
    with _reading(url, "submitted_assignment") as connection:
        if connection is None:
            return None, {}
        found = connection.execute(
            select(assignments.c.id, assignments.c.duedate).where(assignments.c.name == assignment)
        ).first()
        if found is None:
            return None, {}
        granted = connection.execute(
            select(submissions.c.student_id, submissions.c.extension)
            .where(submissions.c.assignment_id == found[0])
            .where(submissions.c.extension.is_not(None))
        )
        return found[1], {row[0]: row[1] for row in granted}


@contextmanager
def _reading(url: str, wanted: str) -> Iterator[Connection | None]:
    """Give a connection to a gradebook with a table; None where there is no such thing yet."""
    from sqlalchemy import create_engine, inspect
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.pool import NullPool

    try:
        place = make_url(url)
        # Connecting would make the file.
        if (
            place.get_backend_name() == "sqlite"
            and place.database
            and not place.database.startswith((":", "file:"))
            and not Path(place.database).exists()
        ):
            yield None
            return
        engine = create_engine(url, poolclass=NullPool)
        if not inspect(engine).has_table(wanted):
            yield None
            return
        with engine.connect() as connection:
            yield connection
    except (SQLAlchemyError, ModuleNotFoundError) as error:
        raise ConfigurationError(refusal(url, error)) from error


def refusal(url: str, error: Exception) -> str:
    """Return the sentence for a gradebook that cannot be opened."""
    return (
        f"Opening the gradebook {shown(url)}: {error}. See c.CourseDirectory.db_url; if nbgrader "
        "was upgraded, back the gradebook up and run `nbgrader db upgrade`."
    )


def shown(url: str) -> str:
    """Return a database's URL without its password."""
    import re

    return re.sub(r"(://[^:/@]*):[^@]*@", r"\1:***@", url)


def standings(connection: Connection | Any, assignment: str) -> dict[str, Standing]:
    """Return all submissions of an assignment by student.

    Two questions for the whole class; one submission after another would take far longer.

    Parameters
    ----------
    connection
        SQLAlchemy's, or a session.
    assignment
        Its name.
    """
    from sqlalchemy import Boolean, DateTime, Float, Interval, column, func, select, table

    def of(name: str, *columns: Any) -> Any:
        return table(name, *(column(c) if isinstance(c, str) else c for c in columns))

    assignments = of("assignment", "id", "name", column("duedate", DateTime()))
    submissions = of(
        "submitted_assignment",
        "id",
        "assignment_id",
        "student_id",
        column("timestamp", DateTime()),
        column("extension", Interval()),
    )
    notebooks = of("notebook", "id", "name")
    parts = of(
        "submitted_notebook",
        "id",
        "assignment_id",
        "notebook_id",
        column("late_submission_penalty", Float()),
    )
    grades = of(
        "grade",
        "notebook_id",
        "cell_id",
        column("auto_score", Float()),
        column("manual_score", Float()),
        column("extra_credit", Float()),
        column("needs_manual_grade", Boolean()),
    )
    cells = of("base_cell", "id", "name")
    tests = of("grade_cells", "id", column("max_score", Float()))
    tasks = of("task_cells", "id", column("max_score", Float()))
    submitted = (
        assignments.join(submissions, submissions.c.assignment_id == assignments.c.id)
        .join(parts, parts.c.assignment_id == submissions.c.id)
        .join(notebooks, notebooks.c.id == parts.c.notebook_id)
    )
    found: dict[str, Standing] = {}
    scores: dict[str, dict[str, Score]] = {}
    every = select(
        submissions.c.student_id,
        submissions.c.timestamp,
        submissions.c.extension,
        assignments.c.duedate,
        notebooks.c.name,
        parts.c.id,
        parts.c.late_submission_penalty,
    )
    for student, timestamp, extension, due, notebook, row, penalty in connection.execute(
        every.select_from(submitted).where(assignments.c.name == assignment)
    ):
        if student not in found:
            found[student] = Standing(
                seconds_late=_late(timestamp, due, extension),
                extension_seconds=(extension or timedelta()).total_seconds(),
            )
        scores[row] = {}
        found[student].parts[notebook] = Part(penalty=penalty, scores=scores[row])
    graded = (
        submitted.join(grades, grades.c.notebook_id == parts.c.id)
        .join(cells, cells.c.id == grades.c.cell_id)
        .outerjoin(tests, tests.c.id == cells.c.id)
        .outerjoin(tasks, tasks.c.id == cells.c.id)
    )
    points = select(
        parts.c.id,
        cells.c.name,
        grades.c.auto_score,
        grades.c.manual_score,
        grades.c.extra_credit,
        grades.c.needs_manual_grade,
        func.coalesce(tests.c.max_score, tasks.c.max_score, 0.0),
    )
    for row, cell, auto, manual, extra, needs, maximum in connection.execute(
        points.select_from(graded).where(assignments.c.name == assignment)
    ):
        if row in scores:  # a submission that came between the two questions is none of ours
            scores[row][cell] = Score(
                auto=auto,
                manual=manual,
                extra=extra,
                max_score=float(maximum),
                needs_manual_grade=bool(needs),
            )
    return found


def _late(timestamp: datetime | None, due: datetime | None, extension: timedelta | None) -> float:
    if timestamp is None or due is None:
        return 0.0
    return max(0.0, (timestamp - due - (extension or timedelta())).total_seconds())


def create_indexes(connection: Connection | Any) -> None:
    """Make :data:`INDEXES` where they are missing; nbgrader's migrations know nothing of them."""
    from sqlalchemy import text

    for name, (table, column) in INDEXES.items():
        connection.execute(text(f"CREATE INDEX IF NOT EXISTS {name} ON {table} ({column})"))


def scores_of(found: Mapping[str, Standing]) -> dict[str, dict[str, dict[str, dict[str, Any]]]]:
    """Return scores by student, notebook and cell, as :func:`nbjudge.marks.rows` takes them.

    Each is ``{"score", "max_score", "needs_manual_grade"}``; under the empty cell name, the
    notebook's late penalty as ``score`` (negative).
    """
    return {
        student: {
            name: {
                "": {
                    "score": -(part.penalty or 0.0),
                    "max_score": 0.0,
                    "needs_manual_grade": False,
                }
            }
            | {
                cell: {
                    "score": score.score,
                    "max_score": score.max_score,
                    "needs_manual_grade": score.needs_manual_grade,
                }
                for cell, score in part.scores.items()
            }
            for name, part in standing.parts.items()
        }
        for student, standing in found.items()
    }
