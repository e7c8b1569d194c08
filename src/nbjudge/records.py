"""What was judged, for the instructor: ``.nbjudge/results/<student>/<assignment>/<notebook>.json``.

It holds details that quote hidden tests and reference values.  It lies outside ``autograded/``
because nbgrader copies what it finds there into ``feedback/``.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from nbjudge.errors import UnknownNameError
from nbjudge.inert import printable
from nbjudge.verdict import Result

RESULTS = Path(".nbjudge") / "results"
"""In the course's folder."""
_NOTE = 2_000
"""Characters kept of a sentence."""
_REMOVED = Path(".nbjudge") / "removed.txt"


def with_notes(result: Result, notes: Sequence[str]) -> Result:
    """Return the result with further sentences for the student before its own."""
    if not notes:
        return result
    # A file's name may hold anything; these sentences are shown on pages and terminals.
    said = [printable(note, _NOTE) for note in notes]
    every = (*said, *(note for note in result.notes if note not in said))
    metadata = result.document["metadata"]
    document = result.document | {
        "metadata": metadata | {"nbjudge": metadata["nbjudge"] | {"notes": list(every)}}
    }
    return replace(result, notes=every, document=document)


def record_path(root: Path, student: str, assignment: str, notebook: str) -> Path:
    """Return where a notebook's record lies."""
    return root / RESULTS / student / assignment / f"{notebook}.json"


def write_record(root: Path, student: str, assignment: str, result: Result) -> None:
    """Write everything that was judged of one notebook, whole or not at all."""
    path = record_path(root, student, assignment, result.notebook)
    write_whole(path, json.dumps(result.to_json(), ensure_ascii=False, indent=1) + "\n")


def read_record(root: Path, student: str, assignment: str, notebook: str) -> dict[str, Any]:
    """Return what :func:`write_record` wrote.

    Raises
    ------
    UnknownNameError
        If that notebook has not been graded.
    """
    path = record_path(root, student, assignment, notebook)
    try:
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UnknownNameError(
            f"Reading what was judged of {assignment}/{notebook} of {student}: {error}. "
            f"Grade it first: nbjudge grade {assignment} --student {student}."
        ) from error
    return dict(data)


def keep_removed(root: Path, lines: Sequence[str]) -> None:
    """Write down what persons had given for cells that are gone; nothing else remembers it."""
    if not lines:
        return
    path = root / _REMOVED
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as stream:
        stream.writelines(
            f"{datetime.now().astimezone():%Y-%m-%d %H:%M}  {line}\n" for line in lines
        )


def write_whole(
    path: Path, text: str | bytes, *, permissions: int = 0o600, beside: Path | None = None
) -> None:
    """Write a file under its name only when it is complete.

    Parameters
    ----------
    path, text
        The file and its content.
    permissions
        Of the file.
    beside
        Beside what, on the same file system, it is prepared; by default beside itself.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    folder, prefix = (path.parent, ".") if beside is None else (beside.parent, f".{beside.name}-")
    descriptor, name = tempfile.mkstemp(dir=folder, prefix=prefix, suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(text.encode() if isinstance(text, str) else text)
        Path(name).chmod(permissions)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
