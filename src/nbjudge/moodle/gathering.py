"""Who handed in what, and when: zips and worksheets put together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from nbjudge.due import Due
from nbjudge.errors import TableError
from nbjudge.moodle.identity import Person
from nbjudge.moodle.layout import Uploader, cleaned
from nbjudge.moodle.ledger import WORKSHEET, ZIP
from nbjudge.moodle.uploads import Contents, Unpacked
from nbjudge.moodle.worksheet import Participant, Worksheet

_NAMED = 6


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """An upload that may count."""

    folder: Path
    digest: str
    arrived: datetime | None
    source: str | None
    """Of the time; only :data:`WORKSHEET` decides whether it is late."""
    origin: str
    """For sentences: the name of the zip."""

    def is_late(self, due: Due, student: str) -> bool:
        """Whether it came after the deadline of a student, as far as is known."""
        return (
            self.arrived is not None
            and self.source == WORKSHEET
            and due.is_late(student, self.arrived)
        )


@dataclass
class Run:
    """What is gathered from all zips before anything is decided."""

    people: dict[str, Person] = field(default_factory=dict)
    uploads: dict[str, list[Candidate]] = field(default_factory=lambda: defaultdict(list))
    """By participant, in the order of the zips."""
    entries: dict[str, Participant] = field(default_factory=dict)
    """Lines of worksheets, by participant."""
    notes: list[str] = field(default_factory=list)


def gather(run: Run, contents: Contents, sheet: Worksheet | None, due: Due) -> None:
    """Add what one zip holds, each upload to whose it is.

    Raises
    ------
    TableError
        If the worksheet does not belong to the zip.
    """
    run.notes += contents.notes
    teams: dict[str, list[Participant]] = defaultdict(list)
    for participant in sheet.participants.values() if sheet else ():
        run.entries[participant.id] = participant
        run.people[participant.id] = person_of(participant)
        if participant.group:
            teams[cleaned(participant.group)].append(participant)
    if sheet is not None:
        _check_pair(contents, sheet, teams)
    for upload in contents.uploads:
        members = _members(upload.uploader, sheet, teams)
        for participant in members:
            if participant.is_draft:
                run.notes.append(
                    f"{run.people[participant.id]}: a draft, says the worksheet; it was never "
                    "submitted for grading. It is collected."
                )
            run.uploads[participant.id].append(
                _candidate(upload, contents.path, participant.submitted, due)
            )
        if not members:
            uploader = upload.uploader
            key = uploader.number or uploader.label
            other = run.entries.get(key)
            if sheet is not None and other is not None:
                # A team's number may be that of a participant who has nothing to do with it.
                key = str(uploader)
                run.notes.append(
                    f"{uploader}: in {contents.path.name}, and in {sheet.path.name} that number is "
                    f"{other.name}'s."
                )
            elif sheet is not None:
                run.notes.append(
                    f"{uploader}: in {contents.path.name}, and not in {sheet.path.name}."
                )
            elif uploader.number is None:
                run.notes.append(
                    f"{uploader}: a team, whose members only the worksheet knows (--worksheet)."
                )
            if key not in run.people:
                run.people[key] = Person(key=key, name="" if uploader.is_blind else uploader.label)
            run.uploads[key].append(_candidate(upload, contents.path, None, due))


def person_of(participant: Participant) -> Person:
    """Return what a line of a worksheet says of who it is."""
    return Person(
        key=participant.id,
        name=participant.name,
        email=participant.email,
        number=participant.number,
        username=participant.username,
        team=participant.group,
    )


def _members(
    uploader: Uploader, sheet: Worksheet | None, teams: Mapping[str, Sequence[Participant]]
) -> Sequence[Participant]:
    """Return whose upload it is: one participant, a team's, or nobody of the worksheet."""
    if sheet is None:
        return ()
    alone = sheet.participants.get(uploader.number or "")
    if alone is not None and alone.name and _agree(uploader, alone):
        return (alone,)
    team = teams.get(cleaned(uploader.label), ())
    if team and not uploader.is_blind:
        return team
    return (alone,) if alone is not None and _agree(uploader, alone) else ()


def _agree(uploader: Uploader, participant: Participant) -> bool:
    """Whether a name in the zip may be that of the worksheet: a team or a login may precede it."""
    label, name = cleaned(uploader.label), cleaned(participant.name)
    if uploader.is_blind or not name:
        return True
    return label == name or label.endswith((f"-{name}", f" {name}"))


def _check_pair(
    contents: Contents, sheet: Worksheet, teams: Mapping[str, Sequence[Participant]]
) -> None:
    """Refuse a worksheet that is not of the zip."""
    uploaders = [upload.uploader for upload in contents.uploads] + contents.without_file
    good, others = 0, []
    for uploader in uploaders:
        alone = sheet.participants.get(uploader.number or "")
        if (alone and _agree(uploader, alone)) or cleaned(uploader.label) in teams:
            good += 1
        else:
            others.append(str(uploader))
    if uploaders and good <= len(others):
        raise TableError(
            f"Reading {sheet.path}: it does not belong to {contents.path.name}: of the "
            f"{len(uploaders)} who are in the zip, {good} are in the worksheet (not: "
            f"{', '.join(others[:5])}{', ...' if len(others) > 5 else ''}). Download both from the "
            "same assignment's page, for the same group, one after the other. Nothing was "
            "collected."
        )


def _candidate(upload: Unpacked, path: Path, submitted: datetime | None, due: Due) -> Candidate:
    arrived, source = submitted, WORKSHEET if submitted else None
    if submitted is None and upload.modified is not None:
        arrived = upload.modified.replace(tzinfo=due.deadlines.timezone).astimezone(UTC)
        source = ZIP
    return Candidate(
        folder=upload.folder,
        digest=upload.digest,
        arrived=arrived,
        source=source,
        origin=path.name,
    )


def only_the_last_has_a_time(run: Run) -> None:
    """One worksheet for several zips says when the last upload of each came, not the others'."""
    for key, uploads in run.uploads.items():
        last = uploads[-1]
        run.uploads[key] = [
            one
            if one.digest == last.digest or one.source != WORKSHEET
            else replace(one, arrived=None, source=None)
            for one in uploads
        ]


def list_differing_teams(run: Run) -> None:
    """List teams whose members handed in different files: each alone, or not a team at all.

    Nobody gets another's file but by a team's own entry in the zip: a column of groups may be one
    of the university's, and no team's.
    """
    teams: dict[str, list[Person]] = defaultdict(list)
    for person in run.people.values():
        if person.team and run.uploads.get(person.key):
            teams[person.team].append(person)
    for team, people in teams.items():
        if len({run.uploads[person.key][-1].digest for person in people}) > 1:
            more = f" and {len(people) - _NAMED} more" if len(people) > _NAMED else ""
            run.notes.append(
                f"{team}: its members handed in different files "
                f"({', '.join(map(str, people[:_NAMED]))}{more}); each keeps their own."
            )
