"""Submissions on disk: ``submitted/<student>/<assignment>/``, whatever lies in there."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from nbjudge.assignment import Assignment, Upload
from nbjudge.i18n import gettext as _
from nbjudge.limits import Limits
from nbjudge.rebuild import recognise

MAX_EXTRA_FILES = 200
"""Files beside the notebooks that are read; nbgrader's own folders hold a handful."""
MAX_NOTEBOOKS = 20
"""Notebooks that are read; those with a name of the assignment come first."""
MAX_ENTRIES = 20_000
"""Files and folders that are looked at."""
MAX_PATH_BYTES = 1_024
"""Of a file beside the notebooks: a longer one can be written to no other folder."""
_TIMESTAMP = "timestamp.txt"


@dataclass(frozen=True, kw_only=True)
class Submission:
    """What one student handed in for one assignment."""

    student: str
    assignment: str
    uploads: Mapping[str, Upload]
    """By notebook of the assignment; every notebook has one, an empty one if nothing came."""
    notes: Mapping[str, tuple[str, ...]]
    """By notebook: sentences for the student (a renamed file, none found)."""
    found: Mapping[str, str]
    """By notebook: the file it was read from, relative to the folder; absent if none."""
    timestamp: str | None = None
    """The content of ``timestamp.txt``, when the submission arrived."""


def students_with(submitted: Path, assignment: str) -> list[str]:
    """Return the students who have a folder for the assignment, sorted."""
    if not submitted.is_dir():
        return []
    return sorted(
        folder.name
        for folder in submitted.iterdir()
        # nbgrader's pattern, "*", passes by hidden folders as well (.ipynb_checkpoints).
        if not folder.name.startswith(".") and (folder / assignment).is_dir()
    )


def read_submission(
    folder: Path, student: str, assignment: Assignment, limits: Limits
) -> Submission:
    """Read a submission's folder into bytes; never fails on what a student put there.

    A notebook is found by its name, else by the grade_ids in it (a browser makes
    ``tp1 (1).ipynb``, a student ``TP1_final.ipynb``).  A file of the right name that is no copy
    of the notebook gives way to one that is.

    Parameters
    ----------
    folder
        ``submitted/<student>/<assignment>``.
    student
        The student's id.
    assignment
        What the notebooks are matched with.
    limits
        Files above ``upload_bytes`` are not read.
    """
    wanted = [notebook.name for notebook in assignment.notebooks]
    files = _Folder(folder, limits, wanted)
    chosen = _choose(files, assignment, limits)
    left = sorted(set(files.notebooks) - set(chosen.values()))
    uploads, notes = {}, {}
    for name in wanted:
        path = chosen.get(name)
        said = list(_about(name, path, files.odd))
        if left and name == min(chosen, default=""):
            said.append(
                _("Other notebooks of the submission were not graded: {names}.").format(
                    names=", ".join(left)
                )
            )
        uploads[name] = Upload(notebook=files.notebooks.get(path or "", b""), files=files.extras)
        notes[name] = tuple(said)
    return Submission(
        student=student,
        assignment=assignment.name,
        uploads=uploads,
        notes=notes,
        found=chosen,
        timestamp=files.timestamp,
    )


def _about(name: str, path: str | None, odd: Sequence[str]) -> Sequence[str]:
    file = f"{name}.ipynb"
    if path is None and file in odd:
        return [_("{name} is not a file (a link, a folder or a pipe).").format(name=file)]
    if path is None:
        return [_("No notebook {name}.ipynb was found in the submission.").format(name=name)]
    if path != file:
        return [_("The file « {found} » was taken as {name}.ipynb.").format(found=path, name=name)]
    return []


def _choose(files: _Folder, assignment: Assignment, limits: Limits) -> dict[str, str]:
    """Return the file of each notebook that has one."""
    notebooks = files.notebooks
    chosen: dict[str, str] = {}
    wanted = {notebook.name for notebook in assignment.notebooks}
    for path in sorted(notebooks):
        name = PurePosixPath(path).stem
        if name in wanted and name not in chosen and "/" not in path:
            chosen[name] = path
    if len(notebooks) == len(chosen) == len(wanted) == 1:
        return chosen
    # A name may lie: an empty file, an error page, the notebook of another part.
    doubtful = {
        name
        for name, path in chosen.items()
        if recognise(notebooks[path], assignment.notebooks, limits) != name
    }
    sure = {path for name, path in chosen.items() if name not in doubtful}
    for path in files.newest_first:
        open_names = [n for n in assignment.notebooks if n.name not in chosen or n.name in doubtful]
        if path in sure or not open_names:
            continue
        found = recognise(notebooks[path], open_names, limits)
        if found is not None:
            chosen[found] = path
            doubtful.discard(found)
    # Two names may not share a file: the one that it was recognised as has it.
    for name in doubtful:
        if list(chosen.values()).count(chosen[name]) > 1:
            del chosen[name]
    left = set(notebooks) - set(chosen.values())
    unmatched = wanted - set(chosen)
    if len(left) == len(unmatched) == 1:
        # Too broken to be recognised, but there is only one thing that it can be.
        chosen[unmatched.pop()] = left.pop()
    return chosen


class _Folder:
    """The files of a submission, read within limits."""

    def __init__(self, folder: Path, limits: Limits, wanted: Sequence[str]) -> None:
        self.notebooks: dict[str, bytes] = {}
        self.extras: dict[str, bytes] = {}
        self.odd: list[str] = []
        """What is not a file, or was not read."""
        self.timestamp: str | None = None
        self._limits = limits
        self._room = limits.work_bytes
        self._notebook_room = 4 * limits.upload_bytes
        self._ages: dict[str, float] = {}
        entries = self._entries(folder)
        # Those that can be the notebooks come first: the rest may not crowd them out.
        expected = {f"{name}.ipynb" for name in wanted}
        for path in sorted(entries, key=lambda path: (path not in expected, path.count("/"), path)):
            self._take(folder / path, path)

    @property
    def newest_first(self) -> list[str]:
        return sorted(self.notebooks, key=lambda path: (-self._ages[path], path))

    def _entries(self, folder: Path) -> list[str]:
        found: list[str] = []
        seen = 0
        # Links to folders are not followed.
        for directory, folders, names in os.walk(folder):
            place = Path(directory).relative_to(folder)
            seen += len(folders) + len(names)
            self.odd += [(place / f).as_posix() for f in folders if f.lower().endswith(".ipynb")]
            folders[:] = sorted(f for f in folders if f[0] != "." and f != "__pycache__")
            found += [(place / name).as_posix() for name in sorted(names) if name[0] != "."]
            if seen > MAX_ENTRIES:
                break
        return found

    def _take(self, path: Path, name: str) -> None:
        is_notebook = name.lower().endswith(".ipynb")
        most = self._limits.upload_bytes
        # A name in another encoding can be written nowhere further on.
        shown = name.encode("utf-8", "replace").decode("utf-8")
        try:
            status = path.lstat()
            # A link may point anywhere on this machine; a pipe would block for ever.
            if not stat.S_ISREG(status.st_mode):
                self.odd.append(shown)
            elif is_notebook:
                if len(self.notebooks) < MAX_NOTEBOOKS and self._notebook_room > 0:
                    # One byte more than allowed: the rebuild says that it is too large.
                    self.notebooks[shown] = _head(path, most + 1)
                    self._ages[shown] = status.st_mtime
                    self._notebook_room -= len(self.notebooks[shown])
            elif name == _TIMESTAMP:
                self.timestamp = _head(path, 1000).decode("utf-8", "replace")
            elif (
                shown != name
                or len(name.encode()) > MAX_PATH_BYTES
                or status.st_size > min(most, self._room)
            ):
                self.odd.append(shown)
            elif len(self.extras) < MAX_EXTRA_FILES:
                self.extras[name] = path.read_bytes()
                self._room -= status.st_size
        except OSError:
            self.odd.append(shown)


def _head(path: Path, size: int) -> bytes:
    with path.open("rb") as stream:
        return stream.read(size)
