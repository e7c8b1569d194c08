"""Marks per question, for the screen and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbjudge.assignment import Assignment
from nbjudge.inert import printable

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True, kw_only=True)
class Row:
    """One student's marks for one assignment, as the gradebook has them."""

    student: str
    points: Mapping[str, float]
    """By question (``notebook:grade_id`` where there are several notebooks)."""
    total: float
    """As the gradebook has it: extra credit of a text that is worth nothing counts, late penalties
    are taken off."""
    penalty: float = 0.0
    provisional: bool = False
    """Whether a person still has to grade or review something."""


def columns(assignment: Assignment) -> dict[str, float]:
    """Return the questions that carry points, with their maximum."""
    several = len(assignment.notebooks) > 1
    return {
        (f"{notebook.name}:{cell.grade_id}" if several else cell.grade_id or ""): cell.points
        for notebook in assignment.notebooks
        for cell in notebook.graded
    }


def rows(
    assignment: Assignment, scores: Mapping[str, Mapping[str, Mapping[str, Mapping[str, Any]]]]
) -> list[Row]:
    """Return the marks from :meth:`nbjudge.store.Store.scores`."""
    several = len(assignment.notebooks) > 1
    made = []
    for student in sorted(scores):
        points: dict[str, float] = {}
        total, penalty, provisional = 0.0, 0.0, False
        for notebook in assignment.notebooks:
            cells = scores[student].get(notebook.name, {})
            for cell in notebook.graded:
                key = f"{notebook.name}:{cell.grade_id}" if several else cell.grade_id or ""
                points[key] = float(cells.get(cell.grade_id or "", {}).get("score") or 0.0)
            provisional |= any(cell["needs_manual_grade"] for cell in cells.values())
            total += sum(float(cell["score"] or 0.0) for cell in cells.values())
            penalty -= float(cells.get("", {}).get("score") or 0.0)
        made.append(
            Row(
                student=student,
                points=points,
                total=total,
                penalty=penalty,
                provisional=provisional,
            )
        )
    return made


def to_csv(assignment: Assignment, marks: Sequence[Row]) -> str:
    """Return the marks as CSV: one line per student, one column per question."""
    names = columns(assignment)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    header = ["student", *names, "late_penalty", "total", "max", "provisional"]
    writer.writerow([spreadsheet_text(name) for name in header])
    for row in marks:
        writer.writerow(
            [
                spreadsheet_text(row.student),
                *(f"{row.points.get(name, 0.0):g}" for name in names),
                f"{row.penalty:g}",
                f"{row.total:g}",
                f"{sum(names.values()):g}",
                "yes" if row.provisional else "no",
            ]
        )
    return text.getvalue()


_FORMULA = tuple("=+-@\t\r\n＝＋－＠")


def spreadsheet_text(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula.

    References
    ----------
    OWASP, CSV Injection: a single quote before what begins like one.
    """
    quoted = f"'{text}" if text.startswith(_FORMULA) else text
    return quoted.replace("\r", "\ufffd")  # Python's writer leaves it bare, and it ends a line


# On the screen.

LEGEND = "· is all points of a question."


@dataclass(frozen=True)
class Line:
    """What the table shows of one submission."""

    name: str
    row: Row | None
    """None if it has no marks."""
    group: str = ""


def tables(
    maxima: Mapping[str, float], lines: Sequence[Line], width: int, heading: str = "student"
) -> list[Table]:
    """Return tables of the marks per question that fit a screen: one, or several side by side.

    Parameters
    ----------
    maxima
        Points of every question, by its name in the marks.
    lines
        In the order in which they are shown; a group that is not empty has its own line.
    width
        Of the screen, in characters.
    heading
        Of the column with the names.
    """
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    names = [printable(line.name, len(line.name)) for line in lines]
    total = f"{sum(maxima.values()):g}"
    totals = [_total(line.row) for line in lines]
    first = max(map(cell_len, [heading, *names])) + 2
    second = max(map(len, ["total", total, *totals])) + 1
    sizes = {
        name: max(
            len(text)
            for text in (
                *_number(name),
                f"{top:g}",
                *(_shown(line.row, name, top) for line in lines),
            )
        )
        for name, top in maxima.items()
    }
    blocks: list[list[str]] = [[]]
    left = width - first - second
    for name, size in sizes.items():
        if size + 1 > left and blocks[-1]:
            blocks.append([])
            left = width - first
        blocks[-1].append(name)
        left -= size + 1
    made = []
    for place, block in enumerate(blocks):
        table = Table(box=None, padding=(0, 0, 0, 1), pad_edge=False, header_style="bold")
        table.add_column(heading, no_wrap=True, width=first - 1)
        if place == 0:
            table.add_column(
                f"total\n\n{total}", justify="right", width=second - 1, style="bold", no_wrap=True
            )
        for name in block:
            column = Text("\n".join((*_number(name), f"{maxima[name]:g}")))
            table.add_column(column, justify="right", width=sizes[name])
        group = ""
        for line, name, earned in zip(lines, names, totals, strict=True):
            if line.group != group:
                group = line.group
                table.add_row(Text(group, style="bold"))
            table.add_row(
                Text(f" {name}" if group else name),
                *([earned] if place == 0 else []),
                *(_shown(line.row, question, maxima[question]) for question in block),
            )
        made.append(table)
    return made


def _number(name: str) -> tuple[str, str]:
    """Return a question's number in two lines, as the énoncé has it: test_q1_4a is 1.4 and a."""
    number = name.removeprefix("test_").removeprefix("q").replace("_", ".")
    if number[-1:].isalpha() and number[-2:-1].isdigit():
        return number[:-1], number[-1]
    return number, ""


def _total(row: Row | None) -> str:
    return "-" if row is None else f"{row.total:g}" + (" *" if row.provisional else "")


def _shown(row: Row | None, name: str, maximum: float) -> str:
    if row is None:
        return ""
    points = row.points.get(name, 0.0)
    return "·" if points == maximum > 0 else f"{points:g}"
