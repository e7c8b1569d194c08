"""Exceptions of the student's code as the judge raises them again, and what they say.

A test may expect them by class: built-in ones keep theirs, one of the student's own classes is
caught by the name that the test knows, and so is one that a given cell defines.
"""

from __future__ import annotations

import builtins
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nbjudge.i18n import gettext as _
from nbjudge.inert import printable

MAX_MESSAGE = 2000
MAX_LINES = 5
MAX_BASES = 100
MAX_CLASSES = 1000

UNREADABLE = frozenset({"MalformedValue", "ValueTooLarge", "ValueTooDeep"})
"""Not the student's exceptions: their code returned something, and it cannot be read."""

# Raised in a test, they would end its loop over map(student_function, cases) in silence.
_NOT_RAISED = (StopIteration, StopAsyncIteration)


class KernelLost(BaseException):
    """The student's kernel went away while a test was talking to it.

    Not an ``Exception``: a test's own ``except Exception`` must not swallow it.
    """

    def __init__(self, outcome: str) -> None:
        super().__init__(outcome)
        self.outcome = outcome


@dataclass(frozen=True)
class Report:
    """What is known of an exception of the student's code."""

    type_name: str
    """Of its class, the student's own classes included."""
    message: str
    """``str`` of it."""
    lines: Sequence[Mapping[str, Any]]
    """Innermost lines of the student's notebook, outermost first: mappings with ``cell`` (the
    text of the line), ``lineno`` and ``function``."""
    missing: str | None
    """For a name that does not exist in the notebook: that name."""
    called: str
    """What the test had called, for the sentence."""


class StudentError(Exception):
    """The student's code raised; also an instance of the class that it raised, where it is known.

    To a test it looks like that exception; what the judge knows of it is ``nbjudge_report``.
    Takes the fields of :class:`Report`.
    """

    nbjudge_remote: Any = None
    """The exception itself, where the student's class may give it attributes."""

    def __init__(
        self,
        type_name: str,
        message: str,
        lines: Sequence[Mapping[str, Any]],
        missing: str | None,
        called: str,
    ) -> None:
        Exception.__init__(self, type_name, message, lines, missing, called)
        self.nbjudge_report = Report(type_name, message, lines, missing, called)
        self.args = (message,)  # as a test expects them; __reduce__ has the rest

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if self.nbjudge_remote is not None:
            return getattr(self.nbjudge_remote, name)
        return getattr(self.nbjudge_report, name)

    def __str__(self) -> str:
        return self.nbjudge_report.message

    def __reduce__(self) -> tuple[Any, ...]:
        report = self.nbjudge_report
        fields = (report.type_name, report.message, report.lines, report.missing, report.called)
        return StudentError, fields


class StudentTimeout(StudentError):
    """A call of a student's function did not end in time; the kernel survived."""


class ErrorClasses:
    """Classes of exceptions of one notebook, by the names that its cells give them.

    Parameters
    ----------
    given
        The instructor's class of a name, or None.
    mentioned
        Words of the instructor's code. A library's class counts by its own name only where a test
        could expect it: one that a library waits for (``unittest.SkipTest``) would end a test
        without a failure.
    """

    def __init__(
        self,
        given: Callable[[str], type[Exception] | None] | None = None,
        mentioned: frozenset[str] = frozenset(),
    ) -> None:
        self._given = given
        self._mentioned = mentioned
        self._made: dict[tuple[str, ...], type[Exception]] = {}

    def of(self, own: object, bases: object) -> type[Exception]:
        """Return the class that stands for one of the notebook's.

        Parameters
        ----------
        own
            Names of the class and of those that it is derived from, the built-in ones left out;
            ``module:name`` for a library's.
        bases
            Names of the built-in classes among them.
        """
        names = tuple(printable(name, 200) for name in own) if isinstance(own, list) else ()
        return self._class(names[:MAX_BASES], _built_in(bases))

    def _class(self, names: tuple[str, ...], base: type[Exception]) -> type[Exception]:
        if not names:
            return base
        key = (*names, base.__name__)
        if key not in self._made:
            found = self._known(names[0])
            if found is None:
                if len(self._made) >= MAX_CLASSES:
                    return base
                name = names[0].rpartition(":")[2].rpartition(".")[2] or "Exception"
                found = type(name, (self._class(names[1:], base),), {})
            self._made[key] = found
        return self._made[key]

    def _known(self, name: str) -> type[Exception] | None:
        module, colon, path = name.rpartition(":")
        if not colon:
            return self._given(name) if self._given is not None else None
        found = library_class(module, path)
        if found is None or not issubclass(found, Exception):
            return None
        return found if path.rpartition(".")[2] in self._mentioned else None


def library_class(module: str, path: str) -> type | None:
    """Return the class of a library by its name, if that library is loaded here."""
    if module.partition(".")[0] in {"nbjudge", "__main__"}:
        return None
    found: Any = sys.modules.get(module)
    for part in path.split("."):
        found = vars(found).get(part) if isinstance(found, types.ModuleType | type) else None
    if not isinstance(found, type):
        return None
    # Nor what another module has taken from there.
    return None if str(found.__module__).partition(".")[0] == "nbjudge" else found


def _built_in(names: object) -> type[Exception]:
    for name in names[:MAX_BASES] if isinstance(names, list) else []:
        base = getattr(builtins, name, None) if isinstance(name, str) else None
        if not (isinstance(base, type) and issubclass(base, Exception)):
            continue
        if not issubclass(base, _NOT_RAISED):
            return base
    return Exception


def student_error(
    report: Mapping[str, Any], called: str, classes: ErrorClasses | None = None
) -> StudentError:
    """Build the exception to raise from a kernel's report, whatever the report holds."""

    def text(key: str) -> str:
        return printable(report.get(key), MAX_MESSAGE)

    raw_lines = report.get("lines")
    lines = [
        {
            "cell": printable(line.get("cell"), 200),
            "function": printable(line.get("function"), 200),
            "lineno": line.get("lineno") if isinstance(line.get("lineno"), int) else 0,
        }
        for line in (raw_lines if isinstance(raw_lines, list) else [])[:MAX_LINES]
        if isinstance(line, dict)
    ]
    args = (
        text("type")[:200] or "Exception",
        text("message"),
        lines,
        text("missing")[:200] or None,
        called,
    )
    bases = report.get("bases")
    known = (classes or ErrorClasses()).of(report.get("own"), bases)
    builtin = [_built_in([name]) for name in bases[:MAX_BASES]] if isinstance(bases, list) else []
    for kind in (known, *builtin):
        if kind is Exception:
            continue
        try:
            error = type(f"Student{kind.__name__}", (StudentError, kind), {})(*args)
        except TypeError:  # a class whose instances need arguments of their own
            continue
        if isinstance(error, StudentError):
            return _with_arguments(error, report)
    return _with_arguments(StudentError(*args), report)


def _with_arguments(error: StudentError, report: Mapping[str, Any]) -> StudentError:
    arguments = report.get("args")
    if isinstance(arguments, list):
        error.args = tuple(arguments)
    return error


def explain(raised: StudentError) -> str:
    """Say to the student what their code did when the test called it."""
    error = raised.nbjudge_report
    if isinstance(raised, StudentTimeout):
        return _("{called} did not end in time.").format(called=error.called)
    if error.missing is not None:
        return _("{name} is not defined: the cell that should define it is missing, empty or "
                 "stopped with an error.").format(name=error.missing)  # fmt: skip
    if error.type_name == "NotImplementedError":
        return _("This question has not been answered (NotImplementedError).")
    if error.type_name == "MalformedValue":
        return _("{called} returned something that cannot be read.").format(called=error.called)
    if error.type_name in {"ValueTooLarge", "ValueTooDeep"}:
        return _("{called} returned a value that is too large to be checked.").format(
            called=error.called
        )
    where = ""
    if error.lines:
        last = error.lines[-1]
        line, function = last.get("cell"), last.get("function")
        if isinstance(line, str) and line.strip():
            where = _(" at the line « {line} »").format(line=line.strip()[:120])
        if isinstance(function, str) and function.isidentifier() and where:
            where += _(" of {function}").format(function=function)
    message = error.message.strip().splitlines()
    said = f"{error.type_name}: {message[0][:200]}" if message else error.type_name
    return _("{called} raised an exception{where}: {said}").format(
        called=error.called, where=where, said=said
    )
