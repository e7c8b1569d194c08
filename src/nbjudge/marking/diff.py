"""Whose mark moved since a state was frozen, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from nbjudge.marking.exact import decimal
from nbjudge.result_key import CHANGED


@dataclass(frozen=True, kw_only=True)
class Move:
    """One mark of one student that is another now."""

    student: str
    name: str
    """Of the student, where the roll has it."""
    what: str
    """The TP, ``TP``, ``exam`` or ``final``."""
    old: str
    new: str
    why: tuple[str, ...] = field(default=())


def moves(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Move]:
    """Return every mark that differs between two documents (:mod:`nbjudge.marking.document`)."""
    found: list[Move] = []
    before, after = _everyone(old), _everyone(new)
    for name in [*after, *(name for name in before if name not in after)]:
        found += _moved(name, before.get(name), after.get(name), old, new)
    return found


def _everyone(document: Mapping[str, Any]) -> dict[str, Any]:
    return {**document["students"], **document["unknown"]}


def _place(student: str, document: Mapping[str, Any]) -> str:
    if student in document["students"]:
        return "in the class"
    return "not in the roll" if student in document["unknown"] else "not in the class"


def rules_changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return the rules that differ, each in some words."""
    before, after = old["rules"], new["rules"]
    return [
        f"the rule {name} was {before.get(name)} and is {after.get(name)}"
        for name in [*after, *(name for name in before if name not in after)]
        if before.get(name) != after.get(name)
    ]


def _moved(
    student: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
) -> Iterator[Move]:
    there = after or before or {}
    name = f"{there.get('first_name', '')} {there.get('name', '')}".strip()

    def move(what: str, one: str, other: str, why: list[str]) -> Move:
        return Move(student=student, name=name, what=what, old=one, new=other, why=tuple(why))

    was, is_now = _place(student, old), _place(student, new)
    if was != is_now:
        yield move("all", was, is_now, ["the roll or the submissions changed"])
    if before is None or after is None:
        return
    changed = []
    for tp in sorted({*before["tps"], *after["tps"]}):
        one, other = before["tps"].get(tp), after["tps"].get(tp)
        if _said(one) != _said(other):
            changed.append(tp)
            yield move(tp, _said(one), _said(other), _why_tp(tp, one, other, old, new))
    rules = rules_changed(old, new)
    if _said(before["tp"]) != _said(after["tp"]):
        yield move("TP", _said(before["tp"]), _said(after["tp"]), [*changed, *rules])
        changed = ["the TP mark"]
    if _said(before["exam"]) != _said(after["exam"]):
        again = ["a second session"] if after["first_exam"] and not before["first_exam"] else []
        yield move("exam", _said(before["exam"]), _said(after["exam"]), again)
        changed.append("the exam")
    if _said(before["final"]) != _said(after["final"]):
        yield move("final", _said(before["final"]), _said(after["final"]), [*changed, *rules])


def _said(mark: Mapping[str, Any] | None) -> str:
    """Return a mark and its code as they are compared and shown."""
    if mark is None:
        return "-"
    number = "" if mark["mark"] is None else decimal(Fraction(mark["mark"]), 4)
    return f"{number} {mark['code'] or ''}".strip() or "-"


def _why_tp(
    tp: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
) -> list[str]:
    if before is None or after is None:
        return ["it did not count before" if before is None else "it counts no more"]
    said = []
    if before["code"] != after["code"]:
        said.append(f"code {before['code'] or 'none'} to {after['code'] or 'none'}")
    if before["handed_in"] != after["handed_in"]:
        said.append("graded now" if after["handed_in"] else "its submission is gone")
    elif before["points"] and after["points"]:
        said += _questions(before["points"]["questions"], after["points"]["questions"])
    maxima = [document["assignments"][tp]["maximum"] for document in (old, new)]
    if maxima[0] != maxima[1]:
        said.append(f"the TP is on {maxima[1]} points, and was on {maxima[0]}")
    if before["late"] != after["late"]:
        said.append(f"late penalty {_short(before['late'])} to {_short(after['late'])} on 20")
    if before["bonus"] != after["bonus"]:
        said.append(f"bonus {_short(before['bonus'])} to {_short(after['bonus'])} on 20")
    keys = before["key"], after["key"]
    if keys[0] and keys[1]:
        said += [CHANGED[part] for part in CHANGED if keys[0].get(part) != keys[1].get(part)]
    return said or rules_changed(old, new)


def _questions(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for name in [*after, *(name for name in before if name not in after)]:
        one, other = before.get(name), after.get(name)
        if one is None or other is None:
            yield f"{name} is {'new' if one is None else 'gone'}"
            continue
        if one["points"] != other["points"]:
            hand = " by hand" if other["by_hand"] else ""
            yield f"{name}: {_short(one['points'])} to {_short(other['points'])}{hand}"
        if one["extra"] != other["extra"]:
            yield f"{name}: extra credit {_short(one['extra'])} to {_short(other['extra'])}"
        if one["maximum"] != other["maximum"]:
            yield f"{name}: on {_short(other['maximum'])}, was on {_short(one['maximum'])}"


def _short(text: str) -> str:
    return decimal(Fraction(text), 4)
