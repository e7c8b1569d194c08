"""An assignment in the autograder's zip: the instructor's side, as files."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from nbjudge.assignment import Assignment, SourceNotebook, Upload
from nbjudge.errors import ConfigurationError
from nbjudge.limits import Limits
from nbjudge.otter.student import without_checks
from nbjudge.settings import Settings
from nbjudge.submissions import read_submission
from nbjudge.verdict import Result

FOLDER = "nbjudge-assignment"
"""Of these files, in the zip. What runs otter lies beside it: it is no name to import."""
_FILE = "assignment.json"


def secret_for(secret: bytes, assignment: str) -> bytes:
    """Return the secret of an assignment's autograder, drawn from the course's.

    The zip lies where students' code runs. Whoever takes this one from it learns nothing of the
    problems that `nbjudge grade` sets, nor of the pseudonyms.
    """
    return hmac.digest(secret, b"otter\0" + assignment.encode(), "sha256")


@dataclass(frozen=True, kw_only=True)
class Carried:
    """What the autograder grades with."""

    assignment: Assignment
    settings: Settings
    secret: bytes

    def files(self) -> dict[str, bytes]:
        """Return it as files, by path."""
        assignment = self.assignment
        data = {
            "name": assignment.name,
            "notebooks": [asdict(notebook) for notebook in assignment.notebooks],
            "editable": sorted(assignment.editable),
            "objects": assignment.objects,
            "settings": asdict(self.settings),
            "secret": self.secret.hex(),
        }
        text = json.dumps(data, ensure_ascii=False, indent=1, default=sorted)
        found = {_FILE: text.encode()}
        for folder, files in _folders(assignment).items():
            found |= {f"{folder}/{path}": content for path, content in files.items()}
        return found

    def grade(self, folder: Path) -> Result:
        """Grade the notebook in a folder, as ``nbjudge grade`` does, whatever the folder holds.

        Parameters
        ----------
        folder
            Otter's ``submission``: the student's files, and what otter has put beside them.
        """
        from nbjudge.retry import grade_fairly

        (notebook,) = self.assignment.notebooks
        limits = self.settings.limits
        upload = read_submission(folder, "", self.assignment, limits).uploads[notebook.name]
        return grade_fairly(
            Upload(
                notebook=without_checks(upload.notebook),
                files={path: data for path, data in upload.files.items() if not _is_otters(path)},
            ),
            self.assignment,
            notebook.name,
            self.settings,
            self.secret,
        )


def _is_otters(path: str) -> bool:
    return path.startswith("tests/") or path == "__init__.py"


def _folders(assignment: Assignment) -> dict[str, Mapping[str, bytes]]:
    return {"files": assignment.files, "judge": assignment.judge_files}


def carried(
    assignment: Assignment, settings: Settings, secret: bytes, *, unsealed: bool
) -> Carried:
    """Return what an autograder grades an assignment with.

    Parameters
    ----------
    assignment
        Proved with the same secret (:func:`nbjudge.proof.proved`).
    settings
        Of the course.
    secret
        Of :func:`secret_for`.
    unsealed
        Whether it does without a sandbox.
    """
    there = replace(
        settings,
        unsealed=unsealed,
        # One submission at a time, nobody looks at its figures, the proof was here.
        prove=False,
        warm=False,
        figures=False,
        # The only kernel that is there.
        kernel_name="python3",
        readonly=(),
    )
    return Carried(assignment=assignment, settings=there, secret=secret)


def read_carried(folder: Path) -> Carried:
    """Read what :meth:`Carried.files` wrote.

    Raises
    ------
    ConfigurationError
        If it is not there, or not of this version.
    """
    try:
        data = json.loads((folder / _FILE).read_text("utf-8"))
        found = {name: _read(folder / name) for name in ("files", "judge")}
        return Carried(
            assignment=Assignment(
                name=data["name"],
                notebooks=tuple(map(SourceNotebook.from_json, data["notebooks"])),
                files=found["files"],
                judge_files=found["judge"],
                editable=frozenset(data["editable"]),
                objects=data["objects"],
            ),
            settings=_settings(data["settings"]),
            secret=bytes.fromhex(data["secret"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(
            f"Reading the autograder's assignment in {folder}: {type(error).__name__}: {error}. "
            "Write the zip anew with `nbjudge otter` of the version that is installed here."
        ) from error


def _read(folder: Path) -> dict[str, bytes]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def _settings(data: dict[str, Any]) -> Settings:
    return Settings(
        **data
        | {
            "limits": Limits(**data["limits"]),
            "readonly": tuple(data["readonly"]),
            "modules": tuple(data["modules"]),
            "environment": tuple((name, value) for name, value in data["environment"]),
        }
    )
