"""What a student wrote or displayed, made harmless before an instructor's browser shows it.

Markdown keeps its Markdown and loses its HTML; outputs keep text and pictures.  Nothing that a
browser would execute or fetch is left, so that no template has to be trusted with it.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from typing import Any

_IMAGES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}
_LINK = re.compile(r"(!?)\[((?:[^\[\]\\]|\\.)*)\]\(\s*<?([^)\s>]*)>?[^)]*\)")
_REFERENCE = re.compile(r"^\s{0,3}\[([^\]]+)\]:\s*\S+.*$", re.MULTILINE)
_SAFE_URL = re.compile(r"^(https?://|#|attachment:)", re.IGNORECASE)
# MathJax commands that make links, set classes or load code.
_MATH = re.compile(r"\\(href|url|require|class|cssId|style|data|unicode|html\w*)\b")


def inert_markdown(source: str) -> str:
    """Return Markdown without HTML, pictures from elsewhere or links that run code."""

    def link(match: re.Match[str]) -> str:
        picture, text, url = match.groups()
        if picture:
            # A picture from elsewhere tells its server who reads the submission, and when.
            return match[0] if url.lower().startswith("attachment:") else f"[{text}]"
        return f"[{text}]({url})" if _SAFE_URL.match(url) else f"[{text}]"

    # Unescape first: `&#x6a;avascript:` and `&lt;` must not slip past or be escaped twice.
    text = html.unescape(source)
    text = _REFERENCE.sub(r"[\1]", text)
    text = _LINK.sub(link, text)
    text = _MATH.sub(r"\\text{\1}", text)
    # '>' stays: it quotes at the start of a line and compares in formulas, harmless without '<'.
    return text.replace("<", "&lt;")


def inert_output(output: dict[str, Any]) -> dict[str, Any] | None:
    """Return an output with text and pictures only; None if nothing is left."""
    kind = output.get("output_type")
    if kind == "stream":
        name = "stderr" if output.get("name") == "stderr" else "stdout"
        return {"output_type": "stream", "name": name, "text": _text(output.get("text"))}
    if kind == "error":
        trace = output.get("traceback")
        return {
            "output_type": "error",
            "ename": _text(output.get("ename")),
            "evalue": _text(output.get("evalue")),
            "traceback": [_text(line) for line in trace] if isinstance(trace, list) else [],
        }
    if kind not in {"display_data", "execute_result"}:
        return None
    raw = output.get("data")
    data: dict[str, Any] = {}
    for mime, value in (raw if isinstance(raw, dict) else {}).items():
        if mime == "text/plain":
            data[mime] = _text(value)
        elif mime in _IMAGES and _is_image(mime, value):
            data[mime] = value
    if not data:
        return None
    result: dict[str, Any] = {"output_type": kind, "data": data, "metadata": {}}
    if kind == "execute_result":
        count = output.get("execution_count")
        result["execution_count"] = count if isinstance(count, int) else None
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
        made["source"] = inert_markdown(
            "```\n" + _text(made["source"]).replace("```", "") + "\n```"
        )
    if made["cell_type"] == "code":
        outputs = (inert_output(output) for output in made.get("outputs", ()))
        made["outputs"] = [output for output in outputs if output is not None]
    return made


def _text(value: object) -> str:
    if isinstance(value, list):
        return "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""


def _is_image(mime: str, value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        head = base64.b64decode(value[:64].replace("\n", "") + "===", validate=False)
        base64.b64decode(value.replace("\n", ""), validate=True)
    except (binascii.Error, ValueError):
        return False
    return head.startswith(_IMAGES[mime])
