"""Writing both zips: for students, and for Gradescope's « Configure Autograder »."""

from __future__ import annotations

import io
import json
import os
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nbjudge.assignment import Kind
from nbjudge.course import Course
from nbjudge.errors import ConfigurationError
from nbjudge.otter.carried import FOLDER, Carried, carried, secret_for
from nbjudge.otter.requirements import pins, wheel
from nbjudge.otter.student import otter_version, unjudged_test
from nbjudge.produce import student_version, write_zip
from nbjudge.proof import proved
from nbjudge.warm import imported_modules

PLUGIN = "nbjudge.otter.plugin.Judged"
_ROOT = "/autograder/source"
"""Where Gradescope unpacks the zip."""


@dataclass(frozen=True, kw_only=True)
class Written:
    """What was written, and what is to be said of it."""

    student: Path
    autograder: Path
    by_hand: tuple[str, ...]
    """Questions that a person grades: not in the autograder."""


def write_otter(
    course: Course,
    name: str,
    output: Path,
    secret: bytes,
    *,
    unsealed: bool = True,
    names: bool = False,
) -> Written:
    """Write the student version and the autograder of an assignment.

    Parameters
    ----------
    course, name
        The assignment's.
    output
        Folder for both zips.
    secret
        The course's.
    unsealed
        Whether the autograder does without a sandbox: Gradescope's machines forbid one.
    names
        Whether names may stand in what the autograder writes.

    Raises
    ------
    ConfigurationError
        If otter is not installed.
    NotebookError
        If otter cannot grade the assignment.
    HiddenTestError
        If the reference does not earn full marks with the autograder's problems.
    """
    _refuse_without_otter()
    assignment = course.compile(name)
    files = otter_version(student_version(course, assignment), assignment)
    own = secret_for(secret, name)
    assignment = proved(course.root, assignment, course.settings, own)
    taken = carried(assignment, course.settings, own, unsealed=unsealed)
    written = Written(
        student=output / f"{name}-otter.zip",
        autograder=output / f"{name}-autograder.zip",
        by_hand=tuple(
            cell.grade_id or ""
            for cell in assignment.notebooks[0].graded
            if cell.kind is not Kind.TEST
        ),
    )
    packed = autograder_zip(taken, names=names)
    readme = course.folder("release") / "README.md"
    try:
        output.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=output, prefix=".otter-") as made:
            student, autograder = Path(made, "student"), Path(made, "autograder")
            write_zip(student, name, files, readme.read_bytes() if readme.is_file() else None)
            autograder.write_bytes(packed)
            os.replace(student, written.student)
            os.replace(autograder, written.autograder)
    except OSError as error:
        raise ConfigurationError(
            f"Writing the otter assignment to {output}: {error}. Choose another folder with "
            "--output."
        ) from error
    return written


def _refuse_without_otter() -> None:
    from importlib.util import find_spec

    if find_spec("otter") is None:
        raise ConfigurationError(
            "Making an otter assignment: otter-grader is not installed in this environment. "
            "Install it: python -m pip install 'otter-grader>=7'."
        )


def autograder_zip(taken: Carried, *, names: bool = False) -> bytes:
    """Return the bytes of the zip for Gradescope, and for ``otter run`` and ``otter grade``."""
    config = {
        "lang": "python",
        # When grades are published, each student sees what was checked and what to look at again.
        "show_hidden": True,
        "force_public_test_summary": False,
        "show_stdout": False,
        "plugins": [{PLUGIN: {"names": names}}],
    }
    assignment = taken.assignment
    tests = {
        f"{cell.grade_id}.py": unjudged_test(cell)
        for cell in assignment.notebooks[0].graded
        if cell.kind is Kind.TEST
    }
    name, data = wheel()
    lines = [*pins((*imported_modules(assignment), *taken.settings.modules)), f"{_ROOT}/{name}"]
    files = {f"{FOLDER}/{path}": content for path, content in taken.files().items()}
    return _generated(config, tests, lines, {name: data} | files)


def _generated(
    config: Mapping[str, object],
    tests: Mapping[str, str],
    requirements: Sequence[str],
    further: Mapping[str, bytes],
) -> bytes:
    """Let otter write what Gradescope starts; return its zip with further files in it."""
    from otter.generate import main as generate

    with tempfile.TemporaryDirectory(prefix="nbjudge-otter-") as made:
        folder = Path(made)
        (folder / "tests").mkdir()
        for path, text in tests.items():
            (folder / "tests" / path).write_text(text, "utf-8")
        (folder / "config.json").write_text(json.dumps(config), "utf-8")
        (folder / "requirements.txt").write_text("\n".join(requirements) + "\n", "utf-8")
        generate(
            tests_dir=str(folder / "tests"),
            output_path=str(folder / "autograder.zip"),
            config=str(folder / "config.json"),
            requirements=str(folder / "requirements.txt"),
            # Not those of the folder that the command was given in.
            no_environment=True,
            python_version=f"{sys.version_info.major}.{sys.version_info.minor}",
        )
        packed = io.BytesIO()
        with (
            zipfile.ZipFile(folder / "autograder.zip") as theirs,
            zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive,
        ):
            every = {path: theirs.read(path) for path in theirs.namelist()} | dict(further)
            for path in sorted(every):
                entry = zipfile.ZipInfo(path, date_time=_EPOCH)
                is_program = path in _PROGRAMS
                entry.external_attr = (0o755 if is_program else 0o644) << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, every[path])
        return packed.getvalue()


_EPOCH = (2020, 1, 1, 0, 0, 0)
_PROGRAMS = ("setup.sh", "run_autograder")
