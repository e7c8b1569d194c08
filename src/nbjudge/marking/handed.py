"""What there is of one TP: who handed in, and the points that the gradebook has of it."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from functools import cached_property

from nbjudge.assignment import Assignment
from nbjudge.course import Course
from nbjudge.errors import ConfigurationError, MachineError
from nbjudge.gradebook import Standing, read_standings
from nbjudge.marking.exact import exact
from nbjudge.marking.sums import Points, Question
from nbjudge.marks import columns
from nbjudge.plan import Need
from nbjudge.result_key import CHANGED
from nbjudge.submissions import students_with


def nfc(name: str) -> str:
    """Return a name with its letters composed, as the roll is read."""
    return unicodedata.normalize("NFC", name)


@dataclass(frozen=True, kw_only=True)
class Tp:
    """One assignment that counts."""

    name: str
    version: str
    """Of what ``source/`` and ``judge/`` say now."""
    questions: Mapping[str, Fraction]
    """With their maxima."""

    @property
    def maximum(self) -> Fraction:
        """In points."""
        return sum(self.questions.values(), Fraction(0))


def tp_of(assignment: Assignment) -> Tp:
    """Return what of an assignment its marks need."""
    return Tp(
        name=assignment.name,
        version=assignment.version,
        questions={key: exact(value) for key, value in columns(assignment).items()},
    )


_WITHOUT_DOUBT = {CHANGED["engine"], CHANGED["libraries"]}
"""Reasons to grade again that are none to doubt a mark: a new release of something."""


@dataclass(kw_only=True)
class Handed:
    """What there is of one TP, by student."""

    tp: Tp
    standings: Mapping[str, Standing]
    submitted: frozenset[str]
    """Students with a folder."""
    changed: Mapping[str, str]
    """Those whose stored marks are not those of what lies there now, and why."""
    unchecked: str
    """Why that could not be found out; empty if it was."""

    @property
    def everyone(self) -> set[str]:
        """Names of the folders and rows of all who handed in."""
        return {*self.standings, *self.submitted}

    @cached_property
    def folders(self) -> Mapping[str, str]:
        """By student the folder's name, whose letters may be composed otherwise."""
        return {nfc(name): name for name in sorted(self.standings)}


def read_handed(course: Course, assignment: Assignment, tp: Tp) -> Handed:
    """Return what there is of one TP; who is excluded from the course is left out.

    Raises
    ------
    ConfigurationError
        If the gradebook cannot be read.
    """
    standings = {
        name: standing
        for name, standing in read_standings(course.db_url, tp.name).items()
        if name not in course.excluded
    }
    submitted = {
        name
        for name in students_with(course.folder("submitted"), tp.name)
        if name not in course.excluded
    }
    changed: dict[str, str] = {}
    unchecked = ""
    if standings and submitted:
        from nbjudge.classroom import plan_class

        try:
            changed = {
                task.student: task.why
                for task in plan_class(course, tp.name)
                if task.need is not Need.NOTHING
                and task.student in standings
                and not set(task.why.split(", ")) <= _WITHOUT_DOUBT
            }
        except MachineError as error:  # marks can be made where nothing can be graded
            unchecked = str(error)
    return Handed(
        tp=tp,
        standings=standings,
        submitted=frozenset(submitted),
        changed=changed,
        unchecked=unchecked,
    )


def points_of(
    tp: Tp, folder: str, standing: Standing, extension: timedelta = timedelta()
) -> Points:
    """Return what the gradebook has of one submission, exactly.

    Parameters
    ----------
    tp
        Of which assignment.
    folder
        Whose, as it stands in the gradebook.
    standing
        What was read of it.
    extension
        Of the due date, by the roll.

    Raises
    ------
    ConfigurationError
        If a number of the gradebook is none.
    """
    several = any(":" in name for name in tp.questions)
    found: dict[str, Question] = {}
    penalty = Fraction(0)
    try:
        for notebook, part in standing.parts.items():
            penalty += exact(part.penalty or 0.0)
            for cell, score in part.scores.items():
                key = f"{notebook}:{cell}" if several else cell
                given = score.auto if score.manual is None else score.manual
                counts = given is not None
                question = Question(
                    points=exact(given or 0.0),
                    maximum=tp.questions.get(key, exact(score.max_score)),
                    extra=exact(score.extra or 0.0) if counts else Fraction(0),
                    by_hand=score.manual is not None,
                    waiting=score.needs_manual_grade,
                )
                # Texts that are worth nothing have a row each, too.
                if key in tp.questions or question.points or question.extra or question.waiting:
                    found[key] = question
    except ValueError as error:
        raise ConfigurationError(
            f"Reading the gradebook of {folder}, {tp.name}: {error}. Grade the student again: "
            f"nbjudge grade {tp.name} --student {folder} --force."
        ) from None
    ordered = {
        key: found.get(key, Question(points=Fraction(0), maximum=maximum))
        for key, maximum in tp.questions.items()
    }
    return Points(
        questions=ordered | {key: value for key, value in found.items() if key not in ordered},
        penalty=penalty,
        seconds_late=_late(standing, extension),
    )


def _late(standing: Standing, extension: timedelta) -> Fraction:
    """Return the seconds after a student's due date, the roll's extension granted.

    The longer of the two counts: the gradebook may have the roll's already.
    """
    more = max(0.0, extension.total_seconds() - standing.extension_seconds)
    return max(Fraction(0), Fraction(repr(standing.seconds_late)) - Fraction(repr(more)))
