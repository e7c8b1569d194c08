"""How two values differ, said in kind: type, shape, dtype, NaN, sign, order of magnitude.

A student must learn what to look at, and never the reference's values.
"""

from __future__ import annotations

import math
import numbers
import sys
from typing import TYPE_CHECKING, Any, Literal

from nbjudge.i18n import gettext as _

if TYPE_CHECKING:
    from numpy.typing import NDArray

Shape = Literal["exact", "column", "flat", "any"]

_NUMERIC = "biufc"


def type_name(value: object) -> str:
    """Name the type of a value for a sentence (a remote object by what it really is)."""
    described = getattr(type(value), "nbjudge_type_name", None)
    if described is not None:
        return str(described(value))
    return type(value).__name__


def as_array(value: Any) -> NDArray[Any] | None:
    """Return a numeric array of the value (a tensor, list or number too), or None."""
    import numpy as np

    if value is None or isinstance(value, str | bytes | dict | set):
        return None
    detach = getattr(value, "detach", None)
    if detach is not None and hasattr(value, "requires_grad"):
        tensor = value.detach().cpu()
        if str(tensor.dtype) == "torch.bfloat16":
            tensor = tensor.float()
        return np.asarray(tensor.numpy())
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, OverflowError):
        return None
    if array.dtype.kind == "O":
        try:
            array = array.astype(float)
        except (TypeError, ValueError, OverflowError):
            return None
    return array if array.dtype.kind in _NUMERIC else None


def shape_matches(actual: tuple[int, ...], expected: tuple[int, ...], rule: Shape) -> bool:
    """Tell whether a shape is acceptable under a rule.

    ``exact``: equal. ``column``: ``(n,)`` and ``(n, 1)`` are the same; a single value may also
    come as ``()``.  ``flat``: the same number of elements, axes of length 1 ignored. ``any``:
    the same number of elements.
    """
    if actual == expected:
        return True
    if rule == "column":

        def strip(shape: tuple[int, ...]) -> tuple[int, ...]:
            return shape[:1] if len(shape) == 2 and shape[1] == 1 else (shape or (1,))

        return strip(actual) == strip(expected)
    if rule == "flat":
        return [n for n in actual if n != 1] == [n for n in expected if n != 1]
    if rule == "any":
        return math.prod(actual) == math.prod(expected)
    return False


def difference(
    actual: Any, expected: Any, *, rtol: float, atol: float, shape: Shape = "exact"
) -> str | None:
    """Say how ``actual`` differs from the numeric ``expected``, or return None if it does not.

    Parameters
    ----------
    actual, expected
        Numbers, arrays, tensors or nested lists.
    rtol, atol
        Accepted where ``|actual - expected| <= atol + rtol * |expected|``.
    shape
        Which shapes are the same, see :func:`shape_matches`.
    """
    import numpy as np

    want = as_array(expected)
    if want is None:
        raise TypeError(f"the expected value is not numeric: {type_name(expected)}")
    if actual is None:
        return _("the result is None (is a return missing?)")
    got = as_array(actual)
    if got is None:
        return _("the result is of type {kind}, not numbers").format(kind=type_name(actual))
    if not shape_matches(got.shape, want.shape, shape):
        return _("expected the shape {expected}, got {got}").format(
            expected=_shape(want.shape), got=_shape(got.shape)
        )
    got, want = got.reshape(-1), want.reshape(-1)
    if got.dtype.kind == "c" and want.dtype.kind != "c":
        if not np.allclose(got.imag, 0.0, rtol=0.0, atol=max(atol, 1e-12)):
            return _("the result is complex, real numbers are expected")
        got = got.real
    if want.dtype.kind == "b" and got.dtype.kind == "b":
        count = int(np.count_nonzero(got != want))
        return (
            _("{count} of {total} truth values are wrong").format(count=count, total=want.size)
            if count
            else None
        )
    got, want = _widen(got), _widen(want)
    with np.errstate(all="ignore"):
        close = np.isclose(got, want, rtol=rtol, atol=atol, equal_nan=True)
    if bool(close.all()):
        return None
    return _kind_of_difference(got, want, close, rtol, atol)


def _widen(array: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    # Differences of unsigned or small integers would wrap around.
    return array.astype(complex if array.dtype.kind == "c" else np.float64)


def _kind_of_difference(
    got: NDArray[Any], want: NDArray[Any], close: NDArray[Any], rtol: float, atol: float
) -> str:
    import numpy as np

    finite = np.isfinite(got)
    if not finite.all() and np.isfinite(want).all():
        if np.isnan(got).any():
            return _("the result contains NaN")
        return _("the result contains infinite values")
    with np.errstate(all="ignore"):
        if np.isclose(got, -want, rtol=rtol, atol=atol, equal_nan=True).all():
            return _("the sign is reversed")
        if np.isrealobj(got) and np.isrealobj(want):
            if got.size > 1 and np.allclose(np.sort(got), np.sort(want), rtol=rtol, atol=atol):
                return _("the values are right but not in the expected order")
            # Of a single number this would be its sign, told for any guess of the other one.
            if got.size > 1 and (want > atol).all() and (got < 0).all():
                return _("the result is negative where it should be positive")
        size_got, size_want = _size(got), _size(want)
        if size_want > 0 and size_got == 0:
            return _("the result is zero everywhere")
        if size_got > 10 * size_want and size_got > atol:
            return _("the order of magnitude is too large")
        if size_got * 10 < size_want:
            return _("the order of magnitude is too small")
    wrong = int(np.count_nonzero(~close))
    if wrong == want.size:
        return _("the values are not the expected ones, the order of magnitude is right")
    return _("{count} of {total} values are not the expected ones").format(
        count=wrong, total=want.size
    )


def _size(array: NDArray[Any]) -> float:
    import numpy as np

    # Zeros say nothing of a scale: an identity matrix is not "zero everywhere".
    values = np.abs(array[np.isfinite(array) & (array != 0)])
    return float(np.median(values)) if values.size else 0.0


def _shape(shape: tuple[int, ...]) -> str:
    if not shape:
        return _("() (a single number)")
    return str(shape)


def _is_table(value: Any) -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(value, pandas.Series | pandas.DataFrame | pandas.Index)


def _table_difference(actual: Any, expected: Any) -> str | None:
    """Say how what should be a table of pandas differs: labels, types, then content."""
    if type(actual) is not type(expected):
        return _("the result is of type {kind}, a {expected} is expected").format(
            kind=type_name(actual), expected=type_name(expected)
        )
    if actual.shape != expected.shape:
        return _("expected the shape {expected}, got {got}").format(
            expected=_shape(expected.shape), got=_shape(actual.shape)
        )
    if hasattr(expected, "columns") and not actual.columns.equals(expected.columns):
        return _("the columns are not the expected ones")
    if hasattr(expected, "index") and not actual.index.equals(expected.index):
        return _("the index is not the expected one")
    return None if actual.equals(expected) else _("the elements differ")


def plain_difference(
    actual: Any, expected: Any, *, rtol: float = 0.0, atol: float = 0.0
) -> str | None:
    """Say how two plain values differ under equality of kind and content, or None.

    Numbers compare by value (``1`` and ``1.0`` are the same, ``True`` and ``1`` are not);
    arrays by shape and elements; containers element by element; pandas' tables by their labels,
    types and elements.
    """
    import numpy as np

    if _is_table(expected):
        return _table_difference(actual, expected)

    if isinstance(expected, np.ndarray) or hasattr(expected, "requires_grad"):
        if as_array(expected) is not None:
            return difference(actual, expected, rtol=rtol, atol=atol)
        if not isinstance(actual, np.ndarray):
            return _("the result is of type {kind}, an array is expected").format(
                kind=type_name(actual)
            )
        if actual.shape != expected.shape:
            return _("expected the shape {expected}, got {got}").format(
                expected=_shape(expected.shape), got=_shape(actual.shape)
            )
        return None if bool((actual == expected).all()) else _("the elements differ")
    if isinstance(expected, bool | np.bool_):
        if not isinstance(actual, bool | np.bool_):
            return _("the result is of type {kind}, True or False is expected").format(
                kind=type_name(actual)
            )
        return None if bool(actual) == bool(expected) else _("the truth value is wrong")
    if isinstance(expected, numbers.Number):
        if isinstance(actual, bool | np.bool_) or not isinstance(actual, numbers.Number):
            return _("the result is of type {kind}, a number is expected").format(
                kind=type_name(actual)
            )
        return None if actual == expected else difference(actual, expected, rtol=rtol, atol=atol)
    if isinstance(expected, list | tuple):
        if not isinstance(actual, list | tuple):
            return _("the result is of type {kind}, a {expected} is expected").format(
                kind=type_name(actual), expected=type_name(expected)
            )
        if len(actual) != len(expected):
            return _("expected {expected} elements, got {got}").format(
                expected=len(expected), got=len(actual)
            )
        wrong = sum(
            plain_difference(a, e, rtol=rtol, atol=atol) is not None
            for a, e in zip(actual, expected, strict=True)
        )
        return (
            _("{count} of {total} elements are wrong").format(count=wrong, total=len(expected))
            if wrong
            else None
        )
    if isinstance(expected, dict):
        if not isinstance(actual, dict):
            return _("the result is of type {kind}, a dictionary is expected").format(
                kind=type_name(actual)
            )
        if set(actual) != set(expected):
            return _("the keys of the dictionary are not the expected ones")
        wrong = sum(
            plain_difference(actual[k], expected[k], rtol=rtol, atol=atol) is not None
            for k in expected
        )
        return (
            _("{count} of {total} elements are wrong").format(count=wrong, total=len(expected))
            if wrong
            else None
        )
    if type(actual) is not type(expected):
        return _("the result is of type {kind}, a {expected} is expected").format(
            kind=type_name(actual), expected=type_name(expected)
        )
    return None if actual == expected else _("the value is not the expected one")
