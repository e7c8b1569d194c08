"""The marks of an exam, ``exam.csv``: for everyone a mark on 20 or a code."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path

from nbjudge.errors import TableError
from nbjudge.marking.exact import FULL, parse
from nbjudge.marking.roll import EXAM, EXAMS, SECOND_EXAM, Code, Student, code_of
from nbjudge.marking.sums import ExamMark
from nbjudge.marking.tables import Line, Table, plain, read_table, synonyms

_COLUMNS = {
    **synonyms(
        id="id|identifiant|login|student|student id|étudiant|username|nom d'utilisateur",
        number="numéro|numéro d'étudiant|numéro étudiant|n° étudiant|n° d'étudiant|no étudiant|"
        "num étudiant|number|student number|id number|numéro d'identification",
        name="nom|nom de famille|name|last name|surname|family name",
        mark="note|note sur 20|note /20|mark|mark on 20|mark /20|grade|grade /20",
        code="code",
        passed_over="prénom|first name|firstname|given name|email|e-mail|mail|courriel|groupe|"
        "group|adresse de courriel|remarque|remarques|commentaire|remark|remarks|comment|anonymat",
    ),
    **dict.fromkeys(EXAMS, "mark"),
}
_NAMED = 12
"""Students that a sentence names."""


def read_exam(
    path: Path,
    students: Mapping[str, Student],
    *,
    second_session: bool = False,
    roll_name: str = "students.csv",
) -> dict[str, ExamMark]:
    """Return what everyone got in an exam, by id; codes of the roll included.

    Parameters
    ----------
    path
        A table with a column id or numéro, and one with marks.
    students
        Everyone who must be in it, by id.
    second_session
        Whether only those who sat it again are in it.
    roll_name
        Where students come from, for sentences.

    Raises
    ------
    TableError
        Naming the line, and what to do: an unknown, missing or duplicated student, what is no mark
        on 20, a code that contradicts the roll.
    """
    table = read_table(path)
    columns = _columns(table)
    who = _Who(table, students, roll_name)
    key = SECOND_EXAM if second_session else EXAM
    found: dict[str, ExamMark] = {}
    lines: dict[str, int] = {}
    for line in table.lines:
        student = who.of(line, columns)
        if student.id in found:
            raise TableError(
                f"{table.at(line.number)}: {_called(student)} stands in line {lines[student.id]} "
                "already. Keep the line that is right, and remove the other."
            )
        mark = _mark(table, line, columns)
        listed = student.codes.get(key)
        if listed is not None and listed is not mark.code:
            given = "a mark" if mark.code is None else f"the code {mark.code}"
            raise TableError(
                f"{table.at(line.number)}: {_called(student)} has {given} here, and the code "
                f"{listed} in {roll_name}. Remove one of the two."
            )
        found[student.id], lines[student.id] = mark, line.number
    for student in students.values():
        if student.id not in found and key in student.codes:
            found[student.id] = ExamMark(code=student.codes[key])
    missing = [student for student in students.values() if student.id not in found]
    if missing and not second_session:
        raise TableError(
            f"Reading {path}: there is no line for {_list(missing)}. Write a mark, or ABI, ABJ or "
            f"DEF for each, here or in a column « code exam » of {roll_name}."
        )
    return found


def _called(student: Student) -> str:
    name = student.full_name
    return student.id if name == student.id else f"{student.id} ({name})"


def _list(students: Iterable[Student]) -> str:
    names = [_called(student) for student in students]
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _columns(table: Table) -> dict[str, int]:
    found: dict[str, int] = {}
    for place, header in enumerate(table.header):
        column = _COLUMNS.get(plain(header))
        if column is None:
            raise TableError(
                f"{table.at(table.header_line)}: the column {header!r} is not known. Expected are "
                "id or numéro, and note (or exam); code, nom, prénom, groupe, courriel and remarque"
                " may be there. Rename or remove it."
            )
        if column == "passed_over":
            continue
        if column in found:
            raise TableError(
                f"{table.at(table.header_line)}: the columns {table.header[found[column]]!r} and "
                f"{header!r} mean the same. Keep the one that counts."
            )
        found[column] = place
    if "mark" not in found:
        raise TableError(
            f"{table.at(table.header_line)}: there is no column with marks. Call it note (or exam)."
        )
    if "id" not in found and "number" not in found:
        raise TableError(
            f"{table.at(table.header_line)}: no column says who a mark belongs to. Add one called "
            "id or numéro."
        )
    return found


class _Who:
    """Finds students by what a table says of them."""

    def __init__(self, table: Table, students: Mapping[str, Student], roll_name: str) -> None:
        self._table = table
        self._students = students
        self._roll = roll_name
        self._numbers = {s.number: s for s in students.values() if s.number}

    def of(self, line: Line, columns: Mapping[str, int]) -> Student:
        said = [
            (column, line.cells[columns[column]])
            for column in ("id", "number")
            if column in columns and line.cells[columns[column]]
        ]
        if not said:
            raise TableError(
                f"{self._table.at(line.number)}: the line says of nobody whose mark it is. Write "
                "the id or number of the student, or remove the line."
            )
        found = [self._find(line, column, value) for column, value in said]
        if found[0].id != found[-1].id:
            raise TableError(
                f"{self._table.at(line.number)}: {said[0][1]!r} is {_called(found[0])}, and "
                f"{said[1][1]!r} is {_called(found[1])}. Correct one of them."
            )
        name = line.cells[columns["name"]] if "name" in columns else ""
        # Where one column of a spreadsheet was sorted and the others were not, all marks move.
        if name and found[0].name and not _share_a_word(name, found[0].full_name):
            raise TableError(
                f"{self._table.at(line.number)}: {said[0][1]!r} is {_called(found[0])}, and the "
                f"name here is {name!r}. Were the columns sorted apart? Correct the line."
            )
        return found[0]

    def _find(self, line: Line, column: str, value: str) -> Student:
        by_id, by_number = self._students.get(value), self._numbers.get(value)
        found = (by_id or by_number) if column == "id" else (by_number or by_id)
        if found is not None:
            return found
        raise TableError(
            f"{self._table.at(line.number)}: {value!r} is no {column} of a student in {self._roll}."
            f"{self._hint(value)} Correct it, add the student to {self._roll}, or remove the line."
        )

    def _hint(self, value: str) -> str:
        if re.fullmatch(r"\d+(?:[.,]\d+)?[eE]\+?\d+", value):
            return " A spreadsheet has shortened the number: format its column as text."
        for number, student in self._numbers.items():
            if number.lstrip("0") == value.lstrip("0"):
                return f" {student.id} has the number {number}: a spreadsheet takes zeros away."
        near = difflib.get_close_matches(value, [*self._students, *self._numbers], n=1)
        return f" Is it {near[0]!r}?" if near else ""


def _share_a_word(one: str, other: str) -> bool:
    return bool(set(plain(one).split()) & set(plain(other).split()))


def _mark(table: Table, line: Line, columns: Mapping[str, int]) -> ExamMark:
    text = line.cells[columns["mark"]]
    said = line.cells[columns["code"]] if "code" in columns else ""
    code = code_of(text)
    if said:
        if code is None and text:
            raise TableError(
                f"{table.at(line.number)}: there is the mark {text!r} and the code {said!r}. Keep "
                "one of them."
            )
        code = _same(table, line, code, code_of(said), said)
    if code is not None:
        return ExamMark(code=code)
    if not text:
        raise TableError(
            f"{table.at(line.number)}: there is no mark. Write one on 20, or ABI (absent), ABJ "
            "(absent with a reason) or DEF."
        )
    try:
        mark: Fraction = parse(text)
    except ValueError:
        raise TableError(
            f"{table.at(line.number)}: {text!r} is no mark. Write a number on 20, with a comma or a"
            " point (12,5), or ABI, ABJ or DEF."
        ) from None
    if not 0 <= mark <= FULL:
        raise TableError(
            f"{table.at(line.number)}: the mark {text} is not between 0 and 20. If the exam is on "
            "another scale, convert the column to marks on 20."
        )
    return ExamMark(mark=mark)


def _same(table: Table, line: Line, one: Code | None, other: Code | None, text: str) -> Code:
    if other is None:
        raise TableError(
            f"{table.at(line.number)}: the code {text!r} is not known. Write ABI, ABJ or DEF."
        )
    if one is not None and one is not other:
        raise TableError(f"{table.at(line.number)}: there are two codes, {one} and {other}.")
    return other
