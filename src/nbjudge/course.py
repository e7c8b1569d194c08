"""A course folder: its ``nbgrader_config.py`` and where its things lie."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbjudge.assignment import Assignment
from nbjudge.compile import Sources, compile_assignment
from nbjudge.configuration import settings_from
from nbjudge.errors import ConfigurationError
from nbjudge.settings import Settings

CONFIG = "nbgrader_config.py"


@dataclass(frozen=True, kw_only=True)
class Course:
    """A course on disk; made by :func:`load_course`."""

    root: Path
    config: Any
    """traitlets ``Config``: what ``nbgrader_config.py`` says."""
    settings: Settings

    def folder(self, step: str) -> Path:
        """Return the folder of a step: source, release, solution, submitted, autograded, feedback.

        nbgrader's names are options of ``c.CourseDirectory``; these are followed.
        """
        name = self.config.CourseDirectory.get(f"{step}_directory", step)
        return self.root / str(name)

    @property
    def db_url(self) -> str:
        """URL of nbgrader's gradebook."""
        url = self.config.CourseDirectory.get("db_url", None)
        return str(url) if url else f"sqlite:///{self.root / 'gradebook.db'}"

    @property
    def course_id(self) -> str:
        """Nbgrader's course id, by default empty."""
        return str(self.config.CourseDirectory.get("course_id", ""))

    def sources(self, assignment: str) -> Sources:
        """Return where an assignment's files lie."""
        return Sources(
            source=self.folder("source") / assignment, judge=self.root / "judge" / assignment
        )

    def assignments(self) -> list[str]:
        """Return the names of the assignments that have a source, sorted."""
        source = self.folder("source")
        if not source.is_dir():
            return []
        return sorted(
            path.name for path in source.iterdir() if path.is_dir() and any(path.glob("*.ipynb"))
        )

    def compile(self, assignment: str) -> Assignment:
        """Read an assignment as the instructor wrote it.

        Raises
        ------
        TeacherError
            If there is none of this name, or it cannot be used.
        """
        return compile_assignment(
            assignment, self.sources(assignment), self.settings, config=self.config
        )


def find_root(start: Path) -> Path:
    """Return the nearest folder at or above ``start`` with an ``nbgrader_config.py``.

    Raises
    ------
    ConfigurationError
        If there is none.
    """
    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / CONFIG).is_file():
            return folder
    raise ConfigurationError(
        f"Looking for the course: there is no {CONFIG} in {start} or above it. Go to the course's "
        "folder, or name it with --course FOLDER."
    )


def load_course(root: Path) -> Course:
    """Read a course's configuration.

    Raises
    ------
    ConfigurationError
        If there is none, it stops with an error, or never calls ``nbjudge.configure``.
    """
    from traitlets.config.loader import Config, PyFileConfigLoader

    root = root.resolve()
    path = root / CONFIG
    if not path.is_file():
        raise ConfigurationError(f"Reading the course in {root}: there is no {CONFIG}.")
    loader = PyFileConfigLoader(CONFIG, path=str(root))
    try:
        config = Config(loader.load_config())
    except ConfigurationError:
        raise
    except Exception as error:  # the file is a program: anything may go wrong in it
        last = traceback.extract_tb(error.__traceback__)[-1]
        raise ConfigurationError(
            f"Reading {path}, line {last.lineno}: {type(error).__name__}: {error}."
        ) from error
    structure = config.CourseDirectory.get("directory_structure", None)
    default = "{nbgrader_step}/{student_id}/{assignment_id}"
    if structure is not None and str(structure).replace("\\", "/") != default:
        raise ConfigurationError(
            f"c.CourseDirectory.directory_structure is {structure!r}: nbjudge's own commands know "
            f"nbgrader's default only ({default}); `nbgrader autograde` works with yours."
        )
    return Course(root=root, config=config, settings=settings_from(config))
