"""What each TP costs: as a student who runs it from top to bottom, and when it is graded.

One thread everywhere.  As a student: the corrigé, executed by nbclient in a folder of its own, the
kernel's start included.  Graded: the corrigé handed in, in the sealed kernel and with the judge,
where given cells do less (``NBGRADER_EXECUTION``)::

    python benchmarks/tps.py tp1 tp2
"""

from __future__ import annotations

import resource
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import click
from measure import run
from rich.console import Console
from rich.table import Table

from nbjudge.assignment import Upload
from nbjudge.course import Course, find_root, load_course
from nbjudge.grade import grade_notebook
from nbjudge.limits import GIB
from nbjudge.produce import solution_version

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
MEMORY_BYTES = 1.5 * GIB


@dataclass(frozen=True)
class Target:
    """What a TP may cost, in seconds of one core."""

    student_seconds: float
    graded_seconds: float


TARGETS = {"tp1": Target(10, 5), "tp2": Target(45, 8), "tp3": Target(90, 12)}


@dataclass(frozen=True)
class Cost:
    """What it did cost."""

    wall_seconds: float
    cpu_seconds: float
    judge_seconds: float
    memory_bytes: int


def as_student(course: Course, assignment: str) -> Cost:
    """Execute the corrigé as a student would, beside its files."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / assignment
        shutil.copytree(course.root / "solutions" / assignment, folder)
        notebooks = sorted(str(path) for path in folder.glob("*.ipynb"))
        command = (str(Path(sys.executable).with_name("jupyter")), "execute", *notebooks)
        environment = ONE_THREAD | {"MPLBACKEND": "agg", "NBGRADER_EXECUTION": ""}
        measure = run(command, folder, environment)
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    return Cost(measure.wall_seconds, measure.cpu_seconds, 0.0, memory)


def as_grader(course: Course, assignment: str) -> Cost:
    """Grade the corrigé, handed in."""
    compiled = course.compile(assignment)
    solved = solution_version(course, compiled)
    wall = cpu = judge = 0.0
    memory = 0
    for notebook in compiled.notebooks:
        upload = Upload(notebook=solved[f"{notebook.name}.ipynb"])
        result = grade_notebook(upload, compiled, notebook.name, course.settings, bytes(32))
        if result.points != result.max_points:
            raise click.ClickException(
                f"Grading the corrigé of {assignment}: {result.points:g} of "
                f"{result.max_points:g} points. nbjudge check {assignment} says why."
            )
        wall += result.seconds
        cpu += result.cpu_seconds
        judge += result.judge_cpu_seconds
        memory = max(memory, result.memory_bytes)
    return Cost(wall, cpu, judge, memory)


def verdict(cost: Cost, seconds: float) -> str:
    """Return what was allowed, and whether it holds."""
    met = cost.cpu_seconds + cost.judge_seconds <= seconds and cost.memory_bytes <= MEMORY_BYTES
    return f"{'[green]met[/]' if met else '[red]missed[/]'} ({seconds:g} s, 1.5 GiB)"


@click.command()
@click.argument("assignments", nargs=-1)
def main(assignments: tuple[str, ...]) -> None:
    """Print wall and processor seconds and memory of ASSIGNMENTS (all by default)."""
    course = load_course(find_root(Path(__file__).parent))
    table = Table(title="The corrigé of each TP, on one thread")
    for column in ("", "wall s", "CPU s", "of it the judge", "peak GiB", "target"):
        table.add_column(column, justify="right" if column and column != "target" else "left")
    # Students first: the largest child that was waited for is then a student's kernel.
    for name, measure in (("student", as_student), ("graded", as_grader)):
        for assignment in assignments or tuple(TARGETS):
            cost, target = measure(course, assignment), TARGETS[assignment]
            table.add_row(
                f"{assignment}, {name}",
                f"{cost.wall_seconds:.1f}",
                f"{cost.cpu_seconds + cost.judge_seconds:.1f}",
                f"{cost.judge_seconds:.1f}" if cost.judge_seconds else "",
                f"{cost.memory_bytes / GIB:.2f}",
                verdict(
                    cost, target.student_seconds if name == "student" else target.graded_seconds
                ),
            )
    Console().print(table)


if __name__ == "__main__":
    main()
