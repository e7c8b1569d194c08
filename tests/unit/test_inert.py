"""What a student wrote is shown as text, and nothing of it runs or is fetched."""

import base64
import html.parser
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from nbconvert.filters.markdown_mistune import markdown2html_mistune

from nbjudge.inert import inert_cell, inert_markdown, inert_output, printable

BREAK = "\u2063"
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(20)).decode()
JPEG = base64.b64encode(b"\xff\xd8\xff" + bytes(20)).decode()


def visible(text):
    return text.replace(BREAK, "")


class _Tags(html.parser.HTMLParser):
    """Every tag with its attributes, and the text between them."""

    def __init__(self):
        super().__init__()
        self.tags, self.text = [], ""

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def handle_comment(self, data):
        self.tags.append(("comment", {}))

    def handle_decl(self, decl):
        self.tags.append(("declaration", {}))


def rendered(source):
    """Tags and text that nbconvert, as it writes feedback, makes of inert Markdown."""
    parser = _Tags()
    parser.feed(markdown2html_mistune(inert_markdown(source)))
    parser.close()
    return parser


HARMLESS = {
    "p", "em", "strong", "code", "pre", "span", "div", "a", "ul", "ol", "li", "blockquote",
    "h1", "h2", "h3", "h4", "h5", "h6", "hr", "br", "table", "thead", "tbody", "tr", "th", "td",
    "del", "dl", "dt", "dd",
}  # fmt: skip
"""Of what nbconvert's Markdown can make; their attributes are looked at as well."""
BOX = {"class": "task-list-item-checkbox", "type": "checkbox", "disabled": None}
"""Of a list of things to do: nobody can tick it."""
URL = re.compile(r"(https?://|mailto:|#)", re.IGNORECASE)


def dangers(source):
    """What a browser would execute or fetch."""
    found = []
    for tag, attributes in rendered(source).tags:
        box = {name: value for name, value in attributes.items() if name != "checked"}
        if tag == "input" and box == BOX:
            continue
        if tag not in HARMLESS:
            found.append(tag)
        for name, value in attributes.items():
            value = value or ""
            if name == "href" and not URL.match(value):
                found.append(value)
            if name not in {"href", "class", "id", "title", "style"}:
                found.append(name)
            if name == "style" and not value.startswith("text-align:"):
                found.append(value)
            if name == "class":
                found += {"mermaid", "jp-Mermaid", "language-mermaid"} & set(value.split())
    return found


HOSTILE = [
    "<script>alert(1)</script>",
    "<SCRIPT\n>alert(1)</SCRIPT>",
    "a <img src=x onerror=alert(1)> b",
    "<svg/onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<iframe src='https://example.org'></iframe>",
    "<style>body{display:none}</style>",
    "<!-- comment --><b>x</b>",
    "<!DOCTYPE html><html><body onload=alert(1)>",
    "<?php x ?>",
    "<![CDATA[ <b> ]]>",
    "</div></div><form action=https://example.org>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script>alert(1)&#60;/script>",
    "<<script>script>alert(1)</script>",
    "$<img src=x onerror=alert(1)>$",
    "$$\n<img src=x onerror=alert(1)>\n$$",
    "\\begin{equation}<img src=x onerror=alert(1)>\\end{equation}",
    "```html\n<script>alert(1)</script>\n```",
    "```mermaid\ngraph TD\nA-->B<img src=x onerror=alert(1)>\n```",
    "``` mermaid\ngraph TD\n```",
    "~~~ &#109;ermaid\ngraph TD\n~~~",
    "````Mermaid-js\ngraph TD\n````",
    "> ```mermaid\n> graph TD\n> ```",
    "<javascript:alert(1)>",
    "<https://example.org/>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x]( javascript:alert(1))",
    "[x](\njavascript:alert(1))",
    "[x](<javascript:alert(1)>)",
    "[x](&#106;avascript:alert(1))",
    "[x](&#x6A;avascript&colon;alert(1))",
    "[x](java&#10;script:alert(1))",
    "[x](\\javascript:alert(1))",
    "[x](%6aavascript:alert(1))",
    "[x](vbscript:msgbox(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](file:///etc/passwd)",
    "[x](//example.org)",
    "[a [b] c](javascript:alert(1))",
    "[a \\] b](javascript:alert(1))",
    "[![x](https://example.org/p.png)](javascript:alert(1))",
    "[`](javascript:alert(1))`](javascript:alert(2))",
    "[x][r]\n\n[r]: javascript:alert(1)",
    "[r]\n\n[r]:\n  javascript:alert(1)",
    "[x][r]\n\n> [r]: javascript:alert(1)",
    "[x][a\\]b]\n\n[a\\]b]: javascript:alert(1)",
    "![x](https://example.org/p.png)",
    "![x](javascript:alert(1))",
    "![x](data:image/svg+xml;base64,PHN2Zz4=)",
    "![x](attachment:missing.png)",
    "![x](../../../etc/passwd)",
    "![x][r]\n\n[r]: https://example.org/p.png",
    "![r]\n\n[r]: https://example.org/p.png",
    '[x](https://example.org "a\\" onmouseover=\\"alert(1)")',
    '[x](https://example.org/"onmouseover=alert(1))',
    "# <img src=x onerror=alert(1)>",
    '# " onmouseover="alert(1)',
    "| <img src=x> |\n|---|\n| [x](javascript:1) |",
]


@pytest.mark.parametrize("source", HOSTILE)
def test_nothing_runs_and_nothing_is_fetched(source):
    assert dangers(source) == []


@pytest.mark.parametrize("source", HOSTILE)
def test_what_is_made_harmless_still_shows_its_text(source):
    assert source == visible(inert_markdown(source))


FRAGMENTS = st.sampled_from(
    ["<", ">", "script", "img src=x onerror=y", "[", "]", "(", ")", "!", ":", "javascript:x",
     "https://example.org", "`", "```", "~~~", "mermaid", "\n", "\n\n", "    ", " ", "$", "$$",
     "\\", "&lt;", "&#60;", "&#106;", "r", '"', "'", "> ", "- ", "# ", "|", "-->", "/", "<!--",
     "\\begin{a}", "\\end{a}", "*", "_", "attachment:p.png", "data:text/html,x"]
)  # fmt: skip


@given(st.lists(FRAGMENTS, max_size=25).map("".join))
@example("<\n:    ")  # a definition list
@example("- [ ] r")  # a list of things to do
@settings(max_examples=500, deadline=None)
def test_no_mixture_of_markup_runs_or_is_fetched(source):
    assert dangers(source) == []


@pytest.mark.parametrize(
    "command",
    [
        r"\href{javascript:alert(1)}{x}",
        r"\url{javascript:alert(1)}",
        r"\require{html}",
        r"\style{background:url(https://example.org)}{x}",
        r"\class{x}{y}",
        r"\cssId{x}{y}",
        r"\htmlData{a=b}{x}",
        r"\bbox[background:url(https://example.org)]{x}",
        r"\mmlToken{mi}[href='javascript:alert(1)']{x}",
        r"\includegraphics{https://example.org/p.png}",
        r"\unicode[x]{65}",
        r"\HREF{x}{y}",
    ],
)
def test_commands_of_formulas_that_link_or_load_are_no_longer_commands(command):
    for source in (f"${command}$", f"$$ a \\\\ {command} $$"):
        made = inert_markdown(source)
        assert command.split("{")[0].split("[")[0] not in made
        assert source == visible(made)


@pytest.mark.parametrize(
    "source",
    [
        "$a < b$ et $x_1 > 0$, **gras** et *italique*",
        "$$\\frac{a}{b} \\leq \\sum_{i < n} x_i \\quad \\text{si } n > 1$$",
        "$\\displaystyle\\urcorner \\hrefx \\classical \\textstyle \\database$",
        "\\begin{align}a &= b \\\\ c &< d\\end{align}",
        "| a | b |\n|---|:-:|\n| 1 | 2 |",
        "- un\n- deux\n\n1. trois\n2. quatre",
        "> citation\n\n## Titre\n\n---",
        "[lien](https://example.org/a_b?c=d#e) et [ancre](#partie-2)",
        "[lien][r]\n\n[r]: https://example.org",
        "```python\nif a < b:\n    x = y[0]\n```",
        "```\na < b and c > d\n```",
        "`a < b` et ~~barré~~",
        "a & b, &eacute;, 5 < 6, a<=b, x <- y",
        "Vraiment ! C'est [important] (voir plus haut).",
        "",
    ],
)
def test_ordinary_markdown_is_left_exactly_as_it_is(source):
    assert source == inert_markdown(source)


def test_ordinary_markdown_renders_as_it_should():
    page = rendered(
        "**gras** et $a < b$, $x_1$\n\n| a |\n|---|\n| 1 |\n\n[lien](https://example.org)"
    )
    assert {"strong", "table", "a"} <= {tag for tag, _ in page.tags}
    assert "$a < b$, $x_1$" in page.text


def test_code_in_a_fence_reads_as_it_was_written():
    code = "x: List[int] = f[0](y)\nif a<b: print('<b>', \"&lt;\", r'\\href')\n# ![x](y)"
    page = rendered(f"```python\n{code}\n```")
    assert code == visible(page.text).strip()
    assert {tag for tag, _ in page.tags} <= {"div", "pre", "span", "code"}


# Outputs.


@pytest.mark.parametrize(
    "output",
    [
        {"output_type": "display_data", "data": {"text/html": "<b>x</b>"}},
        {"output_type": "display_data", "data": {"image/svg+xml": "<svg/>"}},
        {"output_type": "display_data", "data": {"application/javascript": "alert(1)"}},
        {"output_type": "display_data", "data": {"text/markdown": "[x](javascript:1)"}},
        {"output_type": "display_data", "data": {"text/latex": "\\href{x}{y}"}},
        {"output_type": "display_data", "data": {"application/vnd.jupyter.widget-view+json": "{}"}},
        {"output_type": "display_data", "data": {"image/png": "not base64 <script>"}},
        {"output_type": "display_data", "data": {"image/png": JPEG}},
        {"output_type": "display_data", "data": {"image/png": PNG + '" onload="x'}},
        {"output_type": "display_data", "data": {"image/png": ["iVBO"]}},
        {"output_type": "display_data", "data": {"image/gif": "R0lGODlh"}},
        {"output_type": "display_data", "data": None},
        {"output_type": "display_data", "data": [1]},
        {"output_type": "execute_result"},
        {"output_type": "update_display_data", "data": {"text/plain": "x"}},
        {"output_type": ["stream"]},
        {},
    ],
)
def test_an_output_without_text_or_picture_is_dropped(output):
    assert inert_output(output) is None


def test_an_output_keeps_its_text_and_pictures_only():
    raw = {
        "output_type": "execute_result",
        "data": {"text/plain": "<b>", "text/html": "<b>", "image/png": PNG, "image/jpeg": JPEG},
        "metadata": {"image/png": {"alt": "<script>"}},
        "execution_count": 3,
        "extra": 1,
    }
    assert inert_output(raw) == {
        "output_type": "execute_result",
        "data": {"text/plain": "<b>", "image/png": PNG, "image/jpeg": JPEG},
        "metadata": {},
        "execution_count": 3,
    }


@pytest.mark.parametrize("count", ["3", -1, True, None, 2.5, [1]])
def test_an_execution_count_that_is_no_count_is_none(count):
    raw = {"output_type": "execute_result", "data": {"text/plain": "x"}, "execution_count": count}
    assert inert_output(raw)["execution_count"] is None


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"name": "stderr", "text": ["a", "b"]}, {"name": "stderr", "text": "ab"}),
        ({"name": "<b>", "text": "a"}, {"name": "stdout", "text": "a"}),
        ({"text": 3}, {"name": "stdout", "text": ""}),
        ({"text": "\ud800\x00é\x1b[31m"}, {"name": "stdout", "text": "\ufffd\ufffdé\x1b[31m"}),
    ],
)
def test_a_stream_is_text_that_can_be_written_to_a_file(raw, expected):
    assert {"output_type": "stream", **expected} == inert_output({"output_type": "stream"} | raw)


def test_an_error_is_text():
    raw = {"output_type": "error", "ename": 3, "evalue": "\ud800", "traceback": ["a", None]}
    expected = {"output_type": "error", "ename": "", "evalue": "\ufffd", "traceback": ["a", ""]}
    assert expected == inert_output(raw)
    assert inert_output({"output_type": "error", "traceback": "x"})["traceback"] == []


# Cells.


def test_a_students_raw_cell_becomes_text_in_a_fence_that_it_cannot_close():
    source = "```\n````\n<script>alert(1)</script>\n~~~\n[x](javascript:alert(1))"
    made = inert_cell({"cell_type": "raw", "source": source, "metadata": {}}, students=True)
    assert made["cell_type"] == "markdown"
    parser = _Tags()
    parser.feed(markdown2html_mistune(made["source"]))
    assert {tag for tag, _ in parser.tags} <= {"pre", "code"}
    assert source == visible(parser.text).strip()


def test_attachments_go_and_code_stays():
    cell = {"cell_type": "markdown", "source": "x", "attachments": {"a": {}}, "metadata": {}}
    assert "attachments" not in inert_cell(cell, students=True)
    assert "attachments" in cell
    code = {"cell_type": "code", "source": "a<b", "outputs": [{"output_type": "x"}]}
    assert inert_cell(code, students=True) == {"cell_type": "code", "source": "a<b", "outputs": []}


def test_the_instructors_text_keeps_its_html():
    cell = {"cell_type": "markdown", "source": "<b>x</b>", "metadata": {}}
    assert inert_cell(cell, students=False)["source"] == "<b>x</b>"


def test_a_sentence_takes_only_printable_text():
    assert printable("é\x1b[2J\ud800\n\t" + "x" * 10, 9) == "é\ufffd[2J\ufffd\n\tx"
    assert printable(3, 10) == ""


# What hides behind another spelling.


@pytest.mark.parametrize(
    "reference",
    ["&#92;", "&#092", "&#x5c;", "&#X5C", "&bsol;", "&#104;", "&#x68;", "&#104", "&fjlig;"],
)
def test_a_reference_to_a_backslash_or_a_letter_is_shown_as_it_was_typed(reference):
    page = rendered(f"a {reference} b")
    assert visible(page.text).strip() == f"a {reference} b"
    made = rendered(f"&#36;\\\\{reference}ref{{javascript:alert(1)}}{{x}}&#36;").text
    assert not re.search(r"\\+(?:href|ref)", made)


@pytest.mark.parametrize(
    "source",
    ["&eacute; &amp; &lt; &#233; &#36; &#124; &nbsp;", "AT&T, a&b, R&D; &&", "&#; &#x; &;"],
)
def test_other_references_are_left_exactly_as_they_are(source):
    assert source == inert_markdown(source)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("\x1b[31mred\x1b[0m \x1b[1;38;5;4mx\x1b[m", None),
        ("\x1b]8;;javascript:alert(1)\x07x", "\ufffd]8;;javascript:alert(1)\x07x"),
        ("\x1b]0;title\x1b\\", "\ufffd]0;title\ufffd\\"),
        ("\x1b[2J\x1b[1;1H", "\ufffd[2J\ufffd[1;1H"),
        ("\x1bP0;1|x", "\ufffdP0;1|x"),
        ("\x9b31m", "\ufffd31m"),
        (" 10%\r 20%\r\n\t\x08", None),
    ],
)
def test_outputs_keep_colours_and_no_other_sequence_of_a_terminal(text, kept):
    kept = text if kept is None else kept
    stream = inert_output({"output_type": "stream", "name": "stdout", "text": text})
    assert stream["text"] == kept
    result = inert_output({"output_type": "display_data", "data": {"text/plain": text}})
    assert result["data"]["text/plain"] == kept
    error = {"output_type": "error", "ename": text, "evalue": text, "traceback": [text]}
    assert inert_output(error) == error | {
        "ename": kept, "evalue": kept, "traceback": [kept],
    }  # fmt: skip
