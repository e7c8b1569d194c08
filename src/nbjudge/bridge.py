"""nbgrader's seams: what ``nbjudge.configure`` puts in the place of nbgrader's own steps.

The only module that extends nbgrader's classes.  Everything here is named in the configuration;
``nbgrader autograde`` and formgrader's button load it from there.

An exporter is the only piece that nbgrader makes before it touches a folder, and tells which
converter it works for: what can go wrong for a whole class goes wrong there, in a sentence.
"""

from __future__ import annotations

import fnmatch
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import nbformat
from nbconvert.exporters import NotebookExporter
from nbconvert.exporters.exporter import ResourcesDict
from nbformat.v4 import new_notebook
from nbgrader.converters import Autograde, GenerateAssignment
from nbgrader.converters.base import NbGraderException
from nbgrader.preprocessors import Execute, NbGraderPreprocessor
from sqlalchemy.exc import SAWarning
from traitlets import List

from nbjudge.assignment import Assignment, Kind
from nbjudge.compile import Sources, compile_assignment
from nbjudge.configuration import settings_from
from nbjudge.errors import ConfigurationError, NbJudgeError
from nbjudge.feedback import Graded, page
from nbjudge.i18n import use_language
from nbjudge.proof import proved
from nbjudge.records import keep_removed, with_notes, write_record
from nbjudge.retry import grade_fairly
from nbjudge.secret import course_secret
from nbjudge.store import Store
from nbjudge.submissions import Submission, read_submission


class Run:
    """What the pieces of one nbgrader command share.

    Parameters
    ----------
    converter
        nbgrader's ``Autograde``, ``GenerateAssignment`` or ``GenerateFeedback``: it knows the
        course's folders, and the configuration with the options of the command line.
    """

    def __init__(self, converter: Any) -> None:
        self.folders = converter.coursedir
        self.config = converter.config
        self.settings = settings_from(self.config)
        use_language(self.settings.language)
        self._assignments: dict[str, Assignment] = {}

    @property
    def root(self) -> Path:
        """The course's folder."""
        return Path(self.folders.root)

    def assignment(self, name: str) -> Assignment:
        """Return an assignment as the instructor wrote it, read once."""
        if name not in self._assignments:
            folders = self.folders
            sources = Sources(
                source=Path(folders.format_path(folders.source_directory, ".", name)),
                judge=self.root / "judge" / name,
                root=self.root,
                ignore=tuple(folders.ignore),
            )
            self._assignments[name] = compile_assignment(
                name, sources, self.settings, config=self.config
            )
        return self._assignments[name]

    def prove(self, name: str) -> None:
        """Grade the reference of an assignment, unless it has been done before."""
        self._assignments[name] = proved(
            self.root, self.assignment(name), self.settings, course_secret(self.root)
        )

    def submission(self, assignment: Assignment, student: str) -> Submission:
        """Read what a student handed in."""
        folders = self.folders
        folder = Path(folders.format_path(folders.submitted_directory, student, assignment.name))
        return read_submission(folder, student, assignment, self.settings.limits)

    def store(self) -> Store:
        """Return the course's gradebook."""
        return Store(self.folders.db_url, self.folders.course_id)

    def record(self, assignment: Assignment, log: Any) -> None:
        """Bring the gradebook to what ``source/`` says of an assignment."""
        with self.store() as store:
            gone = store.sync(assignment, partial(keep_removed, self.root))
        for line in gone:
            log.warning("%s", line)


_runs: WeakKeyDictionary[Any, Run] = WeakKeyDictionary()
_grading: ContextVar[Run] = ContextVar("nbjudge_grading")


def _run_of(piece: Any) -> Run:
    """Return the run that an exporter or a preprocessor belongs to."""
    converter = piece
    while getattr(converter, "coursedir", None) is None:
        converter = converter.parent
        if converter is None:
            raise ConfigurationError(
                f"{type(piece).__name__} works within nbgrader's commands only: no course is known."
            )
    if converter not in _runs:
        _runs[converter] = Run(converter)
    return _runs[converter]


@contextmanager
def _said_by(converter: Any) -> Iterator[None]:
    """Turn our errors into the one that nbgrader's commands end with, without a traceback."""
    try:
        yield
    except NbJudgeError as error:
        converter.log.error("%s", error)
        raise NbGraderException(str(error)) from error


def _assignments_of(converter: Any, step: str) -> list[str]:
    """Return the names of the assignments whose folders a converter has found."""
    pattern = converter.coursedir.format_path(
        step, "(?P<student_id>.*)", "(?P<assignment_id>.*)", escape=True
    )
    matches = (re.match(pattern, folder) for folder in converter.assignments)
    return sorted({match["assignment_id"] for match in matches if match})


class UploadExporter(NotebookExporter):  # type: ignore[misc]
    """Writes what the preprocessors make; never parses an uploaded file.

    nbgrader's exporter reads the submission with nbformat, so a file with a byte order mark, in
    latin-1 or empty never reached a preprocessor and lost its student every point.  Here the
    bytes are read by :mod:`nbjudge.upload`.

    Made once for each run, before the first student: the assignment is read, its reference
    proved, and the gradebook brought to what ``source/`` says, so that a fresh clone can grade.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if isinstance(self.parent, Autograde):
            with _said_by(self.parent):
                self._begin(self.parent)

    def _begin(self, converter: Any) -> None:
        steps = [getattr(step, "__name__", step) for step in converter.autograde_preprocessors]
        if not any(str(step).rpartition(".")[2] == Judge.__name__ for step in steps):
            raise ConfigurationError(
                "c.Autograde.autograde_preprocessors does not hold nbjudge.bridge.Judge: nothing "
                "would be graded. Take out the line that sets it, or call nbjudge.configure(c) "
                "after it."
            )
        # nbgrader's own way of adding rows, under SQLAlchemy 2.1; nothing is lost by it.
        warnings.filterwarnings("ignore", category=SAWarning, message=r"Object of type <Submitted")
        run = _run_of(self)
        for name in _assignments_of(converter, converter.coursedir.submitted_directory):
            run.prove(name)
            run.record(run.assignment(name), converter.log)
        _grading.set(run)

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
    """Find renamed notebooks.

    nbgrader calls it (``pre_convert_hook``) for each submission, with the paths of its notebooks,
    a list that it goes on to use.

    Parameters
    ----------
    assignment
        nbgrader's pattern of assignments; the paths say which it is.
    student
        nbgrader's pattern of students, ``*`` for all; the paths say whose they are.
    notebooks
        Changed in place: ``tp1 (1).ipynb`` becomes ``tp1.ipynb``, the name of what it is.
        Where no file can be told to be a notebook of the assignment, all of them are to be
        graded: each says that it was not found.
    """
    run = _grading.get()
    folder = Path(notebooks[0]).parent
    pattern = run.folders.format_path(
        run.folders.submitted_directory, "(?P<student>.*)", "(?P<assignment>.*)", escape=True
    )
    names = re.fullmatch(pattern, str(folder))
    if names is None:
        return
    compiled = run.assignment(names["assignment"])
    wanted = [notebook.name for notebook in compiled.notebooks]
    if {Path(path).stem for path in notebooks} <= set(wanted):
        return
    submission = run.submission(compiled, names["student"])
    listed = {Path(path).name for path in notebooks}
    found = [name for name, file in submission.found.items() if file in listed]
    chosen = found or fnmatch.filter(wanted, run.folders.notebook_id)
    notebooks[:] = sorted(str(folder / f"{name}.ipynb") for name in chosen)


class Judge(Execute):  # type: ignore[misc]
    """In the place of Execute and SaveAutoGrades: run sealed, judge outside, record."""

    def preprocess(self, nb: Any, resources: Any, *_args: Any, **_kwargs: Any) -> tuple[Any, Any]:
        """Return the graded notebook; its scores are in the gradebook then."""
        run = _run_of(self)
        names = resources["nbgrader"]
        assignment = run.assignment(names["assignment"])
        submission = run.submission(assignment, names["student"])
        notebook = names["notebook"]
        result = grade_fairly(
            submission.uploads[notebook],
            assignment,
            notebook,
            run.settings,
            course_secret(run.root),
        )
        result = with_notes(result, submission.notes[notebook])
        with run.store() as store:
            store.open_submission(assignment.name, submission.student, None)
            store.record(assignment, submission.student, result)
        write_record(run.root, submission.student, assignment.name, result)
        _remove_copies_of_links(run, assignment, submission.student)
        for note in (*result.notes, *result.log):
            self.log.warning("%s/%s: %s", submission.student, notebook, note)
        return nbformat.from_dict(result.document), resources


def _remove_copies_of_links(run: Run, assignment: Assignment, student: str) -> None:
    """Take out what nbgrader has copied through links of a submission.

    They may point anywhere on this machine, and feedback would hand the copies out.
    """
    folders = run.folders
    submitted = folders.format_path(folders.submitted_directory, student, assignment.name)
    graded = Path(folders.format_path(folders.autograded_directory, student, assignment.name))
    for directory, _folders, names in os.walk(submitted):
        for name in names:
            path = Path(directory, name)
            relative = path.relative_to(submitted).as_posix()
            if path.is_symlink() and relative not in assignment.files:
                (graded / relative).unlink(missing_ok=True)


class ReleaseExporter(NotebookExporter):  # type: ignore[misc]
    """In the place of SaveCells: records the assignment before ``release/`` is touched.

    nbgrader removes the old release first and stops then where a cell was added after
    submissions had arrived, or where a marker is missing.  Here the whole assignment is read and
    recorded before; its cells may be added, changed and removed at any time.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if isinstance(self.parent, GenerateAssignment):
            with _said_by(self.parent):
                self._begin(self.parent)

    def _begin(self, converter: Any) -> None:
        run = _run_of(self)
        for name in _assignments_of(converter, converter.coursedir.source_directory):
            assignment = run.assignment(name)
            if converter.no_database:
                continue
            with run.store() as store:
                known = store.has_assignment(name)
            # Without create_assignment nbgrader itself says that there is none.
            if known or converter.create_assignment:
                run.record(assignment, converter.log)


class ShowVerdicts(NbGraderPreprocessor):  # type: ignore[misc]
    """In the feedback: verdicts in the place of hidden tests and of what they printed."""

    display_data_priority = List(config=True, help="Of no effect; the exporter sets it for all.")

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Return the notebook as the student may see it; GetGrades must have run before."""
        from nbgrader.api import Gradebook

        run = _run_of(self)
        names = resources["nbgrader"]
        with Gradebook(names["db_url"]) as gradebook:
            row = gradebook.find_submission_notebook(
                names["notebook"], names["assignment"], names["student"]
            )
            by_hand = {grade.name for grade in row.grades if grade.needs_manual_grade}
        assignment = run.assignment(names["assignment"])
        released = _released(assignment, names["notebook"])
        for cell in nb.cells:
            meta = cell.metadata.get("nbgrader", {})
            if meta.get("task"):
                cell.source = released.get(meta["grade_id"], "")
            elif meta.get("grade") and not meta.get("solution") and cell.cell_type == "code":
                # An unknown test (gone from source/ since) shows nothing at all.
                cell.source = released.get(meta["grade_id"], "")
                cell.outputs = []
        source = next((n for n in assignment.notebooks if n.name == names["notebook"]), None)
        resources["nbjudge"] = page(
            Graded(
                assignment=names["assignment"],
                student=names["student"],
                cells=nb.cells,
                source=source,
                name=names["notebook"],
                files=assignment.files,
                by_hand=frozenset(by_hand),
                notes=nb.metadata.get("nbjudge", {}).get("notes", ()),
                score=float(names["score"]),
                max_score=float(names["max_score"]),
                late_penalty=float(names["late_penalty"]),
            )
        )
        return nb, resources


def _released(assignment: Assignment, notebook: str) -> dict[str, str]:
    """Return by grade_id what students received of tests and tasks."""
    return {
        cell.grade_id or "": cell.release_source
        for source in assignment.notebooks
        if source.name == notebook
        for cell in source.cells
        if cell.kind in (Kind.TEST, Kind.TASK)
    }


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
