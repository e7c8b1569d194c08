"""Wall-clock and processor seconds per submission, against stock nbgrader on the same notebooks.

Each way grades the same submissions in a fresh copy of the course, one way after the other in one
run, so that the ratios mean something on a machine whose speed drifts::

    python benchmarks/grading.py --submissions 6

Stock nbgrader runs hidden tests in the student's kernel; they find the reference through
``NBJUDGE_REFERENCE``, which is what ``nbjudge reference`` is for.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from nbjudge.course import find_root, load_course
from nbjudge.produce import solution_version, student_version
from nbjudge.sample import read_samples
from nbjudge.world import dump_reference

# A new gradebook makes nbgrader run the command alembic, which lies beside Python's.
PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
STOCK = "c = get_config()\nc.Execute.timeout = 120\n"


@dataclass(frozen=True)
class Way:
    """One way of grading the class."""

    name: str
    command: tuple[str, ...]
    stock: bool = False


@dataclass(frozen=True)
class Measure:
    """What it took, for the whole class."""

    wall_seconds: float
    cpu_seconds: float


def ways(assignment: str) -> list[Way]:
    """Return the ways to compare, the yardstick first."""
    beside = Path(sys.executable).parent
    autograde = (str(beside / "nbgrader"), "autograde", assignment)
    grade = (str(beside / "nbjudge"), "grade", assignment)
    return [
        Way("nbgrader autograde, stock", autograde, stock=True),
        Way("nbgrader autograde, with nbjudge", autograde),
        Way("nbjudge grade, 1 worker", (*grade, "--workers", "1")),
        Way("nbjudge grade", grade),
    ]


def run(command: tuple[str, ...], folder: Path, environment: dict[str, str]) -> Measure:
    """Run a command; its descendants count, as far as they were waited for."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(
        command,
        cwd=folder,
        env=dict(os.environ) | {"PATH": PATH} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    wall = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise click.ClickException(f"{' '.join(command)}:\n{done.stderr[-3000:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Measure(wall, cpu)


def sealed(root: Path) -> float:
    """Return the processor seconds of sealed kernels and judges: nobody outside waits for them."""
    records = (root / ".nbjudge" / "results").rglob("*.json")
    results = [json.loads(path.read_text("utf-8")) for path in records]
    return sum(float(r["cpu_seconds"]) + float(r["judge_cpu_seconds"]) for r in results)


@click.command()
@click.option("--assignment", default="tp1", show_default=True)
@click.option("--submissions", default=6, show_default=True, type=click.IntRange(1, 500))
def main(assignment: str, submissions: int) -> None:
    """Grade right sample submissions in each way; print seconds per submission and ratios."""
    course = load_course(find_root(Path(__file__).parent))
    compiled = course.compile(assignment)
    notebook = compiled.notebooks[0]
    file = f"{notebook.name}.ipynb"
    released = student_version(course, compiled)[file]
    solved = solution_version(course, compiled)[file]
    folder = course.root / "tests" / "submissions" / assignment
    samples = read_samples(folder, compiled, released, solved)
    # Stock nbgrader would lose a whole submission to the others' accidents.
    right = [s.data for s in samples if s.group == "justes" and s.file == file]
    rows = []
    for way in ways(assignment):
        with tempfile.TemporaryDirectory() as scratch:
            root = Path(scratch)
            for part in ("source", "judge"):
                shutil.copytree(course.root / part, root / part)
            if way.stock:
                (root / "nbgrader_config.py").write_text(STOCK, "utf-8")
            else:
                shutil.copy(course.root / "nbgrader_config.py", root)
            reference = root / "reference.json"
            reference.write_text(dump_reference(notebook.cells, notebook.name), "utf-8")
            environment = {}
            if way.stock:
                judge = str(root / "judge" / assignment)
                environment = {"NBJUDGE_REFERENCE": str(reference), "PYTHONPATH": judge}
            for number in range(submissions):
                target = root / "submitted" / f"eleve-{number}" / assignment
                target.mkdir(parents=True)
                (target / file).write_bytes(right[number % len(right)])
            nbgrader = str(Path(sys.executable).parent / "nbgrader")
            run((nbgrader, "generate_assignment", assignment), root, {})
            measure = run(way.command, root, environment)
            rows.append((way, replace(measure, cpu_seconds=measure.cpu_seconds + sealed(root))))
    table = Table(title=f"{assignment}: {submissions} submissions, seconds per submission")
    for column in ("", "wall", "CPU", "wall, stock / this", "CPU, stock / this"):
        table.add_column(column, justify="left" if not column else "right")
    stock = rows[0][1]
    for way, measure in rows:
        table.add_row(
            way.name,
            f"{measure.wall_seconds / submissions:.2f}",
            f"{measure.cpu_seconds / submissions:.2f}",
            f"{stock.wall_seconds / measure.wall_seconds:.2f}",
            f"{stock.cpu_seconds / measure.cpu_seconds:.2f}",
        )
    Console().print(table)


if __name__ == "__main__":
    main()
