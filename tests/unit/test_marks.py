"""Marks per question, from the gradebook's rows to CSV."""

import csv
import io

import pytest

from nbjudge.assignment import Assignment, Kind, SourceCell, SourceNotebook
from nbjudge.marks import Row, columns, rows, to_csv


def cell(name, points, kind=Kind.TEST):
    return SourceCell(
        cell_id=name,
        kind=kind,
        cell_type="code",
        source="",
        release_source="",
        grade_id=name,
        points=points,
    )


def assignment(**notebooks):
    return Assignment(
        name="tp",
        notebooks=tuple(
            SourceNotebook(name=name, cells=tuple(cells)) for name, cells in notebooks.items()
        ),
    )


def score(points, *, by_hand=False):
    return {"score": points, "max_score": 9.0, "needs_manual_grade": by_hand}


ONE = assignment(n=[cell("a", 1), cell("free", 0, Kind.ANSWER), cell("b", 2.5, Kind.MANUAL)])
TWO = assignment(n=[cell("a", 1)], m=[cell("a", 3)])


def test_a_question_is_named_after_its_cell_or_its_notebook_too():
    assert columns(ONE) == {"a": 1, "b": 2.5}
    assert columns(TWO) == {"n:a": 1, "m:a": 3}


def test_points_are_those_of_the_gradebook():
    made = rows(
        TWO,
        {
            "zoe": {"n": {"a": score(0.5)}, "m": {"a": score(3)}},
            "ada": {"n": {"a": score(1)}},
        },
    )
    assert [(row.student, dict(row.points), row.total) for row in made] == [
        ("ada", {"n:a": 1.0, "m:a": 0.0}, 1.0),
        ("zoe", {"n:a": 0.5, "m:a": 3.0}, 3.5),
    ]


def test_a_late_penalty_is_taken_off_the_total():
    (row,) = rows(ONE, {"ada": {"n": {"a": score(1), "b": score(2), "": score(-0.5)}}})
    assert (row.total, row.penalty, dict(row.points)) == (2.5, 0.5, {"a": 1.0, "b": 2.0})


def test_extra_credit_of_a_text_that_is_worth_nothing_counts():
    (row,) = rows(ONE, {"ada": {"n": {"a": score(1), "free": score(0.25)}}})
    assert row.total == 1.25


@pytest.mark.parametrize("name", ["b", "free"])
def test_marks_are_provisional_while_a_person_has_something_to_do(name):
    scores = {"a": score(1), "b": score(None), "free": score(0.0)}
    scores[name] = score(0.0, by_hand=True)
    (row,) = rows(ONE, {"ada": {"n": scores}})
    assert row.provisional
    scores[name] = score(0.0)
    (row,) = rows(ONE, {"ada": {"n": scores}})
    assert not row.provisional


def test_the_csv_has_a_line_for_each_student_and_a_column_for_each_question():
    made = rows(
        ONE,
        {
            "ada, of London": {"n": {"a": score(1), "b": score(0.1 + 0.2), "": score(-0.1)}},
            "zoe": {"n": {"b": score(None, by_hand=True)}},
        },
    )
    assert to_csv(ONE, made).splitlines() == [
        "student,a,b,late_penalty,total,max,provisional",
        '"ada, of London",1,0.3,0.1,1.2,3.5,no',
        "zoe,0,0,0,0,3.5,yes",
    ]


def test_no_marks_are_a_header():
    assert to_csv(ONE, []) == "student,a,b,late_penalty,total,max,provisional\n"


@pytest.mark.parametrize(
    ("student", "written"),
    [
        ("=HYPERLINK(A1)", "'=HYPERLINK(A1)"),
        ("+1", "'+1"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\ufffd=1"),
        ("\n=1", "'\n=1"),
        ("ada", "ada"),
        ("a=b", "a=b"),
        ("12345", "12345"),
    ],
)
def test_no_students_name_is_a_formula_for_a_spreadsheet(student, written):
    row = Row(student=student, points={"a": -1.0, "b": 2.5}, total=1.5, penalty=0.0)

    lines = list(csv.reader(io.StringIO(to_csv(ONE, [row]), newline="")))

    # Numbers stay numbers.
    assert lines[1] == [written, "-1", "2.5", "0", "1.5", "3.5", "no"]


def test_no_questions_name_is_a_formula_for_a_spreadsheet():
    made = to_csv(assignment(n=[cell("=1+1", 1)]), [])

    assert made.splitlines()[0].split(",")[1] == "'=1+1"
