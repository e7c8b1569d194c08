"""A CSV file of which some cells are written, and no other byte changes.

Python's writer would decide anew on quotes, separators and line ends.  Here each cell is known by
where it stands in the file, and only that place is replaced.
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nbjudge.errors import TableError

MAX_BYTES = 50_000_000
"""Worksheets may hold the online texts of a class."""
_DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True)
class Cell:
    """One cell."""

    value: str
    start: int
    """In the text, its quotes included."""
    end: int
    is_quoted: bool


@dataclass(frozen=True)
class Row:
    """One line of cells; a quoted cell may hold several lines of the file."""

    number: int
    """In the file, from 1: where it begins."""
    cells: tuple[Cell, ...]


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A CSV file as it is, byte for byte."""

    path: Path
    text: str
    """Without the mark in front."""
    bom: bytes
    encoding: str
    delimiter: str
    rows: tuple[Row, ...]
    """The header first; without empty lines."""

    def at(self, row: Row) -> str:
        """Return the beginning of a sentence about a row."""
        return f"Reading {self.path}, line {row.number}"

    def write(self, values: Mapping[Cell, str]) -> bytes:
        """Return the file with other values in some cells.

        Quotes are set where they were, and where a value needs them.
        """
        pieces, place = [], 0
        for cell in sorted(values, key=lambda cell: cell.start):
            pieces += [self.text[place : cell.start], self._written(cell, values[cell])]
            place = cell.end
        text = "".join([*pieces, self.text[place:]])
        return self.bom + text.encode(self.encoding)

    def _written(self, cell: Cell, value: str) -> str:
        if cell.is_quoted or any(mark in value for mark in (self.delimiter, '"', "\r", "\n")):
            return '"' + value.replace('"', '""') + '"'
        return value


def read_sheet(path: Path) -> Sheet:
    """Read a CSV file in UTF-8, UTF-16 (with a mark) or Windows-1252.

    Raises
    ------
    TableError
        If it cannot be read, or is no CSV.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise TableError(
                f"Reading {path}: it has {path.stat().st_size} bytes, more than a worksheet of "
                f"Moodle can have ({MAX_BYTES}). Is it the right file?"
            )
        data = path.read_bytes()
    except OSError as error:
        raise TableError(f"Reading {path}: {error.strerror or error}.") from error
    if data.startswith(b"PK\x03\x04"):
        raise TableError(
            f"Reading {path}: this is a zip or a spreadsheet (xlsx, ods), not CSV. Give the "
            "grading worksheet as Moodle's page gave it."
        )
    text, bom, encoding = _decoded(path, data)
    if "\0" in text:
        raise TableError(
            f"Reading {path}: there are zero bytes in it; it is no text. Download it again."
        )
    delimiter = _delimiter(text)
    return Sheet(
        path=path,
        text=text,
        bom=bom,
        encoding=encoding,
        delimiter=delimiter,
        rows=_rows(path, text, delimiter),
    )


_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def _decoded(path: Path, data: bytes) -> tuple[str, bytes, str]:
    bom, encodings = b"", ["utf-8", "cp1252"]
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            bom, encodings = mark, [encoding]
    for encoding in encodings:
        try:
            return data[len(bom) :].decode(encoding), bom, encoding
        except UnicodeDecodeError:
            continue
    raise TableError(
        f"Reading {path}: its letters are neither in UTF-8 nor in Windows-1252. Download the "
        "worksheet again from Moodle; it is in UTF-8."
    )


def _delimiter(text: str) -> str:
    """Return what separates the cells of the header, by how often it stands outside quotes."""
    counts = dict.fromkeys(_DELIMITERS, 0)
    is_quoted = False
    for letter in text.lstrip("\r\n"):
        if letter == '"':
            is_quoted = not is_quoted
        elif not is_quoted and letter in counts:
            counts[letter] += 1
        elif not is_quoted and letter in "\r\n":
            break
    return max(counts, key=lambda delimiter: counts[delimiter])


def _rows(path: Path, text: str, delimiter: str) -> tuple[Row, ...]:
    rows: list[Row] = []
    place, line = 0, 1
    while place < len(text):
        cells, after = _row(path, text, place, line, delimiter)
        if len(cells) > 1 or cells[0].end > cells[0].start:
            rows.append(Row(number=line, cells=tuple(cells)))
        line += _line_ends(text[place:after])
        place = after
    return tuple(rows)


def _line_ends(text: str) -> int:
    return text.count("\n") + text.count("\r") - text.count("\r\n")


def _row(path: Path, text: str, place: int, line: int, delimiter: str) -> tuple[list[Cell], int]:
    """Return the cells of a line, and where the next line begins."""
    cells = []
    while True:
        cell = _cell(path, text, place, line, delimiter)
        cells.append(cell)
        place = cell.end
        if text[place : place + 1] != delimiter:
            break
        place += 1
    if text[place : place + 2] == "\r\n":
        return cells, place + 2
    return cells, place + 1


def _cell(path: Path, text: str, start: int, line: int, delimiter: str) -> Cell:
    if text[start : start + 1] != '"':
        end = start
        while end < len(text) and text[end] not in (delimiter, "\r", "\n"):
            end += 1
        return Cell(text[start:end], start, end, is_quoted=False)
    end = start + 1
    while True:
        end = text.find('"', end)
        if end < 0:
            raise TableError(
                f"Reading {path}, line {line}: a cell begins with a double quote and does not end. "
                "Download the worksheet again."
            )
        end += 1
        if text[end : end + 1] != '"':
            break
        end += 1
    if text[end : end + 1] not in ("", delimiter, "\r", "\n"):
        raise TableError(
            f"Reading {path}, line {line}: there is something behind the double quote that ends a "
            "cell. Download the worksheet again."
        )
    return Cell(text[start + 1 : end - 1].replace('""', '"'), start, end, is_quoted=True)
