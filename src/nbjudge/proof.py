"""The reference goes through first: once for each version of an assignment, then remembered."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path

from nbjudge.assignment import Assignment
from nbjudge.records import write_whole
from nbjudge.result_key import ground
from nbjudge.settings import Settings

_FOLDER = Path(".nbjudge") / "proved"


def proof_key(assignment: Assignment, settings: Settings, secret: bytes) -> str:
    """Return a digest of all that the proof depends on: what a result does, but for an upload."""
    parts = [asdict(ground(assignment, settings, secret)), assignment.name]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def ensure_proved(root: Path, assignment: Assignment, settings: Settings, secret: bytes) -> bool:
    """Grade the reference unless this very version has passed before.

    Returns
    -------
    bool
        Whether it had to be graded now.

    Raises
    ------
    HiddenTestError
        If the reference fails a test: the teacher's to put right.
    MachineError
        If this computer cannot grade; also where nothing is to be proved, if a kernel that a
        notebook asks for is not installed.
    """
    from nbjudge.kernel import kernel_command

    for notebook in assignment.notebooks:
        kernel_command(settings.kernel_name or notebook.kernel_name)
    if not settings.prove:
        return False
    path = _path(root, assignment, settings, secret)
    if _objects(path) is not None:
        return False
    from nbjudge.grade import prove_reference

    # Nobody looks at this run: marks are all that it is for.
    results = prove_reference(assignment, replace(settings, figures=False), secret)
    objects = {result.notebook: dict(result.objects) for result in results}
    path.parent.mkdir(parents=True, exist_ok=True)
    said = {"proved": "The reference earned full marks.", "objects": objects}
    write_whole(path, json.dumps(said, indent=1) + "\n")
    return True


def proved(root: Path, assignment: Assignment, settings: Settings, secret: bytes) -> Assignment:
    """Return the assignment with what its proof has found, after :func:`ensure_proved`."""
    ensure_proved(root, assignment, settings, secret)
    found = _objects(_path(root, assignment, settings, secret)) if settings.prove else None
    return assignment if found is None else replace(assignment, objects=found)


def _path(root: Path, assignment: Assignment, settings: Settings, secret: bytes) -> Path:
    return root / _FOLDER / f"{assignment.name}-{proof_key(assignment, settings, secret)}"


def _objects(path: Path) -> dict[str, dict[str, list[str]]] | None:
    try:
        return dict(json.loads(path.read_text("utf-8"))["objects"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
