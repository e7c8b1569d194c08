"""Leftovers of Colab in a right answer: what cannot run here costs nothing else.

A statement that would stop the cell before the student's own definitions is blanked, lines kept
in their places; a device that does not exist here becomes the CPU.  Each repair has a sentence.
A cell that does not parse, or needs no repair, is left exactly as it is.
"""

from __future__ import annotations

import ast
import re

from nbjudge.i18n import gettext as _

_ESCAPE = re.compile(r"^[ \t]*[!%]", re.MULTILINE)
_INSTALL = re.compile(
    r"^[ \t]*[!%]\s*(pip|pip3|conda|apt|apt-get|wget|curl|git)\b.*$", re.MULTILINE
)


def repair_leftovers(source: str) -> tuple[str, tuple[str, ...]]:
    """Return the code to run, and a sentence for each repair."""
    repairs: list[str] = []
    if source.lstrip().startswith("%%"):
        return source, ()
    if _INSTALL.search(source):
        source = _INSTALL.sub(_pass_line, source)
        repairs.append(
            _("A line that installs or downloads was not run: there is no network here.")
        )
    if "google.colab" in source:
        source, done = _without_colab(source)
        if done:
            repairs.append(_("Lines that use google.colab were not run."))
    if "cuda" in source:
        source, done = _on_cpu(source)
        if done:
            repairs.append(_("The device « cuda » was replaced by « cpu »: there is no GPU here."))
    return source, tuple(repairs)


def _pass_line(match: re.Match[str]) -> str:
    line = match[0]
    indent = line[: len(line) - len(line.lstrip())]
    return f"{indent}pass  # {line.strip()}"


def _parse(source: str) -> ast.Module | None:
    # IPython's own lines do not parse as Python; a statement of the same length stands in.
    plain = re.sub(r"^([ \t]*)[!%].*$", lambda m: f"{m[1]}pass", source, flags=re.MULTILINE)
    try:
        return ast.parse(plain)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _without_colab(source: str) -> tuple[str, bool]:
    tree = _parse(source)
    if tree is None:
        return source, False
    names: set[str] = set()
    blanked: list[tuple[int, int, int]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("google.colab"):
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "google":
            if any(alias.name == "colab" for alias in node.names):
                names |= {alias.asname or alias.name for alias in node.names}
            else:
                continue
        elif isinstance(node, ast.Import) and any(
            alias.name.startswith("google.colab") for alias in node.names
        ):
            names |= {alias.asname or "google" for alias in node.names}
        else:
            continue
        blanked.append((node.lineno, node.end_lineno or node.lineno, node.col_offset))
    for node in ast.walk(tree):
        # drive.mount(...), files.upload(): statements that use what was imported.
        value = node.value if isinstance(node, ast.Expr | ast.Assign) else None
        if isinstance(node, ast.Expr | ast.Assign) and isinstance(value, ast.Call):
            root: ast.expr = value.func
            while isinstance(root, ast.Attribute):
                root = root.value
            if isinstance(root, ast.Name) and root.id in names:
                blanked.append((node.lineno, node.end_lineno or node.lineno, node.col_offset))
    lines = source.splitlines(keepends=True)
    for first, last, column in blanked:
        for number in range(first, last + 1):
            text = lines[number - 1].rstrip("\n")
            indent = " " * column if number == first else ""
            keep = "pass  " if number == first else ""
            lines[number - 1] = f"{indent}{keep}# {text.strip()}\n"
    return "".join(lines), bool(blanked)


def _on_cpu(source: str) -> tuple[str, bool]:
    tree = _parse(source)
    if tree is None:
        return source, False
    edits: list[tuple[int, int, int, str]] = []
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "cuda"
            and node.end_lineno == node.func.end_lineno == node.func.value.end_lineno
        ):
            # model.cuda() -> model.cpu(); torch.cuda.is_available() is not such a call.
            start = node.func.value.end_col_offset or 0
            edits.append((node.end_lineno or 1, start, node.end_col_offset or 0, ".cpu()"))
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and re.fullmatch(r"cuda(:\d+)?", node.value)
            and node.end_lineno == node.lineno
        ):
            edits.append((node.lineno, node.col_offset, node.end_col_offset or 0, '"cpu"'))
    if _only_guarded(source, edits):
        return source, False
    lines = [line.encode("utf-8") for line in source.splitlines(keepends=True)]
    for number, start, end, text in sorted(edits, reverse=True):
        line = lines[number - 1]
        lines[number - 1] = line[:start] + text.encode() + line[end:]
    return b"".join(lines).decode("utf-8", "replace"), bool(edits)


def _only_guarded(source: str, edits: list[tuple[int, int, int, str]]) -> bool:
    """Whether every mention stands on a line that asks ``is_available()`` first."""
    lines = source.splitlines()
    return all("is_available" in lines[number - 1] for number, *_rest in edits)
