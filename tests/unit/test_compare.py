"""Differences are said in kind and never with a value."""

import numpy as np
import pandas as pd
import pytest

from nbjudge.compare import difference, plain_difference, shape_matches


def said(actual, expected, shape="exact"):
    return difference(actual, expected, rtol=1e-6, atol=1e-9, shape=shape)


SAME = [
    (1.0, 1.0),
    ([1, 2], np.array([1.0, 2.0])),
    (np.float32(0.5), 0.5),
    (np.array([np.nan, 1.0]), np.array([np.nan, 1.0])),
    (np.array([1 + 0j]), np.array([1.0])),
    (np.zeros((0, 3)), np.zeros((0, 3))),
    (np.array([True, False]), np.array([True, False])),
]


@pytest.mark.parametrize(("actual", "expected"), SAME)
def test_equal_numbers_have_no_difference(actual, expected):
    assert said(actual, expected) is None


DIFFERENT = [
    (None, np.ones(3), "None"),
    ("abc", np.ones(3), "type str"),
    ({"a": 1}, np.ones(3), "type dict"),
    (np.ones((3, 1)), np.ones(3), "shape"),
    (np.ones(4), np.ones(3), "shape"),
    (np.array([1.0, np.nan, 1.0]), np.ones(3), "NaN"),
    (np.array([1.0, np.inf, 1.0]), np.ones(3), "infinite"),
    (np.array([-1.0, -2.0]), np.array([1.0, 2.0]), "sign is reversed"),
    (np.array([2.0, 1.0]), np.array([1.0, 2.0]), "order"),
    (np.array([-1.0, -7.0]), np.array([1.0, 2.0]), "negative"),
    (np.zeros(3), np.ones(3), "zero everywhere"),
    (np.full(3, 25.0), np.ones(3), "too large"),
    (np.full(3, 0.04), np.ones(3), "too small"),
    (np.full(3, 2.0), np.ones(3), "order of magnitude is right"),
    (np.array([1.0, 2.0, 1.0]), np.ones(3), "1 of 3"),
    (np.array([1j, 1j]), np.ones(2), "complex"),
    (np.array([True, True]), np.array([True, False]), "1 of 2"),
]


@pytest.mark.parametrize(("actual", "expected", "word"), DIFFERENT)
def test_a_difference_is_named_by_its_kind(actual, expected, word):
    assert word in said(actual, expected)


@pytest.mark.parametrize("seed", range(20))
def test_no_expected_value_is_ever_said(seed):
    rng = np.random.default_rng(seed)
    want = rng.normal(size=5) * 10.0 ** rng.integers(-3, 4)
    for got in (want * 2, want + 1, -want, want[::-1], np.full(5, np.nan)):
        sentence = said(got, want)
        assert sentence is not None
        for value in want:
            assert f"{value:.3g}" not in sentence


def test_unsigned_integers_do_not_wrap():
    assert said(np.array([1], dtype=np.uint8), np.array([2], dtype=np.uint8)) is not None


@pytest.mark.parametrize(
    ("actual", "expected", "rule", "matches"),
    [
        ((5, 1), (5,), "column", True),
        ((5,), (5, 1), "column", True),
        ((), (1,), "column", True),
        ((1, 5), (5,), "column", False),
        ((1, 5), (5,), "flat", True),
        ((5, 2), (2, 5), "flat", False),
        ((5, 2), (10,), "any", True),
        ((5, 1), (5,), "exact", False),
    ],
)
def test_shapes_match_by_the_rule_asked_for(actual, expected, rule, matches):
    assert shape_matches(actual, expected, rule) is matches


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (True, True),
        (np.bool_(True), True),
        (3, 3.0),
        ("a", "a"),
        ([1, (2, "x")], [1, (2, "x")]),
        ({"a": None, "b": [1]}, {"b": [1], "a": None}),
        (None, None),
        ((1, 2), [1, 2]),
    ],
)
def test_equal_plain_values_have_no_difference(actual, expected):
    assert plain_difference(actual, expected) is None


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (1, True),
        (True, 1),
        (None, True),
        ("1", 1),
        ([1], [1, 2]),
        ({"a": 1}, {"a": 2}),
        ({"a": 1}, {"b": 1}),
        (None, "x"),
        (np.array(["a"]), np.array(["b"])),
    ],
)
def test_different_plain_values_differ(actual, expected):
    assert plain_difference(actual, expected)


TABLE = pd.DataFrame({"a": [1, 2], "b": [0.5, None]}, index=["x", "y"])


@pytest.mark.parametrize("table", [TABLE, TABLE["b"], TABLE.index], ids=lambda t: type(t).__name__)
def test_a_table_is_equal_to_its_copy(table):
    assert plain_difference(table.copy(), table) is None


@pytest.mark.parametrize(
    ("actual", "words"),
    [
        (TABLE.to_numpy(), "type ndarray, a DataFrame"),
        (TABLE["a"], "type Series, a DataFrame"),
        (TABLE.iloc[:1], "shape (2, 2), got (1, 2)"),
        (TABLE[["b", "a"]], "columns"),
        (TABLE.rename(columns=str.upper), "columns"),
        (TABLE.reset_index(drop=True), "index"),
        (TABLE.assign(b=0.5), "elements"),
        (TABLE.assign(a=[1.0, 2.0]), "elements"),
    ],
)
def test_a_table_differs_in_kind(actual, words):
    assert words in plain_difference(actual, TABLE)


@pytest.mark.parametrize("shape", [(), (1,)])
def test_the_sign_of_a_single_number_is_not_told_to_a_guess(shape):
    wrong = [difference(np.full(shape, x), np.full(shape, 3.0), rtol=0, atol=1e-9)
             for x in (-2.0, 2.0)]  # fmt: skip

    assert wrong[0] == wrong[1]


def test_the_sign_of_several_numbers_is_told():
    how = difference(np.array([-2.0, -7.0]), np.array([3.0, 5.0]), rtol=0, atol=1e-9)

    assert how == "the result is negative where it should be positive"
