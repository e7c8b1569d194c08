"""The marks of a class: roll, gradebook and exam put together, and what is missing from them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nbjudge.assignment import Assignment
from nbjudge.course import Course
from nbjudge.errors import ConfigurationError, TableError, UnknownNameError
from nbjudge.marking.exam import read_exam
from nbjudge.marking.handed import Handed, Tp, nfc, points_of, read_handed, tp_of
from nbjudge.marking.problems import Problem, find_problems
from nbjudge.marking.roll import ROLL, Roll, Student, read_roll
from nbjudge.marking.rules import Rules, rules_from
from nbjudge.marking.sums import (
    Average,
    ExamMark,
    Final,
    TpMark,
    average,
    final_mark,
    tp_mark,
)
from nbjudge.receipts import read_receipt


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
    handed = [read_handed(course, assignment, tp) for assignment, tp in tps]
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
    everyone = {nfc(name) for one in handed for name in one.everyone}
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
        problems=tuple(find_problems(rules, roll, known, unknown, handed)),
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


def _check_roll(course: Course, roll: Roll | None) -> None:
    for name in sorted(roll.assignments if roll else ()):
        if name not in course.assignments():
            raise TableError(
                f"Reading {ROLL}: a column names {name!r}, and there is no such assignment. There "
                f"are: {', '.join(course.assignments())}; the exam's column is « code exam »."
            )


def _known(roll: Roll | None, handed: Iterable[Handed]) -> Mapping[str, Student]:
    if roll is not None:
        return roll.students
    names = sorted({nfc(name) for one in handed for name in one.everyone})
    return {name: Student(id=name) for name in names}


def _student_marks(
    course: Course,
    rules: Rules,
    student: Student,
    handed: Sequence[Handed],
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


def _refuse_two_penalties(rules: Rules, handed: Iterable[Handed]) -> None:
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
