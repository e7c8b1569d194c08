"""Cells that answer nothing keep the names, the arguments and the form of the answers."""

import inspect
import json

import numpy as np
import pytest

from nbjudge.assignment import Kind, SourceCell, SourceNotebook
from nbjudge.blank import KINDS, blank_cell, blank_notebook

NONE, NAN, ZERO, EMPTY, EQUAL = KINDS

SOLUTION = """\
%matplotlib inline
import math
from functools import cache


@cache
def area(r: float, *, scale=math.pi, **options) -> float:
    for k in range(3):
        yield k


class Base:
    def __init__(self, n):
        self.n = n

    @property
    def twice(self):
        return 2 * self.n

    @staticmethod
    def name(x):
        return "n"


class Model(Base):
    def __init__(self, n):
        super().__init__(n)

    def __call__(self, x):
        return x


limits = {"mean": 0.0, "variance": 1 / 3, "signs": (True, False), "rest": [None, 2]}
a, b = 1, area(2)
a += 1
"""


def run(kind):
    names = {}
    exec(blank_cell(SOLUTION, kind), names)
    return names


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.what)
def test_every_name_of_the_solution_is_bound(kind):
    names = run(kind)

    assert {"math", "cache", "area", "Base", "Model", "limits", "a", "b"} <= set(names)
    assert names["a"] is names["b"] is names["_nothing"]


def test_a_function_keeps_its_arguments_and_returns_nothing_of_worth():
    area = run(NONE)["area"]

    assert list(inspect.signature(area).parameters) == ["r", "scale", "options"]
    assert area(1, scale=2, colour="red") is None


def test_methods_and_attributes_of_a_class_are_of_no_worth():
    model = run(ZERO)["Base"](3)

    assert (model.twice, model.name(3), model.n, model.weights) == (0.0, 0.0, 0.0, 0.0)
    assert run(ZERO)["Model"](3)(5) == 0.0


def test_a_table_of_answers_keeps_its_form():
    nothing = run(EMPTY)
    form = nothing["limits"]

    assert nothing["_nothing"].shape == (0, 1)
    assert list(form) == ["mean", "variance", "signs", "rest"]
    assert (type(form["signs"]), type(form["rest"])) == (tuple, list)
    assert form["signs"][1] is form["rest"][0] is nothing["_nothing"]


def test_a_zero_does_not_answer_where_it_may_be_right():
    assert run(ZERO)["limits"] == {
        "mean": None,
        "variance": 0.0,
        "signs": (None, None),
        "rest": [0.0, 0.0],
    }
    assert np.isnan(run(NAN)["limits"]["mean"])


def test_what_is_equal_to_everything_is():
    thing = run(EQUAL)["a"]

    assert thing == 3
    assert (thing != "x") is False
    assert (thing < 1) is (thing > 1) is True
    assert (thing + 1).anything() == [5]
    assert 3 in thing
    assert hash(thing) == 0
    assert [float(x) for x in thing] == [1.0]


def test_only_answers_in_code_are_replaced():
    def cell(name, kind, source, cell_type="code"):
        return SourceCell(
            cell_id=name, kind=kind, cell_type=cell_type, source=source, release_source="..."
        )

    notebook = SourceNotebook(
        name="n",
        cells=(
            cell("given", Kind.GIVEN, "x = 1"),
            cell("answer", Kind.ANSWER, "y = x"),
            cell("words", Kind.ANSWER, "Because.", "markdown"),
            cell("test", Kind.TEST, "assert y"),
        ),
    )
    released = {"cells": [{"id": c.cell_id, "source": "..."} for c in notebook.cells]}

    made = json.loads(blank_notebook(notebook, json.dumps(released).encode(), NONE))

    assert [c["source"] for c in made["cells"]] == [
        "...",
        "_nothing = None\ny = _nothing",
        "...",
        "...",
    ]
