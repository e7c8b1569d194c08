"""Tables that people save from spreadsheets, read strictly: every fault names its line."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from nbjudge.errors import TableError

MAX_BYTES = 20_000_000
"""A year of a large university has fewer."""
_DELIMITERS = (";", ",", "\t")


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a table."""

    number: int
    """In the file, from 1."""
    cells: tuple[str, ...]
    """As many as the header has, without spaces around them."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table as it was read."""

    path: Path
    header: tuple[str, ...]
    header_line: int
    lines: tuple[Line, ...]
    """Without those that are empty."""

    def at(self, line: int) -> str:
        """Return the beginning of a sentence about a line."""
        return f"Reading {self.path}, line {line}"


def read_table(path: Path) -> Table:
    """Read a CSV file: separated by ``;``, ``,`` or tabs, in UTF-8 with or without BOM.

    Raises
    ------
    TableError
        If it cannot be read, is in another encoding, has no header, or has a line with more or
        fewer cells than its header.
    """
    numbered = list(_rows(path, _text(path)))
    if not numbered:
        raise TableError(
            f"Reading {path}: the file is empty. Its first line must name the columns, such as "
            "id;nom;prénom."
        )
    (header_line, header), *rest = numbered
    while header and not header[-1]:
        header = header[:-1]
    lines = []
    for number, cells in rest:
        # A spreadsheet writes a separator for every column that was ever used.
        kept = cells[: len(header)]
        if len(cells) < len(header) or any(cells[len(header) :]):
            raise TableError(
                f"Reading {path}, line {number}: there are {len(cells)} cells, and the header has "
                f"{len(header)}. A text with a separator in it must stand in double quotes; a cell "
                "that is empty still has its separator."
            )
        lines.append(Line(number=number, cells=tuple(kept)))
    return Table(path=path, header=tuple(header), header_line=header_line, lines=tuple(lines))


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise TableError(
                f"Reading {path}: it has {path.stat().st_size} bytes, more than a table of students"
                f" can have ({MAX_BYTES}). Is it the right file?"
            )
        data = path.read_bytes()
    except OSError as error:
        raise TableError(f"Reading {path}: {error.strerror or error}.") from error
    if data.startswith(b"PK\x03\x04"):
        raise TableError(
            f"Reading {path}: this is a spreadsheet (xlsx, ods), not CSV. Open it, and save it as "
            "« CSV UTF-8 »."
        )
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise TableError(_encoding(path, "UTF-16", ""))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise TableError(
            _encoding(path, "not UTF-8, probably Windows-1252 or Latin-1", f", line {line}")
        ) from None
    if "\0" in text:
        raise TableError(_encoding(path, "not text in UTF-8 (it has zero bytes)", ""))
    return text


def _encoding(path: Path, found: str, place: str) -> str:
    return (
        f"Reading {path}{place}: the file's encoding is {found}; expected UTF-8. In a spreadsheet, "
        "save it as « CSV UTF-8 »; on a command line: iconv -f WINDOWS-1252 -t UTF-8."
    )


def _rows(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines that are not empty, each with its number."""
    skipped = 0
    first, _newline, after = text.partition("\n")
    declared = re.fullmatch(r'"?sep=(.)"?\r?', first)
    if declared and declared[1] in _DELIMITERS:  # Excel's own line before the header
        text, skipped = after, 1
    delimiter = declared[1] if declared else _delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 0
    try:
        for cells in reader:
            begun, number = number + 1, reader.line_num
            trimmed = [unicodedata.normalize("NFC", cell).strip() for cell in cells]
            if any(trimmed):
                yield begun + skipped, trimmed
    except csv.Error as error:
        raise TableError(
            f"Reading {path}, line {number + 1 + skipped}: {error}. A double quote inside a text is"
            " written twice, and the text stands in double quotes."
        ) from error


def _delimiter(text: str) -> str:
    """Return what separates the cells of the header, by how often it is there."""
    header = next((line for line in text.splitlines() if line.strip()), "")
    outside = re.sub(r'"[^"]*"', "", header)
    return max(_DELIMITERS, key=outside.count)


def plain(header: str) -> str:
    """Return a header as it is compared: without accents, case and punctuation."""
    text = header.replace("\N{DEGREE SIGN}", "o").replace("\N{MASCULINE ORDINAL INDICATOR}", "o")
    text = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(letter for letter in text if not unicodedata.combining(letter))
    return " ".join(re.findall(r"[a-z0-9]+", letters))


def synonyms(**columns: str) -> Mapping[str, str]:
    """Return by :func:`plain` header the column that it names.

    Parameters
    ----------
    **columns
        By column its headers, separated by ``|``.
    """
    return {
        plain(header): column
        for column, headers in columns.items()
        for header in headers.split("|")
    }
