"""The marks of a class: roll, gradebook and exam put together, and what is missing from them."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from fractions import Fraction
from functools import cached_property
from pathlib import Path

from nbjudge.assignment import Assignment
from nbjudge.course import Course
from nbjudge.errors import ConfigurationError, MachineError, TableError, UnknownNameError
from nbjudge.gradebook import Standing, read_standings
from nbjudge.marking.exact import exact
from nbjudge.marking.exam import read_exam
from nbjudge.marking.roll import ROLL, Code, Roll, Student, read_roll
from nbjudge.marking.rules import Rules, rules_from
from nbjudge.marking.sums import (
    Average,
    ExamMark,
    Final,
    Points,
    Question,
    TpMark,
    average,
    final_mark,
    tp_mark,
)
from nbjudge.marks import columns
from nbjudge.plan import Need
from nbjudge.receipts import read_receipt
from nbjudge.result_key import CHANGED
from nbjudge.submissions import students_with


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


@dataclass(frozen=True, kw_only=True)
class StudentMarks:
    """All marks of one student."""

    student: Student
    tps: Mapping[str, TpMark]
    tp: Average
    exam: ExamMark | None = None
    """The one that counts; None where no exam was given."""
    first_exam: ExamMark | None = None
    """Where a second session took its place."""
    final: Final | None = None
    keys: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By TP: what its stored result was made from (:mod:`nbjudge.result_key`)."""

    @property
    def provisional(self) -> bool:
        """Whether a person is still to grade something that counts."""
        return any(mark.provisional for mark in self.tps.values())


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something that a person should look at before marks leave the house."""

    kind: str
    """``unknown``, ``missing``, ``ungraded``, ``changed``, ``provisional``, ``contradiction`` or
    ``extension``."""
    students: tuple[str, ...]
    sentence: str
    """With what to do, without the students' names."""
    assignment: str = ""


@dataclass(frozen=True, kw_only=True)
class ClassMarks:
    """The marks of a class, with all that they were made from."""

    course_id: str
    rules: Rules
    tps: tuple[Tp, ...]
    students: tuple[StudentMarks, ...]
    """Everyone of the roll, in its order; without a roll everyone who handed in."""
    unknown: tuple[StudentMarks, ...] = ()
    """Those who handed in and are not in the roll."""
    problems: tuple[Problem, ...] = ()
    has_roll: bool = False
    has_exam: bool = False
    has_second_session: bool = False

    def find(self, name: str) -> StudentMarks:
        """Return a student's marks, by id or number.

        Raises
        ------
        UnknownNameError
            If there is nobody of this name.
        """
        every = [*self.students, *self.unknown]
        for marks in every:
            if marks.student.id == name:
                return marks
        for marks in every:
            if marks.student.number and marks.student.number == name:
                return marks
        near = difflib.get_close_matches(name, [marks.student.id for marks in every], n=3)
        hint = f" Near it are: {', '.join(near)}." if near else ""
        raise UnknownNameError(
            f"Looking for {name!r}: there is no student of this id or number in "
            f"{ROLL if self.has_roll else 'the class (and no ' + ROLL + ')'}.{hint}"
        )


@dataclass(frozen=True, kw_only=True)
class Exams:
    """What exams gave, by student."""

    first: Mapping[str, ExamMark]
    second: Mapping[str, ExamMark] = field(default_factory=dict)


_WITHOUT_DOUBT = {CHANGED["engine"], CHANGED["libraries"]}
"""Reasons to grade again that are none to doubt a mark: a new release of something."""


@dataclass(kw_only=True)
class _Handed:
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
        return {*self.standings, *self.submitted}

    @cached_property
    def folders(self) -> Mapping[str, str]:
        """By student the folder's name, whose letters may be composed otherwise."""
        return {_nfc(name): name for name in sorted(self.standings)}


def class_marks(
    course: Course,
    names: Sequence[str] = (),
    *,
    exam: Path | None = None,
    second_session: Path | None = None,
    exams: Exams | None = None,
) -> ClassMarks:
    """Return the marks of a class as gradebook, roll and exam have them now; nothing is changed.

    Parameters
    ----------
    course
        The course.
    names
        The TPs that count; all of the course when empty.
    exam, second_session
        Tables of marks; the second one takes the place of the first for who is in it.
    exams
        In place of tables, what was read of them before; who is not in it has no final mark.

    Raises
    ------
    TableError
        If the roll or a table of an exam cannot be used.
    ConfigurationError
        If the rules or the gradebook cannot be used.
    UnknownNameError
        If there is no such TP, or nobody to mark.
    """
    rules = rules_from(course.config)
    tps = _tps(course, names, rules)
    roll = read_roll(course.root)
    _check_roll(course, roll)
    handed = [_handed(course, assignment, tp) for assignment, tp in tps]
    known = _known(roll, handed)
    if not known:
        raise UnknownNameError(
            f"Making the marks of {', '.join(one.tp.name for one in handed)}: nobody has handed in,"
            f" and there is no {ROLL} in {course.root}."
        )
    where = ROLL if roll else "the class"
    if exam is not None:
        first = read_exam(exam, known, roll_name=where)
        second = (
            read_exam(second_session, known, second_session=True, roll_name=where)
            if second_session
            else {}
        )
        exams = Exams(first=first, second=second)
    everyone = {_nfc(name) for one in handed for name in one.everyone}
    unknown = {name: Student(id=name) for name in sorted(everyone - set(known))}
    _refuse_two_penalties(rules, handed)

    def made(student: Student) -> StudentMarks:
        return _student_marks(course, rules, student, handed, exams)

    return ClassMarks(
        course_id=course.course_id,
        rules=rules,
        tps=tuple(one.tp for one in handed),
        students=tuple(made(student) for student in known.values()),
        unknown=tuple(made(student) for student in unknown.values()),
        problems=tuple(_problems(rules, roll, known, unknown, handed)),
        has_roll=roll is not None,
        has_exam=exams is not None,
        has_second_session=exams is not None and bool(exams.second),
    )


def _tps(course: Course, names: Sequence[str], rules: Rules) -> list[tuple[Assignment, Tp]]:
    every = course.assignments()
    if not every:
        raise UnknownNameError(f"There is no assignment in {course.folder('source')}.")
    for name in names:
        if name not in every:
            raise UnknownNameError(
                f"Making the marks of {name}: there is no such assignment in "
                f"{course.folder('source')}. There are: {', '.join(every)}."
            )
    chosen = [name for name in every if not names or name in names]
    if rules.weights is not None:
        for name in rules.weights:
            if name not in every:
                raise ConfigurationError(
                    f"nbjudge.configure_marks: weights has {name!r}, and there is no such "
                    f"assignment. There are: {', '.join(every)}."
                )
        for name in chosen:
            if name not in rules.weights:
                raise ConfigurationError(
                    f"nbjudge.configure_marks: weights says nothing of {name}. Give it a weight, "
                    "0 if it does not count, or name the TPs that do: nbjudge marks TP TP."
                )
        if not any(rules.weights[name] for name in chosen):
            raise ConfigurationError(
                f"nbjudge.configure_marks: the weights of {', '.join(chosen)} are all 0."
            )
    found = []
    for name in chosen:
        assignment = course.compile(name)
        tp = tp_of(assignment)
        if tp.maximum <= 0:
            raise ConfigurationError(
                f"Making the marks of {name}: it gives no points, so there is no mark on 20. Name "
                "the TPs that count: nbjudge marks TP TP."
            )
        found.append((assignment, tp))
    return found


def tp_of(assignment: Assignment) -> Tp:
    """Return what of an assignment its marks need."""
    return Tp(
        name=assignment.name,
        version=assignment.version,
        questions={key: exact(value) for key, value in columns(assignment).items()},
    )


def _check_roll(course: Course, roll: Roll | None) -> None:
    for name in sorted(roll.assignments if roll else ()):
        if name not in course.assignments():
            raise TableError(
                f"Reading {ROLL}: a column names {name!r}, and there is no such assignment. There "
                f"are: {', '.join(course.assignments())}; the exam's column is « code exam »."
            )


def _handed(course: Course, assignment: Assignment, tp: Tp) -> _Handed:
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
    return _Handed(
        tp=tp,
        standings=standings,
        submitted=frozenset(submitted),
        changed=changed,
        unchecked=unchecked,
    )


def _nfc(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _known(roll: Roll | None, handed: Iterable[_Handed]) -> Mapping[str, Student]:
    if roll is not None:
        return roll.students
    names = sorted({_nfc(name) for one in handed for name in one.everyone})
    return {name: Student(id=name) for name in names}


def _student_marks(
    course: Course,
    rules: Rules,
    student: Student,
    handed: Sequence[_Handed],
    exams: Exams | None,
) -> StudentMarks:
    marks, keys = {}, {}
    for one in handed:
        name = one.folders.get(student.id, student.id)
        standing = one.standings.get(name)
        points = (
            None
            if standing is None
            else points_of(one.tp, name, standing, student.extension_for(one.tp.name))
        )
        code = student.codes.get(one.tp.name)
        marks[one.tp.name] = tp_mark(one.tp.name, one.tp.maximum, points, code, rules)
        receipt = read_receipt(course.root, name, one.tp.name)
        if receipt is not None and points is not None:
            keys[one.tp.name] = receipt.key
    tp = average(list(marks.values()), rules)
    first = exams.first.get(student.id) if exams else None
    again = exams.second.get(student.id) if exams else None
    counts = again or first
    return StudentMarks(
        student=student,
        tps=marks,
        tp=tp,
        exam=counts,
        first_exam=first if again else None,
        final=None if counts is None else final_mark(tp, counts, rules),
        keys=keys,
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


def _refuse_two_penalties(rules: Rules, handed: Iterable[_Handed]) -> None:
    if rules.late is None:
        return
    for one in handed:
        for name, standing in one.standings.items():
            if any(part.penalty for part in standing.parts.values()):
                raise ConfigurationError(
                    f"nbjudge.configure_marks has late_per_day, and the gradebook has a late "
                    f"penalty of nbgrader's plug-in already ({name}, {one.tp.name}). It would be "
                    "paid for twice: remove late_per_day, or take the plug-in out of "
                    f"nbgrader_config.py and run `nbjudge grade {one.tp.name}`."
                )


def _problems(
    rules: Rules,
    roll: Roll | None,
    known: Mapping[str, Student],
    unknown: Mapping[str, Student],
    handed: Sequence[_Handed],
) -> list[Problem]:
    everyone = {_nfc(name) for one in handed for name in one.everyone}
    absent = [name for name in known if name not in everyone]
    found = [
        Problem(
            kind="unknown",
            students=(name,),
            sentence=f"not in {ROLL}, and handed in "
            f"{', '.join(one.tp.name for one in handed if name in map(_nfc, one.everyone))}."
            f"{_whose(name, roll, absent)} Add a line to {ROLL}, or give the folder in submitted/ "
            "the name that is there.",
        )
        for name in unknown
    ]
    for one in handed:
        found += _problems_of(rules, known, one)
    return found


def _whose(name: str, roll: Roll | None, absent: Sequence[str]) -> str:
    """Return whose folder it may be; those who handed in nothing come into question."""
    same = roll.by_number().get(name) if roll else None
    if same is not None:
        return f" It is the number of {same.id}."
    folded = {student.casefold(): student for student in absent}
    near = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.8)
    return f" Is it {folded[near[0]]}, who handed in nothing?" if near else ""


def _problems_of(rules: Rules, known: Mapping[str, Student], one: _Handed) -> list[Problem]:
    tp = one.tp.name
    graded = {_nfc(name): standing for name, standing in one.standings.items()}
    submitted = set(map(_nfc, one.submitted))
    codes = {name: student.codes.get(tp) for name, student in known.items()}
    missing = [n for n in known if n not in graded and n not in submitted and codes[n] is None]
    contradicted = [
        n for n in known if codes[n] in (Code.ABI, Code.ABJ) and (n in graded or n in submitted)
    ]
    late = [
        name
        for name, student in known.items()
        if name in graded
        and rules.late is None
        and any(part.penalty for part in graded[name].parts.values())
        and student.extension_for(tp).total_seconds() > graded[name].extension_seconds
    ]
    waiting = [
        name
        for name, standing in graded.items()
        if codes.get(name) is None
        and any(
            s.needs_manual_grade for part in standing.parts.values() for s in part.scores.values()
        )
    ]
    every = [
        ("missing", missing, f"handed in nothing: counts 0, unless {ROLL} has a code (column "
         f"« code {tp} »)."),
        ("ungraded", sorted(submitted - set(graded)), "handed in and not graded: counts 0 until "
         f"`nbjudge grade {tp}`."),
        ("provisional", sorted(waiting), "something is still to be graded or reviewed by hand in "
         "formgrader."),
        ("contradiction", contradicted, f"handed in, and {ROLL} has ABI or ABJ: the code counts."),
        ("extension", late, f"has a late penalty, and an extension in {ROLL} that the gradebook "
         f"has not: `nbjudge extensions {tp}`, then `nbjudge grade {tp}`."),
    ]  # fmt: skip
    for why in sorted(set(one.changed.values())):
        names = sorted(_nfc(name) for name, said in one.changed.items() if said == why)
        every.append(
            ("changed", names, f"its marks are not those of now ({why}): `nbjudge grade {tp}`.")
        )
    found = [
        Problem(kind=kind, students=tuple(names), sentence=sentence, assignment=tp)
        for kind, names, sentence in every
        if names
    ]
    if one.unchecked:
        sentence = f"whether its marks are those of now was not found out: {one.unchecked}"
        found.append(Problem(kind="changed", students=(), sentence=sentence, assignment=tp))
    if not graded and not submitted:
        sentence = (
            "nobody handed in. If it does not count yet, name the TPs that do: nbjudge marks TP TP."
        )
        found = [Problem(kind="missing", students=tuple(missing), sentence=sentence, assignment=tp)]
    return found
