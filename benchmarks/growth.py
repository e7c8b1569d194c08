"""Larger and larger classes through store and export: what one submission costs in each.

No kernel runs: one submission is graded, and its result is stored under ever new names.  Each size
has a process of its own, which is also what this file is as a program::

    python benchmarks/growth.py COURSE ASSIGNMENT RESULTS NUMBER
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import classes
import click
from classes import Class
from findings import Finding, Part, Profile, Section, at_most, figure
from measure import ONE_THREAD, PATH, Say

from nbjudge.course import load_course
from nbjudge.errors import NbJudgeError
from nbjudge.gradebook import read_standings, scores_of
from nbjudge.lateness import Penalties
from nbjudge.limits import MIB
from nbjudge.marks import rows, to_csv
from nbjudge.records import keep_removed
from nbjudge.result_key import ground
from nbjudge.secret import course_secret
from nbjudge.store import Store
from nbjudge.storing import Writer
from nbjudge.submissions import Submission, read_submission
from nbjudge.verdict import Result
from nbjudge.worker import Shared, Worker

FLAT = 1.2
"""Largest divided by smallest."""


@dataclass(frozen=True)
class Sizes:
    """How much of it."""

    classes: tuple[int, ...]
    rounds: int


@dataclass(frozen=True)
class Growth:
    """What a class of one size took, without start-up."""

    submissions: int
    store_seconds: float
    export_seconds: float
    cpu_seconds: float
    """Of both."""
    peak_bytes: int
    """Resident memory of the process that stores and exports."""

    @property
    def per_submission(self) -> float:
        """Wall-clock seconds of one submission, stored and exported."""
        return (self.store_seconds + self.export_seconds) / self.submissions


def spread(values: Sequence[float]) -> float:
    """Return the largest divided by the smallest.

    >>> spread([2.0, 1.0, 1.5])
    2.0
    """
    return max(values) / min(values)


def in_this_process(root: Path, name: str, results: Path, number: int) -> Growth:
    """Store a result for so many students, then export the marks."""
    # Written by the benchmark itself.
    submission, outcome = _read(results)
    course = load_course(root)
    assignment = course.compile(name)
    secret = course_secret(root)
    with Store(course.db_url, course.course_id) as store:
        store.sync(assignment, partial(keep_removed, root))
        writer = Writer(
            course=course,
            assignment=assignment,
            ground=ground(assignment, course.settings, secret),
            penalties=Penalties(course.config),
            store=store,
        )
        # Opened, and the first one stored: what is done once is not of a submission.
        writer.write(replace(submission, student="eleve-first"), outcome)
        started, cpu = time.monotonic(), time.process_time()
        for student in range(number):
            writer.write(replace(submission, student=f"eleve-{student:06}"), outcome)
        stored = time.monotonic()
    marks = rows(assignment, scores_of(read_standings(course.db_url, name)))
    (root / "marks.csv").write_text(to_csv(assignment, marks), "utf-8")
    ended = time.monotonic()
    if len(marks) != number + 1:
        raise RuntimeError(f"Exporting: expected {number + 1} students, got {len(marks)}.")
    return Growth(
        submissions=number,
        store_seconds=stored - started,
        export_seconds=ended - stored,
        cpu_seconds=time.process_time() - cpu,
        peak_bytes=_peak_bytes(),
    )


def _read(path: Path) -> tuple[Submission, tuple[Result, ...]]:
    submission, outcome = pickle.loads(path.read_bytes())  # noqa: S301 - of this very run
    return submission, outcome


def _peak_bytes() -> int:
    # Not getrusage: that remembers who started this process, too.
    found = re.search(r"^VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text("ascii"), re.M)
    return int(found[1]) * 1024 if found else 0


# The benchmark.


def growth(sizes: Sizes, say: Say) -> Section:
    """Store and export classes of all sizes, in turn."""
    best: dict[int, Growth] = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        given = classes.of_one_cell(1, Path(scratch) / "course")
        results = Path(scratch) / "results.pickle"
        say("one submission graded")
        results.write_bytes(pickle.dumps(_grade_one(given, Path(scratch) / "one")))
        for turn in range(sizes.rounds):
            for number in sizes.classes:
                say(f"{number} submissions stored and exported, round {turn + 1}")
                with tempfile.TemporaryDirectory(dir=scratch) as root:
                    given.make(Path(root))
                    found = _alone(Path(root), given.assignment, results, number)
                kept = best.get(number)
                if kept is None or found.per_submission < kept.per_submission:
                    best[number] = found
    every = [best[number] for number in sizes.classes]
    return Section(
        name="growth",
        title="5. Growth of a class",
        findings=(
            Finding(
                "largest ÷ smallest cost of one submission, stored and exported",
                spread([one.per_submission for one in every]),
                at_most(FLAT, " ×"),
            ),
            Finding(
                "largest ÷ smallest peak memory of the writer",
                spread([float(one.peak_bytes) for one in every]),
                at_most(FLAT, " ×"),
            ),
        ),
        columns=(
            "submissions",
            "ms each, stored",
            "ms each, exported",
            "CPU ms each",
            "peak MiB",
        ),
        rows=tuple(
            (
                str(one.submissions),
                figure(1000 * one.store_seconds / one.submissions),
                figure(1000 * one.export_seconds / one.submissions),
                figure(1000 * one.cpu_seconds / one.submissions),
                f"{one.peak_bytes / MIB:.0f}",
            )
            for one in every
        ),
        notes=(
            "One graded submission of a one-cell notebook, stored under ever new names: gradebook",
            "(SQLite), autograded/, records, receipts; then the marks of all as CSV. A process of",
            f"its own for each size, the best of {sizes.rounds}; wall-clock without start-up.",
        ),
        commands=(
            "python benchmarks/growth.py COURSE one RESULTS NUMBER    # for each size",
            "make bench ONLY=growth",
        ),
        profiles=tuple(
            Profile(
                f"Seconds of {one.submissions} submissions",
                (Part("storing", one.store_seconds), Part("exporting", one.export_seconds)),
            )
            for one in every
        ),
    )


def _grade_one(given: Class, root: Path) -> tuple[Submission, tuple[Result, ...]]:
    root.mkdir()
    given.make(root)
    course = load_course(root)
    student = given.students[0]
    submission = read_submission(
        root / "submitted" / student / given.assignment,
        student,
        given.compiled,
        course.settings.limits,
    )
    shared = Shared(given.compiled, course.settings, course_secret(root))
    with contextlib.closing(Worker(shared)) as worker:
        outcome = worker.grade(submission)
    if isinstance(outcome, NbJudgeError):
        raise outcome
    return submission, outcome


def _alone(root: Path, name: str, results: Path, number: int) -> Growth:
    command = [sys.executable, __file__, str(root), name, str(results), str(number)]
    done = subprocess.run(
        command,
        env=os.environ | ONE_THREAD | {"PATH": PATH},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise click.ClickException(f"Storing {number} submissions:\n{done.stderr[-3000:]}")
    return Growth(**json.loads(done.stdout))


if __name__ == "__main__":
    _root, _name, _results, _number = sys.argv[1:]
    _found = in_this_process(Path(_root), _name, Path(_results), int(_number))
    print(json.dumps(asdict(_found)))
