"""What was stored of a submission, and from what: ``.nbjudge/results/<student>/<assignment>.json``.

A receipt is taken away before anything of a submission is written, and written last.  So one that
is there says that everything was stored, whenever the run ended; where it is missing, or does not
agree with what it vouches for, the submission is graded again.
"""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from nbjudge.errors import DiskFull
from nbjudge.gradebook import Standing
from nbjudge.lateness import Basis
from nbjudge.records import RESULTS, record_path, write_whole
from nbjudge.verdict import Result, Status

_FORMAT = 1

Stamp = list[Any]
"""Size in bytes, time of the last change in nanoseconds, digest."""


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What was stored of one submission; every field as JSON gives it back."""

    key: Mapping[str, str]
    """The parts of its :class:`~nbjudge.result_key.Key`."""
    timestamp: str | None
    """The content of ``timestamp.txt``."""
    late: Mapping[str, Basis]
    """By notebook: what the late penalty was computed from."""
    verdicts: Mapping[str, Mapping[str, Sequence[Any]]]
    """By notebook and cell: status and points."""
    seconds: Mapping[str, float]
    """By notebook."""
    timings: Mapping[str, Sequence[Sequence[Any]]]
    """By notebook: cell and seconds, executed, and then judged."""
    graded: Mapping[str, Stamp] = field(default_factory=dict)
    """The files in ``autograded/``."""
    records: Mapping[str, Stamp] = field(default_factory=dict)
    """The records, by notebook."""

    def to_look_at(self) -> list[str]:
        """Return the cells whose verdict a person should look at, each in some words."""
        return [
            f"{notebook}: {cell}: {status}"
            for notebook, cells in self.verdicts.items()
            for cell, (status, _points) in cells.items()
            if status in TO_LOOK_AT
        ]


TO_LOOK_AT = (Status.TIMEOUT, Status.MEMORY, Status.DIED, Status.UNREADABLE)
"""Verdicts on what stopped, not on what was answered."""


def verdicts_of(results: Sequence[Result]) -> dict[str, dict[str, list[Any]]]:
    """Return verdicts as receipts keep them."""
    return {
        result.notebook: {v.grade_id: [v.status.value, v.points] for v in result.verdicts}
        for result in results
    }


def timings_of(result: Result) -> list[list[Any]]:
    """Return how long each cell ran, and each test took in the judge."""
    ran = [[timing.name, round(timing.seconds, 3)] for timing in result.timings]
    judged = [[f"{v.grade_id} (judged)", round(v.seconds, 3)] for v in result.verdicts if v.seconds]
    return ran + judged


def receipt_path(root: Path, student: str, assignment: str) -> Path:
    """Return where a receipt lies."""
    return root / RESULTS / student / f"{assignment}.json"


def read_receipt(root: Path, student: str, assignment: str) -> Receipt | None:
    """Return a submission's receipt; None where there is none that can be read."""
    try:
        data = json.loads(receipt_path(root, student, assignment).read_bytes())
        if data.pop("format") != _FORMAT:
            return None
        return Receipt(**data)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def write_receipt(root: Path, student: str, assignment: str, receipt: Receipt) -> None:
    """Write a receipt, whole or not at all."""
    data = {"format": _FORMAT} | asdict(receipt)
    write_whole(receipt_path(root, student, assignment), json.dumps(data, ensure_ascii=False))


def withdraw(root: Path, student: str, assignment: str) -> None:
    """Take a receipt away, before anything of its submission is written."""
    receipt_path(root, student, assignment).unlink(missing_ok=True)


def stamps(folder: Path, names: Sequence[str]) -> dict[str, Stamp]:
    """Return the stamps of files that were just written."""
    found = {}
    for name in names:
        status = (folder / name).stat()
        found[name] = [status.st_size, status.st_mtime_ns, _digest(folder / name)]
    return found


def record_stamps(
    root: Path, student: str, assignment: str, notebooks: Sequence[str]
) -> dict[str, Stamp]:
    """Return the stamps of a submission's records."""
    folder = record_path(root, student, assignment, "").parent
    made = stamps(folder, [record_path(root, student, assignment, n).name for n in notebooks])
    return dict(zip(notebooks, made.values(), strict=True))


def disagreement(
    receipt: Receipt, standing: Standing | None, graded: Path, root: Path, names: tuple[str, str]
) -> str:
    """Return what of a stored submission is not as its receipt says; nothing if all is.

    Parameters
    ----------
    receipt
        Its receipt.
    standing
        What the gradebook says of it.
    graded
        Its folder in ``autograded/``.
    root
        The course's folder.
    names
        Student and assignment.
    """
    if standing is None:
        return "it is not in the gradebook"
    for notebook, cells in receipt.verdicts.items():
        part = standing.parts.get(notebook)
        for cell, (_status, points) in cells.items():
            score = part.scores.get(cell) if part else None
            if score is None or score.auto != points:
                return f"the gradebook has other points of {notebook}: {cell}"
    for name, stamp in receipt.graded.items():
        if not _agrees(graded / name, stamp):
            return f"{graded.parent.parent.name}/{'/'.join(names)}/{name} was changed or removed"
    for notebook, stamp in receipt.records.items():
        if not _agrees(record_path(root, *names, notebook), stamp):
            return f"its record of {notebook} was changed or removed"
    return ""


def _agrees(path: Path, stamp: Stamp) -> bool:
    """Whether a file is the one that was written; read only where its time is another."""
    size, changed, digest = stamp
    try:
        status = path.stat()
        if status.st_size != size:
            return False
        # Copied, or brought back from a backup: the content says.
        return bool(status.st_mtime_ns == changed or _digest(path) == digest)
    except OSError:
        return False


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:32]


def sweep(root: Path, graded: Path, student: str, assignment: str) -> None:
    """Remove what a run that was killed left half-written of a submission.

    Only the one writer may call it.
    """
    left = [
        *graded.parent.glob(f".{glob_escape(assignment)}-*"),
        *graded.parent.glob(".old-*"),
        *(root / RESULTS / student).glob(".*.part"),
        *record_path(root, student, assignment, "").parent.glob(".*.part"),
    ]
    for path in left:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def glob_escape(name: str) -> str:
    """Return a name as a pattern that only it matches."""
    import glob

    return glob.escape(name)


@contextmanager
def stopping_when_full(what: str) -> Iterator[None]:
    """Tell a full disk, which stops the run, from what goes wrong with one submission.

    Raises
    ------
    DiskFull
        If there is no room left.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise DiskFull(f"{what}: {error}.") from error
