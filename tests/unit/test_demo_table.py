"""A sample class fits the screen; a broken promise is told; no folder is overwritten."""

import dataclasses
import io

import pytest
from rich.console import Console

from nbjudge.course import load_course
from nbjudge.demo import broken_promises, run_demo, submit
from nbjudge.errors import ConfigurationError, UnknownNameError
from nbjudge.marks import Line, Row, tables
from nbjudge.sample import Sample

MAXIMA = {f"test_q{part}_{number}": 1.5 for part in (1, 2) for number in ("1", "2a", "2b", "3")}
FULL = dict(MAXIMA)


def sample(name, group="right", **expected):
    return Sample(
        student=f"eleve-{name}", group=group, description="", expected={**FULL, **expected},
        data=b"{}", file="tp1.ipynb", files={"data.csv": b"1\n"},
    )  # fmt: skip


def row(name, **points):
    every = {**FULL, **points}
    return Row(student=f"eleve-{name}", points=every, total=sum(every.values()))


CLASS = [sample("juste"), sample("a-oublie-beta", "wrong"), sample("jamais-note", "wrong")]
LINES = [
    Line("juste", row("juste"), "right"),
    Line("a-oublie-beta", row("a-oublie-beta", test_q1_2b=0.25), "wrong"),
    Line("jamais-note", None, "wrong"),
]


def lines(width):
    screen = Console(width=width, file=io.StringIO(), highlight=False)
    made = tables(MAXIMA, LINES, width, "sample")
    for table in made:
        screen.print(table)
    return len(made), screen.file.getvalue().splitlines()


def test_a_wide_screen_shows_all_questions_in_one_table():
    count, text = lines(100)

    assert count == 1
    assert [line.split() for line in text] == [
        ["total", *["1.1", "1.2", "1.2", "1.3", "2.1", "2.2", "2.2", "2.3"]],
        ["a", "b", "a", "b"],
        ["sample", "12", *["1.5"] * 8],
        ["right"],
        ["juste", "12", *["·"] * 8],
        ["wrong"],
        ["a-oublie-beta", "10.75", "·", "·", "0.25", *["·"] * 5],
        ["jamais-note", "-"],
    ]


@pytest.mark.parametrize("width", [40, 50, 60, 80, 120])
def test_no_line_is_wider_than_the_screen(width):
    _count, text = lines(width)

    assert max(map(len, text)) <= width


def test_a_narrow_screen_shows_every_question_and_the_total_once():
    count, text = lines(44)

    headings = " ".join(line for line in text if line.split()[:1] == ["sample"])
    assert count > 1
    assert headings.split().count("1.5") == len(MAXIMA)
    assert headings.split().count("12") == 1


def test_no_table_is_lost_on_a_screen_too_narrow_for_one_question():
    count, _text = lines(5)

    assert count == len(MAXIMA)


def test_what_is_not_all_points_or_not_final_is_a_number():
    rows = [
        Row(student="a", points={"free": 0.0, "q": 3.0}, total=3.0, provisional=True),
        Row(student="b", points={"free": 1.0}, total=1.0),
    ]
    screen = Console(width=80, file=io.StringIO(), highlight=False)
    for table in tables({"free": 0.0, "q": 2.0}, [Line(r.student, r) for r in rows], 80):
        screen.print(table)

    assert [line.split() for line in screen.file.getvalue().splitlines()][-2:] == [
        ["a", "3", "*", "0", "3"],
        ["b", "1", "1", "0"],
    ]


def test_points_that_differ_are_told_by_question():
    one = sample("a-oublie-beta", test_q1_1=1.0)

    assert broken_promises(one, {one.student: dict(one.expected)}) == []
    assert broken_promises(one, {one.student: FULL}) == ["test_q1_1 1.5 instead of 1"]
    assert broken_promises(one, {one.student: {**one.expected, "test_q2_1": None}}) == [
        "test_q2_1 None instead of 1.5"
    ]
    assert broken_promises(one, {}) == ["not graded"]


@pytest.fixture
def course(tmp_path):
    (tmp_path / "nbgrader_config.py").write_text(
        "import nbjudge\nc = get_config()\nnbjudge.configure(c)\n", "utf-8"
    )
    (tmp_path / "source" / "tp1").mkdir(parents=True)
    (tmp_path / "source" / "tp1" / "tp1.ipynb").write_text("{}", "utf-8")
    return load_course(tmp_path)


def test_samples_are_handed_in_with_the_files_beside_them(course):
    submit(course, "tp1", CLASS[:1])

    folder = course.root / "submitted" / "eleve-juste" / "tp1"
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == {
        "tp1.ipynb": b"{}",
        "data.csv": b"1\n",
    }


def test_a_sample_may_have_files_in_a_folder_of_its_own(course):
    with_folder = dataclasses.replace(CLASS[0], files={"data/deep/x.npz": b"2\n"})

    submit(course, "tp1", [with_folder])

    folder = course.root / "submitted" / "eleve-juste" / "tp1"
    assert (folder / "data" / "deep" / "x.npz").read_bytes() == b"2\n"


def test_a_course_without_a_sample_class_is_told_where_it_would_be(course):
    with pytest.raises(ConfigurationError, match=r"no sample class in .*submissions"):
        run_demo(course, None)


def test_an_assignment_without_a_sample_class_is_named_with_those_that_have_one(course):
    (course.root / "tests" / "submissions" / "tp1").mkdir(parents=True)

    with pytest.raises(UnknownNameError, match=r"of tp2: .*There is one of: tp1\."):
        run_demo(course, None, ["tp2"])


def test_a_folder_of_somebody_elses_is_left_alone(course, tmp_path):
    (course.root / "tests" / "submissions" / "tp1").mkdir(parents=True)
    precious = tmp_path / "mine" / "thesis.tex"
    precious.parent.mkdir()
    precious.write_text("years of work", "utf-8")

    with pytest.raises(ConfigurationError, match=r"was not made by this command"):
        run_demo(course, precious.parent)
    assert precious.read_text("utf-8") == "years of work"
