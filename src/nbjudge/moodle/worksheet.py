"""Moodle's offline grading worksheet: who is in it, when they handed in, which cell is the mark."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo

from nbjudge.errors import TableError
from nbjudge.marking.exact import parse
from nbjudge.moodle.dates import NONE, parse_time
from nbjudge.moodle.sheet import Cell, Row, Sheet, read_sheet

_HEADERS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "English": {
        "id": ("Identifier",),
        "name": ("Full name",),
        "email": ("Email address", "Email"),
        "number": ("ID number",),
        "username": ("Username",),
        "status": ("Status",),
        "group": ("Group",),
        "grade": ("Grade",),
        "maximum": ("Maximum Grade",),
        "scale": ("Scale",),
        "changeable": ("Grade can be changed",),
        "submitted": ("Last modified (submission)",),
        "graded": ("Last modified (grade)",),
    },
    "French": {
        "id": ("Identifiant",),
        "name": ("Nom complet",),
        "email": ("Adresse de courriel", "Adresse e-mail", "Courriel"),
        "number": ("Numéro d'identification", "Numéro d'étudiant"),
        "username": ("Nom d'utilisateur",),
        "status": ("Statut",),
        "group": ("Groupe",),
        "grade": ("Note",),
        "maximum": ("Note maximale",),
        "scale": ("Barème",),
        "changeable": ("La note peut être modifiée",),
        "submitted": ("Dernière modification (travail remis)",),
        "graded": ("Dernière modification (note)",),
    },
}
"""As Moodle's language packs have them; Moodle itself reads them in the language of who imports."""
_REQUIRED = ("id", "grade", "graded")
"""Without which Moodle would not take the worksheet back."""
_NO = ("no", "non")
_DRAFT = ("draft", "brouillon")
_ID = re.compile(r"\D*?(\d{1,18})\s*")


@dataclass(frozen=True, kw_only=True)
class Participant:
    """One line of a worksheet."""

    row: Row
    id: str
    """Moodle's number of this person in this assignment; the zip has it as well."""
    name: str = ""
    email: str = ""
    number: str = ""
    username: str = ""
    group: str = ""
    """The team that hands in together; empty where everyone hands in alone."""
    submitted: datetime | None = None
    """When it was last changed, in UTC, to the minute."""
    grade: str = ""
    """As it stands there."""
    maximum: str = ""
    is_changeable: bool = True
    is_draft: bool = False
    """Whether the student has not submitted it yet."""


@dataclass(frozen=True, kw_only=True)
class Worksheet:
    """A worksheet as it was read."""

    sheet: Sheet
    language: str
    """English or French."""
    columns: Mapping[str, int]
    participants: Mapping[str, Participant]
    """By id, in the order of the file."""

    @property
    def path(self) -> Path:
        """The file."""
        return self.sheet.path

    @property
    def is_blind(self) -> bool:
        """Whether it names nobody."""
        return "name" not in self.columns

    @property
    def has_times(self) -> bool:
        """Whether it says when submissions arrived."""
        return "submitted" in self.columns

    def cell(self, participant: Participant, column: str) -> Cell:
        """Return a participant's cell of a column that is there."""
        return participant.row.cells[self.columns[column]]

    def maximum(self, participant: Participant) -> Fraction:
        """Return the mark that a participant can have at most.

        Raises
        ------
        TableError
            If the assignment is graded with a scale of words, or no number stands there.
        """
        if "maximum" not in self.columns:
            raise TableError(
                f"Reading {self.path}: there is no column {self._wanted('maximum')}"
                f"{', but one called ' + self._wanted('scale') if 'scale' in self.columns else ''}."
                " A mark needs an assignment that is graded with points: see its settings in "
                "Moodle, and download the worksheet again."
            )
        try:
            maximum = parse(participant.maximum)
        except ValueError:
            maximum = Fraction(0)
        if maximum <= 0:
            raise TableError(
                f"{self.sheet.at(participant.row)}: {self._wanted('maximum')} is "
                f"{participant.maximum!r}; expected a number above 0. See the assignment's grade "
                "in Moodle, and download the worksheet again."
            )
        return maximum

    @property
    def decimal_mark(self) -> str:
        """``,`` or ``.``, as its numbers have it; else as its language has it."""
        numbers = [p.maximum for p in self.participants.values()]
        numbers += [p.grade for p in self.participants.values()]
        for number in numbers:
            for mark in (",", "."):
                if mark in number:
                    return mark
        return "," if self.language == "French" else "."

    def _wanted(self, column: str) -> str:
        return f"« {_HEADERS[self.language][column][0]} »"


def read_worksheet(path: Path, zone: ZoneInfo) -> Worksheet:
    """Read a worksheet as Moodle gave it, in English or French.

    Parameters
    ----------
    path
        The file.
    zone
        Of its times.

    Raises
    ------
    TableError
        If it is none, is in another language, or a line of it cannot be read.
    """
    sheet = read_sheet(path)
    if not sheet.rows:
        raise TableError(f"Reading {path}: the file is empty. Download the worksheet again.")
    language, columns = _columns(sheet)
    participants: dict[str, Participant] = {}
    for row in sheet.rows[1:]:
        participant = _participant(sheet, columns, row, zone)
        before = participants.setdefault(participant.id, participant)
        if before is not participant:
            raise TableError(
                f"{sheet.at(row)}: the participant {participant.id} stands in line "
                f"{before.row.number} already. Download the worksheet again."
            )
    if not participants:
        raise TableError(
            f"Reading {path}: there is only a header in it, and no participant. Download the "
            "worksheet again, without a filter."
        )
    return Worksheet(
        sheet=sheet,
        language=language,
        columns=MappingProxyType(columns),
        participants=MappingProxyType(participants),
    )


def _columns(sheet: Sheet) -> tuple[str, dict[str, int]]:
    headers = [_plain(cell.value) for cell in sheet.rows[0].cells]
    best, found = "", dict[str, int]()
    for language, names in _HEADERS.items():
        columns = {}
        for column, words in names.items():
            places = [i for i, header in enumerate(headers) if header in map(_plain, words)]
            if len(places) > 1 and column in (*_REQUIRED, "maximum"):
                raise TableError(
                    f"{sheet.at(sheet.rows[0])}: there are {len(places)} columns {words[0]!r}. "
                    "Download the worksheet again."
                )
            if places:
                columns[column] = places[0]
        if len(columns) > len(found):
            best, found = language, columns
    missing = [column for column in _REQUIRED if column not in found]
    if not missing:
        return best, found
    there = ", ".join(repr(cell.value) for cell in sheet.rows[0].cells[:12])
    if len(found) < 2 or "id" in missing:
        looked = "; ".join(
            f"{language}: {', '.join(words[column][0] for column in (*_REQUIRED, 'maximum'))}"
            for language, words in _HEADERS.items()
        )
        raise TableError(
            f"{sheet.at(sheet.rows[0])}: this is no grading worksheet in English or French. Looked "
            f"for the headers ({looked}); found {there}. Set Moodle to one of these languages, and "
            "choose « Download grading worksheet » on the assignment's page."
        )
    wanted = ", ".join(repr(_HEADERS[best][column][0]) for column in missing)
    raise TableError(
        f"{sheet.at(sheet.rows[0])}: the worksheet ({best}) has no column {wanted}; found {there}. "
        "Download it again from Moodle (« Download grading worksheet »), and remove no column."
    )


def _participant(sheet: Sheet, columns: Mapping[str, int], row: Row, zone: ZoneInfo) -> Participant:
    width = len(sheet.rows[0].cells)
    if len(row.cells) != width:
        raise TableError(
            f"{sheet.at(row)}: there are {len(row.cells)} cells, and the header has {width}. "
            "Download the worksheet again, or give it as Moodle gave it."
        )

    def cell(column: str) -> str:
        place = columns.get(column)
        if place is None:
            return ""
        return unicodedata.normalize("NFC", row.cells[place].value).strip()

    match = _ID.fullmatch(cell("id"))
    if match is None:
        raise TableError(
            f"{sheet.at(row)}: the identifier {cell('id')!r} has no number at its end, as in "
            "« Participant 123456 ». Download the worksheet again."
        )
    try:
        submitted = parse_time(cell("submitted"), zone)
    except (ValueError, OverflowError) as error:
        raise TableError(
            f"{sheet.at(row)}: the time {cell('submitted')!r} cannot be read ({error}). Known are "
            "times as Moodle writes them, such as « Monday, 3 November 2025, 11:58 PM » or « lundi "
            "3 novembre 2025, 23:58 ». Download the worksheet again; a spreadsheet may have "
            "written its own form of dates into it."
        ) from None
    grade = cell("grade")
    return Participant(
        row=row,
        id=str(int(match[1])),
        name=cell("name"),
        email=cell("email"),
        number=cell("number"),
        username=cell("username"),
        group=cell("group"),
        submitted=submitted,
        grade="" if grade in NONE else grade,
        maximum=cell("maximum"),
        is_draft=_plain(cell("status")).startswith(_DRAFT),
        is_changeable=_plain(cell("changeable")) not in _NO,
    )


def _plain(header: str) -> str:
    text = unicodedata.normalize("NFKC", header).replace("’", "'").casefold()
    return " ".join(text.split())
