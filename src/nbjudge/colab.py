"""Leftovers of Colab in a right answer: what cannot run here costs nothing else.

A statement that would stop the cell before the student's own definitions is taken out, lines
kept in their places; a device that does not exist here becomes the CPU.  Each repair has a
sentence.  A cell that does not parse, or needs no repair, is left exactly as it is.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from nbjudge.i18n import gettext as _

_TOOLS = r"(?:pip3?|conda|mamba|apt|apt-get|wget|curl|git|gdown|kaggle)"
_DOWNLOAD = re.compile(
    r"[!%]{1,2}\s*(?:sudo\s+)?"
    rf"(?:{_TOOLS}(?:\s|$)|(?:\S*python[\d.]*|\{{sys\.executable\}})\s+-m\s+pip\b)"
    # IPython takes these two for %pip and %conda.
    r"|(?:pip3?|conda)\s+install\b"
)
_COLAB_MAGIC = re.compile(r"[!%].*\bgoogle\.colab\b")
# What IPython reads, and Python does not: magics, shell commands, questions.
_IPYTHON = re.compile(
    r"[!%?]|(?:pip3?|conda)\s+install\b|[\w.\[\]'\", ]+=\s*[!%]\s*[\w./]|[\w.*]+\?{1,2}\s*$"
)
# Cell magics whose body is Python.
_PYTHON_BODY = re.compile(r"%%(?:capture|time|timeit|prun|memit|python3?)\b.*")

_GUARDS = {"is_available", "device_count"}
_IMPORT_ERRORS = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}
_COLAB_CALLS = {
    "drive": {"mount", "flush_and_unmount"},
    "files": {"upload", "download", "view"},
    "auth": {"authenticate_user"},
}
_CUDA = re.compile(r"cuda(:\d+)?")
_DEVICE_CALLS = {"to", "device", "set_default_device"}
_DEVICE_NAMES = re.compile(r"(?:.*_)?(?:device|dev|map_location)", re.IGNORECASE)


def repair_leftovers(source: str) -> tuple[str, tuple[str, ...]]:
    """Return the code to run, and a sentence for each repair."""
    head, body = _cell_magics(source)
    if body is None:
        return source, ()
    repairs_made: list[str] = []
    source, kinds = _without_commands(body)
    if "download" in kinds:
        repairs_made.append(
            _("A line that installs or downloads was not run: there is no network here.")
        )
    colab = "colab" in kinds
    if "google" in source or any(name in source for name in _COLAB_CALLS):
        edited = _edit(source, _colab_edits)
        colab = colab or edited != source
        source = edited
    if colab:
        repairs_made.append(_("Lines that use google.colab were not run."))
    if "cuda" in source:
        edited = _edit(source, _cuda_edits)
        if edited != source:
            repairs_made.append(
                _("The device « cuda » was replaced by « cpu »: there is no GPU here.")
            )
            source = edited
    return head + source, tuple(repairs_made)


def _cell_magics(source: str) -> tuple[str, str | None]:
    """Return the cell magics at the head of a cell, and its body; None if that is no Python."""
    start = 0
    while source.startswith("%%", start):
        line, newline, _rest = source[start:].partition("\n")
        if not _PYTHON_BODY.fullmatch(line):
            return source, None
        start += len(line) + len(newline)
    return source[:start], source[start:]


# Lines that only IPython reads.


@dataclass
class _Command:
    """A magic or a shell command: the lines from ``first`` to ``last``."""

    first: int
    last: int
    kind: str


def _read(source: str) -> tuple[ast.Module | None, list[_Command]]:
    """Return the tree of a cell without its IPython lines, and those lines."""
    tree = _parse(source)
    if tree is not None:
        return tree, []
    lines = source.split("\n")
    commands = []
    number = 0
    while number < len(lines):
        text = lines[number].lstrip()
        if _IPYTHON.match(text):
            first = number
            while lines[number].endswith("\\") and number + 1 < len(lines):
                number += 1
            commands.append(_Command(first, number, _kind(text)))
        number += 1
    return _parse("\n".join(_passed(lines, commands))), commands


def python_tree(source: str) -> ast.Module | None:
    """Return the tree of a cell without its IPython lines; None if that is not Python."""
    _head, body = _cell_magics(source)
    return None if body is None else _read(body)[0]


def _kind(text: str) -> str:
    if _COLAB_MAGIC.match(text):
        return "colab"
    return "download" if _DOWNLOAD.match(text) else "other"


def _passed(lines: list[str], commands: list[_Command]) -> list[str]:
    """Return the lines with ``pass`` in the place of commands, their text as comments."""
    lines = list(lines)
    for command in commands:
        for number in range(command.first, command.last + 1):
            text = lines[number].lstrip()
            indent = lines[number][: len(lines[number]) - len(text)]
            start = f"{indent}pass  # " if number == command.first else "# "
            # A comment that ends with a backslash does not go on, but reads as if it did.
            lines[number] = start + text.rstrip("\\").rstrip()
    return lines


def _without_commands(source: str) -> tuple[str, set[str]]:
    tree, commands = _read(source)
    commands = [command for command in commands if command.kind != "other"]
    if tree is None or not commands:
        return source, set()
    # A line of a text that looks like a command is part of the text.
    texts = [
        range(node.lineno, node.end_lineno or node.lineno)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant | ast.JoinedStr)
    ]
    commands = [c for c in commands if not any(c.first in inside for inside in texts)]
    made = "\n".join(_passed(source.split("\n"), commands))
    return made, {command.kind for command in commands}


def _parse(source: str) -> ast.Module | None:
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "\d" in a student's text is their affair
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


# Edits of Python.


@dataclass(order=True, frozen=True)
class _Edit:
    """Text to put in the place of columns (in UTF-8 bytes) of lines (from 1)."""

    line: int
    column: int
    end_line: int
    end_column: int
    text: str


def _edit(source: str, find: Callable[[ast.Module], Iterator[_Edit]]) -> str:
    """Return the source with the edits found in its tree; as it was if that breaks it."""
    tree, _commands = _read(source)
    if tree is None:
        return source
    lines = [line.encode("utf-8", "replace") for line in source.split("\n")]
    try:
        found = sorted(find(tree))
    except RecursionError:  # an expression without end
        return source
    edits: list[_Edit] = []
    for edit in found:
        # An edit inside another one would find other columns than it was made for.
        previous = edits[-1] if edits else None
        if previous and (edit.line, edit.column) < (previous.end_line, previous.end_column):
            continue
        edits.append(edit)
    for edit in reversed(edits):
        _apply(lines, edit)
    made = b"\n".join(lines).decode("utf-8", "replace")
    return source if _read(made)[0] is None else made


def _apply(lines: list[bytes], edit: _Edit) -> None:
    first, last = edit.line - 1, edit.end_line - 1
    before, after = lines[first][: edit.column], lines[last][edit.end_column :]
    taken = [line.strip() for line in lines[first : last + 1]]
    lines[first] = before + edit.text.encode() + after
    for number in range(first + 1, last + 1):
        lines[number] = b""
    if edit.text == "pass" and not before.strip() and not after.strip():
        # The statement has its lines for itself: they stay, as comments.
        lines[first] = before + b"pass  # " + taken[0]
        for number, text in enumerate(taken[1:], start=first + 1):
            lines[number] = b"# " + text


def _span(node: ast.stmt | ast.expr, text: str) -> _Edit:
    return _Edit(
        node.lineno,
        node.col_offset,
        node.end_lineno or node.lineno,
        node.end_col_offset or node.col_offset,
        text,
    )


# google.colab.


def _colab_edits(tree: ast.Module) -> Iterator[_Edit]:
    guarded = _guarded_imports(tree)
    names: set[str] = set()
    for node in ast.walk(tree):
        if node in guarded or not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        gone = [alias for alias in node.names if _is_colab(node, alias)]
        if not gone:
            continue
        names |= {alias.asname or alias.name.partition(".")[0] for alias in gone}
        kept = [alias for alias in node.names if alias not in gone]
        if kept:
            node.names = kept
            yield _span(node, ast.unparse(node))
        else:
            yield _span(node, "pass")
    stored = {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del)
    }
    bound = stored | {
        (alias.asname or alias.name).partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
        if not _is_colab(node, alias)
    }
    guarded_names = {
        alias.asname or alias.name.partition(".")[0] for node in guarded for alias in node.names
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Expr | ast.Assign | ast.AnnAssign) or node.value is None:
            continue
        used = [
            call
            for call in ast.walk(node.value)
            if isinstance(call, ast.Name) and call.id in names - stored
        ]
        if not used and not _is_colab_call(node.value, bound | guarded_names):
            continue
        if isinstance(node, ast.Expr):
            yield _span(node, "pass")
        else:
            # uploaded = files.upload(): no file came, and the lines below may go on.
            yield _span(node.value, "{}" if "upload" in ast.unparse(node.value) else "None")


def _is_colab(node: ast.Import | ast.ImportFrom, alias: ast.alias) -> bool:
    if isinstance(node, ast.Import):
        return (alias.name + ".").startswith("google.colab.")
    module = node.module or ""
    return (module + ".").startswith("google.colab.") or (
        module == "google" and alias.name == "colab"
    )


def _guarded_imports(tree: ast.Module) -> set[ast.Import | ast.ImportFrom]:
    """Return the imports whose failure the student's own code expects."""
    found: set[ast.Import | ast.ImportFrom] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Try) and any(map(_catches_import, node.handlers)):
            for statement in node.body:
                found |= {
                    inner
                    for inner in ast.walk(statement)
                    if isinstance(inner, ast.Import | ast.ImportFrom)
                }
    return found


def _catches_import(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    return any(
        isinstance(node, ast.Name) and node.id in _IMPORT_ERRORS for node in ast.walk(handler.type)
    )


def _is_colab_call(value: ast.expr, bound: set[str]) -> bool:
    """Whether it is ``drive.mount(...)`` and its like, imported by an earlier cell."""
    return (
        isinstance(value, ast.Call)
        and isinstance(value.func, ast.Attribute)
        and isinstance(value.func.value, ast.Name)
        and value.func.value.id not in bound
        and value.func.attr in _COLAB_CALLS.get(value.func.value.id, ())
    )


# cuda.


def _cuda_edits(tree: ast.Module) -> Iterator[_Edit]:
    asked = _asked_first(tree)
    for node in ast.walk(tree):
        if node in asked:
            continue
        if isinstance(node, ast.Call):
            yield from _cuda_call(node, asked)
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(_DEVICE_NAMES.fullmatch(_name(target)) for target in targets):
                yield from _cuda_texts(node.value, asked)
        elif isinstance(node, ast.arguments):
            named = [*node.posonlyargs, *node.args]
            pairs = [
                *zip(named[len(named) - len(node.defaults) :], node.defaults, strict=True),
                *zip(node.kwonlyargs, node.kw_defaults, strict=True),
            ]
            for argument, default in pairs:
                if default is not None and _DEVICE_NAMES.fullmatch(argument.arg):
                    yield from _cuda_texts(default, asked)


def _asked_first(tree: ast.Module) -> set[ast.AST]:
    """Return what runs only if the student's code found a GPU, and what stands in f-strings.

    Python before 3.12 does not know the columns of what stands in an f-string.
    """
    asking = _asking(tree, set())
    answers = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and node.value in asking
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    asking = _asking(tree, answers)
    found: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            found.update(ast.walk(node))
        elif isinstance(node, ast.If | ast.IfExp) and node.test in asking:
            branches = [*node.body, *node.orelse] if isinstance(node, ast.If) else [node]
            for branch in branches:
                # What is inside one that was found is found: elif after elif is read once.
                if branch not in found:
                    found.update(ast.walk(branch))
    return found


def _asking(tree: ast.Module, answers: set[str]) -> set[ast.AST]:
    """Return what asks for a GPU or uses such an answer, and all that it is a part of."""
    found: set[ast.AST] = set()
    for node in reversed(list(ast.walk(tree))):  # parts before wholes
        if (
            (isinstance(node, ast.Attribute) and node.attr in _GUARDS)
            or (isinstance(node, ast.Name) and node.id in answers)
            or any(part in found for part in ast.iter_child_nodes(node))
        ):
            found.add(node)
    return found


def _cuda_call(node: ast.Call, asked: set[ast.AST]) -> Iterator[_Edit]:
    function = node.func
    name = _name(function)
    if isinstance(function, ast.Attribute) and name == "cuda":
        # model.cuda(0) -> model.cpu()
        line, column = function.end_lineno or 1, function.end_col_offset or 0
        yield _Edit(line, column - len("cuda"), node.end_lineno or line,
                    node.end_col_offset or column, "cpu()")  # fmt: skip
        return
    if name in _DEVICE_CALLS and node.args:
        yield from _cuda_texts(node.args[0], asked)
    for keyword in node.keywords:
        if keyword.arg is not None and _DEVICE_NAMES.fullmatch(keyword.arg):
            yield from _cuda_texts(keyword.value, asked)


def _cuda_texts(value: ast.expr, asked: set[ast.AST]) -> Iterator[_Edit]:
    """Edits of a device's name, where it is the value or one of two."""
    if isinstance(value, ast.IfExp):
        yield from _cuda_texts(value.body, asked)
        yield from _cuda_texts(value.orelse, asked)
    elif (
        isinstance(value, ast.Constant)
        and isinstance(value.value, str)
        and _CUDA.fullmatch(value.value)
        and value not in asked
    ):
        yield _span(value, '"cpu"')


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
