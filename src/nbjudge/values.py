"""Plain values as bytes and back: what passes between a sealed kernel and the judge.

The same file runs on both sides.  In the kernel it must find the plain value behind whatever a
student's class pretends; in the judge it must survive whatever bytes come.  So: no pickle, no
``eval``; every length is checked before anything is allocated; depth and number of nodes are
bounded; and :func:`decode` raises nothing but :class:`MalformedValue`.

Format: ``b"NBJ1"``, the header's length (4 bytes), a JSON header (the tree), then the blobs.  A
node of the tree is ``null``, ``true``, ``false``, a string, or a list ``[tag, ...]``.

Only the standard library is imported here; numpy and torch are used when a value needs them.
What is made of plain parts (dates, records, pandas' tables) is :mod:`nbjudge.kinds`' to know.
"""

from __future__ import annotations

import json
import math
import struct
import sys
from collections.abc import Callable, Mapping
from typing import Any

from nbjudge import kinds

MAGIC = b"NBJ1"
MAX_NODES = 1_000_000
MAX_DEPTH = 64
MAX_INT_BITS = 1 << 20
MAX_DIMENSIONS = 32
# An array without elements has no data to check its shape against.
MAX_EMPTY_AXES = 1 << 24

# A parsed header takes far more memory than its text: what makes the objects is counted first.
_MARKS = ((b"[", 3 * MAX_NODES), (b"{", MAX_NODES), (b",", 8 * MAX_NODES))

_ARRAY_KINDS = "biufcSUMm"
# Sizes that exist on every platform; long double does not.
_SIZES = {"b": (1,), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "f": (2, 4, 8), "c": (8, 16)}
_TORCH_TYPES = [
    "bool",
    "uint8",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint16",
    "uint32",
    "uint64",
    "float16",
    "bfloat16",
    "float32",
    "float64",
    "complex64",
    "complex128",
]
# numpy has no bfloat16: the bits travel as int16.
_TORCH_BITS = {"bfloat16": "int16"}


class NotPlain(TypeError):
    """A value is not plain and there is no handle to send in its place."""


class TooLarge(ValueError):
    """A value is too large, too deep or has too many parts to be sent."""


class TooDeep(TooLarge):
    """A value is nested too deep, or contains itself."""


class MalformedValue(ValueError):
    """Bytes are not an encoded value, or are beyond the limits."""


Handle = Callable[[object], Mapping[str, Any]]


# ---------------------------------------------------------------------------------------------
# Encoding


class _Encoder:
    def __init__(self, handle: Handle | None, max_bytes: int, max_depth: int) -> None:
        self.handle = handle
        self.max_bytes = max_bytes
        self.max_depth = max_depth
        self.blobs: list[bytes] = []
        self.size = 0
        self.offset = 0
        self.nodes = 0

    def blob(self, data: bytes) -> list[int]:
        """Append a blob; return [offset, length]."""
        offset = self.offset
        self.grow(len(data))
        self.offset += len(data)
        self.blobs.append(data)
        return [offset, len(data)]

    def grow(self, size: int) -> None:
        self.size += size
        if self.size > self.max_bytes:
            raise TooLarge(f"more than {self.max_bytes} bytes")

    def node(self, value: Any, depth: int) -> Any:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise TooLarge(f"more than {MAX_NODES} parts")
        if depth > self.max_depth:
            raise TooDeep(f"nested more than {self.max_depth} deep")
        # type() and not isinstance: __class__ may lie, type() cannot.
        kind = type(value)
        if value is None or value is True or value is False:
            return value
        if value is ...:
            return ["..."]
        exact = _EXACT.get(kind)
        if exact is not None:
            return exact(self, value, depth)
        if not _is_numpy(kind):
            parts = kinds.parts_of(value, kind)
            if parts is not None:
                return ["k", parts[0], self.node(parts[1], depth + 1)]
            for base, method in _BASES:
                if issubclass(kind, base):
                    return method(self, value, depth)
        special = self._numpy(value, kind, depth)
        if special is None:
            special = self._torch(value, kind, depth)
        if special is not None:
            return special
        if self.handle is None:
            raise NotPlain(f"a value of type {kind.__name__} is not plain")
        return ["handle", dict(self.handle(value))]

    # Built-in types, read with the methods of the built-in and not of a subclass.

    def _int(self, value: int, _depth: int) -> Any:
        number = int.__add__(value, 0)
        if int.bit_length(number) > MAX_INT_BITS:
            raise TooLarge("an integer of more than a million bits")
        return ["i", hex(number)]

    def _float(self, value: float, _depth: int) -> Any:
        # float.__mul__ reads the number itself, keeps -0.0 and NaN.
        return ["f", struct.pack("<d", float.__mul__(value, 1.0)).hex()]

    def _complex(self, value: complex, _depth: int) -> Any:
        real, imaginary = complex.real.__get__(value), complex.imag.__get__(value)
        return ["c", struct.pack("<dd", real, imaginary).hex()]

    def _str(self, value: str, _depth: int) -> Any:
        plain = str.__str__(value) if type(value) is str else "".join(str.__iter__(value))
        try:
            plain.encode("utf-8")
        except UnicodeEncodeError:
            # JSON would join two lone surrogates into one character.
            return ["u", *self.blob(plain.encode("utf-8", "surrogatepass"))]
        self.grow(len(plain) * 4)
        return plain

    def _bytes(self, value: bytes, _depth: int) -> Any:
        return ["b", *self.blob(bytes(memoryview(value)))]

    def _list(self, value: list[Any], depth: int) -> Any:
        return ["l", [self.node(item, depth + 1) for item in list.__iter__(value)]]

    def _tuple(self, value: tuple[Any, ...], depth: int) -> Any:
        return ["t", [self.node(item, depth + 1) for item in tuple.__iter__(value)]]

    def _set(self, value: set[Any], depth: int) -> Any:
        return ["s", [self.node(item, depth + 1) for item in set.__iter__(value)]]

    def _frozenset(self, value: frozenset[Any], depth: int) -> Any:
        return ["z", [self.node(item, depth + 1) for item in frozenset.__iter__(value)]]

    def _dict(self, value: dict[Any, Any], depth: int) -> Any:
        return [
            "d",
            [
                [self.node(key, depth + 1), self.node(item, depth + 1)]
                for key, item in list(dict.items(value))
            ],
        ]

    def _range(self, value: range, depth: int) -> Any:
        return ["r", [self.node(x, depth + 1) for x in (value.start, value.stop, value.step)]]

    def _slice(self, value: slice, depth: int) -> Any:
        return ["y", [self.node(x, depth + 1) for x in (value.start, value.stop, value.step)]]

    # Libraries, only if they are loaded: the codec imports nothing unasked.

    def _numpy(self, value: Any, kind: type, depth: int) -> Any:
        numpy = sys.modules.get("numpy")
        if numpy is None:
            return None
        try:
            if issubclass(kind, numpy.generic):
                array = numpy.asarray(value)
                scalar = True
            elif issubclass(kind, numpy.ndarray):
                mask = None
                if issubclass(kind, numpy.ma.MaskedArray):
                    mask = numpy.ma.getmaskarray(value)
                array = numpy.ndarray.view(value, numpy.ndarray)
                if mask is not None and mask.any():
                    return None  # a value for a masked element would be invented
                scalar = False
            else:
                return None
        except (AttributeError, TypeError):
            return None  # numpy itself has been replaced by something else
        return self._array(array, depth, scalar=scalar)

    def _array(self, array: Any, depth: int, *, scalar: bool) -> Any:
        dtype = array.dtype
        if dtype.kind == "O":
            items = list(array.ravel())
            return ["o", list(array.shape), [self.node(item, depth + 1) for item in items]]
        if not _is_plain_dtype(dtype) or array.ndim > MAX_DIMENSIONS:
            return None
        if array.nbytes > self.max_bytes - self.size:
            raise TooLarge(f"an array of {array.nbytes} bytes")
        data = array.astype(dtype.newbyteorder("<"), copy=False).tobytes()
        return [
            "x" if scalar else "a",
            dtype.newbyteorder("<").str,
            list(array.shape),
            *self.blob(data),
        ]

    def _torch(self, value: Any, kind: type, depth: int) -> Any:
        torch = sys.modules.get("torch")
        tensor_class = getattr(torch, "Tensor", None)
        if not isinstance(tensor_class, type) or not issubclass(kind, tensor_class):
            return None
        name = str(value.dtype).removeprefix("torch.")
        if name not in _TORCH_TYPES or value.layout is not torch.strided:  # type: ignore[union-attr]
            return None
        if value.device.type == "meta":  # a shape without data
            return None
        tensor = value.detach().cpu().resolve_conj().resolve_neg().contiguous()
        nbytes = tensor.numel() * tensor.element_size()
        if nbytes > self.max_bytes - self.size:
            raise TooLarge(f"a tensor of {nbytes} bytes")
        if name in _TORCH_BITS:
            tensor = tensor.view(getattr(torch, _TORCH_BITS[name]))
        node = ["T", name, list(tensor.shape), *self.blob(tensor.numpy().tobytes())]
        parameter_class = getattr(getattr(torch, "nn", None), "Parameter", None)
        is_parameter = isinstance(parameter_class, type) and issubclass(kind, parameter_class)
        if not (value.requires_grad or is_parameter):
            return node
        role = "parameter" if is_parameter else "leaf" if value.is_leaf else "result"
        # Reading .grad of what is no leaf is worth a warning to torch.
        gradient = value.grad if value.is_leaf else None
        return [*node, role, bool(value.requires_grad), self.node(gradient, depth + 1)]


_BASES: tuple[tuple[type, Callable[[_Encoder, Any, int], Any]], ...] = (
    (int, _Encoder._int),
    (float, _Encoder._float),
    (complex, _Encoder._complex),
    (str, _Encoder._str),
    (list, _Encoder._list),
    (tuple, _Encoder._tuple),
    (dict, _Encoder._dict),
    (bytes, _Encoder._bytes),
    (set, _Encoder._set),
    (frozenset, _Encoder._frozenset),
    (range, _Encoder._range),
    (slice, _Encoder._slice),
)

_EXACT = dict(_BASES)


def _is_numpy(kind: type) -> bool:
    """numpy.float64 is a float and numpy.str_ a str, but they come back as what they are."""
    numpy = sys.modules.get("numpy")
    generic = getattr(numpy, "generic", None)
    return isinstance(generic, type) and issubclass(kind, generic)


def encode(
    value: Any, *, handle: Handle | None = None, max_bytes: int, max_depth: int = MAX_DEPTH
) -> bytes:
    """Return a plain value as bytes.

    Plain: None, bool, int, float, complex, str, bytes, list, tuple, set, frozenset, dict, range,
    slice, Ellipsis; numpy scalars and arrays of numbers, strings, dates or plain objects; torch
    tensors (on the CPU; that they require a gradient, and a leaf's gradient, but no graph); what
    :mod:`nbjudge.kinds` knows.  Subclasses count as their base.

    Parameters
    ----------
    value
        Anything.
    handle
        Gives, for what is not plain, a JSON-able mapping to send in its place.
    max_bytes
        Largest encoding.
    max_depth
        Deepest nesting.

    Raises
    ------
    NotPlain
        If something is not plain and ``handle`` is None.
    TooLarge, TooDeep
        If a limit is passed.
    """
    encoder = _Encoder(handle, max_bytes, max_depth)
    try:
        tree = encoder.node(value, 0)
    except RecursionError:
        raise TooDeep("nested too deep") from None
    header = json.dumps(tree, separators=(",", ":")).encode("ascii")
    encoder.grow(len(header))
    if not _is_parsable(header):
        raise TooLarge("too many parts")
    return b"".join([MAGIC, struct.pack("!I", len(header)), header, *encoder.blobs])


def _is_plain_dtype(dtype: Any) -> bool:
    """Whether an array of this dtype is plain: numbers, text, bytes or dates of a known size."""
    return (
        dtype.kind in _ARRAY_KINDS
        and dtype.itemsize > 0
        and dtype.itemsize in _SIZES.get(dtype.kind, (dtype.itemsize,))
    )


def _is_parsable(header: bytes) -> bool:
    """Whether parsing a header makes a bounded number of objects."""
    return all(header.count(mark) <= most for mark, most in _MARKS)


# ---------------------------------------------------------------------------------------------
# Decoding


class _Decoder:
    def __init__(
        self, blobs: memoryview, remote: Callable[[Mapping[str, Any]], Any] | None, max_depth: int
    ) -> None:
        self.blobs = blobs
        self.remote = remote
        self.max_depth = max_depth
        self.nodes = 0
        self.unread = len(blobs)

    def node(self, tree: Any, depth: int) -> Any:
        self.nodes += 1
        if self.nodes > MAX_NODES or depth > self.max_depth:
            raise MalformedValue("too many parts, or nested too deep")
        if tree is None or tree is True or tree is False or type(tree) is str:
            return tree
        if type(tree) is not list or not tree or type(tree[0]) is not str:
            raise MalformedValue("not a node")
        method = _TAGS.get(tree[0])
        if method is None:
            raise MalformedValue(f"unknown tag {tree[0][:20]!r}")
        return method(self, tree[1:], depth)

    def items(self, body: list[Any], depth: int) -> list[Any]:
        (items,) = body
        if type(items) is not list:
            raise MalformedValue("items that are not a list")
        return [self.node(item, depth + 1) for item in items]

    def _ellipsis(self, body: list[Any], _depth: int) -> Any:
        () = body
        return ...

    def _int(self, body: list[Any], _depth: int) -> int:
        (text,) = body
        if type(text) is not str or len(text) > MAX_INT_BITS // 4 + 4:
            raise MalformedValue("not an integer")
        return int(text, 16)

    def _floats(self, body: list[Any], count: int) -> tuple[float, ...]:
        (text,) = body
        if type(text) is not str or len(text) != 16 * count:
            raise MalformedValue("not a float")
        return struct.unpack("<" + "d" * count, bytes.fromhex(text))

    def _float(self, body: list[Any], _depth: int) -> float:
        return self._floats(body, 1)[0]

    def _complex(self, body: list[Any], _depth: int) -> complex:
        return complex(*self._floats(body, 2))

    def _list(self, body: list[Any], depth: int) -> list[Any]:
        return self.items(body, depth)

    def _tuple(self, body: list[Any], depth: int) -> tuple[Any, ...]:
        return tuple(self.items(body, depth))

    def _set(self, body: list[Any], depth: int) -> set[Any]:
        return set(self.items(body, depth))

    def _frozenset(self, body: list[Any], depth: int) -> frozenset[Any]:
        return frozenset(self.items(body, depth))

    def _dict(self, body: list[Any], depth: int) -> dict[Any, Any]:
        (pairs,) = body
        if type(pairs) is not list:
            raise MalformedValue("a dictionary that is not pairs")
        result = {}
        for pair in pairs:
            if type(pair) is not list or len(pair) != 2:
                raise MalformedValue("a dictionary that is not pairs")
            result[self.node(pair[0], depth + 1)] = self.node(pair[1], depth + 1)
        return result

    def _range(self, body: list[Any], depth: int) -> range:
        return range(*self._three(body, depth))

    def _slice(self, body: list[Any], depth: int) -> slice:
        return slice(*self._three(body, depth))

    def _three(self, body: list[Any], depth: int) -> list[Any]:
        items = self.items(body, depth)
        if len(items) != 3:
            raise MalformedValue("not a range or slice")
        return items

    def blob(self, offset: Any, length: Any) -> memoryview:
        if type(offset) is not int or type(length) is not int:
            raise MalformedValue("not a blob")
        if offset < 0 or length < 0 or offset + length > len(self.blobs):
            raise MalformedValue("a blob outside the message")
        # Each blob is copied: many values that share one would multiply it.
        self.unread -= length
        if self.unread < 0:
            raise MalformedValue("a blob that is used twice")
        return self.blobs[offset : offset + length]

    def _bytes(self, body: list[Any], _depth: int) -> bytes:
        offset, length = body
        return bytes(self.blob(offset, length))

    def _surrogates(self, body: list[Any], _depth: int) -> str:
        offset, length = body
        return str(self.blob(offset, length), "utf-8", "surrogatepass")

    def shape(self, shape: Any) -> tuple[int, ...]:
        if type(shape) is not list or len(shape) > MAX_DIMENSIONS:
            raise MalformedValue("not a shape")
        for size in shape:
            if type(size) is not int or not 0 <= size < 1 << 40:
                raise MalformedValue("not a shape")
        if 0 in shape and math.prod(size or 1 for size in shape) > MAX_EMPTY_AXES:
            raise MalformedValue("an empty array with axes that are too long")
        return tuple(shape)

    def _raw(self, body: list[Any]) -> Any:
        """Return a new array from a header that has been checked against the blob's length."""
        import numpy

        text, shape, offset, length = body
        if type(text) is not str or len(text) > 24 or text[:1] not in "<|" or len(text) < 3:
            raise MalformedValue("not an array type")
        if text[1] not in _ARRAY_KINDS:
            raise MalformedValue("not an array type")
        dtype = numpy.dtype(text)
        if not _is_plain_dtype(dtype):  # "<i8,<i8" begins well too
            raise MalformedValue("not an array type")
        dimensions = self.shape(shape)
        data = self.blob(offset, length)
        if math.prod(dimensions) * dtype.itemsize != len(data):
            raise MalformedValue("an array whose shape is not that of its data")
        if dtype.kind == "b" and numpy.frombuffer(data, numpy.uint8).max(initial=0) > 1:
            raise MalformedValue("truth values that are neither 0 nor 1")
        if dtype.kind == "U" and numpy.frombuffer(data, "<u4").max(initial=0) > sys.maxunicode:
            raise MalformedValue("letters that are not in Unicode")
        array = numpy.frombuffer(data, dtype=dtype).reshape(dimensions).copy()
        return array.astype(dtype.newbyteorder("="), copy=False)

    def _array(self, body: list[Any], _depth: int) -> Any:
        return self._raw(body)

    def _scalar(self, body: list[Any], _depth: int) -> Any:
        array = self._raw(body)
        if array.ndim:
            raise MalformedValue("a scalar with axes")
        return array[()]

    def _objects(self, body: list[Any], depth: int) -> Any:
        import numpy

        shape, items = body
        dimensions = self.shape(shape)
        if type(items) is not list or math.prod(dimensions) != len(items):
            raise MalformedValue("an array whose shape is not that of its items")
        array = numpy.empty(len(items), dtype=object)
        for index, item in enumerate(items):
            array[index] = self.node(item, depth + 1)
        return array.reshape(dimensions)

    def _tensor(self, body: list[Any], depth: int) -> Any:
        import numpy
        import torch

        name, shape, offset, length, *autograd = body
        if name not in _TORCH_TYPES:
            raise MalformedValue("not a tensor type")
        bits = _TORCH_BITS.get(name, name)
        array = self._raw([numpy.dtype(bits).newbyteorder("<").str, shape, offset, length])
        tensor = torch.from_numpy(array)
        tensor = tensor.view(getattr(torch, name)) if name in _TORCH_BITS else tensor
        if not autograd:
            return tensor
        role, requires_grad, gradient = autograd
        if role not in ("parameter", "leaf", "result") or type(requires_grad) is not bool:
            raise MalformedValue("not a tensor")
        if role == "parameter":
            tensor = torch.nn.Parameter(tensor, requires_grad=requires_grad)
        else:
            tensor.requires_grad_(requires_grad)
        # torch itself refuses a gradient of another kind or shape.
        tensor.grad = self.node(gradient, depth + 1)
        if role == "result":
            with torch.enable_grad():
                return tensor.clone()  # no leaf, as there: it can be changed in place
        return tensor

    def _kind(self, body: list[Any], depth: int) -> Any:
        name, tree = body
        if type(name) is not str:
            raise MalformedValue("not a kind")
        return kinds.build(name, self.node(tree, depth + 1))

    def _handle(self, body: list[Any], _depth: int) -> Any:
        (node,) = body
        if self.remote is None or type(node) is not dict:
            raise MalformedValue("a handle where none may be")
        return self.remote(node)


_TAGS: dict[str, Callable[[_Decoder, list[Any], int], Any]] = {
    "...": _Decoder._ellipsis,
    "i": _Decoder._int,
    "f": _Decoder._float,
    "c": _Decoder._complex,
    "u": _Decoder._surrogates,
    "b": _Decoder._bytes,
    "l": _Decoder._list,
    "t": _Decoder._tuple,
    "s": _Decoder._set,
    "z": _Decoder._frozenset,
    "d": _Decoder._dict,
    "r": _Decoder._range,
    "y": _Decoder._slice,
    "a": _Decoder._array,
    "x": _Decoder._scalar,
    "o": _Decoder._objects,
    "T": _Decoder._tensor,
    "k": _Decoder._kind,
    "handle": _Decoder._handle,
}


def decode(
    data: bytes,
    *,
    remote: Callable[[Mapping[str, Any]], Any] | None = None,
    max_bytes: int,
    max_depth: int = MAX_DEPTH,
) -> Any:
    """Return the value that bytes encode, however hostile they are.

    Parameters
    ----------
    data
        As :func:`encode` makes them, or anything.
    remote
        Makes an object of a handle's mapping, whose content it must not believe.
    max_bytes
        Longer data is refused.
    max_depth
        Deeper nesting is refused.

    Raises
    ------
    MalformedValue
        For everything that is not a valid encoding within the limits; nothing else is raised.
    """
    try:
        if len(data) > max_bytes + 8 or data[:4] != MAGIC:
            raise MalformedValue("too long, or not an encoded value")
        (length,) = struct.unpack("!I", data[4:8])
        if length > len(data) - 8:
            raise MalformedValue("cut short")
        header = data[8 : 8 + length]
        if not _is_parsable(header):
            raise MalformedValue("too many parts")
        tree = json.loads(header)
        blobs = memoryview(data)[8 + length :]
        return _Decoder(blobs, remote, max_depth).node(tree, 0)
    except MalformedValue:
        raise
    except Exception as error:  # of json, struct, numpy or torch: all mean the same
        raise MalformedValue(f"{type(error).__name__} while decoding") from None
