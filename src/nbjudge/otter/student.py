"""What students receive for otter: the release, with ``grader.check`` in place of visible tests."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from typing import Any

from nbjudge.assignment import Assignment, Kind, SourceCell
from nbjudge.colab import python_tree
from nbjudge.errors import NotebookError
from nbjudge.names import plain_python

_GRADER = "grader"
_CHECK = re.compile(rf"\s*{_GRADER}\.check(?:_all)?\([^\n]*\)\s*;?\s*")
_START = re.compile(rf"^\s*{_GRADER}\s*=\s*otter\.Notebook\(", re.MULTILINE)
_IMPORT = 'import otter  # python -m pip install "otter-grader>=7"'
# Students may call it in cells of their own; these are to run to their end.
_STAND_IN = f"""\
class {_GRADER}:
    check = check_all = export = staticmethod(lambda *_arguments, **_options: None)"""


def otter_version(files: Mapping[str, bytes], assignment: Assignment) -> dict[str, bytes]:
    """Return the files of an assignment as students of otter receive them.

    Parameters
    ----------
    files
        As students of nbgrader receive them, by path (:func:`nbjudge.produce.student_version`).
    assignment
        What they are the release of.

    Raises
    ------
    NotebookError
        If otter cannot grade the assignment, or its check would take the place of something.
    """
    notebook = assignment.notebooks[0]
    if len(assignment.notebooks) > 1:
        raise NotebookError(
            f"Making {assignment.name!r} for otter: it has {len(assignment.notebooks)} notebooks, "
            "and otter grades one. Make an assignment of each."
        )
    taken = [path for path in files if path.split("/")[0] == "tests"]
    if taken:
        raise NotebookError(
            f"Making {assignment.name!r} for otter: its own files {', '.join(taken)} lie where "
            "otter's tests go. Give their folder another name."
        )
    for cell in notebook.cells:
        if cell.cell_type == "code" and _binds_grader(cell):
            raise NotebookError(
                f"Making {assignment.name!r} for otter: the cell {cell.grade_id or cell.cell_id!r} "
                f"binds the name {_GRADER!r}, by which students call otter. Choose another name."
            )
    path = f"{notebook.name}.ipynb"
    made = json.loads(files[path])
    checks = {cell.grade_id or "": cell for cell in notebook.cells if has_visible_checks(cell)}
    with_checks(made, checks, path)
    text = json.dumps(made, ensure_ascii=False, indent=1) + "\n"
    tests = {f"tests/{name}.py": visible_test(cell).encode() for name, cell in checks.items()}
    return dict(files) | {path: text.encode()} | tests


def with_checks(notebook: dict[str, Any], checks: Mapping[str, SourceCell], path: str) -> None:
    """Put otter's calls into a notebook (nbformat's JSON), in place of the tests they run."""
    for cell in notebook["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id")
        if cell["cell_type"] == "code" and name in checks:
            cell["source"] = f'{_GRADER}.check("{name}")'
    start: dict[str, Any] = {
        "cell_type": "code",
        "execution_count": None,
        "id": "otter-start",
        "metadata": {},
        "outputs": [],
        "source": f"{_IMPORT}\n\n{_GRADER} = otter.Notebook({json.dumps(path)})",
    }
    notebook["cells"].insert(0, start)


def without_checks(upload: bytes) -> bytes:
    """Return a submission without otter's calls: what is left is a submission like any other.

    Bytes that are no notebook come back as they are: whoever rebuilds it says so.
    """
    try:
        notebook = json.loads(upload)
        kept = [cell for cell in notebook["cells"] if not _is_call(cell, _CHECK.fullmatch)]
        for cell in kept:
            if _is_call(cell, _START.search):
                cell["source"] = _STAND_IN
        notebook["cells"] = kept
        return json.dumps(notebook).encode()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return upload


def _is_call(cell: dict[str, Any], matches: Any) -> bool:
    source = cell.get("source", "")
    text = source if isinstance(source, str) else "".join(source)
    return cell.get("cell_type") == "code" and matches(text) is not None


def _binds_grader(cell: SourceCell) -> bool:
    tree = python_tree(cell.source)
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id == _GRADER:
            return True
    return False


def has_visible_checks(cell: SourceCell) -> bool:
    """Whether a test cell does something that students see."""
    if cell.kind is not Kind.TEST:
        return False
    tree = python_tree(cell.release_source)
    return tree is None or bool(tree.body)


def visible_test(cell: SourceCell) -> str:
    """Return otter's test file of what students see of a test cell.

    It runs whole in the notebook's own namespace, as the cell itself would.
    """
    lines = plain_python(cell.release_source).splitlines()
    code = "\n".join(f"    {line!r}," for line in lines)
    return f"""\
OK_FORMAT = False

from otter.test_files import test_case

name = {cell.grade_id!r}
points = {_number(cell.points)}

CHECKS = [
{code}
]


@test_case()
def visible_checks(env):
    try:
        exec(compile("\\n".join(CHECKS), name, "exec"), env)
    except SystemExit as error:  # otter would lose every other question with it
        raise AssertionError("SystemExit") from error
"""


def unjudged_test(cell: SourceCell) -> str:
    """Return otter's test file of a question as the autograder has it: it earns nothing.

    :mod:`nbjudge.otter.plugin` fills in what nbjudge has judged; what it does not fill in must
    not earn a point.
    """
    return f"""\
OK_FORMAT = False

from otter.test_files import test_case

name = {cell.grade_id!r}
points = {_number(cell.points)}


@test_case(hidden=True)
def judged(env):
    raise AssertionError("nbjudge has not judged this question.")
"""


def _number(points: float) -> str:
    return repr(int(points) if float(points).is_integer() else float(points))
