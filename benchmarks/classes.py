"""The classes that are graded: sample answers of a TP, a small torch notebook, one cell."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

import click
from bare import bare_seconds
from measure import BESIDE, ONE_THREAD, run

from nbjudge.assignment import Assignment, Kind
from nbjudge.course import Course, find_root, load_course
from nbjudge.produce import solution_version, student_version, write_folder
from nbjudge.rebuild import rebuild
from nbjudge.sample import read_samples
from nbjudge.warm import imported_modules
from nbjudge.world import dump_reference

STOCK = "c = get_config()\nc.Execute.timeout = 120\n"
CONFIG = "import nbjudge\n\nc = get_config()\nnbjudge.configure(c)\n"


@dataclass(frozen=True, kw_only=True)
class Class:
    """An assignment, and what its students handed in."""

    assignment: str
    course: Path
    """The course that it is from."""
    notebooks: tuple[bytes, ...]
    """One for each student."""
    compiled: Assignment

    @property
    def students(self) -> list[str]:
        """The students' names, sorted."""
        return [f"eleve-{number:03}" for number in range(len(self.notebooks))]

    def first(self, number: int) -> Class:
        """Return the class with so many students."""
        return replace(self, notebooks=self.notebooks[:number])

    def make(self, root: Path, *, is_stock: bool = False) -> Path:
        """Write the course and its submissions into a folder; return it.

        Parameters
        ----------
        root
            The folder; nothing is in it.
        is_stock
            Whether nbgrader is configured as it comes, without nbjudge.
        """
        for part in ("source", "judge"):
            folder = self.course / part / self.assignment
            if folder.is_dir():
                shutil.copytree(folder, root / part / self.assignment)
        if is_stock:
            (root / "nbgrader_config.py").write_text(STOCK, "utf-8")
            # nbgrader grades what it released.
            command = (str(BESIDE / "nbgrader"), "generate_assignment", self.assignment)
            run(command, root, ONE_THREAD)
        else:
            shutil.copy(self.course / "nbgrader_config.py", root)
        for number, (student, text) in enumerate(zip(self.students, self.notebooks, strict=True)):
            # No two are the same bytes: those would be executed once for all.
            data = text.rstrip() + b"\n" * (number + 1)
            folder = root / "submitted" / student / self.assignment
            write_folder(folder, {**self.compiled.files, f"{self.notebook}.ipynb": data})
        return root

    @property
    def notebook(self) -> str:
        """The name of its notebook."""
        return self.compiled.notebooks[0].name

    def stock_environment(self, root: Path) -> dict[str, str]:
        """Return what hidden tests need in stock nbgrader, which runs them beside the student's."""
        reference = root / "reference.json"
        cells = self.compiled.notebooks[0].cells
        reference.write_text(dump_reference(cells, self.notebook), "utf-8")
        judge = str(root / "judge" / self.assignment)
        return {"NBJUDGE_REFERENCE": str(reference), "PYTHONPATH": judge}

    def bare(self, scratch: Path) -> list[float | None]:
        """Return processor seconds of the cells of each notebook in a bare warm process."""
        files = scratch / "files"
        if not files.is_dir():
            write_folder(files, dict(self.compiled.files))
        return bare_seconds(
            [self.executed(data) for data in self.notebooks],
            files,
            imported_modules(self.compiled),
        )

    def executed(self, data: bytes) -> list[str]:
        """Return the code that is executed of a submission, cell by cell.

        The instructor's notebook with the student's answers in it; of tests, what students see.
        """
        limits = load_course(self.course).settings.limits
        rebuilt = rebuild(data, self.compiled.notebooks[0], limits)
        return [
            cell.origin.release_source
            if cell.origin is not None and cell.origin.kind is Kind.TEST
            else cell.source
            for cell in rebuilt.cells
            if cell.cell_type == "code"
        ]

    def bare_total(self, scratch: Path) -> float:
        """Return their sum.

        Raises
        ------
        ClickException
            If one did not come to its end.
        """
        seconds = self.bare(scratch)
        if None in seconds:
            raise click.ClickException(
                f"{self.assignment}: the cells of {self.students[seconds.index(None)]} did not "
                "come to their end in a bare process; the machine may be busy."
            )
        return sum(second or 0.0 for second in seconds)


def of_tp(assignment: str, size: int, scratch: Path) -> Class:
    """Return a class of sample answers to a TP, right and wrong ones in turn.

    Those whose cells do not come to their end are left out: stock nbgrader would lose more than
    that notebook.
    """
    course = load_course(find_root(Path(__file__).parent))
    compiled = course.compile(assignment)
    file = f"{compiled.notebooks[0].name}.ipynb"
    folder = course.root / "tests" / "submissions" / assignment
    samples = read_samples(
        folder,
        compiled,
        student_version(course, compiled)[file],
        solution_version(course, compiled)[file],
    )
    groups = [
        [s.data for s in samples if s.group == group and s.file == file and not s.files]
        for group in ("justes", "fausses")
    ]
    candidates = [data for pair in zip_longest(*groups) for data in pair if data is not None]
    made = _class(course, compiled, tuple(candidates[: size + size // 4 + 1]))
    ended = [
        data
        for data, seconds in zip(made.notebooks, made.bare(scratch), strict=True)
        if seconds is not None
    ]
    return replace(made, notebooks=_repeated(ended, size))


def _repeated(notebooks: Sequence[bytes], size: int) -> tuple[bytes, ...]:
    if not notebooks:
        raise click.ClickException("There is no sample answer whose cells come to their end.")
    return tuple(notebooks[number % len(notebooks)] for number in range(size))


def _class(course: Course, compiled: Assignment, notebooks: tuple[bytes, ...]) -> Class:
    return Class(
        assignment=compiled.name, course=course.root, notebooks=notebooks, compiled=compiled
    )


# Courses made here.

TORCH = "torch"
_STEPS = 1_600
"""Of a training that takes about half a second."""

_TORCH_DATA = f"""\
import torch

torch.manual_seed(0)
x = torch.linspace(-1, 1, 256).reshape(-1, 1)
y = torch.sin(4 * x)
steps = {_STEPS}"""
_TORCH_ANSWER = """\
def mse(prediction, target):
    \"\"\"Return the mean squared error.\"\"\"
    ### BEGIN SOLUTION
    return ((prediction - target) ** 2).mean()
    ### END SOLUTION"""
_TORCH_TRAINING = """\
model = torch.nn.Sequential(torch.nn.Linear(1, 32), torch.nn.Tanh(), torch.nn.Linear(32, 1))
optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
for _ in range(steps):
    optimiser.zero_grad()
    mse(model(x), y).backward()
    optimiser.step()
final = float(mse(model(x), y))"""
_TORCH_VISIBLE = 'assert final < 0.1, f"expected a loss below 0.1, got {final}"'
_TORCH_HIDDEN = """\
error = float(mse(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 4.0])))
assert abs(error - 2) < 1e-6, error"""
_OTTER_TEST = """\
import torch
from otter.test_files import test_case

OK_FORMAT = False
name = "test_mse"
points = 2


@test_case(points=1, hidden=False)
def test_visible(final):
{visible}


@test_case(points=1, hidden=True)
def test_hidden(mse):
{hidden}
"""


def of_torch(size: int, folder: Path) -> Class:
    """Return a class of a small torch notebook whose own cells take about half a second."""
    test = f"{_TORCH_VISIBLE}\n### BEGIN HIDDEN TESTS\n{_TORCH_HIDDEN}\n### END HIDDEN TESTS"
    cells = [
        _cell("data", _TORCH_DATA, locked=True),
        _cell("mse", _TORCH_ANSWER, solution=True),
        _cell("training", _TORCH_TRAINING, locked=True),
        _cell("test_mse", test, grade=True, locked=True, points=2),
    ]
    return _made(TORCH, cells, size, folder)


def otter_test() -> str:
    """Return the tests of the torch notebook as otter-grader wants them."""

    def inside(source: str) -> str:
        return "\n".join(f"    {line}" for line in source.splitlines())

    return _OTTER_TEST.format(visible=inside(_TORCH_VISIBLE), hidden=inside(_TORCH_HIDDEN))


ONE_CELL = "one"


def of_one_cell(size: int, folder: Path) -> Class:
    """Return a class of a notebook with one answer and its test."""
    answer = "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION"
    test = "### BEGIN HIDDEN TESTS\nassert double(21) == 42\n### END HIDDEN TESTS"
    cells = [
        _cell("double", answer, solution=True),
        _cell("test_double", test, grade=True, locked=True, points=1),
    ]
    return _made(ONE_CELL, cells, size, folder)


def _made(name: str, cells: Sequence[dict[str, Any]], size: int, root: Path) -> Class:
    notebook = {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    source = root / "source" / name
    source.mkdir(parents=True)
    (source / f"{name}.ipynb").write_text(json.dumps(notebook), "utf-8")
    (root / "nbgrader_config.py").write_text(CONFIG, "utf-8")
    course = load_course(root)
    compiled = course.compile(name)
    solved = solution_version(course, compiled)[f"{name}.ipynb"]
    return _class(course, compiled, (solved,) * size)


def _cell(name: str, source: str, **nbgrader: Any) -> dict[str, Any]:
    marks: dict[str, Any] = {"grade": False, "solution": False, "locked": False, "task": False}
    marks |= {"schema_version": 3, "grade_id": name, "cell_type": "code"} | nbgrader
    return {
        "cell_type": "code",
        "id": name.replace("_", "-"),
        "metadata": {"nbgrader": marks},
        "source": source,
        "outputs": [],
        "execution_count": None,
    }
