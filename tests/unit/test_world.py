"""The instructor's notebook evaluated on demand."""

import pytest

from nbjudge.assignment import Kind, SourceCell
from nbjudge.errors import HiddenTestError
from nbjudge.names import names_of, plain_python
from nbjudge.world import Owner, World, dump_reference, load_reference

GIVEN, ANSWER, TEST = Kind.GIVEN, Kind.ANSWER, Kind.TEST


def cell(kind, source, **kwargs):
    return SourceCell(
        cell_id="c", kind=kind, cell_type="code", source=source, release_source="", **kwargs
    )


def world(*cells):
    return World(
        [cell(kind, source, grade_id=f"g{i}") for i, (kind, source) in enumerate(cells)], "tp"
    )


def test_a_given_name_comes_from_the_last_cell_before():
    w = world((GIVEN, "x = 1"), (TEST, ""), (GIVEN, "x = 2"), (TEST, ""))
    assert w.lookup("x", 1) == 1
    assert w.lookup("x", 3) == 2


def test_cells_that_no_name_needs_are_never_executed():
    w = world((GIVEN, "raise RuntimeError('a figure')\ny = 1"), (GIVEN, "x = 1"), (TEST, ""))
    assert w.lookup("x", 2) == 1


def test_a_failing_given_cell_is_the_teachers_error_and_is_named():
    w = world((GIVEN, "x = 1 / 0"), (TEST, ""))
    with pytest.raises(HiddenTestError, match=r"g0.*ZeroDivisionError"):
        w.lookup("x", 1)


def test_names_of_solution_cells_are_the_students_but_not_their_imports():
    w = world((ANSWER, "import math\ndef f(): return 1\nmu = f()"), (GIVEN, "k = mu"), (TEST, ""))
    assert w.students("f", 2)
    assert w.students("mu", 2)
    assert not w.students("math", 2)
    assert not w.students("unknown", 2)
    assert not w.students("f", 0)


THEIRS, HELPER, OURS = Owner.STUDENT, Owner.HELPER, Owner.GIVEN


@pytest.mark.parametrize(
    ("name", "owner", "cells"),
    [
        ("y", THEIRS, [(ANSWER, "def f(x): return x"), (GIVEN, "x = 1\ny = f(x)")]),
        ("x", OURS, [(ANSWER, "def f(x): return x"), (GIVEN, "x = 1\ny = f(x)")]),
        ("z", THEIRS, [(ANSWER, "mu = 1"), (GIVEN, "y = mu"), (GIVEN, "z = y + 1")]),
        ("y", OURS, [(ANSWER, "mu = 1"), (GIVEN, "y = mu\ny = 2")]),
        ("y", THEIRS, [(ANSWER, "mu = 1"), (GIVEN, "y = 2\ny += mu")]),
        ("y", THEIRS, [(ANSWER, "mu = 1"), (GIVEN, "y = []"), (GIVEN, "y.append(mu)")]),
        ("y", THEIRS, [(ANSWER, "mu = 1"), (GIVEN, "y = {}\nfor k in 'ab':\n    y[k] = mu")]),
        ("x", OURS, [(ANSWER, "mu = 1"), (GIVEN, "x = [1]\ny = x.count(mu)")]),
        ("x", OURS, [(ANSWER, "mu = 1"), (GIVEN, "import m\nm.plot(mu)\nx = m.arange(3)")]),
        ("d", THEIRS, [(GIVEN, "d = {}"), (ANSWER, "d['a'] = 1")]),
        ("d", THEIRS, [(GIVEN, "d = []"), (ANSWER, "d.append(1)")]),
        ("d", THEIRS, [(GIVEN, "d = frame()"), (ANSWER, "d.dropna(inplace=True)")]),
        ("d", THEIRS, [(GIVEN, "w = 1"), (GIVEN, "d = w"), (ANSWER, "d.mul_(2)")]),
        ("d", OURS, [(GIVEN, "d = [1]"), (ANSWER, "m = d.copy()")]),
        ("d", OURS, [(GIVEN, "d = [1]"), (ANSWER, "d.append(1)"), (GIVEN, "d = [2]")]),
        ("check", HELPER, [(GIVEN, "def check(): f(1)"), (ANSWER, "def f(x): return x")]),
        ("check", HELPER, [(ANSWER, "def f(x): return x"), (TEST, "def check(): f(1)")]),
        ("check", HELPER, [(ANSWER, "mu = 1"), (GIVEN, "y = mu\ndef check(): return y")]),
        ("b", HELPER, [(ANSWER, "mu = 1"), (GIVEN, "def a(): b(), mu\ndef b(): a()")]),
        ("check", OURS, [(ANSWER, "def f(x): return x"), (TEST, "def check(f): f(1)")]),
        ("result", OURS, [(ANSWER, "mu = 1"), (TEST, "result = mu")]),
    ],
)
def test_a_name_is_the_students_when_its_value_comes_of_theirs(name, owner, cells):
    assert world(*cells, (TEST, "")).owner(name, len(cells)) is owner


def test_the_names_of_a_test_that_runs_inside_are_in_the_kernel():
    inside = cell(TEST, "r = 1\nimport math", mode="inside")
    w = World([inside, cell(TEST, "")], "tp")
    assert w.students("r", 1)
    assert not w.students("math", 1)


@pytest.mark.parametrize(
    ("given", "answer", "changed"),
    [
        ("x = [3, 1]", "x.__setitem__(0, 9)", True),
        ("x = [3, 1]", "y = x.index(1)", False),
        ("import io\nx = io.StringIO()", "x.write('a')", True),
        ("class x:\n    @classmethod\n    def m(cls): pass", "x.m()", False),
    ],
)
def test_a_method_that_an_answer_calls_is_watched(given, answer, changed):
    w = world((GIVEN, given), (ANSWER, answer + "\nother = 1"), (TEST, ""))
    w.reference("other", 2)  # the cell may have been executed for another name before
    w.lookup("x", 2)
    assert w.changed_by_an_answer("x", 2) is changed


def test_a_helper_is_defined_where_it_is_used():
    w = world(
        (ANSWER, "def f(): return 1"), (GIVEN, "n = 1 / 0\ndef check(): return f()"), (TEST, "")
    )
    space = {"f": lambda: 5}
    assert w.define_in(space, "check", 2)
    assert space["check"]() == 5


def test_a_given_value_with_the_references_answers_can_be_asked_for():
    w = world((ANSWER, "def f(x): return 2 * x"), (GIVEN, "y = f(21)"), (TEST, ""))
    assert w.reference("y", 2) == 42


def test_annotations_are_those_of_the_notebook():
    w = world((GIVEN, "def f(x: int): return x"), (TEST, ""))
    assert w.lookup("f", 1).__annotations__ == {"x": int}


def test_a_given_cell_after_a_question_uses_the_reference():
    w = world((ANSWER, "def f(x): return 2 * x"), (GIVEN, "y = f(21)"), (TEST, ""))
    assert w.lookup("y", 2) == 42


def test_a_reference_function_does_not_execute_the_rest_of_its_cell():
    w = world((ANSWER, "def f(x): return x + 1\nraise RuntimeError('a long training')"), (TEST, ""))
    assert w.reference("f", 1)(1) == 2


def test_a_reference_value_executes_its_cell():
    w = world((GIVEN, "n = 3"), (ANSWER, "total = sum(range(n))"), (TEST, ""))
    assert w.reference("total", 2) == 3


def test_an_unknown_reference_is_the_teachers_error():
    with pytest.raises(HiddenTestError, match=r"reference\.g"):
        world((ANSWER, "f = 1"), (TEST, "")).reference("g", 1)


@pytest.mark.parametrize(
    "update", ["x[0] = 9", "x.insert(0, 9)", "x += [9]", "x.append(9)", "y = x.pop()"]
)
def test_a_cell_that_changes_an_object_in_place_counts(update):
    w = world((GIVEN, "x = [1, 2]"), (GIVEN, update), (TEST, ""))
    space = {"x": [1, 2]}
    exec(update, space)
    assert w.lookup("x", 2) == space["x"]


def test_a_random_generator_is_advanced_by_the_cells_that_draw_from_it():
    w = world(
        (GIVEN, "import random\nr = random.Random(0)"),
        (GIVEN, "a = r.random()"),
        (GIVEN, "b = r.random()"),
        (TEST, ""),
    )
    import random

    r = random.Random(0)  # noqa: S311
    r.random()
    assert w.lookup("b", 3) == r.random()


def test_a_function_may_use_a_name_bound_further_down():
    w = world((GIVEN, "def f(): return later"), (GIVEN, "later = 5"), (TEST, ""))
    assert w.lookup("f", 2)() == 5


def test_helpers_of_a_test_cell_serve_later_tests_but_its_results_do_not():
    w = world((TEST, "def helper(): return 7\nresult = 1"), (TEST, ""))
    assert w.lookup("helper", 1)() == 7
    with pytest.raises(KeyError):
        w.lookup("result", 1)


def test_a_star_import_is_looked_into():
    assert world((GIVEN, "from math import *"), (TEST, "")).lookup("pi", 1) > 3


def test_a_redefined_function_is_its_last_value():
    w = world((GIVEN, "def f(): return 1\nf = lambda: 2"), (TEST, ""))
    assert w.lookup("f", 1)() == 2


def test_magics_are_blanked_and_lines_kept():
    assert plain_python("%matplotlib inline\nx = 1\n!ls") == "\nx = 1\n"
    assert plain_python("%%time\nx = 1") == "\nx = 1"
    assert plain_python("%%bash\nls") == ""
    assert names_of("%matplotlib inline\nx = 1").assigned == {"x"}


def test_code_that_does_not_parse_binds_nothing():
    assert names_of("def f(:").bound == frozenset()


def test_inspect_reads_the_source_of_a_given_function():
    import inspect

    w = world((GIVEN, "def f(x):\n    return x"), (TEST, ""))
    assert "return x" in inspect.getsource(w.lookup("f", 1))


def test_a_reference_file_gives_the_same_reference(tmp_path):
    cells = [cell(GIVEN, "n = 2"), cell(ANSWER, "def f(x): return n * x"), cell(TEST, "secret")]
    path = tmp_path / "reference.json"
    path.write_text(dump_reference(cells, "tp"), "utf-8")
    assert "secret" not in path.read_text("utf-8")
    assert load_reference(str(path)).get("f")(4) == 8
