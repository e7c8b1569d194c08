"""The reference goes through first: once for each version of an assignment, then remembered."""

from __future__ import annotations

import hashlib
import json
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import nbjudge
from nbjudge.assignment import Assignment
from nbjudge.settings import Settings

_FOLDER = Path(".nbjudge") / "proved"


_LIBRARIES = ("ipykernel", "numpy", "scipy", "pandas", "scikit-learn", "matplotlib", "torch")


def _version(library: str) -> str:
    try:
        return f"{library} {version(library)}"
    except PackageNotFoundError:
        return f"no {library}"


def proof_key(assignment: Assignment, settings: Settings, secret: bytes) -> str:
    """Return a digest of all that the proof depends on."""
    parts = [
        nbjudge.__version__,
        sys.version,
        *(_version(name) for name in _LIBRARIES),
        assignment.version,
        repr(settings),
        secret.hex(),
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


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
    path = root / _FOLDER / f"{assignment.name}-{proof_key(assignment, settings, secret)}"
    if path.exists():
        return False
    from nbjudge.grade import prove_reference

    prove_reference(assignment, settings, secret)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("The reference earned full marks.\n", "utf-8")
    return True
