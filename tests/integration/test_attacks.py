"""The best student of the class, with the source of nbjudge and a free weekend.

Nothing that a submission holds earns a point without the answer, shows a hidden test or a value
of the reference, reaches a file or a process outside its sandbox, or keeps others from being
graded.  The honest question beside the attack keeps its points.
"""

import io
import json
import os
import re
from concurrent.futures import Future
from dataclasses import replace

import pytest
import small_course as sc
from rich.console import Console
from test_accidents import IMPORTS, LIMITS, SECRET, answer, course, given, graded, verdict

from nbjudge.assignment import Upload
from nbjudge.classroom import ClassReport, grade_class
from nbjudge.cli import grading
from nbjudge.document import MAX_SHOWN_CELL
from nbjudge.errors import GradingFault
from nbjudge.feedback import write_feedback
from nbjudge.grade import grade_notebook, prove_reference
from nbjudge.inert import inert_cell, inert_markdown, inert_output
from nbjudge.marks import Row
from nbjudge.parallel import _outcome
from nbjudge.rebuild import rebuild
from nbjudge.records import read_record
from nbjudge.settings import Settings
from nbjudge.submissions import Submission
from nbjudge.verdict import Status

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def honest():
    """A question that nothing attacks, worth 2."""
    return (
        answer("g", "def g(x):\n    return x + 1"),
        graded("g", IMPORTS + "assert_close(g(3.0), reference.g(3.0), what='g')"),
    )


def target(solution, hidden, visible="", given_code="import numpy as np"):
    """Return an assignment whose question f is attacked, proved as before any student."""
    assignment = course(
        given(given_code), answer("f", solution), graded("f", hidden, visible), *honest()
    )
    return proved(assignment)


def proved(assignment):
    results = prove_reference(assignment, Settings(limits=LIMITS), SECRET)
    return replace(assignment, objects={r.notebook: dict(r.objects) for r in results})


def hand_in(assignment, answers, *, extras=(), files=None, limits=LIMITS):
    """Grade the reference with some answers replaced and cells added; return points and result."""
    cells = []
    for cell in assignment.notebooks[0].cells:
        if cell.is_students:
            cells.append(_cell(answers.get(cell.grade_id, cell.source), cell.grade_id))
        cells += [_cell(source, None) for after, source in extras if after == cell.grade_id]
    data = json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}).encode()
    upload = Upload(notebook=data, files=files or {})
    result = grade_notebook(upload, assignment, "ps", Settings(limits=limits), SECRET)
    return {v.grade_id.removeprefix("test_"): v.points for v in result.verdicts}, result


def _cell(source, grade_id):
    metadata = {"nbgrader": {"grade_id": grade_id}} if grade_id else {}
    return {"cell_type": "code", "metadata": metadata, "source": source, "outputs": []}


def words(result):
    """Everything that a student reads of a result."""
    said = [text for v in result.verdicts for text in (v.message, *(p.message for p in v.parts))]
    return "\n".join([*said, *result.notes])


DOUBLE = "def f(x):\n    return 2 * x"
HIDDEN = IMPORTS + "assert_close(f(3.0), reference.f(3.0), what='f')"
WRONG = "def f(x):\n    return 0.0"


@pytest.fixture(scope="module")
def doubling():
    return target(DOUBLE, HIDDEN)


# A point without the answer.

FORGERY = r"""
import hashlib, hmac, json
kernel = get_ipython().kernel
parent = {name: str(value) for name, value in kernel.get_parent()["header"].items()}
key = json.load(open("/run/nbjudge/connection.json"))["key"].encode()
def forge(kind, content):
    header = {"msg_id": "1", "msg_type": kind, "session": "s", "username": "u",
              "date": "2020-01-01T00:00:00", "version": "5.3"}
    parts = [json.dumps(header).encode(), json.dumps(parent).encode(), b"{}", content]
    code = hmac.new(key, digestmod=hashlib.sha256)
    for part in parts:
        code.update(part)
    signature = code.hexdigest().encode()
    kernel.iopub_socket.send_multipart([b"x", b"<IDS|MSG>", signature, *parts])
for depth in range(50, 1200, 25):
    deep = b"[" * depth + b"]" * depth
    forge("error", b'{"ename":%s,"evalue":%s,"traceback":%s}' % (deep, deep, deep))
    forge("stream", b'{"name":"stdout","text":%s}' % deep)
    forge("execute_input", b'{"execution_count":%s}' % deep)
for count in (b"-5", b"1e999", b"true", b"9" * 4000, b"9" * 9000):
    forge("execute_input", b'{"execution_count":%s}' % count)
data = b'{"text/html":"<b>html</b>","text/plain":"\udc80 plain","image/png":"aGk="}'
forge("display_data", b'{"data":%s,"metadata":{"isolated":true},"transient":[]}' % data)
forge("status", b'{"execution_state":"idle"}')
"""
ATTACKS = {
    "replaces what tests compare with": (
        "import numpy.testing\n"
        "np.testing.assert_allclose = np.allclose = np.isclose = lambda *a, **k: True\n"
        "import builtins\nbuiltins.abs = builtins.all = lambda *a: True"
    ),
    "takes asserts out of the code": (
        "import ast\n"
        "class Forget(ast.NodeTransformer):\n"
        "    def visit_Assert(self, node): return ast.Pass()\n"
        "get_ipython().ast_transformers.append(Forget())"
    ),
    "shows a score": (
        "import sys\n"
        "get_ipython().events.register('post_run_cell', lambda *a: print('2 / 2 points'))\n"
        "sys.displayhook = lambda value: print('2 / 2 points')\n2.0"
    ),
    "forges outputs in its kernel's name": FORGERY,
    "leaves a child that answers too": "import os\nos.fork()",
    "puts other sockets in the place of its kernel's": (
        "import glob, os, zmq\n"
        "for path in glob.glob('/run/nbjudge/k-*'): os.unlink(path)\n"
        "context = zmq.Context()\n"
        "for port, kind in ((1, zmq.ROUTER), (2, zmq.PUB), (4, zmq.ROUTER)):\n"
        "    context.socket(kind).bind(f'ipc:///run/nbjudge/k-{port}')"
    ),
    "ignores every signal": (
        "import asyncio, signal\n"
        "for number in range(1, 65):\n"
        "    try: signal.signal(number, signal.SIG_IGN)\n"
        "    except (OSError, ValueError): pass\n"
        "async def busy():\n    while True: await asyncio.sleep(0)\n"
        "task = asyncio.get_event_loop().create_task(busy())"
    ),
    "closes every descriptor": (
        "import os\n"
        "for number in range(3, 200):\n"
        "    try: os.close(number)\n"
        "    except OSError: pass"
    ),
}


@pytest.mark.parametrize("source", ATTACKS.values(), ids=ATTACKS.keys())
def test_a_cell_that_attacks_its_kernel_gains_nothing_and_costs_no_other_question(doubling, source):
    points, result = hand_in(doubling, {"f": WRONG}, extras=[("f", source)])
    assert points == {"f": 0.0, "g": 2.0}
    assert verdict(result, "f").status is Status.FAILED
    outputs = [cell["outputs"] for cell in result.document["cells"]]
    assert b"<b>html" not in json.dumps(outputs, ensure_ascii=False).encode()


FORGED = (
    "import base64, json, struct, sys\n"
    "def reply(tree):\n"
    "    head = json.dumps(tree).encode()\n"
    "    return base64.b64encode(b'NBJ1' + struct.pack('!I', len(head)) + head).decode()\n"
    "error = [['bases', ['l', ['SystemExit', 'StopIteration', 'AssertionError', 'KeyError']]],\n"
    "         ['own', ['l', ['nbjudge.testing:CheckFailed', 'nbjudge.errors:HiddenTestError']]],\n"
    "         ['type', 'CheckFailed'], ['message', 'passed'], ['lines', ['l', [['d', []]]]]]\n"
    "replies = {replies}\n"
    "number = 0\n"
    "def handle(request):\n"
    "    global number\n"
    "    number += 1\n"
    "    return replies[number % len(replies)]\n"
    "sys.modules['_nbjudge_agent'].handle = handle"
)
_OBJECT = {
    "id": 10**30,
    "type": "builtins.float",
    "methods": ["__bool__", "__eq__", "__sub__", "__call__"],
    "classes": ["builtins:float"],
}
_CLASS = {"id": 1, "itself": "subprocess:Popen"}
_ERROR = {"id": 1, "raises": ["nbjudge.errors:HiddenTestError"], "bases": ["Exception"]}
REPLIES = {
    "nothing": "['', 'AAAA', reply(None), reply(['d', []])]",
    "errors": "[reply(['d', [['error', ['d', error]]]])]",
    **{
        name: f"[reply(['d', [['ok', ['handle', {node!r}]]]])]"
        for name, node in (("an object", _OBJECT), ("a class", _CLASS), ("a raise", _ERROR))
    },
}


@pytest.mark.parametrize("replies", REPLIES.values(), ids=REPLIES.keys())
def test_forged_answers_to_the_judge_are_values_and_no_verdicts(doubling, replies):
    source = FORGED.replace("{replies}", replies)
    points, _ = hand_in(doubling, {"f": WRONG}, extras=[("f", source)])
    # Whoever takes the agent's place answers for the questions after it as well.
    assert points == {"f": 0.0, "g": 0.0}


RESULTS = {
    "equal": "Equal()",
    "equal_class": "Equal",
    "not_a_number": "float('nan')",
    "numbers_that_are_none": "np.full(3, np.nan)",
    "infinite": "-np.inf",
    "complex": "6.0 + 1j",
    "none": "np.empty((0, 3))",
    "many": "np.full(7, 6.0)",
    "a_column": "np.array([[6.0]])",
    "object_array": "np.array([Equal()], dtype=object)",
    "integer_without_end": "10**5000",
    "halves": "'\\udc80' * 1000",
    "masked": "np.ma.masked_all(3)",
    "nothing": "None",
    "itself": "f",
    "range": "range(10**12)",
    "deep": "deep",
    "record": "np.zeros(3, dtype='f8,f8')",
    "stops": "(_ for _ in ()).throw(StopIteration)",
    "stops_a_loop": "next(iter(()))",
    "asserts": "(_ for _ in ()).throw(AssertionError('2 / 2'))",
    "exits": "exec('raise SystemExit(0)')",
    "interrupts": "exec('raise KeyboardInterrupt')",
    "end": "exec('raise GeneratorExit')",
}


@pytest.fixture(scope="module")
def results():
    """One question for each result, all with the same solution."""
    cells = [given("import numpy as np")]
    for name in RESULTS:
        hidden = IMPORTS + (
            f"with credit(1, 'a number'):\n"
            f"    assert_close({name}(3.0), reference.{name}(3.0), what='it')\n"
            f"with credit(1, 'many numbers'):\n"
            f"    for x, y in zip((1.0, 4.0), map({name}, (1.0, 4.0))):\n"
            f"        assert abs(y - reference.{name}(x)) < 1e-9\n"
            f"    assert y == 8.0"
        )
        solution = f"def {name}(x):\n    return 2 * x"
        cells += [answer(name, solution), graded(name, hidden)]
    assignment = proved(course(*cells, *honest()))
    prelude = (
        "class Equal:\n"
        "    def __bool__(self): return True\n"
        "    def __float__(self): return 6.0\n"
        "    def __array__(self, *a, **k): return np.array(6.0)\n"
        "    def __sub__(self, other): return 0.0\n"
        "    __rsub__ = __abs__ = __sub__\n"
        "    def __eq__(self, other): return True\n"
        "    __lt__ = __le__ = __gt__ = __ge__ = __eq__\n"
        "    __hash__ = None\n"
        "deep = []\n"
        "for _ in range(10_000): deep = [deep]\n"
    )
    answers = {
        name: f"{prelude}def {name}(x):\n    f = {name}\n    return {value}"
        for name, value in RESULTS.items()
    }
    return hand_in(assignment, answers, limits=replace(LIMITS, notebook_seconds=240))


@pytest.mark.parametrize("name", RESULTS)
def test_no_odd_result_passes_for_the_right_number(results, name):
    points, result = results
    assert points[name] == 0.0
    assert verdict(result, name).message or all(p.message for p in verdict(result, name).parts)


def test_odd_results_cost_no_other_question(results):
    points, _ = results
    assert points["g"] == 2.0


EQUAL = (
    "class Equal:\n"
    "    def __sub__(self, other): return 0.0\n"
    "    __add__ = __mul__ = __rsub__ = __radd__ = __rmul__ = __abs__ = __float__ = __sub__\n"
    "    def __eq__(self, other): return True\n"
    "    __bool__ = __lt__ = __le__ = __gt__ = __ge__ = lambda *_: True\n"
    "    def __getattr__(self, name): return Equal()\n"
    "    def __call__(self, *args): return Equal()\n"
)
OBJECTS = {
    "a closure returns": (
        "def f(n):\n    return lambda x: x + n",
        "assert abs(f(2)(3) - 5) < 1e-9",
        "def f(n):\n    return lambda x: Equal()",
    ),
    "a closure's closure returns": (
        "def f(n):\n    return lambda x: lambda y: x + y + n",
        "assert abs(f(2)(3)(1) - 6) < 1e-9",
        "def f(n):\n    return lambda x: lambda y: Equal()",
    ),
    "stands beside a closure": (
        "def f(n):\n    return (lambda x: x + n), n / 2",
        "h, v = f(2)\nassert abs(v - 1) < 1e-9 and h(1) == 3",
        "def f(n):\n    return (lambda x: x + n), Equal()",
    ),
    "stands beside a closure in a dictionary": (
        "def f(n):\n    return {'h': lambda x: x + n, 'v': n / 2}",
        "found = f(2)\nassert abs(found['v'] - 1) < 1e-9 and found['h'](1) == 3",
        "def f(n):\n    return {'h': lambda x: x + n, 'v': Equal()}",
    ),
    "one closure of many returns": (
        "def f(n):\n    return [lambda x, k=k: x + k for k in range(n)]",
        "assert abs(f(3)[1](3) - 4) < 1e-9",
        "def f(n):\n    return [lambda x: Equal() for k in range(n)]",
    ),
    "a method returns": (
        "class f:\n    def __init__(self, n): self.n = n\n    def add(self, x): return self.n + x",
        "assert abs(f(2).add(3) - 5) < 1e-9",
        "class f:\n    def __init__(self, n): pass\n    def add(self, x): return Equal()",
    ),
}


@pytest.mark.parametrize(("solution", "hidden", "wrong"), OBJECTS.values(), ids=OBJECTS.keys())
def test_an_object_decides_nothing_where_the_reference_has_a_number(solution, hidden, wrong):
    assignment = target(solution, hidden)
    points, _ = hand_in(assignment, {"f": EQUAL + wrong})
    assert points == {"f": 0.0, "g": 2.0}


def test_a_right_answer_may_hold_its_objects_in_another_container():
    solution = "def f(n):\n    return (lambda x: x + n), [lambda x: x, lambda x: n]"
    assignment = target(solution, "h, (i, c) = f(2)\nassert h(1) == 3 and i(5) == 5 and c(7) == 2")
    right = "def f(n):\n    return [lambda x: n + x, (lambda x: x, lambda x: n)]"
    assert hand_in(assignment, {"f": right})[0] == {"f": 2.0, "g": 2.0}


STATISTICS = {
    "a mean that is no number": (
        "assert_mean(f(1000), 0.0, sd=1.0, what='m')",
        "np.r_[np.full(n // 2, 1.7e308), np.full(n // 2, -1.7e308)]",
    ),
    "a mean of nothing": ("assert_mean(f(1000), 0.0, sd=1.0, what='m')", "np.empty((n, 0))"),
    "a mean of one": ("assert_mean(f(1000), 0.0, sd=1.0, n=1000, what='m')", "np.zeros(1)"),
    "a variance of nothing": (
        "assert_variance(f(1000), 1.0, mean=0.0, what='v')",
        "np.empty((n, 0))",
    ),
    "a variance of few": (
        "assert_variance(f(1000), 1.0, mean=0.0, n=1000, what='v')",
        "np.zeros(5)",
    ),
    "a law far out": (
        "import numpy as np\n"
        "cdf = lambda x: np.exp(1.7 * x) / (1 + np.exp(1.7 * x))\n"
        "assert_same_distribution(f(100), cdf, what='d')",
        "np.full(n, 1e4)",
    ),
    "a law of few": (
        "import numpy as np\n"
        "cdf = lambda x: 1 / (1 + np.exp(-1.7 * x))\n"
        "assert_same_distribution(f(100), cdf, n=100, what='d')",
        "np.array([-77.0, 99.0])",
    ),
}


@pytest.mark.parametrize(("hidden", "result"), STATISTICS.values(), ids=STATISTICS.keys())
def test_draws_that_are_none_pass_no_statistical_test(hidden, result):
    solution = "def f(n):\n    return np.random.default_rng(0).normal(size=n)"
    assignment = target(solution, "from nbjudge.testing import *\n" + hidden)
    points, _ = hand_in(assignment, {"f": f"def f(n):\n    return {result}"})
    assert points == {"f": 0.0, "g": 2.0}


def test_an_exception_that_a_library_waits_for_ends_no_test_in_silence():
    hidden = (
        "import unittest\n"
        "class Tests(unittest.TestCase):\n"
        "    def test_f(self): self.assertEqual(f(3.0), 6.0)\n"
        "cases = unittest.defaultTestLoader.loadTestsFromTestCase(Tests)\n"
        "assert unittest.TextTestRunner().run(cases).wasSuccessful()"
    )
    assignment = target(DOUBLE, hidden)
    skips = "import unittest\ndef f(x):\n    raise unittest.SkipTest('passed')"
    points, _ = hand_in(assignment, {"f": skips})
    assert points == {"f": 0.0, "g": 2.0}


def test_the_credit_of_an_earlier_test_does_not_count_for_a_later_one():
    # The judge is killed between them; the later test needs a name of the earlier one.
    first = IMPORTS + (
        "data = [1.0, 2.0]\n"
        "with credit(2, 'f'):\n    assert_close(f(data[0]), reference.f(1.0), what='f')"
    )
    endless = "x = h(3.0)\nwhile not x >= 1:\n    x = x + 1\nassert x == 3.0"
    last = IMPORTS + "with credit(2, 'k'):\n    assert_close(k(data[0]), 2.0, what='k')"
    assignment = proved(
        course(
            answer("f", DOUBLE),
            graded("f", first),
            answer("h", "def h(x):\n    return x"),
            graded("h", endless),
            answer("k", "def k(x):\n    return x + 1"),
            graded("k", last),
            *honest(),
        )
    )
    answers = {
        "h": "def h(x):\n    return float('nan')",
        "k": "def k(x):\n    return 0.0",
    }
    points, _ = hand_in(assignment, answers)
    assert points == {"f": 2.0, "h": 0.0, "k": 0.0, "g": 2.0}


# Hidden tests, seeds, values of the reference.


def test_a_kernel_is_not_seeded_as_the_tests_are():
    hidden = "from nbjudge.testing import *\n" + (
        "import random\n"
        "weights, points = np.random.normal(size=5), np.random.normal(size=(9, 5))\n"
        "assert_close(f(points, points @ weights), weights, what='the weights')\n"
    )
    solution = "def f(X, y):\n    return np.linalg.lstsq(X, y, rcond=None)[0]"
    assignment = target(solution, hidden)
    guess = "def f(X, y):\n    return np.random.normal(size=X.shape[1])"
    points, _ = hand_in(assignment, {"f": guess})
    assert points == {"f": 0.0, "g": 2.0}


def test_what_runs_in_the_kernel_finds_no_hidden_test_and_no_solution_in_its_memory():
    solution = "def f(x):\n    mark_of_the_solution = 2\n    return mark_of_the_solution * x"
    hidden = HIDDEN + "\nmark_of_the_test = f(4.0)\nassert mark_of_the_test == 8.0"
    assignment = target(solution, hidden)
    spy = (
        "def f(x):\n"
        "    found = 0\n"
        "    with open('/proc/self/maps') as maps, open('/proc/self/mem', 'rb', 0) as memory:\n"
        "        for line in maps:\n"
        "            span, rights = line.split()[:2]\n"
        "            if rights[:2] != 'rw': continue\n"
        "            start, end = (int(part, 16) for part in span.split('-'))\n"
        "            try:\n"
        "                memory.seek(start)\n"
        "                data = memory.read(end - start)\n"
        "            except (OSError, ValueError, OverflowError):\n"
        "                continue\n"
        "            found += sum(data.count(b'mark_of_' + b'the_' + word)\n"
        "                         for word in (b'test', b'solution'))\n"
        "            seen.append((len(data), data.count(b'a_mark_' + b'of_mine')))\n"
        "    seen.append(found)\n"
        "    return 0.0\n"
        "seen, mine = [], 'a_mark_' + 'of_mine'"
    )
    report = "print('size', sum(n for n, _ in seen[:-1]), 'mine', sum(m for _, m in seen[:-1]))"
    points, result = hand_in(
        assignment, {"f": spy}, extras=[("g", f"{report}\nprint('found', seen[-1])")]
    )
    assert points == {"f": 0.0, "g": 2.0}
    text = next(
        o["text"]
        for cell in result.document["cells"]
        for o in cell.get("outputs", ())
        if "found" in o.get("text", "")
    )
    size, mine, found = map(int, re.findall(r"\d+", text))
    assert size > 10_000_000
    assert mine > 0  # the search finds what is there
    assert found == 0


def test_a_failed_check_shows_no_value_of_the_reference():
    hidden = IMPORTS + (
        "with credit(0.5, 'one'):\n    assert_close(f(3.0), reference.f(3.0), what='one')\n"
        "with credit(0.5, 'two'):\n    assert reference.f(4.0) == f(4.0), reference.f(4.0)\n"
        "with credit(0.5, 'three'):\n    np.testing.assert_allclose(f(5.0), reference.f(5.0))\n"
        "with credit(0.5, 'four'):\n    {'a': 1}[f(6.0)][reference.f(6.0)]\n"
    )
    solution = "def f(x):\n    return 1234.5 + x"
    assignment = course(
        given("import numpy as np"), answer("f", solution), graded("f", hidden), *honest()
    )
    details = []
    for value in ("0.0", "'text'", "np.zeros(3)", "1 / 0", "-1234.5 - x"):
        points, result = hand_in(assignment, {"f": f"def f(x):\n    return {value}"})
        assert points == {"f": 0.0, "g": 2.0}
        assert "12" not in words(result).replace("1234.5 - x", "")
        details.append(json.dumps(result.to_json()))
    assert "1237.5" in "".join(details)  # the instructor sees them


# The judge's process, the instructor's files and terminal.


def test_a_class_of_a_library_in_the_place_of_a_function_runs_nothing_in_the_judge(tmp_path):
    mark = tmp_path / "made"
    solution = "def encode(s):\n    return s[::-1]\ndef decode(s):\n    return s[::-1]"
    # A judge has this module loaded as soon as a test draws a figure.
    hidden = "import subprocess\nassert decode(encode('abc')) == 'abc'"
    assignment = target(solution, hidden)
    attack = (
        "import subprocess\n"
        "decode = subprocess.Popen\n"
        f"def encode(s):\n    return ['sh', '-c', 'touch {mark}']"
    )
    points, _ = hand_in(assignment, {"f": attack})
    assert points == {"f": 0.0, "g": 2.0}
    assert not mark.exists()


def test_a_class_of_a_library_can_be_an_answer():
    solution = "from collections import OrderedDict\nkind, number = OrderedDict, np.float64"
    hidden = (
        "import collections\n"
        "assert kind == collections.OrderedDict and kind != collections.Counter\n"
        "assert number == np.float64 and number('1.5') == 1.5"
    )
    assignment = target(solution, hidden)
    assert hand_in(assignment, {})[0] == {"f": 2.0, "g": 2.0}
    for wrong in ("kind, number = dict, np.float64", "kind, number = 0, float"):
        assert hand_in(assignment, {"f": wrong})[0] == {"f": 0.0, "g": 2.0}


def test_words_of_a_student_in_a_verdict_can_be_written_shown_and_are_not_endless():
    visible = "shown = f(1.0)\nassert shown == 2.0, f'got {shown}'"
    assignment = target(DOUBLE, "assert f(3.0) == 6.0", visible)
    word = "'\\udc80\\x1b]0;owned\\x07\\x1b[2J\\x9b2J' + 'x' * 3_000_000"
    points, result = hand_in(assignment, {"f": f"def f(x):\n    return 6.0 if x == 3 else {word}"})
    assert points == {"f": 0.0, "g": 2.0}
    found = verdict(result, "f")
    assert found.message.startswith("A visible check does not hold: got ")
    assert len(found.message) <= 2_000
    assert len(found.detail) <= 21_000
    assert not CONTROL.search(found.message + found.detail)
    for data in (result.to_json(), result.document):
        json.dumps(data, ensure_ascii=False).encode()


def test_names_and_remarks_reach_the_terminal_as_text(monkeypatch):
    assignment = course(*honest())
    hostile = "x\x1b[2J\x1b]0;owned\x07[bold]y"
    report = ClassReport(assignment)
    report.marks = [Row(student=hostile, points={"test_g": 1.0}, total=1.0)]
    report.warnings, report.unseen = [hostile], [hostile]
    report.failed = {hostile: GradingFault(hostile)}
    console = Console(file=io.StringIO(), width=120, color_system=None)
    grading.show_marks(console, report)
    shown = console.file.getvalue()
    assert shown.count("owned") == 5
    assert shown.count("[bold]") == 5
    assert not CONTROL.search(shown.replace("\n", ""))


# Files beside the notebook.

STARTUP = (
    *("ipykernel_launcher.py", "json.py", "zmq.py", "asyncio.py", "site.py", "runpy.py", "os.py"),
    *("ipython_config.py", "ipython_kernel_config.py", "sitecustomize.py", "usercustomize.py"),
    *("numpy.py", "tornado.py", "IPython.py", "typing.py", "_nbjudge_agent.py", "base64.py"),
    *("nbjudge/__init__.py", "conftest.py", "nbgrader_config.py", "pyvenv.cfg", "__main__.py"),
)
FILES = {
    "take the place of the kernel's modules": dict.fromkeys(STARTUP, b"raise SystemExit(3)"),
    "stand in the way of the assignment's": {
        "helper.py/x": b"1",
        "helper/__init__.py": b"raise SystemExit(3)",
        "data": b"1",
    },
    "have odd names": dict.fromkeys(
        ("a\nb", "--ro-bind", "-x", " ", "é", "a'b\"c", "\x1b[2J", "x" * 250, "/".join("d" * 900)),
        b"1",
    ),
    "fill the work folder": {f"f{n}": b"x" * (LIMITS.work_bytes // 200 - 1) for n in range(200)},
}


@pytest.mark.parametrize("files", FILES.values(), ids=FILES.keys())
def test_files_of_a_submission_keep_no_kernel_from_starting(files):
    assignment = course(given("import numpy as np\nimport helper"), *honest())
    assignment = replace(assignment, files={"helper.py": b"PI = 3\n", "data/x.csv": b"1\n"})
    points, result = hand_in(assignment, {}, files=files)
    assert points == {"g": 2.0}
    assert result.notes == ()


# The uploaded file.

MANY = "elif torch.cuda.is_available(): pass\n" * 900
CELLS = {
    "magics over magics": "%%time\n" * 5_000 + "def f(x):\n    return 2 * x",
    "else after else": f"import torch\nif 1: pass\n{MANY}else:\n    x = [{'1,' * 500_000}]",
    "a long list": f"x = 'cuda google' and [{'1,' * 500_000}]",
    "dots": "a" + ".cuda" * 100_000,
    "minus": "-" * 500_000 + "1",
    "brackets": "(" * 500_000,
    "lines": "a\n" * 500_000 + "cuda",
    "commands": "x = !a \\\n" * 100_000 + "(",
}


@pytest.mark.parametrize("source", CELLS.values(), ids=CELLS.keys())
def test_no_code_takes_the_grader_long_to_read(source):
    # What is not bounded takes minutes to hours here, for each of these cells.
    assignment = course(given("import numpy as np"), answer("f", DOUBLE), graded("f", HIDDEN))
    data = json.dumps({"cells": [_cell(source, None)] * 8 + [_cell(DOUBLE, "f")]}).encode()
    rebuilt = rebuild(data, assignment.notebooks[0], LIMITS)
    assert rebuilt.readable
    assert [c.source for c in rebuilt.cells if c.origin is not None] == [
        "import numpy as np",
        DOUBLE,
        "",
    ]


def claiming(**claims):
    cell = {"cell_type": "code", "metadata": {}, "source": "points = 2.0", "outputs": []}
    nbgrader = claims.pop("nbgrader", None)
    if nbgrader is not None:
        cell["metadata"] = {"nbgrader": nbgrader, "tags": ["skip-execution", "nbjudge-inside"]}
    return cell | claims


CLAIMS = {
    "a test": claiming(nbgrader={"grade_id": "test_f", "points": 1e9, "grade": True}),
    "a test's id": claiming(id="c2"),
    "a given cell": claiming(id="c0"),
    "a given cell's id and an answer's name": claiming(id="c0", nbgrader={"grade_id": "f"}),
    "a prototype": claiming(nbgrader={"grade_id": "__proto__"}, id="constructor"),
    "a path": claiming(nbgrader={"grade_id": "../../gradebook.db"}, id="/etc/passwd"),
    "an endless name": claiming(nbgrader={"grade_id": "x" * 1_000_000}, id="\udc80"),
    "no name at all": claiming(nbgrader={"grade_id": {"a": [1]}}, id=10**30),
    "another kernel": claiming(nbgrader=[1, 2], execution_count="x", attachments={"a": 1}),
    "a solution and a task": claiming(
        nbgrader={"grade_id": "test_f", "solution": True, "task": True, "locked": False}
    ),
}


@pytest.mark.parametrize("cell", CLAIMS.values(), ids=CLAIMS.keys())
def test_what_a_cell_claims_to_be_changes_no_cell_of_the_instructor(cell):
    assignment = course(given("import numpy as np"), answer("f", DOUBLE), graded("f", HIDDEN))
    notebook = assignment.notebooks[0]
    right = _cell(DOUBLE, "f") | {"id": "c1"}
    metadata = {"kernelspec": {"name": "../evil"}, "nbgrader": {"points": 20}, "widgets": {"a": 1}}
    for cells in ([cell, right], [right, cell], [cell, right, cell]):
        data = json.dumps({"metadata": metadata, "cells": cells}).encode()
        rebuilt = rebuild(data, notebook, LIMITS)
        origins = [c.origin for c in rebuilt.cells if c.origin is not None]
        assert origins == list(notebook.cells)
        kept = [
            c.source for c in rebuilt.cells if c.origin in (notebook.cells[0], notebook.cells[2])
        ]
        assert kept == ["import numpy as np", ""]
        json.dumps([c.source for c in rebuilt.cells], ensure_ascii=False).encode()


@pytest.mark.parametrize(
    "text",
    [
        '{"cells": [], "cells": [{"cell_type": "code", "source": "f", "metadata": {}}]}',
        '{"cells": [' + "[" * 100_000 + "]" * 100_000 + "]}",
        '{"cells": [{"cell_type": "code", "source": ' + "9" * 100_000 + "}]}",
        '{"cells": [{"cell_type": "code", "source": "x", "metadata": ' + '{"a":' * 50_000,
        '{"cells": [{"cell_type": "code", "source": "\\ud800\\u0000", "metadata": {}}]}',
        '{"cells": [' + "{}," * 1_000_000 + "{}]}",
        '{"cells": ' * 1_000,
        '{"worksheets": [' + '{"cells": []},' * 100_000 + "{}]}",
        "[1e999, NaN, -Infinity]",
    ],
    ids=["twice", "deep", "integer", "deep end", "half", "empty", "nested", "sheets", "numbers"],
)
def test_every_text_is_read_or_refused_in_a_sentence(text):
    notebook = course(answer("f", DOUBLE), graded("f", HIDDEN)).notebooks[0]
    rebuilt = rebuild(text.encode(), notebook, LIMITS)
    assert [c.origin for c in rebuilt.cells if c.origin is not None] == list(notebook.cells)
    assert rebuilt.readable or rebuilt.notes


# Pages.


def test_no_markdown_takes_long_to_make_inert():
    for source in ("```" + " " * 1_000_000 + "`", "](" + "\n" * 1_000_000, "~~~ \t" * 200_000):
        assert inert_markdown(source).replace("\u2063", "") == source


def test_no_output_takes_long_to_show():
    line = {"output_type": "stream", "name": "stdout", "text": "x" * 2_000_000}
    colours = line | {"text": "\x1b[m" * 500_000}
    from nbjudge.feedback import _plain

    assert len(_plain(line["text"])) == 2_000_000
    assert "\x1b" not in inert_output(colours)["text"]
    assert inert_output(line | {"text": "\x1b[31mred\x1b[0m"})["text"] == "\x1b[31mred\x1b[0m"


def test_a_long_cell_is_shown_in_part_and_its_pasted_picture_not_at_all(doubling):
    picture = f"![](data:image/png;base64,{'A' * 100_000})"
    extras = [("f", "a" + ".a" * 500_000), ("g", f"'''{picture} and the words after it'''")]
    points, result = hand_in(doubling, {}, extras=extras)
    assert points == {"f": 2.0, "g": 2.0}
    sources = [cell["source"] for cell in result.document["cells"]]
    assert max(map(len, sources)) <= MAX_SHOWN_CELL + 10
    assert any(source.endswith("\n[...]") for source in sources)
    assert any(source.endswith("and the words after it'''") for source in sources)


def test_a_raw_cell_is_shown_as_the_text_it_is():
    made = inert_cell(
        {"cell_type": "raw", "source": "``` \n<script>alert(1)</script>", "metadata": {}},
        students=True,
    )
    assert made["cell_type"] == "markdown"
    assert "<script" not in made["source"]


# The class.


def test_a_fault_in_grading_one_submission_is_told_and_costs_no_other():
    submission = Submission(student="eve", assignment="ps", uploads={}, notes={}, found={})
    future = Future()
    future.set_exception(RecursionError("too deep"))
    graded_one = _outcome(future, submission)
    assert isinstance(graded_one.error, GradingFault)
    assert "eve" in str(graded_one.error)
    assert "RecursionError: too deep" in str(graded_one.error)


@pytest.fixture(scope="module")
def classroom(tmp_path_factory):
    """A class with a hostile student on every side of an honest one; graded."""
    half = (
        "shown = half(5)\nassert shown == 2.5, f'got {shown}'\n"
        "### BEGIN HIDDEN TESTS\nassert half(3) == 1.5\n### END HIDDEN TESTS"
    )
    solution = "def half(x):\n    ### BEGIN SOLUTION\n    return x / 2\n    ### END SOLUTION"
    cells = [*sc.p2(), sc.answer("half", solution), sc.check("test_half", half, 2)]
    made = sc.make_course(
        tmp_path_factory.mktemp("attacked") / "course", notebooks={"n": cells}, gradebook=True
    )
    right = {
        "double": "def double(x):\n    return x + x",
        "half": "def half(x):\n    return x * .5",
    }
    wrong = {"double": "def double(x):\n    return 0"}
    word = "def half(x):\n    return '\\udc80\\x1b[2J' if x == 5 else 1.5"
    made.submit("adam", {"n": right})
    made.submit("half-a-character", {"n": right | {"half": word}})
    made.submit("magics", {"n": wrong | {"half": "%%time\n" * 5_000 + "half = 1"}})
    folder = made.submit("page", {"n": right})
    (folder / "n.ipynb").rename(folder / "n \x1b[2J.ipynb")
    for name in ("index.html", "nbgrader_config.py", "gradebook.db", "conftest.py"):
        (folder / name).write_text("<script>alert(1)</script>", "utf-8")
    (folder / "n.html").mkdir()
    (folder / "n.html" / "page.txt").write_text("in the way", "utf-8")
    folder = made.submit("links", {"n": right})
    os.symlink(made.root / "source" / sc.NAME / "n.ipynb", folder / "stolen.txt")
    os.symlink(made.root / "submitted" / "adam", folder / "others")
    made.submit("zoe", {"n": right})
    before = {
        path: data
        for step in ("source", "submitted")
        for path, data in sc.files_below(made.root / step).items()
    }
    report = grade_class(made.course, sc.NAME, workers=2)
    return made, report, before


@pytest.mark.slow
def test_every_student_of_an_attacked_class_has_the_marks_of_their_answers(classroom):
    made, report, _before = classroom
    full, none = {"n:test_double": 1.0, "n:test_half": 2.0}, 0.0
    points = sc.points_of(made)
    assert report.failed == {}
    assert points.pop("half-a-character") == full | {"n:test_half": none}
    assert points.pop("magics") == {"n:test_double": none, "n:test_half": none}
    assert points == dict.fromkeys(("adam", "links", "page", "zoe"), full)


@pytest.mark.slow
def test_an_attacked_class_leaves_every_file_of_the_course_as_it_was(classroom):
    made, _report, before = classroom
    after = {
        path: data
        for step in ("source", "submitted")
        for path, data in sc.files_below(made.root / step).items()
    }
    assert len(before) > 6
    assert after == before


@pytest.mark.slow
def test_the_name_of_a_file_is_told_without_what_a_terminal_obeys(classroom):
    made, _report, _before = classroom
    notes = read_record(made.root, "page", sc.NAME, "n")["notes"]
    assert ["[2J.ipynb" in note for note in notes] == [True]
    assert not CONTROL.search(notes[0])


@pytest.mark.slow
def test_nothing_of_others_is_among_what_a_student_gets_back(classroom):
    made, _report, _before = classroom
    write_feedback(made.course, sc.NAME)
    got = sc.files_below(made.root / "feedback")
    assert {path for path in got if path.endswith("/n.html")} == {
        f"{student}/{sc.NAME}/n.html"
        for student in ("adam", "half-a-character", "links", "magics", "page", "zoe")
    }
    assert [path for path in got if "stolen" in path or "others" in path] == []
    for path, data in got.items():
        assert b"HIDDEN TESTS" not in data
        assert b"half(3)" not in data
        if path.endswith("/n.html"):
            assert b"alert(1)" not in data
