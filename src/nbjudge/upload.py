"""Reading an uploaded notebook: hostile bytes in, plain cells out, or why not.

Plain ``json`` and nothing of nbformat, which would refuse what can still be graded (and costs
seconds to import).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import Any

from nbjudge.i18n import gettext as _
from nbjudge.limits import MIB, Limits

MAX_CELLS = 5_000
MAX_CELL_CHARACTERS = 2 * MIB
# Reading code takes far longer than its text: a program written by a program would take hours.
MAX_READ_CELL = 50_000
MAX_READ = 300_000

# A parsed file takes far more memory than its text: what makes the objects is counted first.
_MARKS = (("[", 2_000_000), ("{", 2_000_000), ('"', 8_000_000))


@dataclass(frozen=True, kw_only=True)
class UploadedCell:
    """One cell as the student's file has it; no word of it is believed."""

    cell_type: str
    """``code``, ``markdown`` or ``raw``."""
    source: str
    grade_id: str | None = None
    cell_id: str | None = None
    is_read: bool = True
    """Whether its code is read, for names and leftovers; very long code only runs."""


@dataclass(frozen=True, kw_only=True)
class Uploaded:
    """A parsed file."""

    cells: tuple[UploadedCell, ...]
    notes: tuple[str, ...] = ()
    readable: bool = True


def parse_upload(data: bytes, limits: Limits) -> Uploaded:
    """Read a notebook's cells from bytes; never raises for what they hold."""
    if len(data) > limits.upload_bytes:
        return _unreadable(
            _("the file is larger than {size} MiB; clear the outputs before handing in.").format(
                size=limits.upload_bytes // MIB
            )
        )
    if not data.strip(b"\x00 \t\r\n\xef\xbb\xbf\xff\xfe"):
        return _unreadable(_("the file is empty, or no notebook was handed in."))
    what = _other_format(data)
    if what is not None:
        return _unreadable(what)
    text, notes = _decode(data)
    if any(text.count(mark) > most for mark, most in _MARKS):
        return _unreadable(_("the file has too many parts; clear the outputs before handing in."))
    try:
        document = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return _salvage(text, notes)
    raw = _raw_cells(document) if isinstance(document, dict) else None
    if raw is None:
        return _unreadable(_("the file is JSON, but not a notebook."))
    if len(raw) > MAX_CELLS:
        notes.append(_("Only the first {count} cells were read.").format(count=MAX_CELLS))
    if not isinstance(document.get("cells"), list):
        notes.append(_("The notebook is in an old format (nbformat 3) and has been converted."))
    return Uploaded(cells=_cells(raw), notes=tuple(notes))


def _unreadable(why: str) -> Uploaded:
    return Uploaded(cells=(), notes=(why,), readable=False)


def _other_format(data: bytes) -> str | None:
    head = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith(b"pk\x03\x04"):
        return _("the file is a ZIP archive; hand in the .ipynb file itself.")
    if head.startswith(b"%pdf"):
        return _("the file is a PDF; hand in the .ipynb file itself.")
    if head.startswith(b"<"):
        return _("the file is a web page, not a notebook (a page saved in place of the file?).")
    if head.startswith((b"#!", b"# -*-", b"# coding", b"import ", b"from ")):
        return _("the file is a Python script; hand in the .ipynb file itself.")
    return None


def _decode(data: bytes) -> tuple[str, list[str]]:
    # UTF-16 and UTF-32 are known by their marks or by their zeros.
    encoding = json.detect_encoding(data)
    if not encoding.startswith("utf-8"):
        return data.decode(encoding, "replace"), []
    try:
        return data.decode("utf-8-sig"), []
    except UnicodeDecodeError:
        pass
    note = _("The file is not in UTF-8; accented letters may have been misread.")
    text = data.decode("utf-8-sig", "replace")
    wrong = text.count("\ufffd")
    # One damaged letter among good ones, or a file cut in the middle of one, is still UTF-8.
    if len(text) - len(text.encode("ascii", "ignore")) >= 2 * wrong:
        return text, [note]
    return data.decode("cp1252", "replace"), [note]


def _raw_cells(document: dict[str, Any]) -> list[Any] | None:
    cells = document.get("cells")
    if isinstance(cells, list):
        return cells
    sheets = document.get("worksheets")
    if not isinstance(sheets, list):
        return None
    found: list[Any] = []
    for sheet in sheets:
        if isinstance(sheet, dict) and isinstance(sheet.get("cells"), list):
            found += sheet["cells"]
    return found


_CELL_START = re.compile(r'"cells"\s*:\s*\[')


def _salvage(text: str, notes: list[str]) -> Uploaded:
    """Read the whole cells at the head of a file that ends too early."""
    start = _CELL_START.search(text)
    found: list[Any] = []
    if start is not None:
        decoder = json.JSONDecoder(strict=False)
        position = start.end()
        while len(found) < MAX_CELLS:
            while position < len(text) and text[position] in " \t\r\n,":
                position += 1
            try:
                cell, position = decoder.raw_decode(text, position)
            except (ValueError, RecursionError):
                break
            found.append(cell)
    cells = _cells(found)
    if not cells:
        return _unreadable(_("the file is not a notebook (it is not valid JSON)."))
    notes.append(
        _("The file is damaged (cut short?); its first {count} cells could be read.").format(
            count=len(cells)
        )
    )
    return Uploaded(cells=cells, notes=tuple(notes))


def _cells(raw: list[Any]) -> tuple[UploadedCell, ...]:
    cells = []
    room = MAX_READ
    for item in raw[:MAX_CELLS]:
        cell = _cell(item) if isinstance(item, dict) else None
        if cell is None:
            continue
        if len(cell.source) > min(room, MAX_READ_CELL):
            cell = replace(cell, is_read=False)
        else:
            room -= len(cell.source)
        cells.append(cell)
    return tuple(cells)


def _cell(item: dict[str, Any]) -> UploadedCell | None:
    kind = item.get("cell_type")
    source = item.get("source")
    if kind == "heading":  # nbformat 3
        kind, level = "markdown", item.get("level")
        source = (
            "#" * (level if isinstance(level, int) and 0 < level < 7 else 1) + " " + _join(source)
        )
    if source is None:
        source = item.get("input")  # code in nbformat 3
    if kind not in ("code", "markdown", "raw"):
        return None
    metadata = item.get("metadata")
    nbgrader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    grade_id = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None
    cell_id = item.get("id")
    return UploadedCell(
        cell_type=str(kind),
        source=_join(source)[:MAX_CELL_CHARACTERS],
        grade_id=grade_id if isinstance(grade_id, str) else None,
        cell_id=cell_id if isinstance(cell_id, str) else None,
    )


def _join(source: object) -> str:
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    if not isinstance(source, str):
        return ""
    text = source.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    # A lone surrogate cannot be written as UTF-8 anywhere further on.
    return text.encode("utf-8", "replace").decode("utf-8")
