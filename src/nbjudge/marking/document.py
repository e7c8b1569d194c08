"""The marks of a class as plain data: what ``--json`` writes and what is frozen.

Numbers are texts and exact, ``"12.25"`` or ``"37/3"``: Python's ``Fraction`` reads both. E-mail
addresses are not in it.
"""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import nbjudge
from nbjudge.marking.class_marks import ClassMarks, Exams, StudentMarks
from nbjudge.marking.exact import written
from nbjudge.marking.roll import Code
from nbjudge.marking.sums import ExamMark, Points, TpMark

FORMAT = 1


def to_document(marks: ClassMarks) -> dict[str, Any]:
    """Return the marks of a class as plain JSON data."""
    return {
        "format": FORMAT,
        "nbjudge": nbjudge.__version__,
        "course": marks.course_id,
        "rules": marks.rules.to_json(),
        "assignments": {
            tp.name: {
                "version": tp.version,
                "maximum": written(tp.maximum),
                "questions": {name: written(value) for name, value in tp.questions.items()},
            }
            for tp in marks.tps
        },
        "roll": marks.has_roll,
        "exam": marks.has_exam,
        "second_session": marks.has_second_session,
        "students": {one.student.id: _student(one) for one in marks.students},
        "unknown": {one.student.id: _student(one) for one in marks.unknown},
        "problems": [
            {
                "kind": problem.kind,
                "assignment": problem.assignment,
                "students": list(problem.students),
                "sentence": problem.sentence,
            }
            for problem in marks.problems
        ],
    }


def to_text(document: dict[str, Any]) -> str:
    """Return a document as the text of a file."""
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def exams_of(document: dict[str, Any]) -> Exams | None:
    """Return the marks of exams that a document holds; None if it holds none."""
    if not document["exam"]:
        return None
    first, second = {}, {}
    for name, student in document["students"].items():
        if student["exam"] is None:
            continue
        if student["first_exam"] is None:
            first[name] = _read_exam(student["exam"])
        else:
            first[name] = _read_exam(student["first_exam"])
            second[name] = _read_exam(student["exam"])
    return Exams(first=first, second=second)


def _student(marks: StudentMarks) -> dict[str, Any]:
    student, tp, final = marks.student, marks.tp, marks.final
    return {
        "number": student.number,
        "name": student.name,
        "first_name": student.first_name,
        "group": student.group,
        "provisional": marks.provisional,
        "tps": {name: _tp(one, marks.keys.get(name)) for name, one in marks.tps.items()},
        "tp": {
            "mark": _number(tp.mark),
            "code": tp.code,
            "counted": {name: written(weight) for name, weight in tp.counted.items()},
            "dropped": list(tp.dropped),
            "excused": list(tp.excused),
        },
        "exam": _exam(marks.exam),
        "first_exam": _exam(marks.first_exam),
        "final": None
        if final is None
        else {
            "mark": _number(final.mark),
            "code": final.code,
            "exact": _number(final.exact),
            "tp_share": written(final.tp_share),
            "exam_share": written(final.exam_share),
        },
    }


def _tp(mark: TpMark, key: Any) -> dict[str, Any]:
    return {
        "mark": _number(mark.mark),
        "code": mark.code,
        "handed_in": mark.points is not None,
        "provisional": mark.provisional,
        "base": written(mark.base),
        "bonus": written(mark.bonus),
        "late": written(mark.late),
        "days_late": mark.days_late,
        "key": None if key is None else dict(key),
        "points": None if mark.points is None else _points(mark.points),
    }


def _points(points: Points) -> dict[str, Any]:
    return {
        "penalty": written(points.penalty),
        "seconds_late": written(points.seconds_late),
        "questions": {
            name: {
                "points": written(question.points),
                "extra": written(question.extra),
                "maximum": written(question.maximum),
                "by_hand": question.by_hand,
                "waiting": question.waiting,
            }
            for name, question in points.questions.items()
        },
    }


def _exam(exam: ExamMark | None) -> dict[str, Any] | None:
    return None if exam is None else {"mark": _number(exam.mark), "code": exam.code}


def _read_exam(data: dict[str, Any]) -> ExamMark:
    return ExamMark(
        mark=None if data["mark"] is None else Fraction(data["mark"]),
        code=None if data["code"] is None else Code(data["code"]),
    )


def _number(value: Fraction | None) -> str | None:
    return None if value is None else written(value)
