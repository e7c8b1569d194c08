"""Marks for spreadsheets: CSV, plain or French, and Excel."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from nbjudge.inert import printable
from nbjudge.marking.class_marks import ClassMarks, StudentMarks
from nbjudge.marking.exact import decimal
from nbjudge.marking.roll import Code
from nbjudge.marking.sums import Average, ExamMark, Final, TpMark
from nbjudge.marks import spreadsheet_text

PLACES = 4
"""Decimals of marks that are not rounded: the last one is."""
Cell = str | Fraction | None

_HEADERS = {
    "id": "identifiant",
    "number": "numéro",
    "name": "nom",
    "first name": "prénom",
    "group": "groupe",
    "TP": "TP",
    "exam": "examen",
    "final": "note finale",
    "provisional": "provisoire",
}


def _headers(marks: ClassMarks, *, french: bool) -> list[str]:
    def said(name: str) -> str:
        return _HEADERS.get(name, name) if french else name

    found = [said(name) for name in ("id", "number", "name", "first name", "group")]
    columns = [*(tp.name for tp in marks.tps), said("TP")]
    if marks.has_exam:
        columns += [said("exam"), said("final")]
    for name in columns:
        # The code beside the number, so that a column of numbers holds numbers.
        found += [name, f"{name} (code)"]
    return [*found, said("provisional")]


def _lines(marks: ClassMarks, *, french: bool) -> Iterator[list[Cell]]:
    yes, no = ("oui", "non") if french else ("yes", "no")
    for one in marks.students:
        student = one.student
        line: list[Cell] = [
            student.id, student.number, student.name, student.first_name, student.group
        ]  # fmt: skip
        for mark, code in _counted(marks, one):
            line += [mark, code or ""]
        yield [*line, yes if one.provisional else no]


def _counted(marks: ClassMarks, one: StudentMarks) -> Iterator[tuple[Fraction | None, Code | None]]:
    """Yield every mark of a student with its code, in the order of the columns."""
    every: list[TpMark | Average | ExamMark | Final] = [
        *(one.tps[tp.name] for tp in marks.tps),
        one.tp,
    ]
    if marks.has_exam:
        every += [one.exam or ExamMark(), one.final or Final(mark=None)]
    for mark in every:
        yield mark.mark, mark.code


def to_csv(marks: ClassMarks, *, french: bool = False) -> bytes:
    """Return the marks as CSV in UTF-8, one line per student.

    Parameters
    ----------
    marks
        Of the class.
    french
        As French spreadsheets expect it: with a byte order mark, semicolons, decimal commas.
    """
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";" if french else ",", lineterminator="\n")
    writer.writerow([spreadsheet_text(name) for name in _headers(marks, french=french)])
    for line in _lines(marks, french=french):
        writer.writerow([_csv_cell(cell, french=french) for cell in line])
    return text.getvalue().encode("utf-8-sig" if french else "utf-8")


def _csv_cell(cell: Cell, *, french: bool) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return spreadsheet_text(cell)
    number = decimal(cell, PLACES)
    return number.replace(".", ",") if french else number


def to_xlsx(marks: ClassMarks, *, french: bool = False) -> bytes:
    """Return the marks as an Excel workbook: names are texts, whatever they begin with.

    A second sheet says what is to be looked at.

    Parameters
    ----------
    marks
        Of the class.
    french
        Whether headers are French.
    """
    from openpyxl import Workbook
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = Workbook()
    sheet = book.active
    sheet.title = "Notes" if french else "Marks"
    lines: list[list[Cell]] = [list(_headers(marks, french=french))]
    lines += _lines(marks, french=french)
    number_format = f"0.{'#' * PLACES}"
    for row, line in enumerate(lines, start=1):
        for column, value in enumerate(line, start=1):
            if value is None or value == "":
                continue
            cell = sheet.cell(row=row, column=column)
            if isinstance(value, Fraction):
                cell.value = float(decimal(value, PLACES))
                cell.number_format = number_format
            else:
                _write_text(cell, value)
            if row == 1:
                cell.font = Font(bold=True)
    sheet.freeze_panes = "B2"
    for column, cells in enumerate(zip(*lines, strict=True), start=1):
        longest = max(len(cell) if isinstance(cell, str) else 6 for cell in cells)
        sheet.column_dimensions[get_column_letter(column)].width = min(longest + 2, 40)
    look = book.create_sheet("À regarder" if french else "To look at")
    for row, problem in enumerate(marks.problems, start=1):
        for column, text in enumerate(
            (problem.assignment, ", ".join(problem.students), problem.sentence), start=1
        ):
            _write_text(look.cell(row=row, column=column), text)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _write_text(cell: Any, text: str) -> None:
    """Write a text as one: what begins with "=" would be a formula."""
    # 32 767 characters are what a cell holds; control characters are in no XML.
    cell.value = printable(text, 32_000)
    cell.data_type = "s"
