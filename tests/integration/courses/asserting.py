"""(a) Checks of functions: assert in all its dialects."""

from courses import Question

IMPORTS = """
import numpy as np

def assert_equal(actual, expected, message=None):
    assert actual == expected, message or f"{actual!r} is not {expected!r}"
"""

QUESTIONS = [
    Question(
        "mean",
        "def mean(x): return np.sum(x) / len(x)",
        "def mean(x):\n    return float(np.mean(np.asarray(x)))",
        "def mean(x): return np.sum(x) / (len(x) - 1)",
        [
            """
            np.testing.assert_allclose(mean([1.0, 2.0, 6.0]), 3.0)
            assert np.isclose(mean(np.arange(5)), 2), "five numbers"
            assert abs(mean([0.5, 0.25]) - 0.375) < 1e-12
            """
        ],
    ),
    Question(
        "cumulate",
        "def cumulate(x): return np.cumsum(x)",
        "def cumulate(x): return np.add.accumulate(np.array(x))",
        "def cumulate(x): return np.array(x)",
        [
            """
            np.testing.assert_array_equal(cumulate([1, 2, 3]), [1, 3, 6])
            result = cumulate([1.5, 2.0])
            assert isinstance(result, np.ndarray) and result.dtype == np.float64
            assert result.shape == (2,) and result[-1] == 3.5
            """
        ],
    ),
    Question(
        "words",
        "def words(text): return text.split()",
        "def words(text):\n    found = []\n    for word in text.split():\n"
        "        found.append(word)\n    return found",
        "def words(text): return text.split(',')",
        [
            """
            assert_equal(words("a b"), ["a", "b"])
            assert_equal(words("one"), ["one"], "a single word")
            """,
            """
            cases = [("", []), ("x y z", ["x", "y", "z"])]
            for text, expected in cases:
                got = words(text)
                assert got == expected, f"words({text!r}) should be {expected}, got {got}"
            assert words("u v") == ["u", "v"]
            """,
        ],
    ),
    Question(
        "root",
        """
        def root(x):
            if x < 0:
                raise ValueError("x is negative")
            return x ** 0.5
        """,
        "import math\n\ndef root(x):\n    if x < 0:\n        raise ValueError('negative: %r' % x)\n"
        "    return math.sqrt(x)",
        "def root(x): return abs(x) ** 0.5",
        [
            """
            import unittest
            tc = unittest.TestCase()
            tc.assertEqual(root(4), 2)
            tc.assertAlmostEqual(root(2), 1.41421356, places=6)
            tc.assertRaises(ValueError, root, -1)
            with tc.assertRaisesRegex(ValueError, "negative"):
                root(-2)
            tc.assertIsInstance(root(9), float)
            tc.assertGreater(root(9), 2.9)
            """,
            """
            import pytest
            assert root(9) == 3
            with pytest.raises(ValueError, match="negative") as caught:
                root(-4)
            assert caught.type is not None and root(16) == pytest.approx(4.0)
            """,
            """
            try:
                root(-1)
            except ValueError:
                pass
            else:
                raise AssertionError("root(-1) should raise ValueError")
            """,
        ],
    ),
    Question(
        "parity",
        "def is_even(n): return n % 2 == 0",
        "def is_even(n): return not n & 1",
        "def is_even(n): return True",
        [
            """
            try:
                assert is_even(2) == True
                assert is_even(3) == False
            except AssertionError:
                raise AssertionError("is_even does not tell even from odd")
            """,
            """
            score = 0
            for n in range(4):
                if is_even(n) == (n in (0, 2)):
                    score += 0.25
            assert score > 0.5
            score
            """,
        ],
    ),
    Question(
        "compose",
        "def compose(f, g): return lambda x: f(g(x))",
        """
        def compose(f, g):
            def both(x):
                y = g(x)
                return f(y)
            return both
        """,
        "def compose(f, g): return lambda x: g(f(x))",
        [
            """
            def plus_one(x): return x + 1
            assert compose(plus_one, lambda x: 2 * x)(5) == 11
            assert compose(np.sqrt, abs)(-4.0) == 2.0
            assert callable(compose(abs, int))
            for k in (2, 3):
                assert compose(lambda x: x - k, lambda x: k * x)(7) == 6 * k
            """
        ],
    ),
    Question(
        "squares",
        "def squares(n): return [k ** 2 for k in range(1, n + 1)]\n"
        "def total(n): return sum(squares(n))",
        "def squares(n): return list(map(lambda k: k * k, range(1, n + 1)))\n"
        "def total(n):\n    result = 0\n    for s in squares(n):\n        result += s\n"
        "    return result",
        "def squares(n): return [k ** 2 for k in range(1, n + 1)]\n"
        "def total(n): return n * (n + 1) * (2 * n + 1) // 6",
        [
            """
            orig_squares = squares
            del squares
            try:
                total(1)
            except NameError:
                pass
            else:
                raise AssertionError("total does not use squares")
            finally:
                squares = orig_squares
            """
        ],
    ),
    Question(
        "order",
        "def order(x):\n    x, result = list(x), []\n    while x:\n"
        "        result.append(x.pop(x.index(min(x))))\n    return result",
        "def order(x):\n    result = []\n    for item in x:\n        at = 0\n"
        "        while at < len(result) and result[at] < item:\n            at += 1\n"
        "        result.insert(at, item)\n    return result",
        "def order(x): return sorted(x)",
        [
            """
            def sorted(*args, **kwargs):
                raise AssertionError("sorted is not allowed here")
            try:
                assert order([3, 1, 2]) == [1, 2, 3]
            finally:
                del sorted
            """
        ],
    ),
    Question(
        "draw",
        "def draw(n): return np.random.rand(n)",
        "def draw(n): return np.random.uniform(0, 1, size=n)",
        "def draw(n): return np.random.randn(n)",
        [
            """
            np.random.seed(42)
            assert np.allclose(draw(2), [0.3745401188473625, 0.9507143064099162])
            """
        ],
    ),
    Question(
        "greet",
        "def greet(name): print('Hello,', name)",
        "def greet(name):\n    print('Hello, ' + name)",
        "def greet(name): return 'Hello, ' + name",
        [
            """
            import io
            from contextlib import redirect_stdout
            out = io.StringIO()
            with redirect_stdout(out):
                greet("Ada")
            assert out.getvalue().strip() == "Hello, Ada"
            """,
            """
            import sys, io
            old, sys.stdout = sys.stdout, io.StringIO()
            try:
                greet("Bob")
                said = sys.stdout.getvalue()
            finally:
                sys.stdout = old
            assert said == "Hello, Bob\\n"
            """,
        ],
    ),
    Question(
        "ask",
        "def ask(): return int(input('A number: ')) + 1",
        "def ask():\n    text = input()\n    return 1 + int(text)",
        "def ask(): return 8",
        [
            """
            input = lambda *args: "6"
            assert ask() == 7
            del input
            """
        ],
    ),
    Question(
        "documented",
        'def area(width, height=1):\n    """Return the area."""\n    return width * height',
        'def area(width, height=1):\n    """Area of a rectangle."""\n    return height * width',
        "def area(w, h): return w * h",
        [
            """
            import inspect
            assert area.__doc__, "area has no docstring"
            assert list(inspect.signature(area).parameters) == ["width", "height"]
            assert area(3) == 3 and area(2, height=4) == 8
            assert "for" not in inspect.getsource(area)
            """
        ],
    ),
]
