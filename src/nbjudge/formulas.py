"""LaTeX formulas as MathML: a page shows them without a script, offline, to a screen reader too.

The elements come from ``latex2mathml``; the markup is written here, from lists of what MathML
elements and attributes may appear, because a formula is as much a student's text as anything.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from html import escape, unescape
from typing import Any

MAX_LENGTH = 3000
"""Characters; a longer formula is shown as it was typed."""

# fmt: off
_ELEMENTS = frozenset({
    "math", "menclose", "mfrac", "mi", "mmultiscripts", "mn", "mo", "mover", "mpadded",
    "mphantom", "mprescripts", "mroot", "mrow", "mspace", "msqrt", "mstyle", "msub", "msubsup",
    "msup", "mtable", "mtd", "mtext", "mtr", "munder", "munderover", "none",
})
_ATTRIBUTES = frozenset({
    "accent", "columnalign", "columnlines", "columnspacing", "depth", "display", "displaystyle",
    "fence", "form", "height", "largeop", "linethickness", "lspace", "mathvariant", "maxsize",
    "minsize", "movablelimits", "notation", "rowlines", "rowspacing", "rspace", "scriptlevel",
    "separator", "stretchy", "voffset", "width",
})
# fmt: on
_VALUE = re.compile(r"[-+.\w ]{1,40}")
# What writes to the right of itself without end, or defines what does.
_PROGRAMS = re.compile(r"\\(?:new|renew|provide)command|\\[gex]?def\b|\\let\b|\\newenvironment")
_FONT = re.compile(
    r"\\(math(?:bf|bb|cal|rm|it|sf|tt|frak|scr)|boldsymbol|bm)\s+([A-Za-z0-9]|\\[A-Za-z]+)"
)
_ENVIRONMENTS = {
    "aligned": "align*",
    "align": "align*",
    "alignat": "align*",
    "eqnarray": "align*",
    "eqnarray*": "align*",
    "gather": "align*",
    "gather*": "align*",
    "gathered": "align*",
    "split": "align*",
    "dcases": "cases",
}
_WRAPPERS = re.compile(r"\\(?:begin|end)\{(?:equation|displaymath|math|multline)\*?\}")
_ENVIRONMENT = re.compile(r"\\(begin|end)\{([a-z]+\*?)\}")


# The instructor's formulas are the same on every page.
@lru_cache(maxsize=4096)
def mathml(latex: str, *, block: bool) -> str | None:
    """Return a formula as a ``<math>`` element; None for one that cannot be converted.

    Parameters
    ----------
    latex
        Without its dollars.
    block
        On a line of its own.
    """
    from latex2mathml.converter import convert_to_element

    if len(latex) > MAX_LENGTH or _PROGRAMS.search(latex):
        return None
    try:
        element = convert_to_element(_plain(latex), display="block" if block else "inline")
        return _written(element)
    except Exception:  # the converter raises whatever it meets; the text is shown as it was typed
        return None


class _Unknown(Exception):
    """A command that the converter does not know."""


def _plain(latex: str) -> str:
    """Say with the commands that the converter knows what it says with others."""
    latex = latex.replace("\u2063", "")  # see nbjudge.inert
    latex = _WRAPPERS.sub("", latex)
    latex = _ENVIRONMENT.sub(
        lambda match: rf"\{match[1]}{{{_ENVIRONMENTS.get(match[2], match[2])}}}", latex
    )
    latex = re.sub(r"\\label\{[^{}]*\}|\\(?:nonumber|notag)\b", "", latex)
    latex = re.sub(r"\\operatorname\*?\{arg\s*(?:\\[,; ])?\s*(min|max)\}", r"\\arg\1 ", latex)
    latex = re.sub(r"\\arg(?![a-z])", r"\\operatorname{arg}", latex)
    return _FONT.sub(r"\\\1{\2}", latex)


_RELATIONS = {":": ":", ";": ";", "~": "\N{TILDE OPERATOR}"}
_CLOSING = frozenset(")]}⟩|‖!")


def _written(element: Any, *, prefix: bool = False, tight: bool = False) -> str:
    """Return an element as text.

    Parameters
    ----------
    prefix
        Whether a sign here belongs to what follows it.
    tight
        Whether no room is left around an operator.
    """
    tag = element.tag
    if tag not in _ELEMENTS:
        raise _Unknown(tag)
    text = unescape(element.text or "")
    if text.startswith("\\") and len(text) > 1:
        raise _Unknown(text)
    attributes = {
        name: value
        for name, value in element.attrib.items()
        if name in _ATTRIBUTES and _VALUE.fullmatch(value)
    }
    if tag == "mi" and text in _RELATIONS:
        tag, text = "mo", _RELATIONS[text]
    if tag == "mo" and prefix and text in ("−", "-", "+", "±", "∓"):
        attributes["form"] = "prefix"
    if tag == "mo" and (tight or text == "/"):
        attributes |= {"lspace": "0em", "rspace": "0em"}
    text = "".join(_styled(letter, attributes.get("mathvariant", "")) for letter in text)
    if attributes.get("mathvariant") != "normal":
        attributes.pop("mathvariant", None)
    # As in TeX: capital Greek letters stand upright.
    if tag == "mi" and len(text) == 1 and "Α" <= text <= "Ω":
        attributes["mathvariant"] = "normal"
    written = "".join(f' {name}="{escape(value)}"' for name, value in attributes.items())
    return f"<{tag}{written}>{escape(text)}{_children(element)}</{tag}>"


def _children(element: Any) -> str:
    alone = element.tag == "mrow" and len(element) == 1  # "0{,}5": the braces take the room away
    made, prefix = "", True
    for child in element:
        sign = unescape(child.text or "")
        made += _written(child, prefix=prefix, tight=alone and sign == ",")
        prefix = child.tag == "mo" and sign not in _CLOSING
    return made


def _styled(letter: str, variant: str) -> str:
    """Return the letter of Unicode's mathematical alphabet: browsers know no other way to it."""
    if variant in ("", "normal", "italic"):
        return letter
    words = unicodedata.name(letter, "").split()
    if len(words) == 4 and words[0] in ("LATIN", "GREEK") and words[2] == "LETTER":
        name = f"{words[1]} {words[3]}"
    elif len(words) == 2 and words[0] == "DIGIT":
        name = f"DIGIT {words[1]}"
    else:
        return letter
    style = variant.upper().replace("-", " ").replace("DOUBLE STRUCK", "DOUBLE-STRUCK")
    try:
        return unicodedata.lookup(f"MATHEMATICAL {style} {name}")
    except KeyError:
        return letter
