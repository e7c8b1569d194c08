"""``nbgrader generate_feedback`` on a graded course: every sentence, and nothing that is hidden."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import small_course as sc
from bs4 import BeautifulSoup

from nbjudge.classroom import grade_class
from nbjudge.errors import ConfigurationError
from nbjudge.feedback import write_feedback
from nbjudge.produce import write_folder

pytestmark = pytest.mark.slow

SECRET = "the-secret-comment"
VALUE = "271828.1828"
TEST_GREET = sc.TEST_GREET.replace("### END", f"# {SECRET}\n### END")
WRONG_GREET = """\
import numpy
numpy.linalg.inv([[0.0]])

def greet(name):
    return name"""
CELLS = [
    sc.text("# Formes planes\n\nLisez bien."),
    sc.given("import numpy as np\n\nfrom helper import PI"),
    sc.text("## Question 1 ★ (2 points)\N{NO-BREAK SPACE}: l'aire d'un disque\n\nSoit $r > 0$."),
    sc.answer("area", sc.AREA),
    sc.check(
        "test_area",
        f"""\
assert area(1) > 3, "l'aire du disque unité dépasse 3"
### BEGIN HIDDEN TESTS
# {SECRET}
from nbjudge.testing import assert_close, credit, reference

with credit(0.5, "un petit disque"):
    assert_close(area(2), reference.area(2), what="l'aire d'un petit disque")
with credit(1.5, "un grand disque"):
    assert_close(area({VALUE}), reference.area({VALUE}), what="l'aire d'un grand disque")
### END HIDDEN TESTS""",
        2,
    ),
    sc.text("## Question 2 (2 points)\n\n**a. Saluer** (1 point)."),
    sc.answer("greet", sc.GREET),
    sc.check("test_greet", TEST_GREET, 1),
    sc.text("**b. Expliquer** (1 point)."),
    sc.written("essay", "### BEGIN SOLUTION\nLa réponse modèle.\n### END SOLUTION", 1),
    sc.task("project", "Dessinez.\n\n### BEGIN MARK SCHEME\nbareme-secret\n### END MARK SCHEME", 1),
]  # fmt: skip

ANSWERS = {
    "right": {"area": "def area(r):\n    return PI * r * r", "essay": "Parce que $r^2$.",
              "greet": "def greet(name):\n    return f'Hello {name}'"},
    "wrong": {"area": "def area(r):\n    return PI * min(r, 100.0) ** 2",
              "essay": "<script>alert(1)</script> *peut-être*",
              "greet": WRONG_GREET},
    "none": {},
}  # fmt: skip


def sources() -> dict[str, list[sc.Cell]]:
    return {"formes": CELLS}


def make(root: Path, language: str) -> sc.SmallCourse:
    made = sc.make_course(root, options=f"language={language!r},", notebooks=sources())
    (root / "source" / sc.NAME / "helper.py").write_text(sc.HELPER, "utf-8")
    for student, answers in ANSWERS.items():
        made.submit(student, {"formes": answers})
    (root / "submitted" / "lost").mkdir()
    (root / "submitted" / "lost" / sc.NAME).mkdir()
    (root / "submitted" / "lost" / sc.NAME / "formes.ipynb").write_bytes(b"%PDF-1.4")
    report = grade_class(made.course, sc.NAME)
    assert report.failed == {}
    return made


@pytest.fixture(scope="module", params=["fr", "en"])
def graded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, sc.SmallCourse]]:
    made = make(tmp_path_factory.mktemp("feedback") / "course", request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made.root)
        assert write_feedback(made.course, sc.NAME) == made.root / "feedback"
        yield request.param, made


def page_of(made: sc.SmallCourse, student: str) -> str:
    return (made.root / "feedback" / student / sc.NAME / "formes.html").read_text("utf-8")


def rows_of(html: str) -> dict[str, list[str]]:
    """The table: by question its points and what is said of it."""
    shown = BeautifulSoup(html, "html.parser")
    rows = {}
    for row in shown.select(".marks tbody tr"):
        if row.a is None:  # the penalty
            continue
        for unseen in row.select(".hidden, [aria-hidden]"):
            unseen.decompose()
        points = row.select_one(".points").get_text(strip=True)
        said = [p.get_text(" ", strip=True) for p in row.select(".reason p, .reason li")]
        rows[row.th.a.get_text(strip=True)] = [points.replace("\xa0", " "), *said]
    return rows


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


SAID = {
    "fr": {
        "right": {
            "Question 1 ★": ["2 / 2", "Un petit disque (0,5 / 0,5)", "Un grand disque (1,5 / 1,5)"],
            "Question 2a": ["1 / 1", "Toutes les vérifications sont satisfaites."],
            "Question 2b": ["– / 1", "À corriger à la main."],
            "Question 2c": ["– / 1", "À corriger à la main."],
        },
        "wrong": {
            "Question 1 ★": [
                "0,5 / 2",
                "Un petit disque (0,5 / 0,5)",
                "Un grand disque (0 / 1,5) "
                "L'aire d'un grand disque : l'ordre de grandeur est trop faible.",
            ],
        },
        "none": {
            "Question 1 ★": [
                "0 / 2",
                "Cette question n'a pas reçu de réponse (NotImplementedError).",
            ],
            "Question 2b": ["0 / 1", "Cette question n'a pas reçu de réponse."],
        },
        "lost": {
            "Question 1 ★": [
                "0 / 2",
                "Le fichier n'a pas pu être lu : "
                "c'est un PDF ; déposez le fichier .ipynb lui-même.",
            ],
        },
    },
    "en": {
        "right": {
            "Question 1 ★": ["2 / 2", "Un petit disque (0.5 / 0.5)", "Un grand disque (1.5 / 1.5)"],
            "Question 2a": ["1 / 1", "All checks hold."],
            "Question 2b": ["– / 1", "To be graded by hand."],
        },
        "wrong": {
            "Question 1 ★": [
                "0.5 / 2",
                "Un petit disque (0.5 / 0.5)",
                "Un grand disque (0 / 1.5) "
                "L'aire d'un grand disque: the order of magnitude is too small.",
            ],
        },
        "none": {
            "Question 2b": ["0 / 1", "This question has not been answered."],
        },
        "lost": {
            "Question 1 ★": [
                "0 / 2",
                "The file could not be read: the file is a PDF; hand in the .ipynb file itself.",
            ],
        },
    },
}  # fmt: skip


def test_each_question_says_what_was_checked_and_what_went_wrong(graded):
    language, made = graded
    for student, expected in SAID[language].items():
        rows = rows_of(page_of(made, student))
        found = {name: [plain(line) for line in lines] for name, lines in rows.items()}
        assert {name: found.get(name) for name in expected} == expected, student


def test_nothing_hidden_and_nothing_of_this_machine_is_on_a_page(graded):
    _language, made = graded
    hidden = [
        SECRET, VALUE, "reference.", "assert_close", "Hello Ada", "BEGIN", "HIDDEN",
        "bareme-secret", "La réponse modèle", "nbjudge/", "nbjudge.", "Traceback", "site-packages",
        str(made.root), sys.prefix, "/usr/", "/tmp/", "PI * r**2",
    ]  # fmt: skip
    for student in (*ANSWERS, "lost"):
        html = page_of(made, student)
        assert len(html) > 5000
        assert [word for word in hidden if word in html] == [], student
        # What stands there is what the student sees in the release.
        assert "l'aire du disque unité dépasse 3" in BeautifulSoup(html, "html.parser").get_text()


def test_a_students_error_is_told_without_the_librarys_files(graded):
    _language, made = graded
    shown = BeautifulSoup(page_of(made, "wrong"), "html.parser")
    errors = [element.text for element in shown.select(".output.error")]
    (said,) = [text for text in errors if "LinAlgError" in text]
    assert "Cell In" in said
    assert "numpy.linalg.inv([[0.0]])" in said
    assert said.strip().endswith("LinAlgError: Singular matrix")


def test_the_pages_run_nothing_and_need_no_network(graded):
    _language, made = graded
    for student in (*ANSWERS, "lost"):
        shown = BeautifulSoup(page_of(made, student), "html.parser")
        assert shown.find_all(["script", "link", "iframe"]) == []
        assert all(element["src"].startswith("data:") for element in shown.find_all(src=True))
        assert not re.search(r"\son\w+=", str(shown))
        assert "default-src 'none'" in str(shown.head)


def test_formulas_and_the_students_words_are_shown(graded):
    language, made = graded
    right = BeautifulSoup(page_of(made, "right"), "html.parser")
    assert right.html["lang"] == language
    assert right.h1.text == "Formes planes"
    assert [math.text for math in right.find_all("math")] == ["r>0", "r2"]
    wrong = BeautifulSoup(page_of(made, "wrong"), "html.parser").get_text()
    assert "<script>alert(1)</script> *peut-être*" in wrong


def test_what_waits_makes_the_total_provisional(graded):
    language, made = graded
    words = {"fr": "Note provisoire", "en": "Provisional"}[language]
    for student, total in (("right", "3"), ("wrong", {"fr": "0,5", "en": "0.5"}[language])):
        shown = BeautifulSoup(page_of(made, student), "html.parser")
        assert words in shown.select_one(".provisional").text
        assert plain(shown.select_one(".marks tfoot .points").text) == f"{total} / 5"


def test_points_comments_and_penalties_of_people_are_shown(graded, tmp_path):
    from nbgrader.api import Gradebook

    language, original = graded
    made = sc.copy_course(original, tmp_path / "course")
    with Gradebook(made.course.db_url) as gradebook:
        submitted = gradebook.find_submission_notebook("formes", sc.NAME, "wrong")
        for name, points in (("essay", 0.25), ("project", 1.0), ("test_greet", 0.5)):
            grade = gradebook.find_grade(name, "formes", sc.NAME, "wrong")
            grade.manual_score, grade.needs_manual_grade = points, False
        comment = gradebook.find_comment("essay", "formes", sc.NAME, "wrong")
        comment.manual_comment = "**Bien**, mais $r^2$ <b>manque</b>."
        submitted.late_submission_penalty = 0.125
        gradebook.db.commit()
    write_feedback(made.course, sc.NAME, "wrong")
    html = page_of(made, "wrong")
    shown = BeautifulSoup(html, "html.parser")
    rows = rows_of(html)
    by_person = {
        "fr": "Points attribués par l'équipe enseignante.", "en": "Points given by a grader.",
    }[language]  # fmt: skip
    mark = {"fr": ",", "en": "."}[language]
    assert rows["Question 2a"] == [f"0{mark}5 / 1", by_person]
    assert rows["Question 2b"] == [f"0{mark}25 / 1", by_person]
    assert shown.select_one(".provisional") is None
    note = shown.select_one(".comment")
    assert note.find("strong", string="Bien")
    assert note.math is not None
    assert "<b>manque</b>" in note.text
    late = shown.select(".marks tbody tr")[-1]
    assert late.td.text == f"−0{mark}125"
    assert plain(shown.select_one(".marks tfoot .points").text) == f"2{mark}125 / 5"


def test_several_processes_write_the_same_pages_as_one(graded, tmp_path):
    _language, original = graded
    made = sc.copy_course(original, tmp_path / "course")
    shutil.rmtree(made.root / "feedback")
    done = sc.command(made, "nbjudge", "feedback", sc.NAME, "--workers", "2")
    assert done.returncode == 0, done.stderr
    students = (*ANSWERS, "lost")
    assert len(students) > 2
    for student in students:
        assert page_of(made, student) == page_of(original, student)


def test_a_page_that_several_processes_cannot_write_is_named(graded, tmp_path):
    _language, original = graded
    made = sc.copy_course(original, tmp_path / "course")
    shutil.rmtree(made.root / "feedback")
    (made.root / "feedback").mkdir()
    (made.root / "autograded" / "none" / sc.NAME / "formes.ipynb").chmod(0o600)
    (made.root / "autograded" / "none" / sc.NAME / "formes.ipynb").write_text("{", "utf-8")
    done = sc.command(made, "nbjudge", "feedback", sc.NAME, "--workers", "2")
    assert done.returncode == 2
    assert "there is none of none." in done.stderr
    assert "Traceback" not in done.stderr.splitlines()[-1]
    assert page_of(made, "right") == page_of(original, "right")


def test_nbgraders_command_and_formgraders_call_write_the_same_page(graded, tmp_path):
    _language, original = graded
    made = sc.copy_course(original, tmp_path / "course")
    ours = page_of(made, "wrong")
    done = sc.command(made, "nbgrader", "generate_feedback", sc.NAME, "--force")
    assert done.returncode == 0, done.stderr
    assert page_of(made, "wrong") == ours
    from nbgrader.apps.api import NbGraderAPI
    from nbgrader.coursedir import CourseDirectory

    config = made.course.config
    config.Exchange.root = str(tmp_path / "exchange")
    api = NbGraderAPI(CourseDirectory(config=config, root=str(made.root)), config=config)
    (made.root / "feedback" / "wrong" / sc.NAME / "formes.html").unlink()
    answer = api.generate_feedback(sc.NAME, "wrong", force=True)
    assert answer["success"], answer
    assert page_of(made, "wrong") == ours


def test_a_folder_in_the_place_of_the_page_keeps_no_student_from_it(tmp_path: Path) -> None:
    cells = [sc.answer("double", sc.DOUBLE), sc.check("test_double", sc.TEST_DOUBLE, 1)]
    made = sc.make_course(tmp_path / "course", notebooks={"n": cells})
    right = {"n": {"double": "def double(x):\n    return x + x"}}
    for student in ("ada", "zoe"):
        folder = made.submit(student, right)
        (folder / "note.txt").write_text("hello", "utf-8")
    (folder / "n.html").mkdir()
    (folder / "n.html" / "page.txt").write_text("in the way", "utf-8")
    sc.plain_autograde(made)

    for _time in ("first", "again"):
        write_feedback(made.course, sc.NAME)
        pages = made.root / "feedback"
        assert sorted(p.relative_to(pages).parts[0] for p in pages.glob("*/*/n.html")) == [
            "ada",
            "zoe",
        ]
        assert all(page.is_file() for page in pages.glob("*/*/n.html"))
        assert (pages / "zoe" / sc.NAME / "note.txt").read_text("utf-8") == "hello"


def test_who_has_no_page_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nbgrader.converters import GenerateFeedback

    made = sc.make_course(tmp_path / "course", notebooks={"n": [sc.text("# Empty")]})
    write_folder(made.root / "autograded" / "ada" / sc.NAME, made.release())

    def stop(_self: GenerateFeedback, *_arguments: str) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(GenerateFeedback, "init_assignment", stop)
    with pytest.raises(ConfigurationError, match=r"there is none of ada\."):
        write_feedback(made.course, sc.NAME)
