"""The agent inside the student's kernel: does what the judge asks, answers in bytes.

Its source travels into the kernel with :mod:`nbjudge.values` (:func:`bootstrap_source`), so the
sandbox's environment need not have nbjudge.  It holds no test, no reference and no mark; it
lives beside the student's code, which can break it and so lose its own points, nothing else.

It takes what it needs of Python when it starts: a student who later writes ``list = [1, 2]`` or
puts a ``random.py`` beside the notebook does so by accident and must not suffer from it.
"""

import base64
import builtins
import itertools
import linecache
import sys
import traceback
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from nbjudge import values

MAX_MESSAGE = 2000
MAX_LINES = 5
DEFAULT_REPLY_BYTES = 64 * 1024 * 1024

_encode, _decode = values.encode, values.decode
_b64encode, _b64decode = base64.b64encode, base64.b64decode
_compile, _exec, _len, _iter, _getattr = compile, exec, len, iter, getattr
_type, _str, _list = type, str, list
_BaseException, _Exception, _callable, _islice = (
    BaseException,
    Exception,
    callable,
    itertools.islice,
)
_BUILTINS = dict(vars(builtins))
_BUILTIN_EXCEPTIONS = {
    name: kind
    for name, kind in _BUILTINS.items()
    if isinstance(kind, type) and issubclass(kind, BaseException)
}
_extract = traceback.walk_tb
_modules = sys.modules
_getline = linecache.getline


_ABSENT = object()


class _MissingError(Exception):
    """A name that the notebook does not bind."""


class Agent:
    """Answers requests about one namespace.

    Parameters
    ----------
    namespace
        Returns the notebook's names.
    max_bytes
        Largest reply.
    """

    def __init__(
        self,
        namespace: Callable[[], MutableMapping[str, Any]],
        max_bytes: int = DEFAULT_REPLY_BYTES,
    ) -> None:
        self._namespace = namespace
        self._max_bytes = max_bytes
        self._objects: dict[int, Any] = {}
        self._kept: dict[str, Any] = {}
        self._next = 1

    def handle(self, request: str) -> str:
        """Answer one request, both in base64; raises nothing."""
        try:
            order = _decode(_b64decode(request), remote=self._resolve, max_bytes=self._max_bytes)
            reply = {"ok": self._perform(order)}
            data = _encode(reply, handle=self._remember, max_bytes=self._max_bytes)
        except values.TooDeep:
            data = self._error(_named("ValueTooDeep"))
        except values.TooLarge:
            data = self._error(_named("ValueTooLarge"))
        except _MissingError as error:
            report = _named("NameError", bases=["NameError"])
            report["missing"] = error.args[0]
            data = self._error(report)
        except _BaseException as error:
            data = self._error(self._report(error))
        finally:
            _close_figures()
        return _b64encode(data).decode("ascii")

    def _error(self, report: "dict[str, Any]") -> bytes:
        return _encode({"error": report}, max_bytes=self._max_bytes)

    def _perform(self, order: "dict[str, Any]") -> Any:
        return getattr(self, f"_do_{order['op']}")(order)

    # Operations.

    def _do_get(self, order: "dict[str, Any]") -> Any:
        return self._name(order["name"])

    def _do_call(self, order: "dict[str, Any]") -> Any:
        return order["target"](*order["args"], **order["kwargs"])

    def _do_attr(self, order: "dict[str, Any]") -> Any:
        return _getattr(order["target"], order["name"])

    def _do_item(self, order: "dict[str, Any]") -> Any:
        return order["target"][order["key"]]

    def _do_len(self, order: "dict[str, Any]") -> Any:
        return _len(order["target"])

    def _do_items(self, order: "dict[str, Any]") -> Any:
        return _list(_islice(_iter(order["target"]), order["limit"]))

    def _do_probe(self, order: "dict[str, Any]") -> Any:
        return self._define(order)(*order["args"], **order["kwargs"])

    def _do_define(self, order: "dict[str, Any]") -> Any:
        return self._define(order)

    def _do_unbind(self, order: "dict[str, Any]") -> None:
        self._keep(order["name"], self._name(order["name"]))
        del self._namespace()[order["name"]]

    def _do_bind(self, order: "dict[str, Any]") -> None:
        names = self._namespace()
        self._keep(order["name"], names.get(order["name"], _ABSENT))
        names[order["name"]] = order["value"]

    def _keep(self, name: str, value: Any) -> None:
        self._kept.setdefault(name, value)

    def _do_seed(self, order: "dict[str, Any]") -> None:
        """Begin a question: what a test did to the notebook's names ends with it."""
        names = self._namespace()
        for name, value in self._kept.items():
            if value is _ABSENT:
                names.pop(name, None)
            else:
                names[name] = value
        self._kept.clear()
        seed_generators(order["seed"])

    # Objects.

    def _name(self, name: str) -> Any:
        names = self._namespace()
        if name not in names:
            raise _MissingError(name)
        return names[name]

    def _define(self, order: "dict[str, Any]") -> Any:
        filename = f"<nbjudge probe {order['name']}>"
        namespace: dict[str, Any] = {"__builtins__": dict(_BUILTINS), "__name__": "nbjudge_probe"}
        _exec(_compile(order["source"], filename, "exec"), namespace)
        return namespace[order["name"]]

    def _remember(self, value: object) -> "dict[str, Any]":
        number = self._next
        self._next += 1
        self._objects[number] = value
        kind = _type(value)
        name = f"{_Name.module(kind)}.{_Name.qualname(kind)}"
        if name in {"builtins.function", "builtins.method"}:
            name = "builtins.function"
        return {"id": number, "type": name[:200], "callable": _callable(value)}

    def _resolve(self, node: "Mapping[str, Any]") -> Any:
        return self._objects[node["id"]]

    # Errors.

    def _report(self, error: BaseException) -> "dict[str, Any]":
        kind = _type(error)
        try:
            message = _str(error)[:MAX_MESSAGE]
            message = message if _type(message) is _str else ""
        except _BaseException:
            message = ""
        bases = [
            name
            for base in type.mro(kind)
            for name, known in _BUILTIN_EXCEPTIONS.items()
            if known is base and name == _Name.name(known)
        ]
        return {
            "type": _Name.name(kind)[:200],
            "bases": bases,
            "message": message,
            "lines": self._lines(error),
        }

    def _lines(self, error: BaseException) -> "list[dict[str, Any]]":
        """Return the innermost lines of the notebook's own cells."""
        found = []
        try:
            for frame, lineno in _extract(error.__traceback__):
                filename = frame.f_code.co_filename
                # ipykernel writes cells to /tmp/ipykernel_PID/NUMBER.py.
                if "ipykernel_" in filename or filename.startswith("<ipython-input"):
                    line = _getline(filename, lineno).strip()
                    found.append(
                        {
                            "cell": line[:200],
                            "lineno": lineno,
                            "function": frame.f_code.co_name[:200],
                        }
                    )
        except _BaseException:
            return []
        return found[-MAX_LINES:]


class _Name:
    """Names of classes, read past whatever a metaclass pretends."""

    @staticmethod
    def name(kind: type) -> str:
        return type.__dict__["__name__"].__get__(kind)  # type: ignore[no-any-return]

    @staticmethod
    def qualname(kind: type) -> str:
        return type.__dict__["__qualname__"].__get__(kind)  # type: ignore[no-any-return]

    @staticmethod
    def module(kind: type) -> str:
        try:
            module = type.__dict__["__module__"].__get__(kind)
        except AttributeError:
            return "?"
        return module if _type(module) is _str else "?"


def _named(name: str, bases: "list[str] | None" = None) -> "dict[str, Any]":
    return {"type": name, "bases": bases or [], "message": "", "lines": []}


def _close_figures() -> None:
    """Forget figures that a student's function drew while it was tested."""
    pyplot = _modules.get("matplotlib.pyplot")
    if pyplot is not None:
        try:
            pyplot.close("all")
        except _BaseException:
            return


def seed_generators(seed: int) -> None:
    """Seed the global generators of random, numpy and torch, where they are loaded."""
    for name, path in (
        ("random", ("seed",)),
        # numpy.random is loaded when it is first used: after this, perhaps.
        ("numpy", ("random", "seed")),
        ("torch", ("manual_seed",)),
    ):
        function = _modules.get(name)
        try:
            if function is not None:
                for part in path:
                    function = _getattr(function, part)
                function(seed)  # type: ignore[operator]
        except _BaseException:  # a student's random.py has no seed(): their affair
            continue


def bootstrap_source(seed: int = 0, max_bytes: int = DEFAULT_REPLY_BYTES) -> str:
    """Return code that installs the agent in a kernel as module ``_nbjudge_agent``.

    Parameters
    ----------
    seed
        For the kernel's global generators.
    max_bytes
        Largest reply.
    """
    from pathlib import Path

    here = Path(__file__).parent
    sources = {}
    for name in ("kinds", "values", "agent"):  # each imports those before it
        source = (here / f"{name}.py").read_text("utf-8")
        for other in ("kinds", "values"):
            source = source.replace(
                f"from nbjudge import {other}\n", f"import _nbjudge_{other} as {other}\n"
            )
        sources[f"_nbjudge_{name}"] = source
    return _BOOTSTRAP.format(sources=sources, seed=seed, max_bytes=max_bytes)


_BOOTSTRAP = """
def _nbjudge_install():
    import builtins, sys, types
    for name, source in {sources!r}.items():
        module = types.ModuleType(name)
        # Its own copy: a student who replaces a built-in function does not break the agent.
        module.__builtins__ = dict(vars(builtins))
        sys.modules[name] = module
        exec(compile(source, "<" + name + ">", "exec"), module.__dict__)
    agent = sys.modules["_nbjudge_agent"]
    names = get_ipython().user_ns
    agent.handle = agent.Agent(lambda: names, {max_bytes}).handle
    import random
    agent.seed_generators({seed})
_nbjudge_install()
del _nbjudge_install
"""
