"""``nbjudge.configure_marks`` and what it refuses."""

from decimal import Decimal
from fractions import Fraction

import pytest
from traitlets.config import Config

import nbjudge
from nbjudge.due import configure_deadlines
from nbjudge.errors import ConfigurationError
from nbjudge.marking.rules import Late, Rules, rules_from


def rules(**options):
    c = Config()
    nbjudge.configure_marks(c, **options)
    return rules_from(c)


def test_without_the_call_the_rules_are_its_defaults():
    assert rules_from(Config()) == Rules() == rules()


def test_numbers_are_taken_as_they_are_written():
    for share in ("0.30", "0,3", "3/10", 0.3, Decimal("0.3"), Fraction(3, 10)):
        assert rules(tp_share=share).tp_share == Fraction(3, 10)


def test_what_is_said_is_read_back():
    said = rules(
        weights={"tp1": 1, "tp2": "1.5", "tp3": 0},
        tp_share="0.4",
        drop=1,
        bonus="2",
        bonus_above_20=True,
        step="0.5",
        abi="DEF",
        late_per_day="10%",
    )
    assert said == Rules(
        weights={"tp1": Fraction(1), "tp2": Fraction(3, 2), "tp3": Fraction(0)},
        tp_share=Fraction(2, 5),
        drop=1,
        bonus=Fraction(2),
        bonus_above=True,
        step=Fraction(1, 2),
        abi_is_def=True,
        late=Late(per_day=Fraction(1, 10), is_share=True),
    )
    assert said.exam_share == Fraction(3, 5)


WRONG = {
    "weights": [[1, 2], {}, {"tp1": -1}, {"tp1": "much"}, {"tp1": 0}, {"tp1": True}],
    "tp_share": ["1.01", -0.1, "30 %", None, float("nan"), "1/0", "١"],
    "drop": [-1, 1.0, True, "1"],
    "bonus": ["-1", 21],
    "bonus_above_20": [1, "yes"],
    "step": [0, "0.3", "-0.25", 40],
    "abi": ["abi", 0, None],
    "late_per_day": [-1, 21, "101%", "%", "two"],
}


@pytest.mark.parametrize(
    ("option", "value"), [(option, value) for option, values in WRONG.items() for value in values]
)
def test_a_wrong_option_is_named(option, value):
    with pytest.raises(ConfigurationError, match=f"configure_marks: {option}"):
        rules(**{option: value})


def test_the_grace_is_that_of_the_deadlines():
    c = Config()
    configure_deadlines(c, grace_minutes=15)
    nbjudge.configure_marks(c, late_per_day="1")
    assert rules_from(c).late == Late(per_day=Fraction(1), is_share=False, grace_seconds=900)


@pytest.mark.parametrize(
    ("section", "option", "value"),
    [
        ("AssignLatePenalties", "plugin_class", "course_late.Plugin"),
        ("LateSubmissionPlugin", "penalty_method", "zero"),
    ],
)
def test_a_penalty_in_two_places_is_refused(section, option, value):
    c = Config()
    c[section][option] = value
    nbjudge.configure_marks(c)
    rules_from(c)  # the plug-in's alone
    nbjudge.configure_marks(c, late_per_day="1")
    with pytest.raises(ConfigurationError, match="two late penalties"):
        rules_from(c)


def test_a_value_set_past_the_call_is_checked_too():
    c = Config()
    nbjudge.configure_marks(c)
    c.NbJudgeMarks.step = "0.3"
    with pytest.raises(ConfigurationError, match="step"):
        rules_from(c)


def test_rules_of_marks_change_no_late_penalty():
    from nbjudge.lateness import fingerprint

    plain, said = Config(), Config()
    nbjudge.configure_marks(said, drop=1)
    assert fingerprint(plain) == fingerprint(said)
    said.LateSubmissionPlugin.penalty_method = "zero"
    assert fingerprint(plain) != fingerprint(said)
