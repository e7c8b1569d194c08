"""``nbjudge moodle collect``: from Moodle's zips into ``submitted/``.

Everything is unpacked and decided in a folder beside the students', and moved into place when all
zips have been read.  What a student has there and no longer counts is put aside, never removed.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from nbjudge.due import Due, check_known, how_to_set, read_due
from nbjudge.errors import ConfigurationError, DiskFull
from nbjudge.marking.roll import Roll, read_roll
from nbjudge.moodle.archive import Bounds
from nbjudge.moodle.choosing import (
    about_contents,
    about_lateness,
    choose,
    first_arrival,
    read_text,
    standing_in,
    timestamp_of,
)
from nbjudge.moodle.contents import Recogniser, check_belongs
from nbjudge.moodle.gathering import (
    Candidate,
    Run,
    gather,
    list_differing_teams,
    only_the_last_has_a_time,
)
from nbjudge.moodle.identity import identify
from nbjudge.moodle.ledger import Collected, Known, Ledger, read_ledger, write_ledger
from nbjudge.moodle.placing import Move, aside_name, build, place
from nbjudge.moodle.uploads import TIMESTAMP, unpack
from nbjudge.moodle.worksheet import Worksheet, read_worksheet
from nbjudge.writer_lock import only_writer

if TYPE_CHECKING:
    from nbjudge.course import Course

_STAGE = ".collecting-"


@dataclass(frozen=True, kw_only=True)
class Report:
    """What collecting came to; students by their ids, the rest in sentences."""

    new: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    """Whose folder stays as it is."""
    late: tuple[str, ...] = ()
    """Uploads after the deadline, and what became of them."""
    notes: tuple[str, ...] = ()
    """What a person should look at: who was not recognised, what was not taken."""
    missing: tuple[str, ...] = ()
    """Who handed in nothing."""
    warnings: tuple[str, ...] = ()
    """About all: no due date, no times."""


def collect(
    course: Course,
    assignment: str,
    zips: Sequence[Path],
    worksheets: Sequence[Path] = (),
    *,
    dry_run: bool = False,
    bounds: Bounds | None = None,
) -> Report:
    """Put the uploads of a class into ``submitted/<student>/<assignment>/``.

    Parameters
    ----------
    course, assignment
        Of which they are.
    zips
        From the oldest to the newest.
    worksheets
        None; one for all zips, of the time of the newest; or one for each.
    dry_run
        Only say what would be done.
    bounds
        What a zip may come to.

    Raises
    ------
    NbJudgeError
        If anything cannot be used; then nothing was written.
    """
    check_known(assignment, course.assignments())
    if len(worksheets) not in (0, 1, len(zips)):
        raise ConfigurationError(
            f"Collecting {assignment}: there are {len(zips)} zips and {len(worksheets)} worksheets;"
            " give one worksheet for all, or one for each zip, in the same order."
        )
    roll = read_roll(course.root)
    due = read_due(course, assignment, roll)
    sheets = [read_worksheet(path, due.deadlines.timezone) for path in worksheets]
    recogniser = Recogniser(course, course.compile(assignment))
    submitted = course.folder("submitted")
    with only_writer(course.root, assignment), _staging(submitted) as stage:
        ledger = read_ledger(course.root, assignment)
        run = Run()
        for number, path in enumerate(zips):
            contents = unpack(path, stage / f"zip-{number}", bounds)
            found = [recogniser.look(upload.folder, upload.digest) for upload in contents.uploads]
            check_belongs(path, assignment, found)
            sheet = sheets[min(number, len(sheets) - 1)] if sheets else None
            gather(run, contents, sheet, due)
        if len(sheets) == 1 < len(zips):
            only_the_last_has_a_time(run)
        list_differing_teams(run)
        identities, doubts = identify(list(run.people.values()), roll, ledger.participants)
        # Who is in the worksheet and handed in nothing is no question yet.
        run.notes += [doubt for key, doubt in doubts.items() if run.uploads.get(key)]
        decided = _Decisions(course, assignment, run, identities, ledger, due, recogniser, stage)
        for key, identity in identities.items():
            decided.decide(key, identity.student)
        decided.clear_old_names()
        report = decided.report(roll)
        if not dry_run:
            place(course, assignment, decided.moves)
            write_ledger(
                course.root,
                assignment,
                Ledger(
                    participants={**ledger.participants, **identities},
                    collected=decided.collected,
                ),
            )
    return replace(report, warnings=tuple(_about_times(due, sheets)))


@contextmanager
def _staging(submitted: Path) -> Iterator[Path]:
    """Give a folder beside the students', on the same file system, that goes in any case."""
    try:
        submitted.mkdir(parents=True, exist_ok=True)
        for left in submitted.glob(f"{_STAGE}*"):  # of a run that was killed
            shutil.rmtree(left, ignore_errors=True)
        stage = Path(tempfile.mkdtemp(dir=submitted, prefix=_STAGE))
        try:
            yield stage
        finally:
            shutil.rmtree(stage, ignore_errors=True)
    except OSError as error:
        raise DiskFull(
            f"Collecting into {submitted}: {error.strerror or error}"
            f"{f' ({error.filename})' if error.filename else ''}. Nothing was collected; make room "
            "there, or correct the permissions."
        ) from error


@dataclass
class _Decisions:
    """What becomes of each student's folder, and what is to be said of it."""

    course: Course
    assignment: str
    run: Run
    identities: Mapping[str, Known]
    ledger: Ledger
    due: Due
    recogniser: Recogniser
    stage: Path
    moves: list[Move] = field(default_factory=list)
    collected: dict[str, Collected] = field(default_factory=dict)
    _new: list[str] = field(default_factory=list)
    _replaced: list[str] = field(default_factory=list)
    _unchanged: list[str] = field(default_factory=list)
    _late: list[str] = field(default_factory=list)
    _notes: list[str] = field(default_factory=list)
    _old: dict[str, Candidate] = field(default_factory=dict)
    """What lies under names that participants no longer have."""

    def __post_init__(self) -> None:
        self.collected.update(self.ledger.collected)

    def decide(self, key: str, student: str) -> None:
        """Decide which upload of a participant counts."""
        standing = self._standing(student)
        aside: dict[str, Path] = {}
        if standing is not None and self._is_anothers(key, student):
            aside, standing = {aside_name(standing): standing.folder}, None
        uploads = self._moved_with(key, student) + self.run.uploads.get(key, [])
        if not uploads:
            self._notes += self._no_file(key, standing)
            if aside:
                self.collected.pop(student, None)
                self.moves.append(Move(student=student, aside=aside, removes=True))
            return
        candidates = [*([standing] if standing else []), *uploads]
        contents = {one.digest: self.recogniser.look(one.folder, one.digest) for one in candidates}
        chosen = choose(candidates, contents, self.due, student)
        self._notes += about_contents(student, chosen, uploads, contents)
        self._late += about_lateness(student, chosen, uploads, self.due)
        for one in candidates:
            if chosen is None or one.digest != chosen.digest:
                aside[aside_name(one)] = one.folder
        was = self.collected.pop(student, None)
        if chosen is None:
            removes = self._folder(student).is_dir()
            self.moves.append(Move(student=student, aside=aside, removes=removes))
            return
        chosen = first_arrival(chosen, candidates)
        stays = standing is not None and standing.digest == chosen.digest
        self.collected[student] = Collected(
            participant=was.participant if was and stays else key,
            digest=chosen.digest,
            arrived=chosen.arrived.isoformat() if chosen.arrived else None,
            source=chosen.source,
        )
        timestamp = timestamp_of(chosen, self.due, student)
        if standing is not None and stays:
            self._unchanged.append(student)
            stands = read_text(standing.folder / TIMESTAMP)
            is_new = timestamp is not None and timestamp != stands
            self.moves.append(
                Move(student=student, aside=aside, timestamp=timestamp if is_new else None)
            )
            return
        (self._new if standing is None else self._replaced).append(student)
        made = self.stage / f"made-{len(self.moves)}"
        build(chosen.folder, made, timestamp)
        self.moves.append(Move(student=student, made=made, aside=aside))

    def _folder(self, student: str) -> Path:
        return self.course.folder("submitted") / student / self.assignment

    def _standing(self, student: str) -> Candidate | None:
        return standing_in(self._folder(student), self.ledger.collected.get(student))

    def _is_anothers(self, key: str, student: str) -> bool:
        """Whether what lies under a student's name was collected for who has another name now."""
        one = self.ledger.collected.get(student)
        owner = self.identities.get(one.participant) if one else None
        return (
            one is not None
            and one.participant != key
            and owner is not None
            and (owner.student != student)
        )

    def _moved_with(self, key: str, student: str) -> list[Candidate]:
        """Return what was collected for a participant under another name."""
        before = self.ledger.participants.get(key)
        if before is None or before.student == student:
            return []
        one = self.ledger.collected.get(before.student)
        old = self._standing(before.student)
        if old is None or one is None or one.participant != key:
            return []
        self._old[before.student] = old
        self._notes.append(
            f"{self.run.people[key]}: was {before.student}, and is {student} now; the upload went "
            f"with it. Once the class is graded again: nbgrader db student remove {before.student}"
            " --force."
        )
        return [old]

    def clear_old_names(self) -> None:
        """Put aside what lies under names that nobody has any more, after it was copied."""
        has_owner = {identity.student for identity in self.identities.values()}
        for student, old in self._old.items():
            if student not in has_owner:
                self.collected.pop(student, None)
                self.moves.append(
                    Move(student=student, aside={aside_name(old): old.folder}, removes=True)
                )

    def _no_file(self, key: str, standing: Candidate | None) -> Iterator[str]:
        entry = self.run.entries.get(key)
        if standing is None and entry is not None and entry.submitted is not None:
            yield (
                f"{self.run.people[key]}: handed in on {self.due.deadlines.shown(entry.submitted)},"
                " says the worksheet, and there is no file in the zip (it was downloaded before, "
                "or there is an online text only)."
            )

    def report(self, roll: Roll | None) -> Report:
        """Return what is to be said."""
        have = {*self._new, *self._replaced, *self._unchanged}
        gone = {move.student for move in self.moves if move.removes}
        everyone = roll.students if roll else [one.student for one in self.identities.values()]
        return Report(
            new=tuple(sorted(self._new)),
            replaced=tuple(sorted(self._replaced)),
            unchanged=tuple(sorted(self._unchanged)),
            late=tuple(self._late),
            notes=(*self.run.notes, *self._notes),
            missing=tuple(
                student
                for student in everyone
                if student not in have and (student in gone or not self._folder(student).is_dir())
            ),
        )


def _about_times(due: Due, sheets: Sequence[Worksheet]) -> Iterator[str]:
    if due.date is None:
        yield (
            f"No due date of {due.assignment} is in the gradebook, so nothing is late. To set one: "
            f"{how_to_set(due.assignment, due.deadlines)}"
        )
    if not sheets:
        yield (
            "No worksheet was given: times are those of the zip. They may be those of the "
            "download, and make nobody late."
        )
    for sheet in sheets:
        if not sheet.has_times:
            yield (
                f"{sheet.path.name} has no column with the times of submissions: times are those "
                "of the zip. They may be those of the download, and make nobody late."
            )
