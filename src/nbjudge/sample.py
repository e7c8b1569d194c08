"""A sample class: submissions written as small patches to an assignment.

One text file is one submission.  Comment lines at its head describe it, ``# %%`` lines begin a
cell::

    # The precision is forgotten in the posterior mean.
    # loses: test_q1_2 1.25
    # %% q1_2
    def posterior(Phi, y, alpha, beta): ...
    # %% after q1_2
    print("a cell of the student's own")

The head's fields, each ``# name: value``:

``base``
    ``reference`` (the default: all answers right, the patched ones excepted) or ``release``
    (nothing answered).
``answers``
    On the base ``release``: the grade_ids of the answers taken from the reference.
``loses``, ``earns``
    What it promises: ``question points, ...``.  On ``reference`` everything is earned but what
    is named; on ``release`` nothing is.
``change``
    What is done to the notebook or to its file, by name, in order (:data:`CHANGES`).
``cut``
    A grade_id: the file ends in the middle of that cell.
``file``
    Name of the submitted file.

The cells: ``# %% ID`` replaces a cell, ``# %% after ID`` adds one of the student's own behind it
(``# %% text after ID``: a Markdown one), ``# %% file NAME`` is a file beside the notebook.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbjudge.assignment import Assignment
from nbjudge.errors import NotebookError

PREFIX = "eleve-"
"""Of every student's name: obviously fictitious."""

# In French a space stands before the colon of a sentence, so that no sentence is a field.
_FIELD = re.compile(r"^#\s*([a-z]+):\s*(.*)$")
_CELL = re.compile(r"^# %% (?:(?P<how>after|text after|file) )?(?P<name>\S+)\s*$")


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One submission of the sample class."""

    student: str
    group: str
    """Folder that it lies in: right, wrong, hostile or broken ones."""
    description: str
    expected: Mapping[str, float]
    """Points that every question must get, by grade_id."""
    data: bytes
    file: str
    """Name of the submitted file."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Other files beside it."""


def read_samples(
    folder: Path, assignment: Assignment, released: bytes, solved: bytes
) -> list[Sample]:
    """Read all patches below a folder.

    Parameters
    ----------
    folder
        ``<group>/<name>.py`` below it.
    assignment
        What they are patches to; of one notebook.
    released, solved
        That notebook as students receive it, and with the reference's answers.

    Raises
    ------
    NotebookError
        If the assignment has several notebooks, there is no patch at all, or one cannot be
        applied: it names a field, a cell, a question or a change that does not exist, or
        describes nothing.
    """
    if len(assignment.notebooks) != 1:
        raise NotebookError(
            f"Reading the sample class of {assignment.name!r}: it has {len(assignment.notebooks)} "
            "notebooks, and patches are to one."
        )
    paths = sorted(folder.glob("*/*.py"))
    if not paths:
        raise NotebookError(f"Reading the sample class: there is no patch (*/*.py) in {folder}.")
    return [_Patch(path).apply(assignment, released, solved) for path in paths]


class _Patch:
    """One file, as written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._head = dict.fromkeys(
            ("base", "answers", "loses", "earns", "change", "cut", "file"), ""
        )
        self._description: list[str] = []
        self._cells: list[tuple[str, str, list[str]]] = []
        for line in path.read_text("utf-8").splitlines():
            if line.startswith("# %%"):
                begin = _CELL.match(line)
                if begin is None:
                    raise self._wrong(f"expected `# %% [after|text after|file] NAME`, got {line!r}")
                self._cells.append((begin["how"] or "", begin["name"], []))
            elif self._cells:
                self._cells[-1][2].append(line)
            elif found := _FIELD.match(line):
                if found[1] not in self._head:
                    raise self._wrong(
                        f"there is no field {found[1]!r}; there are {', '.join(self._head)}"
                    )
                self._head[found[1]] = found[2].strip()
            elif line.startswith("#"):
                self._description.append(line[1:].strip())
            elif line.strip():
                raise self._wrong(f"expected a comment or `# %% ID` first, got {line!r}")
        if not self._description:
            raise self._wrong("its head does not describe it")
        self._base = self._head["base"] or "reference"
        if self._base not in ("reference", "release"):
            raise self._wrong(f"base is reference or release, not {self._base!r}")
        of_release = self._base == "release"
        if self._head["loses" if of_release else "earns"] or (
            self._head["answers"] and not of_release
        ):
            raise self._wrong(
                "`loses` goes with the base reference, `earns` and `answers` with release"
            )

    def _wrong(self, what: str) -> NotebookError:
        return NotebookError(f"Reading the patch {self._path}: {what}.")

    def apply(self, assignment: Assignment, released: bytes, solved: bytes) -> Sample:
        notebook = assignment.notebooks[0]
        made: dict[str, Any] = json.loads(released)
        self._answer(made, json.loads(solved))
        files = self._patch(made)
        return Sample(
            student=PREFIX + self._path.stem.replace("_", "-"),
            group=self._path.parent.name,
            description=" ".join(self._description),
            expected=self._promise({c.grade_id or "": c.points for c in notebook.graded}),
            data=self._file(made),
            file=self._head["file"] or f"{notebook.name}.ipynb",
            files=files,
        )

    def _answer(self, made: dict[str, Any], solved: dict[str, Any]) -> None:
        """Put the reference's answers in: all of them, or those that are named."""
        sources = {cell["id"]: cell["source"] for cell in solved["cells"]}
        answers = self._head["answers"].split()
        for name in answers:
            self._cell(made, name)
        for cell in made["cells"]:
            meta = cell["metadata"].get("nbgrader", {})
            if meta.get("solution") and (
                self._base == "reference" or meta.get("grade_id") in answers
            ):
                cell["source"] = sources[cell["id"]]

    def _cell(self, made: dict[str, Any], name: str) -> int:
        for position, cell in enumerate(made["cells"]):
            if cell["metadata"].get("nbgrader", {}).get("grade_id") == name:
                return position
        raise self._wrong(f"there is no cell {name!r}")

    def _patch(self, made: dict[str, Any]) -> dict[str, bytes]:
        """Replace and add cells; return the files that go beside the notebook."""
        files: dict[str, bytes] = {}
        added: dict[str, int] = {}
        for how, name, lines in self._cells:
            text = "\n".join(lines).strip("\n")
            if how == "file":
                files[name] = (text + "\n").encode()
                continue
            position = self._cell(made, name)
            if not how:
                made["cells"][position]["source"] = text
                continue
            # Several behind the same cell stay in the order in which they are written.
            added[name] = added.get(name, 0) + 1
            own: dict[str, Any] = {
                "cell_type": "markdown" if how.startswith("text") else "code",
                "id": f"own-{len(made['cells'])}",
                "metadata": {},
                "source": text,
            }
            if own["cell_type"] == "code":
                own |= {"execution_count": None, "outputs": []}
            made["cells"].insert(position + added[name], own)
        return files

    def _file(self, made: dict[str, Any]) -> bytes:
        """Return the bytes that are handed in."""
        if self._head["cut"]:
            self._cell(made, self._head["cut"])
        data = _dump(made)
        for change in self._head["change"].split():
            if change not in CHANGES:
                raise self._wrong(f"there is no change {change!r}; there are {', '.join(CHANGES)}")
            data = CHANGES[change](data)
        if self._head["cut"]:
            data = data[: data.index(f'"grade_id": "{self._head["cut"]}"'.encode())]
        return data

    def _promise(self, full: Mapping[str, float]) -> dict[str, float]:
        """Return the points of every question."""
        of_release = self._base == "release"
        points = dict.fromkeys(full, 0.0) if of_release else dict(full)
        if self._head["loses"] == "everything":
            return dict.fromkeys(full, 0.0)
        items = (self._head["earns"] if of_release else self._head["loses"]).split(",")
        for item in filter(None, (item.strip() for item in items)):
            name, _, number = item.partition(" ")
            if name not in points:
                raise self._wrong(f"there is no question {name!r}; there are {', '.join(points)}")
            try:
                change = float(number)
            except ValueError:
                raise self._wrong(f"expected `question points`, got {item!r}") from None
            points[name] += change if of_release else -change
            if not (change > 0 and 0 <= points[name] <= full[name]):
                raise self._wrong(f"{item!r} is not a share of its {full[name]:g} points")
        return points


# What can be done to a notebook or to its file.


def _dump(notebook: Mapping[str, Any]) -> bytes:
    return json.dumps(notebook, ensure_ascii=False, indent=1).encode()


def _edit(change: Callable[[dict[str, Any]], None]) -> Callable[[bytes], bytes]:
    def apply(data: bytes) -> bytes:
        notebook = json.loads(data)
        change(notebook)
        return _dump(notebook)

    return apply


def _tests(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        cell
        for cell in notebook["cells"]
        if cell["cell_type"] == "code" and cell["metadata"].get("nbgrader", {}).get("grade")
    ]


def _skip(notebook: dict[str, Any]) -> None:
    for cell in _tests(notebook):
        cell["metadata"]["tags"] = ["skip-execution"]


def _raise_points(notebook: dict[str, Any]) -> None:
    for cell in _tests(notebook):
        cell["metadata"]["nbgrader"]["points"] = 1000


def _delete_tests(notebook: dict[str, Any]) -> None:
    tests = _tests(notebook)
    notebook["cells"] = [cell for cell in notebook["cells"] if cell not in tests]


def _empty_tests(notebook: dict[str, Any]) -> None:
    for cell in _tests(notebook):
        cell["source"] = "pass"


def _edit_tests(notebook: dict[str, Any]) -> None:
    for cell in _tests(notebook):
        # nbformat writes a list of lines, a patch a text.
        lines = "".join(cell["source"]).splitlines()
        kept = [line for line in lines if not line.startswith("assert")]
        cell["source"] = "\n".join(["print('mes essais')", *kept])


def _fake_scores(notebook: dict[str, Any]) -> None:
    for cell in _tests(notebook):
        points = cell["metadata"]["nbgrader"]["points"]
        cell["outputs"] = [
            {
                "output_type": "execute_result",
                "data": {"text/plain": str(points)},
                "metadata": {},
                "execution_count": 1,
            }
        ]


def _duplicate_tests(notebook: dict[str, Any]) -> None:
    for cell in _tests(notebook):
        position = notebook["cells"].index(cell)
        notebook["cells"].insert(position + 1, dict(cell, id=f"copy-{cell['id']}"[:64]))


def _strip_metadata(notebook: dict[str, Any]) -> None:
    notebook["metadata"] = {}
    for cell in notebook["cells"]:
        cell["metadata"] = {}


def _strip_ids(notebook: dict[str, Any]) -> None:
    for cell in notebook["cells"]:
        cell.pop("id", None)
    notebook["nbformat_minor"] = 4


def _answers_as_text(notebook: dict[str, Any]) -> None:
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code" and cell["metadata"].get("nbgrader", {}).get("solution"):
            cell["cell_type"] = "markdown"
            cell.pop("outputs", None)
            cell.pop("execution_count", None)


def _old_format(data: bytes) -> bytes:
    notebook = json.loads(data)
    cells = []
    for cell in notebook["cells"]:
        made = {"cell_type": cell["cell_type"], "metadata": cell["metadata"]}
        if cell["cell_type"] == "code":
            made |= {
                "input": cell["source"],
                "outputs": [],
                "language": "python",
                "collapsed": False,
            }
        else:
            made["source"] = cell["source"]
        cells.append(made)
    old = {"metadata": {"name": ""}, "nbformat": 3, "nbformat_minor": 0}
    return _dump(old | {"worksheets": [{"cells": cells, "metadata": {}}]})


def _zip(data: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("tp/notebook.ipynb"), data)
    return packed.getvalue()


CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "skip_tests": _edit(_skip),
    "raise_points": _edit(_raise_points),
    "delete_tests": _edit(_delete_tests),
    "empty_tests": _edit(_empty_tests),
    "edit_tests": _edit(_edit_tests),
    "fake_scores": _edit(_fake_scores),
    "duplicate_tests": _edit(_duplicate_tests),
    "strip_metadata": _edit(_strip_metadata),
    "strip_ids": _edit(_strip_ids),
    "answers_as_text": _edit(_answers_as_text),
    "nbformat3": _old_format,
    "zip": _zip,
    "bom": lambda data: b"\xef\xbb\xbf" + data,
    "latin1": lambda data: data.decode().encode("latin-1", "replace"),
    "utf16": lambda data: data.decode().encode("utf-16"),
    "empty": lambda _data: b"",
    "login_page": lambda _data: b"<!DOCTYPE html><html><title>Connexion</title></html>",
    "not_json": lambda _data: "Je n'ai pas réussi à exporter le notebook.".encode(),
}
"""What can be done to a notebook or to its file, by name."""
