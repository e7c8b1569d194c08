"""A course folder: its ``nbgrader_config.py`` and where its things lie."""

from __future__ import annotations

import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbjudge.assignment import Assignment
from nbjudge.compile import IGNORED, Sources, compile_assignment
from nbjudge.compiled import notebooks_of
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
        url = str(self.config.CourseDirectory.get("db_url", "") or "sqlite:///gradebook.db")
        path = url.removeprefix("sqlite:///")
        if path in (url, "", ":memory:") or path.startswith("file:"):
            return url
        # nbgrader works in the course's folder; this process may be anywhere.
        return f"sqlite:///{self.root / path}"

    @property
    def course_id(self) -> str:
        """Nbgrader's course id, by default empty."""
        return str(self.config.CourseDirectory.get("course_id", "")).strip()

    @property
    def excluded(self) -> frozenset[str]:
        """Students who are left out (``c.CourseDirectory.student_id_exclude``)."""
        names = str(self.config.CourseDirectory.get("student_id_exclude", ""))
        return frozenset(name for name in names.split(",") if name)

    @property
    def permissions(self) -> int:
        """Mode of the files in ``autograded/``, as nbgrader sets it."""
        shared = bool(self.config.CourseDirectory.get("groupshared", False))
        mode: Any = 664 if shared else 444
        for section in ("BaseConverter", "Autograde"):
            mode = self.config.get(section, {}).get("permissions", mode)
        return int(str(mode), 8)

    def sources(self, assignment: str) -> Sources:
        """Return where an assignment's files lie."""
        from traitlets.config.loader import LazyConfigValue

        ignore = self.config.CourseDirectory.get("ignore", IGNORED)
        if isinstance(ignore, LazyConfigValue):  # c.CourseDirectory.ignore.append("data")
            ignore = ignore.get_value(list(IGNORED))
        return Sources(
            source=self.folder("source") / assignment,
            judge=self.root / "judge" / assignment,
            root=self.root,
            ignore=tuple(ignore),
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
            assignment,
            self.sources(assignment),
            self.settings,
            config=self.config,
            read=notebooks_of,
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
    """Read a course's configuration, from where nbgrader reads it.

    That is Jupyter's configuration folders first, then the course's own file, which wins. A
    file may say that the course lies elsewhere (``c.CourseDirectory.root``).

    Raises
    ------
    ConfigurationError
        If there is none, it stops with an error, or never calls ``nbjudge.configure``.
    """
    from jupyter_core.paths import jupyter_config_path
    from traitlets.config.loader import Config

    root = root.resolve()
    if not (root / CONFIG).is_file():
        raise ConfigurationError(f"Reading the course in {root}: there is no {CONFIG}.")
    config = Config()
    _make_importable(root)
    for folder in (*map(Path, reversed(jupyter_config_path())), root):
        _merge(config, folder)
    declared = config.CourseDirectory.get("root", "")
    if declared and (root / str(declared)).resolve() != root:
        root = (root / str(declared)).resolve()
        _make_importable(root)
        _merge(config, root)
    structure = config.CourseDirectory.get("directory_structure", None)
    default = "{nbgrader_step}/{student_id}/{assignment_id}"
    if structure is not None and str(structure).replace("\\", "/") != default:
        raise ConfigurationError(
            f"c.CourseDirectory.directory_structure is {structure!r}: nbjudge's own commands know "
            f"nbgrader's default only ({default}); `nbgrader autograde` works with yours."
        )
    return Course(root=root, config=config, settings=settings_from(config))


def _make_importable(root: Path) -> None:
    """Let plugins of the course (a late penalty, say) be imported, as nbgrader does.

    Behind everything else, so that a file of the course hides no library.
    """
    if str(root) not in sys.path:
        sys.path.append(str(root))


def _merge(config: Any, folder: Path) -> None:
    for name in (CONFIG, Path(CONFIG).with_suffix(".json").name):
        if (folder / name).is_file():
            config.merge(_load(folder / name))


def _load(path: Path) -> Any:
    from traitlets.config.loader import JSONFileConfigLoader, PyFileConfigLoader

    kind = JSONFileConfigLoader if path.suffix == ".json" else PyFileConfigLoader
    try:
        return kind(path.name, path=str(path.parent)).load_config()
    except ConfigurationError:
        raise
    except Exception as error:  # the file is a program: anything may go wrong in it
        lines = [
            frame.lineno
            for frame in traceback.extract_tb(error.__traceback__)
            if frame.filename == str(path)
        ]
        line = error.lineno if isinstance(error, SyntaxError) else (lines or [None])[-1]
        place = f"{path}, line {line}" if line else f"{path}"
        raise ConfigurationError(f"Reading {place}: {type(error).__name__}: {error}.") from error
