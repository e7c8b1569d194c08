"""``nbjudge moodle return``: marks into Moodle's own worksheet, feedback into a zip that it takes.

The worksheet is the one that was downloaded, with some cells of its column of grades filled and no
other byte changed: Moodle compares the rest with what it knows.
"""

from __future__ import annotations

import glob
import io
import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from nbjudge.due import check_known, deadlines_from
from nbjudge.errors import ConfigurationError, DiskFull, TableError
from nbjudge.marking.exact import FULL, decimal, parse
from nbjudge.marking.roll import read_roll
from nbjudge.moodle.gathering import person_of
from nbjudge.moodle.identity import identify
from nbjudge.moodle.layout import safe_label
from nbjudge.moodle.ledger import Ledger, ledger_path, read_ledger, write_private
from nbjudge.moodle.sheet import Cell
from nbjudge.moodle.worksheet import Participant, Worksheet, read_worksheet

if TYPE_CHECKING:
    from nbjudge.course import Course

DECIMALS = 2
"""Of a mark in the worksheet; Moodle shows as many."""
_STALE = ("changed", "extension")
"""Problems of :mod:`nbjudge.marking.problems` that leave a mark wrong until it is graded again."""
_EPOCH = (2020, 1, 1, 0, 0, 0)


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A student's mark, as the way back needs it."""

    share: Fraction | None
    """Of the most that can be earned; None where there is none to give."""
    why: str = ""
    """Why there is none, or why it is held back."""
    is_held: bool = False
    """Whether it is not sent unless asked: a person is still to look, or to grade again."""


@dataclass
class Returned:
    """What giving back came to; people in words, the rest in sentences."""

    worksheet: Path | None = None
    feedback: tuple[Path, ...] = ()
    filled: int = 0
    unchanged: int = 0
    """Whose cell had the same mark already."""
    pages: int = 0
    overwritten: list[str] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)
    """Whose cell holds another mark; it was left."""
    held: list[str] = field(default_factory=list)
    unmarked: list[str] = field(default_factory=list)
    """Participants without a mark; their cells were left."""
    elsewhere: list[str] = field(default_factory=list)
    """Students with a mark who are not in the worksheet."""
    notes: list[str] = field(default_factory=list)


def give_back(
    course: Course,
    assignment: str,
    path: Path,
    output: Path,
    *,
    overwrite: bool = False,
    provisional: bool = False,
    most_bytes: int | None = None,
) -> Returned:
    """Fill a worksheet with the marks of an assignment, and pack the feedback.

    Parameters
    ----------
    course, assignment
        Of which they are.
    path
        The worksheet as it was downloaded; it stays as it is.
    output
        The folder for the filled one, under the same name, and for the zip.
    overwrite
        Write over cells that hold another mark.
    provisional
        Also send marks that are not final.
    most_bytes
        Of a zip: a larger feedback makes several. By default it makes one.

    Raises
    ------
    NbJudgeError
        If anything cannot be used; then nothing was written.
    """
    check_known(assignment, course.assignments())
    target = output / path.name
    if target.resolve() == path.resolve():
        raise ConfigurationError(
            f"Filling {path}: the filled worksheet would take its place. Choose another folder with"
            " --output."
        )
    sheet = read_worksheet(path, deadlines_from(course.config).timezone)
    ledger = read_ledger(course.root, assignment)
    _check_assignment(course, assignment, sheet, ledger)
    people = [person_of(participant) for participant in sheet.participants.values()]
    identities, doubts = identify(people, read_roll(course.root), ledger.participants)
    students = {key: identity.student for key, identity in identities.items()}
    marks = marks_of(course, assignment)
    data, returned, sent = fill(
        sheet, students, marks, overwrite=overwrite, provisional=provisional
    )
    # Only of those who have a mark, or may have: who never handed in is nobody's concern here.
    returned.notes += [doubts[key] for key in doubts if students[key] in marks]
    archives = list(
        _packed(_feedback(course, assignment, sheet, students, sent, returned), most_bytes)
    )
    names = [
        f"{assignment}-feedback{f'-{n}' if len(archives) > 1 else ''}.zip"
        for n in range(1, len(archives) + 1)
    ]
    try:
        # Those of a run before would be taken for these.
        for old in (
            output / f"{assignment}-feedback.zip",
            *output.glob(f"{glob.escape(assignment)}-feedback-[0-9]*.zip"),
        ):
            old.unlink(missing_ok=True)
        for name, archive in zip(names, archives, strict=True):
            write_private(output / name, archive)
        write_private(target, data)
    except OSError as error:
        raise DiskFull(
            f"Writing into {output}: {error.strerror or error}. Make room there, or choose another "
            "folder with --output."
        ) from error
    returned.worksheet, returned.feedback = target, tuple(output / name for name in names)
    return returned


def marks_of(course: Course, assignment: str) -> dict[str, Mark]:
    """Return the marks of all who handed in or have a code, by the names of their folders."""
    from nbjudge.marking.class_marks import class_marks
    from nbjudge.marking.rules import SECTION

    # What the TP weighs beside others is nothing to its own mark, not even if that is nothing.
    config = deepcopy(course.config)
    config[SECTION].weights = None
    marks = class_marks(replace(course, config=config), [assignment])
    stale = {
        student: problem.sentence
        for problem in marks.problems
        if problem.kind in _STALE
        for student in problem.students
    }
    found = {}
    for one in (*marks.students, *marks.unknown):
        tp = one.tps[assignment]
        student = one.student.id
        if tp.code is not None:
            found[student] = Mark(share=None, why=f"has the code {tp.code} in students.csv")
        elif tp.points is None:
            found[student] = Mark(share=None, why="handed in nothing, or was not graded")
        elif student in stale:
            found[student] = Mark(
                share=(tp.mark or Fraction(0)) / FULL, is_held=True, why=stale[student]
            )
        else:
            found[student] = Mark(
                share=(tp.mark or Fraction(0)) / FULL,
                is_held=tp.provisional,
                why="something is still to be graded or reviewed in formgrader",
            )
    return found


def fill(
    sheet: Worksheet,
    students: Mapping[str, str],
    marks: Mapping[str, Mark],
    *,
    overwrite: bool = False,
    provisional: bool = False,
) -> tuple[bytes, Returned, list[str]]:
    """Return a worksheet with marks in it, what was done, and whose feedback is to be sent.

    Parameters
    ----------
    sheet
        As it was downloaded.
    students
        By participant.
    marks
        By student.
    overwrite, provisional
        As :func:`give_back` takes them.

    Raises
    ------
    TableError
        If a maximum is no number.
    """
    returned, values, sent = Returned(), dict[Cell, str](), []
    for key, participant in sheet.participants.items():
        who = f"{participant.name or 'Participant'} ({key})"
        mark = marks.get(students[key])
        if mark is None or mark.share is None:
            reason = f" ({mark.why})" if mark and mark.why else ""
            if participant.grade:
                returned.notes.append(
                    f"{who}: has no mark here{reason}, and {participant.grade} in the worksheet; "
                    "left as it is."
                )
            returned.unmarked.append(f"{who}{reason}")
            continue
        if mark.is_held and not provisional:
            returned.held.append(f"{who}: {mark.why}")
            continue
        sent.append(key)
        text = _written(sheet, participant, mark.share, returned, who)
        same = _same(participant.grade, text)
        if same:
            returned.unchanged += 1
        elif not participant.is_changeable:
            returned.notes.append(
                f"{who}: {text} was not written: Moodle says that the grade cannot be changed "
                "(locked or overridden in the gradebook there)."
            )
        elif participant.grade and not overwrite:
            returned.differing.append(f"{who}: has {participant.grade}, would get {text}")
        else:
            if participant.grade:
                returned.overwritten.append(f"{who}: had {participant.grade}, has {text}")
            values[sheet.cell(participant, "grade")] = text
            returned.filled += 1
    there = set(students.values())
    returned.elsewhere += [
        student
        for student, mark in marks.items()
        if student not in there and mark.share is not None
    ]
    return sheet.sheet.write(values), returned, sent


def _written(
    sheet: Worksheet, participant: Participant, share: Fraction, returned: Returned, who: str
) -> str:
    maximum = sheet.maximum(participant)
    value = share * maximum
    if value > maximum:
        returned.notes.append(
            f"{who}: earned {decimal(value, DECIMALS)}, and Moodle takes {participant.maximum} at "
            "most; that was written."
        )
        value = maximum
    is_fixed = any(mark in participant.maximum for mark in ".,")
    return decimal(value, DECIMALS, fixed=is_fixed).replace(".", sheet.decimal_mark)


def _same(there: str, text: str) -> bool:
    try:
        return bool(there) and parse(there) == parse(text)
    except ValueError:
        return False


def _check_assignment(course: Course, assignment: str, sheet: Worksheet, ledger: Ledger) -> None:
    """Refuse the worksheet of another assignment: Moodle's numbers are others in each."""
    keys = set(sheet.participants)
    ours = len(keys & set(ledger.participants))
    for other in course.assignments():
        if other != assignment and ledger_path(course.root, other).exists():
            theirs = len(keys & set(read_ledger(course.root, other).participants))
            if theirs > ours:
                raise TableError(
                    f"Reading {sheet.path}: it is the worksheet of {other} ({theirs} of its "
                    f"{len(keys)} participants were collected for that, {ours} for {assignment}). "
                    f"Give the one of {assignment}, or: nbjudge moodle return {other} "
                    f"{sheet.path.name}. Nothing was written."
                )
    if ledger.participants and not ours:
        raise TableError(
            f"Reading {sheet.path}: it is not the worksheet of {assignment}: none of its "
            f"{len(keys)} participants is among the {len(ledger.participants)} that were collected."
            " Download it from the page of the assignment that the zip came from. Nothing was "
            "written."
        )


def _feedback(
    course: Course,
    assignment: str,
    sheet: Worksheet,
    students: Mapping[str, str],
    sent: Sequence[str],
    returned: Returned,
) -> Iterator[tuple[str, bytes]]:
    """Yield the pages to send, each with the name that Moodle looks for.

    It has the form ``<name>_<number>_assignfeedback_file_<page>``; pages that did not change are
    passed by there.
    """
    oldest: float | None = None
    for key in sent:
        participant = sheet.participants[key]
        pages = list(_pages(course, assignment, students[key]))
        if not pages:
            returned.notes.append(
                f"{participant.name or 'Participant'} ({key}): no feedback, or one that is older "
                f"than the grading. Write it: nbjudge feedback {assignment}"
            )
        returned.pages += len(pages)
        label = safe_label(participant.name)
        for page in pages:
            written = page.stat().st_mtime
            oldest = written if oldest is None else min(oldest, written)
            yield f"{label}_{key}_assignfeedback_file_{page.name}", page.read_bytes()
    gradebook = Path(course.db_url.removeprefix("sqlite:///"))
    if oldest is not None and gradebook.is_file() and gradebook.stat().st_mtime > oldest:
        returned.notes.append(
            "The gradebook was changed after the feedback was written. If points or comments were "
            f"given by hand since, the pages do not have them: nbjudge feedback {assignment}, and "
            "this again."
        )


def _packed(pages: Iterator[tuple[str, bytes]], most_bytes: int | None) -> Iterator[bytes]:
    """Yield zips of pages, of at most so many bytes unless a single page is larger."""
    buffer, archive, count = io.BytesIO(), None, 0
    for name, data in pages:
        entry = zipfile.ZipInfo(name, date_time=_EPOCH)
        entry.external_attr = 0o644 << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        # An entry's name stands in a zip twice, with some 200 bytes around it.
        packed = len(zlib.compress(data)) + 2 * len(name.encode()) + 200
        if archive is not None and most_bytes is not None and count + packed > most_bytes:
            archive.close()
            yield buffer.getvalue()
            buffer, archive, count = io.BytesIO(), None, 0
        if archive is None:
            archive = zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED)
        archive.writestr(entry, data)
        count += packed
    if archive is not None:
        archive.close()
        yield buffer.getvalue()


def _pages(course: Course, assignment: str, student: str) -> Iterator[Path]:
    """Yield the pages of a student that are of the last grading."""
    folder = course.folder("feedback") / student / assignment
    graded = course.folder("autograded") / student / assignment
    for page in sorted(folder.glob("*.html")):
        notebook = graded / f"{page.stem}.ipynb"
        if page.is_symlink() or not page.is_file() or page.name.startswith((".", "~")):
            continue
        if notebook.is_file() and os.stat(notebook).st_mtime > os.stat(page).st_mtime:
            continue
        yield page
