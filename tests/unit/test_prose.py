"""Text is shown as it is meant; a student's runs nothing, and nobody's fetches anything."""

import base64

import pytest
from bs4 import BeautifulSoup
from test_inert import HOSTILE

from nbjudge.prose import code_css, code_html_of, html_of, inline_html_of

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(8)


def soup(markdown, **options):
    return BeautifulSoup(html_of(markdown, **options), "html.parser")


RUNS_OR_FETCHES = {"script", "style", "iframe", "img", "svg", "object", "form", "link", "base"}


def dangers(page):
    found = []
    for element in page.find_all(True):
        if element.name in RUNS_OR_FETCHES:
            found.append(element.name)
        for name, value in element.attrs.items():
            if name.startswith("on") or name in {"src", "srcset", "action", "formaction"}:
                found.append(name)
            if name == "href" and not value.lower().startswith(("http://", "https://", "mailto:")):
                found.append(value)
            if name == "style" and not value.startswith("text-align:"):
                found.append(value)
    return found


@pytest.mark.parametrize("source", HOSTILE)
def test_a_students_text_runs_nothing_and_fetches_nothing(source):
    assert dangers(soup(source, trusted=False)) == []


def test_a_students_markup_is_shown_as_text():
    page = soup("a <b>x</b> <script>alert(1)</script>", trusted=False)
    assert page.get_text().strip() == "a <b>x</b> <script>alert(1)</script>"


def test_the_instructors_html_is_kept():
    page = soup("<details><summary>Indice</summary>\n\nLisez.\n\n</details>", trusted=True)
    assert page.details.summary.text == "Indice"


def test_a_picture_of_the_assignment_is_put_into_the_page():
    page = soup("![Une courbe](img/a%20b.png)", trusted=True, files={"img/a b.png": PICTURE})
    assert page.img["src"] == "data:image/png;base64," + base64.b64encode(PICTURE).decode()
    assert page.img["alt"] == "Une courbe"


@pytest.mark.parametrize("trusted", [True, False])
def test_a_picture_from_elsewhere_is_a_link(trusted):
    page = soup("![Une courbe](https://example.org/a.png)", trusted=trusted)
    assert page.img is None
    assert (page.a["href"], page.a.text) == ("https://example.org/a.png", "Une courbe")
    assert page.a["rel"] == ["noopener", "noreferrer"]


@pytest.mark.parametrize("url", ["secret.txt", "../a.png", "/etc/passwd.png", "absent.png"])
def test_a_file_that_is_no_picture_of_the_assignment_is_words(url):
    page = soup(f"![Courbe]({url})", trusted=True, files={"secret.txt": b"x"})
    assert (page.img, page.a, page.get_text().strip()) == (None, None, "Courbe")


def test_a_student_cannot_show_the_assignments_pictures():
    page = soup("![x](a.png)", trusted=False, files={"a.png": PICTURE})
    assert page.img is None


def test_a_link_to_another_place_of_the_notebook_is_its_words():
    page = soup("[plus haut](#partie-1) et [fichier](tp1.py)", trusted=True)
    assert page.a is None
    assert page.get_text().strip() == "plus haut et fichier"


def test_formulas_are_mathematics():
    page = soup("Soit $x_1 < 2$.\n\n$$\\alpha$$\n\n\\begin{align}a&=b\\end{align}", trusted=False)
    assert [math["display"] for math in page.find_all("math")] == ["inline", "block", "block"]
    displays = page.find_all("math", display="block")
    assert all(math.find_parent(class_="formula") for math in displays)
    assert "$" not in page.get_text()


def test_a_formula_that_cannot_be_converted_is_shown_as_it_was_typed():
    page = soup("$\\unknown{<b>}$", trusted=True)
    assert page.find("code", class_="formula").text == "\\unknown{<b>}"


def test_headings_leave_the_first_level_to_the_page():
    page = soup("# Un\n\n## Deux\n\n###### Six", trusted=True)
    assert [h.name for h in page.find_all(["h1", "h2", "h3", "h6"])] == ["h2", "h3", "h6"]
    assert soup("# Un", trusted=True, headings_from=4).h4.text == "Un"


def test_tables_and_code_are_shown():
    table = "| $a$ | b |\n|:-:|--|\n| 1 | 2 |"
    page = soup(f"{table}\n\n```python\nx = 1\n```\n\n```\n<b>\n```", trusted=False)
    assert [cell.text for cell in page.find_all("td")] == ["1", "2"]
    assert [pre.text for pre in page.find_all("pre")] == ["x = 1\n", "<b>\n"]
    assert page.find("span", class_="n").text == "x"


def test_a_program_of_the_viewers_is_code():
    page = soup("```mermaid\ngraph TD\n```", trusted=True)
    assert page.find(class_="mermaid") is None
    assert "graph TD" in page.pre.text


def test_one_line_may_stand_in_a_link():
    page = BeautifulSoup(inline_html_of("**Q1** [x](https://a.b) $\\beta$ `f` <i>"), "html.parser")
    assert page.find(["a", "p", "i"]) is None
    assert page.math is not None
    assert page.strong.text == "Q1"
    assert page.code.text == "f"
    assert inline_html_of("") == ""


@pytest.mark.parametrize("language", ["python", "R", "no-such-language"])
def test_code_keeps_every_character(language):
    source = "\n  a <b> & 'c'\n\n# %%html <script>\n"
    page = BeautifulSoup(code_html_of(source, language), "html.parser")
    assert page.pre.text.rstrip("\n") == source.rstrip("\n")
    assert dangers(page) == []


def test_ipython_magics_are_python():
    page = BeautifulSoup(code_html_of("%matplotlib inline\nx = 1", "python"), "html.parser")
    assert page.find("span", class_="err") is None


def test_the_style_sheet_is_for_the_code_only():
    lines = [line for line in code_css().splitlines() if line.strip() and not line.startswith("/*")]
    assert len(lines) > 20
    assert "url(" not in code_css()


def test_a_table_scrolls_in_its_own_box_and_names_its_columns():
    page = BeautifulSoup(html_of("| a | b |\n|:-:|---|\n| 1 | <i> |", trusted=False), "html.parser")
    box = page.select_one("div.scroll[tabindex='0']")
    assert [th["scope"] for th in box.select("thead th")] == ["col", "col"]
    assert [td.text for td in box.select("tbody td")] == ["1", "<i>"]
    assert box.th["style"] == "text-align:center"
