"""nbgrader's gradebook: cells of an assignment, scores of a submission. One writer.

Through nbgrader's own database classes, so that formgrader, ``nbgrader export`` and feedback
find what they expect. Scores that a person gave are never touched, only flagged for review.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from nbjudge.assignment import Assignment, Kind, SourceCell, SourceNotebook
from nbjudge.document import nbgrader_metadata
from nbjudge.errors import ConfigurationError
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

    # The gradebook's copy: without the solution, with hidden tests.
    source = cell.source if cell.kind is Kind.TEST else cell.release_source
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
        from sqlalchemy.exc import SAWarning, SQLAlchemyError

        # A new gradebook makes nbgrader run the command `alembic`, which lies beside Python's.
        beside = str(Path(sys.executable).parent)
        if beside not in os.environ.get("PATH", "").split(os.pathsep):
            os.environ["PATH"] = os.pathsep.join([beside, os.environ.get("PATH", os.defpath)])
        # nbgrader's own way of adding rows; nothing is lost by it.
        warnings.filterwarnings("ignore", category=SAWarning, message=r"Object of type <Submitted")
        try:
            self._gradebook = Gradebook(self._db_url, self._course_id or "default_course")
        except SQLAlchemyError as error:
            raise ConfigurationError(
                f"Opening the gradebook {self._db_url}: {error}. If nbgrader was upgraded, back "
                "the file up and run `nbgrader db upgrade`."
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
        gradebook.update_or_create_assignment(assignment.name)
        said = []
        wanted = {notebook.name for notebook in assignment.notebooks}
        for old in list(gradebook.find_assignment(assignment.name).notebooks):
            if old.name not in wanted:
                said += [
                    f"The notebook {old.name!r} is gone from {assignment.name}: {line}"
                    for line in _manual_of(grade for s in old.submissions for grade in s.grades)
                ]
                gradebook.remove_notebook(old.name, assignment.name)
        for notebook in assignment.notebooks:
            said += self.sync_notebook(
                assignment.name, notebook.name, notebook.kernelspec, records(notebook)
            )
        return said

    def sync_notebook(
        self,
        assignment: str,
        notebook: str,
        kernelspec: Mapping[str, Any],
        cells: Sequence[CellRecord],
    ) -> list[str]:
        """Bring one notebook's cells in the gradebook to these; see :meth:`sync`."""
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
        said = [
            f"The cell {cell.name!r} is gone from {cell.notebook.name}: {line}"
            for line in _manual_of(cell.grades)
        ]
        for row in (*cell.grades, *cell.comments) if cell.comments else cell.grades:
            self._gradebook.db.delete(row)
        self._gradebook.db.delete(cell)
        return said

    def _complete(self, notebook: Any) -> None:
        """Give every submission a grade and a comment for every cell, as nbgrader does."""
        from nbgrader import api

        for submitted in notebook.submissions:
            graded = {grade.cell_id for grade in submitted.grades}
            commented = {comment.cell_id for comment in submitted.comments}
            for cell in (*notebook.grade_cells, *notebook.task_cells):
                if cell.id not in graded:
                    self._gradebook.db.add(api.Grade(cell_id=cell.id, notebook=submitted))
            for cell in (*notebook.solution_cells, *notebook.task_cells):
                if cell.id not in commented:
                    self._gradebook.db.add(api.Comment(cell_id=cell.id, notebook=submitted))

    # Submissions.

    def open_submission(self, assignment: str, student: str, timestamp: str | None) -> str | None:
        """Make sure that student and submission have their rows.

        Returns
        -------
        str or None
            What is wrong with the timestamp, if it cannot be read.
        """
        from nbgrader.utils import parse_utc

        gradebook = self._gradebook
        gradebook.update_or_create_student(student)
        complaint = None
        extra = {}
        if timestamp:
            try:
                extra["timestamp"] = parse_utc(timestamp)
            except (ValueError, TypeError, OverflowError) as error:
                complaint = f"timestamp.txt of {student} cannot be read ({error}); it is ignored."
        gradebook.update_or_create_submission(assignment, student, **extra)
        submission = gradebook.find_submission(assignment, student)
        # A notebook that the assignment gained since.
        from nbgrader import api

        present = {row.name for row in submission.notebooks}
        for notebook in submission.assignment.notebooks:
            if notebook.name not in present:
                gradebook.db.add(api.SubmittedNotebook(notebook=notebook, assignment=submission))
                gradebook.db.flush()
                gradebook.db.expire(notebook)
                self._complete(notebook)
        gradebook.db.commit()
        return complaint

    def record(self, assignment: Assignment, student: str, result: Result) -> None:
        """Write the scores of one notebook; the submission must be there.

        Automatic scores are set anew. A manual score, a comment, extra credit stay; a cell with a
        manual score is flagged for review.
        """
        row = self._gradebook.find_submission_notebook(result.notebook, assignment.name, student)
        verdicts = {verdict.grade_id: verdict for verdict in result.verdicts}
        for grade in row.grades:
            verdict = verdicts.get(grade.name)
            # A written answer that is worth nothing has a grade row and no verdict.
            grade.auto_score = 0.0 if verdict is None else verdict.points
            grade.needs_manual_grade = grade.manual_score is not None or grade.auto_score is None
        untouched = _untouched(assignment.notebook(result.notebook), result)
        for comment in row.comments:
            comment.auto_comment = _("No response.") if comment.name in untouched else None
        self._gradebook.db.commit()

    def late_penalty(self, assignment: str, student: str, notebook: str, config: Any) -> None:
        """Let nbgrader's late submission plugin say its penalty."""
        from nbformat.v4 import new_notebook
        from nbgrader.preprocessors import AssignLatePenalties

        names = {"assignment": assignment, "student": student, "notebook": notebook}
        AssignLatePenalties(config=config).preprocess(
            new_notebook(), {"nbgrader": names | {"db_url": self._db_url}}
        )

    def scores(self, assignment: str) -> dict[str, dict[str, dict[str, Any]]]:
        """Return scores as the gradebook has them: by student, notebook and cell.

        Each is ``{"score", "max_score", "needs_manual_grade"}``; under the empty cell name, the
        notebook's late penalty as ``score`` (negative).
        """
        table: dict[str, dict[str, dict[str, Any]]] = {}
        for submission in self._gradebook.assignment_submissions(assignment):
            notebooks = table.setdefault(submission.student.id, {})
            for notebook in submission.notebooks:
                cells = notebooks.setdefault(notebook.name, {})
                for grade in notebook.grades:
                    cells[grade.name] = {
                        "score": grade.score,
                        "max_score": grade.max_score,
                        "needs_manual_grade": grade.needs_manual_grade,
                    }
                cells[""] = {
                    "score": -(notebook.late_submission_penalty or 0.0),
                    "max_score": 0.0,
                    "needs_manual_grade": False,
                }
        return table


def _manual_of(grades: Any) -> list[str]:
    lines = []
    for grade in grades:
        if grade.manual_score is not None or grade.extra_credit:
            lines.append(
                f"{grade.student.id} had {grade.manual_score} by hand"
                + (f" and {grade.extra_credit} extra" if grade.extra_credit else "")
                + "."
            )
    return lines


def _untouched(notebook: SourceNotebook, result: Result) -> set[str]:
    """Return the grade_ids of answers that are still the release's."""
    released = {cell.cell_id: cell for cell in notebook.cells if cell.is_students and cell.grade_id}
    return {
        released[cell["id"]].grade_id or ""
        for cell in result.document["cells"]
        if cell["id"] in released
        and cell["source"].strip() == released[cell["id"]].release_source.strip()
    }
