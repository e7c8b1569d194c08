"""Submissions on disk: ``submitted/<student>/<assignment>/``, whatever lies in there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nbjudge.assignment import Assignment, Upload
from nbjudge.i18n import gettext as _
from nbjudge.limits import Limits
from nbjudge.rebuild import recognise

MAX_EXTRA_FILES = 200
"""Files beside the notebooks that are read; nbgrader's own folders hold a handful."""


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
    return sorted(
        folder.parent.name for folder in submitted.glob(f"*/{assignment}") if folder.is_dir()
    )


def read_submission(
    folder: Path, student: str, assignment: Assignment, limits: Limits
) -> Submission:
    """Read a submission's folder into bytes; never fails on what a student put there.

    A notebook is found by its name, else by the grade_ids in it (a browser makes
    ``tp1 (1).ipynb``, a student ``TP1_final.ipynb``).

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
    found = _read_files(folder, limits)
    notebooks = {path: data for path, data in found.items() if path.lower().endswith(".ipynb")}
    chosen: dict[str, str] = {}
    wanted = {notebook.name for notebook in assignment.notebooks}
    for path in sorted(notebooks):
        name = Path(path).stem
        if name in wanted and name not in chosen and "/" not in path:
            chosen[name] = path
    for path in _newest_first(folder, set(notebooks) - set(chosen.values())):
        missing = [n for n in assignment.notebooks if n.name not in chosen]
        name_or_none = recognise(notebooks[path], missing, limits) if missing else None
        if name_or_none is not None:
            chosen[name_or_none] = path
    left = sorted(set(notebooks) - set(chosen.values()))
    unmatched = [n.name for n in assignment.notebooks if n.name not in chosen]
    if len(left) == len(unmatched) == 1:
        # Too broken to be recognised, but there is only one thing that it can be.
        chosen[unmatched[0]] = left[0]
    extras = {
        path: data
        for path, data in found.items()
        if path not in notebooks and Path(path).name != "timestamp.txt"
    }
    uploads, notes = {}, {}
    for notebook in assignment.notebooks:
        path_or_none = chosen.get(notebook.name)
        said: list[str] = []
        if path_or_none is None:
            said.append(
                _("No notebook {name}.ipynb was found in the submission.").format(
                    name=notebook.name
                )
            )
        elif path_or_none != f"{notebook.name}.ipynb":
            said.append(
                _("The file « {found} » was taken as {name}.ipynb.").format(
                    found=path_or_none, name=notebook.name
                )
            )
        uploads[notebook.name] = Upload(
            notebook=notebooks.get(path_or_none or "", b""), files=extras
        )
        notes[notebook.name] = tuple(said)
    stamp = found.get("timestamp.txt")
    return Submission(
        student=student,
        assignment=assignment.name,
        uploads=uploads,
        notes=notes,
        found=chosen,
        timestamp=stamp.decode("utf-8", "replace").strip() if stamp else None,
    )


def _read_files(folder: Path, limits: Limits) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    extras = 0
    room = limits.work_bytes
    for path in sorted(folder.rglob("*")):
        # A link may point anywhere on this machine; a pipe would block for ever.
        if path.is_symlink() or not path.is_file():
            continue
        relative = path.relative_to(folder).as_posix()
        if any(part.startswith(".") or part == "__pycache__" for part in Path(relative).parts):
            continue
        is_notebook = relative.lower().endswith(".ipynb")
        if not is_notebook:
            extras += 1
            if extras > MAX_EXTRA_FILES:
                continue
        try:
            size = path.stat().st_size
            if size > limits.upload_bytes or (not is_notebook and size > room):
                # The rebuild says that it is too large, from one byte more than allowed.
                if is_notebook:
                    with path.open("rb") as stream:
                        found[relative] = stream.read(limits.upload_bytes + 1)
                continue
            found[relative] = path.read_bytes()
        except OSError:
            continue
        if not is_notebook:
            room -= size
    return found


def _newest_first(folder: Path, paths: set[str]) -> Sequence[str]:
    def age(path: str) -> float:
        try:
            return -(folder / path).stat().st_mtime
        except OSError:
            return 0.0

    return sorted(paths, key=lambda path: (age(path), path))
