"""What commands share: how they open a course, say errors and end."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from nbjudge.errors import MachineError, NbJudgeError

if TYPE_CHECKING:
    from nbjudge.course import Course

F = TypeVar("F", bound=Callable[..., Any])

FOUND, TEACHER, MACHINE = 1, 2, 3
"""Exit codes: what was looked for was found; the course's author must act; this computer or its
administrator must."""
LOOK, NOT_RUN, STOPPED = 1, 2, 130
"""Those of ``grade``: some submissions need a look; it could not run; Ctrl-C."""


def says_errors(function: F) -> F:
    """End a command with the sentence of an error, and with the exit code of who must act."""

    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except NbJudgeError as error:
            click.echo(f"nbjudge: {error}", err=True)
            sys.exit(MACHINE if isinstance(error, MachineError) else TEACHER)

    return run  # type: ignore[return-value]


def says_how_it_ended(function: F) -> F:
    """End a long run with a sentence, whether it could not run or was stopped."""

    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            with _one_interrupt():
                return function(*args, **kwargs)
        except (NbJudgeError, OSError) as error:
            click.echo(f"nbjudge: {error}", err=True)
            sys.exit(NOT_RUN)
        except KeyboardInterrupt:
            click.echo(
                "nbjudge: stopped. What was stored stays; the same command goes on from there.",
                err=True,
            )
            sys.exit(STOPPED)

    return run  # type: ignore[return-value]


@contextmanager
def _one_interrupt() -> Iterator[None]:
    """Let the first Ctrl-C stop the run; those of an impatient hand would stop its clearing up."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_number: int, _frame: Any) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def open_course(context: click.Context) -> Course:
    """Return the course of ``--course``, or of the folder that the command was given in."""
    from nbjudge.course import find_root, load_course

    return load_course(find_root(context.obj))


def chosen(course: Course, names: tuple[str, ...]) -> list[str]:
    """Return the named assignments, or all of the course."""
    from nbjudge.errors import UnknownNameError

    known = course.assignments()
    if not known:
        raise UnknownNameError(f"There is no assignment in {course.folder('source')}.")
    return list(names) or known


def shown(text: str) -> str:
    """Return a text with students' words in it as a terminal may show it: no control characters."""
    from nbjudge.inert import printable

    return printable(text, len(text))


def write_json(path: Path | None, data: dict[str, Any]) -> None:
    """Write a report for programs, if one was asked for; ``-`` is standard output."""
    import json

    if path is None:
        return
    text = json.dumps(data, ensure_ascii=False, indent=1) + "\n"
    if str(path) == "-":
        # Names may hold what a terminal's encoding has not.
        sys.stdout.buffer.write(text.encode())
        sys.stdout.flush()
    else:
        path.write_text(text, "utf-8")
