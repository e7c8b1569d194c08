"""(c) Classes that students write: methods, operators, inheritance, iteration, exceptions."""

from courses import Question

IMPORTS = """
import math
from abc import ABC, abstractmethod
from collections import namedtuple
from dataclasses import dataclass
from enum import Enum


class Rejected(Exception):
    pass
"""

VECTOR = '''
class Vector:
    """A vector of the plane."""

    def __init__(self, x, y):
        self.x, self.y = x, y

    def __add__(self, other):
        return Vector(self.x + other.x, self.y + other.y)

    def __mul__(self, k):
        return Vector(k * self.x, k * self.y)

    __rmul__ = __mul__

    def __eq__(self, other):
        return isinstance(other, Vector) and (self.x, self.y) == (other.x, other.y)

    def __hash__(self):
        return hash((self.x, self.y))

    def __abs__(self):
        return math.hypot(self.x, self.y)

    def __lt__(self, other):
        return abs(self) < abs(other)

    def __repr__(self):
        return f"Vector({self.x}, {self.y})"

    def __len__(self):
        return 2

    def __getitem__(self, i):
        return (self.x, self.y)[i]

    def __iter__(self):
        yield self.x
        yield self.y

    def __contains__(self, value):
        return value in (self.x, self.y)

    def __bool__(self):
        return self.x != 0 or self.y != 0
'''
# A tuple behind other names, and every method written otherwise.
OTHER_VECTOR = '''
class Vector:
    """Two coordinates."""

    def __init__(self, x, y):
        self._c = (x, y)

    x = property(lambda self: self._c[0])
    y = property(lambda self: self._c[1])

    def __add__(self, o):
        return Vector(*(a + b for a, b in zip(self, o)))

    def __mul__(self, k):
        return Vector(*[k * a for a in self])

    def __rmul__(self, k):
        return self * k

    def __eq__(self, o):
        return type(o) is Vector and list(self) == list(o)

    def __hash__(self):
        return hash(self._c)

    def __abs__(self):
        return (self.x ** 2 + self.y ** 2) ** 0.5

    def __lt__(self, o):
        return abs(o) > abs(self)

    def __str__(self):
        return "Vector({}, {})".format(*self)

    __repr__ = __str__

    def __len__(self):
        return len(self._c)

    def __getitem__(self, i):
        return self._c[i]

    def __bool__(self):
        return any(self._c)
'''
WRONG_VECTOR = """
class Vector:
    def __init__(self, x, y):
        self.x, self.y = y, x

    def __add__(self, other):
        return (self.x + other.x, self.y + other.y)

    def __mul__(self, k):
        self.x *= k

    def __len__(self):
        return 3

    def __getitem__(self, i):
        return [self.x + 1, self.x + 1, 5][i]

    def __repr__(self):
        return "a vector"

    def __abs__(self):
        return abs(self.x) + abs(self.y)
"""

QUESTIONS = [
    Question(
        "vector",
        VECTOR,
        OTHER_VECTOR,
        WRONG_VECTOR,
        [
            """
            v = Vector(1, 2) + Vector(3, 4)
            assert (v.x, v.y) == (4, 6)
            assert Vector(1, 2) + Vector(3, 4) == Vector(4, 6)
            assert Vector(1, 2) != Vector(2, 1)
            """,
            "assert (Vector(1, 2) * 3).y == 6 and (3 * Vector(1, 2)).x == 3",
            "v = Vector(1, 2)\nassert repr(v) == 'Vector(1, 2)' == str(v) == f'{v}'",
            "v = Vector(1, 2)\nassert len(v) == 2 and v[1] == 2 and list(v) == [1, 2]",
            "x, y = Vector(5, 7)\nassert (x, y) == (5, 7) and tuple(Vector(0, 1)) == (0, 1)",
            "assert 2 in Vector(1, 2) and 3 not in Vector(1, 2)",
            "assert abs(Vector(3, 4)) == 5 and abs(abs(Vector(1, 1)) - 1.41421356) < 1e-6",
            "assert sorted([Vector(3, 4), Vector(1, 0)])[0].x == 1 and Vector(1, 0) < Vector(3, 4)",
            "assert max([Vector(3, 4), Vector(1, 0)], key=abs).x == 3",
            "assert len({Vector(1, 2), Vector(1, 2)}) == 1 and Vector(1, 2) == Vector(1, 2)",
            "assert Vector(0, 1) and not Vector(0, 0)",
            "v = Vector(1, 2)\nassert Vector.__doc__ and hasattr(v, 'x') and not hasattr(v, 'z')",
            """
            assert sum([Vector(1, 2), Vector(3, 4)], Vector(0, 0)).y == 6
            assert isinstance(Vector(1, 2) + Vector(1, 2), Vector)
            """,
        ],
    ),
    Question(
        "account",
        """
        class TooPoor(Rejected):
            def __init__(self, missing):
                super().__init__(f"{missing} missing")
                self.missing = missing

        class Account:
            opened = 0

            def __init__(self, balance=0):
                Account.opened += 1
                self.balance = balance

            @property
            def balance(self):
                return self._balance

            @balance.setter
            def balance(self, value):
                if value < 0:
                    raise ValueError("a balance is not negative")
                self._balance = value

            def withdraw(self, amount):
                if amount > self._balance:
                    raise TooPoor(amount - self._balance)
                self._balance -= amount
                return self

            @classmethod
            def of(cls, text):
                return cls(int(text))

            @staticmethod
            def interest(amount, rate=0.5):
                return amount * rate
        """,
        """
        class TooPoor(Rejected):
            def __init__(self, missing):
                self.missing = missing

            def __str__(self):
                return "%d missing" % self.missing

        class Account(object):
            opened = 0

            def __init__(self, balance=0):
                self.__class__.opened += 1
                self._set(balance)

            def _set(self, value):
                if not value >= 0:
                    raise ValueError(value)
                self._b = value

            balance = property(lambda self: self._b, _set)

            def withdraw(self, amount):
                left = self._b - amount
                if left < 0:
                    raise TooPoor(-left)
                self._b = left
                return self

            @classmethod
            def of(cls, text):
                return Account(int(text))

            interest = staticmethod(lambda amount, rate=0.5: rate * amount)
        """,
        """
        class TooPoor(Exception):
            missing = 0

        class Account:
            opened = 0

            def __init__(self, balance=0):
                self.balance = balance

            def withdraw(self, amount):
                if amount > self.balance:
                    raise ValueError("too poor")
                self.balance -= amount

            @classmethod
            def of(cls, text):
                return text

            @staticmethod
            def interest(amount, rate=0.5):
                return rate
        """,
        [
            """
            a = Account(10)
            a.withdraw(3).withdraw(2)
            assert a.balance == 5
            a.balance = 7
            assert a.balance == 7
            """,
            """
            a = Account(1)
            try:
                a.balance = -1
                raise AssertionError("a negative balance was accepted")
            except ValueError:
                pass
            assert a.balance == 1
            """,
            """
            try:
                Account(2).withdraw(5)
            except TooPoor as error:
                assert error.missing == 3 and str(error) == "3 missing"
            else:
                raise AssertionError("no TooPoor")
            """,
            """
            import unittest
            tc = unittest.TestCase()
            with tc.assertRaises(Rejected):
                Account(2).withdraw(5)
            assert issubclass(TooPoor, Rejected) and issubclass(TooPoor, Exception)
            """,
            "Account.opened = 0\nAccount(), Account(1)\nassert Account.opened == 2",
            "assert Account.of('5').balance == 5 and isinstance(Account.of('1'), Account)",
            "assert Account.interest(10) == 5 and Account(3).interest(4, rate=2) == 8",
        ],
    ),
    Question(
        "shapes",
        """
        class Shape(ABC):
            @abstractmethod
            def area(self): ...

            def describe(self):
                return f"{type(self).__name__} of area {self.area()}"

        class Square(Shape):
            def __init__(self, side):
                self.side = side

            def area(self):
                return self.side ** 2

        class Cube(Square):
            def area(self):
                return 6 * super().area()
        """,
        """
        class Shape(ABC):
            @abstractmethod
            def area(self):
                raise NotImplementedError

            def describe(self):
                return self.__class__.__name__ + " of area " + str(self.area())

        class Square(Shape):
            def __init__(self, side):
                self.a = side

            def area(self):
                return self.a * self.a

        class Cube(Square):
            def area(self):
                return Square.area(self) * 6
        """,
        """
        class Shape:
            def area(self):
                return 0

        class Square:
            def __init__(self, side):
                self.side = side

            def area(self):
                return self.side

        class Cube(Shape):
            def __init__(self, side):
                self.side = side
        """,
        [
            """
            try:
                Shape()
            except TypeError:
                pass
            else:
                raise AssertionError("Shape must be abstract")
            """,
            "assert issubclass(Square, Shape) and isinstance(Cube(1), Square)",
            "assert Square(3).area() == 9 and Cube(2).area() == 24",
            "s = Square(2)\nassert s.describe() == 'Square of area 4'\n"
            "assert type(Cube(1)).__name__ == 'Cube'",
            "assert [c.__name__ for c in Cube.__mro__][:3] == ['Cube', 'Square', 'Shape']",
        ],
    ),
    Question(
        "iteration",
        """
        def countdown(n):
            while n > 0:
                yield n
                n -= 1

        class Countdown:
            def __init__(self, n):
                self.n = n

            def __iter__(self):
                return self

            def __next__(self):
                if self.n <= 0:
                    raise StopIteration
                self.n -= 1
                return self.n + 1

        def naturals():
            n = 0
            while True:
                yield n
                n += 1
        """,
        """
        import itertools

        def countdown(n):
            yield from range(n, 0, -1)

        class Countdown:
            def __init__(self, n):
                self.rest = iter(range(n, 0, -1))

            def __iter__(self):
                return self

            def __next__(self):
                return next(self.rest)

        def naturals():
            yield from itertools.count()
        """,
        """
        def countdown(n):
            return list(range(n))

        class Countdown:
            def __init__(self, n):
                self.n = n

            def __iter__(self):
                return iter([1, 2, 3])

        def naturals():
            yield from range(1, 3)
        """,
        [
            """
            import types
            g = countdown(3)
            assert isinstance(g, types.GeneratorType)
            assert next(g) == 3 and list(g) == [2, 1]
            """,
            """
            from collections.abc import Iterator
            c = Countdown(2)
            assert isinstance(c, Iterator) and iter(c) is not None
            assert next(c) == 2 and next(c) == 1
            try:
                next(c)
            except StopIteration:
                pass
            else:
                raise AssertionError("it does not end")
            """,
            """
            from itertools import islice
            assert list(islice(naturals(), 4)) == [0, 1, 2, 3]
            for a, b in zip(naturals(), range(50)):
                assert a == b
            """,
        ],
    ),
    Question(
        "containers",
        """
        class Stack(list):
            def push(self, item):
                self.append(item)

            def peek(self):
                return self[-1]

        class Counts(dict):
            def __missing__(self, key):
                return 0
        """,
        """
        class Stack(list):
            push = list.append
            peek = lambda self: self[len(self) - 1]

        from collections import defaultdict

        class Counts(defaultdict):
            def __init__(self):
                super().__init__(int)
        """,
        """
        class Stack:
            def push(self, item):
                self.items = [item]

        class Counts(dict):
            pass
        """,
        [
            """
            s = Stack()
            s.push(1)
            s.push(2)
            assert s.peek() == 2 and len(s) == 2 and s.pop() == 2 and list(s) == [1]
            assert isinstance(s, list) and isinstance(s, Stack)
            """,
            """
            c = Counts()
            c["a"] += 1
            assert c["a"] == 1 and c["b"] == 0 and "a" in c
            """,
        ],
    ),
    Question(
        "list_of_nodes",
        """
        class Node:
            def __init__(self, value, next=None):
                self.value, self.next = value, next

        def build(items):
            head = None
            for item in reversed(items):
                head = Node(item, head)
            return head

        def length(node):
            return 0 if node is None else 1 + length(node.next)
        """,
        """
        class Node:
            def __init__(self, value, next=None):
                self.value = value
                self.next = next

        def build(items):
            if not items:
                return None
            return Node(items[0], build(items[1:]))

        def length(node):
            n = 0
            while node is not None:
                n, node = n + 1, node.next
            return n
        """,
        """
        class Node:
            def __init__(self, value, next=None):
                self.value, self.next = value, next

        def build(items):
            return Node(items[0])

        def length(node):
            return 1
        """,
        [
            """
            node, values = build([1, 2, 3]), []
            while node != None:
                values.append(node.value)
                node = node.next
            assert values == [1, 2, 3]
            """,
            "assert length(build([1, 2, 3, 4])) == 4 and length(Node(1, Node(2))) == 2",
        ],
    ),
    Question(
        "records",
        """
        class Colour(Enum):
            RED = 1
            BLUE = 2

        Point = namedtuple("Point", "x y")

        @dataclass
        class Item:
            name: str
            price: float = 1.0

        def paint(n):
            return Colour(n)

        def origin():
            return Point(0, 0)
        """,
        """
        Colour = Enum("Colour", "RED BLUE")

        from typing import NamedTuple

        class Point(NamedTuple):
            x: int
            y: int

        @dataclass(frozen=True)
        class Item:
            name: str
            price: float = 1.0

        def paint(n):
            return list(Colour)[n - 1]

        def origin():
            return Point(y=0, x=0)
        """,
        """
        class Colour(Enum):
            RED = 1
            BLUE = 3

        def Point(x, y):
            return (x, y)

        class Item:
            def __init__(self, name, price=1.0):
                self.name = name

        def paint(n):
            return Colour.RED

        def origin():
            return (0, 1)
        """,
        [
            """
            assert paint(1) == Colour.RED and paint(2) != Colour.RED
            assert paint(2).name == "BLUE" and Colour["BLUE"].value == 2
            assert [c.name for c in Colour] == ["RED", "BLUE"] and len(Colour) == 2
            """,
            "assert origin() == (0, 0) and Point(1, 2).y == 2 and Point._fields == ('x', 'y')",
            """
            assert Item("a") == Item("a", 1.0) and Item("a") != Item("b")
            assert repr(Item("a", 2.0)) == "Item(name='a', price=2.0)"
            """,
        ],
    ),
    Question(
        "contexts",
        """
        class Log:
            seen = []

            def __enter__(self):
                self.seen.append("in")
                return self

            def __exit__(self, kind, error, trace):
                self.seen.append("out" if kind is None else kind.__name__)

        def logged(function):
            def wrapper(*args):
                wrapper.calls += 1
                return function(*args)
            wrapper.calls = 0
            return wrapper
        """,
        """
        from functools import wraps

        class Log(object):
            seen = []

            def __enter__(self):
                Log.seen += ["in"]
                return self

            def __exit__(self, kind, error, trace):
                Log.seen += [kind.__name__ if kind else "out"]
                return False

        class logged:
            def __init__(self, function):
                self.function, self.calls = function, 0

            def __call__(self, *args):
                self.calls += 1
                return self.function(*args)
        """,
        """
        class Log:
            seen = []

            def __enter__(self):
                return self

            def __exit__(self, *args):
                return True

        def logged(function):
            return function
        """,
        [
            """
            with Log() as log:
                assert log.seen == ["in"]
            try:
                with Log():
                    raise KeyError("x")
            except KeyError:
                pass
            assert Log.seen == ["in", "out", "in", "KeyError"]
            """,
            """
            @logged
            def double(x):
                return 2 * x

            assert double(1) == 2 and double(2) == 4 and double.calls == 2
            """,
        ],
    ),
]
