"""nbgrader's seams: what ``nbjudge.configure`` puts in the place of nbgrader's own steps.

The only module that extends nbgrader's classes.  Everything here is named in the configuration;
``nbgrader autograde`` and formgrader's button load it from there.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter
from nbconvert.exporters.exporter import ResourcesDict
from nbformat.v4 import new_notebook
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import Execute, NbGraderPreprocessor

from nbjudge.assignment import Assignment, Kind
from nbjudge.compile import Sources, compile_assignment
from nbjudge.configuration import settings_from
from nbjudge.course import load_course
from nbjudge.document import build_document, number
from nbjudge.feedback import labels, summary
from nbjudge.grade import grade_notebook
from nbjudge.i18n import use_language
from nbjudge.proof import ensure_proved
from nbjudge.rebuild import rebuild
from nbjudge.records import with_notes, write_record
from nbjudge.secret import course_secret
from nbjudge.settings import Settings
from nbjudge.store import CellRecord, Store
from nbjudge.submissions import Submission, read_submission


class UploadExporter(NotebookExporter):  # type: ignore[misc]
    """Writes what the preprocessors make; never parses an uploaded file.

    nbgrader's exporter reads the submission with nbformat, so a file with a byte order mark, in
    latin-1 or empty never reached a preprocessor and lost its student every point.  Here the
    bytes are read by :mod:`nbjudge.upload`.
    """

    def from_filename(
        self, filename: str, resources: Any = None, **kw: Any
    ) -> tuple[Any, ResourcesDict]:
        """Convert an empty notebook in the place of this file."""
        path = Path(filename)
        made = ResourcesDict(**(resources or {}))
        made["metadata"] = ResourcesDict(name=path.stem, path=str(path.parent))
        output, made = self.from_notebook_node(new_notebook(), resources=made, **kw)
        return output, made


def before_autograde(assignment: str, student: str, notebooks: list[str]) -> None:
    """Find renamed notebooks, and make a fresh gradebook know the assignment.

    nbgrader calls it (``pre_convert_hook``) in the course's folder for each submission, with the
    paths of its notebooks, a list that it goes on to use.

    Parameters
    ----------
    assignment
        Name of the assignment.
    student
        nbgrader's pattern of students, ``*`` for all: the paths say whose they are.
    notebooks
        Changed in place: ``tp1 (1).ipynb`` becomes ``tp1.ipynb``, the name of what it is.
    """
    course = load_course(Path.cwd())
    compiled = course.compile(assignment)
    if not notebooks:
        return
    with Store(course.db_url, course.course_id) as store:
        if not store.has_assignment(assignment):
            store.sync(compiled)
    names = {Path(path).stem for path in notebooks}
    if names <= {notebook.name for notebook in compiled.notebooks}:
        return
    folder = Path(notebooks[0]).parent
    who = folder.parent.name
    submission = read_submission(folder, who, compiled, course.settings.limits)
    listed = {Path(path).name for path in notebooks}
    notebooks[:] = sorted(
        str(folder / f"{name}.ipynb") for name, file in submission.found.items() if file in listed
    )


_compiled: dict[tuple[Any, ...], Assignment] = {}


class _OfCourse:
    """What preprocessors of a course share: where it lies, what it says."""

    config: Any

    def _settings(self) -> Settings:
        settings = settings_from(self.config)
        own = {**dict(self.config.get("Execute", {})), **dict(self.config.get("Judge", {}))}
        # nbgrader's own options go on meaning what they mean.
        timeout = own.get("timeout")
        if isinstance(timeout, int | float) and timeout > 0:
            limits = replace(settings.limits, cell_seconds=float(timeout))
            settings = replace(settings, limits=limits)
        if own.get("kernel_name"):
            settings = replace(settings, kernel_name=str(own["kernel_name"]))
        return settings

    def _folders(self) -> CourseDirectory:
        return CourseDirectory(config=self.config, root=os.getcwd())

    def _assignment(self, name: str, settings: Settings) -> Assignment:
        folders = self._folders()
        source = Path(folders.format_path(folders.source_directory, ".", name))
        judge = Path(folders.root) / "judge" / name
        stamp = tuple(
            (str(path), path.stat().st_mtime_ns, path.stat().st_size)
            for folder in (source, judge)
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        )
        key = (folders.root, name, stamp, repr(settings), repr(self.config))
        if key not in _compiled:
            _compiled.clear()
            _compiled[key] = compile_assignment(
                name, Sources(source=source, judge=judge), settings, config=self.config
            )
        return _compiled[key]

    def _submission(self, assignment: Assignment, student: str, settings: Settings) -> Submission:
        folders = self._folders()
        folder = Path(folders.format_path(folders.submitted_directory, student, assignment.name))
        return read_submission(folder, student, assignment, settings.limits)


class Rebuild(_OfCourse, NbGraderPreprocessor):  # type: ignore[misc]
    """In ``autograded/``: the instructor's notebook with the student's answers in it."""

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Return the rebuilt notebook, without outputs."""
        settings = self._settings()
        use_language(settings.language)
        names = resources["nbgrader"]
        assignment = self._assignment(names["assignment"], settings)
        submission = self._submission(assignment, names["student"], settings)
        source = assignment.notebook(names["notebook"])
        rebuilt = rebuild(submission.uploads[source.name].notebook, source, settings.limits)
        document = build_document(source, rebuilt.cells, {}, {}, {}, rebuilt.notes)
        return nbformat.from_dict(document), resources


class Judge(_OfCourse, Execute):  # type: ignore[misc]
    """In the place of Execute and SaveAutoGrades: run sealed, judge outside, record."""

    def preprocess(self, nb: Any, resources: Any, *_args: Any, **_kwargs: Any) -> tuple[Any, Any]:
        """Return the graded notebook; its scores are in the gradebook then."""
        settings = self._settings()
        use_language(settings.language)
        names = resources["nbgrader"]
        root = Path.cwd()
        secret = course_secret(root)
        assignment = self._assignment(names["assignment"], settings)
        ensure_proved(root, assignment, settings, secret)
        submission = self._submission(assignment, names["student"], settings)
        notebook = names["notebook"]
        result = grade_notebook(
            submission.uploads[notebook], assignment, notebook, settings, secret
        )
        result = with_notes(result, submission.notes[notebook])
        with Store(names["db_url"]) as store:
            for line in store.sync(assignment):
                self.log.warning(line)
            store.open_submission(assignment.name, submission.student, None)
            store.record(assignment, submission.student, result)
        write_record(root, submission.student, assignment.name, result)
        for note in (*result.notes, *result.log):
            self.log.warning("%s/%s: %s", submission.student, notebook, note)
        return nbformat.from_dict(result.document), resources


class SyncCells(NbGraderPreprocessor):  # type: ignore[misc]
    """In the place of SaveCells: cells may be added, changed and removed at any time."""

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Record the notebook's cells in the gradebook."""
        names = resources["nbgrader"]
        cells = []
        for cell in nb.cells:
            meta = cell.metadata.get("nbgrader", {})
            grade, solution, task = (bool(meta.get(k)) for k in ("grade", "solution", "task"))
            if grade or solution or task or meta.get("locked"):
                cells.append(
                    CellRecord(
                        name=meta["grade_id"],
                        cell_type=cell.cell_type,
                        source=cell.source,
                        locked=bool(meta.get("locked")),
                        checksum=meta.get("checksum"),
                        max_score=float(meta.get("points", 0.0)),
                        grade=grade,
                        solution=solution,
                        task=task,
                    )
                )
        kernelspec = dict(nb.metadata.get("kernelspec", {}))
        with Store(names["db_url"]) as store:
            for line in store.sync_notebook(
                names["assignment"], names["notebook"], kernelspec, cells
            ):
                self.log.warning(line)
        return nb, resources


class ShowVerdicts(_OfCourse, NbGraderPreprocessor):  # type: ignore[misc]
    """In the feedback: verdicts in the place of hidden tests and of what they printed."""

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Return the notebook as the student may see it; GetGrades must have run before."""
        from nbgrader.api import Gradebook

        settings = self._settings()
        use_language(settings.language)
        names = resources["nbgrader"]
        with Gradebook(names["db_url"]) as gradebook:
            row = gradebook.find_submission_notebook(
                names["notebook"], names["assignment"], names["student"]
            )
            by_hand = {grade.name for grade in row.grades if grade.needs_manual_grade}
        assignment = self._assignment(names["assignment"], settings)
        released = {
            cell.grade_id: cell.release_source
            for cell in assignment.notebook(names["notebook"]).cells
            if cell.kind is Kind.TEST
        }
        for cell in nb.cells:
            meta = cell.metadata.get("nbgrader", {})
            if meta.get("grade") and not meta.get("solution") and cell.cell_type == "code":
                # An unknown test (gone from source/ since) shows nothing at all.
                cell.source = released.get(meta["grade_id"], "")
                cell.outputs = []
        questions = summary(nb.cells, by_hand)
        resources["nbjudge"] = {
            "language": settings.language,
            "labels": labels(),
            "questions": questions,
            "notes": list(nb.metadata.get("nbjudge", {}).get("notes", ())),
            "provisional": bool(by_hand),
            "total": number(round(float(names["score"]), 2)),
            "maximum": number(float(names["max_score"])),
        }
        return nb, resources


class CleanRelease(NbGraderPreprocessor):  # type: ignore[misc]
    """Takes out of the student version what only the judge reads (``nbjudge-`` tags)."""

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Return the notebook without our tags, and with nothing that changes by itself."""
        _tidy(nb)
        return nb, resources


class CleanSolution(NbGraderPreprocessor):  # type: ignore[misc]
    """The corrigé: solutions without their markers, nothing left of nbgrader."""

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Return the notebook without solution markers and cell metadata."""
        from nbgrader.preprocessors import ClearSolutions

        clear = ClearSolutions(config=self.config)
        markers = (clear.begin_solution_delimeter, clear.end_solution_delimeter)
        for cell in nb.cells:
            lines = [
                line
                for line in cell.source.split("\n")
                if not any(marker in line for marker in markers)
            ]
            cell.source = "\n".join(lines)
            cell.metadata.pop("nbgrader", None)
            cell.metadata.pop("deletable", None)
            cell.metadata.pop("editable", None)
        _tidy(nb)
        return nb, resources


def _tidy(nb: Any) -> None:
    for cell in nb.cells:
        tags = [t for t in cell.metadata.get("tags", ()) if not t.startswith("nbjudge-")]
        if tags:
            cell.metadata["tags"] = tags
        else:
            cell.metadata.pop("tags", None)
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    kept = {"kernelspec", "language_info"}
    for key in set(nb.metadata) - kept:
        del nb.metadata[key]
    language = nb.metadata.get("language_info", {}).get("name")
    language = language or nb.metadata.get("kernelspec", {}).get("language", "python")
    nb.metadata["language_info"] = {"name": language}
