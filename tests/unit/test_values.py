"""Values across the wire: exact both ways, and hostile bytes that gain nothing."""

import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import json
import math
import pathlib
import pickle
import struct
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbjudge import kinds, values
from nbjudge.values import MalformedValue, NotPlain, TooDeep, TooLarge, decode, encode

MIB = 1 << 20


def through(value, **kwargs):
    return decode(encode(value, max_bytes=MIB, **kwargs), max_bytes=MIB)


def message(tree, blobs=b"", header=None):
    """Bytes with a header of the test's choice."""
    data = json.dumps(tree).encode() if header is None else header
    return b"NBJ1" + struct.pack("!I", len(data)) + data + blobs


def same(left, right):
    """Equality that tells True from 1, -0.0 from 0.0, and takes NaN for itself."""
    if type(left) is not type(right):
        return False
    if isinstance(left, float):
        return struct.pack("<d", left) == struct.pack("<d", right)
    if isinstance(left, complex):
        return same(left.real, right.real) and same(left.imag, right.imag)
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return same(list(left), list(right)) and same(list(left.values()), list(right.values()))
    return left == right


# Round trips.

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(10**400), 10**400),
    st.floats(),
    st.complex_numbers(),
    st.text(st.characters(), max_size=20),  # lone surrogates too
    st.binary(max_size=20),
    st.just(...),
)
keys = st.one_of(st.integers(), st.text(max_size=5), st.tuples(st.integers(), st.none()))
plain = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(keys, inner, max_size=4),
        st.sets(keys, max_size=4),
        st.frozensets(keys, max_size=4),
    ),
    max_leaves=20,
)


@given(plain)
@settings(deadline=None)
def test_a_plain_value_comes_back_exactly_as_it_was(value):
    assert same(value, through(value))


@pytest.mark.parametrize(
    "value",
    [
        2**5000,
        -(2**5000),
        -0.0,
        math.inf,
        "\ud83d\ude00",  # two lone surrogates, not one face
        "\ud83d",
        "é\x00\u2028😀",
        "nan",
        {None: 1, (1, (2,)): 2, frozenset({3}): 3, b"x": 4, 2.5: 5, True: 6},
        range(0, 10**30, 7),
        slice(None, 3, -1),
        slice("a", (1,), None),
        {1: {2: [{3}]}},
        [],
        (),
        {},
        set(),
        frozenset(),
        "",
        b"",
    ],
    ids=repr,
)
def test_an_unusual_value_comes_back_exactly_as_it_was(value):
    assert same(value, through(value))


def test_nan_keeps_its_bits():
    bits = struct.pack("<d", math.nan)
    assert bits == struct.pack("<d", through(math.nan))


DTYPES = [
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float16", "float32", "float64", "complex64", "complex128",
    "datetime64[D]", "datetime64[ns]", "timedelta64[s]", "timedelta64", "U3", "S4",
]  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (1,), (3,), (0,), (2, 0, 3), (2, 3)], ids=str)
def test_an_array_keeps_dtype_shape_and_content(dtype, shape):
    array = np.zeros(shape, dtype=dtype)
    if array.size > 1:
        array.reshape(-1)[1:] = np.ones((), dtype=dtype)
    back = through(array)
    assert type(back) is np.ndarray
    assert (array.dtype, array.shape) == (back.dtype, back.shape)
    assert array.tobytes() == back.tobytes()
    assert back.flags.writeable


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_numpy_scalar_stays_a_numpy_scalar(dtype):
    scalar = np.ones((), dtype=dtype)[()]
    back = through(scalar)
    assert type(scalar) is type(back)
    assert scalar == back


@pytest.mark.parametrize(
    "array",
    [
        np.arange(24).reshape(4, 6)[::-2, 1::2],
        np.arange(24).reshape(4, 6).T,
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.broadcast_to(np.arange(3), (4, 3)),
        np.arange(5, dtype=">i4"),
        np.array(["é", "\ud800"], dtype=">U2"),
        np.array([np.nan, -0.0, np.inf]),
        np.array(["NaT", "2024-02-29"], dtype="datetime64[D]"),
    ],
    ids=["strided", "transposed", "fortran", "broadcast", "big", "big text", "special", "dates"],
)
def test_an_array_in_any_layout_comes_back_with_its_values(array):
    back = through(array)
    assert back.shape == array.shape
    assert back.dtype == array.dtype.newbyteorder("=")
    np.testing.assert_array_equal(back, array)


def test_an_object_array_keeps_its_items_and_shape():
    array = np.empty((2, 2), dtype=object)
    array[0, 0], array[0, 1], array[1, 0], array[1, 1] = 1, "a", [2, 3], np.array([4.0])
    back = through(array)
    assert back.dtype == object
    assert (back[0, 0], back[0, 1], back[1, 0]) == (1, "a", [2, 3])
    assert back[1, 1].shape == (1,)


def test_empty_numpy_text_is_not_lost():
    assert through(np.str_("")) == ""
    assert through(np.bytes_(b"")) == b""
    assert through(np.array([""])).tolist() == [""]


def test_a_masked_array_is_plain_only_without_masked_elements():
    assert through(np.ma.array([1, 2], mask=[False, False])).tolist() == [1, 2]
    with pytest.raises(NotPlain):
        through(np.ma.array([1, 2], mask=[False, True]))


@pytest.mark.parametrize(
    "value",
    [
        np.zeros(2, dtype="i4,f8"),
        np.zeros(2, dtype=np.longdouble),
        len,
        object(),
        NotImplemented,
        int,
        iter([]),
    ],
    ids=lambda v: str(type(v)),
)
def test_what_is_not_plain_is_refused_or_becomes_a_handle(value):
    with pytest.raises(NotPlain):
        through(value)
    data = encode([value], handle=lambda _: {"id": 7}, max_bytes=MIB)
    assert decode(data, remote=lambda node: node["id"], max_bytes=MIB) == [7]


TORCH_DTYPES = [
    "bool", "uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64",
    "float16", "bfloat16", "float32", "float64", "complex64", "complex128",
]  # fmt: skip


@pytest.mark.parametrize("name", TORCH_DTYPES)
@pytest.mark.parametrize("shape", [(), (2, 3), (0, 4)], ids=str)
def test_a_tensor_keeps_dtype_and_shape(name, shape):
    torch = pytest.importorskip("torch")
    tensor = torch.ones(shape).to(getattr(torch, name))
    back = through(tensor)
    assert (tensor.dtype, tensor.shape) == (back.dtype, back.shape)
    assert torch.equal(tensor, back)


def test_a_tensor_comes_back_contiguous_and_without_its_graph():
    torch = pytest.importorskip("torch")
    tensor = torch.arange(6.0, requires_grad=True).reshape(2, 3).T
    back = through(tensor)
    assert back.shape == (3, 2)
    assert torch.equal(back, tensor)
    back.sum().backward()
    conjugate = torch.tensor([1 + 2j]).conj()
    assert through(conjugate).tolist() == [1 - 2j]


def test_a_tensor_keeps_whether_it_requires_a_gradient():
    torch = pytest.importorskip("torch")
    leaf = torch.ones(3, requires_grad=True)
    for value in (leaf, leaf * 2, leaf.detach(), torch.nn.Parameter(torch.ones(2))):
        back = through(value)
        assert type(back) is type(value)
        assert (back.requires_grad, back.is_leaf) == (value.requires_grad, value.is_leaf)
    frozen = through(torch.nn.Parameter(torch.ones(2), requires_grad=False))
    assert isinstance(frozen, torch.nn.Parameter)
    assert not frozen.requires_grad
    changed = through(leaf * 2)
    changed += 1  # what is no leaf there is none here
    assert changed.tolist() == [3, 3, 3]
    with torch.no_grad():
        assert through(leaf).requires_grad


def test_a_leaf_keeps_its_gradient():
    torch = pytest.importorskip("torch")
    leaf = torch.ones(3, requires_grad=True)
    assert through(leaf).grad is None
    (leaf * 2).sum().backward()
    assert through(leaf).grad.tolist() == [2, 2, 2]


def test_a_tensor_without_plain_data_is_not_plain():
    torch = pytest.importorskip("torch")
    for tensor in (torch.eye(2).to_sparse(), torch.empty(2, device="meta")):
        with pytest.raises(NotPlain):
            through(tensor)


UTC = datetime.UTC
STAMP = datetime.datetime(2024, 2, 29, 23, 59, 58, 7)


@pytest.mark.parametrize(
    "value",
    [
        fractions.Fraction(-2, 3),
        decimal.Decimal("-1.50"),
        decimal.Decimal("Infinity"),
        STAMP,
        STAMP.replace(tzinfo=datetime.timezone(datetime.timedelta(hours=-3)), fold=1),
        STAMP.date(),
        STAMP.time(),
        STAMP.replace(tzinfo=UTC).timetz(),
        datetime.timedelta(days=-1, microseconds=3),
        collections.deque([1, 2], maxlen=3),
        collections.OrderedDict([("b", 1), ("a", 2)]),
        collections.Counter("aab"),
        bytearray(b"xy"),
        pathlib.Path("a/b.txt"),
    ],
    ids=lambda v: type(v).__name__,
)
def test_a_value_of_a_well_known_class_comes_back_as_one(value):
    back = through(value)
    assert type(back) is type(value)
    assert back == value
    assert repr(back) == repr(value)
    assert same([back], through([value]))


def test_an_ordered_dictionary_keeps_its_order_and_a_default_its_factory():
    moved = collections.OrderedDict(a=1, b=2)
    moved.move_to_end("a")
    assert list(through(moved)) == ["b", "a"]
    counts = through(collections.defaultdict(int, a=1))
    assert (counts["a"], counts["b"]) == (1, 0)
    assert through(collections.defaultdict(lambda: 5, a=1)).default_factory is None


def test_a_named_tuple_is_a_tuple_with_the_same_fields():
    Point = collections.namedtuple("Point", "x count")
    back = through(Point(1, [2]))
    assert back == (1, [2])
    assert (back.x, back.count, back._fields) == (1, [2], ("x", "count"))
    assert (type(back).__name__, repr(back)) == ("Point", "Point(x=1, count=[2])")
    assert back._asdict() == {"x": 1, "count": [2]}


SERIES = {
    "numbers": lambda pd: pd.Series([1.5, 2.5], name="mean"),
    "small": lambda pd: pd.Series(np.arange(3, dtype="int8")),
    "text": lambda pd: pd.Series(["a", None, "é"]),
    "old text": lambda pd: pd.Series(["a", 2, None], dtype=object),
    "text with NA": lambda pd: pd.Series(["a", pd.NA], dtype="string"),
    "truth": lambda pd: pd.Series([True, False], index=["x", "y"]),
    "nullable": lambda pd: pd.Series([1, None], dtype="Int64"),
    "nullable truth": lambda pd: pd.Series([True, None], dtype="boolean"),
    "categories": lambda pd: pd.Series(["a", "b", None], dtype="category"),
    "ordered": lambda pd: pd.Series(pd.Categorical([2, 1], categories=[3, 2, 1], ordered=True)),
    "dates": lambda pd: pd.Series(pd.date_range("2024-01-01", periods=3)),
    "zoned": lambda pd: pd.Series(pd.date_range("2024-03-30", periods=3, tz="Europe/Paris")),
    "durations": lambda pd: pd.Series(pd.to_timedelta([1, 2], unit="h")),
    "intervals": lambda pd: pd.cut(pd.Series([1, 2, 9]), 3),
    "periods": lambda pd: pd.Series(pd.period_range("2024-01", periods=2, freq="M")),
    "by date": lambda pd: pd.Series([1, 2], index=pd.date_range("2024-01-01", periods=2, freq="D")),
    "by two": lambda pd: pd.Series([1, 2], index=pd.MultiIndex.from_tuples([("a", 1), ("a", 2)])),
    "nothing": lambda pd: pd.Series([], dtype=float),
    "complex": lambda pd: pd.Series([1 + 2j]),
    "grouped": lambda pd: (
        pd.DataFrame({"k": ["a", "b", "a"], "v": [1, 2, 3]}).groupby("k")["v"].mean()
    ),
}
TABLES = {
    "mixed": lambda pd: pd.DataFrame({"a": [1, 2], "b": ["x", "y"], "c": [1.5, None]}),
    "twice the same heading": lambda pd: pd.DataFrame([[1, "x"]], columns=["a", "a"]),
    "twice the same label": lambda pd: pd.DataFrame({"a": [1, 2]}, index=["r", "r"]),
    "objects": lambda pd: pd.DataFrame({"a": [[1], {"k": 2}]}, dtype=object),
    "no column": lambda pd: pd.DataFrame(index=[3, 4]),
    "no row": lambda pd: pd.DataFrame({"a": []}),
    "empty": lambda pd: pd.DataFrame(),
    "summary": lambda pd: pd.DataFrame({"a": [1.0, 2.0]}).describe(),
    "pivot": lambda pd: pd.DataFrame({"k": [1, 2], "l": ["a", "b"], "v": [3, 4]}).pivot_table(
        index="k", columns="l", values="v"
    ),
    "aggregated": lambda pd: (
        pd.DataFrame({"k": ["a", "b"], "v": [3, 4]}).groupby("k").agg(["sum", "max"])
    ),
    "steps": lambda pd: pd.DataFrame({"a": [1, 2]}, index=pd.RangeIndex(4, 0, -2, name="n")),
}


@pytest.mark.parametrize("make", SERIES.values(), ids=SERIES.keys())
def test_a_series_comes_back_as_it_was(make):
    value = make(pd)
    pd.testing.assert_series_equal(through(value), value, check_freq=True, check_flags=True)


@pytest.mark.parametrize("make", TABLES.values(), ids=TABLES.keys())
def test_a_table_comes_back_as_it_was(make):
    value = make(pd)
    back = through(value)
    pd.testing.assert_frame_equal(back, value, check_freq=True, check_names=True)
    assert back.columns.equals(value.columns)


def test_an_index_and_the_dates_of_pandas_come_back_as_they_were():
    pd.testing.assert_index_equal(through(pd.Index([3, 4], name="k")), pd.Index([3, 4], name="k"))
    stamp = pd.Timestamp("2024-02-29 12:00:00.000000001")
    for value in (stamp, stamp.as_unit("s"), stamp.tz_localize("UTC"), pd.Timedelta("1h")):
        back = through(value)
        assert (type(back), back, back.unit) == (type(value), value, value.unit)
    assert through(pd.NaT) is pd.NaT
    assert through(pd.NA) is pd.NA


def test_a_table_of_what_is_not_plain_is_a_handle():
    sparse = pd.Series(pd.arrays.SparseArray([0, 1]))
    for value in (sparse, pd.DataFrame({"a": sparse})):
        with pytest.raises(NotPlain):
            through(value)


def test_a_table_that_claims_another_content_is_judged_by_its_own():
    class Lying(pd.DataFrame):
        def equals(self, _other):
            return True

        columns = property(lambda _: ["lie"])
        shape = property(lambda _: (9, 9))

    back = through(Lying({"a": [1]}))
    assert type(back) is pd.DataFrame
    assert list(back.columns) == ["a"]


# What lies about itself.


class Liar:
    """Every question that a codec could ask is answered with a lie."""

    def __eq__(self, other):
        return True

    def __hash__(self):
        return 0

    def __len__(self):
        return 10**6

    def __iter__(self):
        return iter("lies")

    def __getitem__(self, key):
        return "lie"

    def __float__(self):
        return 1.0

    def __int__(self):
        return 1

    def __index__(self):
        return 1

    def __bool__(self):
        return True

    def __str__(self):
        return "lie"

    def items(self):
        return [("lie", "lie")]

    def __reduce__(self):
        raise AssertionError("pickled")

    def __array__(self, *args, **kwargs):
        raise AssertionError("asked for an array")


def lying(base):
    """A subclass of a built-in that keeps its storage and lies about the rest."""
    space = dict(Liar.__dict__)
    for name in ("__dict__", "__weakref__", "__array__"):
        space.pop(name, None)
    space["__add__"] = space["__mul__"] = space["bit_length"] = lambda *_: "lie"
    space["real"] = space["imag"] = property(lambda _: 99.0)
    space["__class__"] = property(lambda _: str)
    return type(f"Lying{base.__name__}", (base,), space)


@pytest.mark.parametrize(
    ("base", "content"),
    [
        (int, 5), (float, 2.5), (complex, 1 + 2j), (str, "truth"), (bytes, b"truth"),
        (list, [1, 2]), (tuple, (1, 2)), (set, {1, 2}), (frozenset, frozenset({1, 2})),
        (dict, {"a": 1}),
    ],
)  # fmt: skip
def test_a_subclass_comes_back_as_the_base_with_the_real_content(base, content):
    back = through(lying(base)(content))
    assert same(content, back)


def test_an_array_subclass_comes_back_as_a_base_array_with_the_real_content():
    class LyingArray(np.ndarray):
        def __eq__(self, other):
            return True

        def __array__(self, *args, **kwargs):
            return np.ones(3)

        def tobytes(self, *args):
            return b"lie"

        def astype(self, *args, **kwargs):
            return np.ones(3)

        shape = property(lambda _: (99,))
        dtype = property(lambda _: np.dtype("float64"))

    back = through(np.arange(3).view(LyingArray))
    assert type(back) is np.ndarray
    assert back.tolist() == [0, 1, 2]
    assert back.dtype == np.arange(3).dtype


def test_an_object_that_claims_the_class_of_a_number_is_not_plain():
    class Claims:
        __class__ = property(lambda _: float)

    assert isinstance(Claims(), float)
    with pytest.raises(NotPlain):
        through(Claims())


def test_records_and_enumerations_come_back_as_their_plain_base():
    Point = collections.namedtuple("Point", "x y")

    class Colour(enum.IntEnum):
        RED = 3

    @dataclasses.dataclass
    class Record:
        x: int

    assert through(Point(1, 2)) == (1, 2)
    assert same(3, through(Colour.RED))
    with pytest.raises(NotPlain):
        through(Record(1))


# Limits of the sender.


def test_a_value_that_contains_itself_is_too_deep():
    loop = []
    loop.append(loop)
    array = np.empty(1, dtype=object)
    array[0] = array
    for value in (loop, {"a": loop}, array):
        with pytest.raises(TooDeep):
            through(value)


@pytest.mark.parametrize(
    "value",
    [
        b"x" * (MIB + 1),
        "x" * (MIB + 1),
        np.zeros(MIB, dtype="i8"),
        np.broadcast_to(np.zeros(1), (10**6, 10**6)),  # 8 TB that take no memory
        1 << (1 << 21),
        [1.5] * MIB,
        ["x" * 1000] * 1000,
    ],
    ids=["bytes", "str", "array", "broadcast", "int", "list", "strings"],
)
def test_a_value_that_is_too_large_is_refused_by_the_sender(value):
    with pytest.raises(TooLarge):
        encode(value, max_bytes=MIB)


def test_what_the_sender_accepts_the_receiver_reads():
    largest = b"x" * (MIB - 40)
    assert largest == decode(encode(largest, max_bytes=MIB), max_bytes=MIB)
    deepest = value = []
    for _ in range(values.MAX_DEPTH):
        value.append([])
        value = value[0]
    assert deepest == through(deepest)
    large = 1 << (values.MAX_INT_BITS - 1)
    assert large == through(large)


# Hostile bytes.

Record = collections.namedtuple("Record", "x y")
VALID = [
    encode(v, max_bytes=MIB)
    for v in (
        [1, 2.5, "text", b"bytes", None, True, ...],
        {"ok": np.arange(6, dtype="f4").reshape(2, 3), "t": (1 + 2j, {3}, range(4))},
        np.array(["a", "bc"]),
        np.array([True, False]),
        np.float32(1.5),
        [fractions.Fraction(1, 2), decimal.Decimal("1.5"), STAMP, STAMP.time(), pathlib.Path("a")],
        [collections.Counter("ab"), collections.deque([1], 3), Record(1, "b"), bytearray(b"xy")],
        {name: make(pd) for name, make in SERIES.items()},
        {name: make(pd) for name, make in TABLES.items()},
        [pd.Timestamp("2024-02-29", tz="UTC"), pd.Timedelta("1h"), pd.NaT, pd.NA],
    )
]


@given(st.binary(max_size=200))
def test_random_bytes_are_malformed(data):
    with pytest.raises(MalformedValue):
        decode(data, max_bytes=MIB)


@given(st.sampled_from(VALID), st.data())
@settings(max_examples=300, deadline=None)
def test_a_damaged_message_is_malformed_or_another_plain_value(data, draw):
    damaged = bytearray(data)
    for _ in range(draw.draw(st.integers(1, 4))):
        position = draw.draw(st.integers(0, len(damaged) - 1))
        damaged[position] = draw.draw(st.integers(0, 255))
    cut = draw.draw(st.integers(0, len(damaged)))
    for hostile in (bytes(damaged), bytes(damaged[:cut])):
        try:
            value = decode(hostile, max_bytes=MIB)
        except MalformedValue:
            continue
        encode(value, max_bytes=2 * MIB)  # still plain


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=15,
)
nodes = st.recursive(
    json_values,
    lambda inner: (
        st.tuples(st.sampled_from([*values._TAGS, "pickle"]), st.lists(inner, max_size=5)).map(
            lambda pair: [pair[0], *pair[1]]
        )
        | st.tuples(st.sampled_from([*kinds._BUILDERS, "pickle"]), inner).map(
            lambda pair: ["k", *pair]
        )
    ),
    max_leaves=15,
)


@given(nodes, st.binary(max_size=40))
@settings(max_examples=300, deadline=None)
def test_a_header_of_any_shape_is_malformed_or_a_plain_value(tree, blobs):
    try:
        value = decode(message(tree, blobs), max_bytes=MIB)
    except MalformedValue:
        return
    encode(value, max_bytes=8 * MIB)


MALFORMED = {
    "nothing": b"",
    "another magic": b"NBJ2" + VALID[0][4:],
    "a pickle": pickle.dumps([1, 2]),
    "a pickle behind the magic": b"NBJ1" + pickle.dumps([1, 2]),
    "a header longer than the message": b"NBJ1\xff\xff\xff\xff[]",
    "a number where a node is due": message(3),
    "not a number": message(None, header=b"NaN"),
    "a mapping": message({"a": 1}),
    "an empty node": message([]),
    "an unknown tag": message(["eval", "1"]),
    "a tag that is no text": message([["l"], []]),
    "too many fields": message(["l", [], []]),
    "too few fields": message(["a", "<f8"]),
    "deep nesting in JSON": message(None, header=b"[" * 200_000),
    "deep nesting of nodes": message(
        None, header=b'["l",[' * 100 + b'["l",[]]' + b"]]" * 100
    ),
    "an integer in decimal": message(["i", "zz"]),
    "an integer that is long": message(["i", "0x" + "f" * (1 << 19)]),
    "an integer of a million digits in JSON": message(None, header=b"9" * 1_000_000),
    "a float that is short": message(["f", "00"]),
    "a float that is not hexadecimal": message(["f", "z" * 16]),
    "a list as the key of a dictionary": message(["d", [[["l", []], None]]]),
    "a list in a set": message(["s", [["l", []]]]),
    "a dictionary of triples": message(["d", [[None, None, None]]]),
    "a blob outside": message(["b", 0, 10], b"12345"),
    "a blob before the start": message(["b", -1, 1], b"12345"),
    "a blob at a place that is no number": message(["b", 0.0, 1], b"12345"),
    "a blob whose length is a truth value": message(["b", 0, True], b"12345"),
    "an array larger than its data": message(["a", "<f8", [10**9], 0, 8], b"x" * 8),
    "an array of enormous axes": message(["a", "<f8", [2**39, 2**39], 0, 8], b"x" * 8),
    "an array whose axes overflow to zero": message(["a", "<f8", [2**32, 2**32], 0, 0]),
    "an empty array with an enormous axis": message(["a", "<f8", [0, 2**39], 0, 0]),
    "an empty object array with an enormous axis": message(["o", [0, 2**39], []]),
    "a negative axis": message(["a", "<f8", [-1], 0, 8], b"x" * 8),
    "an axis that is a truth value": message(["a", "<f8", [True], 0, 8], b"x" * 8),
    "too many axes": message(["a", "<f8", [1] * 33, 0, 8], b"x" * 8),
    "an array of objects": message(["a", "|O", [1], 0, 8], b"x" * 8),
    "an array of records": message(["a", "<i4,<i4", [1], 0, 8], b"x" * 8),
    "an array of records without rows": message(["a", "<i8,(99999,99999)i8", [0], 0, 0]),
    "an array of void": message(["a", "|V8", [1], 0, 8], b"x" * 8),
    "an array of long doubles": message(["a", "<f16", [1], 0, 16], b"x" * 16),
    "an array in another byte order": message(["a", ">f8", [1], 0, 8], b"x" * 8),
    "an array whose type is a list": message(["a", ["<f8"], [1], 0, 8], b"x" * 8),
    "an array of text without size": message(["a", "<U0", [1], 0, 0]),
    "truth values that are neither": message(["a", "|b1", [1], 0, 1], b"\x02"),
    "letters outside Unicode": message(["a", "<U1", [1], 0, 4], b"\xff" * 4),
    "a scalar with axes": message(["x", "<f8", [1], 0, 8], b"x" * 8),
    "an object array of another size": message(["o", [3], [None]]),
    "a tensor of an unknown type": message(["T", "quint8", [1], 0, 1], b"x"),
    "a tensor whose type is a list": message(["T", [], [1], 0, 1], b"x"),
    "a range of text": message(["r", ["a", "b", "c"]]),
    "a range without step": message(["r", [["i", "0x0"], ["i", "0x1"], ["i", "0x0"]]]),
    "a handle": message(["handle", {"id": 1}]),
    "text that is not UTF-8": message(["u", 0, 1], b"\xff"),
    "a tensor that requires what it cannot": message(
        ["T", "int8", [1], 0, 1, "leaf", True, None], b"x"
    ),
    "a gradient of another shape": message(
        ["T", "float32", [1], 0, 4, "leaf", True, ["T", "float32", [2], 4, 8]], b"x" * 12
    ),
    "a tensor of an unknown role": message(["T", "int8", [1], 0, 1, "root", False, None], b"x"),
    "an unknown kind": message(["k", "module", "os"]),
    "a kind that is a list": message(["k", [], None]),
    "a fraction of nothing": message(["k", "fraction", ["t", [["i", "0x1"], ["i", "0x0"]]]]),
    "a decimal of a list": message(["k", "decimal", ["l", []]]),
    "a date of floats": message(["k", "date", ["l", [2024.0, 1, 1]]]),
    "a record with a field of code": message(
        ["k", "record", ["t", ["P", ["l", ["x=1"]], ["l", [None]]]]]
    ),
    "a record with a hidden field": message(
        ["k", "record", ["t", ["P", ["l", ["__class__"]], ["l", [None]]]]]
    ),
    "a record with a field twice": message(
        ["k", "record", ["t", ["P", ["l", ["x", "x"]], ["l", [None, None]]]]]
    ),
    "a record with a missing field": message(
        ["k", "record", ["t", ["P", ["l", ["x", "y"]], ["l", [None]]]]]
    ),
    "a default of any code": message(["k", "default", ["t", ["open", ["l", []]]]]),
    "a series shorter than its index": message(
        ["k", "series",
         ["t", [["t", ["text", "nan", ["l", ["a"]]]],
                ["t", ["range", ["i", "0x0"], ["i", "0xfffffff"], ["i", "0x1"], None]], None]]]
    ),
    "a series of two dimensions": message(
        ["k", "series",
         ["t", [["t", ["plain", ["a", "|i1", [1, 1], 0, 1]]],
                ["t", ["range", ["i", "0x0"], ["i", "0x1"], ["i", "0x1"], None]], None]]],
        b"x",
    ),
}  # fmt: skip


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED)
def test_what_is_not_an_encoded_value_is_malformed(data):
    with pytest.raises(MalformedValue):
        decode(data, max_bytes=MIB)


def test_a_key_that_comes_twice_keeps_its_last_value():
    assert decode(message(["d", [["k", None], ["k", True]]]), max_bytes=MIB) == {"k": True}


def test_a_handle_whose_maker_fails_is_malformed():
    def remote(_node):
        raise KeyError("no such object")

    with pytest.raises(MalformedValue):
        decode(message(["handle", {}]), remote=remote, max_bytes=MIB)
    with pytest.raises(MalformedValue):
        decode(message(["handle", [1]]), remote=dict, max_bytes=MIB)


def test_longer_data_than_allowed_is_malformed():
    with pytest.raises(MalformedValue):
        decode(VALID[0], max_bytes=10)


BOMBS = {
    "one blob in many arrays": message(
        ["l", [["a", "|u1", [8 * MIB], 0, 8 * MIB]] * 1000], bytes(8 * MIB)
    ),
    "one blob in many byte strings": message(["l", [["b", 0, 8 * MIB]] * 1000], bytes(8 * MIB)),
    "overlapping blobs": message(
        ["l", [["b", k, 8 * MIB - 1000] for k in range(1000)]], bytes(8 * MIB)
    ),
    "many lists": message(None, header=b"[" + b"[]," * (3 * MIB) + b"[]]"),
    "many mappings": message(None, header=b"[" + b"{}," * (3 * MIB) + b"{}]"),
    "many strings": message(None, header=b"[" + b'"ab",' * (9 * MIB) + b'"ab"]'),
}


@pytest.mark.parametrize("data", BOMBS.values(), ids=BOMBS)
def test_a_small_message_cannot_become_a_huge_value(data):
    tracemalloc.start()
    try:
        with pytest.raises(MalformedValue):
            decode(data, max_bytes=64 * MIB)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3 * len(data) + MIB


class Explosive:
    """Unpickling it would be noticed."""

    def __reduce__(self):
        return (pytest.fail, ("unpickled",))


@given(st.integers(0, 60))
def test_nothing_is_ever_unpickled(position):
    bomb = pickle.dumps(Explosive())
    for data in (bomb, b"NBJ1" + bomb, VALID[0][:position] + bomb, VALID[1][:-24] + bomb):
        try:
            decode(data, max_bytes=MIB)
        except MalformedValue:
            continue
