"""Whole test cells judged against answers, as a notebook that was not written for it has them.

The student's kernel is an agent in this process; what a kernel does to it is for
``tests/integration``.
"""

import base64
import contextlib
import linecache
import sys
import textwrap
from dataclasses import replace
from types import SimpleNamespace

import pytest

from nbjudge.agent import Agent
from nbjudge.assignment import Kind, SourceCell, SourceNotebook
from nbjudge.errors import HiddenTestError
from nbjudge.judge import Court, Load

MIB = 1 << 20
GIVEN, ANSWER, TEST = Kind.GIVEN, Kind.ANSWER, Kind.TEST


def notebook(*cells):
    """A notebook of (kind, source); the whole of a test is hidden."""
    made = []
    for number, (kind, source) in enumerate(cells):
        text = textwrap.dedent(source).strip("\n")
        made.append(
            SourceCell(
                cell_id=f"c{number}",
                kind=kind,
                cell_type="code",
                source=text,
                release_source="",
                grade_id=f"{kind.value}{number}",
                points=1.0 if kind is TEST else 0.0,
                hidden_lines=frozenset(range(1, text.count("\n") + 2)),
            )
        )
    return tuple(made)


def judge(cells, answer=None, objects=None):
    """Judge every test; the reference strictly, an ``answer`` in the place of the solution."""
    space = {"__name__": "__main__"}
    agent = Agent(lambda: space, max_bytes=16 * MIB)

    def send(request, _label):
        return base64.b64decode(agent.handle(base64.b64encode(request).decode()))

    load = Load(
        notebook=SourceNotebook(name="nb", cells=cells),
        files={},
        judge_files={},
        language="en",
        reply_bytes=16 * MIB,
        memory_bytes=1 << 40,
        strict=answer is None,
        objects=objects or {},
    )
    court = Court(load, send)
    verdicts = {}
    for position, cell in enumerate(cells):
        if cell.kind is TEST:
            verdicts[cell.grade_id] = court.judge(position, b"seed")
            continue
        source = cell.source
        if cell.kind is ANSWER and answer is not None:
            source = textwrap.dedent(answer)
        filename = f"/tmp/ipykernel_7/{cell.cell_id}.py"
        lines = source.splitlines(keepends=True)
        linecache.cache[filename] = (len(source), None, lines, filename)
        with contextlib.suppress(Exception):  # a notebook goes on after an error
            exec(compile(source, filename, "exec", dont_inherit=True), space)
    return verdicts


def marks(cells, *answers):
    """Points of the last test for each answer, after the reference has been proved."""
    proved = judge(cells)
    assert [v["points"] for v in proved.values()] == [1.0] * len(proved), proved
    objects = {name: verdict["objects"] for name, verdict in proved.items()}
    return [list(judge(cells, answer, objects).values())[-1]["points"] for answer in answers]


def refusal(*cells):
    """What the instructor is told of a test that cannot be judged outside."""
    with pytest.raises(HiddenTestError) as caught:
        judge(notebook(*cells))
    return str(caught.value)


# Whose a name is.

F = "def f(x): return 2 * x"
WRONG = "def f(x): return x"


@pytest.mark.parametrize(
    "cells",
    [
        [(ANSWER, F), (GIVEN, "y = f(2)"), (TEST, "assert y == 4")],
        [(ANSWER, F), (GIVEN, "ys = []\nfor k in range(3):\n    ys.append(f(k))"),
         (TEST, "assert ys == [0, 2, 4]")],
        [(GIVEN, "def check(x, y):\n    assert f(x) == y"), (ANSWER, F), (TEST, "check(2, 4)")],
        [(ANSWER, F), (TEST, "def check(x, y):\n    assert f(x) == y\ncheck(0, 0)"),
         (TEST, "check(2, 4)")],
        [(ANSWER, F), (TEST, "r = f(2)"), (TEST, "assert r == 4")],
        [(GIVEN, "class Runner:\n    def run(self, x): return f(x)"), (ANSWER, F),
         (TEST, "assert Runner().run(2) == 4")],
    ],
    ids=["value", "values", "helper", "helper of a test", "result of a test", "class"],
)  # fmt: skip
def test_what_comes_of_an_answer_is_judged_as_the_answer(cells):
    assert marks(notebook(*cells), F, "f = lambda x: x + x", WRONG, "pass") == [1, 1, 0, 0]


@pytest.mark.parametrize(
    ("given", "right", "other", "wrong", "test"),
    [
        ("d = [1]", "d.append(2)", "d = [1, 2]", "d.append(3)", "assert d == [1, 2]"),
        ("d = {}", "d['a'] = 1", "d.update(a=1)", "d['b'] = 1", "assert d == {'a': 1}"),
        ("import numpy as np\nd = np.zeros(2)", "d[:] = 1", "d += 1", "pass",
         "assert (d == 1).all()"),
        ("import pandas as pd\nd = pd.DataFrame({'a': [1, 2]})", "d['b'] = d.a * 2",
         "d = d.assign(b=[2, 4])", "d['b'] = d.a", "assert d['b'].tolist() == [2, 4]"),
        ("import matplotlib.pyplot as plt\nfig, d = plt.subplots()", "d.set_title('t')",
         "d.set(title='t')", "d.plot([1])", "assert d.get_title() == 't'"),
    ],
    ids=["list", "dictionary", "array", "table", "axes"],
)  # fmt: skip
def test_a_given_object_that_an_answer_changes_is_judged_as_the_answer(
    given, right, other, wrong, test
):
    cells = notebook((GIVEN, given), (ANSWER, right), (TEST, test))
    assert marks(cells, right, other, wrong) == [1, 1, 0]


def test_a_given_value_that_an_answer_only_reads_stays_the_instructors():
    cells = notebook(
        (GIVEN, "import numpy as np\nx = np.arange(4.0)"),
        (ANSWER, "m = x.mean()"),
        (TEST, "assert m == x.mean()"),
    )
    assert marks(cells, "m = sum(x) / 4", "x = x * 0\nm = 0.0") == [1, 0]


def test_the_references_value_can_be_asked_for_by_name():
    cells = notebook(
        (ANSWER, F),
        (GIVEN, "y = f(2)"),
        (TEST, "from nbjudge.testing import reference\nassert f(reference.y) == 8"),
    )
    assert marks(cells, F, "def f(x): return 8 if x == 4 else 0") == [1, 1]


# Names that a test takes away or replaces.

SQUARES = """
def squares(n): return [k * k for k in range(1, n + 1)]
def total(n): return sum(squares(n))
"""
ALONE = """
def squares(n): return [k * k for k in range(1, n + 1)]
def total(n): return sum(k * k for k in range(1, n + 1))
"""


def test_a_name_that_a_test_deletes_is_gone_for_the_students_code_too():
    test = """
    saved = squares
    del squares
    try:
        total(1)
    except NameError:
        pass
    else:
        raise AssertionError("squares is not used")
    finally:
        squares = saved
    assert total(2) == 5
    """
    assert marks(notebook((ANSWER, SQUARES), (TEST, test)), SQUARES, ALONE) == [1, 0]


def test_a_function_that_a_test_puts_in_the_place_of_theirs_is_used():
    test = """
    saved = squares
    def squares(n): return [100]
    assert total(2) == 100
    squares = saved
    assert total(2) == 5
    """
    after = "assert total(1) == 1"
    cells = notebook((ANSWER, SQUARES), (TEST, test), (TEST, after))
    proved = judge(cells)
    assert [v["points"] for v in proved.values()] == [1, 1]
    assert [v["points"] for v in judge(cells, ALONE).values()] == [0, 1]


def test_a_built_in_function_can_be_forbidden_or_replaced():
    test = """
    def sorted(*_args, **_words): raise AssertionError("no sorted here")
    assert order([2, 1]) == [1, 2]
    del sorted
    input = lambda *_: "7"
    assert ask() == 7
    """
    right = "def order(x): return [min(x), max(x)]\ndef ask(): return int(input('?'))"
    wrong = "def order(x): return sorted(x)\ndef ask(): return int(input('?'))"
    cells = notebook((ANSWER, right), (TEST, test))
    assert marks(cells, right, wrong, right.replace("int(input('?'))", "3")) == [1, 0, 0]


def test_the_names_of_the_notebook_can_be_asked_for():
    test = 'assert "x" in globals() and globals().get("x") == 1 and "y" not in globals()'
    assert marks(notebook((ANSWER, "x = 1"), (TEST, test)), "x = 1", "y = 1", "x = y = 1") == [
        1,
        0,
        0,
    ]


def test_a_name_that_no_source_binds_may_be_in_the_notebook():
    cells = notebook(
        (GIVEN, "exec('def twice(x): return x + x')"),
        (ANSWER, "exec('y = 1')"),
        (TEST, "assert y == 1 and twice(2) == 4"),
    )
    assert marks(cells, "y = 1", "z = 1") == [1, 0]


def test_a_test_can_ask_whether_it_is_in_the_notebook():
    cells = notebook(
        (GIVEN, "exec('def get_ipython(): return 1')"),
        (ANSWER, "x = 1"),
        (TEST, "assert x == 1\nif 'get_ipython' in globals():\n    raise SystemExit"),
    )
    assert marks(cells, "x = 1") == [1]


# What a call does beside returning a value.


def test_what_an_answer_prints_can_be_heard():
    test = """
    import contextlib, io
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        f(3)
    assert out.getvalue().split() == ["0", "1", "2"]
    """
    cells = notebook((ANSWER, "def f(n):\n    for k in range(n):\n        print(k)"), (TEST, test))
    assert marks(cells, "def f(n): print(*range(n))", "def f(n): return '0 1 2'") == [1, 0]


def test_a_stream_that_a_failed_test_has_put_aside_is_there_for_the_next():
    test = """
    import io, sys
    saved, sys.stdout = sys.stdout, io.StringIO()
    f()
    text = sys.stdout.getvalue()
    assert text == "yes\\n"
    sys.stdout = saved
    """
    cells = notebook((ANSWER, "def f(): print('yes')"), (TEST, test), (TEST, test))
    objects = {name: v["objects"] for name, v in judge(cells).items()}
    wrong = judge(cells, "def f(): print('no')", objects)
    assert [v["points"] for v in wrong.values()] == [0, 0]


def test_what_an_answer_warns_of_can_be_caught():
    test = """
    import warnings
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        f(-1)
    assert [w.category for w in seen] == [UserWarning] and "negative" in str(seen[0].message)
    """
    right = "import warnings\ndef f(x): warnings.warn('negative')"
    cells = notebook((ANSWER, right), (TEST, test))
    assert marks(cells, right, "def f(x): return x", right.replace("neg", "pos")) == [1, 0, 0]


def test_a_seed_of_the_test_seeds_the_students_generators():
    test = """
    np.random.seed(42)
    assert np.allclose(draw(2), [0.3745401188473625, 0.9507143064099162])
    np.random.seed(0)
    first = draw(3)
    np.random.seed(0)
    assert np.array_equal(first, draw(3))
    """
    cells = notebook(
        (GIVEN, "import numpy as np"), (ANSWER, "def draw(n): return np.random.rand(n)"),
        (TEST, test),
    )  # fmt: skip
    assert marks(
        cells, "def draw(n): return np.random.uniform(size=n)", "def draw(n): return np.ones(n)"
    ) == [1, 0]


def test_source_and_signature_of_an_answer_can_be_read():
    test = """
    import inspect
    assert list(inspect.signature(f).parameters) == ["a", "b"]
    assert inspect.signature(f).parameters["b"].default == 2
    assert f.__doc__ and f.__name__ == "f" and f.__code__.co_argcount == 2
    assert "for " not in inspect.getsource(f)
    """
    right = 'def f(a, b=2):\n    """Add."""\n    return a + b'
    cells = notebook((ANSWER, right), (TEST, test))
    loop = right.replace("return", "for _ in ():\n        pass\n    return")
    assert marks(cells, right, "def f(a, b=2): return a", "def f(a): 'x'", loop) == [1, 0, 0, 0]


# Functions as arguments.

APPLY = "def apply(g, x): return g(x)"


@pytest.mark.parametrize(
    "test",
    [
        "assert apply(lambda v: 3 * v, 2) == 6",
        "for k in (2, 3):\n    assert apply(lambda v: k * v, 2) == 2 * k",
        "def g(v, k=5):\n    return np.sqrt(v) + k\nassert apply(g, 4.0) == 7.0",
        "assert apply(lambda v: helper(v) + 1, 2) == 5",
        "assert apply(lambda v, *, k=[1]: v + k[0], 2) == 3 and apply(lambda v: -v, 2) == -2",
        "assert apply(abs, -3) == 3 and apply(np.sum, [1]) == 1 and apply(str.upper, 'a') == 'A'",
        "assert apply(int, '3') == 3 and apply(np.sin, 0.0) == 0.0",
        "assert apply(cube, 2) == 8",
        "assert apply(lambda v: apply(lambda w: w + 1, v), 1) == 2",
        "def outer(k):\n    return apply(lambda v: k + v, 1)\nassert outer(2) == 3",
        "assert apply(apply, None) is None if False else apply(helper, 3) == 6",
    ],
)  # fmt: skip
def test_a_function_can_be_given_to_an_answer(test):
    cells = notebook(
        (GIVEN, "import numpy as np\ndef cube(x): return x ** 3"),
        (ANSWER, APPLY + "\ndef helper(x): return 2 * x"),
        (TEST, test),
    )
    wrong = "def apply(g, x): return 0\ndef helper(x): return 2 * x"
    assert marks(cells, "def helper(x): return x + x\n" + APPLY, wrong) == [1, 0]


@pytest.mark.parametrize(
    ("test", "words"),
    [
        ("from nbjudge.testing import reference\nassert apply(reference.own, 2) == 2", "never"),
        ("from nbjudge.testing import reference\nassert apply(lambda v: reference.own(v), 2) == 2",
         "never"),
        ("import functools\nassert apply(functools.partial(pow, 2), 3) == 8", "partial"),
        ("from unittest.mock import Mock\nassert apply(Mock(return_value=1), 3) == 1", "Mock"),
        ("def g(v):\n    return missing + v\nassert apply(g, 1) == 2", "'missing', which has no"),
    ],
)  # fmt: skip
def test_what_may_not_go_to_an_answer_is_named(test, words):
    said = refusal((ANSWER, APPLY + "\ndef own(x): return x"), (TEST, test))
    assert words in said


@pytest.mark.parametrize(
    "test",
    [
        "assert np.vectorize(square)([1.0, 2.0]).tolist() == [1.0, 4.0]",
        "from scipy.integrate import quad\nassert abs(quad(square, 0, 1)[0] - 1 / 3) < 1e-8",
        "from scipy.optimize import minimize_scalar\nassert abs(minimize_scalar(square).x) < 1e-6",
        "import functools\nassert functools.lru_cache(square)(3) == 9\n"
        "assert functools.partial(square, 2)() == 4",
        "assert pd.Series([1, 2]).apply(square).tolist() == [1, 4]",
        "assert sorted([-3, 1, 2], key=square) == [1, 2, -3] and [*map(square, [2])] == [4]",
        "@functools.wraps(square)\ndef more(x): return square(x) + 1\n"
        "assert more(2) == 5 and more.__name__ == 'square'",
    ],
)
def test_libraries_can_call_an_answer(test):
    given = "import functools\nimport numpy as np\nimport pandas as pd"
    cells = notebook((GIVEN, given), (ANSWER, "def square(x): return x * x"), (TEST, test))
    assert marks(cells, "def square(x): return x ** 2", "def square(x): return x - 1") == [1, 0]


# Objects of the student's own classes.

VECTOR = '''
class Vector:
    """A vector of the plane."""
    made = 0
    def __init__(self, x, y):
        Vector.made += 1
        self.x, self.y = x, y
    def __add__(self, other): return Vector(self.x + other.x, self.y + other.y)
    def __mul__(self, k): return Vector(self.x * k, self.y * k)
    __rmul__ = __mul__
    def __matmul__(self, other): return self.x * other.x + self.y * other.y
    def __neg__(self): return Vector(-self.x, -self.y)
    def __abs__(self): return (self.x ** 2 + self.y ** 2) ** 0.5
    def __eq__(self, other): return (self.x, self.y) == (other.x, other.y)
    def __hash__(self): return hash((self.x, self.y))
    def __lt__(self, other): return abs(self) < abs(other)
    def __repr__(self): return f"Vector({self.x}, {self.y})"
    def __len__(self): return 2
    def __getitem__(self, k): return (self.x, self.y)[k]
    def __contains__(self, v): return v in (self.x, self.y)
    def __bool__(self): return bool(self.x or self.y)
    def __call__(self, t): return self.x + t * self.y
    @property
    def norm(self): return abs(self)
    @norm.setter
    def norm(self, value):
        if value < 0:
            raise ValueError("negative")
        self.x, self.y = value, 0
    @classmethod
    def unit(cls): return cls(1, 0)
'''
# One fault each: the name of the method tells which.
FAULTS = {
    "add": ("self.y + other.y", "self.y - other.y"),
    "mul": ("self.y * k)", "self.y)"),
    "matmul": ("+ self.y * other.y", "- self.y * other.y"),
    "neg": ("-self.y)", "self.y)"),
    "abs": ("** 0.5", "** 1"),
    "eq": ("(self.x, self.y) == (other.x, other.y)", "self is other"),
    "hash": ("hash((self.x, self.y))", "id(self)"),
    "lt": ("abs(self) < abs(other)", "abs(self) > abs(other)"),
    "repr": ('f"Vector(', 'f"vector('),
    "len": ("return 2", "return 3"),
    "getitem": ("(self.x, self.y)[k]", "(self.y, self.x)[k]"),
    "contains": ("v in (", "v not in ("),
    "bool": ("bool(self.x or self.y)", "True"),
    "call": ("self.x + t * self.y", "self.x"),
    "norm": ("raise ValueError", "raise TypeError"),
    "unit": ("cls(1, 0)", "(1, 0)"),
}
CLASS_TESTS = {
    "add": "assert Vector(1, 2) + Vector(3, 4) == Vector(4, 6)",
    "mul": "assert (Vector(1, 2) * 3).y == 6 and (3 * Vector(1, 2)).y == 6",
    "matmul": "assert Vector(1, 2) @ Vector(3, 4) == 11",
    "neg": "assert (-Vector(1, 2)).y == -2",
    "abs": "assert abs(Vector(3, 4)) == 5.0 and round(abs(Vector(1, 1)), 2) == 1.41",
    "eq": "assert Vector(1, 2) == Vector(1, 2) and Vector(1, 2) != Vector(2, 1)",
    "hash": (
        "assert len({Vector(1, 2), Vector(1, 2)}) == 1 and {Vector(1, 2): 5}[Vector(1, 2)] == 5"
    ),
    "lt": "assert Vector(1, 1) < Vector(3, 4) and sorted([Vector(3, 4), Vector(1, 1)])[0].x == 1",
    "repr": "assert repr(Vector(1, 2)) == str(Vector(1, 2)) == f'{Vector(1, 2)}' == 'Vector(1, 2)'",
    "len": "assert len(Vector(1, 2)) == 2",
    "getitem": "v = Vector(1, 2)\nassert v[1] == 2 and list(v) == [1, 2]\nx, y = v\nassert y == 2",
    "contains": "assert 2 in Vector(1, 2) and 3 not in Vector(1, 2)",
    "bool": "assert Vector(1, 0) and not Vector(0, 0)",
    "call": "assert callable(Vector(1, 2)) and Vector(1, 2)(10) == 21",
    "norm": (
        "v = Vector(3, 4)\nassert v.norm == 5\nv.norm = 7\nassert v.x == 7\n"
        "try:\n    v.norm = -1\nexcept ValueError:\n    pass\nelse:\n    raise AssertionError"
    ),
    "unit": "assert isinstance(Vector.unit(), Vector) and Vector.unit().x == 1",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_class_is_judged_by_what_its_objects_do(fault):
    assert FAULTS[fault][0] in VECTOR
    cells = notebook((ANSWER, VECTOR), (TEST, CLASS_TESTS[fault]))
    other = VECTOR.replace("def __init__", "extra = 1\n    def __init__")
    assert marks(cells, other, VECTOR.replace(*FAULTS[fault]), "pass") == [1, 0, 0]


@pytest.mark.parametrize(
    "test",
    [
        "from collections.abc import Callable, Hashable, Iterator, Mapping, Sized\n"
        "v = Vector(1, 2)\n"
        "assert all(isinstance(v, kind) for kind in (Callable, Hashable, Sized))\n"
        "assert not isinstance(v, Iterator) and not isinstance(v, Mapping)\n"
        "assert not hasattr(v, '__enter__') and hasattr(v, '__len__') and not hasattr(v, 'z')",
        "v = Vector(1, 2)\nassert type(v).__name__ == v.__class__.__name__ == Vector.__name__",
        "assert Vector.__doc__ == 'A vector of the plane.'",
        "v = Vector(1, 2)\nassert vars(v) == v.__dict__ == {'x': 1, 'y': 2}",
        "import copy\nv = Vector(1, 2)\nw = copy.deepcopy(v)\nw.x = 9\nassert (v.x, w.x) == (1, 9)",
        "Vector.made = 0\nVector(1, 2), Vector.unit()\nassert Vector.made == 2",
        "assert sum([Vector(1, 2), Vector(3, 4)], Vector(0, 0)).y == 6",
        "assert (Vector(1, 2) + Vector(1, 1)) * 2 == Vector(4, 6)",
        "import unittest\ncase = unittest.TestCase()\n"
        "case.assertEqual(Vector(1, 2), Vector(1, 2))\n"
        "case.assertIn(2, Vector(1, 2))\ncase.assertIsInstance(Vector(1, 2), Vector)\n"
        "with case.assertRaises(AttributeError):\n    Vector(1, 2) + 3",
        "try:\n    Vector(1, 2) - Vector(1, 1)\nexcept TypeError:\n    pass\nelse:\n"
        "    raise AssertionError('no minus')\nassert Vector(1, 2).x == 1",
        "v = Vector(1, 2)\nassert v != None and v is not None and not v == None",
        "v = Vector(1, 2)\nassert type(v) == Vector and type(v) != int\n"
        "assert isinstance(Vector, type)",
    ],
)  # fmt: skip
def test_an_object_is_what_it_is_beside_its_class(test):
    cells = notebook((ANSWER, VECTOR), (TEST, test))
    assert marks(cells, VECTOR, "class Vector: pass") == [1, 0]


def test_a_comparison_with_a_value_of_the_test_is_refused():
    said = refusal((ANSWER, VECTOR), (TEST, "assert Vector(1, 2) * 2 == (2, 4)"))
    assert "decided outside" in said
    assert "Vector" in said


def test_a_class_of_the_tests_cannot_be_derived_from_theirs():
    said = refusal(
        (ANSWER, VECTOR), (TEST, "class Longer(Vector): pass\nassert Longer(1, 2).x == 1")
    )
    assert "derives a class" in said


TREE = """
class Node:
    def __init__(self, value, left=None, right=None):
        self.value, self.left, self.right = value, left, right
def build(items):
    root = None
    for item in items:
        root = Node(item, root, None)
    return root
"""


def test_a_right_answer_may_have_an_object_where_the_reference_has_none():
    walk = """
    def values(node): return set() if node is None else (
        {node.value} | values(node.left) | values(node.right))
    assert values(build([1, 2, 3])) == {1, 2, 3}
    """
    both = "n = Node(1, Node(2), Node(3))\nassert n.left.value == 2 and n.right.value == 3"
    cells = notebook((ANSWER, TREE), (TEST, both), (TEST, walk))
    other = TREE.replace("Node(item, root, None)", "Node(item, None, root)")
    assert marks(cells, other, TREE.replace("root, None)", "None, None)")) == [1, 0]


def test_a_list_of_ones_own_keeps_its_methods():
    right = """
    class Stack(list):
        def push(self, x): self.append(x)
    """
    test = """
    s = Stack()
    s.push(1)
    s.push(2)
    assert len(s) == 2 and s.pop() == 2 and list(s) == [1] and s[0] == 1
    assert isinstance(s, Stack) and isinstance(s, list) and issubclass(Stack, list)
    """
    wrong = "class Stack(list):\n    def push(self, x): pass"
    assert marks(notebook((ANSWER, right), (TEST, test)), right, wrong) == [1, 0]


HEIRS = """
from abc import ABC, abstractmethod
class Shape(ABC):
    @abstractmethod
    def area(self): ...
class Square(Shape):
    def __init__(self, side): self.side = side
    def area(self): return self.side ** 2
"""


def test_inheritance_can_be_asked_for():
    test = """
    assert issubclass(Square, Shape) and isinstance(Square(2), Shape)
    assert [c.__name__ for c in Square.__mro__][:2] == ["Square", "Shape"]
    assert Square.__bases__ == (Shape,)
    assert Square(3).area() == 9
    try:
        Shape()
    except TypeError:
        pass
    else:
        raise AssertionError("Shape is not abstract")
    """
    alone = HEIRS.replace("Square(Shape)", "Square")
    concrete = HEIRS.replace("@abstractmethod", "")
    cells = notebook((ANSWER, HEIRS), (TEST, test))
    assert marks(cells, HEIRS, alone, concrete) == [1, 0, 0]


def test_a_generator_gives_one_item_at_a_time():
    test = """
    import types
    g = count(3)
    assert next(g) == 0 and next(g) == 1 and list(g) == [2]
    assert isinstance(count(1), types.GeneratorType)
    g = count(1)
    next(g)
    try:
        next(g)
    except StopIteration:
        pass
    else:
        raise AssertionError("it does not end")
    """
    right = "def count(n):\n    k = 0\n    while k < n:\n        yield k\n        k += 1"
    cells = notebook((ANSWER, right), (TEST, test))
    assert marks(cells, "def count(n): yield from range(n)", "def count(n): return [0, 1, 2]") == [
        1,
        0,
    ]


def test_a_generator_without_end_can_be_cut():
    test = """
    from itertools import islice
    assert list(islice(naturals(), 3)) == [0, 1, 2]
    assert [a for a, b in zip(naturals(), range(100)) if a != b] == []
    """
    right = "import itertools\ndef naturals():\n    yield from itertools.count()"
    cells = notebook((ANSWER, right), (TEST, test))
    assert marks(cells, "from itertools import count as naturals", "naturals = lambda: [0, 1, 3]") \
        == [1, 0]  # fmt: skip


def test_an_object_without_iter_is_walked_through_by_its_items():
    right = """
    class Line:
        def __init__(self, n): self.n, self.read = n, 0
        def __getitem__(self, k):
            if k >= self.n:
                raise IndexError(k)
            self.read += 1
            return k * k
    """
    test = """
    assert list(Line(100)) == [k * k for k in range(100)]
    assert [a for a, b in zip(Line(50), range(50)) if a != b * b] == []
    line = Line(5)
    first, second, *rest = line
    assert second == 1 and line.read == 5 and 16 in line and 15 not in line
    for k, item in enumerate(Line(40)):
        assert item == line[2] + k * k - 4
    """
    endless = right.replace("k >= self.n", "False")
    wrong = right.replace("k * k", "k")
    cells = notebook((ANSWER, right), (TEST, test))
    assert marks(cells, right, endless, wrong) == [1, 0, 0]


def test_an_exception_after_some_items_comes_where_it_is():
    source = """
    def f():
        yield from range(40)
        raise ValueError("the end")
    """
    test = """
    seen = []
    try:
        for item in f():
            seen.append(item)
    except ValueError:
        seen.append("error")
    assert seen == [*range(40), "error"]
    """
    assert marks(notebook((ANSWER, source), (TEST, test)), source) == [1]


def test_a_context_manager_is_entered_and_left():
    right = """
    class Log:
        seen = []
        def __enter__(self):
            self.seen.append("in")
            return self
        def __exit__(self, kind, error, trace):
            self.seen.append(kind.__name__ if kind else "out")
    """
    test = """
    with Log() as log:
        assert log.seen == ["in"]
    try:
        with Log():
            raise KeyError("x")
    except KeyError:
        pass
    assert Log.seen == ["in", "out", "in", "KeyError"]
    """
    wrong = right.replace('kind.__name__ if kind else "out"', '"out"')
    swallows = "class Log:\n    seen = []\n    def __enter__(self): return self\n" \
        "    def __exit__(self, *_): return True"  # fmt: skip
    cells = notebook((ANSWER, right), (TEST, test))
    assert marks(cells, right, wrong, swallows) == [1, 0, 0]


def test_a_context_manager_never_swallows_what_a_test_says():
    swallows = (
        "class f:\n    def __enter__(self): return self\n    def __exit__(self, *_): return 1"
    )
    right = "class f:\n    def __enter__(self): return self\n    def __exit__(self, *_): pass"
    cells = notebook((ANSWER, right), (TEST, "with f() as x:\n    assert type(x).__name__ == 'f'"))
    wrong = swallows.replace("return self", "return 5")
    assert marks(cells, right, wrong) == [1, 0]
    assert "swallows" in refusal((ANSWER, swallows), (TEST, "with f():\n    1 / 0"))


ERRORS = """
class BankError(Exception): pass
class TooPoor(BankError):
    def __init__(self, missing):
        super().__init__(f"{missing} are missing")
        self.missing, self.message = missing, "m"
def withdraw(have, want):
    if want > have:
        raise TooPoor(want - have)
    return have - want
"""


def test_an_exception_of_ones_own_is_caught_by_its_class():
    test = """
    import pytest
    for kind in (TooPoor, BankError, Exception):
        with pytest.raises(kind, match="3 are missing"):
            withdraw(2, 5)
    try:
        withdraw(2, 5)
    except TooPoor as error:
        assert error.missing == 3 and error.args == ("3 are missing",) and error.message == "m"
    assert issubclass(TooPoor, BankError) and issubclass(TooPoor, Exception)
    assert withdraw(5, 2) == 3
    """
    cells = notebook((ANSWER, ERRORS), (TEST, test))
    other = ERRORS.replace("raise TooPoor(want - have)", "raise ValueError('3 are missing')")
    apart = ERRORS.replace("TooPoor(BankError)", "TooPoor(Exception)")
    assert marks(cells, ERRORS, other, apart, "pass") == [1, 0, 0, 0]


def test_an_exception_of_a_given_cell_or_a_library_is_caught_by_its_class():
    test = """
    import json, unittest
    case = unittest.TestCase()
    case.assertRaises(Refused, f, -1)
    with case.assertRaises(json.JSONDecodeError):
        f("no JSON")
    assert f(2) == 2
    """
    right = """
    import json
    class Sooner(Refused): pass
    def f(x):
        if isinstance(x, str):
            return json.loads(x)
        if x < 0:
            raise Sooner("negative")
        return x
    """
    cells = notebook((GIVEN, "class Refused(Exception): pass"), (ANSWER, right), (TEST, test))
    wrong = right.replace("Sooner(Refused)", "Sooner(ValueError)")
    assert marks(cells, right, wrong, right.replace("json.loads(x)", "int(x)")) == [1, 0, 0]


def test_an_untouched_variable_is_a_question_without_an_answer():
    check = "if says is None:\n    raise NotImplementedError('Say True or False.')\nassert says"
    cells = notebook((ANSWER, "says = True"), (TEST, check))
    visible = tuple(replace(cell, hidden_lines=frozenset()) for cell in cells)

    (untouched,) = judge(visible, "says = None").values()
    (wrong,) = judge(visible, "says = False").values()

    assert (untouched["status"], untouched["message"]) == (
        "undefined",
        "This question has not been answered. Say True or False.",
    )
    assert wrong["status"] == "failed"


def test_a_check_of_pytest_that_fails_is_a_failed_test():
    test = "import pytest\nwith pytest.raises(KeyError):\n    f('b')\nassert f('a') == 1"
    cells = notebook((ANSWER, "def f(x): return {'a': 1}[x]"), (TEST, test))
    assert marks(cells, "def f(x): return 1") == [0]
    shares = """
    import pytest
    from nbjudge.testing import credit
    with credit(0.25, "an error"):
        with pytest.raises(KeyError):
            f("b")
    with credit(0.75, "a value"):
        assert f("a") == 1
    """
    cells = notebook((ANSWER, "def f(x): return {'a': 1}[x]"), (TEST, shares))
    assert marks(cells, "def f(x): return 1", "def f(x): return {}[x]") == [0.75, 0.25]


EXPECTS = """
try:
    f(-1)
except Exception:
    pass
else:
    raise AssertionError("f(-1) should raise")
"""


@pytest.mark.parametrize("test", [EXPECTS, EXPECTS.replace("except Exception", "except")])
def test_what_cannot_be_read_is_not_the_exception_that_a_test_waits_for(test):
    right = "def f(x):\n    if x < 0:\n        raise ValueError(x)"
    wrong = "def f(x):\n    x = []\n    x.append(x)\n    return x"
    assert marks(notebook((ANSWER, right), (TEST, test)), right, wrong) == [1, 0]


def test_what_the_instructor_must_do_is_not_caught_by_the_test():
    right = VECTOR.replace("(self.x, self.y) == (other.x, other.y)", "other + 1")
    said = refusal((ANSWER, right), (TEST, EXPECTS.replace("f(-1)", "Vector(1, 2) == 'a'")))
    assert "decided outside" in said


# Values of the usual libraries.

PANDAS = """
import numpy as np
import pandas as pd
table = pd.DataFrame({"k": list("aba"), "v": [1, 2, 3]})
"""


@pytest.mark.parametrize(
    ("right", "other", "wrong", "test"),
    [
        ("def f(t): return t[t.v > 1]", "def f(t): return t.query('v > 1')",
         "def f(t): return t[t.v > 1].reset_index(drop=True)",
         "pd.testing.assert_frame_equal(f(table), table.iloc[1:])"),
        ("def f(t): return t.groupby('k')['v'].mean()",
         "def f(t): return t.groupby('k').agg({'v': 'mean'})['v']",
         "def f(t): return {'a': 2.0, 'b': 2.0}",
         "r = f(table)\nassert isinstance(r, pd.Series) and r['a'] == 2.0 and r.index.name == 'k'"),
        ("def f(t): return t.assign(w=t.v * 2)",
         "def f(t):\n    t = t.copy()\n    t['w'] = t.v + t.v\n    return t",
         "def f(t): return t.assign(w=t.v)",
         "r = f(table)\nassert list(r.columns) == ['k', 'v', 'w'] and r.w.sum() == 12\n"
         "assert r.equals(table.assign(w=[2, 4, 6])) and r.loc[0, 'w'] == 2"),
        ("def f(t): return t.groupby('k')", "def f(t): return t.groupby(t.k)",
         "def f(t): return t.groupby('v')",
         "g = f(table)\nassert g.ngroups == 2 and g.v.sum()['a'] == 4"),
        ("def f(t): return t.v.to_numpy()", "def f(t): return np.array(t.v)",
         "def f(t): return list(t.v)",
         "np.testing.assert_array_equal(f(table), [1, 2, 3])\nassert f(table).dtype == 'int64'"),
    ],
    ids=["filter", "group", "column", "groups", "array"],
)  # fmt: skip
def test_tables_are_judged_as_tables(right, other, wrong, test):
    cells = notebook((GIVEN, PANDAS), (ANSWER, right), (TEST, test))
    assert marks(cells, right, other, wrong) == [1, 1, 0]


NET = """
class Net(nn.Module):
    def __init__(self, hidden=4):
        super().__init__()
        self.first = nn.Linear(2, hidden)
        self.last = nn.Linear(hidden, 1)
    def forward(self, x): return self.last(torch.relu(self.first(x)))
def frozen():
    net = Net()
    for p in net.first.parameters():
        p.requires_grad = False
    return net
def train(net, x, y):
    optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = ((net(x) - y) ** 2).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
w = torch.tensor([1.0, 2.0], requires_grad=True)
(w ** 2).sum().backward()
"""


@pytest.mark.parametrize(
    ("test", "right", "wrong"),
    [
        ("net = Net(8)\nassert isinstance(net, nn.Module) and issubclass(Net, nn.Module)\n"
         "assert sum(p.numel() for p in net.parameters()) == 33\n"
         "assert [*net.state_dict()][::2] == ['first.weight', 'last.weight']\n"
         "assert isinstance(net.first, nn.Linear) and net.first.out_features == 8\n"
         "assert isinstance(net.first.weight, nn.Parameter)\n"
         "assert net(torch.ones(5, 2)).shape == (5, 1)",
         NET.replace("torch.relu(", "nn.functional.relu("),
         NET.replace("nn.Linear(hidden, 1)", "nn.Linear(hidden, 2)")),
        ("net = frozen()\nassert not any(p.requires_grad for p in net.first.parameters())\n"
         "assert all(p.requires_grad for p in net.last.parameters())",
         NET.replace("for p in net.first.parameters():\n        p.requires_grad = False",
                     "net.first.requires_grad_(False)"),
         NET.replace("p.requires_grad = False", "pass")),
        ("torch.manual_seed(0)\nnet, x = Net(8), torch.randn(32, 2)\ny = x.sum(1, keepdim=True)\n"
         "losses = train(net, x, y)\nassert len(losses) == 60 and losses[-1] < losses[0] / 2\n"
         "with torch.no_grad():\n    assert ((net(x) - y) ** 2).mean().item() < losses[0] / 2\n"
         "    assert net(x).numpy().shape == (32, 1)\nnet.eval()\nassert not net.training",
         NET.replace("Adam", "AdamW"), NET.replace("optimizer.step()", "pass")),
        ("assert w.is_leaf and torch.equal(w.grad, torch.tensor([2.0, 4.0]))",
         NET.replace("w ** 2", "w * w"), NET.replace(".backward()", "")),
    ],
    ids=["module", "frozen", "training", "gradient"],
)  # fmt: skip
def test_networks_are_judged_where_they_are(test, right, wrong):
    cells = notebook((GIVEN, "import torch\nfrom torch import nn"), (ANSWER, NET), (TEST, test))
    assert right != NET
    assert wrong != NET
    assert marks(cells, right, wrong) == [1, 0]


# An object in the place of a plain value.

EQUAL_TO_ALL = """
class All:
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self
    def __call__(self, *_args, **_words): return self
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __lt__(self, other): return True
    __le__ = __gt__ = __ge__ = __lt__
    def __sub__(self, other): return 0
    __rsub__ = __add__ = __radd__ = __mul__ = __rmul__ = __abs__ = lambda *_: 0
    def __contains__(self, item): return True
    def __bool__(self): return True
    def __len__(self): return 1
    def __iter__(self): return iter([self])
    def __hash__(self): return 0
    def __float__(self): return 0.0
    def equals(self, other): return True
    def __str__(self): return "yes"
f = All()
"""


@pytest.mark.parametrize(
    ("right", "test"),
    [
        ("def f(x): return 2 * x", "assert f(2) == 4"),
        ("def f(x): return 2 * x", "assert abs(f(2) - 4) < 1e-9"),
        ("def f(x): return 2 * x", "assert f(2) != 5 and f(2) in (4, 4.0)"),
        ("def f(x): return 2 * x", "assert not f(2) < 4 and f(2) < 5"),
        ("def f(x): return 2 * x", "import numpy as np\nassert np.allclose(f(2), 4)"),
        ("def f(x): return 2 * x", "import math\nassert math.isclose(f(2), 4)"),
        ("def f(x): return [x]", "assert 5 in f(5) and 6 not in f(5)"),
        ("def f(x): return [x, x]", "assert f(5) == [5, 5] and set(f(1)) == {1}"),
        ("def f(x): return str(x)", "assert f(5).startswith('5')"),
        ("def f(x): return {x}", "assert f(5).issubset({5, 6})"),
        ("def f(x): return x > 0", "assert f(1) == True and f(-1) == False"),
        ("def f(x): return x > 0", "assert f(1) is True and not f(-1)"),
        (PANDAS + "\ndef f(x): return table", "assert f(1).equals(f(2)) and f(1).shape == (3, 2)"),
        ("def f(x): return 2 * x",
         "import unittest\nunittest.TestCase().assertAlmostEqual(f(2), 4)"),
    ],
)  # fmt: skip
def test_an_object_that_is_equal_to_everything_earns_nothing(right, test):
    assert marks(notebook((ANSWER, right), (TEST, test)), right, EQUAL_TO_ALL) == [1, 0]


def test_a_right_answer_of_another_structure_keeps_its_points():
    test = """
    total = 0
    for item in f(3):
        total += item
    assert total == 3 and sorted(f(3)) == [0, 1, 2] and len(list(f(3))) == 3 and 2 in f(3)
    """
    cells = notebook((ANSWER, "def f(n): return list(range(n))"), (TEST, test))
    generator = "def f(n):\n    yield from range(n)"
    keys = "def f(n): return dict.fromkeys(range(n)).keys()"
    own = "class f:\n    def __init__(self, n): self.n = n\n" \
        "    def __iter__(self): return iter(range(self.n))"  # fmt: skip
    assert marks(cells, generator, keys, own, "def f(n): return [0, 1, 3]") == [1, 1, 1, 0]


# Scores by the value of a cell.


def test_a_number_that_a_test_ends_in_is_its_score():
    test = "score = 0\nfor k in range(4):\n    score += 0.25 * (f(k) == 2 * k)\nscore"
    cells = notebook((ANSWER, F), (TEST, test))
    assert marks(cells, F, WRONG, "def f(x): return 2 * x if x < 2 else 0") == [1, 0.25, 0.5]


@pytest.mark.parametrize("last", ["True", "'0.5'", "[0.5]", "None", "0.5;", "f", "f(1)  # shown"])
def test_what_is_no_number_leaves_all_the_points(last):
    source = "def f(x): return 'shown'"
    cells = notebook((ANSWER, source), (TEST, f"assert f(1) == 'shown'\n{last}"))
    assert marks(cells, source) == [1]


def test_a_score_outside_the_points_is_the_instructors_error():
    assert "ends in a number" in refusal((ANSWER, F), (TEST, "assert f(1) == 2\nf(8)"))


# What has no meaning outside.


@pytest.mark.parametrize(
    ("answer", "test", "words"),
    [
        ("a = [1]\nb = a[:]", "assert a == b and a is not b", "the same object is never seen"),
        ("a = [1]\nb = a", "import unittest\nunittest.TestCase().assertIs(a, b)", "never seen"),
        ("a = [1]\nb = a[:]", "assert id(a) != id(b)", "never seen twice"),
        ("def f(): return 1.0", "import math\nassert f() is not math.nan", "never seen twice"),
        ("a = [1]\nb = a[:]", "b.append(2)\nassert a == [1]", "changes the student's 'b' in place"),
        ("class A: pass\nclass B: pass", "assert type(A()) is not B", "never seen twice"),
        ("def f(x): return sorted(x)", "x = [2, 1]\nassert f(x) == [1, 2]\nassert x == [2, 1]",
         "line 3, « assert x == [2, 1] »: this check uses nothing"),
        ("def f(x): x.sort()", "x = [2, 1]\nf(x)\nassert x == [1, 2]", "uses nothing"),
        ("def f(x): return x", "import numpy as np\nold = np.mean\nnp.mean = None\n"
         "try:\n    assert f(1) == 1\nfinally:\n    np.mean = old", "runs in another process"),
        ("def f(x): return x", "from unittest.mock import patch\n"
         "with patch('builtins.sorted') as m:\n    f(1)\nassert not m.called", "another process"),
        ("def f(): return 1", "assert f() == 1\nassert get_ipython()", "belongs to the notebook"),
        ("x = 1", "assert x == 1 and 'y' not in dir()", "globals() » works"),
        ("import matplotlib.pyplot as plt\ndef f(): plt.title('t')",
         "import matplotlib.pyplot as plt\nf()\nassert plt.gca().get_title() == 't'",
         "files and figures"),
        ("x = 1", "assert 1 + 1 == 2", "uses no name of the student's"),
        ("def f(x): return x", "from unittest.mock import Mock\nf = Mock(return_value=3)\n"
         "assert f(1) == 3", "in the place of 'f'"),
    ],
)  # fmt: skip
def test_a_check_that_would_hold_for_every_answer_is_refused(answer, test, words):
    assert words in refusal((ANSWER, answer), (TEST, test))


@pytest.mark.parametrize(
    "test",
    [
        "import time\nstart = time.time()\nf(1)\nassert time.time() - start < 60",
        "raised = False\ntry:\n    f('a')\nexcept TypeError:\n    raised = True\nassert raised",
        "out = []\nfor k in range(3):\n    out.append(f(k))\nassert out == [1, 2, 3]",
        "out = {}\nout['a'] = f(1)\nassert out == {'a': 2}",
        "count = 0\nwhile f(count) < 3:\n    count += 1\nassert count == 2",
        "with open('/dev/null', 'w') as sink:\n    print(f(1), file=sink)\nassert sink.closed",
        "def run(): return f(1)\nresult = run()\nassert result == 2",
        "results = [f(k) for k in range(2)]\nassert all(r > 0 for r in results)",
        "assert f(1) is not None and type(f(1)) is int and f(0) is not False",
        "import sys, io\nsys.stdout, keep = io.StringIO(), sys.stdout\nf(1)\n"
        "text = sys.stdout.getvalue()\nsys.stdout = keep\nassert text == ''",
        "import matplotlib.pyplot as plt\nplt.show = lambda: None\nassert f(1) == 2",
        "errors = []\nfor k in (1, 2):\n    if f(k) != k + 1:\n        errors.append(k)\n"
        "assert not errors, errors",
        "expected = eval('f(1)')\nassert expected == 2",
        "from unittest import TestCase\nwith TestCase().assertRaises(TypeError):\n    f('a')",
    ],
)  # fmt: skip
def test_a_check_of_the_students_is_not_taken_for_a_blind_one(test):
    cells = notebook((ANSWER, "def f(x): return x + 1"), (TEST, test))
    assert marks(cells, "def f(x): return 1 + x") == [1]


def test_a_given_name_that_is_another_value_in_the_notebook_is_refused():
    cells = [
        (GIVEN, "log = {'n': 0}"),
        (ANSWER, "def f():\n    log['n'] += 1\n    return log['n']"),
        (TEST, "assert f() == 1 and log == {'n': 1}"),
    ]
    assert "given name 'log'" in refusal(*cells)


GIVEN_NODE = """
class Node:
    def __init__(self, value, next=None):
        self.value, self.next = value, next
"""
LENGTH = "def length(node): return 0 if node is None else 1 + length(node.next)"


def test_an_object_of_a_given_class_is_made_beside_the_answer():
    cells = [(GIVEN, GIVEN_NODE), (ANSWER, LENGTH)]
    said = refusal(*cells, (TEST, "assert length(Node(1, Node(2))) == 2"))
    assert "'Node'" in said
    beside = """
    from nbjudge.testing import probe

    @probe
    def measured(length, items):
        from __main__ import Node
        node = None
        for item in items:
            node = Node(item, node)
        return length(node)

    assert measured(length, [1, 2, 3]) == 3
    """
    # In this process __main__ is pytest: a kernel has the notebook there (test_other_courses.py).
    made = notebook(*cells, (TEST, beside.replace("__main__", "node_of_the_notebook")))
    space = {}
    exec(textwrap.dedent(GIVEN_NODE), space)
    sys.modules["node_of_the_notebook"] = SimpleNamespace(Node=space["Node"])
    try:
        assert marks(made, "def length(node): return 1") == [0]
    finally:
        del sys.modules["node_of_the_notebook"]


@pytest.mark.parametrize(
    ("answer", "test"),
    [
        ("def f(x): return (x ** 2).sum()",
         "x = torch.ones(2, requires_grad=True)\nf(x).backward()\n"
         "assert f(x) == 2 and torch.equal(x.grad, f(x) * torch.ones(2))"),
        (NET,
         "net = Net()\nbefore = net.first.weight.clone()\n"
         "step = torch.optim.SGD(net.parameters(), lr=0.1)\n"
         "net(torch.ones(3, 2)).sum().backward()\nstep.step()\n"
         "assert not torch.equal(before, net.first.weight)"),
        ("def f(x): x.append(1)", "x = []\nf(x)\nassert len(x) == f([1]) or len(x) == 1"),
        ("rate = 2\ndef f(x): return rate * x", "rate = 3\nassert f(1) == 3"),
        ("import sympy\nx = sympy.symbols('x')\nf = sympy.expand((x + 1) ** 2)",
         "import sympy\nx = sympy.symbols('x')\nassert sympy.simplify(f - (x + 1) ** 2) == 0"),
        ("from sklearn.linear_model import LogisticRegression\nf = LogisticRegression()",
         "from sklearn.model_selection import cross_val_score\n"
         "assert cross_val_score(f, [[0.0], [1.0]] * 10, [0, 1] * 10).mean() > 0.9"),
        ("async def f(): return 1", "assert await f() == 1"),
    ],
    ids=["backward", "optimizer", "argument", "global", "sympy", "estimator", "await"],
)  # fmt: skip
def test_what_needs_one_process_fails_on_the_reference(answer, test):
    cells = notebook((GIVEN, "import torch\nfrom torch import nn"), (ANSWER, answer), (TEST, test))
    try:
        verdicts = judge(cells)
    except HiddenTestError:
        return
    assert verdicts["test2"]["points"] == 0


@pytest.mark.parametrize(
    ("answer", "wrong", "test"),
    [
        ("import sympy\nx = sympy.symbols('x')\nf = sympy.expand((x + 1) ** 2)",
         "import sympy\nx = sympy.symbols('x')\nf = x ** 2",
         "assert str(f) == 'x**2 + 2*x + 1' and int(f.subs('x', 2)) == 9"),
        ("from sklearn.linear_model import LinearRegression\n"
         "model = LinearRegression().fit([[0.0], [1.0]], [1.0, 3.0])",
         "from sklearn.linear_model import Ridge\nmodel = Ridge().fit([[0.0], [1.0]], [1.0, 3.0])",
         "from sklearn.linear_model import LinearRegression\n"
         "assert isinstance(model, LinearRegression) and abs(model.coef_[0] - 2) < 1e-9\n"
         "assert abs(model.predict([[2.0]])[0] - 5) < 1e-9"),
    ],
    ids=["sympy", "estimator"],
)  # fmt: skip
def test_objects_of_libraries_are_asked_where_they_are(answer, wrong, test):
    assert marks(notebook((ANSWER, answer), (TEST, test)), answer, wrong) == [1, 0]
