"""The agent inside the student's kernel: does what the judge asks, answers in bytes.

Its source travels into the kernel with :mod:`nbjudge.values` (:func:`bootstrap_source`), so the
sandbox's environment need not have nbjudge.  It holds no test, no reference and no mark; it
lives beside the student's code, which can break it and so lose its own points, nothing else.

It takes what it needs of Python when it starts: a student who later writes ``list = [1, 2]`` or
puts a ``random.py`` beside the notebook does so by accident and must not suffer from it.
"""

import base64
import builtins
import copy
import importlib
import io
import itertools
import linecache
import math
import operator
import os
import sys
import traceback
import types
import warnings
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from nbjudge import seeding, values

MAX_MESSAGE = 2000
MAX_LINES = 5
MAX_PRINTED = 1 << 20
"""Characters that one request may print and have heard."""
MAX_WARNINGS = 100
MAX_CLASSES = 8
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
_catch_warnings, _simplefilter = warnings.catch_warnings, warnings.simplefilter


_ABSENT = object()

_BINARY = (
    *("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"),
    *("and", "or", "xor", "lshift", "rshift"),
)
_OPERATORS: "dict[str, Callable[..., Any]]" = {
    **{name: _getattr(operator, name if name not in ("and", "or") else name + "_")
       for name in _BINARY},
    **{f"i{name}": _getattr(operator, f"i{name}") for name in _BINARY},
    **{name: _getattr(operator, name) for name in (
        *("eq", "ne", "lt", "le", "gt", "ge", "neg", "pos", "abs", "invert", "index"),
        *("contains", "setitem", "delitem"),
    )},
    **{name: _getattr(math, name) for name in ("trunc", "floor", "ceil")},
    **{function.__name__: function for function in (
        *(bool, complex, divmod, float, format, hash, int, repr, round, str),
        *(delattr, dir, isinstance, issubclass, setattr),
    )},
    "reversed": lambda target: _list(reversed(target)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}  # fmt: skip

SPECIAL_METHODS = frozenset(
    {
        *("__call__", "__getitem__", "__setitem__", "__delitem__", "__len__", "__iter__"),
        *("__next__", "__reversed__", "__bool__", "__contains__", "__enter__", "__exit__"),
        *(f"__{name}__" for name in ("lt", "le", "gt", "ge", "neg", "pos", "abs", "invert")),
        *(f"__{name}__" for name in ("round", "trunc", "floor", "ceil", "index")),
        *(f"__{name}__" for name in ("int", "float", "complex")),
        *(f"__{kind}{name}__" for kind in ("", "r", "i") for name in (*_BINARY, "divmod")),
    }
)
"""Those that a proxy of an object has where the object's class has them."""

# What a class of the notebook derived from them holds besides is lost in a plain value.
_CONTAINERS = (list, tuple, dict, set, frozenset)


class _Printed(io.StringIO):
    """What a request prints, up to a number of characters, and its warnings."""

    def __init__(self) -> None:
        super().__init__()
        self.warned: list[Any] = []

    def write(self, text: str) -> int:
        room = MAX_PRINTED - self.tell()
        if room > 0:
            super().write(text[:room])
        return _len(text)


class _Itself:
    """Marks a value that is to be sent as a handle, though it has a plain value."""

    def __init__(self, value: Any) -> None:
        self.value = value


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
        self._kinds: dict[int, tuple[type, dict[str, Any]]] = {}
        self._waiting: dict[int, Exception] = {}
        # A number of another kernel, before it was restarted, is none of this one's.
        self._next = int.from_bytes(os.urandom(5))

    def handle(self, request: str) -> str:
        """Answer one request, both in base64; raises nothing."""
        printed, shown = _Printed(), sys.stdout
        try:
            order = _decode(_b64decode(request), remote=self._resolve, max_bytes=self._max_bytes)
            sys.stdout = printed
            try:
                with _catch_warnings(record=True) as caught:
                    _simplefilter("always")
                    printed.warned = caught
                    reply = {"ok": self._perform(order)}
            finally:
                sys.stdout = shown
            data = self._encode(reply, printed)
        except values.TooDeep:
            data = self._error(_named("ValueTooDeep"), printed)
        except values.TooLarge:
            data = self._error(_named("ValueTooLarge"), printed)
        except _MissingError as error:
            report = _named("NameError", bases=["NameError"])
            report["missing"] = error.args[0]
            data = self._error(report, printed)
        except _BaseException as error:
            data = self._error(self._report(error), printed)
        finally:
            _close_figures()
        return _b64encode(data).decode("ascii")

    def _encode(self, reply: "dict[str, Any]", printed: _Printed) -> bytes:
        text = "" if printed.closed else printed.getvalue()
        if text:
            reply["out"] = text
        if printed.warned:
            reply["warned"] = [_warning(w.message) for w in printed.warned[:MAX_WARNINGS]]
        try:
            return _encode(reply, handle=self._remember, max_bytes=self._max_bytes)
        except values.TooLarge:
            if not text:
                raise
            del reply["out"]  # the value says more than what was printed on the way
            return _encode(reply, handle=self._remember, max_bytes=self._max_bytes)

    def _error(self, report: "dict[str, Any]", printed: _Printed) -> bytes:
        try:
            return self._encode({"error": report}, printed)
        except _Exception:  # the exception's own parts cannot be sent
            report.pop("object", None)
            return _encode({"error": report}, max_bytes=self._max_bytes)

    def _perform(self, order: "dict[str, Any]") -> Any:
        method = _getattr(self, f"_do_{order['op']}")
        torch = _modules.get("torch") if order.get("no_grad") else None
        if torch is None:
            return method(order)
        with torch.no_grad():  # as around the test's own line
            return method(order)

    # Operations.

    def _do_get(self, order: "dict[str, Any]") -> Any:
        return self._name(order["name"])

    def _do_call(self, order: "dict[str, Any]") -> Any:
        target = order["target"]
        result = target(*order["args"], **order["kwargs"])
        if result is not None and _type(result) is target and _is_own_container(target):
            return _Itself(result)
        return result

    def _do_operate(self, order: "dict[str, Any]") -> Any:
        return _OPERATORS[order["name"]](*order["operands"])

    def _do_next(self, order: "dict[str, Any]") -> Any:
        """Return the next items; an exception after some of them comes with the next request."""
        target, items = order["target"], []
        waiting = self._waiting.pop(id(target), None)
        if waiting is not None:
            raise waiting
        try:
            for _ in range(order["count"]):
                items.append(next(target))
        except StopIteration:
            return items
        except _Exception as error:
            if not items:
                raise
            self._waiting[id(target)] = error
        return items

    def _do_enter(self, order: "dict[str, Any]") -> Any:
        target = order["target"]
        return _getattr(_type(target), "__enter__")(target)

    def _do_exit(self, order: "dict[str, Any]") -> Any:
        target, name = order["target"], order["error"]
        leave = _getattr(_type(target), "__exit__")
        if name is None:
            return bool(leave(target, None, None, None))
        kind = _BUILTIN_EXCEPTIONS.get(name, _Exception)
        return bool(leave(target, kind, kind(order["message"]), None))

    def _do_attr(self, order: "dict[str, Any]") -> Any:
        return _getattr(order["target"], order["name"])

    def _do_item(self, order: "dict[str, Any]") -> Any:
        return order["target"][order["key"]]

    def _do_run(self, order: "dict[str, Any]") -> Any:
        """Return the next items, as a loop over an object without ``__iter__`` takes them."""
        target, items = order["target"], []
        try:
            for key in range(order["start"], order["start"] + order["count"]):
                items.append(target[key])
        except IndexError:
            return items
        except _Exception:
            if not items:
                raise
        return items

    def _do_len(self, order: "dict[str, Any]") -> Any:
        return _len(order["target"])

    def _do_items(self, order: "dict[str, Any]") -> Any:
        items = _iter(order["target"])
        if isinstance(items, types.GeneratorType):
            return items  # to be asked for one by one: it may have no end
        return _list(_islice(items, order["limit"]))

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

    def _do_release(self, order: "dict[str, Any]") -> None:
        name = order["name"]
        if name in self._kept:
            self._put_back(name, self._kept.pop(name))

    def _put_back(self, name: str, value: Any) -> None:
        names = self._namespace()
        if value is _ABSENT:
            names.pop(name, None)
        else:
            names[name] = value

    def _do_has(self, order: "dict[str, Any]") -> bool:
        return order["name"] in self._namespace()

    def _keep(self, name: str, value: Any) -> None:
        self._kept.setdefault(name, value)

    def _do_seed(self, order: "dict[str, Any]") -> None:
        """Begin a question: what a test did to the notebook's names ends with it."""
        for name, value in self._kept.items():
            self._put_back(name, value)
        self._kept.clear()
        seeding.seed_generators(order["seed"])

    def _do_signature(self, order: "dict[str, Any]") -> "list[Any]":
        inspect = importlib.import_module("inspect")
        found = inspect.signature(order["target"]).parameters.values()
        empty = inspect.Parameter.empty
        return [(p.name, int(p.kind), None if p.default is empty else [p.default]) for p in found]

    def _do_source(self, order: "dict[str, Any]") -> str:
        return importlib.import_module("inspect").getsource(order["target"])  # type: ignore[no-any-return]

    def _do_seed_library(self, order: "dict[str, Any]") -> None:
        seeding.seed_library(order["library"], order["seed"])

    # Objects.

    def _name(self, name: str) -> Any:
        names = self._namespace()
        if name not in names:
            raise _MissingError(name)
        return names[name]

    def _define(self, order: "dict[str, Any]") -> Any:
        filename = f"<nbjudge probe {order['name']}>"
        namespace: dict[str, Any] = {"__builtins__": dict(_BUILTINS), "__name__": "nbjudge_probe"}
        for name, found in order.get("names", {}).items():
            module = found.get("module")
            namespace[name] = found["value"] if module is None else importlib.import_module(module)
        _exec(_compile(order["source"], filename, "exec"), namespace)
        function = namespace[order["name"]]
        if "defaults" in order:
            function.__defaults__ = order["defaults"]
            function.__kwdefaults__ = order["keywords"]
        return function

    def _remember(self, value: Any) -> "dict[str, Any]":
        if _type(value) is _Itself:
            value = value.value
        number = self._next
        self._next += 1
        self._objects[number] = value
        kind = _type(value)
        if id(kind) not in self._kinds:
            # The class is kept with it: another one may not come to the same address.
            self._kinds[id(kind)] = (kind, _described(kind))
        node = {"id": number, **self._kinds[id(kind)][1]}
        if isinstance(value, _type):
            if issubclass(value, _BaseException):
                node["raises"], node["bases"] = _own_classes(value), _base_classes(value)
            module = _Name.module(value)
            if module != "__main__":
                node["itself"] = f"{module}:{_Name.qualname(value)}"[:200]
        return node

    def _resolve(self, node: "Mapping[str, Any]") -> Any:
        if "library" in node:
            module, name = node["library"]
            return operator.attrgetter(name)(importlib.import_module(module))
        if "given" in node:
            return self._name(node["given"])
        return self._objects[node["id"]]

    # Errors.

    def _report(self, error: BaseException) -> "dict[str, Any]":
        kind = _type(error)
        try:
            message = _str(error)[:MAX_MESSAGE]
            message = message if _type(message) is _str else ""
        except _BaseException:
            message = ""
        report: dict[str, Any] = {
            "type": _Name.name(kind)[:200],
            "bases": _base_classes(kind),
            "own": _own_classes(kind),
            "message": message,
            "lines": self._lines(error),
        }
        try:
            arguments = _encode(_list(error.args), max_bytes=MAX_MESSAGE)
            report["args"] = _decode(arguments, max_bytes=MAX_MESSAGE)
        except _BaseException:  # not plain, or too long: a test sees the message
            report.pop("args", None)
        if report["own"]:
            try:
                # Its attributes may be asked for; what its frames hold need not stay alive.
                error.__traceback__ = error.__context__ = error.__cause__ = None
                report["object"] = error
            except _BaseException:
                return report
        return report

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


def _warning(message: Any) -> "dict[str, Any]":
    kind = _type(message)
    text = _str(message)[:MAX_MESSAGE]
    return {"own": _own_classes(kind), "bases": _base_classes(kind), "message": text}


def _base_classes(kind: type) -> "list[str]":
    """Names of the built-in exceptions that a class is derived from, nearest first."""
    return [
        _Name.name(base)
        for base in type.mro(kind)
        if _BUILTIN_EXCEPTIONS.get(_Name.name(base)) is base
    ]


def _own_classes(kind: type) -> "list[str]":
    """Names of an exception's classes that are not built in, nearest first.

    A library's is said as ``module:name``.
    """
    found = []
    for base in type.mro(kind):
        if base is not object and _BUILTIN_EXCEPTIONS.get(_Name.name(base)) is not base:
            module, name = _Name.module(base), _Name.qualname(base)
            found.append((name if module == "__main__" else f"{module}:{name}")[:200])
    return found


def _is_own_container(kind: Any) -> bool:
    """Whether a class of the notebook is derived from a container, and is no named tuple."""
    if kind in _CONTAINERS or not issubclass(kind, _CONTAINERS):
        return False
    attributes = type.__dict__["__dict__"]
    is_record = any("_fields" in attributes.__get__(base) for base in type.mro(kind))
    return _Name.module(kind) == "__main__" and not is_record


_BUILTIN_TYPES: "dict[Any, str]" = {
    **{kind: f"builtins:{kind.__name__}" for kind in _CONTAINERS},
    type: "builtins:type",
    types.GeneratorType: "types:GeneratorType",
    types.FunctionType: "types:FunctionType",
}


def _library_name(kind: type) -> "str | None":
    """Return ``module:name`` of a class that the judge may have too, or None."""
    if kind in _BUILTIN_TYPES:
        return _BUILTIN_TYPES[kind]
    module = _Name.module(kind)
    if module in ("builtins", "__main__", "?"):
        return None
    return f"{module}:{_Name.qualname(kind)}"[:200]


def _described(kind: type) -> "dict[str, Any]":
    """Return what a handle says of an object's class."""
    name = f"{_Name.module(kind)}.{_Name.qualname(kind)}"
    if name in {"builtins.function", "builtins.method"}:
        name = "builtins.function"
    defined: set[str] = set()
    libraries = []
    for base in type.mro(kind):
        if base is not object:
            defined.update(type.__dict__["__dict__"].__get__(base))
            known = _library_name(base)
            if known is not None:
                libraries.append(known)
    return {
        "type": name[:200],
        "methods": sorted(SPECIAL_METHODS & defined),
        "classes": libraries[:MAX_CLASSES],
        "compares": "__eq__" in defined,
    }


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
    for name in ("kinds", "values", "seeding", "agent"):  # each imports those before it
        source = (here / f"{name}.py").read_text("utf-8")
        for line, others in _OURS.items():
            source = source.replace(
                line, "".join(f"import _nbjudge_{other} as {other}\n" for other in others)
            )
        sources[f"_nbjudge_{name}"] = source
    return _BOOTSTRAP.format(sources=sources, seed=seed, max_bytes=max_bytes)


_OURS = {
    "from nbjudge import kinds\n": ("kinds",),
    "from nbjudge import seeding, values\n": ("seeding", "values"),
}
"""What they import of each other, and where it comes from in the kernel."""
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
    agent.seeding.begin({seed})
_nbjudge_install()
del _nbjudge_install
"""
