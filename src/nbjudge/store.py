"""nbgrader's gradebook: cells of an assignment, scores of a submission. One writer.

Through nbgrader's own database classes, so that formgrader, ``nbgrader export`` and feedback
find what they expect. Scores that a person gave are never touched, only flagged for review.
"""

from __future__ import annotations

import json
import os
import re
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from nbjudge.assignment import Assignment, Kind, SourceCell, SourceNotebook
from nbjudge.document import nbgrader_metadata
from nbjudge.errors import ConfigurationError, MachineError
from nbjudge.i18n import gettext as _
from nbjudge.verdict import Result


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
        from nbgrader.api import Gradebook
        from sqlalchemy.exc import SQLAlchemyError

        try:
            with _alembic_in_path():
                self._gradebook = Gradebook(self._db_url, self._course_id or "default_course")
        except (SQLAlchemyError, ModuleNotFoundError) as error:
            raise ConfigurationError(
                f"Opening the gradebook {_shown(self._db_url)}: {error}. "
                "See c.CourseDirectory.db_url; if nbgrader was upgraded, back the "
                "gradebook up and run `nbgrader db upgrade`."
            ) from error
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
            raise MachineError(
                f"Writing {what} into the gradebook {_shown(self._db_url)}: {error}. "
                "It was not written; see that no other program holds the gradebook, and "
                "grade again."
            ) from error

    # The assignment.

    def has_assignment(self, name: str) -> bool:
        """Tell whether the gradebook knows an assignment with at least one notebook."""
        from nbgrader.api import MissingEntry

        try:
            return bool(self._gradebook.find_assignment(name).notebooks)
        except MissingEntry:
            return False

    def sync(self, assignment: Assignment) -> list[str]:
        """Bring the gradebook to what ``source/`` says, submissions or not.

        New test cells get a grade in every submission that is there; cells that are gone take
        their grades along.

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
                    said += [line for cell in cells for line in self._by_hand(cell)]
                    gradebook.remove_notebook(old.name, assignment.name)
            for notebook in assignment.notebooks:
                said += self._sync_notebook(
                    assignment.name, notebook.name, notebook.kernelspec, records(notebook)
                )
        return said

    def _sync_notebook(
        self,
        assignment: str,
        notebook: str,
        kernelspec: Mapping[str, Any],
        cells: Sequence[CellRecord],
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
        graded = (*notebook.grade_cells, *notebook.task_cells)
        answered = (*notebook.solution_cells, *notebook.task_cells)
        for kind, cells in ((api.Grade, graded), (api.Comment, answered)):
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
        from nbgrader import api

        gradebook = self._gradebook
        complaint = None
        extra = {}
        if timestamp and timestamp.strip():
            try:
                extra["timestamp"] = _parsed(timestamp)
            except (ValueError, TypeError, OverflowError) as error:
                complaint = f"timestamp.txt of {student} cannot be read ({error}); it is ignored."
        with _quiet(), self._writing(f"the submission of {student} for {assignment}"):
            gradebook.update_or_create_student(student)
            gradebook.update_or_create_submission(assignment, student, **extra)
            submission = gradebook.find_submission(assignment, student)
            # A notebook that the assignment gained since.
            present = {row.notebook_id for row in submission.notebooks}
            for notebook in submission.assignment.notebooks:
                if notebook.id not in present:
                    row = api.SubmittedNotebook(
                        notebook_id=notebook.id, assignment_id=submission.id
                    )
                    gradebook.db.add(row)
                    gradebook.db.flush()
                    self._complete(notebook)
            gradebook.db.commit()
        return complaint

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
        db.commit()

    def late_penalty(self, assignment: str, student: str, notebook: str, config: Any) -> None:
        """Let nbgrader's late submission plugin say its penalty.

        Raises
        ------
        ConfigurationError
            If the plugin stops.
        """
        from nbformat.v4 import new_notebook
        from nbgrader.preprocessors import AssignLatePenalties

        names = {"assignment": assignment, "student": student, "notebook": notebook}
        try:
            AssignLatePenalties(config=config).preprocess(
                new_notebook(), {"nbgrader": names | {"db_url": self._db_url}}
            )
        except Exception as error:  # the plugin is the course's: anything may go wrong in it
            raise ConfigurationError(
                f"Asking for the late penalty of {student} in {assignment}/{notebook}: "
                f"{type(error).__name__}: {error}. See c.AssignLatePenalties.plugin_class."
            ) from error

    def scores(self, assignment: str) -> dict[str, dict[str, dict[str, Any]]]:
        """Return scores as the gradebook has them: by student, notebook and cell.

        Each is ``{"score", "max_score", "needs_manual_grade"}``; under the empty cell name, the
        notebook's late penalty as ``score`` (negative).
        """
        from nbgrader import api

        db = self._gradebook.db
        table: dict[str, dict[str, dict[str, Any]]] = {}
        notebooks = (
            db.query(
                api.SubmittedAssignment.student_id,
                api.Notebook.name,
                api.SubmittedNotebook.late_submission_penalty,
            )
            .join(
                api.SubmittedAssignment,
                api.SubmittedAssignment.id == api.SubmittedNotebook.assignment_id,
            )
            .join(api.Notebook, api.Notebook.id == api.SubmittedNotebook.notebook_id)
            .join(api.Assignment, api.Assignment.id == api.SubmittedAssignment.assignment_id)
            .filter(api.Assignment.name == assignment)
        )
        for student, notebook, penalty in notebooks:
            table.setdefault(student, {})[notebook] = {
                "": {
                    "score": -(penalty or 0.0),
                    "max_score": 0.0,
                    "needs_manual_grade": False,
                }
            }
        # All at once: one submission after another is quadratic without an index.
        grades = (
            db.query(
                api.SubmittedAssignment.student_id,
                api.Notebook.name,
                api.BaseCell.name,
                api.Grade.score,
                api.Grade.max_score,
                api.Grade.needs_manual_grade,
            )
            .join(api.SubmittedNotebook, api.SubmittedNotebook.id == api.Grade.notebook_id)
            .join(
                api.SubmittedAssignment,
                api.SubmittedAssignment.id == api.SubmittedNotebook.assignment_id,
            )
            .join(api.Notebook, api.Notebook.id == api.SubmittedNotebook.notebook_id)
            .join(api.Assignment, api.Assignment.id == api.SubmittedAssignment.assignment_id)
            .join(api.BaseCell, api.BaseCell.id == api.Grade.cell_id)
            .filter(api.Assignment.name == assignment)
        )
        for student, notebook, cell, score, max_score, needs_manual_grade in grades:
            table[student][notebook][cell] = {
                "score": score,
                "max_score": max_score,
                "needs_manual_grade": needs_manual_grade,
            }
        return table


def _shown(url: str) -> str:
    """Return a database's URL without its password."""
    return re.sub(r"(://[^:/@]*):[^@]*@", r"\1:***@", url)


def is_timestamp(text: str) -> bool:
    """Whether nbgrader can read a ``timestamp.txt`` with this content."""
    try:
        _parsed(text)
    except (ValueError, TypeError, OverflowError):
        return False
    return True


def _parsed(text: str) -> Any:
    from nbgrader.utils import parse_utc

    return parse_utc(text.strip())


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
