"""Folders into place, all or none; what was there is kept aside."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from nbjudge.moodle.gathering import Candidate
from nbjudge.moodle.ledger import kept_aside
from nbjudge.moodle.uploads import TIMESTAMP

if TYPE_CHECKING:
    from nbjudge.course import Course


@dataclass(frozen=True, kw_only=True)
class Move:
    """What becomes of one student's folder."""

    student: str
    made: Path | None = None
    """The folder to put there; without one, what is there stays, unless :attr:`removes`."""
    aside: Mapping[str, Path] = field(default_factory=dict)
    """Folders to keep aside, by the name that they get."""
    timestamp: str | None = None
    """To write into the folder that stays."""
    removes: bool = False
    """Whether the standing folder goes, without another in its place."""


def place(course: Course, assignment: str, moves: Sequence[Move]) -> None:
    """Do all moves; if one fails, put back what was moved."""
    submitted = course.folder("submitted")
    undo: list[tuple[Path, Path]] = []
    # Copies first: they need room, and a folder that goes may be wanted by two.
    for move in moves:
        for name, path in move.aside.items():
            _keep(path, kept_aside(course.root, assignment, move.student) / name)
    try:
        for move in moves:
            folder = submitted / move.student / assignment
            if (move.made is not None or move.removes) and folder.exists():
                away = folder.with_name(f".{assignment}-before")
                shutil.rmtree(away, ignore_errors=True)
                os.rename(folder, away)
                undo.append((away, folder))
            if move.made is not None:
                folder.parent.mkdir(parents=True, exist_ok=True)
                os.rename(move.made, folder)
                undo.append((folder, move.made))
            if move.timestamp is not None:
                write_timestamp(folder, move.timestamp)
    except BaseException:
        for now, before in reversed(undo):
            os.rename(now, before)
        raise
    for move in moves:
        folder = submitted / move.student
        shutil.rmtree(folder / f".{assignment}-before", ignore_errors=True)
        if move.removes and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _keep(folder: Path, target: Path) -> None:
    """Copy a folder aside, once; its name says what is in it."""
    if target.is_dir():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(dir=target.parent, prefix=".part-"))
    try:
        shutil.copytree(folder, part, symlinks=True, dirs_exist_ok=True)
        os.rename(part, target)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def build(source: Path, target: Path, timestamp: str | None) -> None:
    """Copy an upload: the members of a team have each their own."""
    shutil.copytree(source, target, symlinks=True)
    write_timestamp(target, timestamp)


def write_timestamp(folder: Path, timestamp: str | None) -> None:
    """Write the time of arrival into a folder, or remove it."""
    path = folder / TIMESTAMP
    if timestamp is None:
        path.unlink(missing_ok=True)
        return
    part = folder / f".{TIMESTAMP}"
    part.write_text(timestamp, "utf-8")
    os.replace(part, path)


def aside_name(one: Candidate) -> str:
    """Return the name under which an upload is kept: when it came, and what it is."""
    time = f"{one.arrived:%Y-%m-%dT%H-%M-%SZ}" if one.arrived else "time-unknown"
    return f"{time}-{one.digest[:12]}"
