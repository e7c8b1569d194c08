"""Who is who between Moodle and the course: ``.nbjudge/moodle/<assignment>.json``.

Moodle has a number for each person in each assignment, which its zips and worksheets go by; the
course has students.  What was collected is kept with it: the way back needs the first, a later
upload the second.  Personal data; no repository has it.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

from nbjudge.errors import ConfigurationError

FOLDER = Path(".nbjudge") / "moodle"
_VERSION = 1
SURE = ("number", "user name", "e-mail")
"""What identifies a person; a name alone may be another's."""
WORKSHEET, ZIP = "worksheet", "zip"


@dataclass(frozen=True, kw_only=True)
class Known:
    """One participant."""

    student: str
    """The id in ``submitted/``."""
    by: str
    """How the student was found: one of :data:`SURE`, ``name``, or ``made``."""
    name: str = ""
    """As Moodle shows it; empty in blind marking."""
    team: str = ""


@dataclass(frozen=True, kw_only=True)
class Collected:
    """What lies in a student's folder."""

    participant: str
    """Whose upload it was."""
    digest: str
    arrived: str | None
    """ISO 8601, UTC."""
    source: str | None
    """Of the time: :data:`WORKSHEET` or :data:`ZIP`."""

    @property
    def time(self) -> datetime | None:
        """When it arrived."""
        return None if self.arrived is None else datetime.fromisoformat(self.arrived)


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """What was collected of one assignment so far."""

    participants: Mapping[str, Known] = field(default_factory=dict)
    """By Moodle's number; a team's upload whose members are not known is under its name."""
    collected: Mapping[str, Collected] = field(default_factory=dict)
    """By student."""


def ledger_path(root: Path, assignment: str) -> Path:
    """Return where an assignment's ledger lies."""
    return root / FOLDER / f"{assignment}.json"


def read_ledger(root: Path, assignment: str) -> Ledger:
    """Return what was kept; empty where nothing was collected yet.

    Raises
    ------
    ConfigurationError
        If the file is damaged.
    """
    path = ledger_path(root, assignment)
    try:
        said = json.loads(path.read_text("utf-8"))
        if said["version"] != _VERSION:
            raise ValueError(f"its version is {said['version']!r}")
        return Ledger(
            participants={key: Known(**value) for key, value in said["participants"].items()},
            collected={key: Collected(**value) for key, value in said["collected"].items()},
        )
    except FileNotFoundError:
        return Ledger()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(
            f"Reading {path}: it is not as nbjudge writes it ({error}). Take it from a backup; "
            "without it the worksheet of a blind marking cannot be filled. Or remove it, and "
            "collect again."
        ) from error


def write_ledger(root: Path, assignment: str, ledger: Ledger) -> None:
    """Keep a ledger, whole or not at all; only its owner may read it."""
    said = {
        "version": _VERSION,
        "assignment": assignment,
        "participants": {key: asdict(known) for key, known in ledger.participants.items()},
        "collected": {key: asdict(one) for key, one in ledger.collected.items()},
    }
    write_private(
        ledger_path(root, assignment), json.dumps(said, ensure_ascii=False, indent=1).encode()
    )


def write_private(path: Path, data: bytes) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
        os.replace(name, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise


def kept_aside(root: Path, assignment: str, student: str) -> Path:
    """Return the folder with the uploads of a student that do not count."""
    return root / FOLDER / "aside" / assignment / student
