"""Values of well-known classes as their plain parts, and back.

Fractions, dates, records, ordered dictionaries, pandas' tables: :mod:`nbjudge.values` writes them
as the name of a kind and a plain value.  Like that module this one runs on both sides, imports
nothing unasked, and reads with the methods of the known class, not of a subclass.  :func:`build`
is given parts that a student may have forged: it checks them and raises what it likes.
"""

from __future__ import annotations

import keyword
import math
import operator
import sys
from collections.abc import Callable
from typing import Any

MAX_TEXT = 100_000
MAX_FIELDS = 255
MAX_RECORDS = 1000
"""Classes of records that are made at most; each is a class in memory."""

Parts = tuple[str, Any]
"""The name of a kind, and what a value of it consists of."""


def _known(module: str, *names: str) -> tuple[type, ...]:
    """Classes of a module, where it is loaded: no value can be of one that is not."""
    loaded = sys.modules.get(module)
    found = (getattr(loaded, name, None) for name in names)
    return tuple(kind for kind in found if isinstance(kind, type))


def parts_of(value: Any, kind: type) -> Parts | None:
    """Return the parts of a value whose type is ``kind``, or None if it has none.

    What a class is derived from counts, but for records only the fields do.
    """
    pandas = sys.modules.get("pandas")
    if pandas is not None and value is getattr(pandas, "NaT", None):
        return "missing", "NaT"  # before the dates: it claims to be one
    if pandas is not None and value is getattr(pandas, "NA", None):
        return "missing", "NA"
    for module, name, method in _READERS:
        if any(issubclass(kind, known) for known in _known(module, name)):
            return method(value)
    if issubclass(kind, tuple):
        return _record(value, kind)
    return None


def build(name: str, parts: Any) -> Any:
    """Return the value of a kind with these parts.

    Raises
    ------
    Exception
        Of any class, if they are not of that kind.
    """
    return _BUILDERS[name](parts)


def _check(condition: bool) -> None:
    if not condition:
        raise ValueError("parts that are not of their kind")


def _whole(*numbers: Any) -> None:
    _check(all(type(number) is int for number in numbers))


# Numbers.


def _fraction(value: Any) -> Parts:
    from fractions import Fraction

    slots = vars(Fraction)
    return "fraction", (slots["_numerator"].__get__(value), slots["_denominator"].__get__(value))


def _build_fraction(parts: Any) -> Any:
    from fractions import Fraction

    _whole(*parts)
    return Fraction(*parts)


def _decimal(value: Any) -> Parts:
    from decimal import Decimal

    return "decimal", Decimal.__str__(value)


def _build_decimal(parts: Any) -> Any:
    from decimal import Decimal

    _check(type(parts) is str and len(parts) <= MAX_TEXT)
    return Decimal(parts)


# Dates.


def _fields(value: Any, kind: type, names: str) -> list[Any]:
    return [vars(kind)[name].__get__(value) for name in names.split()]


def _seconds(offset: Any) -> Any:
    """Return the seconds from UTC: the rules of a time zone do not travel."""
    return None if offset is None else offset.days * 86400 + offset.seconds


def _zone(seconds: Any) -> Any:
    from datetime import timedelta, timezone

    if seconds is None:
        return None
    _whole(seconds)
    return timezone(timedelta(seconds=seconds))


def _datetime(value: Any) -> Parts:
    import datetime

    days = _fields(value, datetime.date, "year month day")
    clock = _fields(value, datetime.datetime, "hour minute second microsecond fold")
    return "datetime", [*days, *clock, _seconds(datetime.datetime.utcoffset(value))]


def _build_datetime(parts: Any) -> Any:
    from datetime import datetime

    *numbers, fold, offset = parts
    _whole(*numbers, fold)
    year, month, day, hour, minute, second, microsecond = numbers
    zone = _zone(offset)
    return datetime(year, month, day, hour, minute, second, microsecond, zone, fold=fold)


def _date(value: Any) -> Parts:
    import datetime

    return "date", _fields(value, datetime.date, "year month day")


def _build_date(parts: Any) -> Any:
    from datetime import date

    _whole(*parts)
    return date(*parts)


def _time(value: Any) -> Parts:
    import datetime

    clock = _fields(value, datetime.time, "hour minute second microsecond fold")
    return "time", [*clock, _seconds(datetime.time.utcoffset(value))]


def _build_time(parts: Any) -> Any:
    from datetime import time

    *numbers, fold, offset = parts
    _whole(*numbers, fold)
    hour, minute, second, microsecond = numbers
    return time(hour, minute, second, microsecond, fold=fold, tzinfo=_zone(offset))


def _timedelta(value: Any) -> Parts:
    import datetime

    return "timedelta", _fields(value, datetime.timedelta, "days seconds microseconds")


def _build_timedelta(parts: Any) -> Any:
    from datetime import timedelta

    _whole(*parts)
    return timedelta(*parts)


# Types of arrays.


def _dtype(value: Any) -> Parts | None:
    return ("dtype", str(value.str)) if value.kind in "biufcSUMm" else None


def _build_dtype(parts: Any) -> Any:
    import numpy

    _check(type(parts) is str and len(parts) <= 24 and parts[1:2] in tuple("biufcSUMm"))
    _check("," not in parts)
    return numpy.dtype(parts)


def _torch_name(value: Any) -> Parts:
    return "torch", str(value)


def _build_torch_name(parts: Any) -> Any:
    import torch

    _check(type(parts) is str and len(parts) <= 24)
    if not parts.startswith("torch."):
        return torch.device(parts)
    found = vars(torch).get(parts.removeprefix("torch."))
    _check(isinstance(found, torch.dtype))
    return found


# Containers.


def _deque(value: Any) -> Parts:
    from collections import deque

    return "deque", (list(deque.__iter__(value)), vars(deque)["maxlen"].__get__(value))


def _build_deque(parts: Any) -> Any:
    from collections import deque

    items, maxlen = parts
    _check(type(items) is list and (maxlen is None or type(maxlen) is int))
    return deque(items, maxlen)


def _pairs(value: Any) -> list[tuple[Any, Any]]:
    return list(dict.items(value))


def _ordered(value: Any) -> Parts:
    from collections import OrderedDict

    # Its own order, not that of the dict below it.
    return "ordered", [(key, dict.__getitem__(value, key)) for key in OrderedDict.__iter__(value)]


def _build_ordered(parts: Any) -> Any:
    from collections import OrderedDict

    return OrderedDict(parts)


def _counter(value: Any) -> Parts:
    return "counter", _pairs(value)


def _build_counter(parts: Any) -> Any:
    from collections import Counter

    return Counter(dict(parts))


_FACTORIES: dict[str, Callable[[], Any]] = {
    kind.__name__: kind for kind in (bool, dict, float, int, list, set, str, tuple)
}


def _defaultdict(value: Any) -> Parts:
    from collections import defaultdict

    factory = vars(defaultdict)["default_factory"].__get__(value)
    name = next((name for name, kind in _FACTORIES.items() if kind is factory), None)
    return "default", (name, _pairs(value))


def _build_defaultdict(parts: Any) -> Any:
    from collections import defaultdict

    name, pairs = parts
    return defaultdict(None if name is None else _FACTORIES[name], pairs)


def _bytearray(value: bytearray) -> Parts:
    return "bytearray", bytes(memoryview(value))


def _build_bytearray(parts: Any) -> Any:
    _check(type(parts) is bytes)
    return bytearray(parts)


def _path(value: Any) -> Parts:
    from pathlib import PurePath

    return "path", PurePath.__str__(value)


def _build_path(parts: Any) -> Any:
    from pathlib import Path

    _check(type(parts) is str and len(parts) <= MAX_TEXT)
    return Path(parts)


# Records: named tuples.


def _record(value: tuple[Any, ...], kind: type) -> Parts | None:
    fields = next(
        (vars(base)["_fields"] for base in type.mro(kind) if "_fields" in vars(base)), None
    )
    if type(fields) is not tuple or len(fields) != tuple.__len__(value) or not _are_names(fields):
        return None
    name = type.__dict__["__name__"].__get__(kind)
    return "record", (name, list(fields), list(tuple.__iter__(value)))


def _are_names(fields: Any) -> bool:
    return len(fields) <= MAX_FIELDS and all(
        type(field) is str
        and len(field) <= MAX_FIELDS
        and field.isidentifier()
        and not field.startswith("_")
        and not keyword.iskeyword(field)
        for field in fields
    )


class _Record(tuple[Any, ...]):
    """A named tuple of the student's, as far as its fields go."""

    __slots__ = ()
    _fields: tuple[str, ...] = ()

    def _asdict(self) -> dict[str, Any]:
        return dict(zip(self._fields, self, strict=True))

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={item!r}" for name, item in self._asdict().items())
        return f"{type(self).__name__}({fields})"


_records: dict[tuple[str, ...], type[_Record]] = {}


def _build_record(parts: Any) -> Any:
    name, fields, items = parts
    _check(type(name) is str and len(name) <= MAX_FIELDS and type(fields) is list)
    _check(_are_names(fields) and len(set(fields)) == len(fields) == len(items))
    key = (name, *fields)
    if key not in _records:
        _check(len(_records) < MAX_RECORDS)
        members: dict[str, Any] = {"__slots__": (), "_fields": tuple(fields)}
        for index, field in enumerate(fields):
            members[field] = property(operator.itemgetter(index))
        _records[key] = type(name, (_Record,), members)
    return _records[key](items)


# pandas.


def _column(array: Any) -> Any:
    """Return the parts of a column's values, or None where they have no plain ones."""
    import pandas

    dtype = array.dtype
    if isinstance(dtype, pandas.CategoricalDtype):
        categories = _index_parts(dtype.categories)
        codes = array.codes
        return None if categories is None else ("category", codes, categories, bool(dtype.ordered))
    if isinstance(dtype, pandas.DatetimeTZDtype):
        naive = array.tz_convert("UTC").tz_localize(None).to_numpy()
        return ("zoned", naive, str(dtype.tz))
    if isinstance(dtype, pandas.IntervalDtype):
        sides = (_column(array.left.array), _column(array.right.array))
        return None if None in sides else ("interval", *sides, str(array.closed))
    if isinstance(dtype, pandas.PeriodDtype):
        return ("period", array.asi8, str(dtype).removeprefix("period[").removesuffix("]"))
    if isinstance(dtype, pandas.StringDtype):
        missing = "nan" if _is_nan(getattr(dtype, "na_value", None)) else "NA"
        return ("text", missing, [None if pandas.isna(x) else str(x) for x in array])
    if str(dtype) in _NULLABLE:
        return ("nullable", str(dtype), [None if x is pandas.NA else x for x in array])
    if dtype.kind in "biufcMmO" and hasattr(dtype, "itemsize"):
        return ("plain", array.to_numpy())
    return None


_NULLABLE = frozenset(
    ["boolean", "Float32", "Float64"]
    + [f"{sign}Int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)]
)


def _is_nan(value: Any) -> bool:
    return type(value) is float and math.isnan(value)


def _build_column(parts: Any) -> Any:
    """Return what pandas takes as ``data``, and its dtype (None: as it is)."""
    import numpy
    import pandas

    name, *rest = parts
    if name == "plain":
        (array,) = rest
        _check(type(array) is numpy.ndarray and array.ndim == 1)
        return array, array.dtype
    if name == "text":
        missing, items = rest
        _check(all(item is None or type(item) is str for item in items))
        if missing == "nan":
            return pandas.array(items, dtype=pandas.StringDtype(na_value=numpy.nan)), None
        return pandas.array(items, dtype=pandas.StringDtype()), None
    if name == "nullable":
        dtype, items = rest
        _check(dtype in _NULLABLE)
        return pandas.array([pandas.NA if x is None else x for x in items], dtype=dtype), None
    if name == "category":
        codes, categories, ordered = rest
        _check(type(codes) is numpy.ndarray and codes.dtype.kind == "i" and type(ordered) is bool)
        return pandas.Categorical.from_codes(codes, _build_index(categories), ordered=ordered), None
    if name == "zoned":
        naive, zone = rest
        _check(type(naive) is numpy.ndarray and naive.dtype.kind == "M" and len(zone) < 64)
        return pandas.DatetimeIndex(naive).tz_localize("UTC").tz_convert(zone).array, None
    if name == "interval":
        left, right, closed = rest
        sides = [pandas.Index(_build_column(side)[0]) for side in (left, right)]
        return pandas.arrays.IntervalArray.from_arrays(*sides, closed=closed), None
    _check(name == "period")
    ordinals, frequency = rest
    _check(type(ordinals) is numpy.ndarray and ordinals.dtype.kind == "i" and len(frequency) < 32)
    return pandas.PeriodIndex.from_ordinals(ordinals, freq=frequency).array, None


def _index_parts(index: Any) -> Any:
    import pandas

    if isinstance(index, pandas.MultiIndex):
        levels = [_column(index.get_level_values(n).array) for n in range(index.nlevels)]
        return None if any(x is None for x in levels) else ("multi", levels, list(index.names))
    if isinstance(index, pandas.RangeIndex):
        return ("range", index.start, index.stop, index.step, index.name)
    column = _column(index.array)
    if column is None:
        return None
    dates = isinstance(index, pandas.DatetimeIndex | pandas.TimedeltaIndex)
    frequency = getattr(index, "freqstr", None) if dates else None
    return ("index", column, index.name, frequency)


def _build_index(parts: Any) -> Any:
    import pandas

    name, *rest = parts
    if name == "multi":
        levels, names = rest
        _check(len(levels) == len(names) > 0)
        arrays = [_build_plain_index(level) for level in levels]
        _check(len({len(array) for array in arrays}) == 1)
        return pandas.MultiIndex.from_arrays(arrays, names=names)
    if name == "range":
        *numbers, label = rest
        _whole(*numbers)
        return pandas.RangeIndex(*numbers, name=label)
    _check(name == "index")
    column, label, frequency = rest
    index = _build_plain_index(column)
    index.name = label
    if frequency is not None:
        _check(type(frequency) is str and len(frequency) < 32)
        index.freq = frequency
    return index


def _build_plain_index(column: Any) -> Any:
    import pandas

    data, dtype = _build_column(column)
    return pandas.Index(data, dtype=dtype)


def _index(value: Any) -> Parts | None:
    parts = _index_parts(value)
    return None if parts is None else ("index", parts)


def _series(value: Any) -> Parts | None:
    import pandas

    if type(value) is not pandas.Series:
        value = pandas.Series(value)
    column, index = _column(value.array), _index_parts(value.index)
    if column is None or index is None:
        return None
    return "series", (column, index, value.name)


def _build_series(parts: Any) -> Any:
    import pandas

    column, index, name = parts
    (data, dtype), labels = _build_column(column), _build_index(index)
    _check(len(data) == len(labels))
    return pandas.Series(data, dtype=dtype, index=labels, name=name)


def _table(value: Any) -> Parts | None:
    import pandas

    if type(value) is not pandas.DataFrame:
        value = pandas.DataFrame(value)
    columns = [_column(value.iloc[:, n].array) for n in range(value.shape[1])]
    index, names = _index_parts(value.index), _index_parts(value.columns)
    if index is None or names is None or any(column is None for column in columns):
        return None
    return "table", (columns, index, names)


def _build_table(parts: Any) -> Any:
    import pandas

    columns, index, names = parts
    labels, headings = _build_index(index), _build_index(names)
    _check(len(columns) == len(headings))
    data = {}
    for number, column in enumerate(columns):
        values, dtype = _build_column(column)
        _check(len(values) == len(labels))
        data[number] = pandas.Series(values, dtype=dtype, index=labels)
    table = pandas.DataFrame(data, index=labels)
    table.columns = headings
    return table


def _timestamp(value: Any) -> Parts:
    import datetime

    days = _fields(value, datetime.date, "year month day")
    clock = _fields(value, datetime.datetime, "hour minute second microsecond")
    return "timestamp", [*days, *clock, value.nanosecond, value.unit, _seconds(value.utcoffset())]


def _build_timestamp(parts: Any) -> Any:
    import pandas

    *numbers, unit, offset = parts
    _whole(*numbers)
    _check(unit in ("s", "ms", "us", "ns"))
    year, month, day, hour, minute, second, microsecond, nanosecond = numbers
    stamp = pandas.Timestamp(
        year=year,
        month=month,
        day=day,
        hour=hour,
        minute=minute,
        second=second,
        microsecond=microsecond,
        nanosecond=nanosecond,
        tzinfo=_zone(offset),
    )
    return stamp.as_unit(unit)


def _duration(value: Any) -> Parts:
    return "duration", (int(value.value), str(value.unit))


def _build_duration(parts: Any) -> Any:
    import pandas

    nanoseconds, unit = parts
    _whole(nanoseconds)
    _check(unit in ("s", "ms", "us", "ns"))
    return pandas.Timedelta(nanoseconds, unit="ns").as_unit(unit)


def _build_missing(parts: Any) -> Any:
    import pandas

    return {"NaT": pandas.NaT, "NA": pandas.NA}[parts]


_READERS: tuple[tuple[str, str, Callable[[Any], Parts | None]], ...] = (
    ("fractions", "Fraction", _fraction),
    ("decimal", "Decimal", _decimal),
    # pandas' own dates are Python's too.
    ("pandas", "Timestamp", _timestamp),
    ("pandas", "Timedelta", _duration),
    ("datetime", "datetime", _datetime),
    ("datetime", "date", _date),
    ("datetime", "time", _time),
    ("datetime", "timedelta", _timedelta),
    ("collections", "deque", _deque),
    ("collections", "OrderedDict", _ordered),
    ("collections", "Counter", _counter),
    ("collections", "defaultdict", _defaultdict),
    ("builtins", "bytearray", _bytearray),
    ("pathlib", "PurePath", _path),
    ("numpy", "dtype", _dtype),
    ("torch", "dtype", _torch_name),
    ("torch", "device", _torch_name),
    ("pandas", "Series", _series),
    ("pandas", "DataFrame", _table),
    ("pandas", "Index", _index),
)

_BUILDERS: dict[str, Callable[[Any], Any]] = {
    "fraction": _build_fraction,
    "decimal": _build_decimal,
    "timestamp": _build_timestamp,
    "duration": _build_duration,
    "missing": _build_missing,
    "datetime": _build_datetime,
    "date": _build_date,
    "time": _build_time,
    "timedelta": _build_timedelta,
    "dtype": _build_dtype,
    "torch": _build_torch_name,
    "deque": _build_deque,
    "ordered": _build_ordered,
    "counter": _build_counter,
    "default": _build_defaultdict,
    "bytearray": _build_bytearray,
    "path": _build_path,
    "record": _build_record,
    "series": _build_series,
    "table": _build_table,
    "index": _build_index,
}
