"""A mark that is contested: the submission graded again, and a log of who asked and what moved.

A submission is replayed with the seeds of the course's secret and the tests that are there now;
where something has changed since its mark was given, that is said. The log only grows
(:mod:`nbjudge.marking.chain`): what is asked for is in it before anything is stored, what came of
it afterwards.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from nbjudge import i18n
from nbjudge.assignment import Assignment
from nbjudge.course import Course
from nbjudge.errors import TeacherError, UnknownNameError
from nbjudge.gradebook import Part, Score, Standing, read_standings
from nbjudge.marking.chain import login_name, now, open_chain, read_chain
from nbjudge.marking.exact import written
from nbjudge.marking.handed import Tp, points_of, tp_of
from nbjudge.marking.sums import Points
from nbjudge.receipts import Receipt, read_receipt, verdicts_of
from nbjudge.result_key import CHANGED, Key, ground
from nbjudge.secret import course_secret
from nbjudge.submissions import Submission, read_submission, students_with
from nbjudge.verdict import Result

LOG = Path(".nbjudge") / "contestations.jsonl"
"""In the course's folder."""
_REASON = 2_000
"""Characters of a reason."""


@dataclass(frozen=True, kw_only=True)
class Regrade:
    """What grading a submission again came to."""

    tp: Tp
    before: Points
    after: Points
    changes: tuple[str, ...]
    """What is not as it was when the mark was given, part by part with digests; empty: nothing."""
    is_known: bool
    """Whether it is known what the mark was made from."""
    others_too: bool
    """Whether the change concerns the class, not this submission alone."""
    stored: bool
    statuses: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """By question: how its judging ended before, and now."""
    warnings: tuple[str, ...] = ()

    @property
    def moved(self) -> bool:
        """Whether a question, or the late penalty, has other points now."""
        return _points(self.before) != _points(self.after)


def regrade(
    course: Course, name: str, student: str, reason: str, *, dry_run: bool = False
) -> Regrade:
    """Grade a stored submission again, and keep the new marks; what persons gave stays.

    Parameters
    ----------
    course
        Where everything lies.
    name
        The assignment.
    student
        Whose submission.
    reason
        Why, for the log.
    dry_run
        Whether nothing is stored, and nothing logged.

    Raises
    ------
    UnknownNameError
        If there is no such submission, or it was never graded.
    TeacherError
        If there is no reason, or the log is not as it was written.
    NbJudgeError
        If it could not be graded; that is in the log, too.
    """
    reason = " ".join(reason.split())
    if not reason or len(reason) > _REASON:
        raise TeacherError(
            "Grading again: give a reason in a sentence, such as --reason 'question 3: mail of "
            "2 March'. It stands in the log."
        )
    i18n.use_language(course.settings.language)
    assignment = course.compile(name)
    tp = tp_of(assignment)
    submission = _submission(course, assignment, student)
    standing = _standing(course, name, student)
    if standing is None:
        raise UnknownNameError(
            f"Grading {name} of {student} again: it has no marks yet. Grade it: nbjudge grade "
            f"{name} --student {student}."
        )
    before = points_of(tp, student, standing)
    receipt = read_receipt(course.root, student, name)
    old_key = None if receipt is None else dict(receipt.key)
    key = ground(assignment, course.settings, course_secret(course.root)).key(submission)
    made = Regrade(
        tp=tp,
        before=before,
        after=before,
        changes=_changes(key, old_key),
        is_known=old_key is not None,
        others_too=old_key is not None and bool(set(_parts(key, old_key)) - {"upload"}),
        stored=not dry_run,
    )
    old_verdicts = {} if receipt is None else _by_question(tp, receipt.verdicts)
    if dry_run:
        results = _graded(course, assignment, submission)
        return replace(
            made,
            after=points_of(tp, student, _with_points(standing, results)),
            statuses=_statuses(old_verdicts, _by_question(tp, verdicts_of(results))),
        )
    with open_chain(course.root / LOG) as chain:
        asked = chain.append(
            {
                "event": "asked",
                "when": now(),
                "who": login_name(),
                "student": student,
                "assignment": name,
                "reason": reason,
                "before": _points(before),
                "key": old_key,
            }
        )
        answer = {"event": "answered", "to": asked["n"], "student": student, "assignment": name}
        try:
            receipt, warnings = _stored(course, name, student)
        except BaseException as error:
            chain.append({**answer, "when": now(), "error": str(error) or type(error).__name__})
            raise
        after = points_of(tp, student, _standing(course, name, student) or standing)
        chain.append(
            {
                **answer,
                "when": now(),
                "after": _points(after),
                "key": dict(receipt.key),
                "changes": list(made.changes),
            }
        )
    return replace(
        made,
        after=after,
        statuses=_statuses(old_verdicts, _by_question(tp, receipt.verdicts)),
        warnings=tuple(warnings),
    )


def _submission(course: Course, assignment: Assignment, student: str) -> Submission:
    submitted = course.folder("submitted")
    present = students_with(submitted, assignment.name)
    if student not in present:
        near = difflib.get_close_matches(student, present, n=3)
        hint = f" Near it are: {', '.join(near)}." if near else ""
        raise UnknownNameError(
            f"Grading {assignment.name} of {student} again: there is no folder {submitted}/"
            f"{student}/{assignment.name}.{hint}"
        )
    folder = submitted / student / assignment.name
    return read_submission(folder, student, assignment, course.settings.limits)


def _standing(course: Course, name: str, student: str) -> Standing | None:
    return read_standings(course.db_url, name).get(student)


def _stored(course: Course, name: str, student: str) -> tuple[Receipt, list[str]]:
    """Grade and store, as ``nbjudge grade --force`` does; return the receipt, and what was said."""
    from nbjudge.classroom import grade_class

    report = grade_class(course, name, students=[student], force=True)
    if student in report.failed:
        raise report.failed[student]
    return report.receipts[student], report.warnings


def _graded(course: Course, assignment: Assignment, submission: Submission) -> list[Result]:
    """Grade and store nothing."""
    from nbjudge.parallel import grade_many
    from nbjudge.proof import proved

    # A warm parent takes as long to start as one cold notebook.
    settings, secret = replace(course.settings, warm=False), course_secret(course.root)
    known = proved(course.root, assignment, course.settings, secret)
    (graded,) = grade_many([submission], known, settings, secret, workers=1)
    if graded.error is not None:
        raise graded.error
    return list(graded.results)


def _with_points(standing: Standing, results: Sequence[Result]) -> Standing:
    """Return a standing with the points of results, as storing them would leave it."""
    parts = dict(standing.parts)
    for result in results:
        part = parts.get(result.notebook, Part(penalty=None, scores={}))
        scores = dict(part.scores)
        for verdict in result.verdicts:
            old = scores.get(verdict.grade_id)
            by_hand = None if old is None else old.manual
            scores[verdict.grade_id] = Score(
                auto=verdict.points,
                manual=by_hand,
                extra=None if old is None else old.extra,
                max_score=verdict.max_points,
                needs_manual_grade=by_hand is not None or verdict.points is None,
            )
        parts[result.notebook] = replace(part, scores=scores)
    return replace(standing, parts=parts)


# What is kept and shown.


def _parts(key: Key, before: Mapping[str, str]) -> list[str]:
    return [name for name, digest in asdict(key).items() if before.get(name) != digest]


def _changes(key: Key, before: Mapping[str, str] | None) -> tuple[str, ...]:
    if before is None:
        return ()
    return tuple(
        f"{CHANGED[name]} ({before.get(name, 'none')[:8]} then, {getattr(key, name)[:8]} now)"
        for name in _parts(key, before)
    )


def _points(points: Points) -> dict[str, Any]:
    earned = {name: q.points + q.extra for name, q in points.questions.items()}
    total = sum(earned.values(), Fraction(0)) - points.penalty
    return {
        "questions": {name: written(value) for name, value in earned.items()},
        "penalty": written(points.penalty),
        "total": written(total),
    }


def _by_question(
    tp: Tp, verdicts: Mapping[str, Mapping[str, Sequence[Any]]]
) -> dict[str, Sequence[Any]]:
    several = any(":" in name for name in tp.questions)
    return {
        f"{notebook}:{cell}" if several else cell: verdict
        for notebook, cells in verdicts.items()
        for cell, verdict in cells.items()
    }


def _statuses(
    before: Mapping[str, Sequence[Any]], after: Mapping[str, Sequence[Any]]
) -> dict[str, tuple[str, str]]:
    return {
        name: (str(before.get(name, ("none",))[0]), str(verdict[0]))
        for name, verdict in after.items()
    }


def lines(made: Regrade) -> Iterator[str]:
    """Yield what a person is told of a regrade: what it was done with, old and new points."""
    if not made.is_known:
        yield (
            "It is not known what the mark was made from (it has no receipt): this is a grading "
            "with what is there now."
        )
    elif not made.changes:
        yield "A replay: the same submission, tests, seeds, settings, nbjudge and libraries."
    else:
        yield "No replay, but a grading with what is there now; since the mark was given:"
        yield from (f"  {change}" for change in made.changes)
    width = max(map(len, made.after.questions), default=0)
    for name, question in made.after.questions.items():
        old = made.before.questions.get(name)
        was = "none" if old is None else written(old.points + old.extra)
        now_ = written(question.points + question.extra)
        line = f"  {name:<{width}}  {was} -> {now_} / {written(question.maximum)}"
        if was != now_:
            line = f"* {line[2:]}"
        statuses = made.statuses.get(name)
        if statuses and statuses[0] != statuses[1]:
            line += f"  ({statuses[0]}, now {statuses[1]})"
        if question.by_hand:
            line += "  (by hand: kept, to be reviewed)"
        yield line
    before, after = _points(made.before), _points(made.after)
    yield f"  total{'':<{max(0, width - 5)}}  {before['total']} -> {after['total']}" + (
        f", late penalty {before['penalty']} -> {after['penalty']}"
        if before["penalty"] != "0" or after["penalty"] != "0"
        else ""
    )
    if not made.stored:
        yield "Nothing was stored (--dry-run)" + (
            "; the late penalty is computed when it is." if before["penalty"] != "0" else "."
        )
    if made.moved and made.is_known and not made.changes:
        yield (
            "look at: the same version gave other points: something in the answer or the test is "
            f"left to chance or to the machine (nbjudge flake {made.tp.name})."
        )
    if made.others_too and made.moved and made.stored:
        yield (
            "look at: the others have marks of before these changes: "
            f"nbjudge grade {made.tp.name} grades them with what is there now, too."
        )


def regrades_of(course: Course, student: str) -> list[dict[str, Any]]:
    """Return the regrades of a student, oldest first: when, who, reason, before, after, error.

    Raises
    ------
    TeacherError
        If the log is not as it was written.
    """
    entries = read_chain(course.root / LOG)
    answers = {entry["to"]: entry for entry in entries if entry["event"] == "answered"}
    return [
        {**entry, "after": None, "error": "", **answers.get(entry["n"], {}), **_asked(entry)}
        for entry in entries
        if entry["event"] == "asked" and entry["student"] == student
    ]


def _asked(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: entry[name] for name in ("when", "who", "reason", "before")}
