"""What a submission's accident costs: its own question, never another one."""

import json
from dataclasses import replace

import pytest

from nbjudge.assignment import Assignment, Kind, SourceCell, SourceNotebook, Upload
from nbjudge.grade import grade_notebook
from nbjudge.limits import MIB, Limits
from nbjudge.settings import Settings
from nbjudge.verdict import Status

SECRET = b"s" * 32
LIMITS = Limits(
    cell_seconds=4,
    probe_seconds=3,
    judge_seconds=4,
    notebook_seconds=60,
    memory_bytes=700 * MIB,
)


def given(source):
    return {"kind": Kind.GIVEN, "source": source, "release_source": source}


def answer(name, solution):
    stub = f"def {name}(x):\n    raise NotImplementedError()"
    return {
        "kind": Kind.ANSWER,
        "source": solution,
        "release_source": stub,
        "grade_id": name,
    }


def graded(name, hidden, visible="", points=2.0):
    source = f"{hidden}\n{visible}" if visible else hidden
    return {
        "kind": Kind.TEST,
        "source": source,
        "release_source": visible,
        "grade_id": f"test_{name}",
        "points": points,
        "hidden_lines": frozenset(range(1, hidden.count("\n") + 2)),
        "locked": True,
    }


IMPORTS = "from nbjudge.testing import assert_close, credit, reference\n"


def course(*cells):
    made = tuple(
        SourceCell(cell_id=f"c{number}", cell_type="code", **cell)
        for number, cell in enumerate(cells)
    )
    return Assignment(name="ps", notebooks=(SourceNotebook(name="ps", cells=made),))


def two_questions(**changes):
    """Questions f and g, independent of each other, each worth 2."""
    visible = changes.get("visible", "assert f(1.0) == 2.0, 'f(1)'")
    return course(
        given("import numpy as np\nscale = 2.0"),
        answer("f", "def f(x):\n    return scale * x"),
        graded("f", IMPORTS + "assert_close(f(3.0), reference.f(3.0), what='f')", visible),
        answer("g", "def g(x):\n    return x + 1"),
        graded("g", IMPORTS + "assert_close(g(3.0), reference.g(3.0), what='g')"),
    )


def grade(assignment, answers, limits=LIMITS, extras=()):
    """Grade the reference with some answers replaced; return (points by question, result)."""
    cells = []
    for cell in assignment.notebooks[0].cells:
        source = answers.get(cell.grade_id, cell.source if cell.is_students else "")
        if cell.is_students:
            cells.append(_cell(source, cell.grade_id, cell.cell_id))
        cells += [_cell(text, None, None) for after, text in extras if after == cell.grade_id]
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}
    settings = Settings(limits=limits)
    upload = Upload(notebook=json.dumps(notebook).encode())
    result = grade_notebook(upload, assignment, "ps", settings, SECRET)
    return {v.grade_id.removeprefix("test_"): v.points for v in result.verdicts}, result


def _cell(source, grade_id, cell_id):
    metadata = {"nbgrader": {"grade_id": grade_id}} if grade_id else {}
    cell = {"cell_type": "code", "metadata": metadata, "source": source, "outputs": []}
    return cell | ({"id": cell_id} if cell_id else {})


def verdict(result, name):
    return next(v for v in result.verdicts if v.grade_id == f"test_{name}")


ENDLESS = "def f(x):\n    while True:\n        pass"
DEAF = (
    "def f(x):\n"
    "    while True:\n"
    "        try:\n"
    "            while True:\n"
    "                pass\n"
    "        except BaseException:\n"
    "            pass"
)
FATAL = {
    "exits": "def f(x):\n    import os\n    os._exit(0)",
    "is killed": "def f(x):\n    import os, signal\n    os.kill(os.getpid(), signal.SIGKILL)",
    "crashes": "def f(x):\n    import ctypes\n    ctypes.string_at(0)",
}


def test_the_reference_earns_every_point():
    points, result = grade(two_questions(), {})
    assert points == {"f": 2.0, "g": 2.0}
    assert result.notes == ()


@pytest.mark.parametrize("source", FATAL.values(), ids=FATAL.keys())
def test_a_function_that_ends_the_kernel_costs_its_question_only(source):
    points, result = grade(two_questions(), {"f": source})
    assert points == {"f": 0.0, "g": 2.0}
    assert verdict(result, "f").status is Status.DIED
    assert verdict(result, "f").message == "Your code stopped the kernel when it was tested."


@pytest.mark.parametrize(("source", "interruptible"), [(ENDLESS, True), (DEAF, False)])
def test_a_function_without_end_costs_its_question_only(source, interruptible):
    points, result = grade(two_questions(), {"f": source})
    assert points == {"f": 0.0, "g": 2.0}
    assert verdict(result, "f").status is Status.TIMEOUT
    assert ("could not be interrupted" in verdict(result, "f").message) is not interruptible


@pytest.mark.parametrize(
    ("source", "note"),
    [
        ("import os\nos._exit(1)", "stopped the kernel"),
        ("exit()", "stopped the kernel"),
        ("while True:\n    pass", "took too long and was interrupted"),
        (DEAF.removeprefix("def f(x):\n").replace("\n    ", "\n")[4:], "could not be interrupted"),
        ("x = bytearray(2**30)\nfor i in range(0, len(x), 4096): x[i] = 1\nx*2", "more memory"),
        (
            "import time, threading\n"
            "for _ in range(300):\n    threading.Thread(target=time.sleep, args=(60,)).start()",
            None,
        ),
    ],
)
def test_a_cell_that_breaks_the_kernel_is_left_out_and_the_rest_is_judged(source, note):
    extras = [("f", source)]
    points, result = grade(two_questions(), {}, extras=extras)
    assert points == {"f": 2.0, "g": 2.0}
    assert note is None or any(note in said for said in result.notes)


def test_what_ran_before_the_accident_is_there_again_after_it():
    assignment = two_questions()
    extras = [("f", "helper = 5"), ("f", "import os\nos._exit(1)")]
    points, _ = grade(assignment, {"g": "def g(x):\n    return x + helper - 4"}, extras=extras)
    assert points == {"f": 2.0, "g": 2.0}


def test_shares_earned_before_the_kernel_died_are_kept():
    hidden = IMPORTS + (
        "with credit(0.5, 'small'):\n    assert_close(f(1.0), reference.f(1.0), what='f')\n"
        "with credit(1.5, 'large'):\n    assert_close(f(9.0), reference.f(9.0), what='f')"
    )
    assignment = course(answer("f", "def f(x):\n    return 2 * x"), graded("f", hidden))
    source = "def f(x):\n    import os\n    if x > 5:\n        os._exit(1)\n    return 2 * x"
    points, result = grade(assignment, {"f": source})
    assert points == {"f": 0.5}
    assert verdict(result, "f").status is Status.PARTIAL
    assert [part.points for part in verdict(result, "f").parts] == [0.5, 0.0]


def test_a_visible_part_that_ends_the_kernel_when_shown_costs_no_point():
    # Only the notebook's own process is a kernel: the judge reads past it.
    visible = "import os, sys\nif 'ipykernel' in sys.modules:\n    os._exit(1)"
    points, _ = grade(two_questions(visible=visible), {})
    assert points == {"f": 2.0, "g": 2.0}


def test_a_test_that_does_not_end_on_a_students_value_costs_its_question_only():
    hidden = (
        IMPORTS + "x = f(3.0)\nwhile not x >= 1:\n    x = x + 1\nassert_close(x, 6.0, what='f')"
    )
    assignment = course(
        answer("f", "def f(x):\n    return 2 * x"),
        graded("f", hidden),
        answer("g", "def g(x):\n    return x + 1"),
        graded("g", IMPORTS + "assert_close(g(3.0), reference.g(3.0), what='g')"),
    )
    points, result = grade(assignment, {"f": "def f(x):\n    return float('nan')"})
    assert points == {"f": 0.0, "g": 2.0}
    assert verdict(result, "f").status is Status.TIMEOUT
    assert "did not come to an end" in verdict(result, "f").message


def test_past_the_time_limit_the_rest_is_still_judged_in_haste():
    limits = replace(LIMITS, notebook_seconds=5, late_seconds=1)
    assignment = course(
        answer("f", "def f(x):\n    return 2 * x"),
        graded("f", IMPORTS + "assert_close(f(3.0), reference.f(3.0), what='f')", "f(1.0)"),
        given("for k in range(3):\n    f(k)"),
        answer("g", "def g(x):\n    return x + 1"),
        graded("g", IMPORTS + "assert_close(g(3.0), reference.g(3.0), what='g')"),
    )
    points, result = grade(assignment, {"f": ENDLESS}, limits)
    assert points == {"f": 0.0, "g": 2.0}
    assert any("each cell that follows had only 1 s" in note for note in result.notes)


def test_a_notebook_that_uses_twice_its_time_ends_with_a_sentence_for_each_question():
    limits = replace(LIMITS, notebook_seconds=1, late_seconds=1)
    cells = [given("while True:\n    pass")] * 4
    assignment = course(
        *cells,
        answer("g", "def g(x):\n    return x + 1"),
        graded("g", IMPORTS + "assert_close(g(3.0), reference.g(3.0), what='g')"),
    )
    points, result = grade(assignment, {}, limits)
    assert points == {"g": 0.0}
    assert "what follows was not run" in verdict(result, "g").message


def test_kernels_are_not_started_for_ever():
    limits = replace(LIMITS, restarts=1)
    extras = [("f", "import os\nos._exit(1)")] * 3
    points, result = grade(two_questions(), {}, limits, extras=extras)
    assert points["g"] == 0.0
    assert "what follows was not run" in verdict(result, "g").message


def test_a_flood_of_output_is_cut_and_said():
    source = "def f(x):\n    return 2 * x\nfor _ in range(400):\n    print('x' * 100_000)"
    points, result = grade(two_questions(), {"f": source})
    assert points == {"f": 2.0, "g": 2.0}
    size = len(json.dumps(result.document))
    assert size < 2 * LIMITS.output_bytes
    assert "too long and has been cut" in json.dumps(result.document)


def test_a_value_too_large_to_be_read_costs_its_question_only():
    source = "def f(x):\n    return np.zeros(2**27)"
    limits = replace(LIMITS, reply_bytes=MIB, memory_bytes=3 * 1024 * MIB)
    points, result = grade(two_questions(), {"f": source}, limits)
    assert points == {"f": 0.0, "g": 2.0}
    assert "too large to be checked" in verdict(result, "f").message


def test_a_test_that_would_fill_the_memory_costs_its_question_only():
    hidden = IMPORTS + "x = f(3.0)\nassert_close((x[:, None] * x).sum(), 36.0, what='f')"
    assignment = course(
        given("import numpy as np"),
        answer("f", "def f(x):\n    return np.array([2 * x])"),
        graded("f", hidden),
        answer("g", "def g(x):\n    return x + 1"),
        graded("g", IMPORTS + "assert_close(g(3.0), reference.g(3.0), what='g')"),
    )
    limits = replace(LIMITS, judge_memory_bytes=2 * 1024 * MIB)
    points, result = grade(assignment, {"f": "def f(x):\n    return np.zeros(50_000)"}, limits)
    assert points == {"f": 0.0, "g": 2.0}
    assert "MemoryError" in verdict(result, "f").message
