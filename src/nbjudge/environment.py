"""What marks depend on beside the course: this code, Python, the libraries, the sandbox."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import nbjudge
from nbjudge.errors import MachineError
from nbjudge.sandbox import diagnose

LIBRARIES = ("ipykernel", "numpy", "scipy", "pandas", "scikit-learn", "matplotlib", "torch")
"""Those whose version can change what a notebook computes or how its kernel behaves."""


def versions() -> dict[str, str]:
    """Return what must be the same wherever submissions of one class are graded, by name."""
    return {
        "nbjudge": nbjudge.__version__,
        "the code of nbjudge": code_digest(),
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "the machine": f"{platform.system()} {platform.machine()}",
        **{library: _version(library) for library in LIBRARIES},
    }


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "absent"


@cache
def code_digest() -> str:
    """Return a digest of every file of this package: a checkout has no version that is its own."""
    root = Path(nbjudge.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc":
            data = path.read_bytes()
            digest.update(json.dumps([path.relative_to(root).as_posix(), len(data)]).encode())
            digest.update(data)
    return digest.hexdigest()[:16]


def differences(here: dict[str, str], there: dict[str, str]) -> list[str]:
    """Return how another place differs, each in some words.

    >>> differences({"numpy": "2.4.6", "torch": "2.13.0"}, {"numpy": "2.4.5", "torch": "2.13.0"})
    ['numpy is 2.4.5 there and 2.4.6 here']
    """
    return [
        f"{name} is {there.get(name, 'absent')} there and {here.get(name, 'absent')} here"
        for name in sorted({*here, *there}, key=[*here, *there].index)
        if here.get(name) != there.get(name)
    ]


def lacks(*, kernels: Sequence[str], readonly: Sequence[str], unsealed: bool) -> list[str]:
    """Return what this machine lacks for grading a course, each in some words.

    Parameters
    ----------
    kernels
        Names of kernelspecs.
    readonly
        Paths that notebooks may read.
    unsealed
        Whether no sandbox is needed.
    """
    from nbjudge.kernel import kernel_command

    missing = [f"there is no {path}" for path in readonly if not os.path.exists(path)]
    for name in kernels:
        try:
            kernel_command(name)
        except MachineError as error:
            missing.append(str(error))
    if not unsealed:
        diagnosis = diagnose()
        if not diagnosis.ok:
            missing.append(f"no sandbox can be made: {diagnosis.cause} {diagnosis.way_out}")
    return missing
