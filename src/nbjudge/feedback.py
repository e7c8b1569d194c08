"""Feedback for students: points, what was checked, what went wrong; nothing of hidden tests.

The page is made of plain data and of HTML that this package writes (:mod:`nbjudge.prose`); its
template escapes everything else, and forbids scripts and fetches to the browser as well.  Formulas
are MathML: the page reads the same from Moodle, from a disk and on paper, and asks no third party.
"""

from __future__ import annotations

import fnmatch
import glob
import importlib.util
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbjudge.assignment import Kind, SourceCell, SourceNotebook
from nbjudge.document import document_id, number
from nbjudge.errors import ConfigurationError, WorkerDied
from nbjudge.i18n import capital, current_language
from nbjudge.i18n import gettext as _
from nbjudge.imports import load_jsonschema
from nbjudge.titles import Title, titles

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


def write_feedback(
    course: Course, assignment: str, student: str = "*", *, workers: int = 1
) -> Path:
    """Write the HTML feedback of graded submissions; return the folder it lies in.

    The pages are those of ``nbgrader generate_feedback``; several processes share them out.

    Parameters
    ----------
    course
        Where everything lies.
    assignment
        Its name.
    student
        Whose; a pattern as the shell has it.
    workers
        Processes.

    Raises
    ------
    ConfigurationError
        If nbgrader cannot write it.
    WorkerDied
        If a process that writes it ends.
    """
    pages = [
        (graded.parts[-3], f"{graded.stem}.html")
        for graded in sorted(
            course.folder("autograded").glob(f"*/{glob.escape(assignment)}/*.ipynb")
        )
        if fnmatch.fnmatchcase(graded.parts[-3], student)
    ]
    students = sorted({name for name, _page in pages})
    workers = min(workers, len(students))
    if workers > 1:
        complaint = _write_in_processes(course.root, assignment, students, workers)
    else:
        complaint = _write(course, assignment, student, None)
    if complaint:
        there = course.folder("feedback")
        missing = {
            student
            for student, page in pages
            if not (there / student / assignment / page).is_file()
        }
        what = (
            f"there is none of {', '.join(sorted(missing))}. Take away what is odd in "
            f"{course.folder('autograded')}/<student>/{assignment}, or grade them"
            if missing
            else f"{complaint}. Is it graded? Grade it"
        )
        raise ConfigurationError(
            f"Writing the feedback of {assignment}: {what} again: nbjudge grade {assignment}."
        )
    return course.folder("feedback")


def _write(course: Course, assignment: str, student: str, only: Sequence[str] | None) -> str:
    """Let nbgrader write the pages; return what it complained of.

    Parameters
    ----------
    course, assignment, student
        As :func:`write_feedback` takes them.
    only
        Students of those; all when None.
    """
    load_jsonschema()
    from nbgrader.converters import GenerateFeedback
    from nbgrader.converters.base import NbGraderException
    from nbgrader.coursedir import CourseDirectory

    folders = CourseDirectory(config=course.config, root=str(course.root))
    folders.assignment_id, folders.student_id = assignment, student
    # What a student has put where a page is to be written is not copied there.
    graded = course.folder("autograded").glob(f"*/{glob.escape(assignment)}/*.ipynb")
    folders.ignore = [*folders.ignore, *{glob.escape(f"{path.stem}.html") for path in graded}]

    class Some(GenerateFeedback):  # type: ignore[misc]
        """Of some students only; nbgrader takes one pattern, and names may hold anything."""

        assignments: dict[str, list[str]]

        def init_notebooks(self) -> None:
            super().init_notebooks()
            if only is not None:
                found = self.assignments.items()
                self.assignments = {k: v for k, v in found if Path(k).parent.name in only}

    converter = Some(coursedir=folders, config=course.config)
    converter.force = True
    try:
        converter.start()
    except NbGraderException as error:
        return str(error) or "nbgrader stopped"
    return ""


_BATCHES = 4
"""For each process: the last ones end at about the same time."""


def _write_in_processes(root: Path, assignment: str, students: Sequence[str], workers: int) -> str:
    """Write the pages in several processes; return the first complaint."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    from nbjudge.parallel import refuse_in_worker

    refuse_in_worker()
    count = min(len(students), workers * _BATCHES)
    batches = [students[start::count] for start in range(count)]
    # Not fork: nbgrader keeps connections to the gradebook.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=workers, mp_context=context) as pool:
        waiting = [pool.submit(_write_batch, root, assignment, batch) for batch in batches]
        try:
            complaints = [future.result() for future in waiting]
        except BrokenProcessPool as error:
            raise WorkerDied(
                f"Writing the feedback of {assignment}: a process that writes it died. Look for a "
                "lack of memory on this machine, or use fewer --workers."
            ) from error
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return next(filter(None, complaints), "")


def _write_batch(root: Path, assignment: str, students: Sequence[str]) -> str:
    """Write the pages of some students, in a process of the pool."""
    from nbjudge.course import load_course

    return _write(load_course(root), assignment, "*", students)


@dataclass(frozen=True, kw_only=True)
class Graded:
    """A graded notebook as the gradebook and ``autograded/`` have it."""

    assignment: str
    student: str
    cells: Sequence[Any]
    """With ``score``, ``points`` and ``comment`` from the gradebook in ``metadata.nbgrader`` and
    the verdict in ``metadata.nbjudge``."""
    source: SourceNotebook | None
    """As the instructor wrote it; None if the assignment has it no longer."""
    name: str
    """Of the notebook."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """The assignment's, by path: pictures of its texts."""
    by_hand: frozenset[str] = frozenset()
    """grade_ids that still wait for a person."""
    notes: Sequence[str] = ()
    score: float = 0.0
    """Late penalty taken off."""
    max_score: float = 0.0
    late_penalty: float = 0.0


def page(graded: Graded) -> dict[str, Any]:
    """Return all that the page shows, in the language in use.

    Keys that end in ``html`` hold HTML, the others text.
    """
    from nbjudge.prose import code_css

    questions = summary(graded)
    return {
        "language": current_language(),
        "labels": labels(),
        "heading": _document_title(graded),
        "assignment": graded.assignment,
        "student": graded.student,
        "provisional": bool(graded.by_hand),
        "notes": [capital(note) for note in graded.notes],
        "questions": questions,
        "again": _to_look_at_again(questions),
        "late_penalty": number(graded.late_penalty) if graded.late_penalty else "",
        "total": number(graded.score),
        "maximum": number(graded.max_score),
        "percent": _percent(graded.score, graded.max_score),
        "cells": _shown_cells(graded, {entry["id"]: entry for entry in questions}),
        "code_css": code_css(),
    }


def _percent(score: float, most: float) -> int:
    return round(100 * max(0.0, min(1.0, score / most))) if most else 0


def _document_title(graded: Graded) -> str:
    for cell in graded.source.cells if graded.source else ():
        if cell.cell_type == "markdown" and not cell.is_students:
            match = re.match(r"\s*#[ \t]+(.+?)[ \t#]*$", cell.release_source, re.MULTILINE)
            if match:
                return re.sub(r"[*`$]", "", match[1])
    if graded.name == graded.assignment:
        return graded.assignment
    return f"{graded.assignment} · {graded.name}"


# The table of questions.


def summary(graded: Graded) -> list[dict[str, Any]]:
    """Return one entry for each graded cell, for the table at the top of the page."""
    from nbjudge.prose import inline_html_of

    known = _titles_by_grade_id(graded)
    entries: list[dict[str, Any]] = []
    for cell in graded.cells:
        meta, verdict = cell.metadata.get("nbgrader", {}), cell.metadata.get("nbjudge")
        points = float(meta.get("points") or 0.0)
        if verdict is None and not (meta.get("grade") or meta.get("task")):
            continue
        if verdict is None and not points:
            continue  # a written answer that is read, not graded
        name = meta["grade_id"]
        title = known.get(name) or Title(name=name)
        entries.append(
            {
                "id": name,
                "anchor": f"question-{len(entries) + 1}",
                "name_html": inline_html_of(title.name),
                "topic_html": inline_html_of(title.topic),
                "lost": points - float(meta.get("score") or 0.0),
                **_judged(float(meta.get("score") or 0.0), points, verdict, name in graded.by_hand),
            }
        )
    return entries


_AGAIN = 5
"""Questions to look at first: as many as one reads."""


def _to_look_at_again(questions: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the questions where most points were lost, those that wait for a person left out."""
    lost = [entry for entry in questions if entry["state"] in ("none", "part")]
    return sorted(lost, key=lambda entry: -entry["lost"])[:_AGAIN]


def _titles_by_grade_id(graded: Graded) -> dict[str, Title]:
    if graded.source is None:
        return {}
    by_cell = titles(graded.source)
    return {
        cell.grade_id: by_cell[cell.cell_id]
        for cell in graded.source.cells
        if cell.grade_id and cell.cell_id in by_cell
    }


def _judged(
    score: float, points: float, verdict: dict[str, Any] | None, waits: bool
) -> dict[str, Any]:
    automatic = verdict["points"] if verdict else None
    pending = automatic is None and waits and not score
    message, parts = (verdict["message"], verdict["parts"]) if verdict else ("", [])
    said_above = message
    if pending:
        message = _("To be graded by hand.")
    elif verdict and score != automatic:
        # What the tests said is not why these points were given.
        message, parts = _("Points given by a grader."), []
    elif message and score >= points:
        message = _("This takes no point away. {said}").format(said=message)
    return {
        "score": "–" if pending else number(score),
        "points": number(points),
        "state": "wait" if pending else _state(score, points),
        "message": message,
        "parts": [_shown_part(part, said_above) for part in parts],
    }


def _state(score: float, points: float) -> str:
    if score >= points:
        return "full"
    return "part" if score > 0 else "none"


def _shown_part(part: dict[str, Any], said_above: str) -> dict[str, Any]:
    message = _without_repetition(part["what"], part["message"])
    return {
        "what": capital(part["what"]),
        "score": number(part["points"]),
        "points": number(part["max_points"]),
        "state": _state(part["points"], part["max_points"]),
        "message": "" if part["message"] == said_above else message,
    }


def _without_repetition(what: str, message: str) -> str:
    """Return the sentence without the words that stand before it on the page already."""
    before, _how, after = _("{what}: {how}.").format(what=capital(what), how="\0").partition("\0")
    if message.startswith(before) and message.endswith(after):
        return capital(message[len(before) :])
    unreached = _("not reached, an earlier check failed")
    return f"{capital(message)}." if message == unreached else message


# The notebook.


_STUDENTS_TEXT = 300_000
"""Characters of answers and added cells on a page; a book is shorter."""


def _shown_cells(graded: Graded, entries: Mapping[str, dict[str, Any]]) -> list[dict[str, Any]]:
    origins: dict[str, SourceCell] = {}
    known: dict[str, Title] = {}
    language = "python"
    if graded.source is not None:
        origins = {document_id(cell.cell_id): cell for cell in graded.source.cells}
        known = titles(graded.source)
        language = graded.source.language
    shown = []
    room = _STUDENTS_TEXT
    for cell in graded.cells:
        origin = origins.get(cell.get("id", ""))
        made = _shown_cell(cell, origin, graded, language, room)
        if origin is None or origin.is_students:
            room = max(0, room - len(cell.source))
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        made["verdict"] = entries.get(name)
        title = known.get(origin.cell_id) if origin is not None else None
        made["title_html"] = _inline(title.name) if title and made["role"] == "answer" else ""
        if made["html"] or made["outputs"] or made["verdict"] or made["comment_html"]:
            shown.append(made)
    return shown


def _inline(markdown: str) -> str:
    from nbjudge.prose import inline_html_of

    return inline_html_of(markdown)


def _shown_cell(
    cell: Any, origin: SourceCell | None, graded: Graded, language: str, room: int
) -> dict[str, Any]:
    from nbjudge.prose import code_html_of, html_of

    meta = cell.metadata.get("nbgrader", {})
    instructors = origin is not None and not origin.is_students
    is_test = bool(meta.get("grade")) and not meta.get("solution")
    source, outputs = cell.source, list(cell.get("outputs", ()))
    if origin is not None and instructors:
        # The instructor's words are taken from the instructor, whatever the graded file holds.
        source = origin.release_source
    elif is_test or meta.get("task"):
        source = ""  # gone from source/ since: nothing says what of it is hidden
    elif len(source) > room:
        source = f"{source[:room]}\n[…]"
    if is_test or (origin is not None and origin.kind is Kind.TEST):
        outputs = []
    if cell.cell_type == "code":
        html = code_html_of(source, language) if source.strip() else ""
    elif cell.cell_type == "markdown":
        html = html_of(source, trusted=instructors, files=graded.files if instructors else None)
    else:
        html = code_html_of(source, "text") if source.strip() else ""
    comment = meta.get("comment") or ""
    remarks = [str(note) for note in cell.metadata.get("nbjudge_notes", ())]
    if comment == _("No response."):  # nbgrader's word, nobody's comment
        remarks, comment = [*remarks, comment], ""
    return {
        "type": cell.cell_type,
        "role": _role(origin, meta),
        "html": html,
        "outputs": [made for output in outputs if (made := _shown_output(output)) is not None],
        "remarks": remarks,
        "comment_html": html_of(comment, trusted=False, headings_from=4) if comment else "",
    }


def _role(origin: SourceCell | None, meta: Mapping[str, Any]) -> str:
    if origin is None and not meta.get("grade_id"):
        return "extra"
    if meta.get("task") or (origin is not None and origin.kind is Kind.TEXT):
        return "text"
    if meta.get("solution"):
        return "answer"
    return "test" if meta.get("grade") else "given"


_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_PICTURES = ("image/png", "image/jpeg")


def _shown_output(output: Any) -> dict[str, Any] | None:
    """Return what is shown of an output: text, or a picture; None for anything else."""
    kind = output.get("output_type")
    if kind == "stream":
        text = _plain(output.get("text", ""))
        return {"kind": "error" if output.get("name") == "stderr" else "text", "text": text}
    if kind == "error":
        return {"kind": "error", "text": _short_traceback(output)}
    data = output.get("data", {})
    for mime in _PICTURES:
        encoded = data.get(mime)
        if isinstance(encoded, str) and re.fullmatch(r"[A-Za-z0-9+/=\s]+", encoded):
            return {"kind": "picture", "url": f"data:{mime};base64,{''.join(encoded.split())}"}
    if isinstance(data.get("text/plain"), str):
        return {"kind": "text", "text": _plain(data["text/plain"])}
    return None


def _plain(text: str) -> str:
    """Return what a terminal would show in the end: no colours, no overwritten progress bars."""
    lines = _ANSI.sub("", text).split("\n")
    # Line by line: a pattern over the whole text would take hours for a long line.
    text = "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)
    return _CONTROL.sub("", text).strip("\n")


def _short_traceback(output: Any) -> str:
    """Return the frames in the notebook's own cells, and the error.

    Frames of libraries say where they are installed, and nothing that helps.
    """
    last = _plain(f"{output.get('ename', '')}: {output.get('evalue', '')}")
    frames = [_plain(frame) for frame in output.get("traceback", ()) if isinstance(frame, str)]
    own = [frame for frame in frames if re.match(r"(?:Cell|Input) In\s?\[", frame)]
    return "\n\n".join([*own, last])


def labels() -> dict[str, str]:
    """Return the page's own words, in the language in use."""
    return {
        "feedback": _("Feedback"),
        "marks": _("Marks"),
        "question": _("Question"),
        "points": _("Points"),
        "what": _("What was checked"),
        "total": _("Total"),
        "late": _("Late penalty"),
        "provisional": _("Provisional: something is still to be graded by hand."),
        "notes": _("Remarks on the file"),
        "notebook": _("Your notebook"),
        "answer": _("Your answer"),
        "extra": _("A cell that you added"),
        "given": _("Given code"),
        "test": _("Visible checks"),
        "comment": _("Comment"),
        "passed": _("All checks hold."),
        "top": _("Back to the marks"),
        "skip": _("Skip to the marks"),
        "again": _("To look at again first"),
        "picture": _("Picture drawn by the cell above"),
        "output": _("Output of the cell above"),
        "full": _("earned"),
        "part": _("earned in part"),
        "none": _("not earned"),
        "wait": _("waiting"),
    }
