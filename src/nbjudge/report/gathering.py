"""What is stored of a graded class, as far as a report needs it."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nbjudge.assignment import Assignment
from nbjudge.course import Course
from nbjudge.gradebook import Standing, read_standings
from nbjudge.i18n import gettext as _
from nbjudge.receipts import TO_LOOK_AT
from nbjudge.records import record_path
from nbjudge.submissions import students_with
from nbjudge.verdict import Status

Check = tuple[str, str, int]
"""A share of a question (:func:`nbjudge.testing.credit`): the question, what was checked, and which
of those of the same words."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What grading one notebook took."""

    seconds: float
    cpu_seconds: float
    memory_bytes: int
    restarts: int
    cells: Mapping[str, float]
    """Wall-clock seconds by cell."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One graded submission."""

    student: str
    scores: Mapping[str, float | None]
    """By question, what counts; None where a person is still to look."""
    checks: Mapping[Check, float]
    """Points of the checks, of questions whose points are those that the tests gave."""
    statuses: Mapping[str, str] = field(default_factory=dict)
    """By question, where there is a record."""
    messages: frozenset[tuple[str, str]] = frozenset()
    """Question and sentence, where points were lost."""
    forged: tuple[str, ...] = ()
    """Questions where what came out of the kernel was none of the agent's values."""
    log: tuple[str, ...] = ()
    costs: Mapping[str, Cost] = field(default_factory=dict)
    """By notebook."""

    @property
    def is_readable(self) -> bool:
        """Whether there was a notebook to judge."""
        return Status.UNREADABLE not in self.statuses.values()

    @property
    def total(self) -> float:
        """Points, before penalties; what waits for a person counts 0."""
        return sum(score or 0.0 for score in self.scores.values())


@dataclass(frozen=True, kw_only=True)
class Tp:
    """One assignment and its class."""

    assignment: Assignment
    maxima: Mapping[str, float]
    """By question."""
    seen: Sequence[Seen]
    """In the order of the students' ids."""
    missing: Sequence[str]
    """Students who handed in and of whom nothing is stored."""
    check_maxima: Mapping[Check, float]
    """In the order of the questions."""

    @property
    def judged(self) -> list[Seen]:
        """Submissions that could be read: the others say nothing of the questions."""
        return [one for one in self.seen if one.is_readable]


def gather(course: Course, assignment: Assignment) -> Tp:
    """Return what is stored of an assignment's class.

    Raises
    ------
    ConfigurationError
        If the gradebook cannot be read.
    """
    name = assignment.name
    several = len(assignment.notebooks) > 1
    maxima, places = {}, {}
    for notebook in assignment.notebooks:
        for cell in notebook.graded:
            key = f"{notebook.name}:{cell.grade_id}" if several else cell.grade_id or ""
            places[notebook.name, cell.grade_id or ""] = key
            if cell.points > 0:
                maxima[key] = cell.points
    standings = {
        student: standing
        for student, standing in sorted(read_standings(course.db_url, name).items())
        if student not in course.excluded
    }
    most: dict[Check, float] = {}
    seen = [
        _seen(course, assignment, student, standing, places, maxima, most)
        for student, standing in standings.items()
    ]
    submitted = students_with(course.folder("submitted"), name)
    order = list(maxima)
    return Tp(
        assignment=assignment,
        maxima=maxima,
        seen=seen,
        missing=[s for s in submitted if s not in standings and s not in course.excluded],
        check_maxima={
            check: most[check]
            for check in sorted(most, key=lambda check: order.index(check[0]))
            if most[check] > 0
        },
    )


def _seen(
    course: Course,
    assignment: Assignment,
    student: str,
    standing: Standing,
    places: Mapping[tuple[str, str], str],
    maxima: Mapping[str, float],
    most: dict[Check, float],
) -> Seen:
    scores: dict[str, float | None] = {}
    checks: dict[Check, float] = {}
    statuses: dict[str, str] = {}
    messages: set[tuple[str, str]] = set()
    forged: list[str] = []
    log: list[str] = []
    costs: dict[str, Cost] = {}
    for notebook in assignment.notebooks:
        part = standing.parts.get(notebook.name)
        for cell in notebook.graded:
            key = places[notebook.name, cell.grade_id or ""]
            score = part.scores.get(cell.grade_id or "") if part else None
            if key in maxima:
                waits = score is not None and score.needs_manual_grade
                scores[key] = None if waits else (score.score if score else 0.0)
        record = _record(course, student, assignment.name, notebook.name)
        if record is None:
            continue
        log += record["log"]
        costs[notebook.name] = _cost(record)
        for verdict in record["verdicts"]:
            question = places.get((notebook.name, verdict["grade_id"]))
            if question is None or question not in maxima:
                continue  # gone from source/ since
            statuses[question] = verdict["status"]
            messages |= {(question, text) for text in _sentences(verdict)}
            if any(_is_forged(one) for one in (verdict, *verdict["parts"])):
                forged.append(question)
            if scores[question] == verdict["points"]:
                _take_checks(question, verdict["parts"], checks, most)
    return Seen(
        student=student,
        scores=scores,
        checks=checks,
        statuses=statuses,
        messages=frozenset(messages),
        forged=tuple(forged),
        log=tuple(log),
        costs=costs,
    )


def _record(course: Course, student: str, assignment: str, notebook: str) -> dict[str, Any] | None:
    """Return the record of one notebook, None if there is none that can be read."""
    try:
        data = json.loads(record_path(course.root, student, assignment, notebook).read_bytes())
        return data if isinstance(data, dict) and "verdicts" in data else None
    except (OSError, ValueError):
        return None


def _cost(record: Mapping[str, Any]) -> Cost:
    cells: dict[str, float] = {}
    for timing in record["timings"]:
        cells[timing["name"]] = cells.get(timing["name"], 0.0) + float(timing["seconds"])
    return Cost(
        seconds=float(record["seconds"]),
        cpu_seconds=float(record["cpu_seconds"]) + float(record["judge_cpu_seconds"]),
        memory_bytes=int(record["memory_bytes"]),
        restarts=int(record["restarts"]),
        cells=cells,
    )


def _sentences(verdict: Mapping[str, Any]) -> set[str]:
    if verdict["status"] in (Status.UNREADABLE, Status.MANUAL):
        return set()  # said of the file, or of nobody's answer
    return {
        one["message"]
        for one in (verdict, *verdict["parts"])
        if one["message"] and one["points"] is not None and one["points"] < one["max_points"]
    }


def _is_forged(one: Mapping[str, Any]) -> bool:
    # What the judge says when a reply is not of the agent's format.
    sentence = _("{called} returned something that cannot be read.").format(called="\0")
    return re.fullmatch(re.escape(sentence).replace("\0", ".+"), one["message"]) is not None


def _take_checks(
    question: str,
    parts: Sequence[Mapping[str, Any]],
    checks: dict[Check, float],
    most: dict[Check, float],
) -> None:
    count: Counter[str] = Counter()
    for part in parts:
        check = (question, part["what"], count[part["what"]])
        count[part["what"]] += 1
        checks[check] = part["points"]
        most[check] = max(most.get(check, 0.0), part["max_points"])


def items_of(tp: Tp) -> dict[str, Any]:
    """Return the statistics of each question (:class:`nbjudge.report.items.Item`)."""
    from nbjudge.report.items import item

    found = {}
    for question, maximum in tp.maxima.items():
        rows = [(s, t) for one in tp.judged if (s := one.scores[question]) is not None
                for t in [one.total]]  # fmt: skip
        found[question] = item([s for s, _t in rows], [t for _s, t in rows], maximum)
    return found


def checks_of(tp: Tp) -> dict[Check, Any]:
    """Return the statistics of each check.

    Where a test stopped before a check, the check earned nothing; where a person has given other
    points for the question, its checks say nothing.
    """
    from nbjudge.report.items import item

    found = {}
    for check, maximum in tp.check_maxima.items():
        question = check[0]
        rows = [
            (one.checks.get(check, 0.0), one.total)
            for one in tp.judged
            if question in one.statuses and _is_tests_own(one, question)
        ]
        found[check] = item([p for p, _t in rows], [t for _p, t in rows], maximum)
    return found


def _is_tests_own(one: Seen, question: str) -> bool:
    score = one.scores[question]
    own = [points for check, points in one.checks.items() if check[0] == question]
    return score is not None and (bool(own) or score == 0)


@dataclass(frozen=True, kw_only=True)
class Said:
    """A sentence that submissions got."""

    text: str
    submissions: int
    questions: Sequence[tuple[str, int]]
    """With how many submissions it was said to there, most first."""


def sentences_of(tp: Tp, least: int) -> tuple[list[Said], int]:
    """Return the sentences by how many submissions got them, and how many others there are.

    Parameters
    ----------
    tp
        The class.
    least
        Submissions that must have got a sentence: what is said to one alone may quote it.
    """
    where: dict[str, Counter[str]] = defaultdict(Counter)
    who: Counter[str] = Counter()
    for one in tp.judged:
        for question, text in one.messages:
            where[text][question] += 1
        who.update({text for _question, text in one.messages})
    shown = [
        Said(text=text, submissions=count, questions=where[text].most_common())
        for text, count in sorted(who.items(), key=lambda pair: (-pair[1], pair[0]))
        if count >= least
    ]
    return shown, len(who) - len(shown)


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why a person should look at a submission."""

    rank: int
    """The lower, the sooner."""
    what: str
    questions: tuple[str, ...] = ()
    detail: tuple[str, ...] = ()
    """Lines that may quote what the student wrote."""


_STOPPED = {
    Status.UNREADABLE: (1, "the file could not be read"),
    Status.DIED: (2, "stopped the kernel"),
    Status.MEMORY: (3, "used more memory, or more processes, than allowed"),
    Status.TIMEOUT: (4, "did not end in time"),
}


def to_look_at(tp: Tp) -> dict[str, list[Reason]]:
    """Return, by student, why a person should look at the submission."""
    found: dict[str, list[Reason]] = {}
    for student in tp.missing:
        found[student] = [Reason(rank=0, what="handed in, and nothing of it is stored: not graded")]
    for one in tp.seen:
        reasons = []
        if not one.costs:
            reasons.append(Reason(rank=6, what="no record of how it was judged"))
        for status in TO_LOOK_AT:
            rank, what = _STOPPED[status]
            questions = tuple(q for q, s in one.statuses.items() if s == status)
            if questions:
                whole = status is Status.UNREADABLE
                reasons.append(Reason(rank=rank, what=what, questions=() if whole else questions))
        if one.forged:
            reasons.append(
                Reason(
                    rank=0,
                    what="something else than values came out of the kernel: tampering, or an "
                    "object that answers in place of its values",
                    questions=one.forged,
                )
            )
        restarts = sum(cost.restarts for cost in one.costs.values())
        if restarts:
            times = "once" if restarts == 1 else f"{restarts} times"
            reasons.append(Reason(rank=5, what=f"the kernel was replaced {times}"))
        if one.log:
            reasons.append(Reason(rank=5, what="noted while grading", detail=one.log))
        if reasons:
            found[one.student] = sorted(reasons, key=lambda reason: reason.rank)
    return found
