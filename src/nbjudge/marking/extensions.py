"""The roll's extensions, granted in nbgrader's gradebook: its late penalties know no other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from nbjudge.course import Course
from nbjudge.due import check_known
from nbjudge.errors import UnknownNameError
from nbjudge.gradebook import read_standings
from nbjudge.imports import load_jsonschema
from nbjudge.marking.roll import ROLL, read_roll
from nbjudge.writer_lock import only_writer


@dataclass(frozen=True, kw_only=True)
class Granted:
    """One extension that the gradebook had not."""

    assignment: str
    student: str
    before: timedelta
    now: timedelta


def grant_extensions(course: Course, names: Sequence[str] = ()) -> list[Granted]:
    """Grant what the roll has and the gradebook has not; a longer one there stays.

    Only submissions that are in the gradebook can have one: those that come later need it again.

    Parameters
    ----------
    course
        The course.
    names
        Only these TPs; all when empty.

    Raises
    ------
    UnknownNameError
        If there is no roll, or no such TP.
    TableError
        If the roll cannot be used.
    ConfigurationError
        If the gradebook cannot be read, or the course is being graded.
    """
    roll = read_roll(course.root)
    if roll is None:
        raise UnknownNameError(f"Granting extensions: there is no {ROLL} in {course.root}.")
    for name in names:
        check_known(name, course.assignments())
    found: list[Granted] = []
    for name in names or course.assignments():
        standings = read_standings(course.db_url, name)
        found += [
            Granted(assignment=name, student=student.id, before=before, now=now)
            for student in roll.students.values()
            if student.id in standings
            and (now := student.extension_for(name))
            > (before := timedelta(seconds=standings[student.id].extension_seconds))
        ]
    if found:
        with only_writer(course.root, found[0].assignment):
            _grant(course, found)
    return found


def _grant(course: Course, found: Sequence[Granted]) -> None:
    load_jsonschema()
    from nbgrader.api import Gradebook

    with Gradebook(course.db_url, course.course_id or "default_course") as gradebook:
        for one in found:
            minutes = one.now.total_seconds() / 60
            gradebook.grant_extension(one.assignment, one.student, minutes=minutes)
