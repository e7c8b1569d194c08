"""Answers that answer nothing: what a solution cell binds, made to give a value of no worth.

A function keeps its name and its arguments and returns the value; so do the methods of a class;
a variable is the value, or keeps its form (a dictionary, a tuple) with the value in every place.
Graded like a submission, such a notebook must earn nothing: a test that gives it points would
give them for no answer at all.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from dataclasses import dataclass

from nbjudge.assignment import Kind, SourceNotebook
from nbjudge.names import names_of, plain_python

_NAME = "_nothing"


@dataclass(frozen=True)
class Blank:
    """A value that answers nothing."""

    what: str
    """As in "answers that are all ...", for the instructor."""
    code: str
    """Binds :data:`_NAME` to it."""
    is_number: bool = False
    """Of a zero: the right answer may be one."""
    is_forged: bool = False
    """Whether it decides what a comparison with it gives, where it is compared in the kernel."""


KINDS = (
    Blank("None", f"{_NAME} = None"),
    Blank("NaN", f'{_NAME} = float("nan")'),
    Blank("zero", f"{_NAME} = 0.0", is_number=True),
    Blank("an empty array", f"import numpy\n{_NAME} = numpy.empty((0, 1))"),
    Blank(
        "equal to everything",
        f"""\
class {_NAME}:
    def _same(self, *_args, **_kwargs):
        return self

    def _yes(self, *_args, **_kwargs):
        return True

    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = __contains__ = __bool__ = all = any = _yes
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = _same
    __rtruediv__ = __pow__ = __neg__ = __abs__ = __matmul__ = __rmatmul__ = _same
    __call__ = __getitem__ = _same

    def __ne__(self, _other):
        return False

    def __hash__(self):
        return 0

    def __float__(self):
        return 1.0

    def __len__(self):
        return 1

    def __iter__(self):
        return iter([self])

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self


{_NAME} = {_NAME}()""",
        is_forged=True,
    ),
)


def blank_notebook(notebook: SourceNotebook, released: bytes, kind: Blank) -> bytes:
    """Return the released notebook with every code answer made to answer nothing."""
    made = json.loads(released)
    sources = {
        cell.cell_id: blank_cell(cell.source, kind)
        for cell in notebook.cells
        if cell.kind is Kind.ANSWER and cell.cell_type == "code"
    }
    for cell in made["cells"]:
        if cell["id"] in sources:
            cell["source"] = sources[cell["id"]]
    return json.dumps(made, ensure_ascii=False).encode()


def blank_cell(solution: str, kind: Blank) -> str:
    r"""Return a cell that binds the names of a solution's to what answers nothing.

    Examples
    --------
    >>> print(blank_cell("def f(x, n=2):\n    return x**n\n\n\ny = f(3)", KINDS[0]))
    _nothing = None
    def f(x, n=2):
        return _nothing
    y = _nothing
    """
    names = names_of(solution)
    tree = ast.parse(plain_python(solution))
    kept: list[ast.stmt] = []
    forms: dict[str, ast.expr] = {}
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            kept.append(node)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            kept.append(_function(node))
        elif isinstance(node, ast.ClassDef):
            kept.append(_class(node))
        else:
            forms.update(_forms(node))
    for name in sorted(names.assigned):
        value = _filled(forms[name], kind) if name in forms else ast.Name(_NAME)
        kept.append(ast.Assign(targets=[ast.Name(name)], value=value))
    body = ast.fix_missing_locations(ast.Module(body=kept, type_ignores=[]))
    return f"{kind.code}\n{ast.unparse(body)}"


def _forms(node: ast.stmt) -> Mapping[str, ast.expr]:
    """Return the expressions that a statement gives to simple names."""
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
        return {node.target.id: node.value}
    if isinstance(node, ast.Assign):
        return {target.id: node.value for target in node.targets if isinstance(target, ast.Name)}
    return {}


def _filled(value: ast.expr, kind: Blank) -> ast.expr:
    """Return an expression of the same form that holds nothing."""
    if isinstance(value, ast.Dict) and None not in value.keys:
        return ast.Dict(keys=value.keys, values=[_filled(v, kind) for v in value.values])
    if isinstance(value, ast.Tuple | ast.List):
        return type(value)(elts=[_filled(v, kind) for v in value.elts], ctx=ast.Load())
    if kind.is_number and isinstance(value, ast.Constant) and value.value in (0, False, True):
        # To say false of a statement that is false is an answer; so is a zero that is right.
        return ast.Constant(None)
    return ast.Name(_NAME)


_Function = ast.FunctionDef | ast.AsyncFunctionDef


def _function(node: _Function) -> _Function:
    """Return a function of the same name and arguments that returns nothing of worth."""
    made = type(node)(
        name=node.name,
        args=_bare(node.args),
        body=_RETURN,
        # A property stays one, a function of the class too; a cache is of no use.
        decorator_list=[d for d in node.decorator_list if ast.unparse(d) in _DECORATORS],
        returns=None,
    )
    if node.name == "__init__":
        # A network wants its modules' register; a base of the student's own may want arguments.
        made.body = ast.parse("try: super().__init__()\nexcept TypeError: pass").body
    return made


_RETURN: list[ast.stmt] = [ast.Return(ast.Name(_NAME))]
_DECORATORS = frozenset({"property", "staticmethod", "classmethod"})


def _bare(args: ast.arguments) -> ast.arguments:
    """Return arguments without annotations."""
    for arg in [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]:
        if arg is not None:
            arg.annotation = None
    return args


_REST = f"""
def __getattr__(self, name):
    try:
        return super().__getattr__(name)
    except AttributeError:
        if name.startswith("__"):
            raise
        return {_NAME}
"""


def _class(node: ast.ClassDef) -> ast.ClassDef:
    """Return a class whose methods, and attributes that are not there, are of no worth."""
    body: list[ast.stmt] = [
        _function(item)
        for item in node.body
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    made = ast.ClassDef(
        name=node.name,
        bases=node.bases,
        keywords=node.keywords,
        body=body,
        decorator_list=[],
    )
    if not any(isinstance(item, ast.FunctionDef) and item.name == "__getattr__" for item in body):
        made.body += ast.parse(_REST).body
    return made
