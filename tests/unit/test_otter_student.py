"""The students' version for otter, and how its calls are taken out again before grading."""

import dataclasses
import json

import pytest

from nbjudge.assignment import Assignment, Kind, SourceCell, SourceNotebook
from nbjudge.errors import NotebookError
from nbjudge.otter.student import otter_version, unjudged_test, visible_test, without_checks


def cell(kind, source, release=None, grade_id=None, **fields):
    return SourceCell(
        cell_id=grade_id or f"id-{hash(source)}",
        kind=kind,
        cell_type="code",
        source=source,
        release_source=source if release is None else release,
        grade_id=grade_id,
        **fields,
    )


ANSWER = cell(Kind.ANSWER, "def double(x):\n    return 2 * x", "def double(x): ...", "double")
TEST = cell(
    Kind.TEST,
    "assert double(5) == 10\nassert double(2) == 4, 'attendu 4'",
    "assert double(2) == 4, 'attendu 4'",
    "test_double",
    points=1.5,
)
HIDDEN = cell(Kind.TEST, "assert double(0) == 0", "# Rien à voir ici.", "test_zero", points=1)


def assignment(*cells, **fields):
    return Assignment(name="tp", notebooks=(SourceNotebook(name="tp", cells=cells),), **fields)


def released(*cells):
    """Return the notebook that students of nbgrader get."""
    made = [
        {
            "cell_type": "code",
            "id": c.cell_id,
            "metadata": {"nbgrader": {"grade_id": c.grade_id}} if c.grade_id else {},
            "source": c.release_source,
            "outputs": [],
            "execution_count": None,
        }
        for c in cells
    ]
    notebook = {"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    return {"tp.ipynb": json.dumps(notebook).encode(), "tp_utils.py": b"one = 1\n"}


def made_for_otter(*cells):
    return otter_version(released(*cells), assignment(*cells))


def sources(data):
    return [c["source"] for c in json.loads(data)["cells"]]


def run_visible(test, names):
    """Run otter's test file of a question as otter does, in a notebook's names."""
    space = {"test_case": lambda: lambda function: function}
    exec(visible_test(test).replace("from otter.test_files import test_case", ""), space)
    return space["visible_checks"](names)


def test_students_call_otter_where_the_visible_tests_stood():
    made = made_for_otter(ANSWER, TEST)
    assert sources(made["tp.ipynb"]) == [
        'import otter  # python -m pip install "otter-grader>=7"\n\n'
        'grader = otter.Notebook("tp.ipynb")',
        "def double(x): ...",
        'grader.check("test_double")',
    ]


def test_students_get_helper_files_and_a_test_file_for_each_visible_test():
    made = made_for_otter(ANSWER, TEST, HIDDEN)
    assert set(made) == {"tp.ipynb", "tp_utils.py", "tests/test_double.py"}


def test_a_test_that_shows_nothing_stays_as_it_is():
    made = made_for_otter(ANSWER, HIDDEN)
    assert sources(made["tp.ipynb"])[-1] == "# Rien à voir ici."


def test_no_hidden_line_reaches_students():
    made = made_for_otter(ANSWER, TEST)
    every = b"".join(made.values())
    assert b"double(2) == 4" in every
    assert b"double(5)" not in every
    assert b"2 * x" not in every


def test_a_visible_test_runs_in_the_names_of_the_notebook():
    names = {"double": lambda x: 2 * x}
    run_visible(TEST, names)
    with pytest.raises(AssertionError, match="attendu 4"):
        run_visible(TEST, {"double": lambda x: x})


def test_a_visible_test_leaves_its_names_as_the_cell_would():
    names = {}
    run_visible(cell(Kind.TEST, "x_check = 3", grade_id="test"), names)
    assert names["x_check"] == 3


@pytest.mark.parametrize("call", ["exit()", "raise SystemExit"])
def test_an_answer_that_ends_the_process_fails_its_question_and_no_other(call):
    test = cell(Kind.TEST, call, grade_id="test")
    with pytest.raises(AssertionError, match="SystemExit"):
        run_visible(test, {"exit": __import__("sys").exit})


def test_a_question_that_nbjudge_has_not_judged_earns_nothing():
    space = {"test_case": lambda **_options: lambda function: function}
    exec(unjudged_test(TEST).replace("from otter.test_files import test_case", ""), space)
    assert (space["name"], space["points"]) == ("test_double", 1.5)
    with pytest.raises(AssertionError, match="not judged"):
        space["judged"]({})


def test_the_calls_are_taken_out_before_grading():
    made = json.loads(made_for_otter(ANSWER, TEST)["tp.ipynb"])
    made["cells"][1]["source"] = "def double(x):\n    return x + x"
    start, answer = sources(without_checks(json.dumps(made).encode()))
    assert answer == "def double(x):\n    return x + x"
    space = {}
    exec(start, space)
    # What students call in cells of their own does nothing, and stops nothing.
    assert space["grader"].check("test_double") is None


@pytest.mark.parametrize(
    ("source", "stays"),
    [
        ('grader.check("q")', False),
        ("grader.check_all()", False),
        (["grader", '.check("q")'], False),
        ('grader.check("q")\nanswer = 3', True),
        ("# grader.check", True),
    ],
)
def test_only_cells_that_are_nothing_but_a_call_are_taken_out(source, stays):
    upload = {"cells": [{"cell_type": "code", "source": source}]}
    left = json.loads(without_checks(json.dumps(upload).encode()))
    assert bool(left["cells"]) is stays


@pytest.mark.parametrize(
    "upload", [b"", b"no json", b"[]", b'{"cells": 3}', b'{"cells": [3]}', b"\xff\xfe", b"[" * 9999]
)
def test_what_is_no_notebook_is_left_to_whoever_rebuilds_it(upload):
    assert without_checks(upload) == upload


def test_an_assignment_of_two_notebooks_is_refused():
    both = assignment(ANSWER, TEST)
    both = dataclasses.replace(both, notebooks=both.notebooks * 2)
    with pytest.raises(NotebookError, match="'tp' for otter: it has 2 notebooks"):
        otter_version(released(ANSWER, TEST), both)


def test_an_assignment_with_tests_of_its_own_is_refused():
    files = released(ANSWER, TEST) | {"tests/data.csv": b""}
    with pytest.raises(NotebookError, match=r"tests/data\.csv lie where otter's tests go"):
        otter_version(files, assignment(ANSWER, TEST))


def test_an_assignment_that_uses_otters_name_is_refused():
    given = cell(Kind.GIVEN, "for grader in (1, 2): pass")
    with pytest.raises(NotebookError, match="binds the name 'grader'"):
        otter_version(released(given, ANSWER, TEST), assignment(given, ANSWER, TEST))
