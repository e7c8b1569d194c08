"""What a student wrote or displayed, made harmless before an instructor's browser shows it.

Markdown keeps its words and loses its HTML; outputs keep text and pictures.  Nothing that a
browser would execute or fetch is left, so that no template has to be trusted with it.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from typing import Any

_IMAGES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}
# Every other control character, and halves of characters, which no file or database takes.
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_HALVES = re.compile(r"[\x00\ud800-\udfff]")
MAX_ESCAPES = 10_000
"""Changes of colour in one text; what shows them takes a time that grows with the square."""

# U+2063, invisible separator: takes no room in text, code or a formula, and is not white space.
_BREAK = "\u2063"
_SAFE = r"\s*(?:https?://|mailto:|#)"
_DANGERS = tuple(
    re.compile(pattern, re.IGNORECASE | re.MULTILINE)
    for pattern in (
        # A tag, a comment, an autolink: '<' with a letter, '/', '!' or '?' behind it.
        r"<(?=[a-z/!?])",
        # A link or the definition of one, unless it goes to the web.
        rf"\](?=\((?!{_SAFE}))",
        rf"\](?=:(?!{_SAFE}))",
        # A picture: one from elsewhere tells its server who reads the submission, and when.
        r"!(?=\[)",
        # MathJax commands that make links, set styles or load code.
        r"\\(?=(?:href|url|require|class|cssId|style|data|unicode|html[a-z]*|bbox|mmlToken"
        r"|includegraphics)(?![a-z]))",
        # A fenced block whose language is a program of the viewer's: mermaid, its like and
        # whatever spells it.
        r"(?:```|~~~)(?=[ \t]*+(?!(?:python3?|py|text|bash|sh|console|json|latex|tex)?[ \t]*$)"
        r"[^\s`~])",
    )
)


# Written as a character reference, a backslash or a letter would get past the patterns above and
# be there again when the page's MathJax reads its text.
_REFERENCE = re.compile(r"&(?=(#\d+|#[xX][0-9a-fA-F]+|[A-Za-z][A-Za-z0-9]*);?)")
# Colours and the like (SGR) are the only sequences that outputs keep: others move the cursor,
# set a terminal's title or make links.
_ESCAPE = re.compile(r"\x1b(?!\[[0-9;]*m)|\x9b")


def printable(value: object, most: int) -> str:
    """Return at most ``most`` characters of a text for a sentence; "" for what is no text."""
    return _UNPRINTABLE.sub("\ufffd", value[:most]) if isinstance(value, str) else ""


def inert_markdown(source: str) -> str:
    """Return Markdown that reads the same, without HTML, pictures or links that run code.

    What begins such a thing is broken by an invisible character, whether or not a renderer would
    take the place for code or a formula: renderers do not agree on that, and a text that means
    to deceive would use it.
    """
    for danger in _DANGERS:
        source = danger.sub(lambda match: match[0] + _BREAK, source)
    return _REFERENCE.sub(_broken_reference, source)


def _broken_reference(match: re.Match[str]) -> str:
    meant = html.unescape(f"&{match[1]};")[:1]
    spelled = meant == "\\" or (meant.isascii() and meant.isalpha())
    return match[0] + _BREAK if spelled else match[0]


def inert_output(output: dict[str, Any]) -> dict[str, Any] | None:
    """Return an output with text and pictures only; None if nothing is left."""
    kind = output.get("output_type")
    if kind == "stream":
        name = "stderr" if output.get("name") == "stderr" else "stdout"
        return {"output_type": "stream", "name": name, "text": _shown(output.get("text"))}
    if kind == "error":
        trace = output.get("traceback")
        return {
            "output_type": "error",
            "ename": _shown(output.get("ename")),
            "evalue": _shown(output.get("evalue")),
            "traceback": [_shown(line) for line in trace] if isinstance(trace, list) else [],
        }
    if kind not in ("display_data", "execute_result"):
        return None
    raw = output.get("data")
    data: dict[str, Any] = {}
    for mime, value in (raw if isinstance(raw, dict) else {}).items():
        if mime == "text/plain":
            data[mime] = _shown(value)
        elif mime in _IMAGES and _is_image(mime, value):
            data[mime] = value
    if not data:
        return None
    result: dict[str, Any] = {"output_type": kind, "data": data, "metadata": {}}
    if kind == "execute_result":
        count = output.get("execution_count")
        result["execution_count"] = count if type(count) is int and count >= 0 else None
    return result


def inert_cell(cell: dict[str, Any], *, students: bool) -> dict[str, Any]:
    """Return a cell (nbformat 4 data) that no browser will execute anything of.

    Code stays as it is: every template escapes it.

    Parameters
    ----------
    cell
        With outputs, if it is code: those of any cell come from the student's kernel.
    students
        Whether the text is the student's; the instructor's may hold HTML.
    """
    made = dict(cell)
    made.pop("attachments", None)
    if made["cell_type"] == "markdown" and students:
        made["source"] = inert_markdown(_text(made["source"]))
    elif made["cell_type"] == "raw" and students:
        # A raw cell is written into HTML as it is.
        made["cell_type"] = "markdown"
        text = _text(made["source"])
        longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
        fence = "`" * max(3, longest + 1)
        made["source"] = inert_markdown(f"{fence}\n{text}\n{fence}")
    if made["cell_type"] == "code":
        outputs = (inert_output(output) for output in made.get("outputs") or ())
        made["outputs"] = [output for output in outputs if output is not None]
    return made


def _text(value: object) -> str:
    if isinstance(value, list):
        value = "".join(part for part in value if isinstance(part, str))
    return _HALVES.sub("\ufffd", value) if isinstance(value, str) else ""


def _shown(value: object) -> str:
    text = _text(value)
    if text.count("\x1b") > MAX_ESCAPES:
        text = text.replace("\x1b", "")
    return _ESCAPE.sub("\ufffd", text)


def _is_image(mime: str, value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        head = base64.b64decode(value[:64].replace("\n", "") + "===", validate=False)
        base64.b64decode(value.replace("\n", ""), validate=True)
    except (binascii.Error, ValueError):
        return False
    return head.startswith(_IMAGES[mime])
