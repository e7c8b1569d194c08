"""One writer for a course: a lock that ends with the process that holds it."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from nbjudge.errors import ConfigurationError

_FILE = Path(".nbjudge") / "grading.lock"


@contextmanager
def only_writer(root: Path, assignment: str) -> Iterator[None]:
    """Hold the course's lock; the kernel lets it go when this process ends, however it ends.

    The file stays and means nothing by itself: it only says who has the lock.

    Parameters
    ----------
    root
        The course's folder.
    assignment
        What is graded, for the sentence that another run ends with.

    Raises
    ------
    ConfigurationError
        If another process is grading this course.
    """
    path = root / _FILE
    path.parent.mkdir(exist_ok=True)
    # Not inherited by workers: they would go on holding it.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigurationError(
                f"Grading {assignment}: another `nbjudge grade` is at work on this course"
                f"{_who(descriptor)}. Two would write over each other; wait until it has ended."
            ) from None
        said = {"process": os.getpid(), "assignment": assignment, "since": _now()}
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(said).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _now() -> str:
    return f"{datetime.now().astimezone():%H:%M}"


def _who(descriptor: int) -> str:
    try:
        said = json.loads(os.pread(descriptor, 4096, 0))
        return f" (process {said['process']}, {said['assignment']}, since {said['since']})"
    except (ValueError, KeyError, TypeError):
        return ""
