"""Marks per question, for the screen and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nbjudge.assignment import Assignment


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
    writer.writerow(["student", *names, "late_penalty", "total", "max", "provisional"])
    for row in marks:
        writer.writerow(
            [
                row.student,
                *(f"{row.points.get(name, 0.0):g}" for name in names),
                f"{row.penalty:g}",
                f"{row.total:g}",
                f"{sum(names.values()):g}",
                "yes" if row.provisional else "no",
            ]
        )
    return text.getvalue()
