"""Judging answers again and again, to see a right one lose a point or a wrong one gain one.

Each answer of the sample class, and the reference, is executed once.  In its kernel, every
question is judged where it stands in the notebook, first with the course's secret (the marks that
``nbjudge grade`` gives), then with fresh ones.  What happened ``k`` times in ``n`` judgings has,
with 95 % confidence, at most the probability of the exact upper bound [1]_.

No number of judgings proves a false-alarm probability such as 1e-6: 1 000 clean ones bound it by
3e-3.  They can refute it; the proof is the derivation beside the assertion.

References
----------
.. [1] C. Clopper, E. Pearson, The use of confidence or fiducial limits illustrated in the case of
   the binomial, Biometrika 26, 1934.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import nbjudge
from nbjudge.assignment import Assignment, Kind, Upload
from nbjudge.course import Course
from nbjudge.demo import SAMPLES, submit
from nbjudge.errors import MachineError, UnknownNameError
from nbjudge.inert import printable
from nbjudge.parallel import Again, Graded, grade_many, refuse_in_worker
from nbjudge.produce import solution_version, student_version
from nbjudge.proof import proved
from nbjudge.sample import Sample, read_samples
from nbjudge.scratch import temporary_folder
from nbjudge.settings import Settings
from nbjudge.submissions import Submission, read_submission
from nbjudge.verdict import Result, Verdict

CONFIDENCE = 0.95
"""Of the upper bounds, one-sided."""
REFUTED = 1e-3
"""A declared probability is refuted when what was seen has at most this probability under it."""
REFERENCE = "reference"
_SAME = 1e-9
_LINE = 2_000


@dataclass(frozen=True)
class Rate:
    """How often something happened that must not."""

    judged: int = 0
    happened: int = 0

    def __add__(self, other: Rate) -> Rate:
        return Rate(self.judged + other.judged, self.happened + other.happened)

    @property
    def bound(self) -> float:
        """The exact upper bound of its probability; 1 where nothing was judged."""
        if self.happened >= self.judged:
            return 1.0
        from scipy.stats import beta

        return float(beta.ppf(CONFIDENCE, self.happened + 1, self.judged - self.happened))

    def refutes(self, probability: float) -> bool:
        """Tell whether what happened refutes that its probability is at most ``probability``."""
        if self.happened == 0:
            return False
        from scipy.stats import binom

        return bool(binom.sf(self.happened - 1, self.judged, min(probability, 1.0)) <= REFUTED)


@dataclass(frozen=True)
class Check:
    """One explicit share of a question's points."""

    what: str
    rejected: Rate
    """Judgings of right answers, and those that lost it."""
    declared: float = 0.0
    """Probability of a false alarm, as its statistical assertions declare it together; 0 where
    there is none."""

    @property
    def refuted(self) -> bool:
        """Whether the declared probability is."""
        return self.rejected.refutes(self.declared)


@dataclass(frozen=True)
class Question:
    """What was seen of one question."""

    name: str
    rejected: Rate
    """Judgings of answers that must earn all its points, and those that lost some."""
    accepted: Rate
    """Judgings of answers that must lose some, and those that earned more than they must."""
    checks: tuple[Check, ...] = ()
    declared: float = 0.0

    @property
    def refuted(self) -> bool:
        """Whether the declared probability of a false alarm is."""
        return self.rejected.refutes(self.declared)


@dataclass(frozen=True)
class Deviation:
    """A question of an answer that did not earn what it must."""

    answer: str
    question: str
    promised: float
    points: Mapping[float, int]
    """What it earned, and how often."""
    secret: str
    """The first secret it happened with, in hexadecimal: the course's, or of a fresh judging."""
    said: str
    """What that judging said of it."""

    @property
    def is_rejected(self) -> bool:
        """Whether a point was lost that must be earned."""
        return any(points < self.promised for points in self.points)

    @property
    def is_accepted(self) -> bool:
        """Whether a point was earned that must be lost."""
        return any(points > self.promised for points in self.points)


@dataclass(frozen=True)
class Report:
    """What judging again came to."""

    assignment: str
    version: str
    runs: int
    seed: str
    """In hexadecimal; with it everything is judged as it was."""
    answers: Mapping[str, str]
    """The group of each."""
    questions: tuple[Question, ...]
    deviations: tuple[Deviation, ...]
    engine: str = nbjudge.__version__

    @property
    def is_clean(self) -> bool:
        """Whether every answer earned in every judging what it must."""
        return not self.deviations

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain JSON data, with bounds."""
        data = asdict(self)
        for question, made in zip(self.questions, data["questions"], strict=True):
            made["rejected"]["bound"] = question.rejected.bound
            made["accepted"]["bound"] = question.accepted.bound
            made["refuted"] = question.refuted
            for check, written in zip(question.checks, made["checks"], strict=True):
                written["rejected"]["bound"] = check.rejected.bound
                written["refuted"] = check.refuted
        for deviation in data["deviations"]:
            deviation["points"] = {f"{p:g}": n for p, n in deviation["points"].items()}
        return data | {"confidence": CONFIDENCE}


def judge_again(
    course: Course,
    name: str,
    *,
    secret: bytes,
    seed: bytes,
    runs: int,
    groups: Sequence[str] = (),
    workers: int = 1,
    progress: Callable[[Graded, int], None] | None = None,
) -> Report:
    """Execute every sample answer and the reference once; judge them ``runs + 1`` times.

    Parameters
    ----------
    course
        With sample submissions in ``tests/submissions/<name>/<group>/``, or none: then the
        reference alone is judged.
    name
        The assignment.
    secret
        The course's, for the first judging.
    seed
        What the secrets of all others are derived from, other ones for every answer.
    runs
        How many others.
    groups
        Only samples of these groups; all when empty.
    workers
        Processes.
    progress
        Called after each answer with it and the number of answers.

    Raises
    ------
    UnknownNameError
        If there is no such assignment, or no such group.
    HiddenTestError
        If the reference fails a test under the course's secret.
    MachineError
        If this computer cannot grade one of them.
    """
    refuse_in_worker()
    assignment = proved(course.root, course.compile(name), course.settings, secret)
    samples = _samples(course, assignment, groups)
    answers = [_reference(course, assignment), *_handed_in(course, assignment, samples)]
    promised = {s.student: s.expected for s in samples}
    promised[REFERENCE] = {
        cell.grade_id or "": cell.points for nb in assignment.notebooks for cell in nb.graded
    }
    again = Again(seed, runs)
    done: dict[str, tuple[Result, ...]] = {}
    failed: dict[str, Exception] = {}
    settings = _with_time(course.settings, runs)
    for graded in grade_many(answers, assignment, settings, secret, workers=workers, again=again):
        student = graded.submission.student
        if graded.error is not None:
            failed[student] = graded.error
        done[student] = graded.results
        if progress is not None:
            progress(graded, len(answers))
    if failed:
        raise MachineError(
            f"Judging {name} again: this computer could not grade:\n"
            + "\n".join(f"  {student}: {error}" for student, error in sorted(failed.items()))
        )
    book = _Book(assignment, promised, secret, again)
    for answer in answers:
        for result in done[answer.student]:
            book.enter(answer.student, result)
    return Report(
        assignment=name,
        version=assignment.version,
        runs=runs,
        seed=seed.hex(),
        answers={REFERENCE: REFERENCE, **{s.student: s.group for s in samples}},
        questions=book.questions(),
        deviations=tuple(book.deviations),
    )


def _samples(course: Course, assignment: Assignment, groups: Sequence[str]) -> list[Sample]:
    folder = course.root / SAMPLES / assignment.name
    samples: list[Sample] = []
    if folder.is_dir():
        file = f"{assignment.notebooks[0].name}.ipynb"
        samples = read_samples(
            folder,
            assignment,
            student_version(course, assignment)[file],
            solution_version(course, assignment)[file],
        )
    present = sorted({sample.group for sample in samples})
    for group in groups:
        if group not in present:
            raise UnknownNameError(
                f"Judging {assignment.name} again: there is no group {group!r} of samples in "
                f"{folder}; there are: {', '.join(present) or 'none'}."
            )
    return [sample for sample in samples if not groups or sample.group in groups]


def _reference(course: Course, assignment: Assignment) -> Submission:
    """Return the reference's answers as if they had been handed in."""
    solved = solution_version(course, assignment)
    return Submission(
        student=REFERENCE,
        assignment=assignment.name,
        uploads={
            notebook.name: Upload(notebook=solved[f"{notebook.name}.ipynb"])
            for notebook in assignment.notebooks
        },
        notes={},
        found={},
    )


def _handed_in(
    course: Course, assignment: Assignment, samples: Sequence[Sample]
) -> list[Submission]:
    """Return the samples as they are read where a collection puts them."""
    with temporary_folder("samples-") as folder:
        there = replace(course, root=folder)
        submit(there, assignment.name, samples)
        return [
            read_submission(
                there.folder("submitted") / sample.student / assignment.name,
                sample.student,
                assignment,
                course.settings.limits,
            )
            for sample in samples
        ]


def _with_time(settings: Settings, runs: int) -> Settings:
    """Give a notebook that is judged again the time, and the restarts, of all its judgings."""
    limits = settings.limits
    return replace(
        settings,
        figures=False,  # nobody looks at them
        limits=replace(
            limits,
            notebook_seconds=limits.notebook_seconds * (runs + 1),
            restarts=limits.restarts * (runs + 1),
        ),
    )


@dataclass
class _Entry:
    rejected: Rate = field(default_factory=Rate)
    accepted: Rate = field(default_factory=Rate)
    checks: dict[str, Rate] = field(default_factory=dict)
    declared: dict[str | None, float] = field(default_factory=dict)


class _Book:
    """Counts, by question."""

    def __init__(
        self,
        assignment: Assignment,
        promised: Mapping[str, Mapping[str, float]],
        secret: bytes,
        again: Again,
    ) -> None:
        self._entries: dict[str, _Entry] = {}
        several = len(assignment.notebooks) > 1
        self._names = {
            (notebook.name, cell.grade_id or ""): f"{notebook.name}:{cell.grade_id}"
            if several
            else cell.grade_id or ""
            for notebook in assignment.notebooks
            for cell in notebook.graded
            if cell.kind is Kind.TEST  # persons judge the others
        }
        self._promised = promised
        self._secret = secret
        self._again = again
        self.deviations: list[Deviation] = []

    def enter(self, answer: str, result: Result) -> None:
        for first in result.verdicts:
            if (result.notebook, first.grade_id) not in self._names:
                continue
            verdicts = [first, *result.again.get(first.grade_id, ())]
            promised = self._promised[answer][first.grade_id]
            entry = self._entries.setdefault(self._names[result.notebook, first.grade_id], _Entry())
            is_right = promised >= first.max_points
            off = 0
            for verdict in verdicts:
                points = verdict.points or 0.0
                off += points < promised - _SAME if is_right else points > promised + _SAME
                if is_right:
                    _count(entry, verdict)
            rate = Rate(len(verdicts), off)
            if is_right:
                entry.rejected += rate
            else:
                entry.accepted += rate
            self._deviate(answer, result.notebook, verdicts, promised)

    def _deviate(
        self, answer: str, notebook: str, verdicts: Sequence[Verdict], promised: float
    ) -> None:
        odd = [
            (index, verdict)
            for index, verdict in enumerate(verdicts)
            if abs((verdict.points or 0.0) - promised) > _SAME
        ]
        if not odd:
            return
        index, verdict = odd[0]
        secrets = (self._secret, *self._again.secrets(answer))
        self.deviations.append(
            Deviation(
                answer=answer,
                question=self._names[notebook, verdict.grade_id],
                promised=promised,
                points=dict(Counter(verdict.points or 0.0 for _index, verdict in odd)),
                secret="" if index == 0 else secrets[index].hex(),
                said=_said(verdict),
            )
        )

    def questions(self) -> tuple[Question, ...]:
        return tuple(
            Question(
                name=name,
                rejected=entry.rejected,
                accepted=entry.accepted,
                checks=tuple(
                    Check(what=what, rejected=rate, declared=entry.declared.get(what, 0.0))
                    for what, rate in entry.checks.items()
                ),
                declared=entry.declared.get(None, 0.0),
            )
            for name in self._names.values()
            if (entry := self._entries.get(name)) is not None
        )


def _count(entry: _Entry, verdict: Verdict) -> None:
    """Count the checks of a right answer's judging; keep what they declare."""
    entry.declared[None] = max(entry.declared.get(None, 0.0), verdict.false_alarm)
    for what, part in _parts(verdict):
        lost = part.points < part.max_points
        entry.declared[what] = max(entry.declared.get(what, 0.0), part.false_alarm)
        entry.checks[what] = entry.checks.get(what, Rate()) + Rate(1, int(lost))


def _parts(verdict: Verdict) -> Iterator[tuple[str, Any]]:
    """Yield the shares with names that differ."""
    seen: Counter[str] = Counter()
    for part in verdict.parts:
        seen[part.what] += 1
        yield part.what if seen[part.what] == 1 else f"{part.what} ({seen[part.what]})", part


def _said(verdict: Verdict) -> str:
    lost = [part for part in verdict.parts if part.points < part.max_points]
    said = [f"{part.what}: {part.message}" for part in lost] or [verdict.message]
    details = [part.detail for part in lost] or [verdict.detail]
    first = next((line for text in details for line in text.splitlines() if line), "")
    return " ".join(filter(None, [*said, f"({first})" if first else ""]))


# On the screen.


def table(report: Report) -> Any:
    """Return what was seen of each question and check, as a table for the terminal."""
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, padding=(0, 0, 0, 2), pad_edge=False, header_style="bold")
    made.add_column("question")
    for name in ("right\njudged", "\nrejected", "95 %\nbelow"):
        made.add_column(name, justify="right")
    made.add_column("declared\nbelow", justify="right")
    for name in ("wrong\njudged", "\naccepted", "95 %\nbelow"):
        made.add_column(name, justify="right")
    for question in report.questions:
        made.add_row(
            Text(question.name, style="bold"),
            *_cells(question.rejected),
            _declared(question),
            *_cells(question.accepted),
        )
        for check in question.checks:
            made.add_row(
                Text(f"  {printable(check.what, 40)}"),
                *_cells(check.rejected),
                _declared(check),
            )
    return made


def _cells(rate: Rate) -> tuple[str, str, str]:
    if not rate.judged:
        return "-", "", ""
    return str(rate.judged), str(rate.happened), f"{rate.bound:.2g}"


def _declared(seen: Question | Check) -> str:
    if not seen.declared:
        return ""
    return f"{seen.declared:.1g}" + (" refuted" if seen.refuted else "")


def sentences(report: Report) -> Iterator[str]:
    """Yield a line for every answer that did not earn what it must, then what that comes to."""
    for deviation in report.deviations:
        earned = ", ".join(
            f"{points:g}" + (f" ({count} times)" if count > 1 else "")
            for points, count in deviation.points.items()
        )
        where = f"secret {deviation.secret}" if deviation.secret else "the course's secret"
        yield printable(
            f"{deviation.answer}: {deviation.question} earned {earned} instead of "
            f"{deviation.promised:g}; first with {where}: {deviation.said}",
            _LINE,
        )
    judged = f"{len(report.answers)} answers, each judged {report.runs + 1} times"
    if report.is_clean:
        yield f"{judged}: every one earned what it must."
    else:
        names = {deviation.answer for deviation in report.deviations}
        yield f"{judged}: {len(names)} did not always earn what they must."
    yield f"The same judgings again: --seed {report.seed}"
