"""What a person should look at before marks leave the house."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nbjudge.marking.handed import Handed, nfc
from nbjudge.marking.roll import ROLL, Code, Roll, Student
from nbjudge.marking.rules import Rules


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something that a person should look at before marks leave the house."""

    kind: str
    """``unknown``, ``missing``, ``ungraded``, ``changed``, ``provisional``, ``contradiction`` or
    ``extension``."""
    students: tuple[str, ...]
    sentence: str
    """With what to do, without the students' names."""
    assignment: str = ""


def find_problems(
    rules: Rules,
    roll: Roll | None,
    known: Mapping[str, Student],
    unknown: Mapping[str, Student],
    handed: Sequence[Handed],
) -> list[Problem]:
    """Return what of a class needs a look.

    Parameters
    ----------
    rules, roll
        Of the course.
    known, unknown
        Students who are in the class, and who are not, by id.
    handed
        What there is of each TP.
    """
    everyone = {nfc(name) for one in handed for name in one.everyone}
    absent = [name for name in known if name not in everyone]
    found = [
        Problem(
            kind="unknown",
            students=(name,),
            sentence=f"not in {ROLL}, and handed in "
            f"{', '.join(one.tp.name for one in handed if name in map(nfc, one.everyone))}."
            f"{_whose(name, roll, absent)} Add a line to {ROLL}, or give the folder in submitted/ "
            "the name that is there.",
        )
        for name in unknown
    ]
    for one in handed:
        found += _of_one(rules, known, one)
    return found


def _whose(name: str, roll: Roll | None, absent: Sequence[str]) -> str:
    """Return whose folder it may be; those who handed in nothing come into question."""
    same = roll.by_number().get(name) if roll else None
    if same is not None:
        return f" It is the number of {same.id}."
    folded = {student.casefold(): student for student in absent}
    near = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.8)
    return f" Is it {folded[near[0]]}, who handed in nothing?" if near else ""


def _of_one(rules: Rules, known: Mapping[str, Student], one: Handed) -> list[Problem]:
    tp = one.tp.name
    graded = {nfc(name): standing for name, standing in one.standings.items()}
    submitted = set(map(nfc, one.submitted))
    codes = {name: student.codes.get(tp) for name, student in known.items()}
    missing = [n for n in known if n not in graded and n not in submitted and codes[n] is None]
    contradicted = [
        n for n in known if codes[n] in (Code.ABI, Code.ABJ) and (n in graded or n in submitted)
    ]
    late = [
        name
        for name, student in known.items()
        if name in graded
        and rules.late is None
        and any(part.penalty for part in graded[name].parts.values())
        and student.extension_for(tp).total_seconds() > graded[name].extension_seconds
    ]
    waiting = [
        name
        for name, standing in graded.items()
        if codes.get(name) is None
        and any(
            s.needs_manual_grade for part in standing.parts.values() for s in part.scores.values()
        )
    ]
    every = [
        ("missing", missing, f"handed in nothing: counts 0, unless {ROLL} has a code (column "
         f"« code {tp} »)."),
        ("ungraded", sorted(submitted - set(graded)), "handed in and not graded: counts 0 until "
         f"`nbjudge grade {tp}`."),
        ("provisional", sorted(waiting), "something is still to be graded or reviewed by hand in "
         "formgrader."),
        ("contradiction", contradicted, f"handed in, and {ROLL} has ABI or ABJ: the code counts."),
        ("extension", late, f"has a late penalty, and an extension in {ROLL} that the gradebook "
         f"has not: `nbjudge extensions {tp}`, then `nbjudge grade {tp}`."),
    ]  # fmt: skip
    for why in sorted(set(one.changed.values())):
        names = sorted(nfc(name) for name, said in one.changed.items() if said == why)
        every.append(
            ("changed", names, f"its marks are not those of now ({why}): `nbjudge grade {tp}`.")
        )
    found = [
        Problem(kind=kind, students=tuple(names), sentence=sentence, assignment=tp)
        for kind, names, sentence in every
        if names
    ]
    if one.unchecked:
        sentence = f"whether its marks are those of now was not found out: {one.unchecked}"
        found.append(Problem(kind="changed", students=(), sentence=sentence, assignment=tp))
    if missing and not graded and not submitted:
        sentence = (
            "nobody handed in. If it does not count yet, name the TPs that do: nbjudge marks TP TP."
        )
        found = [Problem(kind="missing", students=tuple(missing), sentence=sentence, assignment=tp)]
    return found
