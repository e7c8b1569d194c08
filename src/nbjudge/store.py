"""nbgrader's gradebook: cells of an assignment, scores of a submission. One writer.

Through nbgrader's own database classes, so that formgrader, ``nbgrader export`` and feedback
find what they expect. Scores that a person gave are never touched, only flagged for review.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from nbjudge.assignment import Assignment, Kind, SourceCell, SourceNotebook
from nbjudge.document import nbgrader_metadata
from nbjudge.errors import ConfigurationError, DiskFull, MachineError
from nbjudge.gradebook import create_indexes, refusal, scores_of, shown, standings
from nbjudge.i18n import gettext as _
from nbjudge.imports import load_jsonschema
from nbjudge.lateness import Basis, Penalties, basis
from nbjudge.verdict import Result

if TYPE_CHECKING:
    from nbjudge.gradebook import Standing


@dataclass(frozen=True, kw_only=True)
class CellRecord:
    """One cell as the gradebook knows it."""

    name: str
    cell_type: str
    source: str
    locked: bool
    checksum: str | None
    max_score: float
    grade: bool
    solution: bool
    task: bool


def records(notebook: SourceNotebook) -> list[CellRecord]:
    """Return what the gradebook must know of a notebook's cells."""
    return [_record(cell) for cell in notebook.cells if cell.grade_id is not None]


def _record(cell: SourceCell) -> CellRecord:
    load_jsonschema()
    from nbformat.v4 import new_code_cell, new_markdown_cell
    from nbgrader.utils import compute_checksum

    # The gradebook's copy: without the solution, with hidden tests and marking schemes.
    source = cell.source if cell.kind in (Kind.TEST, Kind.TASK) else cell.release_source
    new_cell = new_code_cell if cell.cell_type == "code" else new_markdown_cell
    metadata = nbgrader_metadata(cell)
    node = new_cell(source, metadata={"nbgrader": metadata})
    return CellRecord(
        name=cell.grade_id or "",
        cell_type=cell.cell_type,
        source=source,
        locked=cell.locked,
        checksum=compute_checksum(node),
        max_score=cell.points,
        grade=metadata["grade"],
        solution=metadata["solution"],
        task=metadata["task"],
    )


class Store:
    """An open gradebook; use it in a ``with`` block.

    Parameters
    ----------
    db_url
        SQLAlchemy URL.
    course_id
        nbgrader's course id, as in ``c.CourseDirectory.course_id``.

    Raises
    ------
    ConfigurationError
        If the database cannot be opened.
    """

    def __init__(self, db_url: str, course_id: str = "") -> None:
        self._db_url = db_url
        self._course_id = course_id
        self._gradebook: Any = None

    def __enter__(self) -> Store:
        load_jsonschema()
        from nbgrader.api import Gradebook
        from sqlalchemy.exc import SQLAlchemyError

        try:
            with _alembic_in_path():
                self._gradebook = Gradebook(self._db_url, self._course_id or "default_course")
            # What nbgrader's export and formgrader ask row by row is found at once then.
            create_indexes(self._gradebook.db)
            self._gradebook.db.commit()
        except (SQLAlchemyError, ModuleNotFoundError) as error:
            raise ConfigurationError(refusal(self._db_url, error)) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._gradebook.db.rollback()
        self._gradebook.close()

    @contextmanager
    def _writing(self, what: str) -> Iterator[None]:
        from sqlalchemy.exc import SQLAlchemyError

        try:
            yield
        except SQLAlchemyError as error:
            self._gradebook.db.rollback()
            kind = DiskFull if _is_full(error) else MachineError
            raise kind(
                f"Writing {what} into the gradebook {shown(self._db_url)}: {error}. "
                "It was not written; see that there is room and no other program holds the "
                "gradebook, and grade again."
            ) from error
        except BaseException:
            self._gradebook.db.rollback()
            raise

    # The assignment.

    def has_assignment(self, name: str) -> bool:
        """Tell whether the gradebook knows an assignment with at least one notebook."""
        from nbgrader.api import MissingEntry

        try:
            return bool(self._gradebook.find_assignment(name).notebooks)
        except MissingEntry:
            return False

    def sync(
        self, assignment: Assignment, keep: Callable[[list[str]], None] | None = None
    ) -> list[str]:
        """Bring the gradebook to what ``source/`` says, submissions or not.

        New test cells get a grade in every submission that is there; cells that are gone take
        their grades along.

        Parameters
        ----------
        assignment
            As the instructor wrote it.
        keep
            Called with the sentences about what goes, before it goes: after a sudden end in
            between nothing else would remember it.

        Returns
        -------
        list of str
            A sentence for every score of a person that went with a removed cell.
        """
        gradebook = self._gradebook
        with _quiet():
            gradebook.update_or_create_assignment(assignment.name)
            said = []
            wanted = {notebook.name for notebook in assignment.notebooks}
            for old in list(gradebook.find_assignment(assignment.name).notebooks):
                if old.name not in wanted:
                    cells = (*old.grade_cells, *old.solution_cells, *old.task_cells)
                    lines = [line for cell in cells for line in self._by_hand(cell)]
                    if keep is not None:
                        keep(lines)
                    said += lines
                    gradebook.remove_notebook(old.name, assignment.name)
            for notebook in assignment.notebooks:
                said += self._sync_notebook(
                    assignment.name, notebook.name, notebook.kernelspec, records(notebook), keep
                )
        return said

    def _sync_notebook(
        self,
        assignment: str,
        notebook: str,
        kernelspec: Mapping[str, Any],
        cells: Sequence[CellRecord],
        keep: Callable[[list[str]], None] | None,
    ) -> list[str]:
        from nbgrader import api

        gradebook = self._gradebook
        row = gradebook.update_or_create_notebook(
            notebook, assignment, kernelspec=json.dumps(dict(kernelspec))
        )
        said: list[str] = []
        graded = {c.name: c for c in cells if c.grade}
        solutions = {c.name: c for c in cells if c.solution}
        tasks = {c.name: c for c in cells if c.task}
        for kind, olds, news in (
            (api.GradeCell, row.grade_cells, graded),
            (api.SolutionCell, row.solution_cells, solutions),
            (api.TaskCell, row.task_cells, tasks),
        ):
            present = {cell.name: cell for cell in olds}
            for name in sorted(set(present) - set(news)):
                said += self._remove_cell(present[name])
            for name, record in news.items():
                scored = kind is not api.SolutionCell
                fields = (
                    {"max_score": record.max_score, "cell_type": record.cell_type} if scored else {}
                )
                cell = present.get(name)
                if cell is None:
                    cell = kind(name=name, notebook=row, **fields)
                    gradebook.db.add(cell)
                for key, value in fields.items():
                    if getattr(cell, key) != value:
                        setattr(cell, key, value)
        sources = {cell.name: cell for cell in row.source_cells}
        wanted = {c.name: c for c in cells}
        for name in sorted(set(sources) - set(wanted)):
            gradebook.db.delete(sources[name])
        for name, record in wanted.items():
            cell = sources.get(name)
            if cell is None:
                cell = api.SourceCell(name=name, notebook=row, cell_type=record.cell_type)
                gradebook.db.add(cell)
            for key in ("cell_type", "locked", "source", "checksum"):
                if getattr(cell, key) != getattr(record, key):
                    setattr(cell, key, getattr(record, key))
        gradebook.db.flush()
        gradebook.db.expire(row)
        self._complete(row)
        if keep is not None:
            keep(said)
        gradebook.db.commit()
        return said

    def _remove_cell(self, cell: Any) -> list[str]:
        said = self._by_hand(cell)
        for row in (*self._grades(cell), *self._comments(cell)):
            self._gradebook.db.delete(row)
        self._gradebook.db.delete(cell)
        return said

    def _by_hand(self, cell: Any) -> list[str]:
        """Say what persons gave for a cell that goes."""
        notebook = cell.notebook
        place = f"{notebook.assignment.name}/{notebook.name}: {cell.name!r} is gone from source/"
        lines = []
        for grade in self._grades(cell):
            given = []
            if grade.manual_score is not None:
                given.append(f"{grade.manual_score:g} by hand")
            if grade.extra_credit:
                given.append(f"{grade.extra_credit:g} extra")
            if given:
                lines.append(f"{place}; {grade.student.id} had {' and '.join(given)}.")
        for comment in self._comments(cell):
            if comment.manual_comment:
                lines.append(
                    f"{place}; {comment.student.id} had the comment {comment.manual_comment!r}."
                )
        return lines

    def _grades(self, cell: Any) -> list[Any]:
        # Not cell.grades: nbgrader's classes of cells have None there, one or the other.
        from nbgrader import api

        return list(self._gradebook.db.query(api.Grade).filter(api.Grade.cell_id == cell.id))

    def _comments(self, cell: Any) -> list[Any]:
        from nbgrader import api

        return list(self._gradebook.db.query(api.Comment).filter(api.Comment.cell_id == cell.id))

    def _complete(self, notebook: Any) -> None:
        """Give every submission a grade and a comment for every cell, as nbgrader does."""
        from nbgrader import api

        db = self._gradebook.db
        submitted = db.query(api.SubmittedNotebook).filter(
            api.SubmittedNotebook.notebook_id == notebook.id
        )
        rows = list(submitted)
        if not rows:
            return
        for kind, cells in _rows_of(notebook):
            # One question for the whole class: nbgrader's tables have no index for one by one.
            pairs = (
                db.query(kind.notebook_id, kind.cell_id)
                .join(api.SubmittedNotebook, api.SubmittedNotebook.id == kind.notebook_id)
                .filter(api.SubmittedNotebook.notebook_id == notebook.id)
            )
            present = {(row_id, cell_id) for row_id, cell_id in pairs}
            for row in rows:
                for cell in cells:
                    if (row.id, cell.id) not in present:
                        db.add(kind(cell_id=cell.id, notebook_id=row.id))

    # Submissions.

    def save(
        self,
        assignment: Assignment,
        student: str,
        timestamp: str | None,
        results: Sequence[Result],
        penalties: Penalties,
    ) -> Saved:
        """Write all that a submission earned, or nothing: one transaction.

        Automatic scores are set anew. A manual score, a comment, extra credit stay; a cell with a
        manual score is flagged for review.

        Parameters
        ----------
        assignment
            As the gradebook has it after :meth:`sync`.
        student
            Whose it is; made if need be.
        timestamp
            The content of ``timestamp.txt``.
        results
            Of its notebooks; with none, only its time of arrival and penalties are set.
        penalties
            The course's plug-in.

        Raises
        ------
        ConfigurationError
            If the plug-in stops.
        MachineError
            If the database does not take it.
        """
        with _quiet(), self._writing(f"the points of {student} in {assignment.name}"):
            submission, complaint = self._open(assignment.name, student, timestamp)
            for result in results:
                self._record(assignment, student, result)
            late = self._penalties(submission, penalties)
            self._gradebook.db.commit()
        return Saved(complaint, late)

    def open_submission(self, assignment: str, student: str, timestamp: str | None) -> str | None:
        """Make sure that student and submission have their rows.

        Returns
        -------
        str or None
            What is wrong with the timestamp, if it cannot be read.

        Raises
        ------
        MachineError
            If the database does not take it.
        """
        with _quiet(), self._writing(f"the submission of {student} for {assignment}"):
            _submission, complaint = self._open(assignment, student, timestamp)
            self._gradebook.db.commit()
        return complaint

    def _open(self, name: str, student: str, timestamp: str | None) -> tuple[Any, str | None]:
        """Return the row of a submission, with rows for all of its cells; nothing is committed."""
        from nbgrader import api

        db = self._gradebook.db
        complaint, arrival = None, None
        if timestamp and timestamp.strip():
            try:
                arrival = parsed(timestamp)
            except (ValueError, TypeError, OverflowError) as error:
                complaint = f"timestamp.txt of {student} cannot be read ({error}); it is ignored."
        assignment = self._gradebook.find_assignment(name)
        # By their ids: through nbgrader's relations each would load those of the whole class.
        if db.get(api.Student, student) is None:
            db.add(api.Student(id=student))
            db.flush()
        mine = {"assignment_id": assignment.id, "student_id": student}
        submission = db.query(api.SubmittedAssignment).filter_by(**mine).one_or_none()
        if submission is None:
            submission = api.SubmittedAssignment(id=api.new_uuid(), **mine)
            db.add(submission)
            db.flush()
        if arrival is not None:
            submission.timestamp = arrival
        parts = db.query(api.SubmittedNotebook).filter_by(assignment_id=submission.id)
        present = {part.notebook_id for part in parts}
        for notebook in assignment.notebooks:
            if notebook.id in present:
                continue
            # A new submission, or a notebook that the assignment gained since.
            part = api.SubmittedNotebook(
                id=api.new_uuid(), notebook_id=notebook.id, assignment_id=submission.id
            )
            db.add(part)
            db.flush()
            for kind, cells in _rows_of(notebook):
                db.add_all(kind(cell_id=cell.id, notebook_id=part.id) for cell in cells)
        db.flush()
        return submission, complaint

    def record(self, assignment: Assignment, student: str, result: Result) -> None:
        """Write the scores of one notebook; the submission must be there.

        Automatic scores are set anew. A manual score, a comment, extra credit stay; a cell with a
        manual score is flagged for review.

        Raises
        ------
        MachineError
            If the database does not take it.
        """
        with self._writing(f"the points of {student} in {assignment.name}"):
            self._record(assignment, student, result)
            self._gradebook.db.commit()

    def _record(self, assignment: Assignment, student: str, result: Result) -> None:
        from nbgrader import api

        db = self._gradebook.db
        row = self._gradebook.find_submission_notebook(result.notebook, assignment.name, student)
        verdicts = {verdict.grade_id: verdict for verdict in result.verdicts}
        # With their names at once: one by one, every cell would be read again.
        for grade, name in (
            db.query(api.Grade, api.BaseCell.name)
            .join(api.BaseCell, api.BaseCell.id == api.Grade.cell_id)
            .filter(api.Grade.notebook_id == row.id)
        ):
            verdict = verdicts.get(name)
            # A written answer that is worth nothing has a grade row and no verdict.
            grade.auto_score = 0.0 if verdict is None else verdict.points
            grade.needs_manual_grade = grade.manual_score is not None or grade.auto_score is None
        untouched = _untouched(assignment.notebook(result.notebook), result)
        for comment, name in (
            db.query(api.Comment, api.BaseCell.name)
            .join(api.BaseCell, api.BaseCell.id == api.Comment.cell_id)
            .filter(api.Comment.notebook_id == row.id)
        ):
            comment.auto_comment = _("No response.") if name in untouched else None

    def _penalties(self, submission: Any, penalties: Penalties) -> dict[str, Basis]:
        """Set the late penalties of a submission; return what each was computed from."""
        from nbgrader import api

        db = self._gradebook.db
        db.flush()
        late: dict[str, Basis] = {}
        for part in db.query(api.SubmittedNotebook).filter_by(assignment_id=submission.id):
            db.refresh(part, ["score", "late_submission_penalty"])
            part.late_submission_penalty = penalties.of(self._gradebook, submission, part)
            late[part.name] = basis(
                submission.total_seconds_late, part.score, penalties.fingerprint
            )
        return late

    def standings(self, assignment: str) -> dict[str, Standing]:
        """Return all submissions of an assignment, as the gradebook has them."""
        return standings(self._gradebook.db, assignment)

    def scores(self, assignment: str) -> dict[str, dict[str, dict[str, Any]]]:
        """Return scores as the gradebook has them: by student, notebook and cell."""
        return scores_of(self.standings(assignment))


@dataclass(frozen=True)
class Saved:
    """What came of writing a submission."""

    complaint: str | None
    """What is wrong with its timestamp, if it cannot be read."""
    late: Mapping[str, Basis]
    """By notebook: what its late penalty was computed from."""


def _rows_of(notebook: Any) -> tuple[tuple[Any, Sequence[Any]], ...]:
    """Return nbgrader's kinds of rows that each submission has, with the cells that have one."""
    from nbgrader import api

    return (
        (api.Grade, (*notebook.grade_cells, *notebook.task_cells)),
        (api.Comment, (*notebook.solution_cells, *notebook.task_cells)),
    )


def _is_full(error: Any) -> bool:
    """Whether a database error says that there is no room left."""
    cause = getattr(error, "orig", None)
    return (
        getattr(cause, "sqlite_errorname", "") == "SQLITE_FULL"
        or getattr(cause, "sqlstate", "") == "53100"
    )


def is_timestamp(text: str) -> bool:
    """Whether nbgrader can read a ``timestamp.txt`` with this content."""
    try:
        parsed(text)
    except (ValueError, TypeError, OverflowError):
        return False
    return True


def parsed(text: str) -> datetime:
    """Return the time that a ``timestamp.txt`` says, as nbgrader reads it: UTC without a zone."""
    import dateutil.parser
    import dateutil.tz

    parts = text.strip().split(" ")
    zones: dict[str, Any] = {}
    if len(parts) == 3:  # its zone in words
        *parts, zone = parts
        zones["TZ"] = int(zone) if _is_integer(zone) else dateutil.tz.gettz(zone)
        parts.append("TZ")
    time: datetime = dateutil.parser.parse(" ".join(parts), tzinfos=zones)
    offset = time.utcoffset()
    return time if offset is None else (time - offset).replace(tzinfo=None)


def _is_integer(text: str) -> bool:
    try:
        int(text)
    except ValueError:
        return False
    return True


@contextmanager
def _alembic_in_path() -> Iterator[None]:
    """Let nbgrader find the command that it runs for a new gradebook: it lies beside Python's."""
    before = os.environ.get("PATH")
    beside = str(Path(sys.executable).parent)
    os.environ["PATH"] = os.pathsep.join([before or os.defpath, beside])
    try:
        yield
    finally:
        if before is None:
            del os.environ["PATH"]
        else:
            os.environ["PATH"] = before


@contextmanager
def _quiet() -> Iterator[None]:
    """Pass over what SQLAlchemy says of nbgrader's own way of adding rows; nothing is lost."""
    from sqlalchemy.exc import SAWarning

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=SAWarning, message=r"Object of type <")
        yield


def _untouched(notebook: SourceNotebook, result: Result) -> set[str]:
    """Return the grade_ids of answers that are still the release's."""
    released = {cell.cell_id: cell for cell in notebook.cells if cell.is_students and cell.grade_id}
    return {
        released[cell["id"]].grade_id or ""
        for cell in result.document["cells"]
        if cell["id"] in released
        and cell["source"].strip() == released[cell["id"]].release_source.strip()
    }
