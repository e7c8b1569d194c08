"""The student's objects as the judge sees them: values, and proxies for what is not plain.

Nothing of a student is ever executed here.  A proxy turns a call, an attribute, an item or an
iteration into one request to the sealed kernel; what comes back is bytes, decoded with care.
"""

from __future__ import annotations

import builtins
import inspect
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from nbjudge import values
from nbjudge.errors import HiddenTestError
from nbjudge.i18n import gettext as _
from nbjudge.inert import printable

ITERATION_LIMIT = 100_000
"""Items fetched at most when a test iterates over a student's object."""

MAX_MESSAGE = 2000
MAX_LINES = 5
MAX_BASES = 100

# Raised in a test, they would end its loop over map(student_function, cases) in silence.
_NOT_RAISED = (StopIteration, StopAsyncIteration)


class KernelLost(BaseException):
    """The student's kernel went away while a test was talking to it.

    Not an ``Exception``: a test's own ``except Exception`` must not swallow it.
    """

    def __init__(self, outcome: str) -> None:
        super().__init__(outcome)
        self.outcome = outcome


class StudentError(Exception):
    """The student's code raised; also an instance of the built-in class that it raised.

    Parameters
    ----------
    type_name
        Name of the class, the student's own classes included.
    message
        ``str`` of the exception.
    lines
        Innermost lines of the student's notebook, outermost first: mappings with ``cell``
        (the text of the line), ``lineno`` and ``function``.
    missing
        For a name that does not exist in the notebook: that name.
    called
        What the test had called, for the sentence.
    """

    def __init__(
        self,
        type_name: str,
        message: str,
        lines: Sequence[Mapping[str, Any]],
        missing: str | None,
        called: str,
    ) -> None:
        Exception.__init__(self, type_name, message, lines, missing, called)
        self.type_name = type_name
        self.message = message
        self.lines = lines
        self.missing = missing
        self.called = called

    @property
    def nbjudge_type(self) -> str:
        """Name of the exception's class in the student's kernel."""
        return self.type_name

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        args = (self.type_name, self.message, self.lines, self.missing, self.called)
        return StudentError, args


class StudentTimeout(StudentError):
    """A call of a student's function did not end in time; the kernel survived."""


def student_error(report: Mapping[str, Any], called: str) -> StudentError:
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
    for name in bases[:MAX_BASES] if isinstance(bases, list) else []:
        base = getattr(builtins, name, None) if isinstance(name, str) else None
        if not (isinstance(base, type) and issubclass(base, Exception)) or base is Exception:
            continue
        if issubclass(base, _NOT_RAISED):
            continue
        try:
            kind = type(f"Student{base.__name__}", (StudentError, base), {})
            error = kind(*args)
        except TypeError:  # a class whose instances need arguments of their own
            continue
        if isinstance(error, StudentError):
            return error
    return StudentError(*args)


class Remote:
    """A student's object that is not a plain value; every use is a probe of the kernel."""

    __slots__ = ("_channel", "_label", "_node")

    def __init__(self, channel: Channel, node: Mapping[str, Any], label: str) -> None:
        self._channel = channel
        self._node = node
        self._label = label

    def nbjudge_type_name(self) -> str:
        """Return the name of the object's type in the student's kernel."""
        return printable(self._node.get("type"), 200).rpartition(".")[2][:80] or "object"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it in the kernel; arguments go by value."""
        return self._channel.request(
            {"op": "call", "target": self, "args": list(args), "kwargs": kwargs}, self._label
        )

    def __getattr__(self, name: str) -> Any:
        # Special names stay here: numpy and copy look for many, and none may be a probe.
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(f"a student's object has no {name} outside its kernel")
        return self._channel.request(
            {"op": "attr", "target": self, "name": name}, f"{self._label}.{name}"
        )

    def __getitem__(self, key: Any) -> Any:
        return self._channel.request(
            {"op": "item", "target": self, "key": key}, f"{self._label}[...]"
        )

    def __len__(self) -> int:
        length = self._channel.request({"op": "len", "target": self}, f"len({self._label})")
        if not isinstance(length, int) or isinstance(length, bool) or not 0 <= length < 2**62:
            raise TypeError(f"len({self._label}) is not a length")
        return length

    def __iter__(self) -> Iterator[Any]:
        items = self._channel.request(
            {"op": "items", "target": self, "limit": ITERATION_LIMIT}, f"iter({self._label})"
        )
        if not isinstance(items, list | tuple):
            raise TypeError(f"{self._label} is not iterable")
        return iter(items)

    def __bool__(self) -> bool:
        return True

    def __array__(self, *_args: Any, **_kwargs: Any) -> Any:
        raise TypeError(f"{self._label} is of type {self.nbjudge_type_name()}, not an array")

    def __repr__(self) -> str:
        return f"<{self.nbjudge_type_name()} {self._label} in the student's kernel>"


class Channel:
    """Requests to the student's kernel, one at a time.

    Parameters
    ----------
    send
        Takes a request's bytes, returns the reply's; raises :class:`KernelLost` or
        :class:`StudentTimeout`.
    max_bytes
        Largest request and reply.
    strict
        While proving the reference: refuse probes that return only truth values.
    """

    def __init__(
        self, send: Callable[[bytes, str], bytes], *, max_bytes: int, strict: bool = False
    ) -> None:
        self._send = send
        self._max_bytes = max_bytes
        self._strict = strict

    def name(self, name: str) -> Any:
        """Return what a name of the notebook is bound to, as a value or a proxy."""
        return self.request({"op": "get", "name": name}, name)

    def bind(self, name: str, value: Any) -> None:
        """Bind a name of the notebook until the next question."""
        self.request({"op": "bind", "name": name, "value": value}, name)

    def unbind(self, name: str) -> None:
        """Take a name out of the notebook until the next question."""
        self.request({"op": "unbind", "name": name}, name)

    def seed(self, seed: int) -> None:
        """Seed the kernel's global generators; names are bound again as they were."""
        self.request({"op": "seed", "seed": seed}, "seed")

    def probe(self, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Send a probe's body, run it there, return what it measured."""
        name = function.__name__
        result = self.request(
            {
                "op": "probe",
                "source": source_of(function),
                "name": name,
                "args": list(args),
                "kwargs": dict(kwargs),
            },
            name,
        )
        if self._strict and _only_booleans(result):
            raise HiddenTestError(
                f"The probe {name} returns only truth values. A probe runs beside the student's "
                "code, which can change its verdict: return what was measured (numbers, arrays) "
                "and compare in the test."
            )
        return result

    def request(self, request: Mapping[str, Any], label: str) -> Any:
        """Send one request and return the decoded reply.

        Raises
        ------
        StudentError
            If the student's code raised.
        KernelLost
            If the kernel went away.
        HiddenTestError
            If an argument cannot be sent.
        """
        try:
            data = values.encode(dict(request), handle=self._outgoing, max_bytes=self._max_bytes)
        except values.TooLarge as error:
            raise HiddenTestError(f"{label}: the arguments are too large to send.") from error
        reply_bytes = self._send(data, label)

        def remote(node: Mapping[str, Any]) -> Remote:
            # What is kept of it goes back to the kernel: nothing but the number.
            if type(node.get("id")) is not int:
                raise values.MalformedValue("a handle without a number")
            return Remote(self, {"id": node["id"], "type": node.get("type")}, label)

        try:
            reply = values.decode(reply_bytes, remote=remote, max_bytes=self._max_bytes)
        except values.MalformedValue as error:
            raise student_error({"type": "MalformedValue", "message": str(error)}, label) from None
        if isinstance(reply, dict) and "ok" in reply:
            return reply["ok"]
        report = reply.get("error") if isinstance(reply, dict) else None
        raise student_error(report if isinstance(report, dict) else {}, label)

    def _outgoing(self, value: object) -> Mapping[str, Any]:
        if type(value) is Remote:
            return {"id": value._node["id"]}
        if getattr(value, "nbjudge_sendable", False) and inspect.isfunction(value):
            made = self.request(
                {"op": "define", "source": source_of(value), "name": value.__name__},
                value.__name__,
            )
            if type(made) is not Remote:
                raise student_error({"type": "MalformedValue"}, value.__name__)
            return {"id": made._node["id"]}
        name = getattr(value, "__qualname__", type(value).__qualname__)
        raise HiddenTestError(
            f"A test passes {name!r} (of type {type(value).__name__}) to the student's code. Only "
            "plain values, the student's own objects and functions of the test marked @sendable "
            "may go there; the reference's functions never."
        )


def source_of(function: Callable[..., Any]) -> str:
    """Return a function's source without its decorators, dedented.

    Raises
    ------
    HiddenTestError
        If it uses names of the test: only its body is sent.
    """
    import ast

    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, SyntaxError, TypeError) as error:
        raise HiddenTestError(
            f"The source of {function.__name__!r} cannot be read; write it as a plain def in the "
            "test cell."
        ) from error
    definition = tree.body[0]
    if not isinstance(definition, ast.FunctionDef):
        raise HiddenTestError(f"{function.__name__!r} must be a plain def in the test cell.")
    definition.decorator_list = []
    definition.returns = None
    for argument in ast.walk(definition.args):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    source = ast.unparse(definition)
    unknown = _outer_names(source) - set(dir(builtins)) - {definition.name}
    if unknown:
        raise HiddenTestError(
            f"The function {definition.name!r} is sent alone, but uses "
            f"{', '.join(sorted(unknown))} from the test: import or define it inside the function, "
            "or pass it as an argument."
        )
    return source


def _outer_names(source: str) -> set[str]:
    """Names that a definition, its defaults or a function inside it take from outside."""
    import symtable

    found: set[str] = set()

    def visit(table: symtable.SymbolTable) -> None:
        for symbol in table.get_symbols():
            outer = symbol.is_global() or table.get_type() == "module"
            if outer and symbol.is_referenced():
                found.add(symbol.get_name())
        for child in table.get_children():
            visit(child)

    visit(symtable.symtable(source, "<test>", "exec"))
    return found


def _only_booleans(value: Any) -> bool:
    if type(value) is Remote:
        return False
    dtype = getattr(value, "dtype", None)
    if dtype is not None:
        return str(dtype) in {"bool", "torch.bool"}
    if isinstance(value, dict):
        return bool(value) and all(_only_booleans(v) for v in value.values())
    if isinstance(value, list | tuple | set | frozenset):
        return bool(value) and all(_only_booleans(v) for v in value)
    return isinstance(value, bool)


def explain(error: StudentError) -> str:
    """Say to the student what their code did when the test called it."""
    if isinstance(error, StudentTimeout):
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
