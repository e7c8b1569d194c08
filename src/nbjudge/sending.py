"""Functions of a test that go to the student's kernel: as source, or by the name of a library's.

Never one of the reference's.  A function that a test cell defines and passes to the student's
code is an input like any other: what it is made of is read by that code, answers must not be in
it.  A probe or a function marked ``@sendable`` is sent alone; one that is passed as it stands
(a lambda, a ``def``) takes along the modules, plain values and student's objects that it names.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import linecache
import sys
import sysconfig
import textwrap
import types
from collections.abc import Callable, Mapping
from typing import Any

from nbjudge.errors import HiddenTestError
from nbjudge.names import plain_python


def source_of(function: Callable[..., Any]) -> str:
    """Return a function's source without its decorators, dedented.

    Raises
    ------
    HiddenTestError
        If it uses names of the test: only its body is sent.
    """
    definition = _definition(function)
    source = ast.unparse(definition)
    unknown = _outer_names(source) - set(dir(builtins)) - {definition.name}
    if unknown:
        raise HiddenTestError(
            f"The function {definition.name!r} is sent alone, but uses "
            f"{', '.join(sorted(unknown))} from the test: import or define it inside the function, "
            "or pass it as an argument."
        )
    return source


def with_names(function: types.FunctionType) -> dict[str, Any]:
    """Return a function that a test cell defines as source, names and defaults.

    Raises
    ------
    HiddenTestError
        If its source cannot be read, or it uses a name that has no value.
    """
    if function.__name__ == "<lambda>":
        name, source = "_lambda", f"_lambda = {ast.unparse(_lambda(function))}"
    else:
        definition = _definition(function)
        _forget_defaults(definition.args)
        name, source = definition.name, ast.unparse(definition)
    names = {}
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    for outer in sorted(_outer_names(source) - set(dir(builtins)) - {name}):
        try:
            value = cells[outer].cell_contents if outer in cells else function.__globals__[outer]
        except (KeyError, ValueError):
            raise HiddenTestError(
                f"A test passes {function.__name__!r} to the student's code; it uses {outer!r}, "
                "which has no value."
            ) from None
        names[outer] = {"module": value.__name__} if inspect.ismodule(value) else {"value": value}
    return {
        "source": source,
        "name": name,
        "names": names,
        "defaults": function.__defaults__,
        "keywords": function.__kwdefaults__,
    }


def _definition(function: Callable[..., Any]) -> ast.FunctionDef:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, SyntaxError, TypeError) as error:
        raise HiddenTestError(
            f"The source of {function.__name__!r} cannot be read; write it as a plain def in the "
            "test cell."
        ) from error
    definition = tree.body[0]
    if not isinstance(definition, ast.FunctionDef):
        raise HiddenTestError(f"{function.__name__!r} must be a plain def in the test cell.")
    definition.decorator_list = []
    definition.returns = None
    for argument in ast.walk(definition.args):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    return definition


def _forget_defaults(arguments: ast.arguments) -> None:
    """Leave places for the defaults: their values are sent, not the code that made them."""
    arguments.defaults = [ast.Constant(None) for _ in arguments.defaults]
    arguments.kw_defaults = [x and ast.Constant(None) for x in arguments.kw_defaults]


def _lambda(function: types.FunctionType) -> ast.Lambda:
    """Find a lambda's source among those of its line: the one that compiles to the same code."""
    code = function.__code__
    text = plain_python("".join(linecache.getlines(code.co_filename)))
    nodes = [
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Lambda) and node.lineno == code.co_firstlineno
    ]
    same = [node for node in nodes if _shape(_compiled(node)) == _shape(code)]
    # A name of an outer function is read in another way than a name of the cell.
    for node in same or (nodes if len(nodes) == 1 else []):
        _forget_defaults(node.args)
        return node
    raise HiddenTestError(
        "A test passes a lambda to the student's code whose source cannot be read; write it as a "
        "plain def in the test cell."
    )


def _compiled(node: ast.Lambda) -> types.CodeType:
    made = compile(ast.Expression(node), "<lambda>", "eval", dont_inherit=True)
    return next(constant for constant in made.co_consts if isinstance(constant, types.CodeType))


def _shape(code: types.CodeType) -> tuple[Any, ...]:
    constants = tuple(
        _shape(c) if isinstance(c, types.CodeType) else (type(c), repr(c)) for c in code.co_consts
    )
    return code.co_code, code.co_names, code.co_varnames, constants


def _outer_names(source: str) -> set[str]:
    """Names that a definition, its defaults or a function inside it take from outside."""
    import symtable

    found: set[str] = set()

    def visit(table: symtable.SymbolTable) -> None:
        for symbol in table.get_symbols():
            outer = symbol.is_global() or table.get_type() == "module"
            if outer and symbol.is_referenced():
                found.add(symbol.get_name())
        for child in table.get_children():
            visit(child)

    visit(symtable.symtable(source, "<test>", "exec"))
    return found


_LIBRARIES = tuple(
    {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
)


def library_name(value: Any) -> list[str] | None:
    """Return module and name of what an installed library or Python itself defines, or None."""
    owner = getattr(value, "__objclass__", None) or value  # a method: str.upper
    name = getattr(value, "__name__", None)
    places = [(getattr(owner, "__module__", None), getattr(value, "__qualname__", name))]
    # Compiled functions do not say where they are found.
    places += [(module, name) for module in ("torch", "numpy", "scipy.special")]
    for module_name, path in places:
        module = sys.modules.get(module_name) if isinstance(module_name, str) else None
        if module is None or not isinstance(path, str) or not _is_library(module):
            continue
        found: Any = module
        for part in path.split("."):
            found = getattr(found, part, None)
        if found is value:
            return [str(module_name), path]
    return None


def _is_library(module: types.ModuleType) -> bool:
    """Whether the kernel has it too, and nothing of the course is in it."""
    file = getattr(module, "__file__", None)
    if module.__name__.partition(".")[0] in {"nbjudge", "__main__"}:
        return False
    return file is None or str(file).startswith(_LIBRARIES)


def is_tests_own(value: Any) -> bool:
    """Whether a test cell defines a function (and not a cell of the reference)."""
    return isinstance(value, types.FunctionType) and bool(
        getattr(type(value.__globals__), "nbjudge_is_test", False)
    )


def refusal(value: Any) -> HiddenTestError:
    """Say what may be passed to the student's code."""
    name = getattr(value, "__qualname__", type(value).__qualname__)
    return HiddenTestError(
        f"A test passes {name!r} (of type {type(value).__name__}) to the student's code. Only "
        "plain values, the student's own objects, functions of libraries, of given cells and of "
        "the test itself may go there; the reference's functions never."
    )


Named = Callable[[Any], str | None]
"""Tells the name by which a given cell's function or class is known in the notebook."""


def handle_of(value: Any, named: Named, define: Callable[[Mapping[str, Any]], Any]) -> Any:
    """Return what stands for a function or class in a request.

    Parameters
    ----------
    value
        What a test passes.
    named
        The names of given cells.
    define
        Defines a function in the kernel, returns what stands for it.

    Raises
    ------
    HiddenTestError
        If it may not go there.
    """
    if inspect.isfunction(value) and getattr(value, "nbjudge_sendable", False):
        return define({"source": source_of(value), "name": value.__name__})
    if isinstance(value, types.FunctionType) and is_tests_own(value):
        return define(with_names(value))
    known = library_name(value) if callable(value) else None
    if known is not None:
        return {"library": known}
    name = named(value)
    if name is not None:
        return {"given": name}
    raise refusal(value)
