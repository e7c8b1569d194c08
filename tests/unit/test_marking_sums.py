"""The sums from points to the final mark, against sums done otherwise."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbjudge.marking.exact import exact, parse, round_half_up, said, written
from nbjudge.marking.roll import Code
from nbjudge.marking.rules import Late, Rules
from nbjudge.marking.sums import (
    Average,
    ExamMark,
    Points,
    Question,
    average,
    final_mark,
    tp_mark,
)

F = Fraction
QUARTERS = [F(n, 4) for n in range(81)]
numbers = st.fractions(min_value=0, max_value=20, max_denominator=60)
weights = st.fractions(min_value=F(1, 10), max_value=10, max_denominator=20)


def points(*earned, maximum=10, extra=0, penalty=0, late=0):
    questions = {
        f"q{n}": Question(points=F(p), maximum=F(maximum, len(earned)))
        for n, p in enumerate(earned)
    }
    questions["text"] = Question(points=F(0), maximum=F(0), extra=F(extra))
    return Points(questions=questions, penalty=F(penalty), seconds_late=F(late))


def tp(mark, name="tp1", code=None, rules=Rules()):  # noqa: B008 - frozen
    return tp_mark(name, F(20), points(mark, maximum=20), code, rules)


def tps(*marks):
    return [tp(mark, f"tp{n}") for n, mark in enumerate(marks)]


def final(tp_value, exam, rules=Rules()):  # noqa: B008 - frozen
    return final_mark(Average(mark=F(tp_value)), ExamMark(mark=F(exam)), rules)


# Numbers.


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        (0.1 + 0.2, F(3, 10)),
        (sum([0.1] * 10), F(1)),
        (2 / 3, F(2, 3)),
        (1 / 3 + 1 / 3, F(2, 3)),
        (5 / 7, F(5, 7)),
        (0.123456789, F(123456789, 10**9)),
        (0.33333, F(33333, 100000)),
        (4, F(4)),
        (1e-9, F(1, 10**9)),
    ],
)
def test_points_are_what_was_meant(value, meant):
    assert exact(value) == meant


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_gives_no_points(value):
    with pytest.raises(ValueError, match="no number"):
        exact(value)


@settings(deadline=None)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=8), st.integers(1, 40))
def test_shares_of_points_add_up_exactly(shares, divisor):
    assert exact(sum(share / divisor for share in shares)) == F(sum(shares), divisor)


@settings(deadline=None)
@given(st.fractions(min_value=-100, max_value=100, max_denominator=10**6))
def test_a_number_that_is_written_reads_back(value):
    assert F(written(value)) == value


def test_only_numbers_that_a_person_writes_are_read():
    assert parse(" 12,50 ") == F(25, 2)
    for text in ("", "12.", "1e3", "1 2", "12;5", "½", "１２", "nan", "1_0", "12/20"):
        with pytest.raises(ValueError, match="no number"):
            parse(text)


def test_a_number_that_does_not_end_says_so():
    assert [said(F(49, 4)), said(F(37, 3))] == ["12.25", "37/3 (12.3333…)"]


@settings(deadline=None)
@given(numbers)
def test_rounding_is_to_the_nearest_and_upwards_at_the_half(value):
    rounded = round_half_up(value, F(1, 4))
    assert (rounded * 4).denominator == 1
    assert -F(1, 8) < rounded - value <= F(1, 8)


# The final mark.


def test_all_pairs_of_quarter_marks_are_rounded_exactly():
    pairs, misrounded = 0, 0
    for tp_value in QUARTERS:
        for exam in QUARTERS:
            expected = (
                (Decimal("0.30") * Decimal(str(float(tp_value)))
                 + Decimal("0.70") * Decimal(str(float(exam)))) * 4
            ).quantize(Decimal(1), ROUND_HALF_UP) / 4  # fmt: skip
            assert final(tp_value, exam).mark == F(expected)
            binary = 0.30 * float(tp_value) + 0.70 * float(exam)
            misrounded += round_half_up(F(binary), F(1, 4)) != F(expected)
            pairs += 1
    assert pairs == 6561
    assert misrounded == 126  # what binary numbers would give


def test_0_and_11_25_give_8():
    assert final(0, "11.25").mark == 8
    assert 0.30 * 0 + 0.70 * 11.25 < 7.875  # so that binary numbers give 7.75


@settings(deadline=None)
@given(numbers, numbers, st.sampled_from(["0.25", "0.5", "0.1", "0.01", "1"]))
def test_the_final_mark_is_the_exact_sum_rounded_once(tp_value, exam, step):
    made = final(tp_value, exam, Rules(step=F(step)))
    assert made.exact == F(3, 10) * tp_value + F(7, 10) * exam
    assert made.mark == round_half_up(made.exact, F(step))


@settings(deadline=None)
@given(numbers, numbers, numbers)
def test_a_better_mark_never_gives_a_worse_one(one, other, rest):
    low, high = sorted([one, other])
    assert final(low, rest).mark <= final(high, rest).mark
    assert final(rest, low).mark <= final(rest, high).mark


def test_the_tp_mark_enters_unrounded():
    tp_value = average(tps(12, 12, 13), Rules()).mark
    assert tp_value == F(37, 3)
    # Rounded to quarters first, 12.25 would give 9.1, so 9; unrounded it is 9.125, upwards 9.25.
    made = final(tp_value, F("9.125") / F("0.7") - F(3, 7) * F(37, 3))
    assert (made.exact, made.mark) == (F("9.125"), F("9.25"))


# One TP.


def test_points_become_a_mark_on_20():
    assert tp_mark("tp", F(15), points(2, 3, maximum=15), None, Rules()).mark == F(20, 3)


@settings(deadline=None)
@given(
    st.lists(st.fractions(0, 5, max_denominator=12), min_size=1, max_size=6),
    st.fractions(0, 5, max_denominator=12),
    st.fractions(0, 5, max_denominator=12),
    st.integers(0, 10**6),
    st.sampled_from(
        [
            Rules(),
            Rules(bonus=F(1)),
            Rules(bonus=F(1), bonus_above=True),
            Rules(late=Late(per_day=F(1), is_share=False, grace_seconds=600)),
            Rules(late=Late(per_day=F(1, 10), is_share=True)),
        ]
    ),
)
def test_a_mark_of_a_tp_stays_in_its_bounds_and_grows_with_its_points(
    earned, extra, penalty, late, rules
):
    def mark(first):
        made = points(first, *earned[1:], maximum=30, extra=extra, penalty=penalty, late=late)
        return tp_mark("tp", F(30), made, None, rules).mark

    assert 0 <= mark(earned[0]) <= mark(earned[0] + 1) <= (21 if rules.bonus_above else 20)


def test_extra_credit_fills_a_mark_up_to_20():
    made = tp_mark("tp", F(10), points(9, extra=2), None, Rules())
    assert (made.base, made.bonus, made.mark) == (18, 4, 20)


def test_a_bonus_counts_up_to_its_cap():
    made = tp_mark("tp", F(10), points(5, extra=2), None, Rules(bonus=F(1)))
    assert (made.bonus, made.mark) == (1, 11)


def test_a_bonus_may_lift_a_tp_above_20_where_the_rules_say_so_and_no_final_mark():
    rules = Rules(bonus=F(1), bonus_above=True)
    made = tp_mark("tp1", F(10), points(10, extra=2), None, rules)
    assert made.mark == 21
    assert average([made, tp(19, "tp2")], rules).mark == 20
    assert final_mark(Average(mark=F(21)), ExamMark(mark=F(20)), rules).mark == 20


def test_a_penalty_of_the_gradebook_is_taken_off_down_to_0():
    assert tp_mark("tp", F(10), points(6, penalty=1), None, Rules()).mark == 10
    assert tp_mark("tp", F(10), points(1, penalty=4), None, Rules()).mark == 0


@pytest.mark.parametrize(
    ("seconds", "days"),
    [(0, 0), (600, 0), (601, 1), (600 + 86400, 1), (601 + 86400, 2), (600 + 5 * 86400, 5)],
)
def test_a_day_late_counts_when_it_has_begun_after_the_grace(seconds, days):
    rules = Rules(late=Late(per_day=F(2), is_share=False, grace_seconds=600))
    made = tp_mark("tp", F(10), points(9, late=seconds), None, rules)
    assert (made.days_late, made.mark) == (days, max(18 - 2 * days, 0))


def test_a_penalty_may_be_a_share_of_the_mark():
    rules = Rules(late=Late(per_day=F(1, 10), is_share=True))
    assert tp_mark("tp", F(10), points(5, late=90_000), None, rules).mark == 8
    assert tp_mark("tp", F(10), points(5, late=86_400 * 30), None, rules).mark == 0


def test_nothing_handed_in_is_0():
    assert tp_mark("tp", F(10), None, None, Rules()).mark == 0


# The TP mark.


def test_tps_weigh_the_same_unless_the_rules_say_otherwise():
    marks = tps(10, 20)
    assert average(marks, Rules()).mark == 15
    assert average(marks, Rules(weights={"tp0": F(3), "tp1": F(1)})).mark == F(25, 2)


def test_a_tp_of_weight_0_does_not_count_whatever_its_code():
    marks = [tp(10), tp(0, "tp2", Code.DEF)]
    assert average(marks, Rules(weights={"tp1": F(1), "tp2": F(0)})).mark == 10


def test_best_of_leaves_out_the_lowest_of_equal_weights():
    made = average(tps(12, 4, 15, 9), Rules(drop=2))
    assert (made.mark, made.dropped) == (F(27, 2), ("tp1", "tp3"))
    assert average(tps(12, 4), Rules(drop=5)).dropped == ("tp1",)


@settings(deadline=None)
@given(
    st.lists(st.tuples(numbers, weights), min_size=1, max_size=6),
    st.integers(0, 4),
)
def test_best_of_is_the_best_of_all_choices(values, drop):
    rules = Rules(weights={f"tp{n}": w for n, (_, w) in enumerate(values)}, drop=drop)
    made = average(tps(*(mark for mark, _ in values)), rules)
    size = max(1, len(values) - drop)
    assert made.mark == max(
        sum(m * w for m, w in some) / sum(w for _, w in some) for some in combinations(values, size)
    )
    assert len(made.counted) == size


@settings(deadline=None)
@given(
    st.lists(st.tuples(numbers, weights), min_size=2, max_size=5),
    st.integers(0, 3),
    numbers,
)
def test_with_best_of_too_a_better_tp_gives_no_worse_mark(values, drop, better):
    rules = Rules(weights={f"tp{n}": w for n, (_, w) in enumerate(values)}, drop=drop)
    marks = [mark for mark, _ in values]
    before = average(tps(*marks), rules).mark
    assert average(tps(max(marks[0], better), *marks[1:]), rules).mark >= before


# Codes.


def test_abi_is_0_or_def_as_the_rules_say():
    absent = tp(15, "tp2", Code.ABI)
    assert absent.mark == 0
    assert average([tp(10), absent], Rules()).mark == 5
    strict = Rules(abi_is_def=True)
    made = average([tp(10), tp(15, "tp2", Code.ABI, strict)], strict)
    assert (made.mark, made.code) == (None, Code.DEF)
    exam = ExamMark(code=Code.ABI)
    assert final_mark(Average(mark=F(10)), exam, Rules()).mark == 3
    assert final_mark(Average(mark=F(10)), exam, strict).code is Code.DEF


def test_abj_leaves_its_weight_to_the_others():
    made = average([tp(10), tp(0, "tp2", Code.ABJ), tp(13, "tp3")], Rules())
    assert (made.mark, made.excused, made.code) == (F(23, 2), ("tp2",), None)


def test_with_every_tp_excused_the_exam_is_all():
    made = average([tp(0, code=Code.ABJ)], Rules())
    assert (made.mark, made.code) == (None, Code.ABJ)
    final = final_mark(made, ExamMark(mark=F("11.1")), Rules())
    assert (final.mark, final.tp_share, final.exam_share) == (11, 0, 1)


def test_with_the_exam_excused_the_tp_is_all():
    made = final_mark(Average(mark=F(37, 3)), ExamMark(code=Code.ABJ), Rules())
    assert (made.mark, made.tp_share, made.exam_share) == (F("12.25"), 1, 0)


def test_with_everything_excused_there_is_no_mark():
    made = final_mark(Average(mark=None, code=Code.ABJ), ExamMark(code=Code.ABJ), Rules())
    assert (made.mark, made.code) == (None, Code.ABJ)


@pytest.mark.parametrize("exam", [ExamMark(mark=F(12)), ExamMark(code=Code.ABJ)])
def test_def_in_a_tp_makes_the_final_mark_def(exam):
    made = average([tp(10), tp(15, "tp2", Code.DEF)], Rules(drop=1))
    assert made.code is Code.DEF
    assert final_mark(made, exam, Rules()).code is Code.DEF


def test_def_in_the_exam_makes_the_final_mark_def():
    made = final_mark(Average(mark=F(10)), ExamMark(code=Code.DEF), Rules())
    assert (made.mark, made.code) == (None, Code.DEF)
