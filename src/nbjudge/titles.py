"""Names of questions for people: from the headings that the instructor wrote above the cells."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nbjudge.assignment import SourceCell, SourceNotebook
from nbjudge.i18n import gettext as _

_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]*([^#\s].*?)[ \t]*#*[ \t]*$")
_FENCE = re.compile(r" {0,3}(```+|~~~+)")
# "**b. Séparer** (1 point)": a part of a question, with a name of its own or none.
_PART = re.compile(r"\*\*\(?([a-z])\s*[.)]\)?\s*(.*?)\*\*")
_POINTS = re.compile(
    r"\s*[(\[]\s*\+?\d+(?:[.,]\d+)?\s*(?:points?|pts?\.?|marks?)(?![a-z])[^()\[\]]*[)\]]",
    re.IGNORECASE,
)
_NAME_AND_TOPIC = re.compile(r"(.{1,40}?)(?:\s*:\s+|\s+[—–]\s+)(\S.*)")
_LAST_DIGIT = re.compile(r"(\d)(\W*)$")
_NUMBERED = re.compile(r"(?:q|question|ex|exercice|exercise)?[_-]?(\d+(?:[_.-]\d+)*)[_-]?([a-z])?")


@dataclass(frozen=True, kw_only=True)
class Title:
    """What a question is called; both are one line of Markdown, the instructor's."""

    name: str
    """``Question 1.4b ★``."""
    topic: str = ""
    """``Séparer``; may be empty."""


@dataclass(frozen=True)
class _Place:
    """Where a cell stands: under which heading, in which part."""

    heading: int
    """Number of the heading, from 1; 0 for none."""
    text: str
    part: tuple[str, str] | None


def titles(notebook: SourceNotebook) -> dict[str, Title]:
    """Return the titles of the cells that carry points or hold answers, by cell id.

    The nearest heading above names a question; where several graded cells share one, each is a
    part with a letter: the one that the text announces in bold (``**b. ...**``), or the next. An
    answer has the name of the graded cell that follows it under the same heading.
    """
    places = _places(notebook)
    shared: dict[int, list[str]] = {}
    for cell in notebook.graded:
        shared.setdefault(places[cell.cell_id].heading, []).append(cell.cell_id)
    found: dict[str, Title] = {}
    for number, cell in enumerate(notebook.graded, start=1):
        place = places[cell.cell_id]
        found[cell.cell_id] = (
            _titled(cell, place, [places[other] for other in shared[place.heading]],
                    shared[place.heading].index(cell.cell_id))
            if place.heading
            else Title(name=_from_grade_id(cell, number))
        )  # fmt: skip
    following: tuple[int, Title] | None = None
    for cell in reversed(notebook.cells):
        if cell.cell_id in found:
            following = (places[cell.cell_id].heading, found[cell.cell_id])
        elif cell.is_students:
            place = places[cell.cell_id]
            if following is not None and following[0] == place.heading:
                found[cell.cell_id] = following[1]
            elif place.heading:
                found[cell.cell_id] = _split(place.text)
    return found


def cell_names(notebook: SourceNotebook) -> dict[str, str]:
    """Return what to call every cell in a sentence, by cell id: the question's name, or the id.

    Students see headings; a grade_id they see nowhere.
    """
    places, known = _places(notebook), titles(notebook)
    found = {}
    latest: tuple[int, str] | None = None
    for cell in notebook.cells:
        place, title = places[cell.cell_id], known.get(cell.cell_id)
        if title is not None and place.heading:
            name = re.sub(r"[*`$]", "", title.name)
            latest = (place.heading, name)
        elif place.heading and cell.cell_type == "code":
            question = re.sub(r"[*`$]", "", _split(place.text).name)
            if latest is not None and latest[0] == place.heading:
                question = latest[1]
            name = _("Given code ({question})").format(question=question)
        else:
            name = cell.grade_id or cell.cell_id
        found[cell.cell_id] = name
    return found


def _places(notebook: SourceNotebook) -> dict[str, _Place]:
    # A single heading of the first level is the document's title, not a question's.
    tops = sum(
        level == 1
        for cell in notebook.cells
        if _speaks(cell)
        for level, _text in _headings(cell.release_source)
    )
    places = {}
    heading, text, part = 0, "", None
    for cell in notebook.cells:
        if _speaks(cell):
            for level, line in _headings(cell.release_source):
                if level == 0:
                    match = _PART.match(line)
                    part = (match[1], match[2].strip(" .:")) if match else part
                elif level == 1 and tops == 1:
                    heading, text, part = 0, "", None
                else:
                    heading, text, part = heading + 1, line, None
        places[cell.cell_id] = _Place(heading=heading, text=text, part=part)
    return places


def _speaks(cell: SourceCell) -> bool:
    return cell.cell_type == "markdown" and not cell.is_students


def _headings(source: str) -> list[tuple[int, str]]:
    """Return (level, text) of headings, and at level 0 the lines that announce a part."""
    found, fence = [], ""
    for line in source.splitlines():
        opened = _FENCE.match(line)
        if fence:
            fence = "" if opened and opened[1].startswith(fence) else fence
        elif opened:
            fence = opened[1]
        elif heading := _HEADING.match(line):
            found.append((len(heading[1]), heading[2]))
        elif _PART.match(line):
            found.append((0, line))
    return found


def _titled(cell: SourceCell, place: _Place, group: list[_Place], position: int) -> Title:
    title = _split(place.text)
    if len(group) == 1:
        return title
    announced = [other.part[0] for other in group if other.part]
    if place.part and len(set(announced)) == len(group):
        letter, topic = place.part[0], place.part[1] or title.topic
    else:
        letter = chr(ord("a") + position) if len(group) <= 26 else str(position + 1)
        topic = title.topic
    name = _LAST_DIGIT.sub(rf"\g<1>{letter}\g<2>", title.name)
    if name == title.name or letter.isdigit():
        name = f"{title.name} ({letter})"
    return Title(name=name, topic=topic)


def _split(heading: str) -> Title:
    text = _POINTS.sub("", heading).strip()
    match = _NAME_AND_TOPIC.fullmatch(text)
    if match is None:
        return Title(name=text)
    topic = match[2]
    return Title(name=match[1].strip(), topic=topic[:1].upper() + topic[1:])


def _from_grade_id(cell: SourceCell, number: int) -> str:
    name = re.sub(r"^(?:tests?|cell|grade)[_-]+", "", cell.grade_id or "", flags=re.IGNORECASE)
    match = _NUMBERED.fullmatch(name.lower())
    # nbgrader's own names are random.
    if re.fullmatch(r"[0-9a-f]{12,}", name) or not name:
        return _("Question {number}").format(number=number)
    if match is not None:
        digits = re.sub(r"[_-]", ".", match[1]) + (match[2] or "")
        return _("Question {number}").format(number=digits)
    words = re.sub(r"[_-]+", " ", name).strip()
    return words[:1].upper() + words[1:]
