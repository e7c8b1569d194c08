"""A graded class, graded again: nothing changed, nothing is executed."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import classes
from findings import Finding, Part, Profile, Section, at_most, figure
from measure import BESIDE, ONE_THREAD, Say, grade, run

SECONDS = 3.0


@dataclass(frozen=True)
class Sizes:
    """How much of it."""

    submissions: int
    rounds: int


def unchanged(sizes: Sizes, say: Say) -> Section:
    """Grade a class of a one-cell notebook, then grade it again and again."""
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        given = classes.of_one_cell(sizes.submissions, Path(scratch) / "course")
        root = Path(scratch) / "ours"
        root.mkdir()
        given.make(root)
        number = len(given.notebooks)
        say(f"{number} submissions graded for the first time")
        first = grade(root, given.assignment)
        again, planned, alone = [], [], []
        for turn in range(sizes.rounds):
            say(f"nothing changed, round {turn + 1}")
            again.append(grade(root, given.assignment).wall_seconds)
            planned.append(grade(root, given.assignment, "--dry-run").wall_seconds)
            one = grade(root, given.assignment, "--student", given.students[0], "--dry-run")
            alone.append(one.wall_seconds)
        _refuse_work(root, given.assignment, number)
        shutil.rmtree(root)
    version = run((str(BESIDE / "nbjudge"), "--version"), BESIDE, ONE_THREAD).wall_seconds
    wall, plan, start = median(again), median(planned), median(alone)
    return Section(
        name="unchanged",
        title=f"4. Nothing changed, {number} submissions",
        findings=(
            Finding(f"{number} graded submissions again, wall", wall, at_most(SECONDS, " s")),
        ),
        columns=("", "s, wall", "s per submission"),
        rows=(
            ("graded for the first time", *_both(first.wall_seconds, number)),
            ("again, nothing changed", *_both(wall, number)),
        ),
        notes=(
            f"The median of {sizes.rounds} runs, start-up included. A notebook with one answer",
            "and one test.",
        ),
        commands=(f"nbjudge grade {given.assignment}", "make bench ONLY=unchanged"),
        profiles=(
            Profile(
                "Wall-clock seconds of grading again",
                (
                    Part("the command line", version),
                    Part("imports, course and gradebook", start - version),
                    Part("looking at submissions and what is stored of them", plan - start),
                    Part("marks, shown", wall - plan),
                ),
            ),
        ),
    )


def _both(wall: float, number: int) -> tuple[str, str]:
    return figure(wall), figure(wall / number)


def _refuse_work(root: Path, assignment: str, number: int) -> None:
    """Make sure that nothing was executed: the figures would be of something else."""
    summary = root / "summary.json"
    grade(root, assignment, "--json", str(summary))
    found = json.loads(summary.read_text("utf-8"))
    if (found["unchanged"], found["graded"]) != (number, 0):
        raise RuntimeError(
            f"Grading {assignment} again: expected {number} unchanged submissions, got "
            f"{found['unchanged']}, and {found['graded']} graded again."
        )
