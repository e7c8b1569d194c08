"""A log that only grows: each line holds the digest of the one before.

Whoever changes or removes a line breaks every later one; whoever may write the folder can make
the whole chain anew. So the last digest is shown, to be written down elsewhere.
"""

from __future__ import annotations

import fcntl
import getpass
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from nbjudge.errors import TeacherError

START = "0" * 64
"""What the first line holds in place of a digest."""


def sha256(data: bytes) -> str:
    """Return a digest in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


class Chain:
    """An open log; no other process appends meanwhile. Made by :func:`open_chain`."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        self.entries = read_chain(path)

    @property
    def last(self) -> str:
        """Digest of the last line."""
        return str(self.entries[-1]["sha256"]) if self.entries else START

    def append(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Write one more line, and return it with its number and digests."""
        made = {"n": len(self.entries) + 1, **data, "previous": self.last}
        # As reading gives it back.
        entry: dict[str, Any] = json.loads(json.dumps(made))
        entry["sha256"] = _digest(entry)
        line = json.dumps(entry, ensure_ascii=False) + "\n"
        os.write(self._descriptor, line.encode())
        os.fsync(self._descriptor)
        self.entries.append(entry)
        return entry


@contextmanager
def open_chain(path: Path) -> Iterator[Chain]:
    """Open a log for appending, alone; it is made where there is none.

    Raises
    ------
    TeacherError
        If it is not as it was written, or another process has it open.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TeacherError(
                f"Writing {path}: another command is writing it. Wait until it has ended."
            ) from None
        yield Chain(path, descriptor)
    finally:
        os.close(descriptor)


def read_chain(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a log, oldest first; none where there is no log.

    Raises
    ------
    TeacherError
        Naming the first line that is not as it was written.
    """
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise TeacherError(f"Reading {path}: {error.strerror or error}.") from error
    found: list[dict[str, Any]] = []
    for number, line in enumerate(lines, start=1):
        previous = found[-1]["sha256"] if found else START
        try:
            entry = json.loads(line)
            sound = (
                entry["n"] == number
                and entry["previous"] == previous
                and entry["sha256"] == _digest(entry)
            )
        except (ValueError, KeyError, TypeError):
            sound = False
        if not sound:
            raise TeacherError(
                f"Reading {path}, line {number}: it is not as it was written, or a line before it "
                "was removed. Bring the file back from a backup; nothing is appended to it as it "
                "is."
            )
        found.append(entry)
    return found


def _digest(entry: Mapping[str, Any]) -> str:
    said = {key: value for key, value in entry.items() if key != "sha256"}
    return sha256(json.dumps(said, sort_keys=True).encode())


def now() -> str:
    """Return the date and time with its offset, to the second."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


def login_name() -> str:
    """Return who gives this command; behind ``sudo`` also who that is."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        name = f"user {os.getuid()}"
    behind = os.environ.get("SUDO_USER", "")
    return f"{name} (sudo: {behind})" if behind and behind != name else name
