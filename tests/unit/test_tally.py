"""What a test cell's shares come to: where it was stopped, what its assertions declare."""

import numpy as np
import pytest

from nbjudge.assignment import Kind, SourceCell
from nbjudge.raised import KernelLost
from nbjudge.tally import tally
from nbjudge.testing import CheckFailed, Ledger, assert_mean, assert_proportion, credit, ledger
from nbjudge.verdict import Status

CELL = SourceCell(
    cell_id="c", kind=Kind.TEST, cell_type="code", source="", release_source="", points=3.0
)
DIED = "Your code stopped the kernel when it was tested."


@pytest.fixture
def entries():
    made = Ledger()
    token = ledger.set(made)
    yield made
    ledger.reset(token)


def test_the_share_in_which_the_kernel_died_says_so(entries):
    with credit(1, "the first"):
        pass
    with pytest.raises(KernelLost), credit(2, "the second"):
        raise KernelLost("died")

    verdict = tally(CELL, entries, None, Status.DIED, DIED, "where", strict=False)

    assert [(p["what"], p["points"], p["message"], p["detail"]) for p in verdict["parts"]] == [
        ("the first", 1.0, "", ""),
        ("the second", 0.0, DIED, "where"),
    ]
    assert (verdict["points"], verdict["status"]) == (1.0, "partial")


def test_a_failure_outside_of_the_shares_is_in_none_of_them(entries):
    with credit(3, "all of it"):
        pass
    entries.append(type(entries[0])("never begun", 1.0))

    verdict = tally(CELL, entries, None, Status.FAILED, "Something else.", "", strict=False)

    assert [p["message"] for p in verdict["parts"]] == [
        "",
        "not reached, an earlier check failed",
    ]


def test_probabilities_of_a_false_alarm_add_up_by_share_and_in_all(entries):
    x = np.zeros((100, 3))
    with credit(1, "two checks"):
        assert_mean(x, 0.0, sd=1.0, what="the mean", false_alarm=1e-3)
        assert_proportion(50, 100, 0.5, what="the share", false_alarm=1e-4)
    with credit(2, "none"):
        pass
    assert_mean(x, 0.0, sd=1.0, what="the mean", false_alarm=1e-2)

    verdict = tally(CELL, entries, None, Status.PASSED, "", "", strict=True)

    assert [p["false_alarm"] for p in verdict["parts"]] == [pytest.approx(1.1e-3), 0.0]
    assert verdict["false_alarm"] == pytest.approx(1.11e-2)


def test_a_check_that_fails_has_declared_its_probability_all_the_same(entries):
    with pytest.raises(CheckFailed), credit(3, "the mean"):  # in-process a failure goes on
        assert_mean(np.ones(9), 5.0, sd=1.0, what="the mean", false_alarm=1e-3)

    verdict = tally(CELL, entries, None, Status.FAILED, "No.", "", strict=False)

    assert verdict["false_alarm"] == pytest.approx(1e-3)
