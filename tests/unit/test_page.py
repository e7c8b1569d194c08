"""The HTML that people open: graded notebooks in Jupyter's and nbgrader's templates, feedback.

Whatever a student wrote, displayed or named, the page has no element, attribute or command of a
formula that runs, fetches or sends something and that the same page of a harmless notebook has not.
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import tempfile
from shutil import which
from types import SimpleNamespace

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbconvert.exporters import HTMLExporter
from test_inert import HOSTILE

from nbjudge import i18n
from nbjudge.assignment import Kind, SourceCell, SourceNotebook
from nbjudge.document import build_document
from nbjudge.feedback import Graded, page, template_folders
from nbjudge.rebuild import RunCell
from nbjudge.verdict import Part, Status, Verdict

XSS = "</pre></code></script><script>alert(1)</script><img src=x onerror=alert(1)>"
FORMULA = r"$\href{javascript:alert(1)}{x}$ $\require{html}\style{background:url(//a.b)}{x}$"
SPELLED = [
    "&#36;&#92;href{javascript:alert(1)}{x}&#36;",
    "&#36;\\\\&#104;ref{javascript:alert(1)}{x}&#36;",
    "&#36;\\\\&#x68ref{javascript:alert(1)}{x}&#36;",
    "&dollar;&bsol;href{javascript:alert(1)}{x}&dollar;",
    "&#0036;&#0092;require{html}&#36;",
    "&#36;&#x5Cstyle{background:url(//a.b)}{x}&#36;",
]
COMMANDS = re.compile(
    r"\\(href|url|require|class|cssId|style|data|unicode|html\w*|bbox|mmlToken|includegraphics)\b"
)
ANSI = '\x1b]8;;javascript:alert(1)\x07x\x1b]8;;\x07 \x1b[31;"onclick=alert(1)"m <b>\x1b[0m'


def source_notebook():
    text = {"kind": Kind.TEXT, "cell_type": "markdown"}
    cells = [
        SourceCell(cell_id="h", source="## Question 1", release_source="## Question 1", **text),
        SourceCell(
            cell_id="f", kind=Kind.ANSWER, cell_type="code", source="f = 1", release_source="f = 0",
            grade_id="f",
        ),
        SourceCell(
            cell_id="t", kind=Kind.TEST, cell_type="code", grade_id="t", points=1.0,
            source="assert f\nassert secret_42", release_source="assert f",
        ),
        SourceCell(
            cell_id="e", kind=Kind.MANUAL, cell_type="markdown", source="S", release_source="R",
            grade_id="e", points=1.0,
        ),
    ]  # fmt: skip
    return SourceNotebook(name="nb", cells=tuple(cells), kernelspec={"name": "python3"})


def document(texts, *, outputs=(), words="x", code="f = 2"):
    """A graded notebook with these written answers, outputs and sentences."""
    source = source_notebook()
    question, answer, test, essay = source.cells
    run = [
        RunCell(origin=question, cell_type="markdown", source=question.source),
        RunCell(origin=answer, cell_type="code", source=code),
        RunCell(origin=test, cell_type="code", source=test.release_source),
        RunCell(origin=essay, cell_type="markdown", source=texts[0], repairs=(words,)),
        *(RunCell(origin=None, cell_type="markdown", source=text) for text in texts[1:]),
        RunCell(origin=None, cell_type="raw", source=texts[0]),
        RunCell(origin=None, cell_type="code", source=code),
    ]
    verdicts = {
        "t": Verdict(
            grade_id="t", status=Status.PARTIAL, points=0.5, max_points=1.0, message=words,
            parts=(Part(what=words, points=0.0, max_points=0.5, message=words),),
        ),
        "e": Verdict(
            grade_id="e", status=Status.MANUAL, points=None, max_points=1.0, message=words
        ),
    }  # fmt: skip
    shown = {1: list(outputs), len(run) - 1: list(outputs)}
    return nbformat.from_dict(build_document(source, run, shown, {1: 1}, verdicts, [words]))


def feedback(notebook, *, comment="", name="lea"):
    """The feedback page of a graded notebook."""
    for cell in notebook.cells:
        meta = cell.metadata.get("nbgrader")
        if meta:
            meta |= {"points": meta.get("points", 0.0), "comment": comment}
            meta["score"] = 0.5 if meta["grade_id"] == "t" else 0.0
    made = page(
        Graded(
            assignment=name, student=name, cells=notebook.cells, source=source_notebook(),
            name="nb", by_hand=frozenset({"e"}), score=0.5, max_score=2.0,
            notes=notebook.metadata["nbjudge"]["notes"],
        )
    )  # fmt: skip
    return exported(notebook, "feedback", {"nbjudge": made})


def exported(notebook, template, resources=None):
    exporter = HTMLExporter(
        template_name=template, extra_template_basedirs=template_folders(), anchor_link_text="¶"
    )
    names = SimpleNamespace(assignment="a", notebook="nb", student="s")
    common = {"nbgrader": names, "index": 0, "total": 1, "metadata": {"name": "nb"}}
    return exporter.from_notebook_node(notebook, resources=common | (resources or {}))[0]


def views(notebook, **options):
    """Every page on which someone sees the graded notebook."""
    yield "feedback", feedback(nbformat.from_dict(notebook), **options)
    for template in ("classic", "lab", "formgrade"):
        yield template, exported(notebook, template)


URLS = ("href", "src", "srcset", "action", "formaction", "data", "poster", "xlink:href", "srcdoc")
ACTIVE = ("script", "iframe", "object", "embed", "form", "base", "meta", "link", "style", "svg")


def active(html):
    """What a browser executes, fetches or sends, as sorted text."""
    found = []
    for element in BeautifulSoup(html, "html.parser").find_all(True):
        if element.name in ACTIVE:
            found.append(f"{element.name} {sorted(element.attrs.items())} {element.text}")
        for name, value in element.attrs.items():
            if name.startswith("on"):
                found.append(f"{name}={value}")
            plain = not re.match(
                r"(?:#|https?://|mailto:|data:image/(?:png|jpeg);base64,)", str(value)
            )
            if name in URLS and (plain or (element.name != "a" and "data:" not in value)):
                found.append(f"{element.name} {name}={value}")
            if name == "style" and re.search(r"url|expression|position|import", str(value)):
                found.append(f"style={value}")
            if name == "class" and {"mermaid", "jp-Mermaid", "language-mermaid"} & set(value):
                found.append(f"class={value}")
    return sorted(found)


def commands(html):
    """Commands of formulas that MathJax would find: not in code."""
    page = BeautifulSoup(html, "html.parser")
    for element in page.find_all(["pre", "code", "script", "style", "title"]):
        element.decompose()
    return COMMANDS.findall(page.get_text())


@pytest.fixture(scope="module")
def harmless():
    return {name: active(html) for name, html in views(document(["Fine.", "Good."]))}


def check(harmless, notebook, **options):
    for name, html in views(notebook, **options):
        assert active(html) == harmless[name], name
        assert commands(html) == [], name


def test_the_pages_have_what_this_looks_for(harmless):
    # Were the templates without a script, nothing would be compared.
    assert any(found.startswith("script") for found in harmless["formgrade"])
    assert any(found.startswith("script") for found in harmless["classic"])
    assert not any(found.startswith("script") for found in harmless["feedback"])
    assert active("<p onclick='x'><a href='javascript:x'><img src='//a.b'></p>") == [
        "a href=javascript:x", "img src=//a.b", "onclick=x",
    ]  # fmt: skip
    assert commands("<p>$\\href{x}$</p><pre>\\href</pre>") == ["href"]


@pytest.mark.parametrize("start", range(0, len(HOSTILE), 12))
def test_written_answers_are_inert_on_every_page(harmless, start):
    check(harmless, document([*HOSTILE[start : start + 12]]))


def test_formulas_are_inert_on_every_page(harmless):
    check(harmless, document([FORMULA, f"$${FORMULA[1:-1]}$$", *SPELLED]))


OUTPUTS = [
    {"output_type": "display_data", "metadata": {}, "data": data}
    for data in (
        {"text/html": XSS},
        {"text/html": [XSS], "text/plain": XSS},
        {"application/javascript": "alert(1)"},
        {"image/svg+xml": "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"},
        {"text/latex": FORMULA, "text/markdown": HOSTILE[0]},
        {"image/png": f'x" onerror="alert(1)">{XSS}'},
        {"application/vnd.jupyter.widget-view+json": {"model_id": "x"}},
        {"application/pdf": XSS},
    )
] + [
    {"output_type": "execute_result", "execution_count": XSS, "metadata": {"x": XSS},
     "data": {"text/plain": XSS + ANSI}},
    {"output_type": "stream", "name": XSS, "text": XSS + ANSI},
    {"output_type": "error", "ename": XSS, "evalue": XSS + ANSI,
     "traceback": [f"Cell In[1], line 1 {XSS}{ANSI}", XSS]},
    {"output_type": XSS},
]  # fmt: skip


def test_outputs_are_inert_on_every_page(harmless):
    notebook = document(["Fine.", "Good."], outputs=OUTPUTS)
    assert len(notebook.cells[1].outputs) == 4
    check(harmless, notebook)


def test_code_is_inert_on_every_page(harmless):
    check(harmless, document(["Fine.", "Good."], code=f"%%html\n{XSS}\n# {FORMULA}"))


def test_sentences_comments_and_names_are_inert_in_the_feedback(harmless):
    # In sentences stand names of files, functions and exceptions: the student's words.
    notebook = document(["Fine.", "Good."], words=XSS)
    html = feedback(notebook, comment=f"{XSS}\n\n{FORMULA}\n\n{HOSTILE[0]}", name=XSS)
    assert active(html) == harmless["feedback"]
    shown = BeautifulSoup(html, "html.parser")
    assert shown.select_one(".notes li").text == XSS
    assert shown.select_one(".kicker").text.count(XSS) == 2
    assert [item.text for item in shown.select(".marks .reason p")] == [
        XSS,
        "To be graded by hand.",
    ]


def test_a_graded_file_that_was_changed_since_is_inert_in_the_feedback(harmless):
    notebook = document(["Fine.", "Good."])
    for cell in notebook.cells:
        cell.source = XSS
        if cell.cell_type == "code":
            # What the format allows; nbconvert reads nothing else.
            cell.outputs = [nbformat.from_dict(output) for output in OUTPUTS[:-4]]
            cell.outputs += [nbformat.from_dict(OUTPUTS[-2]), nbformat.from_dict(OUTPUTS[-4])]
            cell.outputs[-1].execution_count = None
    assert active(feedback(notebook)) == harmless["feedback"]


# The feedback page itself.


def feedback_of(notebook=None, **options):
    return BeautifulSoup(
        feedback(notebook or document(["Fine.", "Good."]), **options), "html.parser"
    )


def test_the_page_forbids_scripts_and_fetches_to_the_browser():
    head = feedback_of().head
    policy = head.find("meta", attrs={"http-equiv": "Content-Security-Policy"})["content"]
    assert policy.split("; ") == [
        "default-src 'none'", "img-src data:", "style-src 'unsafe-inline'", "base-uri 'none'",
        "form-action 'none'",
    ]  # fmt: skip
    # A policy counts from where it stands.
    assert head.find_all(True).index(head.find("meta", attrs={"http-equiv": True})) <= 1
    assert "url(" not in head.style.text
    assert "@import" not in head.style.text


def test_the_page_is_marked_up_for_every_reader():
    shown = feedback_of()
    assert shown.html["lang"] == "en"
    assert shown.find("meta", attrs={"name": "viewport"})
    assert len(shown.find_all("h1")) == 1
    assert [th["scope"] for th in shown.select(".marks thead th")] == ["col"] * 3
    assert {th["scope"] for th in shown.select(".marks tbody th, .marks tfoot th")} == {"row"}
    assert {row["role"] for row in shown.select(".marks tr")} == {"row"}
    names = {element["id"] for element in shown.find_all(id=True)}
    assert len(names) == len(shown.find_all(id=True))
    targets = [a["href"] for a in shown.select("a[href^='#']")]
    assert {"#question-1", "#question-2", "#marks"} <= set(targets)
    assert {target[1:] for target in targets} <= names
    assert {e["aria-labelledby"] for e in shown.select("[aria-labelledby]")} <= names
    assert all(image.get("alt") for image in shown.find_all("img"))
    labels = [e["aria-labelledby"] for e in shown.select("section[aria-labelledby]")]
    assert len(labels) == len(set(labels)) >= 4
    assert shown.body.find(True)["href"] == "#marks"  # a keyboard need not walk through the head
    assert shown.find(id="marks")["tabindex"] == "-1"
    # What scrolls can be reached without a mouse.
    boxes = shown.select(".highlight, .scroll, .output, span.formula")
    assert boxes
    assert all(box.get("tabindex") == "0" for box in boxes)
    # Not by colour and sign alone.
    assert shown.select_one(".marks .state .hidden").text.strip() == "earned in part"


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_text_has_the_contrast_that_wcag_asks_for():
    style = feedback_of().style.text
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", style))
    for name in ("ink", "soft", "blue", "full", "part", "none", "wait"):
        assert contrast(colours[name], "#ffffff") >= 4.5, name
        assert contrast(colours[name], colours["paper"]) >= 4.5, name
    for colour in re.findall(r"\.highlight \.\w+ \{[^}]*(?<!-)color: (#[0-9A-Fa-f]{6})", style):
        if colour.upper() != "#BBBBBB":  # white space
            assert contrast(colour, colours["paper"]) >= 3, colour


def test_hidden_tests_are_not_on_the_page():
    notebook = document(["Fine.", "Good."])
    assert "secret_42" in str(notebook)
    assert "secret_42" not in str(feedback_of(notebook))


def test_the_page_says_what_to_look_at_again_before_the_table():
    shown = feedback_of()
    links = shown.select("nav.again a")
    assert [link["href"] for link in links] == ["#question-1"]
    assert shown.find("nav").find_next("table") is shown.select_one("table.marks")


def test_the_page_is_in_the_language_in_use():
    i18n.use_language("fr")
    try:
        shown = feedback_of()
    finally:
        i18n.use_language("en")
    assert shown.html["lang"] == "fr"
    words = shown.get_text()
    assert "Ce qui a été vérifié" in words
    assert "0,5\N{NO-BREAK SPACE}/\N{NO-BREAK SPACE}1" in words
    for english in ("Marks", "Your answer", "Given", "Back to", "Total\n", "earned"):
        assert english not in words.replace("Total", "")


# In a browser, where there is one.

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := which(name))),
    None,
)
RAN = "document.documentElement.setAttribute('data-ran', 'yes')"


def dom(tmp_path, html):
    """The page's elements after a browser has loaded it, without a network."""
    file = tmp_path / "page.html"
    file.write_text(html, "utf-8")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [
            CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--virtual-time-budget=2000",
            "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={profile}", "--dump-dom",
            file.as_uri(),
        ]  # fmt: skip
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            start_new_session=True, env=os.environ | {"TMPDIR": profile},
        )  # fmt: skip
        try:
            seen, _ = process.communicate(timeout=120)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return BeautifulSoup(seen.decode(), "html.parser")


def without_policy(html):
    made, count = re.subn(r"<meta [^>]*Content-Security-Policy[^>]*>", "", html)
    assert count == 1
    return made


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian: apt-get install chromium)")
def test_nothing_of_a_student_runs_in_a_browser(tmp_path):
    texts = [text.replace("alert(1)", RAN) for text in (*HOSTILE, FORMULA, *SPELLED)]
    outputs = json.loads(json.dumps(OUTPUTS).replace("alert(1)", RAN))
    words = XSS.replace("alert(1)", RAN)
    notebook = document(texts, outputs=outputs, words=words, code=f"# {words}")
    pages = dict(views(notebook, comment=words, name=words))
    # The template alone is the first lock, the policy the second.
    pages["feedback"] = without_policy(pages["feedback"])
    for name, html in pages.items():
        seen = dom(tmp_path, html)
        assert "secret_42" in seen.text or name == "feedback"
        assert "Question 1" in seen.text
        assert seen.html.get("data-ran") is None, name


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian: apt-get install chromium)")
@pytest.mark.parametrize(
    "intruder",
    [
        f"<script>{RAN}</script>",
        f'<img src="data:," onerror="{RAN}">',
        f'<svg onload="{RAN}"></svg>',
    ],
)
def test_the_policy_stops_what_the_template_would_let_through(tmp_path, intruder):
    html = feedback(document(["Fine.", "Good."])).replace("</main>", f"{intruder}</main>")
    assert dom(tmp_path, without_policy(html)).html.get("data-ran") == "yes"
    seen = dom(tmp_path, html)
    assert seen.html.get("data-ran") is None
    assert "Question 1" in seen.text
