"""A class graded by nbjudge, by stock nbgrader, by otter-grader; and what no grader can beat.

No grader is faster than the cores executing the cells of the notebooks and nothing else: that is
the ceiling, cores divided by the processor seconds of the same cells in a bare warm process.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import classes
from classes import Class
from findings import Finding, Part, Profile, Section, at_least, figure
from measure import BESIDE, ONE_THREAD, Measure, Say, cores, grade, run, sealed


@dataclass(frozen=True)
class Sizes:
    """How much of it."""

    submissions: int
    rounds: int


def tp1(sizes: Sizes, say: Say) -> Section:
    """Grade sample answers of TP1."""
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        given = classes.of_tp("tp1", sizes.submissions, Path(scratch))
        return _compare("throughput-tp1", "1a. A class of TP1", given, sizes, Path(scratch), say)


def torch(sizes: Sizes, say: Say) -> Section:
    """Grade a small torch notebook."""
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        given = classes.of_torch(sizes.submissions, Path(scratch) / "course")
        title = "1b. A class of a small torch notebook"
        return _compare("throughput-torch", title, given, sizes, Path(scratch), say)


@dataclass(frozen=True)
class _Grading:
    """One run of ``nbjudge grade``."""

    measure: Measure
    kernel_seconds: float
    judge_seconds: float


def _compare(name: str, title: str, given: Class, sizes: Sizes, scratch: Path, say: Say) -> Section:
    """Measure ours, the others, ours again; the yardstick stands in the middle."""
    is_torch = given.assignment == classes.TORCH
    number = len(given.notebooks)
    bare: list[float] = []
    fresh: list[_Grading] = []
    again: list[_Grading] = []
    idle: list[float] = []
    stock = otter = 0.0
    for turn in range(sizes.rounds):
        say(f"{given.assignment}: the cells in a bare process, round {turn + 1}")
        bare.append(given.bare_total(scratch))
        say(f"{given.assignment}: nbjudge grade, round {turn + 1}")
        root = given.make(_folder(scratch, "ours"))
        fresh.append(_graded(given, root))
        again.append(_graded(given, root, "--force"))
        idle.append(grade(root, given.assignment).wall_seconds)
        shutil.rmtree(root)
        if turn == (sizes.rounds - 1) // 2:
            say(f"{given.assignment}: stock nbgrader autograde")
            stock = _stock(given, _folder(scratch, "stock"))
            if is_torch:
                say(f"{given.assignment}: otter run")
                otter = _otter(given, _folder(scratch, "otter"))
    ours = mean(one.measure.wall_seconds for one in fresh)
    proved = mean(one.measure.wall_seconds for one in again)
    ceiling = mean(bare) / cores()
    rows = [
        ("the ceiling", ceiling),
        ("nbjudge grade", ours),
        ("nbjudge grade, the reference proved before", proved),
        ("nbgrader autograde, stock", stock),
    ]
    findings = [_share(f"{given.assignment}: nbjudge, share of the ceiling", ceiling, ours)]
    if is_torch:
        rows.append(("otter run, one after the other", otter))
        findings += [
            _ratio("torch: throughput of nbjudge ÷ stock nbgrader's", stock, ours, 5),
            _ratio("torch: throughput of nbjudge ÷ otter-grader's", otter, ours, 20),
        ]
    return Section(
        name=name,
        title=f"{title}, {number} submissions",
        findings=tuple(findings),
        columns=("", "s, wall", "s per submission", "submissions per minute", "of the ceiling"),
        rows=tuple(
            (
                what,
                figure(wall),
                figure(wall / number),
                figure(60 * number / wall),
                f"{100 * ceiling / wall:.0f} %",
            )
            for what, wall in rows
        ),
        notes=_notes(given, sizes, is_torch=is_torch),
        commands=_commands(given.assignment, is_torch=is_torch),
        profiles=(
            Profile(
                "Wall-clock seconds of nbjudge grade",
                (
                    Part("start-up (a run with nothing to grade)", mean(idle)),
                    Part("proof of the reference (without it: --force)", ours - proved),
                    Part("the cells, at the ceiling", ceiling),
                    Part(
                        "the rest: workers and warm parents start, judging, fixed cost",
                        proved - mean(idle) - ceiling,
                    ),
                ),
            ),
            _profile(fresh, mean(bare), number),
        ),
    )


def _folder(scratch: Path, name: str) -> Path:
    folder = scratch / name
    folder.mkdir()
    return folder


def _graded(given: Class, root: Path, *options: str) -> _Grading:
    measure = grade(root, given.assignment, *options)
    inside = sealed(root, given.assignment, given.students)
    return _Grading(measure, inside.kernel_seconds, inside.judge_seconds)


def _share(what: str, ceiling: float, wall: float) -> Finding:
    return Finding(what, 100 * ceiling / wall, at_least(80, " %"))


def _ratio(what: str, theirs: float, ours: float, bound: float) -> Finding:
    return Finding(what, theirs / ours, at_least(bound, " ×"))


def _stock(given: Class, root: Path) -> float:
    given.make(root, is_stock=True)
    command = (str(BESIDE / "nbgrader"), "autograde", given.assignment)
    return run(command, root, ONE_THREAD | given.stock_environment(root)).wall_seconds


def _otter(given: Class, root: Path) -> float:
    """Return the wall-clock seconds of ``otter run`` on each submission; each must earn all."""
    tests = root / "tests"
    tests.mkdir()
    (tests / "test_mse.py").write_text(classes.otter_test(), "utf-8")
    otter = str(BESIDE / "otter")
    options = ("--no-config", "--no-requirements", "--no-environment")
    run((otter, "generate", "-t", "tests", "-o", "autograder.zip", *options), root, ONE_THREAD)
    seconds = 0.0
    for student, data in zip(given.students, given.notebooks, strict=True):
        (root / f"{student}.ipynb").write_bytes(data)
        command = (otter, "run", "-a", "autograder.zip", "-o", student, f"{student}.ipynb")
        (root / student).mkdir()
        seconds += run(command, root, ONE_THREAD).wall_seconds
        said = json.loads((root / student / "results.json").read_text("utf-8"))
        earned = sum(float(test.get("score", 0)) for test in said["tests"])
        if earned != 2:
            raise RuntimeError(f"otter run gave {earned} of 2 points to a right answer: {said}")
    return seconds


def _profile(gradings: list[_Grading], bare: float, number: int) -> Profile:
    """Return where the processor seconds of a submission go, and where cores wait."""
    wall = mean(one.measure.wall_seconds for one in gradings)
    outside = mean(one.measure.cpu_seconds for one in gradings)
    kernel = mean(one.kernel_seconds for one in gradings)
    judge = mean(one.judge_seconds for one in gradings)
    counted = outside + kernel + judge
    parts = (
        Part("the cells, as in a bare process", bare),
        Part("kernels beyond that: start, messages, answers to tests", kernel - bare),
        Part("judges", judge),
        Part("outside of sandboxes: start-up, grader, bubblewrap, storing", outside),
        Part("no process counted: cores wait, or warm parents fork", cores() * wall - counted),
    )
    return Profile(
        f"Core seconds per submission (cores × wall-clock seconds ÷ {number})",
        tuple(Part(part.name, part.seconds / number) for part in parts),
    )


def _notes(given: Class, sizes: Sizes, *, is_torch: bool) -> tuple[str, ...]:
    said = [
        f"The ceiling is {cores()} cores ÷ the processor seconds of the same cells, figures drawn,",
        "in forks of a bare Python that has imported the same libraries.",
        f"The bare process and nbjudge were measured {sizes.rounds} times in turn, the others once",
        "in between; nbjudge's own figure is that of a first grading in a new folder, start-up and",
        "proof of the reference included.",
    ]
    if is_torch:
        said.append(
            "Stock nbgrader and otter-grader grade the same notebooks; otter's tests are the"
        )
        said.append("same two assertions in its own format.")
    else:
        said += [
            "Answers are those of the sample class, right and wrong in turn, without those that",
            "end a kernel. otter-grader is compared on the torch notebook only: its tests have",
            "another format, and TP1's compare with the reference's answers, which have no place",
            "in it.",
        ]
    return tuple(said)


def _commands(assignment: str, *, is_torch: bool) -> tuple[str, ...]:
    commands = [f"nbjudge grade {assignment}", f"nbgrader autograde {assignment}"]
    if is_torch:
        commands.append("otter run -a autograder.zip -o OUT STUDENT.ipynb    # for each student")
    return (*commands, f"make bench ONLY=throughput-{assignment}")
