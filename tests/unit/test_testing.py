"""``nbjudge.testing`` in-process: what a test's author relies on."""

import numpy as np
import pytest

from nbjudge.errors import HiddenTestError
from nbjudge.testing import (
    CheckFailed,
    assert_close,
    assert_equal,
    assert_finite,
    assert_mean,
    assert_proportion,
    assert_raises,
    assert_same_distribution,
    assert_shape,
    assert_true,
    assert_variance,
    credit,
    reference,
    rng,
)


def fails(function, *args, **kwargs):
    with pytest.raises(CheckFailed) as caught:
        function(*args, **kwargs)
    return caught.value


def test_the_sentence_begins_with_the_quantity_and_holds_no_value():
    failure = fails(assert_close, 2.718281, 3.141592, what="the mean")
    assert failure.message.startswith("The mean: ")
    assert "3.14" not in failure.message
    assert "3.14" in failure.detail


def test_column_shape_accepts_both_and_nothing_is_broadcast():
    assert_close(np.ones((4, 1)), np.ones(4), what="x", shape="column")
    fails(assert_close, 1.0, np.ones(4), what="x")
    fails(assert_close, np.ones((4, 1)), np.ones(4), what="x")


@pytest.mark.parametrize("condition", [np.array([True]), [].append, 1, None, "yes"])
def test_a_condition_that_is_not_a_bool_is_the_teachers_error(condition):
    with pytest.raises(HiddenTestError):
        assert_true(condition, "never shown")


def test_assert_true_shows_its_message():
    assert fails(assert_true, False, "La variance doit être positive.").message == (
        "La variance doit être positive."
    )
    assert_true(np.bool_(True), "")


def test_assert_raises_takes_the_right_exception_only():
    assert_raises(ValueError, int, "x", what="int('x')")
    fails(assert_raises, KeyError, int, "x", what="int('x')")
    fails(assert_raises, ValueError, int, "1", what="int('1')")


def test_shape_finite_and_equal_say_what_is_wrong():
    assert_shape(np.ones((2, 3)), (2, 3), what="x")
    assert "(3, 2)" in fails(assert_shape, np.ones((3, 2)), (2, 3), what="x").message
    assert "None" in fails(assert_shape, None, (2,), what="x").message
    assert_finite([1.0], what="x")
    assert "NaN" in fails(assert_finite, [np.nan], what="x").message
    assert_equal({"a": True}, {"a": True}, what="x")
    fails(assert_equal, {"a": 1}, {"a": True}, what="x")


def test_streams_of_one_seed_are_the_same_and_labels_separate_them(monkeypatch):
    monkeypatch.setenv("NBJUDGE_SEED", "some seed")
    assert rng().normal() == rng().normal()
    assert rng("a").normal() != rng("b").normal()
    monkeypatch.setenv("NBJUDGE_SEED", "another")
    other = rng().normal()
    monkeypatch.setenv("NBJUDGE_SEED", "some seed")
    assert rng().normal() != other


def test_means_of_right_samples_pass_and_of_wrong_ones_fail():
    draws = np.random.default_rng(0).normal(3.0, 2.0, size=(4000, 5))
    assert_mean(draws, 3.0, sd=2.0, what="m")
    fails(assert_mean, draws + 0.3, 3.0, sd=2.0, what="m")
    uniform = np.random.default_rng(1).uniform(size=4000)
    assert_mean(uniform, 0.5, bound=(0, 1), what="m")
    fails(assert_mean, uniform, 0.4, bound=(0, 1), what="m")
    fails(assert_mean, uniform * 3, 0.5, bound=(0, 1), what="m")
    with pytest.raises(HiddenTestError):
        assert_mean(uniform, 0.5, what="m")


def test_variances_of_right_samples_pass_and_standard_deviations_do_not():
    draws = np.random.default_rng(0).normal(0.0, 3.0, size=4000)
    assert_variance(draws, 9.0, mean=0.0, what="v")
    assert "large" in fails(assert_variance, draws, 3.0, mean=0.0, what="v").message
    assert "small" in fails(assert_variance, draws, 81.0, mean=0.0, what="v").message


def test_proportions_and_distributions_are_refuted_only_when_wrong():
    assert_proportion(503, 1000, 0.5, what="p")
    fails(assert_proportion, 700, 1000, 0.5, what="p")
    fails(assert_proportion, 1001, 1000, 0.5, what="p")
    draws = np.random.default_rng(0).uniform(size=3000)
    assert_same_distribution(draws, lambda x: np.clip(x, 0, 1), what="u")
    fails(assert_same_distribution, draws**2, lambda x: np.clip(x, 0, 1), what="u")
    assert_same_distribution(draws, np.random.default_rng(1).uniform(size=2000), what="u")
    fails(assert_same_distribution, draws, draws**2, what="u")


@pytest.mark.parametrize("bad", [None, "abc", [], [np.nan, 1.0]])
def test_samples_that_are_none_fail_with_a_sentence(bad):
    assert fails(assert_mean, bad, 0.0, sd=1.0, what="the mean").message


def test_credit_in_process_lets_a_failure_end_the_cell():
    with pytest.raises(CheckFailed), credit(1, "the mean"):
        raise CheckFailed("no")
    with credit(0.5, "fine"):
        pass
    with pytest.raises(HiddenTestError), credit(0, "nothing"):
        pass


def test_reference_in_process_says_how_to_get_one(monkeypatch):
    monkeypatch.delenv("NBJUDGE_REFERENCE", raising=False)
    with pytest.raises(HiddenTestError, match="NBJUDGE_REFERENCE"):
        _ = reference.mean
