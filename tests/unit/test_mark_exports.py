"""Marks as CSV and Excel: numbers are numbers, texts are texts."""

import csv
import io
from dataclasses import replace

import pytest
from marked_course import MarkedCourse
from openpyxl import load_workbook

from nbjudge.marking.class_marks import class_marks
from nbjudge.marking.export import to_csv, to_xlsx
from nbjudge.marking.problems import Problem

ROLL = (
    "id;nom;prénom;numéro;groupe;code tp2;code exam\n"
    "ada;=1+1;+Éva;007;-A;ABJ;\n"
    "bob;@cmd;Bob;008;B;ABI;DEF\n"
)


@pytest.fixture(scope="module")
def marks(tmp_path_factory):
    made = MarkedCourse(
        tmp_path_factory.mktemp("class") / "course",
        {"tp1": {"q1": 3}, "tp2": {"q1": 1, "essay": 1}},
    )
    made.grade("tp1", {"ada": {"q1": 1}, "bob": {"q1": 3}})
    made.roll(ROLL)
    exam = made.table("exam.csv", "id;note\nada;12,5\n")
    return class_marks(made.course, exam=exam)


HEADER = [
    "id", "number", "name", "first name", "group", "tp1", "tp1 (code)", "tp2", "tp2 (code)",
    "TP", "TP (code)", "exam", "exam (code)", "final", "final (code)", "provisional",
]  # fmt: skip


def test_the_plain_table_is_what_every_program_reads(marks):
    data = to_csv(marks)
    header, ada, bob = csv.reader(io.StringIO(data.decode("utf-8")))
    assert header == HEADER
    assert ada == [
        "ada", "007", "'=1+1", "'+Éva", "'-A", "6.6667", "", "", "ABJ",
        "6.6667", "", "12.5", "", "10.75", "", "no",
    ]  # fmt: skip
    assert bob[1:5] == ["008", "'@cmd", "Bob", "B"]
    assert bob[5:] == ["20", "", "0", "ABI", "10", "", "", "DEF", "", "DEF", "no"]


def test_the_french_table_is_what_french_spreadsheets_read(marks):
    data = to_csv(marks, french=True)
    assert data.startswith(b"\xef\xbb\xbf")
    header, ada, _bob = csv.reader(io.StringIO(data.decode("utf-8-sig")), delimiter=";")
    assert header[:5] == ["identifiant", "numéro", "nom", "prénom", "groupe"]
    assert header[-4:] == ["examen (code)", "note finale", "note finale (code)", "provisoire"]
    assert ada[5:] == ["6,6667", "", "", "ABJ", "6,6667", "", "12,5", "", "10,75", "", "non"]
    assert ada[2] == "'=1+1"


@pytest.mark.parametrize("first", list("=+-@\t\r"))
def test_no_text_is_a_formula(marks, first):
    student = replace(marks.students[0].student, name=f"{first}cmd|' /C calc'!A0")
    hostile = replace(marks, students=(replace(marks.students[0], student=student),))
    for french in (False, True):
        table = io.StringIO(to_csv(hostile, french=french).decode("utf-8-sig"), newline="")
        _header, row = csv.reader(table, delimiter=";" if french else ",")
        assert row[2].startswith("'")
    sheet = load_workbook(io.BytesIO(to_xlsx(hostile))).worksheets[0]
    assert sheet.cell(row=2, column=3).data_type == "s"


def test_the_workbook_has_numbers_for_marks_and_texts_for_names(marks):
    book = load_workbook(io.BytesIO(to_xlsx(marks)))
    sheet = book.worksheets[0]
    rows = {row[0].value: row for row in sheet.iter_rows(min_row=2)}
    assert [cell.value for cell in sheet[1]] == HEADER
    ada = rows["ada"]
    assert [(ada[n].value, ada[n].data_type) for n in (1, 2, 5, 11, 13)] == [
        ("007", "s"), ("=1+1", "s"), (6.6667, "n"), (12.5, "n"), (10.75, "n"),
    ]  # fmt: skip
    assert (ada[7].value, ada[8].value) == (None, "ABJ")
    assert (rows["bob"][13].value, rows["bob"][14].value) == (None, "DEF")


def test_the_workbook_says_what_to_look_at(marks):
    assert marks.problems == ()
    look = Problem(kind="missing", students=("ada", "bob"), sentence="=handed in", assignment="tp1")
    book = load_workbook(io.BytesIO(to_xlsx(replace(marks, problems=(look,)), french=True)))
    sheet = book["À regarder"]
    assert [cell.value for cell in sheet[1]] == ["tp1", "ada, bob", "=handed in"]
    assert {cell.data_type for cell in sheet[1]} == {"s"}
