"""What hidden tests import: reference, seeds, probes, partial credit, assertions.

Judged from outside (the default) these functions run in the judge process and a student can
reach none of them.  Under stock nbgrader, in ``inside`` mode or in otter the same names work
in the student's own process: convenient for writing a test, and no protection at all there.
"In-process" below means that second case.

Examples
--------
A hidden part of a test cell::

    from nbjudge.testing import assert_close, credit, reference, rng

    x = rng().normal(size=(7, 3))
    with credit(1, "la moyenne"):
        assert_close(mean(x), reference.mean(x), what="la moyenne")
    with credit(1, "la variance"):
        assert_close(variance(x), reference.variance(x), what="la variance")
"""

from __future__ import annotations

import hashlib
import math
import os
import secrets
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from nbjudge import statistical
from nbjudge.compare import Shape, as_array, difference, plain_difference, type_name
from nbjudge.errors import HiddenTestError
from nbjudge.i18n import capital
from nbjudge.i18n import gettext as _

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "CheckFailed",
    "assert_close",
    "assert_equal",
    "assert_finite",
    "assert_mean",
    "assert_proportion",
    "assert_raises",
    "assert_same_distribution",
    "assert_shape",
    "assert_true",
    "assert_variance",
    "credit",
    "probe",
    "reference",
    "rng",
    "sendable",
]

FALSE_ALARM = 1e-6
"""Default probability that a statistical assertion rejects a right answer."""

F = TypeVar("F", bound=Callable[..., Any])


class CheckFailed(AssertionError):
    """A check did not hold.

    Parameters
    ----------
    message
        For the student: what was checked and how the result differs in kind.
    detail
        For the instructor: values.
    """

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message, detail)
        self.message = message
        self.detail = detail

    def __str__(self) -> str:
        return self.message


class Backend(Protocol):
    """What stands behind these functions: the judge, or the process they run in."""

    def reference(self, name: str) -> Any:
        """Return the reference's value of a name."""

    def seed(self) -> bytes:
        """Return the seed of the question being judged."""

    def probe(self, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Run a probe beside the student's objects and return its measurements."""

    def classify(self, error: BaseException) -> tuple[str, str]:
        """Return (sentence for the student, detail) for what stopped a check."""

    def credit_failed(self, error: BaseException) -> bool:
        """Tell whether a failure in a credit block is recorded, and the cell goes on."""


class InProcess:
    """The backend under stock nbgrader, inside a kernel or in otter: no protection."""

    def reference(self, name: str) -> Any:
        """Look the name up in the reference that ``NBJUDGE_REFERENCE`` points to."""
        from nbjudge.world import load_reference

        path = os.environ.get("NBJUDGE_REFERENCE")
        if not path:
            raise HiddenTestError(
                f"A test asks for reference.{name}, but it runs in the student's process and the "
                "environment variable NBJUDGE_REFERENCE names no reference file: judge this cell "
                "from outside (nbjudge grade), or write one with `nbjudge reference TP FILE`."
            )
        return load_reference(path).get(name)

    def seed(self) -> bytes:
        """Take ``NBJUDGE_SEED`` where it is set, fresh entropy where not."""
        text = os.environ.get("NBJUDGE_SEED")
        return text.encode() if text else secrets.token_bytes(16)

    def probe(self, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Call the function."""
        return function(*args, **kwargs)

    def classify(self, error: BaseException) -> tuple[str, str]:
        """Say it as Python does."""
        return f"{type(error).__name__}: {error}", traceback.format_exc()

    def credit_failed(self, error: BaseException) -> bool:
        """Let the failure end the cell: stock nbgrader has no way to keep a share."""
        return False


backend: ContextVar[Backend] = ContextVar("nbjudge_backend")
_IN_PROCESS = InProcess()


def _backend() -> Backend:
    return backend.get(_IN_PROCESS)


class Reference:
    """The instructor's solutions by name: functions, classes and values of solution cells."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _backend().reference(name)

    def __repr__(self) -> str:
        return "<the reference solutions>"


reference = Reference()


def rng(*labels: str | int) -> np.random.Generator:
    """Return a new generator for this question, the same for the whole class.

    Its seed depends on the course secret, the assignment's version, the question and the
    labels; two calls with the same labels give the same numbers.

    Parameters
    ----------
    *labels
        Names of independent streams within one question.
    """
    import numpy as np

    digest = hashlib.sha256(_backend().seed() + repr(labels).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest))


def probe(function: F) -> F:
    """Mark a function to be run beside the student's objects; its *body* is sent there.

    It must import what it uses, can use none of the test's names, and returns plain
    measurements (numbers, arrays), never a verdict: what it returns is decided upon outside.
    """

    def run(*args: Any, **kwargs: Any) -> Any:
        return _backend().probe(function, args, kwargs)

    run.__name__ = function.__name__
    run.__doc__ = function.__doc__
    run.nbjudge_probe = function  # type: ignore[attr-defined]
    return run  # type: ignore[return-value]


def sendable(function: F) -> F:
    """Mark a function of the test that may be passed to the student's functions.

    Its source is sent and visible to the student's code: keep answers out of it.  It must
    import what it uses and can use none of the test's other names.
    """
    function.nbjudge_sendable = True  # type: ignore[attr-defined]
    return function


@dataclass
class Credit:
    """A share of the points, as the judge records it."""

    what: str
    max_points: float
    points: float = 0.0
    message: str = ""
    detail: str = ""
    false_alarm: float = 0.0
    """Declared by its statistical assertions, together."""
    is_open: bool = False
    """Whether its block has begun and not ended: what stopped the cell stopped it in there."""


class Ledger(list[Credit]):
    """The shares of one test cell, in order."""

    false_alarm = 0.0
    """Declared outside of all of them."""

    def declare(self, probability: float) -> None:
        """Note that an assertion rejects a right answer with at most this probability."""
        inside = [entry for entry in self if entry.is_open]
        (inside[-1] if inside else self).false_alarm += probability


ledger: ContextVar[Ledger] = ContextVar("nbjudge_ledger")


def _declare(probability: float) -> None:
    entries = ledger.get(None)
    if entries is not None:
        entries.declare(probability)


@contextmanager
def credit(points: float, what: str) -> Iterator[None]:
    """Give ``points`` if the block runs to its end; a failure inside loses only those.

    A cell that uses ``credit`` earns the sum of its blocks; their points must add up to the
    cell's.  A failure outside any block loses what has not been earned yet.  In-process a
    failure ends the cell: stock nbgrader keeps no share.

    Parameters
    ----------
    points
        What the block is worth, > 0.
    what
        A phrase for the student, in the course's language: "la moyenne".

    Raises
    ------
    HiddenTestError
        If ``points`` is not a positive number.
    """
    if not (isinstance(points, int | float) and math.isfinite(points) and points > 0):
        raise HiddenTestError(f"credit({points!r}, {what!r}): points must be a positive number.")
    entry = Credit(what=what, max_points=float(points), is_open=True)
    entries = ledger.get(None)
    if entries is not None:
        entries.append(entry)
    try:
        yield
    except BaseException as error:
        is_teachers = isinstance(error, HiddenTestError)
        if is_teachers or not is_failure(error) or not _backend().credit_failed(error):
            raise
        entry.message, entry.detail = _backend().classify(error)
    else:
        entry.points = entry.max_points
    entry.is_open = False


def is_failure(error: BaseException) -> bool:
    """Tell whether a test has failed: by an exception, or by one of pytest's outcomes."""
    if isinstance(error, Exception):
        return True
    return any(kind.__module__ == "_pytest.outcomes" for kind in type(error).__mro__)


def _fail(what: str, how: str, detail: str = "") -> None:
    raise CheckFailed(_("{what}: {how}.").format(what=capital(what), how=how), detail)


def _show(value: Any) -> str:
    try:
        text = repr(value)
    except ValueError as error:  # an integer of endless digits
        return f"<{type_name(value)}: {error}>"
    return text if len(text) <= 2000 else text[:2000] + " ..."


def assert_close(
    actual: Any,
    expected: Any,
    *,
    what: str,
    rtol: float = 1e-6,
    atol: float = 1e-9,
    shape: Shape = "exact",
) -> None:
    """Check that numbers agree: ``|actual - expected| <= atol + rtol |expected|`` everywhere.

    Parameters
    ----------
    actual, expected
        Numbers, arrays, tensors or nested lists of numbers.
    what
        The quantity, a phrase in the course's language, shown to the student.
    rtol, atol
        Relative and absolute tolerance.
    shape
        ``exact``; ``column``: (n,) and (n, 1) are the same; ``flat``: axes of length 1 do not
        matter; ``any``: only the number of elements does.  Nothing is ever broadcast.

    Raises
    ------
    CheckFailed
        With a sentence that says how the result differs in kind and gives no value.
    """
    how = difference(actual, expected, rtol=rtol, atol=atol, shape=shape)
    if how is not None:
        _fail(what, how, f"expected {_show(expected)}\ngot      {_show(actual)}")


def assert_equal(actual: Any, expected: Any, *, what: str) -> None:
    """Check that two plain values are equal, in kind and content.

    Raises
    ------
    CheckFailed
        With a sentence that says how the result differs in kind.
    """
    how = plain_difference(actual, expected)
    if how is not None:
        _fail(what, how, f"expected {_show(expected)}\ngot      {_show(actual)}")


def assert_shape(actual: Any, shape: tuple[int, ...], *, what: str) -> None:
    """Check the shape of an array, tensor or nested list.

    Raises
    ------
    CheckFailed
        Naming both shapes (what the question asks for is no secret).
    """
    array = as_array(actual)
    if actual is None:
        _fail(what, _("the result is None (is a return missing?)"))
    if array is None:
        _fail(what, _("the result is of type {kind}, not numbers").format(kind=type_name(actual)))
    elif array.shape != tuple(shape):
        _fail(
            what,
            _("expected the shape {expected}, got {got}").format(
                expected=tuple(shape), got=array.shape
            ),
        )


def assert_finite(actual: Any, *, what: str) -> None:
    """Check that a result is numeric and holds neither NaN nor infinity.

    Raises
    ------
    CheckFailed
        Saying which of them it holds.
    """
    import numpy as np

    array = as_array(actual)
    if array is None:
        _fail(what, _("the result is of type {kind}, not numbers").format(kind=type_name(actual)))
    elif np.isnan(array).any():
        _fail(what, _("the result contains NaN"), _show(actual))
    elif not np.isfinite(array).all():
        _fail(what, _("the result contains infinite values"), _show(actual))


def assert_true(condition: Any, message: str) -> None:
    """Check a condition decided by the test; ``message`` is shown to the student as it is.

    Raises
    ------
    CheckFailed
        With ``message``.
    HiddenTestError
        If ``condition`` is not a bool: an array or a method never called is true for ever.
    """
    import numpy as np

    if not isinstance(condition, bool | np.bool_):
        raise HiddenTestError(
            f"assert_true got a value of type {type(condition).__name__}, not a bool: "
            "write a comparison (x == y), .all() for an array, or call the method."
        )
    if not condition:
        raise CheckFailed(message)


def assert_raises(
    expected: type[Exception] | tuple[type[Exception], ...],
    function: Callable[..., Any],
    *args: Any,
    what: str,
    **kwargs: Any,
) -> None:
    """Check that a call raises an exception of the given class.

    Raises
    ------
    CheckFailed
        If it returns, or raises something else.
    """
    names = " / ".join(
        kind.__name__ for kind in (expected if isinstance(expected, tuple) else (expected,))
    )
    try:
        function(*args, **kwargs)
    except expected:
        return
    except HiddenTestError:
        raise
    except Exception as error:
        _fail(
            what,
            _("expected the exception {expected}, got {got}").format(
                expected=names, got=type_name(error)
            ),
        )
    _fail(what, _("expected the exception {expected}, none was raised").format(expected=names))


def _samples(samples: Any, what: str, n: int | None) -> NDArray[Any]:
    import numpy as np

    array = as_array(samples)
    if array is None:
        _fail(what, _("the result is of type {kind}, not numbers").format(kind=type_name(samples)))
        raise AssertionError  # not reached: _fail raises
    if array.ndim == 0 or array.size == 0:
        _fail(what, _("expected several samples, got the shape {got}").format(got=array.shape))
    if n is not None and array.shape[0] != n:
        _fail(
            what,
            _("expected the shape {expected}, got {got}").format(
                expected=(n, *array.shape[1:]), got=array.shape
            ),
        )
    if not np.isfinite(array).all():
        _fail(what, _("the samples contain NaN or infinite values"))
    return array.astype(float)


def assert_mean(
    samples: Any,
    mean: Any,
    *,
    what: str,
    sd: Any = None,
    bound: tuple[float, float] | None = None,
    n: int | None = None,
    false_alarm: float = FALSE_ALARM,
) -> None:
    """Check the mean of independent samples.

    Parameters
    ----------
    samples
        Shape (n, ...): n independent draws along the first axis.
    mean
        The mean they should have, shape (...).
    sd
        Known standard deviation of normal samples, shape (...) or a number: exact law.
    bound
        Or an interval that holds every sample: Hoeffding's inequality.
    n
        How many draws were asked for: any other number fails. Say it, or check the shape before:
        a single draw refutes nothing.
    false_alarm
        At most this probability of rejecting a right answer, over all components together.

    Raises
    ------
    CheckFailed
        If the mean is refuted.
    HiddenTestError
        If neither or both of ``sd`` and ``bound`` are given.
    """
    import numpy as np

    if (sd is None) == (bound is None):
        raise HiddenTestError("assert_mean takes either sd= (normal samples) or bound=(low, high).")
    _declare(false_alarm)
    array = _samples(samples, what, n)
    n, parts = array.shape[0], max(1, math.prod(array.shape[1:]))
    wanted = np.broadcast_to(np.asarray(mean, dtype=float), array.shape[1:])
    if bound is not None:
        low, high = bound
        if (array < low).any() or (array > high).any():
            _fail(what, _("samples lie outside the interval where they must be"))
        width: Any = statistical.bounded_mean_bound(low, high, n, false_alarm / parts)
    else:
        unit = statistical.gaussian_mean_bound(1.0, n, false_alarm / parts)
        width = unit * np.asarray(sd, dtype=float)
    with np.errstate(all="ignore"):
        off = np.abs(array.mean(axis=0) - wanted)
    # Not "off > width": the mean of huge values is NaN, which is greater than nothing.
    if not (off <= width).all():
        _fail(
            what,
            _("the mean over {n} samples is not the expected one").format(n=n),
            f"mean {_show(array.mean(axis=0))}, expected {_show(mean)} ± {_show(width)}",
        )


def assert_variance(
    samples: Any,
    variance: Any,
    *,
    mean: Any,
    what: str,
    n: int | None = None,
    false_alarm: float = FALSE_ALARM,
) -> None:
    """Check the variance of independent normal samples whose mean is known.

    Parameters
    ----------
    samples
        Shape (n, ...), n independent normal draws along the first axis.
    variance, mean
        What they should have, shape (...) or numbers.
    n
        How many draws were asked for: any other number fails. Say it, or check the shape before:
        a single draw refutes nothing.
    false_alarm
        At most this probability of rejecting a right answer, over all components together.

    Raises
    ------
    CheckFailed
        If the variance is refuted, saying in which direction.
    """
    import numpy as np

    _declare(false_alarm)
    array = _samples(samples, what, n)
    n, parts = array.shape[0], max(1, math.prod(array.shape[1:]))
    low, high = statistical.gaussian_variance_bounds(n, false_alarm / parts)
    with np.errstate(all="ignore"):
        squares = ((array - np.asarray(mean, dtype=float)) ** 2).mean(axis=0)
    ratio = squares / np.asarray(variance, dtype=float)
    detail = f"variance ratio {_show(ratio)}, accepted [{low:.4g}, {high:.4g}] (n = {n})"
    if not (ratio <= high).all():
        _fail(what, _("the variance over {n} samples is too large").format(n=n), detail)
    if (ratio < low).any():
        _fail(what, _("the variance over {n} samples is too small").format(n=n), detail)


def assert_proportion(
    successes: Any, trials: int, p: float, *, what: str, false_alarm: float = FALSE_ALARM
) -> None:
    """Check the number of successes in independent trials of probability ``p``.

    Raises
    ------
    CheckFailed
        If Bernoulli(p) is refuted.
    """
    _declare(false_alarm)
    count = as_array(successes)
    if count is None or count.ndim or not 0 <= int(count) <= trials:
        _fail(what, _("expected a number between 0 and {n}").format(n=trials))
        return
    if statistical.proportion_is_refuted(int(count), trials, p, false_alarm):
        _fail(
            what,
            _("the frequency over {n} draws is not the expected one").format(n=trials),
            f"{int(count)} of {trials}, expected probability {p}",
        )


def assert_same_distribution(
    samples: Any,
    other: Callable[[NDArray[Any]], Any] | Any,
    *,
    what: str,
    n: int | None = None,
    false_alarm: float = FALSE_ALARM,
) -> None:
    """Check that real samples follow a law, given by its cdf or by samples of it.

    Parameters
    ----------
    samples
        Shape (n,), independent draws.
    other
        The (continuous) cumulative distribution function, called on an array (n,), or an
        array (m,) of independent draws of the right law.
    n
        How many draws were asked for: any other number fails. Say it, or check the shape before:
        a single draw refutes nothing.
    false_alarm
        At most this probability of rejecting a right answer.

    Raises
    ------
    CheckFailed
        If the law is refuted.
    """
    import numpy as np

    _declare(false_alarm)
    x = np.sort(_samples(samples, what, n).reshape(-1))
    n = x.size
    if callable(other):
        with np.errstate(all="ignore"):
            f = np.asarray(other(x), dtype=float)
        distance = max(
            float((np.arange(1, n + 1) / n - f).max()), float((f - np.arange(n) / n).max())
        )
        limit = statistical.dkw_bound(n, false_alarm)
    else:
        y = np.sort(np.asarray(other, dtype=float).reshape(-1))
        both = np.concatenate([x, y])
        distance = float(
            np.abs(
                np.searchsorted(x, both, side="right") / n
                - np.searchsorted(y, both, side="right") / y.size
            ).max()
        )
        limit = statistical.dkw_bound(n, false_alarm / 2) + statistical.dkw_bound(
            y.size, false_alarm / 2
        )
    if not distance <= limit:  # NaN: a law's formula breaks far out
        _fail(
            what,
            _("the distribution over {n} samples is not the expected one").format(n=n),
            f"sup |F - G| = {distance:.4g}, accepted {limit:.4g}",
        )
