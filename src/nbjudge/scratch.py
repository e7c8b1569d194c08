"""Temporary folders that are gone in the end, even when their process is killed.

All of a process lie in one folder of its own, ``nbjudge-...`` in the system's temporary folder,
with a locked file in it. The lock ends with the process, however that ends; the next process that
makes such a folder first removes those whose lock is free.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

_PREFIX = "nbjudge-"
_LOCK = ".lock"

_mutex = threading.Lock()
_home: _Home | None = None


@contextmanager
def temporary_folder(prefix: str) -> Iterator[Path]:
    """Make an empty folder and remove it at the end, with all that is in it by then."""
    home = _enter()
    try:
        with tempfile.TemporaryDirectory(
            prefix=prefix, dir=home.path, ignore_cleanup_errors=True
        ) as folder:
            yield Path(folder)
    finally:
        _leave(home)


@cache
def _sweep_first() -> None:
    """Sweep once in the life of a process: not for each of its submissions."""
    sweep()


def sweep() -> None:
    """Remove what processes of this user have left that were killed."""
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/{_LOCK}"):
        # It may be another's, or end at this very moment.
        with contextlib.suppress(OSError):
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                if os.fstat(descriptor).st_uid == os.geteuid():
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(path.parent, ignore_errors=True)
            finally:
                os.close(descriptor)


class _Home:
    """The folder of this process, locked; there while something is in it."""

    def __init__(self) -> None:
        self.users = 0
        self.process = os.getpid()
        while True:
            self.path = Path(tempfile.mkdtemp(prefix=_PREFIX))
            path = self.path / _LOCK
            self._lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            # Another's sweep may have come between making and locking it.
            if path.exists():
                return
            os.close(self._lock)

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def _enter() -> _Home:
    global _home  # noqa: PLW0603 - one for each process
    with _mutex:
        # What a fork has taken along is its parent's.
        if _home is None or _home.process != os.getpid():
            _sweep_first()
            _home = _Home()
        _home.users += 1
        return _home


def _leave(home: _Home) -> None:
    global _home  # noqa: PLW0603 - as above
    with _mutex:
        home.users -= 1
        if home.users == 0 and home.process == os.getpid():
            home.remove()
            if _home is home:
                _home = None
