"""How questions are measured: by hand, and with scipy as oracle."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from nbjudge.report.chart import counts, histogram, label
from nbjudge.report.items import item, spread


def test_success_and_discrimination_are_those_of_a_hand_calculation():
    # Item 1, 1, 0, 0; rest 9, 7, 5, 3 (mean 6). Covariance of deviations: .5*3+.5*1+.5*1+.5*3 = 4;
    # squares: item 4*.25 = 1, rest 9+1+1+9 = 20. 4 / sqrt(20) = 0.894427...
    made = item([1, 1, 0, 0], [10, 8, 5, 3], 1)
    assert made.discrimination == pytest.approx(4 / math.sqrt(20))
    assert (made.count, made.full, made.mean) == (4, 0.5, 0.5)
    # Fisher: atanh(0.894427) = 1.443635, half 1.959964 / sqrt(1).
    assert made.low == pytest.approx(math.tanh(1.443635 - 1.959964), abs=1e-5)
    assert made.high == pytest.approx(math.tanh(1.443635 + 1.959964), abs=1e-5)
    assert made.remark == ""


def test_the_item_itself_is_left_out_of_the_score():
    # With the item in it, the correlation would be positive.
    made = item([4, 0, 4, 0], [5, 2, 5, 2], 4)
    assert made.discrimination == pytest.approx(-1)
    assert made.remark.startswith("negative")


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 40)), min_size=3, max_size=60),
)
def test_a_question_earned_whole_or_not_at_all_has_the_point_biserial_correlation(rows):
    points = [float(earned) for earned, _rest in rows]
    rest = [number / 2 for _earned, number in rows]
    made = item(points, [p + r for p, r in zip(points, rest, strict=True)], 1.0)
    if len(set(points)) == 1 or len(set(rest)) == 1:
        assert made.discrimination is None
        assert made.why
    else:
        expected = stats.pointbiserialr(points, rest).statistic
        assert made.discrimination == pytest.approx(expected, abs=1e-9)


def test_partial_credit_has_pearsons_correlation():
    rng = np.random.default_rng(0)
    rest = rng.normal(10, 3, size=50)
    points = np.clip(rest / 10 + rng.normal(0, 0.3, size=50), 0, 2)
    made = item(points, points + rest, 2)
    assert made.discrimination == pytest.approx(stats.pearsonr(points, rest).statistic)
    interval = stats.pearsonr(points, rest).confidence_interval(0.95)
    assert (made.low, made.high) == pytest.approx((interval.low, interval.high), abs=1e-5)
    assert made.full == np.mean(points >= 2 - 1e-9)


@pytest.mark.parametrize(
    ("points", "totals", "why"),
    [
        ([], [], "nobody was judged"),
        ([1, 0], [3, 2], "fewer than 3 submissions"),
        ([1, 1, 1], [3, 2, 1], "the same for everybody"),
        ([0.1 + 0.2, 0.3, 0.3], [3, 2, 1], "the same for everybody"),
        ([1, 0, 1], [5, 4, 5], "the rest is the same for everybody"),
    ],
)
def test_where_discrimination_is_not_defined_the_reason_is_said(points, totals, why):
    made = item(points, totals, 1)
    assert (made.discrimination, made.low, made.high) == (None, None, None)
    assert made.why == why
    assert made.remark == ""


@pytest.mark.parametrize(
    ("points", "remark"), [([0.0] * 10 + [1.0] * 10, ""), ([0.0, 1.0] * 10, "low")]
)
def test_a_question_that_tells_little_is_remarked(points, remark):
    rest = range(20)
    assert item(points, [p + r for p, r in zip(points, rest, strict=True)], 1).remark == remark


def test_sums_of_tenths_count_as_all_points():
    assert item([0.1 + 0.2, 0.0, 0.1], [1, 2, 3], 0.3).full == pytest.approx(1 / 3)


def test_how_marks_lie():
    made = spread([0.0, 10.0, 12.0, 14.0, 20.0])
    assert (made.count, made.least, made.most) == (5, 0, 20)
    assert (made.lower, made.median, made.upper) == (10, 12, 14)
    assert made.mean == pytest.approx(11.2)
    assert made.deviation == pytest.approx(
        math.sqrt(np.mean((np.array([0, 10, 12, 14, 20]) - 11.2) ** 2))
    )
    assert made.high == pytest.approx(18.8)
    assert spread([]) is None


def test_every_mark_is_in_one_bar_and_the_last_one_holds_20():
    assert counts([0, 0.5, 1, 19, 19.99, 20, 21.5])[0:2] == [2, 1]
    assert counts([0, 0.5, 1, 19, 19.99, 20, 21.5])[19] == 4
    assert label(0) == "0 to 1 (not included)"
    assert label(19) == "19 to 20"


@given(st.lists(st.floats(0, 20), max_size=300))
def test_bars_are_in_proportion_and_inside_the_drawing(marks):
    drawn = histogram(marks)
    assert [bar.count for bar in drawn.bars] == counts(marks)
    assert sum(bar.count for bar in drawn.bars) == len(marks)
    for bar in drawn.bars:
        assert drawn.left <= bar.x < bar.x + bar.width <= drawn.right
        assert drawn.top - 0.01 <= bar.y <= drawn.base
        assert bar.y + bar.height == pytest.approx(drawn.base, abs=0.02)
    most = max(bar.count for bar in drawn.bars)
    if most:
        unit = max(bar.height for bar in drawn.bars) / most
        assert all(abs(bar.height - unit * bar.count) < 0.02 for bar in drawn.bars)
    # The axis says how high: its numbers are at the heights of such counts.
    zero, *others = drawn.up
    assert (zero.text, zero.place) == ("0", drawn.base)
    assert 1 <= len(others) <= 5
    assert int(others[-1].text) >= most
