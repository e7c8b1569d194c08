"""What grading one more submission costs beside its cells and its tests."""

from __future__ import annotations

import contextlib
import resource
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean

import classes
from classes import Class
from findings import Finding, Part, Profile, Section, at_most, figure
from measure import Measure, Say, Sealed, grade, sealed

from nbjudge.assignment import Assignment, Kind
from nbjudge.course import load_course
from nbjudge.errors import NbJudgeError
from nbjudge.secret import course_secret
from nbjudge.submissions import read_submission
from nbjudge.worker import Shared, Worker

FLOOR_SECONDS, SHARE = 0.6, 0.25


@dataclass(frozen=True)
class Sizes:
    """How much of it."""

    submissions: int
    rounds: int


def fixed_cost(sizes: Sizes, say: Say) -> Section:
    """Measure it for TP1 and for the small torch notebook."""
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        found = []
        for name in ("tp1", classes.TORCH):
            folder = Path(scratch) / name
            folder.mkdir()
            if name == classes.TORCH:
                given = classes.of_torch(sizes.submissions, folder / "course")
            else:
                given = classes.of_tp(name, sizes.submissions, folder)
            found.append(_costs(given, sizes, folder, say))
    return Section(
        name="fixed-cost",
        title="2. The fixed cost of one submission",
        findings=tuple(
            Finding(
                f"{cost.assignment}: CPU seconds beside cells and judging",
                cost.fixed,
                at_most(allowed(cost.bare), " s"),
            )
            for cost in found
        ),
        columns=("CPU s per submission", *(cost.assignment for cost in found)),
        rows=tuple(
            (what, *(figure(getattr(cost, field)) for cost in found))
            for what, field in (
                ("all of nbjudge grade", "whole"),
                ("the cells in a bare process", "bare"),
                ("judging: the judge's process", "judge"),
                ("judging: answers of the kernel to tests", "probes"),
                ("fixed: the rest", "fixed"),
                ("all of it, by the machine's own count", "machine"),
            )
        ),
        notes=(
            "A class graded with one worker, minus one submission of it graded in the same way:",
            "what each further submission costs, start-up and proof apart. Processes outside of",
            "sandboxes are counted as they are waited for, those inside as each result says.",
            "Answers to tests: what kernels take more than for the same notebooks without tests.",
            f"Allowed: the larger of {FLOOR_SECONDS} s and {100 * SHARE:.0f} % of the cells.",
            "The last line counts whatever else the machine did meanwhile.",
        ),
        commands=(
            "nbjudge grade ASSIGNMENT --workers 1 --force",
            "nbjudge grade ASSIGNMENT --workers 1 --force --student eleve-000",
            "make bench ONLY=fixed-cost",
        ),
        profiles=tuple(cost.profile for cost in found),
    )


def allowed(bare_seconds: float) -> float:
    """Return the fixed CPU seconds that are allowed for cells that take so many.

    >>> allowed(1.0), allowed(4.0)
    (0.6, 1.0)
    """
    return max(FLOOR_SECONDS, SHARE * bare_seconds)


@dataclass(frozen=True, kw_only=True)
class Costs:
    """CPU seconds of one more submission."""

    assignment: str
    bare: float
    """Its cells in a bare process."""
    outside: float
    """Processes outside of sandboxes."""
    kernel: float
    judge: float
    plain_kernel: float
    """The kernel's where nothing is judged."""
    machine: float
    """All of it, as the machine counts."""
    grader: float
    """The thread that grades, of ``outside``."""
    launching: float
    """Processes that it waits for: bubblewrap, of ``outside``."""

    @property
    def whole(self) -> float:
        """Everything that was counted."""
        return self.outside + self.kernel + self.judge

    @property
    def probes(self) -> float:
        """What the kernel takes to answer tests."""
        return max(0.0, self.kernel - self.plain_kernel)

    @property
    def fixed(self) -> float:
        """All but the cells and judging."""
        return self.whole - self.bare - self.judge - self.probes

    @property
    def profile(self) -> Profile:
        """Where all of it goes."""
        rest = self.outside - self.grader - self.launching
        return Profile(
            f"CPU seconds of a submission of {self.assignment}",
            (
                Part("the cells, as in a bare process", self.bare),
                Part("kernel: start, messages", self.kernel - self.probes - self.bare),
                Part("kernel: answers to tests", self.probes),
                Part("judge", self.judge),
                Part("the grader's own thread", self.grader),
                Part("bubblewrap and launching", self.launching),
                Part("storing, progress, handing over", rest),
            ),
        )


def _costs(given: Class, sizes: Sizes, scratch: Path, say: Say) -> Costs:
    name, others = given.assignment, len(given.notebooks) - 1
    root = scratch / "ours"
    root.mkdir()
    given.make(root)
    say(f"{name}: graded once, for the proof")
    grade(root, name, "--workers", "1")
    first, rest = given.students[0], replace(given, notebooks=given.notebooks[1:])
    outside, machine, kernel, judge, bare = [], [], [], [], []
    for turn in range(sizes.rounds):
        say(f"{name}: the cells in a bare process, round {turn + 1}")
        bare.append(rest.bare_total(scratch) / others)
        say(f"{name}: nbjudge grade, all and one of them, round {turn + 1}")
        all_, inside = _graded(root, name, given.students)
        one, inside_one = _graded(root, name, [first], "--student", first)
        outside.append((all_.cpu_seconds - one.cpu_seconds) / others)
        machine.append((all_.machine_seconds - one.machine_seconds) / others)
        kernel.append((inside.kernel_seconds - inside_one.kernel_seconds) / others)
        judge.append((inside.judge_seconds - inside_one.judge_seconds) / others)
    say(f"{name}: parts of it, in this process")
    judged = _in_this_process(given, root, given.compiled)
    plain = _in_this_process(given, root, without_tests(given.compiled))
    return Costs(
        assignment=name,
        bare=mean(bare),
        outside=mean(outside),
        kernel=mean(kernel),
        judge=mean(judge),
        plain_kernel=plain.kernel,
        machine=mean(machine),
        grader=judged.grader,
        launching=judged.launching,
    )


def _graded(root: Path, name: str, students: list[str], *options: str) -> tuple[Measure, Sealed]:
    measure = grade(root, name, "--workers", "1", "--force", *options)
    return measure, sealed(root, name, students)


def without_tests(assignment: Assignment) -> Assignment:
    """Return the assignment with test cells that are executed as students see them, not judged."""
    return replace(
        assignment,
        notebooks=tuple(
            replace(
                notebook,
                cells=tuple(
                    replace(cell, kind=Kind.GIVEN, source=cell.release_source, points=0.0)
                    if cell.kind is Kind.TEST
                    else cell
                    for cell in notebook.cells
                ),
            )
            for notebook in assignment.notebooks
        ),
    )


@dataclass(frozen=True)
class _Parts:
    kernel: float
    grader: float
    launching: float


def _in_this_process(given: Class, root: Path, assignment: Assignment) -> _Parts:
    """Grade all but the first, which starts what is kept, in this thread."""
    course = load_course(root)
    shared = Shared(assignment, course.settings, course_secret(root))
    kernel, grader, launching = [], [], []
    with contextlib.closing(Worker(shared)) as worker:
        for number, student in enumerate(given.students):
            folder = root / "submitted" / student / given.assignment
            submission = read_submission(folder, student, assignment, course.settings.limits)
            before = resource.getrusage(resource.RUSAGE_CHILDREN), time.process_time()
            outcome = worker.grade(submission)
            after = resource.getrusage(resource.RUSAGE_CHILDREN), time.process_time()
            if isinstance(outcome, NbJudgeError):
                raise outcome
            if number:
                kernel.append(sum(result.cpu_seconds for result in outcome))
                grader.append(after[1] - before[1])
                waited = after[0].ru_utime + after[0].ru_stime
                launching.append(waited - before[0].ru_utime - before[0].ru_stime)
    return _Parts(mean(kernel), mean(grader), mean(launching))
