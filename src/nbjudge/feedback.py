"""Feedback for students: points, what was checked, what went wrong; nothing of hidden tests."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbjudge.document import number
from nbjudge.errors import ConfigurationError
from nbjudge.i18n import gettext as _

if TYPE_CHECKING:
    from nbjudge.course import Course


def template_folders() -> list[str]:
    """Return the folders of HTML templates: ours (``feedback``) first, then nbgrader's."""
    folders = [str(Path(__file__).parent / "templates")]
    # Finding it is not importing it, which takes seconds.
    spec = importlib.util.find_spec("nbgrader")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        folders.append(str(Path(place, "server_extensions", "formgrader", "templates")))
    return folders


def write_feedback(course: Course, assignment: str, student: str = "*") -> Path:
    """Write the HTML feedback of graded submissions; return the folder it lies in.

    Raises
    ------
    ConfigurationError
        If nbgrader cannot write it.
    """
    from nbgrader.converters import GenerateFeedback
    from nbgrader.converters.base import NbGraderException
    from nbgrader.coursedir import CourseDirectory

    folders = CourseDirectory(config=course.config, root=str(course.root))
    folders.assignment_id, folders.student_id = assignment, student
    converter = GenerateFeedback(coursedir=folders, config=course.config)
    converter.force = True
    try:
        converter.start()
    except NbGraderException as error:
        raise ConfigurationError(
            f"Writing the feedback of {assignment}: {error}. Is it graded? "
            f"Run: nbjudge grade {assignment}."
        ) from error
    return course.folder("feedback")


def summary(cells: list[Any], by_hand: set[str]) -> list[dict[str, Any]]:
    """Return one entry for each graded cell, for the table at the top of the page.

    Parameters
    ----------
    cells
        The graded notebook's, with ``score`` and ``points`` from the gradebook in
        ``metadata.nbgrader`` and the verdict in ``metadata.nbjudge``.
    by_hand
        grade_ids that still wait for a person.
    """
    entries = []
    for cell in cells:
        meta, verdict = cell.metadata.get("nbgrader", {}), cell.metadata.get("nbjudge")
        if verdict is None:
            continue
        score, points = float(meta.get("score") or 0.0), float(meta.get("points") or 0.0)
        name = meta["grade_id"]
        reviewed = verdict["points"] is not None and score != verdict["points"]
        message = verdict["message"]
        if reviewed:
            message = _("Points given by a grader.")
        elif name in by_hand:
            message = _("To be graded by hand.")
        entries.append(
            {
                "id": name,
                "title": name.removeprefix("test_").replace("_", "."),
                "score": number(score),
                "points": number(points),
                "full": score >= points,
                "message": message,
                "parts": [] if reviewed else [_shown(part) for part in verdict["parts"]],
            }
        )
    return entries


def _shown(part: dict[str, Any]) -> dict[str, Any]:
    return {
        "what": part["what"],
        "score": number(part["points"]),
        "points": number(part["max_points"]),
        "full": part["points"] >= part["max_points"],
        "message": part["message"],
    }


def labels() -> dict[str, str]:
    """Return the page's own words, in the language in use."""
    return {
        "marks": _("Marks"),
        "question": _("Question"),
        "points": _("Points"),
        "what": _("What was checked"),
        "total": _("Total"),
        "late": _("Late penalty"),
        "provisional": _("Provisional: something is still to be graded by hand."),
        "notes": _("Remarks on the file"),
        "answer": _("Your answer"),
        "comment": _("Comment"),
        "passed": _("All checks hold."),
        "top": _("Top"),
    }
