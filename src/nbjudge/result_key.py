"""The key of a stored result: all that its marks depend on, and nothing else.

A submission whose key is the stored one has the marks that are stored: it is not executed again.
Not in the key are how many workers grade, whether kernels start warm or cold, and what only
storing depends on (time of arrival, due dates).
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from nbjudge.assignment import Assignment
from nbjudge.environment import code_digest
from nbjudge.settings import Settings
from nbjudge.submissions import Submission

WITHOUT_EFFECT = frozenset({"warm", "modules"})
"""Fields of the settings that change no mark: a kernel that starts warm gives the same."""

CHANGED = {
    "upload": "the upload changed",
    "assignment": "the assignment changed",
    "engine": "nbjudge changed",
    "libraries": "Python or an installed package changed",
    "settings": "the settings changed",
    "secret": "the course secret changed",
}
"""Each part of a key, in some words."""


@dataclass(frozen=True, kw_only=True)
class Key:
    """Digests, part by part: two keys that differ can say in what."""

    upload: str
    """Every byte that was read of the submission, and the names of its files."""
    assignment: str
    """What ``source/`` and ``judge/`` say."""
    engine: str
    """The files of this package."""
    libraries: str
    """Python, its packages and kernels."""
    settings: str
    """Limits, language, mode, environment: all of ``nbjudge.configure``."""
    secret: str
    """A fingerprint of the course's secret, from which all problems are drawn."""

    @property
    def digest(self) -> str:
        """The key as one word."""
        return _digest(json.dumps(asdict(self), sort_keys=True).encode())

    def changes(self, before: Mapping[str, str]) -> list[str]:
        """Return what changed since, each in some words.

        Parameters
        ----------
        before
            An earlier key's parts, as they were stored.
        """
        return [CHANGED[name] for name, now in asdict(self).items() if before.get(name) != now]


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What the results of a whole class depend on, beside the uploads: computed once."""

    assignment: str
    engine: str
    libraries: str
    settings: str
    secret: str

    def key(self, submission: Submission) -> Key:
        """Return the key of one submission's result."""
        return Key(upload=upload_digest(submission), **asdict(self))


def ground(assignment: Assignment, settings: Settings, secret: bytes) -> Ground:
    """Return what all results of an assignment depend on.

    Raises
    ------
    KernelStartError
        If a kernel that a notebook asks for is not installed.
    """
    notebooks = [
        [notebook.name, notebook.kernel_name, notebook.language, dict(notebook.kernelspec)]
        for notebook in assignment.notebooks
    ]
    kernels = sorted({settings.kernel_name or n.kernel_name for n in assignment.notebooks})
    fields = {k: v for k, v in asdict(settings).items() if k not in WITHOUT_EFFECT}
    return Ground(
        assignment=_of(assignment.version, notebooks),
        engine=code_digest(),
        libraries=libraries_digest(kernels),
        settings=_of(fields),
        secret=_digest(b"fingerprint" + secret),
    )


def upload_digest(submission: Submission) -> str:
    """Return a digest of all that was read of a submission, but for its time of arrival."""
    digest = hashlib.sha256()

    def add(*words: object) -> None:
        digest.update(json.dumps(words).encode() + b"\n")

    for name in sorted(submission.uploads):
        upload = submission.uploads[name]
        # What is said of a file (renamed, not found) stands in the graded notebook.
        add(name, submission.found.get(name), submission.notes.get(name, ()))
        for path, data in (("", upload.notebook), *sorted(upload.files.items())):
            add(path, len(data))
            digest.update(data)
    return digest.hexdigest()[:32]


def libraries_digest(kernels: Iterable[str] = ()) -> str:
    """Return a digest of Python and of everything installed for it and for these kernels."""
    # By their names: where a command is started from adds folders to this list.
    folders = {p for p in sys.path if os.path.basename(p) in _PACKAGES and os.path.isdir(p)}
    commands = []
    for name in sorted(set(kernels) - {"python", "python3"}):  # this very Python
        from nbjudge.kernel import kernel_command

        argv, environment, _is_python, prefixes = kernel_command(name)
        commands.append([argv, environment])
        for prefix in prefixes:
            folders.update(map(str, Path(prefix).glob("lib/python*/site-packages")))
    return _of(
        sys.version,
        platform.system(),
        platform.machine(),
        sorted({name for folder in folders for name in _installed(folder)}),
        commands,
    )


_PACKAGES = ("site-packages", "dist-packages")


def _installed(folder: str) -> list[str]:
    """Return names and versions of the packages in a folder: their folders are called so."""
    return sorted(
        name
        for name in os.listdir(folder)
        if name.endswith((".dist-info", ".egg-info", ".egg-link"))
    )


def _of(*values: object) -> str:
    return _digest(json.dumps(values, sort_keys=True, default=str).encode())


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]
