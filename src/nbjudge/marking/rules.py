"""``nbjudge.configure_marks(c)``: how points become marks, each rule in the open.

Numbers are taken as they are written: ``"0.30"`` is three tenths.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from nbjudge.due import deadlines_from
from nbjudge.errors import ConfigurationError
from nbjudge.marking.exact import FULL, parse, written

Number = str | int | float | Decimal | Fraction
"""Of an option; a float is what its digits say."""
SECTION = "NbJudgeMarks"
_PLUGIN = "nbgrader.plugins.LateSubmissionPlugin"
DAY_SECONDS = 86_400


@dataclass(frozen=True, kw_only=True)
class Late:
    """A late penalty that is computed here, for each day that has begun after the grace."""

    per_day: Fraction
    """Points on 20, or a share of the mark."""
    is_share: bool
    grace_seconds: int = 0
    """That of the course's deadlines."""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How the points of a class become its marks; made by :func:`rules_from`."""

    weights: Mapping[str, Fraction] | None = None
    """Of each TP; None: all the same."""
    tp_share: Fraction = Fraction("0.30")
    """Of the TP in the final mark; the rest is the exam's."""
    drop: int = 0
    """How many TPs are left out of the TP mark, those that lower it most."""
    bonus: Fraction | None = None
    """The most that extra credit adds to a TP, on 20; None: all of it counts."""
    bonus_above: bool = False
    """Whether it may lift a TP above 20."""
    step: Fraction = Fraction("0.25")
    """The final mark is a multiple of it; a half goes upwards."""
    abi_is_def: bool = False
    """Whether an absence without a reason (ABI) makes the final mark DEF; else it counts 0."""
    late: Late | None = None
    """None: late penalties are those of nbgrader's plug-in, as the gradebook has them."""

    @property
    def exam_share(self) -> Fraction:
        """Of the exam in the final mark."""
        return 1 - self.tp_share

    def weight(self, assignment: str) -> Fraction:
        """Return the weight of a TP."""
        return Fraction(1) if self.weights is None else self.weights[assignment]

    def to_json(self) -> dict[str, Any]:
        """Return the rules as they are kept with a frozen state."""
        weights = self.weights
        return {
            "weights": None if weights is None else {k: written(v) for k, v in weights.items()},
            "tp_share": written(self.tp_share),
            "drop": self.drop,
            "bonus": None if self.bonus is None else written(self.bonus),
            "bonus_above_20": self.bonus_above,
            "step": written(self.step),
            "abi": "DEF" if self.abi_is_def else "0",
            "late": "nbgrader's plug-in" if self.late is None else self.late_sentence(),
        }

    def late_sentence(self) -> str:
        """Return the rule for late submissions in some words."""
        if self.late is None:
            return "as nbgrader's plug-in gave it"
        per_day = (
            f"{written(self.late.per_day * 100)} % of the mark"
            if self.late.is_share
            else f"{written(self.late.per_day)} points on 20"
        )
        grace = f" after {self.late.grace_seconds // 60} min of grace"
        return f"{per_day} a day begun{grace if self.late.grace_seconds else ''}"


def configure_marks(
    c: Any,
    *,
    weights: Mapping[str, Number] | None = None,
    tp_share: Number = "0.30",
    drop: int = 0,
    bonus: Number | None = None,
    bonus_above_20: bool = False,
    step: Number = "0.25",
    abi: str = "0",
    late_per_day: Number | None = None,
) -> None:
    """Say how ``nbjudge marks`` computes; without this call it does as the defaults say.

    Parameters
    ----------
    c
        nbgrader's configuration: ``get_config()`` in ``nbgrader_config.py``.
    weights
        Of every TP by its name; 0 leaves one out. By default all the same.
    tp_share
        Of the TP mark in the final mark; the exam has the rest.
    drop
        Best-of: how many TPs are left out of a student's TP mark, those without which it is
        highest (with equal weights the lowest ones). One always counts.
    bonus
        The most that extra credit given in formgrader adds to a TP, in points on 20; by default
        all of it counts.
    bonus_above_20
        Whether it may lift a TP above 20, and so make up for another one. The final mark never
        is above 20.
    step
        The final mark is rounded to a multiple of it, upwards at the half.
    abi
        What an absence without a reason is: ``"0"``, or ``"DEF"`` for the final mark.
    late_per_day
        Penalty for each day that has begun: points on 20 (``"1"``), or a share of the mark
        (``"10%"``). The first day begins when the grace of ``nbjudge.configure_deadlines`` has
        passed. By default none is computed here: it is nbgrader's plug-in that gives them.

    Raises
    ------
    ConfigurationError
        Naming the option that is wrong.
    """
    said = {
        "weights": dict(weights) if isinstance(weights, Mapping) else weights,
        "tp_share": tp_share,
        "drop": drop,
        "bonus": bonus,
        "bonus_above_20": bonus_above_20,
        "step": step,
        "abi": abi,
        "late_per_day": late_per_day,
    }
    _rules(said)
    for name, value in said.items():
        setattr(c[SECTION], name, value)


def rules_from(config: Any) -> Rules:
    """Return the rules that :func:`configure_marks` wrote into a configuration.

    Raises
    ------
    ConfigurationError
        If an option was set to a wrong value afterwards, or two places give late penalties.
    """
    said = dict(config.get(SECTION, {}))
    rules = _rules(said)
    if rules.late is None:
        return rules
    plugin = config.get("AssignLatePenalties", {}).get("plugin_class", _PLUGIN)
    name = plugin if isinstance(plugin, str) else f"{plugin.__module__}.{plugin.__qualname__}"
    method = config.get("LateSubmissionPlugin", {}).get("penalty_method", "none")
    # nbgrader's own plug-in gives no penalty unless it is told to.
    if not name.endswith("LateSubmissionPlugin") or str(method) != "none":
        raise ConfigurationError(
            "nbgrader_config.py has two late penalties: late_per_day in nbjudge.configure_marks, "
            "and nbgrader's plug-in (c.AssignLatePenalties.plugin_class or "
            "c.LateSubmissionPlugin.penalty_method). A day would be paid for twice: remove one of "
            "them."
        )
    # One grace for all: what was collected as in time is not late here.
    grace = int(deadlines_from(config).grace.total_seconds())
    return replace(rules, late=replace(rules.late, grace_seconds=grace))


def _rules(said: dict[str, Any]) -> Rules:
    weights = said.get("weights")
    if weights is not None:
        if not isinstance(weights, Mapping) or not weights:
            raise _wrong("weights", weights, 'a mapping such as {"tp1": 1, "tp2": 2}')
        weights = {
            str(name): _number(f"weights[{name!r}]", value, 0, None)
            for name, value in weights.items()
        }
        if not any(weights.values()):
            raise _wrong("weights", said["weights"], "weights of which one at least is not 0")
    drop = said.get("drop", 0)
    if not isinstance(drop, int) or isinstance(drop, bool) or drop < 0:
        raise _wrong("drop", drop, "a number of TPs: 0, 1, 2, ...")
    step = _number("step", said.get("step", "0.25"), 0, FULL)
    if step == 0 or (FULL / step).denominator != 1:
        raise _wrong("step", said.get("step"), 'a part of 20, such as "0.25", "0.5" or "0.01"')
    abi = said.get("abi", "0")
    if abi not in ("0", "DEF"):
        raise _wrong("abi", abi, '"0" or "DEF"')
    above = said.get("bonus_above_20", False)
    if not isinstance(above, bool):
        raise _wrong("bonus_above_20", above, "True or False")
    bonus = said.get("bonus")
    return Rules(
        weights=weights,
        tp_share=_number("tp_share", said.get("tp_share", "0.30"), 0, 1),
        drop=drop,
        bonus=None if bonus is None else _number("bonus", bonus, 0, FULL),
        bonus_above=above,
        step=step,
        abi_is_def=abi == "DEF",
        late=_late(said.get("late_per_day")),
    )


def _late(per_day: Any) -> Late | None:
    if per_day is None:
        return None
    is_share = isinstance(per_day, str) and per_day.strip().endswith("%")
    amount = per_day.strip().removesuffix("%").strip() if is_share else per_day
    number = _number("late_per_day", amount, 0, 100 if is_share else FULL)
    return Late(per_day=number / 100 if is_share else number, is_share=is_share)


def _number(name: str, value: Any, least: int, most: int | Fraction | None) -> Fraction:
    try:
        if isinstance(value, bool):
            raise ValueError
        if isinstance(value, str):
            number = Fraction(value) if "/" in value else parse(value)
        else:
            number = Fraction(repr(value) if isinstance(value, float) else value)
    except (ValueError, TypeError, OverflowError, ZeroDivisionError):
        raise _wrong(name, value, 'a number, such as "0.30"') from None
    if number < least or (most is not None and number > most):
        upper = "" if most is None else f" and at most {most}"
        raise _wrong(name, value, f"at least {least}{upper}")
    return number


def _wrong(name: str, value: Any, expected: str) -> ConfigurationError:
    return ConfigurationError(
        f"nbjudge.configure_marks: {name} is {value!r}; it must be {expected}."
    )
