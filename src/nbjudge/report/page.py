"""The page: everything as words and numbers, for a template that only lays it out."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

from nbjudge import i18n
from nbjudge.assignment import Assignment
from nbjudge.course import Course
from nbjudge.errors import ConfigurationError
from nbjudge.inert import printable
from nbjudge.report import gathering
from nbjudge.report.chart import histogram
from nbjudge.report.gathering import Tp
from nbjudge.report.items import Item, Spread, spread
from nbjudge.report.pseudonyms import Pseudonyms, anonymous, named
from nbjudge.report.similar import Similar, boilerplate_of, read_answers, similar
from nbjudge.titles import titles

SENTENCES = 20
"""Shown of an assignment."""
SLOWEST = 10
LOOKED_AT = 300
"""Rows of those whom a person should look at; more are counted."""
_LONG = 400
"""Characters of a sentence."""
_ALONE = 2
"""Submissions that must have got a sentence for it to be on an anonymous page."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a report is asked for."""

    names: bool = False
    """Whether students are named."""
    compare: bool = True
    """Whether submissions are compared."""
    workers: int = 1


def report(
    course: Course,
    chosen: Sequence[str],
    options: Options,
    say: Callable[[str], None] = lambda _sentence: None,
    now: datetime | None = None,
) -> str:
    """Return the report of a class as one HTML page.

    Parameters
    ----------
    course
        Graded.
    chosen
        Names of assignments.
    options
        What it is asked for.
    say
        Told what is done, where it takes long.
    now
        When it is made.

    Raises
    ------
    TeacherError
        If there is no such assignment, or nothing of them is graded.
    """
    from nbjudge.marking.class_marks import class_marks
    from nbjudge.marking.roll import read_roll
    from nbjudge.secret import course_secret

    i18n.use_language(course.settings.language)
    assignments = [course.compile(name) for name in chosen]
    tps = []
    for assignment in assignments:
        say(f"{assignment.name}: reading what was judged")
        tps.append(gathering.gather(course, assignment))
    if not any(tp.seen for tp in tps):
        raise ConfigurationError(
            f"Making the report of {', '.join(chosen)}: nothing of it is graded. Grade it first: "
            f"nbjudge grade {chosen[0]}."
        )
    roll = read_roll(course.root)
    people = roll.students if roll else {}
    students = {s for tp in tps for s in (*(one.student for one in tp.seen), *tp.missing)}
    secret = course_secret(course.root)
    texts = (cell.source for a in assignments for n in a.notebooks for cell in n.cells)
    called = (
        named(students, people)
        if options.names
        else anonymous(secret, students, people.values(), texts)
    )
    marks = class_marks(course, chosen)
    everyone = [*marks.students, *marks.unknown]
    language = course.settings.language
    sections = []
    for number, tp in enumerate(tps, start=1):
        if not tp.seen and not tp.missing:
            continue
        name = tp.assignment.name
        on_20 = {
            unicodedata.normalize("NFC", one.student.id): float(mark.mark)
            for one in everyone
            if (mark := one.tps.get(name)) and mark.mark is not None and mark.points is not None
        }
        alike = Similar(unavailable="not asked for (--no-similar)")
        if options.compare:
            say(f"{name}: comparing answers")
            read = read_answers(
                course.folder("autograded"), [one.student for one in tp.seen], tp.assignment
            )
            alike = similar(
                list(read), boilerplate_of(tp.assignment.notebooks), workers=options.workers
            )
        sections.append(_section(number, tp, list(on_20.values()), alike, called))
    overall = [
        float(one.tp.mark)
        for one in everyone
        if one.tp.mark is not None and any(mark.points is not None for mark in one.tps.values())
    ]
    return _render(
        {
            "language": language,
            "course": course.course_id or course.root.name,
            "made": f"{now or datetime.now().astimezone():%Y-%m-%d %H:%M}",
            "names": options.names,
            "students": len(students),
            "overall": _distribution("overall", overall) if len(sections) > 1 else None,
            "weights": [(tp.name, f"{float(marks.rules.weight(tp.name)):g}") for tp in marks.tps],
            "sections": sections,
        }
    )


def _render(page: Mapping[str, Any]) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent.parent / "templates" / "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2").render(page)


def _section(
    number: int, tp: Tp, marks: Sequence[float], alike: Similar, called: Pseudonyms
) -> dict[str, Any]:
    shown = _names_of(tp.assignment)
    return {
        "id": f"tp-{number}",
        "name": tp.assignment.name,
        "submissions": len(tp.seen),
        "judged": len(tp.judged),
        "unread": len(tp.seen) - len(tp.judged),
        "missing": len(tp.missing),
        "waiting": sum(None in one.scores.values() for one in tp.seen),
        "distribution": _distribution(f"tp-{number}-marks", marks),
        "questions": [
            {"name": shown.get(q, q), "points": f"{tp.maxima[q]:g}", **_item(made)}
            for q, made in gathering.items_of(tp).items()
        ],
        "checks": [
            {
                "question": shown.get(check[0], check[0]),
                "what": _short(check[1]) + (f" ({check[2] + 1})" if check[2] else ""),
                "points": f"{tp.check_maxima[check]:g}",
                **_item(made),
            }
            for check, made in gathering.checks_of(tp).items()
        ],
        **_sentences(tp, shown, called),
        **_costs(tp, shown, called),
        **_looks(tp, shown, called),
        "similar": _similar(alike, tp.assignment, called),
    }


def _names_of(assignment: Assignment) -> dict[str, str]:
    """Return what questions are called, by their key in the marks: text, no Markdown."""
    several = len(assignment.notebooks) > 1
    found = {}
    for notebook in assignment.notebooks:
        known = titles(notebook)
        for cell in notebook.graded:
            key = f"{notebook.name}:{cell.grade_id}" if several else cell.grade_id or ""
            name = _unmarked(known[cell.cell_id].name) if cell.cell_id in known else key
            found[key] = f"{notebook.name}: {name}" if several else name
    return found


def _unmarked(markdown: str) -> str:
    return markdown.replace("*", "").replace("`", "").replace("$", "").strip()


def _short(text: str) -> str:
    """Return a sentence as a page may show it: no control characters, not too long."""
    return printable(text, _LONG)


# Marks.


def _distribution(name: str, marks: Sequence[float]) -> dict[str, Any]:
    found = spread(marks)
    return {
        "id": name,
        "count": len(marks),
        "chart": histogram(marks),
        "spread": None if found is None else _spread_words(found),
    }


def _spread_words(found: Spread) -> list[tuple[str, str]]:
    return [
        ("Students", str(found.count)),
        ("Mean", f"{found.mean:.2f}"),
        ("Standard deviation", f"{found.deviation:.2f}"),
        ("Lowest", f"{found.least:.2f}"),
        ("First quartile", f"{found.lower:.2f}"),
        ("Median", f"{found.median:.2f}"),
        ("Third quartile", f"{found.upper:.2f}"),
        ("Highest", f"{found.most:.2f}"),
    ]


# Questions.


def _item(made: Item) -> dict[str, Any]:
    interval = ""
    if made.low is not None and made.high is not None:
        interval = f"{_signed(made.low)} to {_signed(made.high)}"
    return {
        "count": made.count,
        "full": f"{100 * made.full:.0f} %" if made.count else "–",
        "mean": f"{100 * made.mean:.0f} %" if made.count else "–",
        "width": round(100 * made.mean),
        "discrimination": "–" if made.discrimination is None else _signed(made.discrimination),
        "interval": interval,
        "why": made.why,
        "remark": made.remark,
    }


def _signed(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


def _sentences(tp: Tp, shown: Mapping[str, str], called: Pseudonyms) -> dict[str, Any]:
    least = _ALONE if called.anonymous else 1
    found, alone = gathering.sentences_of(tp, least)
    return {
        "sentences": [
            {
                "text": _short(called.scrub(said.text)),
                "submissions": said.submissions,
                "questions": _listed([shown.get(q, q) for q, _count in said.questions]),
            }
            for said in found[:SENTENCES]
        ],
        "sentences_more": max(0, len(found) - SENTENCES),
        "sentences_alone": alone,
    }


def _listed(names: Sequence[str], most: int = 4) -> str:
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")


# Time and memory.


def _costs(tp: Tp, shown: Mapping[str, str], called: Pseudonyms) -> dict[str, Any]:
    rows = []
    for notebook in tp.assignment.notebooks:
        costs = [one.costs[notebook.name] for one in tp.judged if notebook.name in one.costs]
        if not costs:
            continue
        measures = (
            ("Time, seconds", [cost.seconds for cost in costs], "{:.1f}"),
            ("Processor time, seconds", [cost.cpu_seconds for cost in costs], "{:.1f}"),
            ("Memory, MiB", [cost.memory_bytes / 2**20 for cost in costs], "{:.0f}"),
        )
        for what, values, form in measures:
            found = spread(values)
            if found is not None:
                numbers = (found.median, found.high, found.most)
                rows.append((notebook.name, what, *(form.format(n) for n in numbers)))
    return {"costs": rows, "slowest": _slowest(tp, shown, called)}


def _slowest(tp: Tp, shown: Mapping[str, str], called: Pseudonyms) -> list[dict[str, Any]]:
    cells: dict[tuple[str, str], list[tuple[float, str]]] = {}
    for one in tp.judged:
        for notebook, cost in one.costs.items():
            for cell, seconds in cost.cells.items():
                cells.setdefault((notebook, cell), []).append((seconds, one.student))
    ordered = sorted(cells.items(), key=lambda pair: (-max(pair[1])[0], pair[0]))[:SLOWEST]
    several = len(tp.assignment.notebooks) > 1
    return [
        {
            # A cell that a student added has a number for a name.
            "cell": _short(f"{notebook}: {cell}" if several else cell),
            "question": shown.get(f"{notebook}:{cell}" if several else cell, ""),
            "count": len(times),
            "median": f"{median(seconds for seconds, _student in times):.2f}",
            "most": f"{max(times)[0]:.2f}",
            "student": called[max(times)[1]],
        }
        for (notebook, cell), times in ordered
    ]


# Who needs a look.


def _looks(tp: Tp, shown: Mapping[str, str], called: Pseudonyms) -> dict[str, Any]:
    found = gathering.to_look_at(tp)
    # Not in the order of the ids: it would tell something of them.
    ordered = sorted(found, key=lambda student: (found[student][0].rank, called[student]))
    return {
        "looks": [
            {
                "student": called[student],
                "reasons": [
                    {
                        "what": reason.what,
                        "questions": _listed([shown.get(q, q) for q in reason.questions], 6),
                        "detail": [_short(called.scrub(line)) for line in reason.detail],
                    }
                    for reason in found[student]
                ],
            }
            for student in ordered[:LOOKED_AT]
        ],
        "looks_more": max(0, len(found) - LOOKED_AT),
    }


# Similar submissions.


def _similar(alike: Similar, assignment: Assignment, called: Pseudonyms) -> dict[str, Any]:
    answers = _answers_of(assignment)
    return {
        "unavailable": alike.unavailable,
        "submissions": alike.submissions,
        "common": alike.common,
        "left_out": alike.left_out,
        "candidates": alike.candidates,
        "compared": alike.compared,
        "more": alike.more,
        "pairs": [
            {
                "first": _together(pair.first, called),
                "second": _together(pair.second, called),
                "shared": pair.shared,
                "shares": f"{100 * pair.share_first:.0f} %, {100 * pair.share_second:.0f} %"
                if pair.second
                else "100 %",
                "cells": _listed(list(dict.fromkeys(answers.get(c, c) for c in pair.cells))),
            }
            for pair in alike.pairs
        ],
    }


def _together(students: Iterable[str], called: Pseudonyms) -> str:
    return _listed(sorted(called[student] for student in students), 12)


def _answers_of(assignment: Assignment) -> dict[str, str]:
    """Return what answer cells are called."""
    found = {}
    for notebook in assignment.notebooks:
        known = titles(notebook)
        for cell in notebook.cells:
            if cell.is_students and cell.cell_id in known:
                found[cell.grade_id or cell.cell_id] = _unmarked(known[cell.cell_id].name)
    return found
