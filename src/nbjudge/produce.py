"""``release/`` and ``solutions/`` from ``source/``, and the zip that goes to students.

The course's own list of nbgrader preprocessors is applied, without a gradebook: what comes out
is what ``nbgrader generate_assignment`` and ``generate_solution`` write.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbjudge.assignment import Assignment
from nbjudge.compile import prepare
from nbjudge.course import Course
from nbjudge.errors import NotebookError
from nbjudge.imports import load_jsonschema

_NEEDS_GRADEBOOK = "nbgrader.preprocessors.SaveCells"
_EPOCH = (2020, 1, 1, 0, 0, 0)


def student_version(course: Course, assignment: Assignment) -> dict[str, bytes]:
    """Return the files that students receive, by path.

    Raises
    ------
    NotebookError
        If a preprocessor stops.
    """
    return _made(course, assignment, "GenerateAssignment") | dict(assignment.files)


def solution_version(course: Course, assignment: Assignment) -> dict[str, bytes]:
    """Return the files of the corrigé, by path."""
    return _made(course, assignment, "GenerateSolution") | dict(assignment.files)


def _made(course: Course, assignment: Assignment, step: str) -> dict[str, bytes]:
    load_jsonschema()
    import nbformat
    from nbgrader.nbgraderformat import read
    from traitlets.utils.importstring import import_item

    folder = course.sources(assignment.name).source
    files = {}
    for notebook in assignment.notebooks:
        path = folder / f"{notebook.name}.ipynb"
        made = read(path, as_version=4)
        resources: dict[str, Any] = {
            "unique_key": notebook.name,
            "metadata": {"path": str(folder)},
            "nbgrader": {
                "assignment": assignment.name,
                "notebook": notebook.name,
                "student": ".",
            },
        }
        for name in course.config[step].preprocessors:
            if name == _NEEDS_GRADEBOOK:
                continue
            try:
                # The course's list may hold classes as well as names.
                kind = import_item(name) if isinstance(name, str) else name
                preprocessor = prepare(kind, course.config, course.sources(assignment.name))
                made, resources = preprocessor.preprocess(made, resources)
            except Exception as error:  # whatever a preprocessor of the course raises
                raise NotebookError(
                    f"Making {step} of {assignment.name}/{path.name}: {name} stopped: {error}"
                ) from error
        files[path.name] = (nbformat.writes(made).rstrip("\n") + "\n").encode()
    return files


def write_folder(
    target: Path, files: Mapping[str, bytes], *, permissions: int | None = None
) -> None:
    """Make a folder hold exactly these files; it is replaced when they are all written.

    Parameters
    ----------
    target
        The folder.
    files
        By path relative to it.
    permissions
        Mode of the files; by default what the process gives new files.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}-"))
    try:
        for path, data in files.items():
            file = made / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
            if permissions is not None:
                file.chmod(permissions)
        made.chmod(0o755)
        if target.exists():
            old = Path(tempfile.mkdtemp(dir=target.parent, prefix=".old-"))
            os.replace(target, old / target.name)
            os.replace(made, target)
            shutil.rmtree(old)
        else:
            os.replace(made, target)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise


def write_zip(target: Path, name: str, files: Mapping[str, bytes], readme: bytes | None) -> None:
    """Write one zip for students: a folder with the files and a LISEZMOI.

    The same content gives the same bytes.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    every = dict(files)
    if readme is not None:
        every["LISEZMOI.txt"] = readme
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(every):
            entry = zipfile.ZipInfo(f"{name}/{path}", date_time=_EPOCH)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, every[path])
