"""Feedback and report in a real browser: at a desk, on a phone, by keyboard, on paper."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
import shown_class as shown
import small_course as sc
from browser import NARROW, WIDE, chromium, opened, violations

from nbjudge.feedback import write_feedback
from nbjudge.report.page import Options, report

pytestmark = pytest.mark.slow

FEEDBACK = ["ada.lovelace", "bob.long", shown.HOSTILE, shown.LOST]
REPORTS = ["report", "named report"]
SIZES = pytest.mark.parametrize("size", [WIDE, NARROW], ids=["desk", "phone"])


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> dict[str, str]:
    """URLs of the pages."""
    made = shown.make(tmp_path_factory.mktemp("browser") / "course")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made.root)
        write_feedback(made.course, sc.NAME)
    found = {
        student: made.root / "feedback" / student / sc.NAME / "formes.html" for student in FEEDBACK
    }
    for name in REPORTS:
        found[name] = made.root / f"{name}.html"
        options = Options(names=name.startswith("named"))
        found[name].write_text(report(made.course, [sc.NAME], options), "utf-8")
    # Nothing beside a page: it is one file.
    alone = tmp_path_factory.mktemp("alone")
    urls = {}
    for number, (name, path) in enumerate(found.items()):
        copy = Path(alone / f"{number}.html")
        copy.write_bytes(path.read_bytes())
        urls[name] = copy.as_uri()
    return urls


every_page = pytest.mark.parametrize("name", [*FEEDBACK, *REPORTS])


@SIZES
@every_page
def test_the_page_fits_and_axe_finds_nothing(browser, pages, name, size):
    with opened(browser, pages[name], size) as page:
        for closed in page.locator("details").all():
            closed.evaluate("element => { element.open = true }")
        # What is wide scrolls in its own box, the page never sideways.
        assert page.evaluate("document.documentElement.scrollWidth") == size["width"]
        assert violations(page) == []


def test_the_check_itself_finds_faults(browser, tmp_path):
    bad = tmp_path / "bad.html"
    bad.write_text("<html><body><img src=x><p style='color:#aaa'>pale</p></body></html>", "utf-8")
    with opened(browser, bad.as_uri(), WIDE) as page:
        found = {line.partition(":")[0] for line in violations(page)}
    assert {"image-alt", "color-contrast", "html-has-lang", "landmark-one-main"} <= found


@every_page
def test_a_screen_reader_finds_its_way(browser, pages, name):
    with opened(browser, pages[name], WIDE) as page:
        assert page.locator("main, [role=main]").count() == 1
        assert page.locator("h1").count() == 1
        levels = page.evaluate(
            "[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(h => +h.tagName[1])"
        )
        assert levels[0] == 1
        assert len(levels) > 2
        assert all(after <= before + 1 for before, after in pairwise(levels))
        assert page.locator("html").get_attribute("lang") == ("fr" if name in FEEDBACK else "en")


@every_page
def test_nothing_runs_and_nothing_is_fetched(browser, pages, name):
    with opened(browser, pages[name], WIDE) as page:
        assert page.evaluate("document.documentElement.dataset.ran") is None
        assert [url for url in page.requested if not url.startswith(("file:", "data:"))] == []
        assert [url for url in page.requested if url.startswith("file:")] == [pages[name]]


def test_a_hostile_page_would_run_without_its_locks(browser, tmp_path):
    # The words are such as would run: what is proved above is not proved of harmless ones.
    bare = tmp_path / "bare.html"
    bare.write_text(f"<html><body><pre>{shown.SCRIPT}</pre></body></html>", "utf-8")
    with opened(browser, bare.as_uri(), WIDE) as page:
        assert page.evaluate("document.documentElement.dataset.ran") == "yes"


@pytest.mark.parametrize(("name", "target"), [("ada.lovelace", "marks"), ("report", "top")])
def test_a_keyboard_skips_to_what_counts(browser, pages, name, target):
    with opened(browser, pages[name], NARROW) as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        box = page.locator(".skip").bounding_box()
        assert box["y"] >= 0  # seen once it has the focus
        page.keyboard.press("Enter")
        assert page.url.endswith(f"#{target}")
        assert page.evaluate("document.activeElement.id") == target


def test_a_keyboard_reaches_long_code_and_moves_it(browser, pages):
    with opened(browser, pages["bob.long"], NARROW) as page:
        code = page.locator(".answer .highlight", has_text="une_variable_dont").first
        assert code.evaluate("box => box.scrollWidth > box.clientWidth + 100")
        code.focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_function("box => box.scrollLeft > 0", arg=code.element_handle())


def test_the_summary_leads_to_the_question(browser, pages):
    with opened(browser, pages["bob.long"], NARROW) as page:
        first = page.locator("nav.again a").first
        assert first.inner_text() == "Question 1 ★"
        first.click()
        verdict = page.locator(":target")
        assert "0,5" in verdict.inner_text()
        assert verdict.evaluate("e => e.getBoundingClientRect().top < window.innerHeight")


@every_page
def test_it_can_be_printed(browser, pages, name):
    with opened(browser, pages[name], {"width": 700, "height": 1000}) as page:
        page.emulate_media(media="print")
        assert not page.locator(".skip").is_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 700
        assert page.pdf(format="A4").startswith(b"%PDF")
