"""The agent inside a student's kernel: it answers whatever surrounds it."""

import base64
import builtins
import subprocess
import sys

import pytest

from nbjudge import agent, seeding, values
from nbjudge.agent import Agent, bootstrap_source

MIB = 1 << 20


def ask(order, space=None, *, max_bytes=MIB):
    """What an agent over these names answers to one order."""
    names = {} if space is None else space
    request = base64.b64encode(values.encode(order, max_bytes=MIB)).decode()
    reply = Agent(lambda: names, max_bytes=max_bytes).handle(request)
    return values.decode(base64.b64decode(reply), remote=dict, max_bytes=MIB)


def test_a_name_is_looked_up_at_the_time_of_asking():
    space = {"x": 1}
    assert ask({"op": "get", "name": "x"}, space) == {"ok": 1}
    space["x"] = 2
    assert ask({"op": "get", "name": "x"}, space) == {"ok": 2}


def test_names_that_a_question_took_away_are_there_again_for_the_next():
    space = {"f": 1, "g": 2}
    agent = Agent(lambda: space)

    def order(**fields):
        request = base64.b64encode(values.encode(fields, max_bytes=MIB)).decode()
        return values.decode(base64.b64decode(agent.handle(request)), remote=dict, max_bytes=MIB)

    order(op="unbind", name="f")
    order(op="bind", name="g", value=5)
    order(op="bind", name="new", value=6)
    assert space == {"g": 5, "new": 6}
    order(op="bind", name="f", value=7)
    order(op="seed", seed=1)
    assert space == {"f": 1, "g": 2}
    assert order(op="unbind", name="nowhere")["error"]["missing"] == "nowhere"


def test_an_object_of_a_kernel_that_is_gone_is_none_of_the_next_ones():
    numbers = {ask({"op": "get", "name": "x"}, {"x": object()})["ok"]["id"] for _ in range(20)}
    assert len(numbers) == 20


def test_a_missing_name_is_named():
    report = ask({"op": "get", "name": "mu"})["error"]
    assert (report["missing"], report["type"], report["bases"]) == (
        "mu",
        "NameError",
        ["NameError"],
    )


@pytest.mark.parametrize(
    "request_text",
    ["", "!!!", "TkJKMQ==", base64.b64encode(b"NBJ1\xff\xff\xff\xff").decode(), "é"],
)
def test_a_request_that_cannot_be_read_is_answered_all_the_same(request_text):
    reply = Agent(dict).handle(request_text)
    assert "error" in values.decode(base64.b64decode(reply), remote=dict, max_bytes=MIB)


@pytest.mark.parametrize(
    "order", [{}, {"op": "fly"}, {"op": "call"}, {"op": "__init__"}, {"op": 3}, [], None, "x"]
)
def test_an_order_that_does_not_exist_is_an_error_and_not_an_accident(order):
    assert list(ask(order)) == ["error"]


def test_an_object_is_described_past_what_its_class_pretends():
    class Meta(type):
        __name__ = __qualname__ = "float"
        __module__ = property(lambda _: "builtins")

        def __getattribute__(cls, name):
            return "float"

    class Pretender(metaclass=Meta):
        __class__ = property(lambda _: float)

    handle = ask({"op": "get", "name": "x"}, {"x": Pretender()})["ok"]
    assert handle["type"].endswith("Pretender")


def test_a_class_with_an_endless_name_is_described_in_short():
    long = type("L" * 10**6, (ValueError,), {})

    def f():
        raise long("no")

    space = {"x": type("L" * 10**6, (), {})(), "f": f}
    assert len(ask({"op": "get", "name": "x"}, space)["ok"]["type"]) == 200
    handle = values.encode(
        {"op": "probe", "source": "def p(): raise type('L' * 10**6, (KeyError,), {})('no')",
         "name": "p", "args": [], "kwargs": {}},
        max_bytes=MIB,
    )  # fmt: skip
    reply = Agent(dict, max_bytes=10_000).handle(base64.b64encode(handle).decode())
    report = values.decode(base64.b64decode(reply), remote=dict, max_bytes=MIB)["error"]
    assert (len(report["type"]), report["bases"][0]) == (200, "KeyError")


def test_a_reply_beyond_the_limit_becomes_a_short_error():
    assert ask({"op": "get", "name": "x"}, {"x": b"x" * 5000}, max_bytes=2000) == {
        "error": {"type": "ValueTooLarge", "bases": [], "message": "", "lines": []}
    }


@pytest.mark.parametrize("name", ["list", "type", "len", "dict", "str", "isinstance", "open"])
def test_a_notebook_that_takes_the_name_of_a_built_in_harms_nobody(name):
    space = {name: [1, 2], "f": lambda x: [x]}
    assert ask({"op": "get", "name": name}, space) == {"ok": [1, 2]}
    probe = {"op": "probe", "source": f"def p():\n    return callable({name})", "name": "p",
             "args": [], "kwargs": {}}  # fmt: skip
    assert ask(probe, space) == {"ok": True}


@pytest.mark.parametrize("name", ["len", "type", "isinstance", "callable"])
def test_a_built_in_replaced_for_all_modules_is_not_the_probes(name, monkeypatch):
    probe = values.encode(
        {"op": "probe", "source": f"def p():\n    return {name} is None", "name": "p",
         "args": [], "kwargs": {}}, max_bytes=MIB,
    )  # fmt: skip
    handler = Agent(dict)
    order = agent._decode(probe, max_bytes=MIB)
    with monkeypatch.context() as patch:
        patch.setattr(builtins, name, None)
        measured = handler._do_probe(order)
    assert measured is False


def test_figures_drawn_during_a_test_are_forgotten():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("agg")
    pyplot.figure()
    ask({"op": "get", "name": "x"})
    assert pyplot.get_fignums() == []


def test_every_loaded_generator_is_seeded():
    import random

    import numpy as np

    torch = pytest.importorskip("torch")
    draws = []
    for _ in range(2):
        ask({"op": "seed", "seed": 7})
        draws.append((random.random(), np.random.rand(), torch.rand(1).item()))  # noqa: S311
    assert draws[0] == draws[1]


def test_a_students_module_in_the_place_of_random_is_their_affair(monkeypatch):
    monkeypatch.setitem(sys.modules, "random", object())
    seeding.seed_generators(3)


KERNEL = """
import sys
sys.modules["nbjudge"] = None  # not installed in the sandbox
space = {"x": [1, 2.5], "list": 3}
class Shell:
    user_ns = space
get_ipython = Shell
exec(%r)
import _nbjudge_agent
print(_nbjudge_agent.handle(%r))
print(sorted(n for n in globals() if "nbjudge_install" in n))
print(sorted(m for m in ("numpy", "torch") if m in sys.modules))
"""


def test_the_agent_installs_itself_where_nbjudge_is_not_and_imports_nothing_unasked():
    order = values.encode({"op": "get", "name": "x"}, max_bytes=MIB)
    code = KERNEL % (bootstrap_source(5, MIB), base64.b64encode(order).decode())
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    reply, left, loaded = done.stdout.splitlines()
    assert values.decode(base64.b64decode(reply), remote=dict, max_bytes=MIB) == {"ok": [1, 2.5]}
    assert (left, loaded) == ("[]", "[]")
