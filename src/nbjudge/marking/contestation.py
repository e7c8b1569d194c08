"""A mark that is contested: the submission graded again, and a log of who asked and what moved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nbjudge.course import Course
from nbjudge.marking.chain import read_chain

LOG = Path(".nbjudge") / "contestations.jsonl"
"""In the course's folder."""


def regrades_of(course: Course, student: str) -> list[dict[str, Any]]:
    """Return what the log has of a student."""
    return [entry for entry in read_chain(course.root / LOG) if entry.get("student") == student]
