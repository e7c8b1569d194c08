"""The judge's side of the wire, joined to an agent in the same process."""

import base64
import builtins
import collections
import json
import traceback

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbjudge import raised, remote, values
from nbjudge.agent import Agent
from nbjudge.channel import Channel
from nbjudge.compare import difference, plain_difference, type_name
from nbjudge.errors import HiddenTestError
from nbjudge.raised import KernelLost, StudentError, StudentTimeout, explain, student_error
from nbjudge.remote import Remote
from nbjudge.sending import source_of
from nbjudge.testing import probe, sendable
from nbjudge.world import register_source

MIB = 1 << 20


def student(source="", *, strict=False, reply_bytes=MIB, **names):
    """A channel to an agent over the names that a student's source binds."""
    filename = "/tmp/ipykernel_7/42.py"
    register_source("cell", source)
    space = dict(names)
    exec(compile(source, filename, "exec"), space)
    agent = Agent(lambda: space, max_bytes=reply_bytes)

    def send(request, _label):
        return base64.b64decode(agent.handle(base64.b64encode(request).decode()))

    return Channel(send, max_bytes=MIB, strict=strict)


def replying(data):
    """A channel to a kernel that answers these bytes to everything."""
    return Channel(lambda _request, _label: data, max_bytes=MIB)


def answering(reply):
    return replying(values.encode(reply, max_bytes=MIB))


def from_test_cell(source, name):
    """A function as a test cell defines it."""
    filename = register_source(f"{name} of a test", source)
    space = {"probe": probe, "sendable": sendable, "Hidden": int}
    exec(compile(source, filename, "exec"), space)
    return space[name]


# Calls and values.


def test_a_call_goes_by_value_and_comes_back_by_value():
    channel = student("def f(x, *, k):\n    x.append(k)\n    return {'x': x}")
    mine = [1, np.float32(2.5)]
    assert channel.name("f")(mine, k=(3,)) == {"x": [1, 2.5, (3,)]}
    assert len(mine) == 2


def test_a_plain_name_is_its_value():
    channel = student("a = 5\nb = [1, 2]")
    assert channel.name("a") == 5
    assert channel.name("b") == [1, 2]


def test_an_object_that_is_not_plain_is_asked_in_its_kernel():
    channel = student(
        "class Model:\n"
        "    weight = 2.0\n"
        "    def predict(self, x): return x * self.weight\n"
        "    def __call__(self, x): return x + 1\n"
        "    def __len__(self): return 3\n"
        "    def __getitem__(self, key): return key\n"
        "    def __iter__(self): return iter([1, 2])\n"
        "model = Model()"
    )
    model = channel.name("model")
    assert isinstance(model, Remote)
    assert type_name(model) == "Model"
    assert (model.weight, model.predict(3), model(4), len(model)) == (2.0, 6.0, 5, 3)
    assert (model["k"], list(model), bool(model)) == ("k", [1, 2], True)
    assert "Model" in repr(model)


def test_an_object_goes_back_to_its_kernel_as_itself():
    channel = student("class A: pass\na = A()\ndef same(x): return x is a")
    assert channel.name("same")(channel.name("a")) is True
    assert channel.name("same")([channel.name("a")]) is False


def test_a_class_makes_objects_and_a_closure_is_callable():
    channel = student(
        "class P:\n    def __init__(self, x): self.x = x\ndef outer(a): return lambda b: a + b"
    )
    assert channel.name("P")(3).x == 3
    assert channel.name("outer")(1)(2) == 3


def test_a_generator_is_iterated_up_to_a_limit(monkeypatch):
    monkeypatch.setattr(remote, "ITERATION_LIMIT", 10)
    channel = student("import itertools\ndef forever(): yield from itertools.count()")
    assert list(range(10)) == list(channel.name("forever")())


def test_a_name_deep_in_a_container_comes_as_a_proxy():
    channel = student("def f(): return {'values': [1, object()], 'f': len}")
    reply = channel.name("f")()
    assert reply["values"][0] == 1
    assert isinstance(reply["values"][1], Remote)
    assert reply["f"]([1, 2]) == 2


# Errors.


@pytest.mark.parametrize(
    ("raised", "caught"),
    [
        ("ValueError('no')", ValueError),
        ("KeyError('no')", LookupError),
        ("ZeroDivisionError('no')", ArithmeticError),
        ("FileNotFoundError(2, 'no')", OSError),
        ("UnicodeDecodeError('utf-8', b'', 0, 1, 'no')", UnicodeError),
        ("NotImplementedError('no')", RuntimeError),
        ("AttributeError('no')", AttributeError),
        ("AssertionError('no')", AssertionError),
        ("RecursionError('no')", RecursionError),
        ("type('Mine', (ValueError,), {})('no')", ValueError),
        ("type('Both', (TypeError, KeyError), {})('no')", TypeError),
        ("ExceptionGroup('no', [ValueError()])", Exception),
        ("SystemExit('no')", StudentError),
        ("KeyboardInterrupt('no')", StudentError),
        ("type('Base', (BaseException,), {})('no')", StudentError),
    ],
)
def test_an_error_keeps_its_built_in_class_and_its_words(raised, caught):
    channel = student(f"def f():\n    raise {raised}")
    with pytest.raises(caught, match="no") as caught_info:
        channel.name("f")()
    error = caught_info.value
    assert isinstance(error, StudentError)
    assert isinstance(error, Exception)
    name = raised.split("'")[1] if "type(" in raised else raised.split("(")[0]
    assert error.nbjudge_report.type_name == name
    assert "no" in explain(error)


@pytest.mark.parametrize("name", sorted(vars(builtins)))
def test_no_name_of_an_exception_breaks_the_judge(name):
    error = student_error({"type": name, "bases": [name], "message": "m"}, "f")
    assert isinstance(error, StudentError)
    assert isinstance(error, Exception)
    try:
        raise error
    except StudentError:
        assert "m" in traceback.format_exc()
    assert str(error) == "m"


@pytest.mark.parametrize("kind", ["StopIteration", "StopAsyncIteration", "GeneratorExit"])
def test_a_students_error_cannot_end_a_loop_of_the_test_in_silence(kind):
    f = student(f"def f(x):\n    raise {kind}").name("f")
    with pytest.raises(StudentError):
        list(map(f, [1, 2]))
    with pytest.raises(StudentError):
        all(f(x) for x in [1, 2])


def test_an_error_shows_the_line_of_the_notebook():
    source = "def f(x):\n    return 1 / x"
    channel = student(source)
    import linecache

    linecache.cache["/tmp/ipykernel_7/42.py"] = (1, None, source.splitlines(True), "")
    with pytest.raises(ZeroDivisionError) as caught:
        channel.name("f")(0)
    line = caught.value.lines[-1]
    assert (line["cell"], line["lineno"], line["function"]) == ("return 1 / x", 2, "f")
    assert "« return 1 / x » of f" in explain(caught.value)


def test_a_name_that_does_not_exist_is_said_to_be_missing():
    with pytest.raises(NameError) as caught:
        student("x = 1").name("mu")
    assert caught.value.missing == "mu"
    assert "mu is not defined" in explain(caught.value)


def test_a_name_error_inside_the_students_code_is_not_a_missing_name():
    with pytest.raises(NameError) as caught:
        student("def f(): return unknown").name("f")()
    assert caught.value.missing is None
    assert "NameError" in explain(caught.value)


def test_an_exception_whose_text_lies_or_fails_is_still_reported():
    channel = student(
        "class E(Exception):\n"
        "    def __str__(self): raise KeyboardInterrupt\n"
        "class S(str):\n"
        "    def __getitem__(self, k): return self\n"
        "class F(Exception):\n"
        "    def __str__(self): return S('x' * 10_000)\n"
        "def e(): raise E\n"
        "def f(): raise F"
    )
    for name in "ef":
        with pytest.raises(StudentError) as caught:
            channel.name(name)()
        assert len(str(caught.value)) <= raised.MAX_MESSAGE
        assert explain(caught.value)


def test_words_of_a_student_hold_no_controls_and_have_an_end():
    report = {
        "type": "E\x1b[2J" * 100,
        "message": "\ud800\x1b]0;title\x07\x00" + "x" * 10_000,
        "lines": [{"cell": "\x1b[2J" + "y" * 10_000, "function": "f\x9b", "lineno": "3"}] * 100,
        "missing": None,
    }
    error = student_error(report, "f")
    said = explain(error) + str(error) + error.type_name + json.dumps(error.lines)
    said.encode("utf-8")
    assert not set(said) & {"\x1b", "\x07", "\x00", "\x9b"}
    assert len(said) < 20_000
    assert len(error.lines) <= raised.MAX_LINES


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
FIELDS = ["type", "bases", "message", "lines", "missing", "cell", "function", "lineno"]


@given(st.dictionaries(st.sampled_from(FIELDS), json_like | st.just([{"cell": 1}])))
@settings(deadline=None)
def test_any_report_makes_an_error_that_can_be_explained(report):
    with pytest.raises(StudentError) as caught:
        answering({"error": report}).name("x")
    assert isinstance(explain(caught.value), str)


# Hostile replies.


@pytest.mark.parametrize(
    "data",
    [b"", b"NBJ1", b"x" * 100, values.encode([], max_bytes=MIB), values.encode(3, max_bytes=MIB),
     values.encode({"okay": 1}, max_bytes=MIB), values.encode({"error": 3}, max_bytes=MIB)],
)  # fmt: skip
def test_a_reply_that_is_none_is_the_students_error(data):
    with pytest.raises(StudentError) as caught:
        replying(data).name("f")
    assert explain(caught.value)


@pytest.mark.parametrize(
    "node",
    [
        {},
        {"id": "1"},
        {"id": True},
        {"id": None, "type": "x"},
        {"id": [1]},
    ],
)
def test_a_handle_without_a_number_cannot_be_read(node):
    data = values.encode({"ok": object()}, handle=lambda _: node, max_bytes=MIB)
    with pytest.raises(StudentError) as caught:
        replying(data).name("f")
    assert caught.value.type_name == "MalformedValue"
    assert "cannot be read" in explain(caught.value)


def test_nothing_of_a_forged_handle_travels_but_its_number():
    forged = {"id": 3, "type": 5, "op": "x", "deep": [[[]]], "methods": ["__call__", 3, "x"]}
    data = values.encode({"ok": object()}, handle=lambda _: forged, max_bytes=MIB)
    sent = []

    def send(request, _label):
        sent.append(values.decode(request, remote=dict, max_bytes=MIB))
        return data

    thing = Channel(send, max_bytes=MIB).name("f")
    assert type_name(thing) == "object"
    thing(1)
    assert sent[1]["target"] == {"id": 3}


def test_a_forged_number_is_an_error_in_the_kernel():
    channel = student("def f(): return object()")
    thing = channel.name("f")()
    thing._nbjudge_node["id"] = 999
    with pytest.raises(StudentError):
        _ = thing.attribute


def with_methods(*methods):
    """The reply of a kernel with a handle to an object that has these."""
    node = {"id": 1, "type": "x", "methods": list(methods)}
    return values.encode({"ok": object()}, handle=lambda _: node, max_bytes=MIB)


def test_a_length_that_is_none_is_a_type_error():
    for lie in (-1, True, "3", 2.0, 2**70):
        replies = iter([with_methods("__len__"), values.encode({"ok": lie}, max_bytes=MIB)])
        thing = Channel(lambda *_, replies=replies: next(replies), max_bytes=MIB).name("f")
        with pytest.raises(TypeError):
            len(thing)


@pytest.mark.parametrize("method", ["__iter__", "__next__"])
def test_items_that_are_no_list_are_a_type_error(method):
    replies = iter([with_methods("__iter__", method), values.encode({"ok": 3}, max_bytes=MIB)])
    with pytest.raises(TypeError):
        list(Channel(lambda *_: next(replies), max_bytes=MIB).name("f"))


def test_a_value_that_is_too_large_or_too_deep_is_said_to_be():
    channel = student(
        "import numpy\ndef f(): return numpy.zeros(10**6)\ndef g():\n    x = []\n    x.append(x)\n"
        "    return x"
    )
    for name in "fg":
        with pytest.raises(StudentError) as caught:
            channel.name(name)()
        assert "too large" in explain(caught.value)


def test_a_kernel_that_goes_away_is_no_exception_of_the_test():
    def gone(_request, _label):
        raise KernelLost("died")

    def test_cell():
        try:
            Channel(gone, max_bytes=MIB).name("f")
        except Exception:
            return "swallowed"

    with pytest.raises(KernelLost):
        test_cell()


def test_a_call_that_does_not_end_is_the_students_timeout():
    def late(_request, label):
        raise StudentTimeout("TimeoutError", "", [], None, label)

    with pytest.raises(StudentTimeout) as caught:
        Channel(late, max_bytes=MIB).name("f")
    assert "f did not end in time" in explain(caught.value)


# Objects that lie.

LIES = """
import numpy as np
ran = []
class Lies:
    def __eq__(self, other): ran.append("eq"); return True
    def __ne__(self, other): return False
    def __lt__(self, other): return True
    __le__ = __gt__ = __ge__ = __lt__
    def __hash__(self): return 0
    def __bool__(self): return True
    def __float__(self): return 1.0
    def __abs__(self): return 0.0
    def __sub__(self, other): return 0.0
    __rsub__ = __add__ = __radd__ = __sub__
    def __reduce__(self): ran.append("reduce"); return (print, ("unpickled",))
    def __array__(self, *a, **k): ran.append("array"); return np.ones(3)
    __array_priority__ = 1e9
    def __array_ufunc__(self, *a, **k): return True
class Number(Lies, float): pass
class Whole(Lies, int): pass
class Text(Lies, str): pass
class Mapping(Lies, dict):
    def __getitem__(self, k): return 1
    def get(self, *a): return 1
    def keys(self): return ["expected"]
class Sequence(Lies, list):
    def __len__(self): return 3
    def __iter__(self): return iter([1, 1, 1])
class Array(np.ndarray):
    def __eq__(self, other): return True
    def __array_ufunc__(self, *a, **k): return True
    def __array__(self, *a, **k): return np.ones(3)
class Claims:
    __class__ = property(lambda self: float)
    shape, dtype, ndim, size = (), "float64", 0, 1
    def __float__(self): return 1.0
    def __array__(self, *a, **k): return np.float64(1.0)
class Anything(Lies):
    def __getattr__(self, name): return self
    def __call__(self, *a, **k): return self
    def __instancecheck__(self, x): return True
number, whole, text = Number(5), Whole(5), Text("wrong")
mapping, sequence = Mapping(a=5), Sequence([5])
array, claims, anything = np.zeros(3).view(Array), Claims(), Anything()
"""


@pytest.mark.parametrize(
    ("name", "kind", "right"),
    [
        ("number", float, 1.0),
        ("whole", int, 1),
        ("text", str, "right"),
        ("mapping", dict, {"expected": 1}),
        ("sequence", list, [1, 1, 1]),
        ("array", np.ndarray, np.ones(3)),
        ("claims", Remote, 1.0),
        ("anything", Remote, 1.0),
    ],
)
def test_an_object_that_lies_is_judged_by_what_it_is(name, kind, right):
    value = in_place_of_plain_values(LIES).name(name)
    assert isinstance(value, kind)
    assert plain_difference(value, right) is not None
    if not isinstance(right, str | dict):
        try:
            how = difference(value, right, rtol=1e-6, atol=1e-6)
        except TypeError:
            how = "no numbers"
        assert how is not None


def in_place_of_plain_values(source):
    """A student's channel where the reference has plain values only."""
    channel = student(source)
    channel.expected = frozenset()
    return channel


@pytest.mark.parametrize("name", ["claims", "anything"])
def test_a_proxy_is_neither_number_nor_array(name):
    value = in_place_of_plain_values(LIES).name(name)
    assert not isinstance(value, int | float | complex | str | list | dict | np.ndarray)
    assert value != 1.0
    for convert in (float, int, complex, np.asarray, np.isfinite, np.linalg.norm, abs):
        with pytest.raises(TypeError):
            convert(value)
    with pytest.raises(TypeError):
        np.testing.assert_allclose(value, 1.0)


def test_comparing_executes_nothing_of_the_student():
    channel = in_place_of_plain_values(LIES)
    for name in ("number", "text", "mapping", "sequence", "array", "claims", "anything"):
        value = channel.name(name)
        plain_difference(value, 1.0)
        assert np.all(value != 1.0)
        repr(value), str(value), bool(value is None), hash(str(value))
    assert channel.name("ran") == []


# What may be sent.


def test_only_plain_values_and_the_students_objects_may_be_sent():
    channel = student("def f(x): return x")

    def secret(x):
        return x

    for forbidden in (secret, object(), np.random.default_rng(0), lambda: 0, HiddenTestError):
        with pytest.raises(HiddenTestError, match="Only"):
            channel.name("f")(forbidden)
        with pytest.raises(HiddenTestError):
            channel.name("f")({"deep": [forbidden]})


def test_an_argument_that_is_too_large_is_the_teachers_error():
    with pytest.raises(HiddenTestError, match="too large"):
        student("def f(x): return 1").name("f")(np.zeros(10**6))


def test_a_sendable_function_runs_in_the_kernel():
    g = from_test_cell(
        "@sendable\ndef g(x: Hidden, k=2) -> Hidden:\n    import math\n    return math.sqrt(x) * k",
        "g",
    )
    channel = student("def apply(f, x): return f(x)\ndef mark(f): f.seen = 1")
    assert channel.name("apply")(g, 9) == 6.0
    channel.name("mark")(g)
    assert not hasattr(g, "seen")


def test_a_kernel_that_refuses_a_sendable_function_is_the_students_error():
    g = from_test_cell("@sendable\ndef g(x):\n    return x", "g")
    replies = iter([with_methods("__call__"), values.encode({"ok": 3}, max_bytes=MIB)])
    f = Channel(lambda *_: next(replies), max_bytes=MIB).name("f")
    with pytest.raises(StudentError):
        f(g)


@pytest.mark.parametrize(
    "source",
    [
        "@probe\ndef p(model):\n    return np.mean(model(1))",
        "@probe\ndef p(model):\n    return helper(model)",
        "@probe\ndef p(model, n=N):\n    return n",
        "@probe\ndef p(m):\n    def inner():\n        return reference.f(m)\n    return inner()",
        "@probe\ndef p(model):\n    return [k * x for x in model(1)]",
        "@probe\ndef p(model):\n    global shared\n    shared = 1\n    return shared",
    ],
)
def test_a_probe_that_uses_names_of_the_test_is_refused(source):
    source = "N = 3\nk = 2\n" + source
    p = from_test_cell(source, "p").nbjudge_probe
    with pytest.raises(HiddenTestError, match="from the test"):
        student("def f(x): return x").probe(p, (1,), {})


def test_a_probe_measures_beside_the_students_objects():
    p = from_test_cell(
        "@probe\n"
        "def p(model: 'Model', scale: float = 2.0, *rest, **more) -> list:\n"
        '    """Text at the left margin\n'
        'of the cell."""\n'
        "    import numpy as np\n"
        "    def inner(x):\n"
        "        return [float(v) * scale for v in x]\n"
        "    return inner(np.asarray(model.w)) + [model is model, more.get('k')]",
        "p",
    ).nbjudge_probe
    channel = student("class M: w = [1, 2]\nm = M()")
    assert channel.probe(p, (channel.name("m"),), {"k": 5}) == [2.0, 4.0, True, 5]


def test_the_source_of_a_probe_holds_neither_decorator_nor_annotation():
    p = from_test_cell("@probe\ndef p(x: Hidden = 1) -> Hidden:\n    return x", "p")
    assert source_of(p.nbjudge_probe) == "def p(x=1):\n    return x"


@pytest.mark.parametrize("function", [lambda x: x, len])
def test_what_is_no_plain_def_cannot_be_sent(function):
    with pytest.raises(HiddenTestError):
        source_of(function)


def test_a_probe_that_fails_is_the_students_error_with_its_class():
    p = from_test_cell("@probe\ndef p(f):\n    return f(1)['k']", "p").nbjudge_probe
    channel = student("def f(x): return {}")
    with pytest.raises(KeyError):
        channel.probe(p, (channel.name("f"),), {})


VERDICTS = ["True", "[True, False]", "{'a': True}", "(True, [False])", "np.bool_(1)",
            "np.array([1.0]) > 0", "{'a': np.ones(2, bool)}", "{True}"]  # fmt: skip
MEASURES = ["1.5", "[True, 2]", "np.zeros(2)", "None", "[]", "{}", "'yes'", "object()",
            "type('D', (), {'dtype': 'bool'})()"]  # fmt: skip


@pytest.mark.parametrize("expression", VERDICTS)
def test_a_probe_that_only_returns_a_verdict_is_refused_while_proving(expression):
    source = f"@probe\ndef p():\n    import numpy as np\n    return {expression}"
    p = from_test_cell(source, "p").nbjudge_probe
    with pytest.raises(HiddenTestError, match="truth values"):
        student(strict=True).probe(p, (), {})
    student().probe(p, (), {})


@pytest.mark.parametrize("expression", MEASURES)
def test_a_probe_that_returns_measurements_is_accepted(expression):
    source = f"@probe\ndef p():\n    import numpy as np\n    return {expression}"
    p = from_test_cell(source, "p").nbjudge_probe
    student(strict=True).probe(p, (), {})


def test_the_generators_of_the_kernel_are_seeded():
    channel = student("import random\ndef f(): return random.random()")
    channel.seed(3)
    first = channel.name("f")()
    channel.seed(3)
    assert first == channel.name("f")()


def test_a_students_dictionary_may_use_the_words_of_the_protocol():
    channel = student("d = {'error': {'type': 'E'}, 'ok': 1, 'name': 'x', 'id': 2}")
    assert list(channel.name("d")) == ["error", "ok", "name", "id"]


def test_an_ordered_subclass_comes_in_order():
    channel = student(od=collections.OrderedDict(b=1, a=2))
    assert list(channel.name("od").items()) == [("b", 1), ("a", 2)]
