"""``nbjudge report`` on a graded class: numbers, who is named, and nothing that runs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import shown_class as shown
import small_course as sc
from bs4 import BeautifulSoup

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> sc.SmallCourse:
    made = shown.make(tmp_path_factory.mktemp("report") / "course")
    done = sc.command(made, "nbjudge", "report", sc.NAME)
    assert done.returncode == 0, done.stderr
    done = sc.command(made, "nbjudge", "report", "--names", "--output", "named.html")
    assert done.returncode == 0, done.stderr
    assert "not for students" in done.stdout
    return made


@pytest.fixture(scope="module")
def page(graded: sc.SmallCourse) -> BeautifulSoup:
    return BeautifulSoup((graded.root / "report.html").read_text("utf-8"), "html.parser")


@pytest.fixture(scope="module")
def named(graded: sc.SmallCourse) -> BeautifulSoup:
    return BeautifulSoup((graded.root / "named.html").read_text("utf-8"), "html.parser")


def table(page: BeautifulSoup, caption: str) -> list[list[str]]:
    """The rows of the table with these words in its caption."""
    (found,) = [t for t in page.find_all("table") if caption in t.caption.text]
    return [
        [cell.get_text(" ", strip=True) for cell in row.find_all(["th", "td"])]
        for row in found.select("tbody tr")
    ]


def test_marks_are_those_of_nbjudge_marks(graded, page):
    done = sc.command(graded, "nbjudge", "marks", "--json", "marks.json")
    assert done.returncode in (0, 1), done.stderr
    document = json.loads((graded.root / "marks.json").read_text("utf-8"))
    numbers = dict(table(page, "summary"))
    # Six graded, one unreadable; who has not been graded has no mark.
    assert numbers["Students"] == "7"
    assert sc.NAME in str(document)
    bars = table(page, "students by mark")
    assert sum(int(count) for _label, count in bars) == 7
    assert bars[0][1] == "2"  # the PDF, and the hostile one
    # ada: 2 + 1 of 4 points, the essay waits: 15 on 20, the highest.
    assert numbers["Highest"] == "15.00"
    assert bars[15] == ["15 to 16 (not included)", "1"]


def test_questions_are_measured_as_by_hand(page):
    rows = {row[0]: row for row in table(page, "success and discrimination")}
    assert list(rows) == ["Question 1 ★", "Question 2", "Question 3"]
    # ada 2 + 1, bob .5 + 0, chen .5 + 1, dora .5 + 0, erik 0 + 1, the hostile one 0 + 0.
    first, second = [2, 0.5, 0.5, 0.5, 0, 0], [1, 0, 1, 0, 1, 0]
    expected = np.corrcoef(first, second)[0, 1]
    for name, full, mean in (("Question 1 ★", "17 %", "29 %"), ("Question 2", "50 %", "50 %")):
        _name, _points, count, all_points, share, discrimination, _remark = rows[name]
        assert (count, all_points, share) == ("6", full, mean)
        assert float(discrimination.split()[0].replace("−", "-")) == pytest.approx(
            expected, abs=0.005
        )
    # What only says that nobody has read it is no statistic.
    assert (
        rows["Question 3"][2:] == ["2", "0 %", "0 %", "–", "fewer than 3 submissions"]
        or rows["Question 3"][6]
    )


def test_hidden_checks_are_measured(page):
    rows = table(page, "Shares of points")
    assert [row[0] for row in rows] == [
        "Question 1 ★ un petit disque",
        "Question 1 ★ un grand disque",
    ]
    small, large = rows
    # ada, bob, chen and dora have the small one, ada alone the large one, of six.
    assert (small[3], large[3]) == ("67 %", "17 %")
    rest = [2.5, 0, 1, 0, 1, 0]
    expected = np.corrcoef([1, 1, 1, 1, 0, 0], rest)[0, 1]
    assert float(small[5].split()[0].replace("−", "-")) == pytest.approx(expected, abs=0.005)


def test_messages_are_counted_and_what_one_alone_got_is_left_out(page, named):
    rows = {row[1]: row for row in table(page, "were told")}
    (large,) = [row for text, row in rows.items() if "ordre de grandeur" in text]
    assert all(int(row[0]) >= 2 for row in rows.values())
    assert "Question 1 ★" in large[2]
    assert "that only one submission got are left out" in page.text
    # With names, they are there: the hostile words as words.
    assert any("ValueError" in row[1] for row in table(named, "were told"))


def test_time_and_memory_are_those_of_the_records(graded, page):
    records = [
        json.loads(path.read_bytes())
        for path in (graded.root / ".nbjudge" / "results").glob(f"*/{sc.NAME}/formes.json")
    ]
    judged = [r for r in records if r["verdicts"][0]["status"] != "unreadable"]
    assert len(judged) == 6
    rows = {row[1]: row[2:] for row in table(page, "What grading a notebook")}
    most = max(record["seconds"] for record in judged)
    assert rows["Time, seconds"][2] == f"{most:.1f}"
    memory = max(record["memory_bytes"] for record in judged) / 2**20
    assert rows["Memory, MiB"][2] == f"{memory:.0f}"
    cells = {row[0].split()[0]: row for row in table(page, "Slowest cells")}
    slowest = max(
        timing["seconds"] for r in judged for timing in r["timings"] if timing["name"] == "greet"
    )
    assert cells["greet"][3] == f"{slowest:.2f}"


def test_who_needs_a_look_is_listed_with_the_reason(named):
    rows = dict(table(named, "should look at"))
    assert "nothing of it is stored" in rows["Gus Tardif (gus.tardif)"]
    assert "could not be read" in rows["Fay Perdue (fay.perdue)"]
    assert "the kernel was replaced" in rows["Erik Hansen (erik.hansen)"]
    assert "Ada Lovelace (ada.lovelace)" not in rows


def test_who_copied_is_a_lead_and_no_mark(named):
    (pair,) = table(named, "share most")
    assert {pair[0], pair[1]} == {"Wei Chen (chen.wei)", "Dora Díaz (dora.diaz)"}
    assert pair[4] == "Question 1 ★"
    assert "A lead, never a mark." in named.text


def test_nothing_of_an_anonymous_page_tells_who_anybody_is(graded, page):
    html = (graded.root / "report.html").read_text("utf-8")
    everybody = [*shown.ANSWERS, shown.LOST, shown.LATE]
    names = {word for line in shown.ROLL.splitlines()[1:] for word in re.split(r"[;.]", line)}
    assert len(names) >= 20
    words = {word.casefold() for word in re.findall(r"\w+", page.text)}
    # Long and Perdue, names that are words, included.
    assert {name.casefold() for name in names} & words == set()
    assert [student for student in everybody if student in html] == []
    assert "/home/" not in html
    assert len(set(re.findall(r"S-[A-Z2-7]{6}\b", html))) >= 4


def test_pseudonyms_stay_from_one_report_to_the_next(graded, page, tmp_path):
    done = sc.command(graded, "nbjudge", "report", "--output", str(tmp_path / "again.html"))
    assert done.returncode == 0, done.stderr
    again = BeautifulSoup((tmp_path / "again.html").read_text("utf-8"), "html.parser")
    assert table(again, "should look at") == table(page, "should look at")
    assert table(again, "share most") == table(page, "share most")


def test_the_page_runs_nothing_and_fetches_nothing(page, named):
    for html in (page, named):
        assert html.find_all(["script", "link", "iframe", "img", "object"]) == []
        assert html.find_all(src=True) == []
        assert not [a for a in html.find_all(href=True) if not a["href"].startswith("#")]
        assert not [t for t in html.find_all(True) if any(k.startswith("on") for k in t.attrs)]
        assert "url(" not in html.style.text
        assert html.find("meta", attrs={"http-equiv": "Content-Security-Policy"})
    assert any(shown.HOSTILE in row[0] for row in table(named, "should look at")) or (
        shown.HOSTILE in named.text
    )


def test_the_page_is_marked_up_for_every_reader(page):
    assert page.html["lang"] == "en"
    assert len(page.find_all("h1")) == 1
    names = [element["id"] for element in page.find_all(id=True)]
    assert len(names) == len(set(names))
    targets = {a["href"][1:] for a in page.select("a[href^='#']")}
    labels = {i for e in page.select("[aria-labelledby]") for i in e["aria-labelledby"].split()}
    assert targets | labels <= set(names)
    assert len(page.find_all("table")) >= 8
    for found in page.find_all("table"):
        assert found.caption.text.strip()
        assert all(th.get("scope") for th in found.find_all("th"))
    for drawing in page.find_all("svg"):
        assert drawing["role"] == "img"
        assert drawing.title.text.strip()
        assert "15.00" in drawing.desc.text


def test_the_file_is_for_its_owner_alone(graded):
    assert (graded.root / "report.html").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["tp9"], "tp9"), (["--output", "source"], "source")],
)
def test_what_cannot_be_done_is_said(graded, arguments, words):
    done = sc.command(graded, "nbjudge", "report", *arguments)
    assert done.returncode != 0
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_class_that_is_not_graded_has_no_report(tmp_path: Path) -> None:
    made = sc.make_course(tmp_path / "course", notebooks={"n": [sc.text("# Vide")]})
    done = sc.command(made, "nbjudge", "report")
    assert done.returncode == 2
    assert "nbjudge grade" in done.stderr
