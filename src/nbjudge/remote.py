"""The student's objects as the judge sees them: values, and proxies for what is not plain.

Nothing of a student is ever executed here.  A proxy turns a call, an attribute, an item, an
operator or an iteration into one request to the sealed kernel; what comes back is bytes, decoded
with care.

What a proxy may decide.  Equality and order with a value of the test are decided outside: a
student's object is never equal to one.  Where the reference's own value was plain at this place
when it was proved, an object in its place has no attributes, no operators and no truth of its
own to offer (:attr:`Channel.expected`).  Only where the reference has an object too, and between
two of the student's own objects, is their code asked: there the class is what is tested.
"""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from nbjudge.agent import SPECIAL_METHODS
from nbjudge.inert import printable
from nbjudge.raised import (
    library_class,
)

if TYPE_CHECKING:  # it makes these proxies
    from nbjudge.channel import Channel

ITERATION_LIMIT = 100_000
"""Items fetched at most when a test iterates over a student's object."""

# An iterator is asked for one item at a time, as a test sees what it does; later for many.
_CAREFUL, _BATCH = 32, 1000
_MAX_TYPES = 1000
_MAX_CLASSES = 8

RAISED = "<raised>"

# Read by name where a test asks for them; numpy and copy look for many others.
_READABLE = frozenset(
    {
        *("__name__", "__qualname__", "__dict__", "__bases__", "__mro__", "__annotations__"),
        *("__defaults__", "__kwdefaults__", "__wrapped__", "__self__", "__func__", "__code__"),
        *("__slots__", "__members__", "__dataclass_fields__", "__init__", "__version__"),
    }
)


class _Run:
    """Items of an object that are asked for one after the other, fetched ahead."""

    def __init__(self) -> None:
        self.begin(None)

    def begin(self, awaited: int | None) -> None:
        """Wait for a key; nothing is fetched yet."""
        self.awaited = awaited
        self.items: list[Any] = []
        self.asked = -1


class Remote:
    """A student's object that is not a plain value; every use is a probe of the kernel."""

    __slots__ = (
        "_nbjudge_channel",
        "_nbjudge_fetched",
        "_nbjudge_items",
        "_nbjudge_label",
        "_nbjudge_node",
        "_nbjudge_origin",
        "_nbjudge_run",
    )

    # numpy leaves operators to us, and takes no student's object for an array.
    __array_ufunc__ = None

    def __init__(
        self, channel: Channel, node: Mapping[str, Any], label: str, origin: str = ""
    ) -> None:
        for name, value in (
            ("channel", channel),
            ("node", node),
            ("label", label),
            ("origin", origin),
            ("items", []),
            ("fetched", 0),
            ("run", _Run()),
        ):
            object.__setattr__(self, f"_nbjudge_{name}", value)

    def nbjudge_type_name(self) -> str:
        """Return the name of the object's type in the student's kernel."""
        return printable(self._nbjudge_node.get("type"), 200).rpartition(".")[2][:80] or "object"

    # What it may decide.

    @property
    def _nbjudge_expected(self) -> bool:
        """Whether the reference has an object in this place, and not a plain value."""
        expected, origin = self._nbjudge_channel.expected, self._nbjudge_origin
        if expected is None or origin == RAISED:
            return True
        return any(form in expected for form in _general(origin))

    def _nbjudge_refuse(self, kind: type[Exception] = TypeError) -> None:
        if not self._nbjudge_expected:
            raise kind(
                f"{self._nbjudge_label} is of type {self.nbjudge_type_name()}, a plain value is "
                "expected"
            )

    def _nbjudge_ask(self, label: str, step: str, **order: Any) -> Any:
        return self._nbjudge_channel.request(
            {"target": self, **order}, label, _step(self._nbjudge_origin, step)
        )

    def _nbjudge_operate(self, name: str, *operands: Any, label: str | None = None) -> Any:
        return self._nbjudge_channel.request(
            {"op": "operate", "name": name, "operands": list(operands)},
            label or f"{name}({self._nbjudge_label})",
            _step(self._nbjudge_origin, name),
        )

    def _nbjudge_compare(self, name: str, other: Any) -> Any:
        if isinstance(other, Remote):
            if self._nbjudge_expected and other._nbjudge_expected:
                return self._nbjudge_operate(name, self, other)
            return NotImplemented
        if isinstance(other, type) and name in ("eq", "ne"):
            if issubclass(other, Remote):  # type(x) == Vector
                return (self.__name__ == other.__name__) is (name == "eq")
            return (known_class(self._nbjudge_node) is other) is (name == "eq")
        # Without an __eq__ of its class, an object is equal to no other in the notebook either.
        decides = name not in ("eq", "ne") or self._nbjudge_node.get("compares") is True
        if other is not None and decides and self._nbjudge_channel.strict:
            raise self._nbjudge_channel.refusal(
                f"A test compares {self._nbjudge_label}, an object of the student's class "
                f"{self.nbjudge_type_name()}, with a value of its own ({type(other).__name__}). "
                "Equality and order are decided outside: compare its attributes, or what a "
                "method or str() of it gives; or two of their objects."
            )
        return NotImplemented

    def __eq__(self, other: object) -> Any:
        return self._nbjudge_compare("eq", other)

    def __ne__(self, other: object) -> Any:
        return self._nbjudge_compare("ne", other)

    def __hash__(self) -> int:
        if not self._nbjudge_expected:
            return id(self)
        number = self._nbjudge_operate("hash", self)
        if not isinstance(number, int):
            raise TypeError(f"hash({self._nbjudge_label}) is not a number")
        return hash(int(number))

    # Attributes.

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__") and name not in _READABLE:
            raise AttributeError(f"a student's object has no {name} outside its kernel")
        self._nbjudge_refuse(AttributeError)
        return self._nbjudge_ask(f"{self._nbjudge_label}.{name}", f".{name}", op="attr", name=name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._nbjudge_refuse(AttributeError)
        self._nbjudge_operate("setattr", self, name, value, label=f"{self._nbjudge_label}.{name}")

    def __delattr__(self, name: str) -> None:
        self._nbjudge_refuse(AttributeError)
        self._nbjudge_operate("delattr", self, name, label=f"{self._nbjudge_label}.{name}")

    def __dir__(self) -> Any:
        self._nbjudge_refuse()
        return self._nbjudge_operate("dir", self)

    @property
    def __doc__(self) -> Any:  # type: ignore[override]
        if not self._nbjudge_expected:
            return None
        return self._nbjudge_ask(f"{self._nbjudge_label}.__doc__", ".__doc__", op="attr",
                                 name="__doc__")  # fmt: skip

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        # What isinstance() asks next: a class of a library that the student's is derived from.
        return self._nbjudge_library_class() or type(self)

    def _nbjudge_library_class(self) -> type | None:
        if not self._nbjudge_expected:
            return None
        names = self._nbjudge_node.get("classes")
        for name in names[:_MAX_CLASSES] if isinstance(names, list) else []:
            module, _colon, path = printable(name, 200).partition(":")
            found = library_class(module, path)
            if found is not None:
                return found
        return None

    def __instancecheck__(self, instance: Any) -> bool:
        return isinstance(instance, Remote) and bool(
            self._nbjudge_operate("isinstance", instance, self)
        )

    def __mro_entries__(self, _bases: Any) -> Any:
        raise self._nbjudge_channel.refusal(
            f"A test derives a class of its own from the student's {self._nbjudge_label}, whose "
            "methods stay in another process: derive it in a probe."
        )

    def __subclasscheck__(self, subclass: Any) -> bool:
        return isinstance(subclass, Remote) and bool(
            self._nbjudge_operate("issubclass", subclass, self)
        )

    # Text, copies.

    def __repr__(self) -> str:
        return self._nbjudge_text("repr", self)

    def __str__(self) -> str:
        return self._nbjudge_text("str", self)

    def __format__(self, spec: str) -> str:
        return self._nbjudge_text("format", self, spec)

    def _nbjudge_text(self, name: str, *operands: Any) -> str:
        if not self._nbjudge_expected:
            return nbjudge_name(self)
        text = self._nbjudge_operate(name, *operands)
        if not isinstance(text, str):
            raise TypeError(f"{name}({self._nbjudge_label}) is not a text")
        return str(text)

    def __copy__(self) -> Any:
        return self._nbjudge_operate("copy", self)

    def __deepcopy__(self, _memo: Any) -> Any:
        return self._nbjudge_operate("deepcopy", self)

    def __reduce__(self) -> Any:
        raise TypeError("a student's object stays in its kernel")

    def __array__(self, *_args: Any, **_kwargs: Any) -> Any:
        raise TypeError(
            f"{self._nbjudge_label} is of type {self.nbjudge_type_name()}, not an array"
        )

    # Iterators.

    def _nbjudge_next(self) -> Any:
        if not self._nbjudge_items:
            fetched = self._nbjudge_fetched
            count = 1 if fetched < _CAREFUL else _BATCH
            count = min(count, ITERATION_LIMIT - fetched)
            items = (
                self._nbjudge_ask(f"next({self._nbjudge_label})", "next", op="next", count=count)
                if count > 0
                else []
            )
            if not isinstance(items, list):
                raise TypeError(f"{self._nbjudge_label} is no iterator")
            object.__setattr__(self, "_nbjudge_items", items[::-1])
            object.__setattr__(self, "_nbjudge_fetched", fetched + len(items))
        if not self._nbjudge_items:
            raise StopIteration
        return self._nbjudge_items.pop()


_MAX_STEP = 60
KEPT = ("id", "type", "classes", "itself", "compares")
ANCESTORS = frozenset({"__bases__", "__mro__"})
"""Read by issubclass(), which knows a class of a library by its identity."""
_VALUES = frozenset(
    {
        *(bool, int, float, complex, str, bytes, list, tuple, dict, set, frozenset),
        *(range, slice, object, type(None)),
    }
)


def known_class(node: Mapping[str, Any]) -> type | None:
    """Return the class of a library or of Python itself that an object says it is."""
    module, _colon, path = printable(node.get("itself"), 200).partition(":")
    return library_class(module, path) if path else None


def makes_values(kind: type) -> bool:
    """Whether calling a class makes a plain value and does nothing else.

    Any other stays where the student's code runs: a test would call ``subprocess.Popen`` here.
    """
    numpy = sys.modules.get("numpy")
    return kind in _VALUES or (numpy is not None and issubclass(kind, numpy.generic))


def nbjudge_name(value: Remote) -> str:
    """Say what a student's object is without asking it."""
    return f"<{value.nbjudge_type_name()} {value._nbjudge_label} in the student's kernel>"


def placed(value: Any, origin: str, *, exact: bool) -> Iterator[tuple[Remote, str]]:
    """Yield the objects in a reply's value, and where each has come from.

    ``return model, accuracy``: an object in the first place says nothing of the second.  Items of
    a list are all of one kind, and theirs may be longer (not ``exact``: in the reference's).
    """
    items: list[tuple[Any, str]] = []
    if isinstance(value, Remote):
        yield value, origin
    elif isinstance(value, list | tuple):
        known = exact or isinstance(value, tuple)
        items = [(item, str(n) if known else "...") for n, item in enumerate(value)]
    elif isinstance(value, dict):
        items = [(key, "...") for key in value]
        items += [(x, k if isinstance(k, str) and k.isidentifier() else "...")
                  for k, x in value.items()]  # fmt: skip
    elif isinstance(value, set | frozenset):
        items = [(item, "...") for item in value]
    elif type(value).__name__ == "ndarray" and value.dtype.kind == "O":
        items = [(item, "...") for item in value.reshape(-1).tolist()]
    for item, place in items:
        yield from placed(item, f"{origin}[{place}]", exact=exact)


_PLACE = re.compile(r"\[[^\[\]]+\]")
_MAX_PLACES = 5
"""In one origin; deeper, all of them are general."""


def _general(origin: str) -> Iterator[str]:
    """Yield the forms in which the reference may have an origin: ``x[1]`` is an ``x[...]``."""
    parts = _PLACE.split(origin)
    places = _PLACE.findall(origin)
    if len(places) > _MAX_PLACES:
        yield "[...]".join(parts)
        return
    for chosen in itertools.product(*((place, "[...]") for place in places)):
        yield parts[0] + "".join(map("".join, zip(chosen, parts[1:], strict=True)))


def _step(origin: str, step: str) -> str:
    """Say where a value comes from: its name in the notebook, and what was done last.

    An attribute's own name says enough: whichever object of the notebook it is of.
    """
    return f"* {step}" if step.startswith(".") else f"{origin.partition(' ')[0]} {step}"


# Special methods: a proxy has those that the student's class has, and no other, so that
# callable(), len() and isinstance(x, Iterable) say what they would beside it.


def _call(self: Remote, /, *args: Any, **kwargs: Any) -> Any:
    self._nbjudge_refuse()
    # What a closure returns has another origin than the closure.
    step = f"{self._nbjudge_origin.partition(' ')[2]}()"[:_MAX_STEP]
    return self._nbjudge_ask(self._nbjudge_label, step, op="call", args=list(args), kwargs=kwargs)


def _getitem(self: Remote, key: Any) -> Any:
    label = f"{self._nbjudge_label}[...]"
    run, channel = self._nbjudge_run, self._nbjudge_channel
    if type(key) is not int or key != run.awaited:
        run.begin(1 if type(key) is int and key == 0 else None)
        return self._nbjudge_ask(label, "[]", op="item", key=key)
    # One after the other from 0: Python's way through an object without __iter__, which may
    # have no end.
    if key >= ITERATION_LIMIT:
        raise TypeError(f"{self._nbjudge_label} has no end")
    run.awaited = key + 1
    if key < _CAREFUL or run.asked != channel.asked:  # the test asks for other things meanwhile
        run.items = []
        item = self._nbjudge_ask(label, "[]", op="item", key=key)
        run.asked = channel.asked
        return item
    if not run.items:
        items = self._nbjudge_ask(label, "[]", op="run", start=key, count=_BATCH)
        if not isinstance(items, list):
            raise TypeError(f"{self._nbjudge_label} has no items")
        run.items, run.asked = items[::-1], channel.asked
    if not run.items:
        raise IndexError(f"{self._nbjudge_label} has no item {key}")
    return run.items.pop()


def _len(self: Remote) -> int:
    length = self._nbjudge_ask(f"len({self._nbjudge_label})", "len", op="len")
    if not isinstance(length, int) or isinstance(length, bool) or not 0 <= length < 2**62:
        raise TypeError(f"len({self._nbjudge_label}) is not a length")
    return length


def _iter(self: Remote) -> Any:
    if hasattr(type(self), "__next__"):
        return self
    items = self._nbjudge_ask(
        f"iter({self._nbjudge_label})", "iter", op="items", limit=ITERATION_LIMIT
    )
    if isinstance(items, Remote) and hasattr(type(items), "__next__"):
        return items
    if not isinstance(items, list):
        raise TypeError(f"{self._nbjudge_label} is not iterable")
    return iter(items)


def _bool(self: Remote) -> bool:
    if not self._nbjudge_expected:
        return True
    truth = self._nbjudge_operate("bool", self)
    if not isinstance(truth, bool):
        raise TypeError(f"bool({self._nbjudge_label}) is not a truth value")
    return truth


def _contains(self: Remote, item: Any) -> bool:
    if not self._nbjudge_expected:
        return any(found is item or found == item for found in self)  # type: ignore[attr-defined]
    return bool(self._nbjudge_operate("contains", self, item))


def _enter(self: Remote) -> Any:
    self._nbjudge_refuse()
    return self._nbjudge_ask(f"with {self._nbjudge_label}", "with", op="enter")


def _exit(self: Remote, kind: type[BaseException] | None, error: Any, _trace: Any) -> bool:
    """Leave it; what stopped the test's block is never theirs to swallow."""
    if kind is not None and not issubclass(kind, Exception):
        return False
    swallowed = self._nbjudge_ask(
        f"with {self._nbjudge_label}",
        "with",
        op="exit",
        error=None if kind is None else _name_of(kind),
        message="" if error is None else str(error),
    )
    if swallowed and kind is not None and self._nbjudge_channel.strict:
        raise self._nbjudge_channel.refusal(
            f"{self._nbjudge_label} swallows the exception of a with block. Outside it may not, "
            "or it could swallow what a test says: raise the exception in a function that a "
            "probe runs beside it."
        )
    return False


def _name_of(kind: type[BaseException]) -> str:
    return next(base.__name__ for base in kind.__mro__ if base.__module__ == "builtins")


def _order(name: str) -> Callable[[Remote, Any], Any]:
    return lambda self, other: self._nbjudge_compare(name, other)


def _alone(name: str) -> Callable[..., Any]:
    def method(self: Remote, *operands: Any) -> Any:
        self._nbjudge_refuse()
        return self._nbjudge_operate(name, self, *operands)

    return method


def _binary(name: str, *, reflected: bool = False) -> Callable[[Remote, Any], Any]:
    def method(self: Remote, other: Any) -> Any:
        if not isinstance(other, Remote):
            self._nbjudge_refuse()
        operands = (other, self) if reflected else (self, other)
        return self._nbjudge_operate(name, *operands)

    return method


_BINARY = (
    *("add", "sub", "mul", "truediv", "floordiv", "mod", "divmod", "pow", "matmul"),
    *("and", "or", "xor", "lshift", "rshift"),
)
_METHODS: dict[str, Callable[..., Any]] = {
    "__call__": _call,
    "__getitem__": _getitem,
    "__setitem__": _alone("setitem"),
    "__delitem__": _alone("delitem"),
    "__len__": _len,
    "__iter__": _iter,
    "__next__": Remote._nbjudge_next,
    "__reversed__": _alone("reversed"),
    "__bool__": _bool,
    "__contains__": _contains,
    "__enter__": _enter,
    "__exit__": _exit,
    **{f"__{name}__": _order(name) for name in ("lt", "le", "gt", "ge")},
    **{
        f"__{name}__": _alone(name)
        for name in (
            *("neg", "pos", "abs", "invert", "round", "trunc", "floor", "ceil"),
            *("int", "float", "complex", "index"),
        )
    },
    **{f"__{name}__": _binary(name) for name in _BINARY},
    **{f"__r{name}__": _binary(name, reflected=True) for name in _BINARY},
    **{f"__i{name}__": _binary(f"i{name}") for name in _BINARY if name != "divmod"},
}
_types: dict[tuple[str, frozenset[str]], type[Remote]] = {}


def type_for(node: Mapping[str, Any]) -> type[Remote]:
    """Return the class of a proxy: named as the student's, with the same special methods."""
    listed = node.get("methods")
    names = listed[: len(SPECIAL_METHODS)] if isinstance(listed, list) else []
    methods = frozenset(name for name in names if isinstance(name, str) and name in _METHODS)
    name = printable(node.get("type"), 200).rpartition(".")[2][:80] or "object"
    if (name, methods) not in _types:
        if len(_types) >= _MAX_TYPES:
            name = "object"
        members: dict[str, Any] = {method: _METHODS[method] for method in methods}
        members["__doc__"] = vars(Remote)["__doc__"]  # a class has its own, or None
        made = type(name, (Remote,), {"__slots__": (), **members})
        if len(_types) >= _MAX_TYPES:
            return made
        _types[name, methods] = made
    return _types[name, methods]
