"""The instructor's proof before release: what must hold of an assignment, tried."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nbjudge.assignment import Assignment, Kind, SourceCell, SourceNotebook, Upload
from nbjudge.blank import KINDS, blank_notebook
from nbjudge.compile import markers
from nbjudge.course import Course
from nbjudge.errors import HiddenTestError
from nbjudge.grade import grade_notebook, prove_reference
from nbjudge.parallel import grade_many, refuse_in_worker
from nbjudge.produce import solution_version, student_version
from nbjudge.submissions import Submission
from nbjudge.verdict import Verdict
from nbjudge.world import Owner, World

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
    is_remark: bool = False
    """Whether what it says is for the author to think about, and stops nothing."""


def check_assignment(
    course: Course, assignment: Assignment, secret: bytes, *, workers: int = 1
) -> Iterator[Finding]:
    """Check an assignment; yield every claim with what refutes it, if anything does.

    Parameters
    ----------
    course, assignment
        What is checked.
    secret
        The course's.
    workers
        Processes that grade answers which answer nothing.

    Raises
    ------
    MachineError
        If this computer cannot grade.
    """
    refuse_in_worker()
    finding, objects = _reference(course, assignment, secret)
    yield finding
    # Submissions are graded with what the proof has found (see nbjudge.proof).
    assignment = replace(assignment, objects=objects)
    files = student_version(course, assignment)
    yield from _nothing_earns(course, assignment, files, secret, workers)
    for notebook in assignment.notebooks:
        yield Finding(
            f"no test of {notebook.name} takes a value that a student's own cell could replace",
            "; ".join(_replaceable(notebook)),
            is_remark=True,
        )
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


def _reference(
    course: Course, assignment: Assignment, secret: bytes
) -> tuple[Finding, dict[str, dict[str, Sequence[str]]]]:
    what = "the reference earns full marks, and every cell runs after its answers"
    try:
        results = prove_reference(assignment, course.settings, secret)
    except HiddenTestError as error:
        return Finding(what, str(error)), {}
    stopped = [
        f"cell {name} of {result.notebook} stops with {kind}"
        for result in results
        for name, kind in _errors(result.document)
    ]
    objects = {result.notebook: dict(result.objects) for result in results}
    return Finding(what, "; ".join(stopped)), objects


def _nothing_earns(
    course: Course,
    assignment: Assignment,
    files: Mapping[str, bytes],
    secret: bytes,
    workers: int,
) -> Iterator[Finding]:
    """Grade notebooks whose answers answer nothing, as if they had been handed in."""
    kinds = {kind.what: kind for kind in KINDS}
    submissions = [
        Submission(
            student=kind.what,
            assignment=assignment.name,
            uploads={
                notebook.name: Upload(
                    notebook=blank_notebook(notebook, files[f"{notebook.name}.ipynb"], kind)
                )
                for notebook in assignment.notebooks
            },
            notes={},
            found={},
        )
        for kind in KINDS
    ]
    inside = {
        (notebook.name, cell.grade_id)
        for notebook in assignment.notebooks
        for cell in notebook.graded
        if cell.mode == "inside"
    }
    earned = dict.fromkeys(kinds, "")
    for graded in grade_many(submissions, assignment, course.settings, secret, workers=workers):
        if graded.error is not None:
            raise graded.error
        what = graded.submission.student
        earned[what] = "; ".join(
            _earned(result.notebook, verdict)
            for result in graded.results
            for verdict in result.verdicts
            # Where tests run beside the answers, an answer can forge what they find: known.
            if verdict.points
            and not (kinds[what].is_forged and (result.notebook, verdict.grade_id) in inside)
        )
    for what, fault in earned.items():
        yield Finding(f"answers that are all {what} earn 0", fault)


def _earned(notebook: str, verdict: Verdict) -> str:
    parts = [f"{part.what} {part.points:g}" for part in verdict.parts if part.points]
    of_what = f" ({', '.join(parts)})" if parts else ""
    return f"{notebook}: {verdict.grade_id} gives {verdict.points:g} points{of_what}"


def _replaceable(notebook: SourceNotebook) -> Iterator[str]:
    """Yield the tests that use what a given cell computed, in the kernel, from answers.

    A student's own cell behind the given one can bind the name to something else.
    """
    world = World(notebook.cells, notebook.name)
    for position, cell in enumerate(notebook.cells):
        if cell.kind is not Kind.TEST or cell.mode != "outside" or not cell.points:
            continue
        own = world.names[position].bound
        needed = {name for s in world.names[position].statements for name in s.needs} - own
        for name in sorted(needed):
            index = world.binder(name, position)
            if index is None or notebook.cells[index].kind is not Kind.GIVEN:
                continue
            if world.owner(name, position) is Owner.STUDENT:
                yield (
                    f"{cell.grade_id} uses {name}, which a given cell computes from answers, as "
                    f"the student's kernel has it: a cell of theirs that says {name} = ... counts. "
                    "Compute it in the test, by calling their functions"
                )


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
