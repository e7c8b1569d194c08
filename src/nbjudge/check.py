"""The instructor's proof before release: what must hold of an assignment, tried."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nbjudge.assignment import Assignment, Kind, SourceCell, Upload
from nbjudge.compile import markers
from nbjudge.course import Course
from nbjudge.errors import HiddenTestError
from nbjudge.grade import grade_notebook, prove_reference
from nbjudge.produce import solution_version, student_version

_OURS = "nbjudge"
"""Students do not have it: no visible cell may use it."""
_TRIVIAL = 12
"""Shorter lines (``return x``) prove nothing when they are found."""


@dataclass(frozen=True)
class Finding:
    """One thing that was checked."""

    what: str
    fault: str = ""
    """What is wrong; empty when it holds."""


def check_assignment(course: Course, assignment: Assignment, secret: bytes) -> Iterator[Finding]:
    """Check an assignment; yield every claim with what refutes it, if anything does.

    Raises
    ------
    MachineError
        If this computer cannot grade.
    """
    yield _reference(course, assignment, secret)
    files = student_version(course, assignment)
    for notebook in assignment.notebooks:
        data = files[f"{notebook.name}.ipynb"]
        result = grade_notebook(
            Upload(notebook=data), assignment, notebook.name, course.settings, secret
        )
        earned = [f"{v.grade_id} {v.points:g}" for v in result.verdicts if v.points]
        yield Finding(f"the untouched release of {notebook.name} earns 0", ", ".join(earned))
        first = next(iter(_errors(result.document)), None)
        fault = (
            ""
            if first is None or first[1] == "NotImplementedError"
            else f"cell {first[0]} stops with {first[1]}"
        )
        yield Finding(f"only NotImplementedError stops the release of {notebook.name}", fault)
        yield Finding(
            f"the release of {notebook.name} holds no solution and no hidden test",
            "; ".join(_leaks(notebook.cells, data.decode(), (*markers(course.config), _OURS))),
        )
    yield Finding(
        "no file beside the notebooks holds a marker of solutions or hidden tests",
        "; ".join(_leaking_files(assignment.files, markers(course.config))),
    )
    for step, made in (
        ("release", files),
        ("solution", solution_version(course, assignment)),
    ):
        folder = course.folder(step) / assignment.name
        if folder.is_dir():
            yield Finding(
                f"{folder.parent.name}/{folder.name} is what source/ gives",
                "; ".join(differences(folder, made)),
            )


def _reference(course: Course, assignment: Assignment, secret: bytes) -> Finding:
    what = "the reference earns full marks, and every cell runs after its answers"
    try:
        results = prove_reference(assignment, course.settings, secret)
    except HiddenTestError as error:
        return Finding(what, str(error))
    stopped = [
        f"cell {name} of {result.notebook} stops with {kind}"
        for result in results
        for name, kind in _errors(result.document)
    ]
    return Finding(what, "; ".join(stopped))


def _errors(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for cell in document["cells"]:
        for output in cell.get("outputs", ()):
            if output["output_type"] == "error":
                yield cell["id"], output["ename"]


def _leaking_files(files: Mapping[str, bytes], forbidden: Sequence[str]) -> Iterator[str]:
    for path, data in sorted(files.items()):
        for marker in forbidden:
            if marker.encode() in data:
                yield f"{path} contains « {marker} »"


def _leaks(cells: tuple[SourceCell, ...], released: str, forbidden: Sequence[str]) -> Iterator[str]:
    text = "\n".join("".join(c["source"]) for c in json.loads(released)["cells"])
    for marker in forbidden:
        if marker in text:
            yield f"it contains « {marker} »"
    there = {line.strip() for line in text.splitlines()}
    # What stands outside solutions and hidden parts may stand inside as well (an import).
    shown = {line.strip() for cell in cells for line in _shown(cell)}
    for cell in cells:
        for line in cell.source.splitlines():
            bare = line.strip()
            if len(bare) >= _TRIVIAL and bare in there and bare not in shown:
                yield f"a line of {cell.grade_id} is there: « {bare[:60]} »"


def _shown(cell: SourceCell) -> list[str]:
    if cell.kind is Kind.TEST:
        lines = cell.source.splitlines()
        return [line for n, line in enumerate(lines, 1) if n not in cell.hidden_lines]
    if cell.is_students:
        return cell.release_source.splitlines()
    return cell.source.splitlines()


def differences(folder: Any, files: dict[str, bytes]) -> Iterator[str]:
    """Yield in what a folder differs from the files that it should hold."""
    present = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and not {"__pycache__", ".ipynb_checkpoints"} & set(path.parts)
    }
    for name in sorted(present | set(files)):
        if name not in files:
            yield f"{name} should not be there"
        elif name not in present:
            yield f"{name} is missing"
        elif (folder / name).read_bytes() != files[name]:
            yield f"{name} differs (nbjudge build makes it again)"
