"""The reference goes through first: once for each version of an assignment, then remembered."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import nbjudge
from nbjudge.assignment import Assignment
from nbjudge.settings import Settings

_FOLDER = Path(".nbjudge") / "proved"


def proof_key(assignment: Assignment, settings: Settings, secret: bytes) -> str:
    """Return a digest of all that the proof depends on."""
    parts = [nbjudge.__version__, assignment.version, repr(settings), secret.hex()]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def ensure_proved(root: Path, assignment: Assignment, settings: Settings, secret: bytes) -> bool:
    """Grade the reference unless this very version has earned full marks before.

    Returns
    -------
    bool
        Whether it had to be graded now.

    Raises
    ------
    HiddenTestError
        If the reference does not earn every point: the teacher's to put right.
    MachineError
        If this computer cannot grade.
    """
    if not settings.prove:
        return False
    path = root / _FOLDER / f"{assignment.name}-{proof_key(assignment, settings, secret)}"
    if path.exists():
        return False
    from nbjudge.grade import prove_reference

    prove_reference(assignment, settings, secret)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("The reference earned full marks.\n", "utf-8")
    return True
