"""The marks of a class on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from nbjudge.inert import printable
from nbjudge.marking.class_marks import ClassMarks, StudentMarks
from nbjudge.marking.exact import decimal, written
from nbjudge.marking.roll import ROLL, Code

if TYPE_CHECKING:
    from rich.table import Table

NAMED = 10
"""Students that a line of what is to be looked at names."""


def table(marks: ClassMarks) -> Table:
    """Return the marks as a table: each TP on 20, the TP mark, the exam, the final mark."""
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, padding=(0, 0, 0, 2), pad_edge=False, header_style="bold")
    made.add_column("student", overflow="fold")
    for name in (*(tp.name for tp in marks.tps), "TP"):
        made.add_column(name, justify="right", no_wrap=True)
    if marks.has_exam:
        made.add_column("exam", justify="right", no_wrap=True)
        made.add_column("final", justify="right", no_wrap=True, style="bold")
    for one in marks.students:
        made.add_row(Text(_name(one)), *_row(marks, one))
    if marks.unknown:
        made.add_row(Text(f"not in {ROLL}:", style="bold"))
        for one in marks.unknown:
            made.add_row(Text(f" {_name(one)}"), *_row(marks, one))
    return made


def _name(one: StudentMarks) -> str:
    student = one.student
    name = student.id if student.full_name == student.id else f"{student.id} {student.full_name}"
    return printable(name, len(name))


def _row(marks: ClassMarks, one: StudentMarks) -> Iterator[str]:
    for tp in marks.tps:
        mark = one.tps[tp.name]
        if mark.code is None and mark.points is None:
            yield "-"
        else:
            star = " *" if mark.provisional else ""
            yield _mark(mark.mark, mark.code) + star
    yield _mark(one.tp.mark, one.tp.code)
    if marks.has_exam:
        yield "" if one.exam is None else _mark(one.exam.mark, one.exam.code)
        final = one.final
        yield "" if final is None else _mark(final.mark, final.code)


def _mark(value: Fraction | None, code: Code | None) -> str:
    shown = "" if value is None else decimal(value, 2, fixed=True)
    return f"{shown} {code or ''}".strip()


def legend(marks: ClassMarks) -> Iterator[str]:
    """Yield what the table's numbers are."""
    rules = marks.rules
    yield (
        "Marks on 20, shown with two decimals, computed with all of them. - is nothing handed in "
        "or graded: counts 0."
    )
    if any(one.provisional for one in marks.students):
        yield "* provisional: something is still to be graded or reviewed in formgrader."
    if marks.has_exam:
        yield (
            f"final = {written(rules.tp_share)} TP + {written(rules.exam_share)} exam, rounded "
            f"once to {written(rules.step)}, upwards at the half."
        )


def look_at(marks: ClassMarks, most: int = NAMED) -> Iterator[str]:
    """Yield what a person should look at, with the students it is about."""
    for problem in marks.problems:
        names = ", ".join(problem.students[:most])
        more = len(problem.students) - most
        names += f" and {more} more" if more > 0 else ""
        about = ": ".join(part for part in (problem.assignment, names) if part)
        yield f"look at: {about}: {problem.sentence}"
