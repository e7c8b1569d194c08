"""The state that a jury saw: dated, never written again, ``.nbjudge/frozen/<date>-<label>/``.

``marks.json`` holds every number, ``marks.csv`` the table. Their digests stand in a log that only
grows (:mod:`nbjudge.marking.chain`), and each state holds the digest of the one before.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from nbjudge.course import Course
from nbjudge.environment import code_digest
from nbjudge.errors import TeacherError, UnknownNameError
from nbjudge.marking.chain import Chain, login_name, now, open_chain, read_chain, sha256
from nbjudge.marking.class_marks import ClassMarks
from nbjudge.marking.document import to_document, to_text
from nbjudge.marking.export import to_csv

FROZEN = Path(".nbjudge") / "frozen"
"""In the course's folder."""
_CHAIN = "chain.jsonl"
_MARKS = "marks.json"
_LABEL = re.compile(r"[\w.-]{1,60}")


@dataclass(frozen=True, kw_only=True)
class Frozen:
    """A frozen state."""

    name: str
    folder: Path
    digest: str
    """Of its line in the log; what to write down."""
    document: dict[str, Any]


def freeze(course: Course, marks: ClassMarks, label: str = "", *, french: bool = False) -> Frozen:
    """Write down the marks of a class for good.

    Parameters
    ----------
    course
        Where to.
    marks
        Of the class, as they are now.
    label
        Part of its name, such as ``jury``.
    french
        Whether its CSV is as French spreadsheets expect it.

    Raises
    ------
    TeacherError
        If the label cannot be part of a name, or an earlier state was altered.
    OSError
        If it cannot be written; nothing is left then.
    """
    label = label.strip().replace(" ", "-")
    if label and not _LABEL.fullmatch(label):
        raise TeacherError(
            f"Freezing the marks as {label!r}: a label has letters, digits, points and hyphens "
            "only, at most 60."
        )
    folder = course.root / FROZEN
    with open_chain(folder / _CHAIN) as chain:
        wrong = _wrong(folder, chain.entries)
        if wrong:
            raise TeacherError(f"Freezing the marks: {wrong[0]}")
        name = f"{datetime.now():%Y-%m-%dT%H-%M-%S}{f'-{label}' if label else ''}"
        if (folder / name).exists():
            raise TeacherError(f"Freezing the marks: {folder / name} is there already; try again.")
        document = to_document(marks) | {"frozen": _circumstances(course, label, chain)}
        files = {
            _MARKS: to_text(document).encode(),
            "marks.csv": to_csv(marks, french=french),
        }
        _write_for_good(folder, name, files)
        entry = chain.append(
            {
                "when": document["frozen"]["when"],
                "who": document["frozen"]["who"],
                "name": name,
                "files": {file: sha256(data) for file, data in files.items()},
            }
        )
    return Frozen(name=name, folder=folder / name, digest=entry["sha256"], document=document)


def _circumstances(course: Course, label: str, chain: Chain) -> dict[str, Any]:
    return {
        "label": label,
        "when": now(),
        "who": login_name(),
        "engine": code_digest(),
        "commit": _commit(course.root),
        "previous": chain.last,
    }


def _commit(root: Path) -> str | None:
    """Return the git commit of a folder, marked where files differ from it; None without one."""

    def git(*words: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(root), *words], capture_output=True, text=True, timeout=30, check=True
        )
        return done.stdout.strip()

    try:
        commit = git("rev-parse", "HEAD")
        changed = git("status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return None
    return f"{commit} with uncommitted changes" if changed else commit


def _write_for_good(folder: Path, name: str, files: Mapping[str, bytes]) -> None:
    made = Path(tempfile.mkdtemp(dir=folder, prefix=".part-"))
    try:
        for file, data in files.items():
            (made / file).write_bytes(data)
            (made / file).chmod(0o444)
        made.chmod(0o755)
        os.rename(made, folder / name)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise


def verify(course: Course) -> list[str]:
    """Return a sentence for each frozen state that is not as it was written.

    Raises
    ------
    TeacherError
        If the log itself is not.
    """
    folder = course.root / FROZEN
    return _wrong(folder, read_chain(folder / _CHAIN))


def _wrong(folder: Path, entries: list[dict[str, Any]]) -> list[str]:
    found = []
    for entry in entries:
        for file, digest in entry["files"].items():
            path = folder / entry["name"] / file
            try:
                same = sha256(path.read_bytes()) == digest
            except OSError:
                found.append(f"{path} is gone: bring it back from a backup.")
                continue
            if not same:
                found.append(
                    f"{path} was altered after {entry['when']}: bring it back from a backup."
                )
    names = {entry["name"] for entry in entries}
    if folder.is_dir():
        found += [
            f"{path} is in no line of {folder / _CHAIN}: it was put there by hand, or a freeze was "
            "interrupted. Remove it, and freeze again."
            for path in sorted(folder.iterdir())
            if path.is_dir() and not path.name.startswith(".") and path.name not in names
        ]
    return found


def read_frozen(course: Course, name: str) -> Frozen:
    """Return a frozen state that is as it was written.

    Parameters
    ----------
    course
        Where it lies.
    name
        Its name, a label or another part of it, ``last``, or its folder.

    Raises
    ------
    UnknownNameError
        If there is none of this name, or several.
    TeacherError
        If it, or the log, is not as it was written.
    """
    folder = course.root / FROZEN
    entries = read_chain(folder / _CHAIN)
    wanted = Path(name).parent.name if name.endswith(_MARKS) else Path(name).name
    if name == "last" and entries:
        found = [entries[-1]]
    else:
        found = [entry for entry in entries if entry["name"] == wanted]
        found = found or [entry for entry in entries if wanted and wanted in entry["name"]]
    if len(found) != 1:
        there = ", ".join(entry["name"] for entry in (found or entries)) or "none"
        what = "several are" if found else "no state is"
        raise UnknownNameError(
            f"Looking for the frozen state {name!r}: {what} called so. There are: {there}."
            + ("" if entries else " Freeze one: nbjudge marks --freeze=LABEL.")
        )
    entry = found[0]
    wrong = _wrong(folder, [entry])
    altered = [sentence for sentence in wrong if f"/{entry['name']}/" in sentence]
    if altered:
        raise TeacherError(f"Reading the frozen state {entry['name']}: {altered[0]}")
    path = folder / entry["name"]
    return Frozen(
        name=entry["name"],
        folder=path,
        digest=entry["sha256"],
        document=json.loads((path / _MARKS).read_bytes()),
    )
