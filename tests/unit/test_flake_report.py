"""What judging again says: exact bounds, refuted probabilities, a table, sentences."""

import io

import pytest
from rich.console import Console

from nbjudge.flake import Check, Deviation, Question, Rate, Report, sentences, table


@pytest.mark.parametrize(
    ("judged", "happened", "bound"),
    [
        (1000, 0, 1 - 0.05 ** (1 / 1000)),  # the rule of three
        (20, 0, 0.13911),
        (20, 1, 0.21611),
        (50, 7, 0.246935),
        (4, 4, 1.0),
        (0, 0, 1.0),
    ],
)
def test_the_bound_is_that_of_clopper_and_pearson(judged, happened, bound):
    from scipy.stats import binom

    assert Rate(judged, happened).bound == pytest.approx(bound, abs=1e-5)
    if 0 < happened < judged:
        assert binom.cdf(happened, judged, Rate(judged, happened).bound) == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("judged", "happened", "probability", "refuted"),
    [
        (1000, 0, 0.0, False),
        (1000, 1, 1e-6, True),
        (1000, 1, 0.0, True),
        (1000, 1, 1e-3, False),
        (20, 3, 0.1, False),
        (20, 12, 0.1, True),
        (20, 20, 1.5, False),
    ],
)
def test_a_declared_probability_is_refuted_by_what_it_makes_unlikely(
    judged, happened, probability, refuted
):
    assert Rate(judged, happened).refutes(probability) is refuted


def report(**changed):
    made = {
        "assignment": "tp",
        "version": "v",
        "runs": 20,
        "seed": "ab",
        "answers": {"reference": "reference", "eleve-a": "wrong"},
        "questions": (
            Question(
                name="test_q1_1",
                rejected=Rate(21, 2),
                accepted=Rate(42, 0),
                checks=(
                    Check("the mean", Rate(21, 0), declared=1e-6),
                    Check("[bold]the \x1b[2Jvariance", Rate(21, 2), declared=1e-6),
                ),
                declared=2e-6,
            ),
            Question(name="test_q2", rejected=Rate(), accepted=Rate(21, 21)),
        ),
        "deviations": (),
    }
    return Report(**made | changed)


def test_the_table_has_a_line_for_each_question_and_check():
    screen = Console(width=100, file=io.StringIO(), color_system=None, highlight=False)
    screen.print(table(report()))

    lines = [line.split() for line in screen.file.getvalue().splitlines()[2:]]
    assert lines == [
        ["test_q1_1", "21", "2", "0.27", "2e-06", "refuted", "42", "0", "0.069"],
        ["the", "mean", "21", "0", "0.13", "1e-06"],
        ["[bold]the", "\ufffd[2Jvariance", "21", "2", "0.27", "1e-06", "refuted"],
        ["test_q2", "-", "21", "21", "1"],
    ]


def test_a_clean_report_says_so_and_how_to_get_it_again():
    assert list(sentences(report())) == [
        "2 answers, each judged 21 times: every one earned what it must.",
        "The same judgings again: --seed ab",
    ]


def test_an_answer_that_did_not_earn_what_it_must_is_named_with_points_and_secret():
    made = [
        Deviation("reference", "test_q1_1", 2.0, {1.0: 2, 0.0: 1}, "c0ffee", "the mean is off."),
        Deviation("eleve-a", "test_q2", 0.5, {1.0: 21}, "", "nothing\x1b[2J"),
    ]

    first, second, last, _seed = sentences(report(deviations=tuple(made)))

    assert first == (
        "reference: test_q1_1 earned 1 (2 times), 0 instead of 2; first with secret c0ffee: "
        "the mean is off."
    )
    assert second == (
        "eleve-a: test_q2 earned 1 (21 times) instead of 0.5; first with the course's secret: "
        "nothing\ufffd[2J"
    )
    assert last == "2 answers, each judged 21 times: 2 did not always earn what they must."


def test_bounds_and_refutations_are_in_the_json():
    data = report().to_json()

    question = data["questions"][0]
    assert question["rejected"]["bound"] == Rate(21, 2).bound
    assert question["refuted"] is True
    assert [check["refuted"] for check in question["checks"]] == [False, True]
    assert data["confidence"] == 0.95
