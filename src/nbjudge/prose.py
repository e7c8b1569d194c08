"""Markdown as HTML for a page without scripts: text, code, tables, formulas, pictures inside it.

Nothing on the page is fetched: a picture of the assignment's files is put into the page, one from
elsewhere becomes a link.
"""

from __future__ import annotations

import base64
import posixpath
import re
from collections.abc import Mapping
from functools import lru_cache
from html import escape
from typing import Any, cast
from urllib.parse import unquote

from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from nbjudge.formulas import mathml

_PICTURES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".svg": "image/svg+xml",
}
MAX_LENGTH = 50_000
"""Characters of a student's text; a longer one is shown as it was typed: converters take a time
that grows faster than their input."""
_WEB = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)


def html_of(
    markdown: str,
    *,
    trusted: bool,
    files: Mapping[str, bytes] | None = None,
    headings_from: int = 2,
) -> str:
    """Return Markdown as HTML.

    Parameters
    ----------
    markdown
        With formulas between dollars.
    trusted
        Whether HTML in it is kept: the instructor's; never a student's.
    files
        By path: where the pictures of a trusted text are looked for.
    headings_from
        Level of a heading of the first level.
    """
    if not trusted:
        markdown = markdown.replace("\u2063", "")  # see nbjudge.inert; this page has its own locks
        if len(markdown) > MAX_LENGTH:
            return f"<pre>{escape(markdown)}</pre>"
    renderer = _Renderer(trusted, files or {}, headings_from)
    return cast(str, MarkdownWithMath(renderer=renderer).render(markdown))


def inline_html_of(markdown: str) -> str:
    """Return one line of Markdown as HTML that may stand in a link or a heading."""
    made = MarkdownWithMath(renderer=_OneLine(trusted=False, files={}, headings_from=2))
    return re.sub(r"</?p>", "", made.render(markdown.strip())).strip()


@lru_cache(maxsize=512)
def code_html_of(source: str, language: str) -> str:
    """Return code as HTML, its words in classes of ``code_css``."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    if len(source) > 2 * MAX_LENGTH:
        return f"{_SCROLLS}<pre>{escape(source)}</pre></div>"
    name = {"python": "ipython3", "python3": "ipython3"}.get(language, language)
    try:
        lexer = get_lexer_by_name(name, stripnl=False)
    except ClassNotFound:
        return f"{_SCROLLS}<pre>{escape(source)}</pre></div>"
    made = cast(str, highlight(source, lexer, HtmlFormatter()))
    return made.replace('<div class="highlight">', _SCROLLS, 1)


_SCROLLS = '<div class="highlight" tabindex="0">'
"""What is wider than a phone scrolls in its own box, and a keyboard must reach that box."""


@lru_cache(maxsize=1)
def code_css() -> str:
    """Return the style sheet of :func:`code_html_of`; its colours are legible on white."""
    from pygments.formatters import HtmlFormatter

    rules = HtmlFormatter(style="default").get_style_defs(".highlight")
    return re.sub(r"\s*/\*.*?\*/", "", rules)


class _Renderer(IPythonRenderer):  # type: ignore[misc]
    def __init__(self, trusted: bool, files: Mapping[str, bytes], headings_from: int) -> None:
        super().__init__(
            escape=not trusted, allow_harmful_protocols=False, exclude_anchor_links=True
        )
        self._trusted = trusted
        self._files = files
        self._shift = headings_from - 1

    def heading(self, text: str, level: int, **_attributes: Any) -> str:
        level = min(level + self._shift, 6)
        return f"<h{level}>{text}</h{level}>\n"

    def block_code(self, code: str, info: str | None = None) -> str:
        language = (info or "").split()[0:1]
        return code_html_of(code, language[0] if language else "text")

    def link(self, text: str, url: str, title: str | None = None) -> str:
        # To a place of another page, or of no page: the text alone.
        if not _WEB.match(url):
            return text
        return f'<a href="{escape(url)}" rel="noopener noreferrer">{text}</a>'

    def image(self, text: str, url: str, title: str | None = None) -> str:
        words = escape(text)
        path = posixpath.normpath(unquote(url))
        kind = _PICTURES.get(posixpath.splitext(path)[1].lower())
        if self._trusted and kind and path in self._files:
            data = base64.b64encode(self._files[path]).decode()
            return f'<img src="data:{kind};base64,{data}" alt="{words}">'
        return self.link(words or escape(url), url)

    def block_math(self, body: str) -> str:
        return self._formula(body, block=True)

    def inline_math(self, body: str) -> str:
        return self._formula(body, block=False)

    def latex_environment(self, name: str, body: str) -> str:
        return self._formula(rf"\begin{{{name}}}{body}\end{{{name}}}", block=True)

    @staticmethod
    def _formula(latex: str, *, block: bool) -> str:
        made = mathml(latex, block=block)
        if made is None:
            return f'<code class="formula">{escape(latex.strip())}</code>'
        return f'<span class="formula" tabindex="0">{made}</span>' if block else made

    def table(self, text: str) -> str:
        return f'<div class="scroll" tabindex="0"><table>\n{text}</table></div>\n'

    def table_cell(self, text: str, align: str | None = None, head: bool = False) -> str:
        tag, scope = ("th", ' scope="col"') if head else ("td", "")
        style = f' style="text-align:{align}"' if align else ""
        return f"  <{tag}{scope}{style}>{text}</{tag}>\n"


class _OneLine(_Renderer):
    """Without what may not stand inside a link."""

    def link(self, text: str, url: str, title: str | None = None) -> str:
        return text
