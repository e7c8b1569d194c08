"""The roll of a course, ``students.csv``: who must appear, with extensions and codes.

Personal data: the file lies in the course's folder and in no repository.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from nbjudge.errors import TableError
from nbjudge.marking.tables import Line, Table, plain, read_table, synonyms

ROLL = "students.csv"
EXAM, SECOND_EXAM = "exam", "exam2"
"""Under these names, codes are the exam's, and its second session's."""


class Code(StrEnum):
    """What stands in place of a mark."""

    ABI = "ABI"
    """Absent without a reason (*absence injustifiée*)."""
    ABJ = "ABJ"
    """Absent with a reason (*absence justifiée*)."""
    DEF = "DEF"
    """No mark can be given (*défaillant*)."""


@dataclass(frozen=True, kw_only=True)
class Student:
    """One line of the roll."""

    id: str
    """As the folders in ``submitted/`` are named."""
    name: str = ""
    """Nom."""
    first_name: str = ""
    """Prénom."""
    number: str = ""
    """Numéro d'étudiant: a text, its zeros in front count."""
    email: str = ""
    group: str = ""
    extension: timedelta = timedelta()
    """Extra time on every deadline (tiers-temps)."""
    extensions: Mapping[str, timedelta] = field(default_factory=dict)
    """By assignment, in place of :attr:`extension`."""
    codes: Mapping[str, Code] = field(default_factory=dict)
    """By assignment, :data:`EXAM` or :data:`SECOND_EXAM`."""

    def extension_for(self, assignment: str) -> timedelta:
        """Return the extra time on the deadline of an assignment."""
        return self.extensions.get(assignment, self.extension)

    @property
    def full_name(self) -> str:
        """First name and name; the id where there are none."""
        return f"{self.first_name} {self.name}".strip() or self.id


@dataclass(frozen=True, kw_only=True)
class Roll:
    """All who are enrolled, in the order of the file."""

    path: Path
    students: Mapping[str, Student]
    """By id."""
    assignments: frozenset[str] = frozenset()
    """Assignments that its columns name: whether there are such, only the course knows."""

    def by_number(self) -> dict[str, Student]:
        """Return those who have a number, by it."""
        return {s.number: s for s in self.students.values() if s.number}


_COLUMNS = synonyms(
    id="id|identifiant|login|student|student id|étudiant|username|nom d'utilisateur",
    name="nom|nom de famille|name|last name|surname|family name",
    first_name="prénom|first name|firstname|given name",
    number="numéro|numéro d'étudiant|numéro étudiant|n° étudiant|n° d'étudiant|no étudiant|"
    "num étudiant|number|student number|id number|numéro d'identification",
    email="email|e-mail|mail|courriel|adresse de courriel|adresse e-mail|email address",
    group="groupe|group|groupe de TD|groupe de TP",
    extension="extension|prolongation|tiers-temps|tiers temps|extra time",
    remark="remarque|remarques|commentaire|remark|remarks|comment",
)
_OF_ASSIGNMENT = re.compile(
    r"(?P<what>code|extension|prolongation|tiers[- ]temps|extra[- ]time)[\s:_]+(?P<name>\S.*)",
    re.IGNORECASE,
)
EXAMS = synonyms(
    exam="exam|examen|examen 1|exam 1|session 1|première session|first session",
    exam2="exam2|examen2|exam 2|examen 2|session 2|seconde session|deuxième session|rattrapage|"
    "second session",
)
"""What the exam and its second session are called in headers."""
_UNITS = {
    "j": "days", "jour": "days", "jours": "days", "d": "days", "day": "days", "days": "days",
    "h": "hours", "heure": "hours", "heures": "hours", "hour": "hours", "hours": "hours",
    "min": "minutes", "mn": "minutes", "minute": "minutes", "minutes": "minutes",
}  # fmt: skip
_AMOUNT = re.compile(r"(\d+(?:[.,]\d+)?)\s*([a-z]+)\.?\s*")


def read_roll(root: Path) -> Roll | None:
    """Return the roll of the course in a folder; None if it has none.

    Raises
    ------
    TableError
        Naming the line, and what to do.
    """
    path = root / ROLL
    if not path.is_file():
        return None
    table = read_table(path)
    columns = _columns(table)
    students: dict[str, Student] = {}
    seen: dict[tuple[str, str], int] = {}
    for line in table.lines:
        student = _student(table, columns, line)
        for what, value in (
            ("id", student.id),
            ("number", student.number),
            ("e-mail address", student.email.casefold()),
        ):
            before = seen.setdefault((what, value), line.number)
            if value and before != line.number:
                raise TableError(
                    f"{table.at(line.number)}: the {what} {value!r} stands in line {before} already"
                    ". Each student has one line; remove one of the two, or correct it."
                )
        students[student.id] = student
    if not students:
        raise TableError(f"Reading {path}: there is no student in it, only a header.")
    named = {name for what, name in columns if name and name not in (EXAM, SECOND_EXAM)}
    return Roll(path=path, students=MappingProxyType(students), assignments=frozenset(named))


_Columns = Mapping[tuple[str, str], int]
"""Where each column is, by what it holds, and of which assignment (empty for none)."""


def _columns(table: Table) -> _Columns:
    found: dict[tuple[str, str], int] = {}
    for place, header in enumerate(table.header):
        column = _meaning(table, header)
        if column[0] == "remark":
            continue
        if column in found:
            raise TableError(
                f"{table.at(table.header_line)}: the columns {table.header[found[column]]!r} and "
                f"{header!r} mean the same. Remove or rename one of them."
            )
        found[column] = place
    if ("id", "") not in found and ("number", "") not in found:
        raise TableError(
            f"{table.at(table.header_line)}: there is no column id. Add one that holds the names "
            "that students' folders in submitted/ have; where these are the numbers of the "
            "students, a column numéro is enough."
        )
    return found


def _meaning(table: Table, header: str) -> tuple[str, str]:
    known = _COLUMNS.get(plain(header))
    if known is not None:
        return known, ""
    match = _OF_ASSIGNMENT.fullmatch(header)
    if match is None:
        raise TableError(
            f"{table.at(table.header_line)}: the column {header!r} is not known. Known are id, nom,"
            " prénom, numéro, courriel, groupe, extension, code TP (such as: code tp1, code exam), "
            "extension TP and remarque, in French or English. Rename or remove it; nothing is read "
            "from a column remarque."
        )
    what = "code" if match["what"].lower() == "code" else "extension"
    name = match["name"].strip()
    return what, EXAMS.get(plain(name), name) if what == "code" else name


def _student(table: Table, columns: _Columns, line: Line) -> Student:
    def cell(what: str, name: str = "") -> str:
        place = columns.get((what, name))
        return "" if place is None else line.cells[place]

    extensions, codes = {}, {}
    for (what, name), place in columns.items():
        text = line.cells[place]
        if what == "code" and text:
            codes[name] = _code(table, line, text)
        elif what == "extension" and name and text:
            extensions[name] = _duration(table, line, text)
    return Student(
        id=_id(table, line, cell("id") if ("id", "") in columns else cell("number")),
        name=cell("name"),
        first_name=cell("first_name"),
        number=cell("number"),
        email=cell("email"),
        group=cell("group"),
        extension=_duration(table, line, cell("extension")),
        extensions=MappingProxyType(extensions),
        codes=MappingProxyType(codes),
    )


def _id(table: Table, line: Line, text: str) -> str:
    if not text:
        raise TableError(
            f"{table.at(line.number)}: the student has no id. Write the name of the student's "
            "folder in submitted/, or remove the line."
        )
    if text.startswith(".") or "/" in text or not text.isprintable():
        raise TableError(
            f"{table.at(line.number)}: the id {text!r} cannot be the name of a folder in submitted/"
            " (no dot in front, no slash, nothing invisible). Correct it."
        )
    return text


def code_of(text: str) -> Code | None:
    """Return the code that a text is; None if it is none."""
    try:
        return Code(plain(text).upper())
    except ValueError:
        return None


def _code(table: Table, line: Line, text: str) -> Code:
    code = code_of(text)
    if code is None:
        raise TableError(
            f"{table.at(line.number)}: the code {text!r} is not known. Write ABI (absent), ABJ "
            "(absent with a reason) or DEF, or leave the cell empty."
        )
    return code


def _duration(table: Table, line: Line, text: str) -> timedelta:
    """Return what ``2 j``, ``1 j 12 h`` or ``90 min`` says; nothing is no time."""
    rest = text.casefold().strip()
    if rest in ("", "0", "-"):
        return timedelta()
    total = timedelta()
    while (match := _AMOUNT.match(rest)) and match[2] in _UNITS:
        try:
            total += timedelta(**{_UNITS[match[2]]: float(match[1].replace(",", "."))})
        except OverflowError:
            break
        rest = rest[match.end() :]
    if rest or total > timedelta(days=366):
        raise TableError(
            f"{table.at(line.number)}: the extension {text!r} is no time on a deadline. Write it "
            "with its unit, such as 2 j, 36 h or 1 j 12 h (at most a year), or leave the cell empty"
            "."
        )
    return total
