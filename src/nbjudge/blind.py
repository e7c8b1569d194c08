"""What a test does that has no meaning outside the student's process: found by reading it.

Outside, arguments and results are copies, and the libraries of the test are not those that the
student's code uses.  A check that relies on one process mostly fails on the reference, and the
instructor learns of it.  The few that would hold whatever the student answers are found here,
while the reference is proved.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterator

from nbjudge.names import plain_python

_SINGLE = (None, True, False, ...)
_IDENTITY_CHECKS = frozenset({"assertIs", "assertIsNot"})
_IPYTHON = frozenset({"get_ipython", "In", "Out"})
_MEASURING = frozenset(
    {"time", "timeit", "datetime", "tracemalloc", "perf_counter", "process_time"}
)
_READING = frozenset({"globals", "eval", "exec"})
_PATCHES = frozenset({"patch", "setattr"})
_STREAMS = frozenset({"sys.stdout", "sys.stderr"})
_BUILTINS = frozenset(dir(builtins))
_COMPOUND = (ast.For, ast.While, ast.If, ast.Try, ast.With, ast.AsyncFor, ast.AsyncWith, ast.Match)


def blind_spots(source: str, is_theirs: Callable[[str], bool | None]) -> Iterator[str]:
    """Say what in a test cell would hold whatever the student answers.

    Parameters
    ----------
    source
        Of the test cell.
    is_theirs
        Whether a name, where the cell does not bind it itself, holds something of the student's;
        None for a name that no cell before binds.
    """
    try:
        tree = ast.parse(plain_python(source))
    except SyntaxError:
        return
    modules = _modules(tree)
    theirs = _Theirs(tree, is_theirs)
    for node in _outside_functions(tree):
        said = (
            _identity(node, modules)
            or _patch(node, modules)
            or _notebook(node)
            or _independent(node, theirs)
        )
        if said:
            yield f"line {getattr(node, 'lineno', 0)}, « {_short(node)} »: {said}"


def _short(node: ast.AST) -> str:
    text = ast.unparse(node).splitlines()[0]
    return text if len(text) <= 100 else text[:100] + " ..."


def _modules(tree: ast.Module) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {(a.asname or a.name).partition(".")[0] for a in node.names}
    return found


def _outside_functions(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield what runs when the cell runs, each statement before what is in it."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            continue
        yield child
        yield from _outside_functions(child)


# Identity.


def _identity(node: ast.AST, modules: set[str]) -> str:
    pairs: list[tuple[ast.expr, ast.expr]] = []
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        for operator, left, right in zip(node.ops, sides, sides[1:], strict=False):
            ids = all(_is_call(side, {"id"}) for side in (left, right))
            if isinstance(operator, ast.Is | ast.IsNot) or ids:
                pairs.append((left, right))
    elif isinstance(node, ast.Call) and _last_name(node.func) in _IDENTITY_CHECKS:
        pairs += [(a, b) for a, b in zip(node.args[:1], node.args[1:2], strict=False)]
    if any(not _is_known(a, b, modules) for a, b in pairs):
        return (
            "outside, values are copies and the same object is never seen twice. Compare with == "
            "(two of the student's objects: by their own class), or look beside them with a probe"
        )
    return ""


def _is_known(left: ast.expr, right: ast.expr, modules: set[str]) -> bool:
    """Whether identity says the same here as in the notebook."""
    single = [_is_single(side, modules) for side in (left, right)]
    # `type(x) is int`, and not `type(x) is Vector`, which is a proxy.
    classes = any(_is_call(side, {"type"}) for side in (left, right))
    return all(single) if classes else any(single)


def _is_single(node: ast.expr, modules: set[str]) -> bool:
    """Whether there is one object of this value in every process, or the same class in both."""
    if isinstance(node, ast.Constant):
        return any(node.value is single for single in _SINGLE)
    if isinstance(node, ast.Name):
        return node.id in _BUILTINS or node.id in {"NotImplemented", "Ellipsis"}
    if isinstance(node, ast.Attribute):
        if node.attr in {"nan", "inf", "pi", "e"}:
            return False  # numbers like others
        return (
            _root(node) in modules
            or node.attr in {"empty", "NaT", "NA"}
            or (_root(node) in {"np", "pd", "torch"})
        )
    return _is_call(node, {"type"})


def _is_call(node: ast.expr, names: set[str]) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names


def _root(node: ast.AST) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


# Functions of libraries that a test replaces.


def _patch(node: ast.AST, modules: set[str]) -> str:
    targets: list[ast.expr] = []
    value: ast.expr | None = None
    if isinstance(node, ast.Assign):
        targets, value = node.targets, node.value
    elif isinstance(node, ast.Delete):
        targets = node.targets
    replaced = [
        target
        for target in targets
        if isinstance(target, ast.Attribute)
        and _root(target) in modules | {"np", "pd", "plt", "torch", "builtins"}
        and ast.unparse(target) not in _STREAMS
        and target.attr != "show"
    ]
    is_option = isinstance(value, ast.Constant) and value.value is not None
    if (replaced and not is_option) or _is_patch(node, modules):
        return (
            "the student's code runs in another process, where the library stays as it is. A "
            "function of the notebook or a built-in one can be replaced by a def of its name in "
            "the test cell; for others, replace it in a probe"
        )
    return ""


def _is_patch(node: ast.AST, modules: set[str]) -> bool:
    if not isinstance(node, ast.Call):
        return False
    path = ast.unparse(node.func).split(".")
    first = node.args[0] if node.args else None
    if path == ["setattr"]:
        return _root(first) in modules if first is not None else False
    if not _PATCHES & set(path) or (path[-1] == "setattr" and path[0] != "monkeypatch"):
        return False
    return not (isinstance(first, ast.Constant) and first.value in _STREAMS)


def _notebook(node: ast.AST) -> str:
    if isinstance(node, ast.Call) and _is_call(node, {"dir", "vars"}) and not node.args:
        return "the names of the notebook cannot be listed outside; « 'name' in globals() » works"
    if isinstance(node, ast.Name) and node.id in _IPYTHON:
        return f"{node.id} belongs to the notebook, and the test does not run there"
    return ""


# Assertions that use nothing of the student's.


def _independent(node: ast.AST, theirs: _Theirs) -> str:
    if isinstance(node, ast.Assert):
        checked: list[ast.expr] = [node.test]
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        call = node.value
        if not _last_name(call.func).startswith("assert"):
            return ""
        checked = [*call.args, *(word.value for word in call.keywords)]
    else:
        return ""
    names = {name for part in checked for name in _names(part)}
    if not names or any(theirs.uses(part) for part in checked):
        return ""
    if any(_notebook(part) for whole in checked for part in ast.walk(whole)):
        return ""  # it will be said of that part
    return (
        "this check uses nothing of the student's, and holds whatever they answer: what is given "
        "to their functions is a copy, files and figures that they make are elsewhere. Take it "
        "out, or look at what they did with a probe"
    )


def _names(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _bound(node: ast.AST) -> set[str]:
    """Names that get a value somewhere in a statement or target, or whose parts do."""
    found: set[str] = set()
    for part in ast.walk(node):
        if isinstance(part, ast.Name | ast.Attribute | ast.Subscript) and isinstance(
            part.ctx, ast.Store
        ):
            found.add(_root(part))
    return found


def _own_names(tree: ast.Module) -> set[str]:
    """Names that a cell itself binds anywhere, arguments and imports included."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {(a.asname or a.name).partition(".")[0] for a in node.names}
        elif isinstance(node, ast.ExceptHandler):
            found.add(node.name or "")
    return found


class _Theirs:
    """Names of a test cell whose value may come of the student's, generously."""

    def __init__(self, tree: ast.Module, is_theirs: Callable[[str], bool | None]) -> None:
        self._is_theirs = is_theirs
        self._own = _own_names(tree)
        self._found: set[str] = set()
        self._known: dict[str, bool] = {}
        before = -1
        while len(self._found) != before:
            before = len(self._found)
            for node in ast.walk(tree):
                self._visit(node)

    def uses(self, node: ast.AST) -> bool:
        """Whether an expression or statement uses any of them."""
        return any(self._is_name(name) for name in _names(node))

    def _is_name(self, name: str) -> bool:
        if name in self._found or name in _MEASURING or name in _READING:
            return True
        if name not in self._known:
            theirs = self._is_theirs(name)
            # What no source binds may be in the notebook all the same.
            unknown = theirs is None and name not in self._own and name not in _BUILTINS
            self._known[name] = unknown or bool(theirs)
        return self._known[name]

    def _visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.NamedExpr):
            if self.uses(node):
                self._found |= _bound(node)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            if self.uses(node):
                self._found.add(node.name)
        elif isinstance(node, ast.comprehension | ast.For):
            if self.uses(node.iter):
                self._found |= _bound(node.target)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            self._call(node.value)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            self._found.add(_root(node))  # sys.stdout, which listens to them
        if isinstance(node, _COMPOUND) and self.uses(node):
            self._compound(node)

    def _call(self, call: ast.Call) -> None:
        """`out.append(f(x))` changes out; `f(x)` does not change x, which is a copy there."""
        words = [word.value for word in call.keywords]
        name = _last_name(call.func)
        if self.uses(call.func) or not any(self.uses(a) for a in (*call.args, *words)):
            return
        if isinstance(call.func, ast.Attribute) and not name.startswith("assert"):
            self._found.add(_root(call.func))
        elif isinstance(call.func, ast.Name) and name not in _BUILTINS:
            self._found |= {a.id for a in call.args if isinstance(a, ast.Name)}

    def _compound(self, node: ast.AST) -> None:
        """Add what is bound because of what they did: `except ValueError: raised = True`."""
        branches = isinstance(node, ast.If | ast.Try | ast.Match)
        for part in ast.walk(node):
            if isinstance(part, ast.Assign | ast.AugAssign):
                if branches or isinstance(part.value, ast.Constant):
                    self._found |= _bound(part)
            elif isinstance(part, ast.ExceptHandler):
                self._found.add(part.name or "")
            elif branches and isinstance(part, ast.Expr) and isinstance(part.value, ast.Call):
                call = part.value.func  # `if f(x) != y: errors.append(x)`
                if isinstance(call, ast.Attribute) and not call.attr.startswith("assert"):
                    self._found.add(_root(call))
        for item in getattr(node, "items", ()):  # a stream that listens, a list of warnings
            self._found |= _names(item.context_expr) - _BUILTINS
            self._found |= set() if item.optional_vars is None else _names(item.optional_vars)
