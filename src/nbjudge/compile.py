"""From ``source/<assignment>/`` to an :class:`~nbjudge.assignment.Assignment`.

nbgrader's own preprocessors, with the course's own configuration, say what students receive;
what they take away is what stays on the instructor's side.
"""

from __future__ import annotations

import copy
import fnmatch
import json
import math
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nbjudge.assignment import Assignment, Kind, SourceCell, SourceNotebook
from nbjudge.errors import NotebookError, UnknownNameError
from nbjudge.imports import load_jsonschema
from nbjudge.settings import Mode, Settings

INSIDE, OUTSIDE = "nbjudge-inside", "nbjudge-outside"
IGNORED = (".ipynb_checkpoints", "*.pyc", "__pycache__", "feedback")
"""nbgrader's default of ``c.CourseDirectory.ignore``."""
_LITTER = (".ipynb_checkpoints", "__pycache__", "*.pyc", ".DS_Store", ".git", "*~", ".*.sw?")
"""Left out whatever the course says: it comes and goes, and the version would change with it."""
_AUTOTEST = "AUTOTEST"


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Where an assignment's files lie."""

    source: Path
    """``source/<assignment>``: notebooks, and what students receive beside them."""
    judge: Path
    """``judge/<assignment>``: for tests only; may not exist."""
    root: Path
    """The course's folder: paths in its configuration are relative to it."""
    ignore: tuple[str, ...] = IGNORED
    """Patterns of file and folder names that are left out."""


def notebook_paths(sources: Sources) -> list[Path]:
    """Return an assignment's source notebooks, sorted."""
    return sorted(path for path in sources.source.glob("*.ipynb") if path.is_file())


def read_notebooks(
    name: str, sources: Sources, settings: Settings, config: Any = None
) -> tuple[SourceNotebook, ...]:
    """Read an assignment's notebooks; see :func:`compile_assignment`."""
    return tuple(
        _notebook(path, name, sources, settings, config) for path in notebook_paths(sources)
    )


def compile_assignment(
    name: str,
    sources: Sources,
    settings: Settings,
    config: Any = None,
    read: Callable[[str, Sources, Settings, Any], tuple[SourceNotebook, ...]] = read_notebooks,
) -> Assignment:
    """Read an assignment as the instructor wrote it.

    Parameters
    ----------
    name
        Of the assignment.
    sources
        Its folders.
    settings
        ``tests`` says where test cells run that do not say it themselves.
    config
        The course's traitlets configuration (delimiters, stubs, header and footer).
    read
        Reads its notebooks.

    Raises
    ------
    UnknownNameError
        If there is no such folder.
    NotebookError
        If a notebook of it cannot be used, saying which cell of which.
    """
    if not sources.source.is_dir() or Path(name).name != name:
        siblings = sources.source.parent
        known = (
            sorted(p.name for p in siblings.iterdir() if p.is_dir() and any(p.glob("*.ipynb")))
            if siblings.is_dir()
            else []
        )
        raise UnknownNameError(
            f"Looking for the assignment {name!r}: there is no folder {sources.source}. "
            f"Assignments here: {', '.join(known) or 'none'}."
        )
    if not notebook_paths(sources):
        raise NotebookError(
            f"Reading the assignment {name!r}: {sources.source} holds no notebook (.ipynb)."
        )
    ignore = (*sources.ignore, *_LITTER)
    assignment = Assignment(
        name=name,
        notebooks=read(name, sources, settings, config),
        files=_files(sources.source, ignore, notebooks=False),
        judge_files=_files(sources.judge, ignore, notebooks=True),
    )
    return replace(assignment, editable=_editable(assignment, config))


def _editable(assignment: Assignment, config: Any) -> frozenset[str]:
    """Return the files that students hand in changed, as ``c.Autograde`` names them."""
    options = dict(config.get("Autograde", {})) if config is not None else {}
    named = dict(options.get("exclude_overwriting", {})).get(assignment.name, ())
    editable = frozenset(Path(path).as_posix() for path in named) & frozenset(assignment.files)
    modules = sorted(path for path in editable if path.endswith(".py"))
    for notebook in assignment.notebooks if modules else ():
        for cell in notebook.cells:
            if cell.kind is Kind.TEST and cell.mode == "outside":
                raise NotebookError(
                    f"Reading the assignment {assignment.name!r}: students hand in "
                    f"{modules[0]} changed (c.Autograde.exclude_overwriting), and the test "
                    f"{cell.grade_id!r} of {notebook.name} is judged from outside, where that "
                    f"module is yours. Give the test the tag {INSIDE}, or have the code written "
                    "in the notebook."
                )
    return editable


def prepare(kind: Any, config: Any, sources: Sources) -> Any:
    """Return a preprocessor of nbgrader whose relative paths start at the course's folder.

    nbgrader itself changes into that folder; this process may be anywhere.
    """
    made = kind(config=config)
    for option in ("header", "footer", "autotest_filename"):
        path = getattr(made, option, "")
        if not path or os.path.isabs(path):
            continue
        # An assignment's own autotests.yml goes before the course's.
        if option == "autotest_filename" and (sources.source / path).is_file():
            continue
        setattr(made, option, str(sources.root / path))
    return made


def _files(folder: Path, ignore: Sequence[str], *, notebooks: bool) -> Mapping[str, bytes]:
    found = {}
    for directory, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if not _is_ignored(f, ignore))
        for name in sorted(names):
            if _is_ignored(name, ignore) or (name.endswith(".ipynb") and not notebooks):
                continue
            path = Path(directory) / name
            try:
                found[path.relative_to(folder).as_posix()] = path.read_bytes()
            except OSError as error:
                raise NotebookError(f"Reading {path} of the assignment: {error}.") from error
    return found


def _is_ignored(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


def _notebook(
    path: Path, assignment: str, sources: Sources, settings: Settings, config: Any
) -> SourceNotebook:
    load_jsonschema()
    from nbgrader import preprocessors

    where = f"{path.parent.name}/{path.name}"
    full = _read(path, where)
    resources: dict[str, Any] = {
        "unique_key": path.stem,
        "metadata": {"path": str(path.parent)},
        "nbgrader": {"assignment": assignment, "notebook": path.stem, "student": "."},
    }

    def apply(kind: Any, notebook: Any) -> Any:
        try:
            return prepare(kind, config, sources).preprocess(notebook, resources)[0]
        except Exception as error:  # nbgrader raises RuntimeError, ValueError, KeyError...
            advice = _ADVICE.get(kind.__name__, "")
            raise NotebookError(
                f"Making the student version of {where}: {kind.__name__} stopped: "
                f"{type(error).__name__}: {str(error).rstrip('.')}. {advice}".strip()
            ) from error

    full = apply(preprocessors.IncludeHeaderFooter, full)
    _name_cells(full)
    for index, cell in enumerate(full.cells):
        if "id" not in cell:  # of a header or footer in an older format
            cell["id"] = f"included-{index}"
    if any(c.cell_type == "code" and _AUTOTEST in c.source for c in full.cells):
        full = apply(preprocessors.InstantiateTests, full)
    release = copy.deepcopy(full)
    for kind in (
        preprocessors.ClearSolutions,
        preprocessors.ClearHiddenTests,
        preprocessors.ClearMarkScheme,
    ):
        release = apply(kind, release)
    if len(release.cells) != len(full.cells):
        raise NotebookError(f"Making the student version of {where}: a cell was added or lost.")
    hiding = _hiding(config)
    cells = [
        _cell(index, cell, released, where, settings.tests, hiding)
        for index, (cell, released) in enumerate(zip(full.cells, release.cells, strict=True))
    ]
    _check(cells, where)
    kernelspec = dict(full.metadata.get("kernelspec", {}))
    return SourceNotebook(
        name=path.stem,
        cells=tuple(cells),
        kernel_name=str(kernelspec.get("name", "python3")),
        language=str(
            full.metadata.get("language_info", {}).get("name")
            or kernelspec.get("language", "python")
        ),
        kernelspec={str(k): v for k, v in kernelspec.items() if isinstance(v, str)},
    )


_MARKERS_ADVICE = (
    "See that every BEGIN has its END, and that solutions stand in solution cells, hidden tests "
    "in test cells, marking schemes in task cells."
)
_ADVICE = {
    "IncludeHeaderFooter": "See c.IncludeHeaderFooter in nbgrader_config.py.",
    "InstantiateTests": "See the AUTOTEST lines, the solution they run, and autotests.yml.",
    "ClearSolutions": _MARKERS_ADVICE,
    "ClearHiddenTests": _MARKERS_ADVICE,
    "ClearMarkScheme": _MARKERS_ADVICE,
}


def _read(path: Path, where: str) -> Any:
    load_jsonschema()
    import nbformat
    from nbgrader import nbgraderformat

    _check_ids(path, where)
    try:
        notebook = nbformat.read(path, as_version=4)
        validator = nbgraderformat.MetadataValidator()
        validator.upgrade_notebook_metadata(notebook)
        validator.validate_nb(notebook)
    except Exception as error:  # unreadable in any of the ways that nbformat knows
        raise NotebookError(
            f"Reading the source notebook {where}: {type(error).__name__}: {error}. Open it in "
            "Jupyter with nbgrader's Create Assignment panel and put the cell right."
        ) from error
    return notebook


def _name_cells(notebook: Any) -> None:
    """Give cells of an older format ids that do not change from one reading to the next."""
    older = notebook.get("nbformat_minor", 0) < 5
    for index, cell in enumerate(notebook.cells):
        if older or not cell.get("id"):
            cell["id"] = f"cell-{index}"
    notebook["nbformat_minor"] = 5


def _check_ids(path: Path, where: str) -> None:
    """Refuse what nbformat would repair with a cell id drawn anew at each reading."""
    try:
        document = json.loads(path.read_bytes())
        ids = [cell.get("id") for cell in document["cells"]]
        minor = int(document.get("nbformat_minor", 0))
    except (ValueError, TypeError, AttributeError, KeyError, OSError):
        return  # no notebook of this format: nbformat says what is wrong with it
    if minor < 5:
        return
    for number, identifier in enumerate(ids, start=1):
        if not identifier or ids.count(identifier) > 1:
            raise NotebookError(
                f"Reading {where}: cell {number} has "
                + (f"the id {identifier!r}, and so has another" if identifier else "no id")
                + ". Save the notebook once in Jupyter, which gives it one of its own."
            )


def _cell(
    index: int,
    cell: Any,
    released: Any,
    where: str,
    default: Mode,
    hiding: Sequence[tuple[str, str]],
) -> SourceCell:
    meta = cell.metadata.get("nbgrader", {})
    grade, solution = bool(meta.get("grade")), bool(meta.get("solution"))
    task, locked = bool(meta.get("task")), bool(meta.get("locked"))
    grade_id = meta.get("grade_id") or None
    points = float(meta.get("points", 0.0) or 0.0)
    kind = _kind(cell.cell_type, grade=grade, solution=solution, task=task, points=points)
    place = f"cell {grade_id or index + 1!r} of {where}"
    if not math.isfinite(points) or points < 0:
        raise NotebookError(f"Reading {place}: its points are {points}, not a number >= 0.")
    tags = set(cell.metadata.get("tags", ()))
    if {INSIDE, OUTSIDE} <= tags:
        raise NotebookError(f"Reading {place}: it has both tags {INSIDE} and {OUTSIDE}.")
    mode: Mode = "inside" if INSIDE in tags else "outside" if OUTSIDE in tags else default
    return SourceCell(
        cell_id=str(cell.get("id", f"cell-{index}")),
        kind=kind,
        cell_type=cell.cell_type,
        source=cell.source,
        release_source=released.source,
        grade_id=grade_id if (grade or solution or task or locked) else None,
        points=points if (grade or task) else 0.0,
        mode=mode,
        locked=locked,
        in_gradebook=grade,
        hidden_lines=_between(cell.source, hiding) if kind is Kind.TEST else frozenset(),
    )


def _kind(cell_type: str, *, grade: bool, solution: bool, task: bool, points: float) -> Kind:
    if task:
        return Kind.TASK
    if grade and solution:
        # A written answer that is worth nothing is read, not graded.
        return Kind.MANUAL if points else Kind.ANSWER
    if grade:
        return Kind.TEST
    if solution:
        return Kind.ANSWER
    return Kind.GIVEN if cell_type == "code" else Kind.TEXT


def markers(config: Any) -> tuple[str, ...]:
    """Return every marker that may not reach students, as the course spells them."""
    load_jsonschema()
    from nbgrader.preprocessors import ClearSolutions

    solution = ClearSolutions(config=config)
    pairs = [
        (solution.begin_solution_delimeter, solution.end_solution_delimeter),
        *_hiding(config),
    ]
    return tuple(marker for pair in pairs for marker in pair)


def _hiding(config: Any) -> tuple[tuple[str, str], ...]:
    load_jsonschema()
    from nbgrader.preprocessors import ClearHiddenTests, ClearMarkScheme

    hidden, scheme = ClearHiddenTests(config=config), ClearMarkScheme(config=config)
    return (
        (hidden.begin_test_delimeter, hidden.end_test_delimeter),
        (scheme.begin_mark_scheme_delimeter, scheme.end_mark_scheme_delimeter),
    )


def _between(source: str, markers: Sequence[tuple[str, str]]) -> frozenset[int]:
    """Return the numbers, from 1, of the lines that students do not receive."""
    hidden: set[int] = set()
    for begin, end in markers:
        inside = False
        for number, line in enumerate(source.splitlines(), start=1):
            inside = inside or begin in line
            if inside:
                hidden.add(number)
            if end in line:
                inside = False
    return frozenset(hidden)


def _check(cells: Sequence[SourceCell], where: str) -> None:
    ids = Counter(cell.cell_id for cell in cells)
    names = Counter(cell.grade_id for cell in cells)
    for cell in cells:
        if ids[cell.cell_id] > 1:
            raise NotebookError(
                f"Reading {where}: two cells have the id {cell.cell_id!r}, one of them in the "
                "header or the footer. Save that notebook once in Jupyter."
            )
        if cell.grade_id is not None and names[cell.grade_id] > 1:
            raise NotebookError(
                f"Reading {where}: two cells have the grade_id {cell.grade_id!r}. Give one of them "
                "another in Jupyter's Create Assignment panel."
            )
        if cell.is_graded and cell.grade_id is None:
            raise NotebookError(
                f"Reading {where}: a cell that carries points has no grade_id. Give it one in "
                "Jupyter's Create Assignment panel."
            )
        if (cell.is_graded or cell.is_students) and cell.cell_type not in ("code", "markdown"):
            raise NotebookError(
                f"Reading {where}: {cell.grade_id!r} is a {cell.cell_type} cell. Make it code or "
                "markdown."
            )
