"""A sample class: submissions written as small patches to an assignment.

One text file is one submission. Comment lines at its head describe it, ``# %%`` lines begin a
cell::

    # The precision is forgotten in the posterior mean.
    # base: reference
    # loses: test_q1_2 3
    # %% q1_2
    def posterior(Phi, y, alpha, beta): ...
    # %% after q1_2
    print("a cell of the student's own")

``base`` is ``reference`` (all answers right, the patched ones excepted) or ``release``;
``loses`` names every question that must lose points, with how many; ``change`` names a
transformation of the notebook or of the file (:data:`CHANGES`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbjudge.assignment import Assignment
from nbjudge.errors import NotebookError

_HEADER = re.compile(r"^#\s*(base|loses|change|file)\s*:\s*(.*)$")
_CELL = re.compile(r"^# %% (after )?(\S+)\s*$")


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One submission of the sample class."""

    student: str
    group: str
    """Folder that it lies in: right, wrong, hostile or broken ones."""
    description: str
    expected: Mapping[str, float]
    """Points that every question must get."""
    data: bytes
    file: str
    """Name of the submitted file."""


def read_samples(folder: Path, assignment: Assignment, released: bytes) -> list[Sample]:
    """Read all patches below a folder.

    Parameters
    ----------
    folder
        ``<group>/<name>.py`` below it.
    assignment
        What they are patches to (its first notebook).
    released
        That notebook as students receive it.

    Raises
    ------
    NotebookError
        If a patch names a cell or a question that does not exist, or there is none at all.
    """
    paths = sorted(folder.glob("*/*.py"))
    if not paths:
        raise NotebookError(f"Reading the sample class: no patch (*/*.py) in {folder}.")
    return [_read(path, assignment, released) for path in paths]


def _read(path: Path, assignment: Assignment, released: bytes) -> Sample:
    notebook = assignment.notebooks[0]
    head: dict[str, str] = {"base": "reference", "loses": "", "change": "", "file": ""}
    description: list[str] = []
    cells: list[tuple[bool, str, list[str]]] = []
    for line in path.read_text("utf-8").splitlines():
        if begin := _CELL.match(line):
            cells.append((bool(begin[1]), begin[2], []))
        elif cells:
            cells[-1][2].append(line)
        elif field := _HEADER.match(line):
            head[field[1]] = field[2].strip()
        elif line.startswith("#"):
            description.append(line[1:].strip())
    made: dict[str, Any] = json.loads(released)
    by_id = {cell["metadata"].get("nbgrader", {}).get("grade_id"): cell for cell in made["cells"]}
    if head["base"] == "reference":
        for origin in notebook.cells:
            if origin.is_students and origin.grade_id:
                by_id[origin.grade_id]["source"] = origin.source
    for after, name, lines in cells:
        if name not in by_id or name is None:
            raise NotebookError(f"Reading the patch {path}: there is no cell {name!r}.")
        text = "\n".join(lines).strip("\n")
        if not after:
            by_id[name]["source"] = text
            continue
        position = made["cells"].index(by_id[name])
        extra: dict[str, Any] = {
            "cell_type": "code",
            "id": f"extra-{position}",
            "metadata": {},
            "execution_count": None,
            "outputs": [],
            "source": text,
        }
        made["cells"].insert(position + 1, extra)
    data = json.dumps(made, ensure_ascii=False, indent=1).encode()
    for change in head["change"].split():
        if change not in CHANGES:
            raise NotebookError(f"Reading the patch {path}: there is no change {change!r}.")
        data = CHANGES[change](data)
    return Sample(
        student="eleve-" + path.stem.replace("_", "-"),
        group=path.parent.name,
        description=" ".join(description),
        expected=_expected(path, assignment, head["loses"], head["base"]),
        data=data,
        file=head["file"] or f"{notebook.name}.ipynb",
    )


def _expected(path: Path, assignment: Assignment, loses: str, base: str) -> dict[str, float]:
    full = {cell.grade_id or "": cell.points for cell in assignment.notebooks[0].graded}
    if loses == "everything":
        return dict.fromkeys(full, 0.0)
    for item in filter(None, (part.strip() for part in loses.split(","))):
        name, _, points = item.partition(" ")
        if name not in full:
            raise NotebookError(f"Reading the patch {path}: there is no question {name!r}.")
        full[name] -= float(points)
    return full


def _edit(change: Callable[[dict[str, Any]], None]) -> Callable[[bytes], bytes]:
    def apply(data: bytes) -> bytes:
        notebook = json.loads(data)
        change(notebook)
        return json.dumps(notebook, ensure_ascii=False, indent=1).encode()

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


def _duplicate(notebook: dict[str, Any]) -> None:
    for cell in _tests(notebook):
        copy = dict(cell, id=f"copy-of-{cell['id']}"[:64])
        notebook["cells"].append(copy)


def _strip_metadata(notebook: dict[str, Any]) -> None:
    for cell in notebook["cells"]:
        cell["metadata"] = {}


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
    return json.dumps(old | {"worksheets": [{"cells": cells, "metadata": {}}]}).encode()


CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "skip_tests": _edit(_skip),
    "raise_points": _edit(_raise_points),
    "delete_tests": _edit(_delete_tests),
    "empty_tests": _edit(_empty_tests),
    "fake_scores": _edit(_fake_scores),
    "duplicate_tests": _edit(_duplicate),
    "strip_metadata": _edit(_strip_metadata),
    "nbformat3": _old_format,
    "bom": lambda data: b"\xef\xbb\xbf" + data,
    "latin1": lambda data: data.decode().encode("latin-1", "replace"),
    "utf16": lambda data: data.decode().encode("utf-16"),
    "truncated": lambda data: data[: len(data) // 2],
    "empty": lambda _data: b"",
    "login_page": lambda _data: b"<!DOCTYPE html><html><title>Connexion</title></html>",
    "not_json": lambda _data: "Je n'ai pas réussi à exporter le notebook.".encode(),
}
"""What can be done to a notebook or to its file, by name."""
