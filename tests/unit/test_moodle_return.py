"""Marks into the worksheet that was downloaded, feedback into a zip that Moodle takes."""

import csv
import io
import os
import re
import zipfile
from fractions import Fraction
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moodle_files import FR, LANGUAGES, make_course, worksheet
from nbjudge.course import load_course
from nbjudge.errors import ConfigurationError, TableError
from nbjudge.marking.problems import Problem
from nbjudge.marking.roll import Code, Student
from nbjudge.marking.rules import rules_from
from nbjudge.marking.sums import Points, Question, TpMark
from nbjudge.moodle import giveback
from nbjudge.moodle.giveback import Mark, fill, give_back
from nbjudge.moodle.ledger import Known, Ledger, write_ledger
from nbjudge.moodle.worksheet import read_worksheet

PARIS = ZoneInfo("Europe/Paris")


def half(**options):
    return Mark(share=Fraction(1, 2), **options)


def filled(tmp_path, data, marks, **options):
    path = tmp_path / "Notes.csv"
    path.write_bytes(data)
    sheet = read_worksheet(path, PARIS)
    students = {key: f"s{key}" for key in sheet.participants}
    return fill(sheet, students, {f"s{key}": mark for key, mark in marks.items()}, **options)


def cells(data, delimiter=","):
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig")), delimiter=delimiter))


@pytest.mark.parametrize(
    ("language", "maximum", "mark"),
    [
        ("fr", "20,00", "10,00"),
        ("en", "20.00", "10.00"),
        ("en", "100.00", "50.00"),
        ("fr", "20", "10"),
        ("en", "5", "2.5"),
        ("fr", "5", "2,5"),
    ],
)
def test_a_mark_is_scaled_and_written_as_the_sheet_writes_numbers(
    tmp_path, language, maximum, mark
):
    data = worksheet([{"id": 1, "name": "Zoé", "maximum": maximum}], language)
    changed, returned, sent = filled(tmp_path, data, {1: half()})
    assert cells(changed)[0][LANGUAGES[language]["grade"]] == mark
    assert (returned.filled, sent) == (1, ["1"])


def test_a_mark_is_rounded_once_upwards_at_the_half(tmp_path):
    data = worksheet([{"id": 1}, {"id": 2}, {"id": 3}], "fr")
    marks = {
        1: Mark(share=Fraction(2, 3)),
        2: Mark(share=Fraction("0.62525")),
        3: Mark(share=Fraction(0)),
    }
    changed, _returned, _sent = filled(tmp_path, data, marks)
    assert [row["Note"] for row in cells(changed)] == ["13,33", "12,51", "0,00"]


NAMES = st.text(
    st.characters(codec="utf-8", categories=["L", "Zs"], include_characters="'\",;_-\n"),
    max_size=15,
)


@settings(deadline=None)
@given(
    names=st.lists(NAMES, min_size=1, max_size=5),
    language=st.sampled_from(["en", "fr"]),
    delimiter=st.sampled_from([",", ";"]),
    bom=st.booleans(),
    newline=st.sampled_from(["\n", "\r\n"]),
    quote_all=st.booleans(),
    shares=st.lists(st.fractions(0, 1), min_size=5, max_size=5),
)
def test_every_other_cell_stays_byte_for_byte(
    tmp_path_factory, names, language, delimiter, bom, newline, quote_all, shares
):
    rows = [
        {"id": n, "name": name, "feedback": f'« {name} », "ok"'} for n, name in enumerate(names, 1)
    ]
    data = worksheet(
        rows, language, delimiter=delimiter, bom=bom, newline=newline, quote_all=quote_all
    )
    marks = {
        n: Mark(share=share) for n, share in zip(range(1, len(rows) + 1), shares, strict=False)
    }
    folder = tmp_path_factory.mktemp("sheet")
    changed, returned, _sent = filled(folder, data, marks)
    grade = LANGUAGES[language]["grade"]
    before, after = cells(data, delimiter), cells(changed, delimiter)
    for old, new in zip(before, after, strict=True):
        assert old.pop(grade) == ""
        assert new.pop(grade) != ""
        assert old == new
    assert returned.filled == len(rows)
    # Emptied again, it is the file that was downloaded (but for quotes that a comma needed).
    (folder / "Filled.csv").write_bytes(changed)
    again = read_worksheet(folder / "Filled.csv", PARIS)
    emptied = again.sheet.write({again.cell(p, "grade"): "" for p in again.participants.values()})
    assert emptied.replace(b'""', b"") == data.replace(b'""', b"")


def test_filling_twice_is_filling_once(tmp_path):
    data = worksheet([{"id": 1}, {"id": 2}], "fr")
    once, _returned, _sent = filled(tmp_path, data, {1: half(), 2: half()})
    twice, returned, sent = filled(tmp_path, once, {1: half(), 2: half()})
    assert twice == once
    assert (returned.filled, returned.unchanged, sent) == (0, 2, ["1", "2"])


def test_the_same_number_written_otherwise_is_the_same_mark(tmp_path):
    data = worksheet([{"id": 1, "grade": "10"}], "fr")
    changed, returned, _sent = filled(tmp_path, data, {1: half()})
    assert (changed, returned.unchanged) == (data, 1)


def test_another_mark_is_left_and_listed_unless_asked(tmp_path):
    data = worksheet([{"id": 1, "name": "Zoé", "grade": "12,00"}], "fr")
    changed, returned, _sent = filled(tmp_path, data, {1: half()})
    assert changed == data
    assert returned.differing == ["Zoé (1): has 12,00, would get 10,00"]
    changed, returned, _sent = filled(tmp_path, data, {1: half()}, overwrite=True)
    assert cells(changed)[0]["Note"] == "10,00"
    assert returned.overwritten == ["Zoé (1): had 12,00, has 10,00"]


def test_a_dash_is_no_mark(tmp_path):
    data = worksheet([{"id": 1, "grade": "-"}], "en")
    changed, returned, _sent = filled(tmp_path, data, {1: half()})
    assert cells(changed)[0]["Grade"] == "50.00"
    assert returned.differing == []


def test_a_provisional_mark_is_held_back_unless_asked(tmp_path):
    data = worksheet([{"id": 1, "name": "Zoé"}], "fr")
    held = {1: half(is_held=True, why="something is still to be graded")}
    changed, returned, sent = filled(tmp_path, data, held)
    assert (changed, sent) == (data, [])
    assert returned.held == ["Zoé (1): something is still to be graded"]
    changed, _returned, sent = filled(tmp_path, data, held, provisional=True)
    assert (cells(changed)[0]["Note"], sent) == ("10,00", ["1"])


def test_who_has_no_mark_keeps_the_cell_as_it_is(tmp_path):
    data = worksheet([{"id": 1, "name": "Zoé"}, {"id": 2, "name": "Ana", "grade": "7,00"}], "fr")
    absent = Mark(share=None, why="has the code ABJ in students.csv")
    changed, returned, sent = filled(tmp_path, data, {1: absent, 2: absent})
    assert (changed, sent) == (data, [])
    assert returned.unmarked[0] == "Zoé (1) (has the code ABJ in students.csv)"
    assert "7,00 in the worksheet; left as it is" in returned.notes[0]


def test_a_locked_grade_is_left_and_listed(tmp_path):
    data = worksheet([{"id": 1, "name": "Zoé", "changeable": "Non"}], "fr")
    changed, returned, _sent = filled(tmp_path, data, {1: half()})
    assert changed == data
    assert "cannot be changed" in returned.notes[0]


def test_more_than_the_maximum_is_the_maximum_and_said(tmp_path):
    data = worksheet([{"id": 1, "name": "Zoé"}], "fr")
    changed, returned, _sent = filled(tmp_path, data, {1: Mark(share=Fraction(21, 20))})
    assert cells(changed)[0]["Note"] == "20,00"
    assert returned.notes == [
        "Zoé (1): earned 21, and Moodle takes 20,00 at most; that was written."
    ]


def test_marks_of_who_is_not_in_the_worksheet_are_listed(tmp_path):
    data = worksheet([{"id": 1}], "fr")
    _changed, returned, _sent = filled(tmp_path, data, {1: half(), 9: half()})
    assert returned.elsewhere == ["s9"]


@pytest.mark.parametrize(
    ("rows", "columns", "said"),
    [
        ([{"id": 1, "maximum": "0"}], None, "'0'; expected a number above 0"),
        ([{"id": 1, "maximum": "Vu,Bien"}], None, "'Vu,Bien'; expected a number"),
        ([{"id": 1}], ["id", "name", "grade", "graded"], "there is no column « Note maximale »"),
    ],
)
def test_a_maximum_that_is_no_number_is_refused(tmp_path, rows, columns, said):
    with pytest.raises(TableError, match=said):
        filled(tmp_path, worksheet(rows, "fr", columns=columns), {1: half()})


def test_a_scale_of_words_is_said(tmp_path):
    data = worksheet([{"id": 1}], "fr").replace(b"Note maximale", "Barème".encode())
    with pytest.raises(TableError, match="but one called « Barème »"):
        filled(tmp_path, data, {1: half()})


# The whole, with a course; its marks are given.


def known(**students):
    return {
        key.removeprefix("p"): Known(student=student, by="number")
        for key, student in students.items()
    }


@pytest.fixture
def course(tmp_path, monkeypatch):
    root = make_course(tmp_path / "course")
    write_ledger(root, "tp1", Ledger(participants=known(p1="zoe", p2="bob", p3="ana")))
    marks = {"zoe": half(), "bob": Mark(share=Fraction(1)), "ana": half(is_held=True, why="wait")}
    monkeypatch.setattr(giveback, "marks_of", lambda _course, _assignment: dict(marks))
    for student in marks:
        page = root / "feedback" / student / "tp1" / "tp1.html"
        page.parent.mkdir(parents=True)
        page.write_text(f"<p>{student}</p>")
    return root


def download(root, rows, language="fr", **options):
    path = root / "Notes-TP1-77.csv"
    path.write_bytes(worksheet(rows, language, **options))
    return path


PEOPLE = [
    {"id": 1, "name": "Zoé_d'Été: 1/2"},
    {"id": 2, "name": "Bob"},
    {"id": 3, "name": "Ana"},
    {"id": 4, "name": "Eve"},
]


def moodles_own_reading(name):
    """Return participant and file of an entry, as Moodle's import takes its name apart."""
    parts = name.split("/")
    while parts:
        info = parts.pop(0).split("_", 4)
        if len(info) < 4 or not info[1].isdigit():
            continue
        if info[2:4] not in (["assignfeedback", "file"], ["assignsubmission", "file"]):
            continue
        return info[1], "/".join([info[4] if len(info) > 4 else "", *parts])
    return None


def test_worksheet_and_feedback_come_out_together(course):
    done = give_back(load_course(course), "tp1", download(course, PEOPLE), course / "dist")
    assert done.worksheet == course / "dist" / "Notes-TP1-77.csv"
    rows = cells(done.worksheet.read_bytes())
    assert [row["Note"] for row in rows] == ["10,00", "20,00", "", ""]
    with zipfile.ZipFile(*done.feedback) as archive:
        found = {moodles_own_reading(name): archive.read(name) for name in archive.namelist()}
    assert found == {("1", "tp1.html"): b"<p>zoe</p>", ("2", "tp1.html"): b"<p>bob</p>"}
    assert done.pages == 2
    assert (done.held, done.unmarked) == (["Ana (3): wait"], ["Eve (4)"])
    assert done.worksheet.stat().st_mode & 0o077 == done.feedback[0].stat().st_mode & 0o077 == 0


def test_several_pages_of_a_student_all_go(course):
    (course / "feedback/zoe/tp1/my_part_2.html").write_text("2")
    (course / "feedback/zoe/tp1/.hidden.html").write_text("no")
    done = give_back(load_course(course), "tp1", download(course, PEOPLE[:1]), course / "dist")
    with zipfile.ZipFile(*done.feedback) as archive:
        read = {moodles_own_reading(name) for name in archive.namelist()}
    assert read == {("1", "tp1.html"), ("1", "my_part_2.html")}


def test_feedback_that_is_too_large_makes_several_zips_and_no_old_one_stays(course):
    path = download(course, PEOPLE)
    for student in ("zoe", "bob"):
        (course / f"feedback/{student}/tp1/tp1.html").write_bytes(os.urandom(3000))
    give_back(load_course(course), "tp1", path, course / "dist")
    (course / "dist" / "tp1-feedback-3.zip").write_text("of a run before")
    done = give_back(load_course(course), "tp1", path, course / "dist", most_bytes=4000)
    assert [file.name for file in done.feedback] == ["tp1-feedback-1.zip", "tp1-feedback-2.zip"]
    assert sorted(os.listdir(course / "dist")) == [
        "Notes-TP1-77.csv",
        "tp1-feedback-1.zip",
        "tp1-feedback-2.zip",
    ]
    assert all(file.stat().st_size <= 4000 for file in done.feedback)
    names = [name for file in done.feedback for name in zipfile.ZipFile(file).namelist()]
    assert [moodles_own_reading(name)[0] for name in names] == ["1", "2"]


def test_a_blind_worksheet_is_filled_by_what_was_collected(course):
    columns = [column for column in FR if column not in ("name", "email", "number", "group")]
    path = download(course, [{"id": 2}, {"id": 1}], columns=columns)
    done = give_back(load_course(course), "tp1", path, course / "dist")
    assert [row["Note"] for row in cells(done.worksheet.read_bytes())] == ["20,00", "10,00"]
    with zipfile.ZipFile(*done.feedback) as archive:
        assert all(re.match(r"Participant_[12]_", name) for name in archive.namelist())


def test_a_page_older_than_the_grading_is_not_sent(course):
    graded = course / "autograded" / "zoe" / "tp1" / "tp1.ipynb"
    graded.parent.mkdir(parents=True)
    graded.write_text("{}")
    page = course / "feedback" / "zoe" / "tp1" / "tp1.html"
    os.utime(page, (1, 1))
    done = give_back(load_course(course), "tp1", download(course, PEOPLE[:1]), course / "dist")
    assert done.feedback == ()
    assert "nbjudge feedback tp1" in done.notes[0]
    assert sorted(os.listdir(course / "dist")) == ["Notes-TP1-77.csv"]


def test_points_given_by_hand_after_the_feedback_are_a_note(course):
    (course / "gradebook.db").write_bytes(b"")
    path = download(course, PEOPLE[:1])
    page = course / "feedback" / "zoe" / "tp1" / "tp1.html"
    os.utime(course / "gradebook.db", (1000, 1000))
    os.utime(page, (2000, 2000))
    assert give_back(load_course(course), "tp1", path, course / "dist").notes == []
    os.utime(course / "gradebook.db", (3000, 3000))
    done = give_back(load_course(course), "tp1", path, course / "dist")
    assert done.pages == 1
    assert "The gradebook was changed after the feedback" in done.notes[0]


def test_the_downloaded_file_is_never_written_over(course):
    path = download(course, PEOPLE)
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match="would take its place"):
        give_back(load_course(course), "tp1", path, course)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("ids", "said"),
    [((11, 12), "it is the worksheet of tp2"), ((91, 92), "it is not the worksheet of tp1")],
)
def test_another_assignments_worksheet_is_refused(course, ids, said):
    write_ledger(course, "tp2", Ledger(participants=known(p11="zoe", p12="bob")))
    path = download(course, [{"id": n, "name": f"N {n}"} for n in ids])
    with pytest.raises(TableError, match=said):
        give_back(load_course(course), "tp1", path, course / "dist")
    assert not (course / "dist").exists()


def test_without_a_ledger_the_roll_says_who_is_who(course):
    (course / ".nbjudge" / "moodle" / "tp1.json").unlink()
    (course / "students.csv").write_text("id;numéro\nzoe;042\nbob;043\n", "utf-8")
    rows = [{"id": 5, "name": "X", "number": "043"}, {"id": 6, "name": "Y", "number": "042"}]
    done = give_back(load_course(course), "tp1", download(course, rows), course / "dist")
    assert [row["Note"] for row in cells(done.worksheet.read_bytes())] == ["20,00", "10,00"]
    assert done.elsewhere == ["ana"]


def test_what_is_no_mark_or_no_final_one_says_why(course, monkeypatch):
    monkeypatch.undo()
    (course / "nbgrader_config.py").write_text(
        (course / "nbgrader_config.py").read_text()
        + 'nbjudge.configure_marks(c, weights={"tp1": 0, "tp2": 1})\n'
    )
    points = Points(questions={})

    def of(student, **options):
        mark = TpMark(assignment="tp1", maximum=Fraction(8), **options)
        return SimpleNamespace(student=Student(id=student), tps={"tp1": mark})

    waiting = Points(
        questions={"q": Question(points=Fraction(0), maximum=Fraction(1), waiting=True)}
    )

    def class_marks(read, names):
        assert rules_from(read.config).weights is None  # a TP without weight has a mark as well
        assert names == ["tp1"]
        return SimpleNamespace(
            students=[
                of("zoe", mark=Fraction(15), points=points),
                of("abj", mark=None, code=Code.ABJ),
                of("abi", mark=Fraction(0), code=Code.ABI),
                of("absent", mark=Fraction(0)),
                of("waiting", mark=Fraction(3), points=waiting),
                of("stale", mark=Fraction(4), points=points),
            ],
            unknown=[of("eve", mark=Fraction(20), points=points)],
            problems=[
                Problem(kind="missing", students=("zoe",), sentence="no"),
                Problem(kind="changed", students=("stale",), sentence="grade again"),
            ],
        )

    monkeypatch.setattr("nbjudge.marking.class_marks.class_marks", class_marks)
    found = giveback.marks_of(load_course(course), "tp1")
    assert {name: mark.share for name, mark in found.items() if mark.share is not None} == {
        "zoe": Fraction(3, 4),
        "waiting": Fraction(3, 20),
        "stale": Fraction(1, 5),
        "eve": Fraction(1),
    }
    assert [name for name, mark in found.items() if mark.is_held] == ["waiting", "stale"]
    assert found["stale"].why == "grade again"
    assert found["abi"].why == "has the code ABI in students.csv"
