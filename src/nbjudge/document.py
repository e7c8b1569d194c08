"""The graded notebook: the instructor's cells, the student's answers, inert outputs, verdicts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any

from nbjudge.assignment import Kind, SourceCell, SourceNotebook
from nbjudge.i18n import current_language
from nbjudge.i18n import gettext as _
from nbjudge.inert import inert_cell, inert_output
from nbjudge.rebuild import RunCell
from nbjudge.verdict import Part, Verdict

Output = dict[str, Any]

MAX_SHOWN_CELL, MAX_SHOWN = 20_000, 400_000
"""Characters shown of one cell of the student's, and of all of them. What colours code and renders
Markdown, in formgrader too, takes a time that grows with the square of a text made for it."""
# A picture that was pasted into a text would leave no room for the words after it.
_PASTED = re.compile(r"data:image/[^)\s]{1000,}")


def number(value: float) -> str:
    """Write points in the language in use, without a superfluous zero: 1.5 (1,5 in French), 3."""
    # Adding zero takes the sign from what rounds to none.
    text = f"{round(value, 3) + 0.0:.3f}".rstrip("0").rstrip(".")
    return text.replace(".", ",") if current_language() == "fr" else text


def verdict_text(verdict: Verdict) -> str:
    """Return the verdict as plain lines, for a notebook's output and the terminal."""
    if verdict.points is None:
        return _("To be graded by hand, out of {total}.").format(total=number(verdict.max_points))
    lines = [
        _("{points} / {total} points").format(
            points=number(verdict.points), total=number(verdict.max_points)
        )
    ]
    if verdict.message:
        lines.append(verdict.message)
    lines += [_part_line(part) for part in verdict.parts]
    return "\n".join(lines)


def _part_line(part: Part) -> str:
    line = _("- {what}: {points} / {total}").format(
        what=part.what, points=number(part.points), total=number(part.max_points)
    )
    return f"{line}. {part.message}" if part.message else line


def build_document(
    notebook: SourceNotebook,
    cells: Sequence[RunCell],
    outputs: Mapping[int, Sequence[Output]],
    counts: Mapping[int, int | None],
    verdicts: Mapping[str, Verdict],
    notes: Sequence[str],
) -> dict[str, Any]:
    """Return the graded notebook as nbformat 4.5 JSON data.

    Test cells hold their whole source, hidden part included: ``autograded/`` is the
    instructor's.  Feedback takes the hidden part out again.

    Parameters
    ----------
    notebook
        As the instructor wrote it.
    cells
        What was run.
    outputs, counts
        By position in ``cells``.
    verdicts
        By grade_id.
    notes
        Sentences about the whole notebook.
    """
    built = []
    room = MAX_SHOWN
    for position, (cell, identifier) in enumerate(
        zip(cells, _identifiers(notebook, cells), strict=True)
    ):
        data = _cell(cell, identifier)
        if cell.origin is None or cell.origin.is_students:
            data["source"] = _shown(data["source"], min(room, MAX_SHOWN_CELL))
            room -= len(data["source"])
        if cell.cell_type == "code":
            data["outputs"] = [dict(output) for output in outputs.get(position, ())]
            data["execution_count"] = counts.get(position)
        origin = cell.origin
        data = inert_cell(data, students=origin is None or origin.is_students)
        if origin is not None and (origin.grade_id or "") in verdicts:
            verdict = verdicts[origin.grade_id or ""]
            data["metadata"]["nbjudge"] = {
                "status": verdict.status.value,
                "points": verdict.points,
                "max_points": verdict.max_points,
                "message": verdict.message,
                "parts": [
                    {
                        "what": part.what,
                        "points": part.points,
                        "max_points": part.max_points,
                        "message": part.message,
                    }
                    for part in verdict.parts
                ],
            }
            if origin.kind is Kind.TEST:
                text = {"output_type": "stream", "text": verdict_text(verdict) + "\n"}
                data["outputs"] = [*data["outputs"], inert_output(text)]
        built.append(data)
    return {
        "cells": built,
        "metadata": {
            "kernelspec": {
                "name": notebook.kernel_name,
                "display_name": notebook.kernel_name,
                **notebook.kernelspec,
            },
            "language_info": {"name": notebook.language},
            "nbjudge": {"notes": list(notes)},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def document_id(cell_id: str) -> str:
    """Return an instructor's cell id as the graded notebook has it (nbformat 4.5)."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", cell_id)[:64] or "cell"


def _identifiers(notebook: SourceNotebook, cells: Sequence[RunCell]) -> Iterator[str]:
    """Yield an id for each cell; none of the student's has one of the instructor's."""
    taken = {document_id(cell.cell_id) for cell in notebook.cells}
    given: set[str] = set()
    for position, cell in enumerate(cells):
        identifier = document_id(cell.origin.cell_id) if cell.origin else f"extra-{position}"
        attempts = count()
        while identifier in given or (cell.origin is None and identifier in taken):
            identifier = f"cell-{position}-{next(attempts)}"
        given.add(identifier)
        yield identifier


def _shown(source: str, most: int) -> str:
    """Return what is shown of a student's cell."""
    source = _PASTED.sub("data:image/[...]", source)
    return source if len(source) <= most else f"{source[: max(0, most)]}\n[...]"


def _cell(cell: RunCell, identifier: str) -> dict[str, Any]:
    origin = cell.origin
    metadata: dict[str, Any] = {}
    source = cell.source
    if origin is not None:
        if origin.kind is Kind.TEST:
            source = origin.source
        if origin.grade_id is not None:
            metadata["nbgrader"] = nbgrader_metadata(origin)
    if cell.repairs:
        metadata["nbjudge_notes"] = list(cell.repairs)
    return {
        "cell_type": cell.cell_type if cell.cell_type in {"code", "markdown"} else "raw",
        "id": identifier,
        "metadata": metadata,
        "source": source,
    }


def nbgrader_metadata(cell: SourceCell) -> dict[str, Any]:
    """Return a cell's nbgrader metadata (schema 3) as the instructor's notebook says it."""
    data: dict[str, Any] = {
        "schema_version": 3,
        "grade_id": cell.grade_id,
        "cell_type": cell.cell_type,
        # nbgrader wants every written answer to be a grade cell, worth nothing if need be.
        "grade": cell.kind in (Kind.TEST, Kind.MANUAL)
        or (cell.is_students and (cell.in_gradebook or cell.cell_type == "markdown")),
        "solution": cell.is_students,
        "locked": cell.locked,
        "task": cell.kind is Kind.TASK,
    }
    if data["grade"] or data["task"]:
        data["points"] = cell.points
    return data
