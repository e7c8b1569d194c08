"""nbgrader in a real browser, on a real server: formgrader, and Validate in JupyterLab."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import shown_class as shown
import small_course as sc
from browser import WIDE, chromium, opened
from serving import TOKEN, serving

from nbjudge.produce import write_folder

pytestmark = pytest.mark.slow

STUDENT = "bob.long"
SHOWN = f"""
from IPython.display import HTML, Javascript, Markdown, display

for kind in (HTML, Markdown):
    display(kind({shown.SCRIPT!r}))
display(Javascript({shown.RAN!r}))
print({shown.SCRIPT!r})"""


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


def log_in(page: Any) -> None:
    """Give the token as a person does."""
    assert "login" in page.url
    page.locator("#password_input").fill(TOKEN)
    page.locator("#login_submit").click()


@pytest.fixture(scope="module")
def formgrader(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, str]]:
    """An instructor who has logged in, and the server's URL."""
    folder = tmp_path_factory.mktemp("formgrader")
    made = sc.make_course(
        folder / "course", options="language='fr',", notebooks={"formes": shown.CELLS},
        gradebook=True,
    )  # fmt: skip
    (made.root / "source" / sc.NAME / "helper.py").write_text(sc.HELPER, "utf-8")
    half = "def area(r):\n    return PI * min(r, 100.0) ** 2\n"
    answers = {"area": half + SHOWN, "greet": "def greet(name):\n    return name"}
    made.submit(STUDENT, {"formes": answers | {"essay": shown.SCRIPT}})
    with (
        serving(made.root, folder / "scratch") as url,
        opened(browser, f"{url}formgrader", WIDE) as page,
    ):
        log_in(page)
        page.get_by_role("link", name=sc.NAME, exact=True).first.wait_for()
        yield page, url


@pytest.fixture(scope="module")
def autograded(formgrader: tuple[Any, str]) -> tuple[Any, str]:
    """The same, after the button Autograde was pressed."""
    page, url = formgrader
    page.goto(f"{url}formgrader/manage_submissions/{sc.NAME}")
    row = page.locator("tr", has_text=STUDENT)
    assert "needs autograding" in row.inner_text()
    row.locator("td.autograde a").click()
    said = page.locator(".modal-dialog")
    said.get_by_text(f"Successfully autograded '{sc.NAME}' for student '{STUDENT}'").wait_for()
    return page, url


def test_the_button_grades_and_shows_the_points(autograded):
    page, url = autograded
    page.goto(f"{url}formgrader/manage_submissions/{sc.NAME}")
    row = page.locator("tr", has_text=STUDENT)
    row.get_by_text("0.5 / 4").wait_for()
    # The essay waits for a person.
    assert "needs manual grading" in row.inner_text()


def test_the_opened_submission_has_marks_and_sentences_and_runs_nothing(autograded):
    page, url = autograded
    page.goto(f"{url}formgrader/gradebook/{sc.NAME}/formes")
    page.locator("td.name a").first.click()
    page.locator(".nbgrader_cell").first.wait_for()
    page.wait_for_function("document.querySelectorAll('input.score').length === 3")
    page.wait_for_function("[...document.querySelectorAll('input.score')][0].placeholder === '0.5'")
    scores = page.locator("input.score").evaluate_all(
        "inputs => inputs.map(input => [input.placeholder, input.value])"
    )
    assert [score for score, _manual in scores][:2] == ["0.5", "0"]
    words = page.inner_text("body").replace("\N{NO-BREAK SPACE}", " ")
    assert "Points : 0,5 / 2" in words
    assert "l'ordre de grandeur est trop faible" in words
    # The instructor sees the hidden test; the student's words are words.
    assert "BEGIN HIDDEN TESTS" in words
    assert "<script>" in words
    assert page.evaluate("document.documentElement.dataset.ran") is None


def test_a_student_answers_in_jupyterlab_and_validates(browser, tmp_path: Path):
    made = sc.make_course(
        tmp_path / "course", options="language='fr',", notebooks={"formes": shown.CELLS[:5]}
    )
    (made.root / "source" / sc.NAME / "helper.py").write_text(sc.HELPER, "utf-8")
    home = tmp_path / "student"
    write_folder(home, made.release())
    with (
        serving(home, tmp_path / "scratch") as url,
        opened(browser, f"{url}lab/tree/formes.ipynb", WIDE) as page,
    ):
        log_in(page)
        page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
        page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()

        def validate() -> str:
            page.locator(".jp-NotebookPanel-toolbar").get_by_text("Validate").click()
            said = page.locator(".jp-Dialog")
            said.wait_for()
            words = said.inner_text()
            said.locator("button").last.click()
            said.wait_for(state="detached")
            return words

        assert "failed" in validate().casefold()
        page.locator(".jp-CodeCell .cm-content", has_text="def area").click()
        page.keyboard.press("Control+A")
        page.keyboard.type("def area(r): return PI * r * r")
        assert "Success! Your notebook passes all the tests." in validate()
    assert "PI * r * r" in (home / "formes.ipynb").read_text("utf-8")
