"""Which upload of a student counts, and what is to be said of the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, timedelta
from pathlib import Path

from nbjudge.due import Due
from nbjudge.moodle.contents import Content
from nbjudge.moodle.gathering import Candidate
from nbjudge.moodle.ledger import WORKSHEET, ZIP, Collected
from nbjudge.moodle.uploads import TIMESTAMP, digest_of


def standing_in(folder: Path, kept: Collected | None) -> Candidate | None:
    """Return what lies in a student's folder already."""
    if not folder.is_dir():
        return None
    digest = digest_of(folder)
    arrived, source = None, None
    if kept is not None and kept.digest == digest:
        arrived, source = kept.time, kept.source
    elif (text := read_text(folder / TIMESTAMP)) is not None:
        from nbjudge.store import is_timestamp, parsed

        if is_timestamp(text):
            arrived, source = parsed(text).replace(tzinfo=UTC), WORKSHEET
    return Candidate(
        folder=folder,
        digest=digest,
        arrived=arrived,
        source=source,
        origin="submitted/",
    )


def choose(
    candidates: Sequence[Candidate], contents: Mapping[str, Content], due: Due, student: str
) -> Candidate | None:
    """Return the upload that counts: the last valid one in time, else the last valid one late."""
    refuses = due.deadlines.late == "refuse"
    for is_valid in (True, False):
        for is_late in (False, True):
            pool = [
                one
                for one in candidates
                if contents[one.digest].is_valid is is_valid
                and one.is_late(due, student) is is_late
            ]
            if not pool or (is_late and refuses):
                continue
            if all(one.arrived and one.source == WORKSHEET for one in pool):
                return max(enumerate(pool), key=lambda pair: (pair[1].arrived, pair[0]))[1]
            return pool[-1]
    return None


def first_arrival(chosen: Candidate, candidates: Sequence[Candidate]) -> Candidate:
    """Return an upload with the time when the same files were first handed in."""
    times = [
        one.arrived
        for one in candidates
        if one.digest == chosen.digest and one.source == WORKSHEET and one.arrived
    ]
    return replace(chosen, arrived=min(times), source=WORKSHEET) if times else chosen


def about_contents(
    student: str,
    chosen: Candidate | None,
    uploads: Sequence[Candidate],
    contents: Mapping[str, Content],
) -> Iterator[str]:
    """Yield a sentence for each upload in which nothing is of the assignment."""
    said = set()
    for one in uploads:
        content = contents[one.digest]
        if content.is_valid or one.digest in said:
            continue
        said.add(one.digest)
        if content.others:
            what = f"the notebook is of {', '.join(content.others)}"
        elif content.is_ours:
            what = "the notebook is damaged (cut short)"
        elif content.notebooks:
            what = "no notebook in it is a copy of the assignment's, or it is damaged"
        else:
            what = "there is no notebook in it"
        counts = chosen is not None and chosen.digest == one.digest
        end = "it counts, for want of another" if counts else "another upload counts"
        yield f"{student}: {what} ({one.origin}); {end if chosen else 'it is kept aside'}."


def about_lateness(
    student: str, chosen: Candidate | None, uploads: Sequence[Candidate], due: Due
) -> list[str]:
    """Return a sentence for each upload after the deadline."""
    said = []
    until = due.until(student)
    if until is None:
        return []
    for one in {one.digest: one for one in uploads}.values():
        if one.arrived is None:
            continue
        after = f"{_duration(one.arrived - until)} after the deadline"
        if one.is_late(due, student):
            if chosen is None:
                said.append(f"{student}: {after}; refused and kept aside.")
            elif one.digest == chosen.digest:
                if chosen.is_late(due, student):
                    said.append(f"{student}: {after}; it counts, as late.")
            else:
                said.append(f"{student}: {after}; kept aside, the one before it counts.")
        elif one.source == ZIP and one.arrived > until and chosen and chosen.digest == one.digest:
            said.append(
                f"{student}: perhaps {after}, by the zip alone (that may be the time of the "
                "download); taken as in time. Give --worksheet to know."
            )
    return said


def _duration(time: timedelta) -> str:
    minutes = max(1, -(-int(time.total_seconds()) // 60))
    days, minutes = divmod(minutes, 24 * 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{days} d" if days else "", f"{hours} h" if hours else ""]
    parts += [f"{minutes} min" if minutes else ""]
    return " ".join(part for part in parts if part)


def timestamp_of(chosen: Candidate, due: Due, student: str) -> str | None:
    """Return the content of ``timestamp.txt``, as nbgrader reads it.

    A time of the zip may be that of the download: it is written only where it makes nobody late.
    """
    if chosen.arrived is None:
        return None
    until = due.until(student)
    if chosen.source != WORKSHEET and (until is None or chosen.arrived > until):
        return None
    return f"{chosen.arrived:%Y-%m-%d %H:%M:%S} UTC"


def read_text(path: Path) -> str | None:
    """Return a file's text; None if there is none that can be read."""
    try:
        return path.read_text("utf-8") if path.is_file() and not path.is_symlink() else None
    except (OSError, ValueError):
        return None
