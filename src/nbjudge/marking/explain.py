"""Every number in the sum of one student's mark, for a person who asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from nbjudge.marking.class_marks import ClassMarks, StudentMarks
from nbjudge.marking.exact import FULL, said, written
from nbjudge.marking.roll import ROLL, Code
from nbjudge.marking.rules import Rules
from nbjudge.marking.sums import Points, TpMark


def explained(
    marks: ClassMarks, one: StudentMarks, regrades: Sequence[Mapping[str, Any]] = ()
) -> Iterator[str]:
    """Yield the lines that explain a student's marks.

    Parameters
    ----------
    marks
        Of the class.
    one
        The student's.
    regrades
        What the log of contestations has of the student (:mod:`nbjudge.marking.contestation`).
    """
    student = one.student
    facts = [] if student.full_name == student.id else [student.full_name]
    facts += [f"number {student.number}"] if student.number else []
    facts += [f"group {student.group}"] if student.group else []
    yield f"{student.id}" + (f" ({', '.join(facts)})" if facts else "")
    for tp in marks.tps:
        yield from _tp(marks.rules, one.tps[tp.name], regrades)
    yield from _average(marks.rules, one)
    if one.final is not None:
        yield from _final(marks.rules, one)
    elif not marks.has_exam:
        yield "final mark: none without the exam: nbjudge marks --exam exam.csv"
    for problem in marks.problems:
        if student.id in problem.students:
            where = f"{problem.assignment}: " if problem.assignment else ""
            yield f"look at: {where}{problem.sentence}"


def _tp(rules: Rules, mark: TpMark, regrades: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    shown = "no number" if mark.mark is None else f"{said(mark.mark)} on 20"
    star = " * provisional" if mark.provisional else ""
    yield f"{mark.assignment}: {shown}{star}"
    if rules.weight(mark.assignment) == 0:
        yield "  weighs 0: it does not count"
    if mark.code is not None:
        yield f"  code {mark.code} in {ROLL}: {_meaning(mark.code, rules)}"
    elif mark.points is None:
        yield "  nothing was handed in, or it is not graded: 0"
    if mark.points is not None:
        yield from _questions(mark.points, counts=mark.code is None)
    if mark.points is not None and mark.code is None:
        yield from _on_20(rules, mark, mark.points)
    for entry in regrades:
        if entry["assignment"] == mark.assignment:
            who = f"{entry['when']} by {entry['who']}"
            yield f"  regraded {who} ({entry['reason']}): {_moved(entry)}"


def _meaning(code: Code, rules: Rules) -> str:
    if code is Code.ABI:
        return "absent, counts as DEF" if rules.abi_is_def else "absent, counts 0"
    if code is Code.ABJ:
        return "absent with a reason, its weight is the others'"
    return "no final mark can be given"


def _questions(points: Points, *, counts: bool) -> Iterator[str]:
    if not counts:
        yield "  (handed in all the same; these points do not count:)"
    width = max(map(len, points.questions), default=0)
    for name, question in points.questions.items():
        line = f"  {name:<{width}}  {written(question.points)} / {written(question.maximum)}"
        if question.extra:
            line += f", extra credit {written(question.extra)}"
        if question.by_hand:
            line += ", by hand"
        if question.waiting:
            line += ", still to be graded or reviewed"
        yield line


def _on_20(rules: Rules, mark: TpMark, points: Points) -> Iterator[str]:
    earned = sum((q.points for q in points.questions.values()), Fraction(0))
    extra = sum((q.extra for q in points.questions.values()), Fraction(0))
    scale = f"× 20 / {written(mark.maximum)}"
    yield f"  points: {written(earned)} of {written(mark.maximum)}; {scale} = {said(mark.base)}"
    total = said(mark.base)
    if extra:
        capped = "" if rules.bonus is None else f", at most {written(rules.bonus)}"
        yield f"  extra credit: {written(extra)} {scale}{capped} = {said(mark.bonus)}"
        total += f" + {said(mark.bonus)}"
    if rules.late is not None and points.seconds_late:
        hours = written(Fraction(round(points.seconds_late / 360), 10))
        yield (
            f"  late: {hours} h, {mark.days_late} days begun, {rules.late_sentence()}: "
            f"- {said(mark.late)}"
        )
    elif points.penalty:
        yield (
            f"  late penalty of nbgrader's plug-in: {written(points.penalty)} {scale} = "
            f"{said(mark.late)}"
        )
    if mark.late:
        total += f" - {said(mark.late)}"
    if mark.mark is not None and (mark.bonus or mark.late):
        exact = mark.base + mark.bonus - mark.late
        bound = (
            ""
            if exact == mark.mark
            else f" = {said(exact)}, kept between 0 and "
            + (written(FULL + mark.bonus) if rules.bonus_above else "20")
        )
        yield f"  {total}{bound} = {said(mark.mark)}"


def _moved(entry: Mapping[str, Any]) -> str:
    if entry["after"] is None:
        return f"not graded: {entry['error'] or 'it did not come to its end'}"
    before, after = entry["before"]["total"], entry["after"]["total"]
    changed = [
        f"{name} {_points(entry['before']['questions'].get(name))} to {_points(value)}"
        for name, value in entry["after"]["questions"].items()
        if value != entry["before"]["questions"].get(name)
    ]
    return f"{before} to {after} points" + (f" ({', '.join(changed)})" if changed else "")


def _points(value: str | None) -> str:
    return "none" if value is None else value


def _average(rules: Rules, one: StudentMarks) -> Iterator[str]:
    tp = one.tp
    for name in tp.dropped:
        yield f"TP mark: {name} is left out (best-of: drop={rules.drop})"
    for name in tp.excused:
        yield f"TP mark: {name} is left out (ABJ), its weight is the others'"
    if tp.mark is None:
        why = "every TP is excused (ABJ)" if tp.code is Code.ABJ else _defaulting(rules, one)
        yield f"TP mark: none, {tp.code}: {why}"
        return
    terms = []
    for name, weight in tp.counted.items():
        value = _factor(one.tps[name].mark or Fraction(0))
        terms.append(value if weight == 1 else f"{written(weight)} × {value}")
    total = sum(tp.counted.values(), Fraction(0))
    yield f"TP mark: ({' + '.join(terms)}) / {written(total)} = {said(tp.mark)}"


def _defaulting(rules: Rules, one: StudentMarks) -> str:
    codes = [
        f"{name} has {mark.code}"
        for name, mark in one.tps.items()
        if mark.mark is None and mark.code is not Code.ABJ and rules.weight(name)
    ]
    return ", ".join(codes)


def _factor(value: Fraction) -> str:
    text = written(value)
    return f"({text})" if "/" in text else text


def _final(rules: Rules, one: StudentMarks) -> Iterator[str]:
    exam, final = one.exam, one.final
    if exam is None or final is None:
        return
    if one.first_exam is not None:
        first = one.first_exam
        was = first.code or written(first.mark or Fraction(0))
        yield f"exam: the second session takes the place of the first ({was})"
    if exam.code is None:
        yield f"exam: {written(exam.mark or Fraction(0))}"
    else:
        yield f"exam: {exam.code}, {_meaning(exam.code, rules)}"
    if final.mark is None or final.exact is None:
        why = (
            "the TP and the exam are excused"
            if final.code is Code.ABJ
            else "DEF in one of its parts leaves no final mark"
        )
        yield f"final mark: none, {final.code}: {why}"
        return
    if final.tp_share == 0 and rules.tp_share:
        yield "every TP is excused: all the weight is the exam's"
    if final.exam_share == 0 and rules.exam_share:
        yield "the exam is excused: all the weight is the TP's"
    terms = []
    if final.tp_share:
        terms.append(f"{written(final.tp_share)} × {_factor(one.tp.mark or Fraction(0))}")
    if final.exam_share:
        terms.append(f"{written(final.exam_share)} × {_factor(final.exam_mark or Fraction(0))}")
    yield f"final mark: {' + '.join(terms)} = {said(final.exact)}"
    yield (
        f"  rounded once, to {written(rules.step)}, upwards at the half: {written(final.mark)}"
        + (f" ({exam.code} in the exam)" if exam.code else "")
    )
