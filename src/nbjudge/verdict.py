"""What came out of judging: a verdict for each test cell, a result for a notebook.

Sentences are already in the course's language.  ``message`` is for the student and
says nothing of hidden tests or reference values; ``detail`` is for the instructor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """How the judging of one graded cell ended."""

    PASSED = "passed"
    PARTIAL = "partial"
    FAILED = "failed"
    """A check did not hold."""
    ERROR = "error"
    """The student's code raised where the test called it."""
    UNDEFINED = "undefined"
    """A name that the question asks for does not exist, or its stub is untouched."""
    TIMEOUT = "timeout"
    MEMORY = "memory"
    DIED = "died"
    """The kernel stopped while this question was judged."""
    UNREADABLE = "unreadable"
    """The submitted file could not be read at all."""
    MANUAL = "manual"
    """To be graded by hand."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One explicit share of a question's points (:func:`nbjudge.testing.credit`)."""

    what: str
    points: float
    max_points: float
    message: str = ""
    """Why it was lost, in the course's language; empty when earned."""
    detail: str = ""
    """The same for the instructor: values, traceback."""
    false_alarm: float = 0.0
    """At most this probability that a right answer loses it, as its assertions declare."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The judgement of one graded cell."""

    grade_id: str
    status: Status
    points: float | None
    """Earned, in [0, max_points]; None where a person must decide."""
    max_points: float
    message: str = ""
    detail: str = ""
    parts: tuple[Part, ...] = ()
    seconds: float = 0.0
    """Wall-clock time of judging, probes included."""
    false_alarm: float = 0.0
    """At most this probability that a right answer loses points, as the test declares; 0 where
    nothing in it is left to chance, or nothing is said of it."""


@dataclass(frozen=True, kw_only=True)
class CellTiming:
    """Wall-clock seconds of one executed cell (``name``: grade_id or position)."""

    name: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Result:
    """All that grading one notebook gives; plain data, picklable, no database in it."""

    notebook: str
    """Name of the notebook, without extension."""
    verdicts: tuple[Verdict, ...]
    """One for each graded cell of the assignment, in the notebook's order."""
    document: dict[str, Any]
    """The graded notebook (nbformat 4.5 JSON): rebuilt, executed, made inert."""
    notes: tuple[str, ...] = ()
    """Sentences about the whole notebook, for the student (what was repaired, what died)."""
    log: tuple[str, ...] = ()
    """Lines for the instructor only."""
    timings: tuple[CellTiming, ...] = ()
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    """Of the kernels' process trees, as far as it could be read."""
    judge_cpu_seconds: float = 0.0
    """The same of the judge."""
    memory_bytes: int = 0
    """The most that a kernel was seen to use, looked at ten times a second."""
    restarts: int = 0
    """How many times a kernel that had ended was replaced."""
    provenance: dict[str, str] = field(default_factory=dict)
    """Engine version, assignment version, seed: what is needed to replay."""
    objects: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By test, where it met objects of the notebook in place of plain values."""
    again: Mapping[str, Sequence[Verdict]] = field(default_factory=dict)
    """By test: verdicts under further seeds, if they were asked for (:mod:`nbjudge.flake`)."""

    @property
    def points(self) -> float:
        """Points earned so far (a verdict that waits for a person counts 0)."""
        return sum(v.points or 0.0 for v in self.verdicts)

    @property
    def max_points(self) -> float:
        """Points that can be earned."""
        return sum(v.max_points for v in self.verdicts)

    @property
    def provisional(self) -> bool:
        """Whether a person still has to grade a cell."""
        return any(v.points is None for v in self.verdicts)

    def to_json(self) -> dict[str, Any]:
        """Return everything but the document and what was judged again, as plain JSON data."""
        data = asdict(self)
        del data["document"], data["objects"], data["again"]
        return data
