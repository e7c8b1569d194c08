"""What grading a class came to, in sentences for a person and as JSON for a program."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import nbjudge
from nbjudge.errors import MachineError
from nbjudge.marks import columns
from nbjudge.progress import duration
from nbjudge.result_key import Key

if TYPE_CHECKING:
    from nbjudge.classroom import ClassReport
    from nbjudge.plan import Task
    from nbjudge.receipts import Receipt

SLOWEST = 5
"""Cells and notebooks that are named."""


def needs_a_look(report: ClassReport) -> bool:
    """Whether a submission could not be graded, or its verdict is about what stopped.

    The class as it stands counts, what was graded earlier included: the same class gives the
    same answer each time.
    """
    return bool(report.failed) or any(r.to_look_at() for r in report.receipts.values())


def could_not_run(report: ClassReport) -> bool:
    """Whether this machine graded nobody, and nobody was graded before."""
    return (
        bool(report.failed)
        and not report.receipts
        and all(isinstance(error, MachineError) for error in report.failed.values())
    )


def counts(report: ClassReport) -> str:
    """Return how many were graded, unchanged, failed.

    What was only stored again (a time of arrival, a penalty) is named where there is any.
    """
    said = [f"{len(report.graded)} graded"]
    if report.stored:
        said.append(f"{len(report.stored)} with another time of arrival or penalty")
    return ", ".join([*said, f"{len(report.unchanged)} unchanged", f"{len(report.failed)} failed"])


def sentences(report: ClassReport, seconds: float) -> Iterator[str]:
    """Yield what stands below the marks."""
    yield f"{report.assignment.name}: {counts(report)}, in {duration(seconds)}."
    fresh = {student: report.receipts[student] for student in report.graded}
    if fresh:
        cells = [f"{c['cell']} {c['seconds']:.3g} s ({c['student']})" for c in slowest_cells(fresh)]
        if cells:
            yield f"slowest cells: {', '.join(cells)}"
        books = [
            f"{n['student']} {n['notebook']} {n['seconds']:.3g} s" for n in slowest_notebooks(fresh)
        ]
        yield f"slowest notebooks: {', '.join(books)}"
    for student, receipt in sorted(report.receipts.items()):
        found = receipt.to_look_at()
        if found:
            yield f"look at: {student}: {'; '.join(found)}"


def slowest_cells(receipts: Mapping[str, Receipt]) -> list[dict[str, Any]]:
    """Return the cells that took longest, each with the student where it did."""
    most: dict[tuple[str, str], tuple[float, str]] = {}
    for student, receipt in sorted(receipts.items()):
        for notebook, timings in receipt.timings.items():
            for cell, seconds in timings:
                place = (notebook, cell)
                if place not in most or seconds > most[place][0]:
                    most[place] = (seconds, student)
    ordered = sorted(most.items(), key=lambda item: -item[1][0])[:SLOWEST]
    return [
        {"notebook": notebook, "cell": cell, "seconds": seconds, "student": student}
        for (notebook, cell), (seconds, student) in ordered
    ]


def slowest_notebooks(receipts: Mapping[str, Receipt]) -> list[dict[str, Any]]:
    """Return the notebooks that took longest."""
    every = [
        (seconds, student, notebook)
        for student, receipt in receipts.items()
        for notebook, seconds in receipt.seconds.items()
    ]
    every.sort(key=lambda one: (-one[0], *one[1:]))
    return [
        {"student": student, "notebook": notebook, "seconds": seconds}
        for seconds, student, notebook in every[:SLOWEST]
    ]


def to_json(report: ClassReport, seconds: float) -> dict[str, Any]:
    """Return all that a program may want to know, as plain JSON data."""
    status = {
        **dict.fromkeys(report.unchanged, "unchanged"),
        **dict.fromkeys(report.stored, "stored again"),
        **dict.fromkeys(report.graded, "graded"),
        **dict.fromkeys(report.failed, "failed"),
    }
    marks = {row.student: row for row in report.marks}
    students = {}
    for student in sorted(status):
        row, receipt = marks.get(student), report.receipts.get(student)
        error = report.failed.get(student)
        students[student] = {
            "status": status[student],
            "why": report.why.get(student, ""),
            "error": None if error is None else str(error),
            "marks": None if row is None else dict(row.points),
            "total": None if row is None else row.total,
            "penalty": None if row is None else row.penalty,
            "provisional": None if row is None else row.provisional,
            "key": None if receipt is None else Key(**receipt.key).digest,
            "look_at": [] if receipt is None else receipt.to_look_at(),
            "seconds": {} if receipt is None else dict(receipt.seconds),
            "slowest_cells": [] if receipt is None else slowest_cells({student: receipt}),
        }
    return {
        "assignment": report.assignment.name,
        "version": report.assignment.version,
        "nbjudge": nbjudge.__version__,
        "seconds": round(seconds, 3),
        "maxima": columns(report.assignment),
        "graded": len(report.graded),
        "stored_again": len(report.stored),
        "unchanged": len(report.unchanged),
        "failed": len(report.failed),
        "students": students,
        "slowest_cells": slowest_cells(report.receipts),
        "slowest_notebooks": slowest_notebooks(report.receipts),
        "warnings": list(report.warnings),
        "unseen_by_nbgrader": list(report.unseen),
    }


def planned(tasks: Sequence[Task]) -> Iterator[str]:
    """Yield what a run would do."""
    from nbjudge.plan import Need

    words = {Need.GRADE: "to be graded", Need.STORE: "to be stored again"}
    for task in tasks:
        if task.need is not Need.NOTHING:
            yield f"{task.student}: {words[task.need]}: {task.why}"
    number = {need: sum(task.need is need for task in tasks) for need in Need}
    yield (
        f"{number[Need.GRADE]} to be graded, {number[Need.STORE]} to be stored again, "
        f"{number[Need.NOTHING]} unchanged."
    )


def planned_json(name: str, tasks: Sequence[Task]) -> dict[str, Any]:
    """Return the same as plain JSON data."""
    return {
        "assignment": name,
        "dry_run": True,
        "students": {task.student: {"need": task.need.value, "why": task.why} for task in tasks},
    }
