"""Formulas become MathML that browsers can lay out, and nothing but MathML."""

import html.parser
import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbjudge.formulas import _ATTRIBUTES, _ELEMENTS, MAX_LENGTH, mathml

SOURCES = sorted((Path(__file__).resolve().parents[2] / "source").glob("*/*.ipynb"))


class _Elements(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.elements, self.text = [], ""

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def handle_comment(self, data):
        self.elements.append(("comment", {}))


def parsed(latex, *, block=False):
    made = mathml(latex, block=block)
    assert made is not None
    parser = _Elements()
    parser.feed(made)
    parser.close()
    return parser


def inside(latex):
    """What stands inside <math><mrow>."""
    made = mathml(latex, block=False)
    return re.fullmatch('<math display="inline"><mrow>(.*)</mrow></math>', made)[1]


def formulas_of_the_course():
    for path in SOURCES:
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            if cell["cell_type"] == "markdown":
                found = re.findall(r"\$\$(.+?)\$\$|\$(.+?)\$", "".join(cell["source"]), re.DOTALL)
                yield from (block or inline for block, inline in found)


def test_every_formula_of_the_course_is_converted():
    every = list(formulas_of_the_course())
    assert len(every) > 100
    assert [latex for latex in every if mathml(latex, block=False) is None] == []


@pytest.mark.parametrize(
    ("latex", "expected"),
    [
        (r"\beta", "<mi>β</mi>"),
        (r"\Phi", '<mi mathvariant="normal">Φ</mi>'),
        (r"\mathbf x", "<mi>𝐱</mi>"),
        (r"\mathbf{1}", "<mrow><mn>𝟏</mn></mrow>"),
        (r"\boldsymbol{\mu}", "<mrow><mi>𝝁</mi></mrow>"),
        (r"\mathbb{R}", "<mi>ℝ</mi>"),
        (r"a\sim b", "<mi>a</mi><mo>∼</mo><mi>b</mi>"),
        ("a-b", "<mi>a</mi><mo>−</mo><mi>b</mi>"),
        ("-b", '<mo form="prefix">−</mo><mi>b</mi>'),
        ("x=-1", '<mi>x</mi><mo>=</mo><mo form="prefix">−</mo><mn>1</mn>'),
        (
            "0{,}5",
            '<mn>0</mn><mrow><mo lspace="0em" rspace="0em">,</mo></mrow><mn>5</mn>',
        ),
        ("1/2", '<mn>1</mn><mo lspace="0em" rspace="0em">/</mo><mn>2</mn>'),
        (r"\frac12", "<mfrac><mn>1</mn><mn>2</mn></mfrac>"),
        ("a<b", "<mi>a</mi><mo>&lt;</mo><mi>b</mi>"),
    ],
)
def test_a_formula_is_laid_out_as_tex_does(latex, expected):
    assert inside(latex) == expected


@pytest.mark.parametrize(
    "environment",
    ["align", "align*", "aligned", "gather", "gathered", "eqnarray*", "split", "equation"],
)
def test_environments_of_several_lines_become_tables(environment):
    lines = r"a &= b \\ &= c"
    if environment == "equation":
        lines = rf"\begin{{aligned}}{lines}\end{{aligned}}"
    made = parsed(rf"\begin{{{environment}}}{lines}\label{{eq:1}}\nonumber\end{{{environment}}}")
    tags = [tag for tag, _ in made.elements]
    assert tags.count("mtr") == 2
    assert "eq" not in made.text
    assert "&" not in made.text


def test_a_display_stands_on_its_own_line():
    assert parsed("x", block=True).elements[0] == ("math", {"display": "block"})
    assert parsed("x").elements[0] == ("math", {"display": "inline"})


@pytest.mark.parametrize("latex", [r"\operatorname{arg\,min}_w", r"\arg\min_w"])
def test_operators_with_a_space_are_one_operator(latex):
    text = re.sub(r"\s", "", parsed(latex).text)
    assert text == "argminw"


@pytest.mark.parametrize(
    "latex",
    [
        r"\unknown{x}",
        r"\frac",
        r"\left( x",
        r"x_a_b",
        r"\newcommand{\x}{\x\x}\x",
        r"\def\x{y}\x",
        "x" * (MAX_LENGTH + 1),
        "{" * 1400 + "x" + "}" * 1400,
    ],
)
def test_what_cannot_be_converted_is_left_to_be_shown_as_it_was_typed(latex):
    assert mathml(latex, block=False) is None


HOSTILE = [
    r"\text{<script>alert(1)</script>}",
    r"\text{&lt;script&gt;alert(1)&lt;/script&gt;}",
    r"\text{</mtext></math><script>alert(1)</script>}",
    r"\mbox{<img src=x onerror=alert(1)>}",
    r"\operatorname{<img src=x onerror=alert(1)>}",
    r"\tag{<img src=x onerror=alert(1)>} x",
    r"\unicode{x3c}script\unicode{x3e}",
    r"\href{javascript:alert(1)}{x}",
    "\\\u2063href{javascript:alert(1)}{x}",
    r"\class{a\" onmouseover=\"alert(1)}{x}",
    r"\style{background:url(https://example.org)}{x}",
    r"\color{red\" onclick=\"alert(1)}{x}",
    r"\colorbox{red;background:url(//example.org)}{x}",
    r"\rule{1em\"/><script>}{1em}",
    r"\hspace{1em\" onclick=\"alert(1)} x",
    r"\begin{array}{c\" onclick=\"alert(1)} x \end{array}",
    r"a<img src=x onerror=alert(1)>",
    r"<script>alert(1)</script>",
    r"\left<script\right>",
]  # fmt: skip


def dangers(made):
    if made is None:
        return []
    parser = _Elements()
    parser.feed(made)
    parser.close()
    return [
        (tag, attributes)
        for tag, attributes in parser.elements
        if tag not in _ELEMENTS
        or attributes.keys() - _ATTRIBUTES
        or any(":" in value or ";" in value for value in attributes.values())
    ]


def test_no_element_or_attribute_that_may_appear_links_loads_or_runs():
    assert not _ELEMENTS & {"script", "a", "annotation-xml", "maction", "img", "semantics"}
    assert not {n for n in _ATTRIBUTES if n.startswith("on") or n in {"href", "src", "style"}}


@pytest.mark.parametrize("latex", HOSTILE)
def test_a_formula_is_never_anything_but_mathematics(latex):
    assert dangers(mathml(latex, block=True)) == []


# fmt: off
FRAGMENTS = st.sampled_from([
    "<", ">", "script", "img src=x onerror=y", "\\text{", "\\frac", "{", "}", "\\left(", "\\right)",
    "&", "&lt;", "&#60;", "\\\\", "\\href{javascript:x}", "\\unicode{x3c}", "^", "_", "a", "1",
    " ", "\\begin{cases}", "\\end{cases}", "\\begin{array}{ll}", "\\end{array}", "\\tag{", '"',
    "'", "\\operatorname{", "\\color{", "\\mathbf ", "-", "\\Sigma", "$", "\\hspace{", "\\",
])
# fmt: on


@given(st.lists(FRAGMENTS, max_size=20).map("".join))
@settings(max_examples=500, deadline=None)
def test_no_mixture_of_commands_is_anything_but_mathematics(latex):
    assert dangers(mathml(latex, block=False)) == []
