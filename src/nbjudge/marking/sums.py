"""From points to the final mark: the sums, and all that goes into them.

Pure functions of points and rules; every intermediate number is kept, for who asks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from nbjudge.marking.exact import FULL, round_half_up
from nbjudge.marking.roll import Code
from nbjudge.marking.rules import DAY_SECONDS, Rules

ZERO = Fraction(0)


@dataclass(frozen=True, kw_only=True)
class Question:
    """The points of one question."""

    points: Fraction
    """Without extra credit."""
    maximum: Fraction
    extra: Fraction = ZERO
    by_hand: bool = False
    """Whether a person gave them."""
    waiting: bool = False
    """Whether a person is still to look."""


@dataclass(frozen=True, kw_only=True)
class Points:
    """What the gradebook has of one submission."""

    questions: Mapping[str, Question]
    penalty: Fraction = ZERO
    """For being late, as nbgrader's plug-in gave it, in points."""
    seconds_late: Fraction = ZERO
    """After the student's own due date."""

    @property
    def provisional(self) -> bool:
        """Whether something is still to be graded or reviewed by a person."""
        return any(question.waiting for question in self.questions.values())


@dataclass(frozen=True, kw_only=True)
class TpMark:
    """A student's mark for one TP."""

    assignment: str
    maximum: Fraction
    """In points."""
    mark: Fraction | None
    """On 20, not rounded; None where a code leaves no number (ABJ, DEF)."""
    code: Code | None = None
    points: Points | None = None
    """None where nothing was handed in or graded."""
    base: Fraction = ZERO
    """Points of the questions, on 20."""
    bonus: Fraction = ZERO
    """What extra credit adds, on 20."""
    late: Fraction = ZERO
    """What being late takes off, on 20."""
    days_late: int = 0
    """Days begun, where the penalty is computed here."""

    @property
    def provisional(self) -> bool:
        """Whether a person is still to grade something that counts."""
        return self.code is None and self.points is not None and self.points.provisional


def tp_mark(
    assignment: str,
    maximum: Fraction,
    points: Points | None,
    code: Code | None,
    rules: Rules,
) -> TpMark:
    """Return the mark of one TP; a code of the roll stands in place of points.

    Parameters
    ----------
    assignment
        Its name.
    maximum
        Points that it gives, above 0.
    points
        Of the submission; without one the mark is 0.
    code
        Of the roll.
    rules
        Of the course.
    """
    if code is not None:
        counts = code is Code.ABI and not rules.abi_is_def
        return TpMark(
            assignment=assignment,
            maximum=maximum,
            mark=ZERO if counts else None,
            code=code,
            points=points,
        )
    if points is None:
        return TpMark(assignment=assignment, maximum=maximum, mark=ZERO)
    on_20 = FULL / maximum
    base = sum((q.points for q in points.questions.values()), ZERO) * on_20
    bonus = sum((q.extra for q in points.questions.values()), ZERO) * on_20
    if rules.bonus is not None:
        bonus = min(bonus, rules.bonus)
    late, days = points.penalty * on_20, 0
    if rules.late is not None:
        days = days_begun(points.seconds_late - rules.late.grace_seconds)
        per_day = rules.late.per_day * (base + bonus if rules.late.is_share else 1)
        late = per_day * days
    ceiling = FULL + max(bonus, ZERO) if rules.bonus_above else FULL
    return TpMark(
        assignment=assignment,
        maximum=maximum,
        mark=min(max(base + bonus - late, ZERO), ceiling),
        points=points,
        base=base,
        bonus=bonus,
        late=late,
        days_late=days,
    )


def days_begun(seconds: Fraction) -> int:
    """Return how many days have begun."""
    return max(0, -(-seconds // DAY_SECONDS))


@dataclass(frozen=True, kw_only=True)
class Average:
    """A student's TP mark."""

    mark: Fraction | None
    """On 20, not rounded; None where there is none."""
    code: Code | None = None
    """DEF, or ABJ where every TP is excused."""
    counted: Mapping[str, Fraction] = field(default_factory=dict)
    """The TPs in the sum, with their weights."""
    dropped: tuple[str, ...] = ()
    """Left out by best-of."""
    excused: tuple[str, ...] = ()
    """Left out because of ABJ: their weight is the others'."""


def average(marks: Sequence[TpMark], rules: Rules) -> Average:
    """Return the TP mark of a student from those of the TPs that have a weight."""
    weighty = [mark for mark in marks if rules.weight(mark.assignment) > 0]
    excused = tuple(mark.assignment for mark in weighty if mark.code is Code.ABJ)
    rest = [mark for mark in weighty if mark.code is not Code.ABJ]
    if any(mark.mark is None for mark in rest):
        return Average(mark=None, code=Code.DEF, excused=excused)
    if not rest:
        return Average(mark=None, code=Code.ABJ, excused=excused)
    values = [(rules.weight(one.assignment), one.mark or ZERO) for one in rest]
    kept = _best(values, max(1, len(rest) - rules.drop))
    return Average(
        mark=_mean([values[place] for place in kept]),
        counted={rest[place].assignment: values[place][0] for place in kept},
        dropped=tuple(one.assignment for place, one in enumerate(rest) if place not in kept),
        excused=excused,
    )


def _mean(values: Sequence[tuple[Fraction, Fraction]]) -> Fraction:
    weight = sum((weight for weight, _mark in values), ZERO)
    return sum((weight * mark for weight, mark in values), ZERO) / weight


def _best(values: Sequence[tuple[Fraction, Fraction]], size: int) -> list[int]:
    """Return which of some weighted marks, so many of them, have the highest mean.

    Leaving out the lowest marks, whatever they weigh, would not do: with unequal weights a better
    mark could then give a worse mean.

    References
    ----------
    Dinkelbach (1967), On nonlinear fractional programming: from the mean of any choice, the choice
    that gains most over it is better, until none is.
    """
    kept = list(range(size))
    while True:
        mean = _mean([values[place] for place in kept])
        # Of equals the first: who is left out must not depend on the way to here.
        gains = sorted(range(len(values)), key=lambda p: (-values[p][0] * (values[p][1] - mean), p))
        better = sorted(gains[:size])
        if _mean([values[place] for place in better]) <= mean:
            return kept
        kept = better


@dataclass(frozen=True, kw_only=True)
class ExamMark:
    """What an exam gave: a mark on 20, or a code."""

    mark: Fraction | None = None
    code: Code | None = None


@dataclass(frozen=True, kw_only=True)
class Final:
    """A student's final mark."""

    mark: Fraction | None
    """Rounded; None where a code leaves no number."""
    code: Code | None = None
    exact: Fraction | None = None
    """Before the one rounding."""
    tp_share: Fraction = ZERO
    """What the TP mark weighs: of the rules, unless one side is excused."""
    exam_share: Fraction = ZERO
    exam_mark: Fraction | None = None
    """The exam's mark as it counts; an ABI may be a 0."""


def final_mark(tp: Average, exam: ExamMark, rules: Rules) -> Final:
    """Return the final mark: the TP mark enters unrounded, and the sum is rounded once."""
    exam_mark, exam_code = exam.mark, exam.code
    if exam_code is Code.ABI:
        exam_mark, exam_code = (None, Code.DEF) if rules.abi_is_def else (ZERO, None)
    if Code.DEF in (tp.code, exam_code):
        return Final(mark=None, code=Code.DEF)
    tp_share, exam_share = rules.tp_share, rules.exam_share
    # An excused side leaves its weight to the other.
    if tp.mark is None:
        tp_share, exam_share = ZERO, Fraction(1)
    if exam_mark is None:
        tp_share, exam_share = Fraction(1), ZERO
    if tp.mark is None and exam_mark is None:
        return Final(mark=None, code=Code.ABJ)
    exact = tp_share * (tp.mark or ZERO) + exam_share * (exam_mark or ZERO)
    return Final(
        mark=min(round_half_up(exact, rules.step), FULL),
        exact=exact,
        tp_share=tp_share,
        exam_share=exam_share,
        exam_mark=exam_mark,
    )
