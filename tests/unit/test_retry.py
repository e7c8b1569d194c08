"""A verdict of time or memory is retried once, and the fairer of the two runs is kept."""

import pytest

from nbjudge import retry
from nbjudge.limits import GIB, Limits
from nbjudge.settings import Settings
from nbjudge.verdict import CellTiming, Result, Status, Verdict

LIMITS = Limits(cell_seconds=10, notebook_seconds=100, memory_bytes=GIB)
FULL = {Status.PASSED: 1.0}


def result(*statuses, **options):
    verdicts = tuple(
        Verdict(grade_id=f"q{n}", status=status, points=FULL.get(status, 0.0), max_points=1.0)
        for n, status in enumerate(statuses)
    )
    return Result(notebook="n", verdicts=verdicts, document={}, **options)


@pytest.fixture
def grade(monkeypatch):
    """Give the results of the runs to come; return what is kept, and how many runs there were."""

    def make(*results, again=()):
        left = list(results)
        monkeypatch.setattr(retry, "grade_notebook", lambda *_arguments: left.pop(0))
        kept = retry.grade_fairly(None, None, "n", Settings(limits=LIMITS), b"secret", again)
        return kept, len(results) - len(left)

    return make


@pytest.mark.parametrize(
    "status", [s for s in Status if s not in (Status.TIMEOUT, Status.MEMORY)], ids=str
)
def test_what_no_limit_decided_is_graded_once(grade, status):
    first = result(status)

    assert grade(first) == (first, 1)


@pytest.mark.parametrize("status", [Status.TIMEOUT, Status.MEMORY], ids=str)
def test_a_verdict_of_a_limit_that_does_not_come_back_is_not_kept(grade, status):
    kept, runs = grade(result(status, Status.PASSED), result(Status.PASSED, Status.PASSED))

    assert runs == 2
    assert kept.points == 2.0
    assert (
        f"n was graded twice, because of this in the first run: q0 ({status}). "
        "In the second: nothing of the kind. Kept: the second (1 points, then 2)."
    ) in kept.log[-1]


def test_a_second_run_in_which_limits_decide_more_is_not_kept(grade):
    first = result(Status.TIMEOUT, Status.PASSED, Status.PASSED, log=("said before",))
    kept, runs = grade(first, result(Status.TIMEOUT, Status.TIMEOUT, Status.PASSED))

    assert (runs, kept.verdicts, kept.log[0]) == (2, first.verdicts, "said before")
    assert "Kept: the first" in kept.log[-1]


def test_of_two_runs_in_which_limits_decide_the_same_the_second_is_kept(grade):
    first, second = (result(Status.TIMEOUT, seconds=seconds) for seconds in (1.0, 2.0))

    assert grade(first, second)[0].seconds == 2.0


def test_of_two_runs_in_which_limits_decide_as_much_no_student_gets_the_worse(grade):
    """A question too late in one, a cell too late in the other, without which two are lost."""
    late = {"timings": (CellTiming(name="f", seconds=10.1),)}
    first = result(Status.TIMEOUT, Status.PASSED, Status.PASSED)
    second = result(Status.UNDEFINED, Status.UNDEFINED, Status.PASSED, **late)

    assert grade(first, second)[0].points == 2.0


@pytest.mark.parametrize(
    ("met", "said"),
    [
        ({"timings": (CellTiming(name="f", seconds=10.2),)}, "f took 10.2 s"),
        ({"seconds": 100.5}, "the notebook took 100 s"),
        ({"memory_bytes": GIB}, "the kernel was seen to use 1024 MiB"),
    ],
    ids=["a cell", "the notebook", "memory"],
)
def test_a_limit_that_speaks_through_the_verdicts_of_others_counts(grade, met, said):
    """An interrupted cell defines nothing: the questions after it are undefined, not late."""
    kept, runs = grade(result(Status.UNDEFINED, **met), result(Status.PASSED))

    assert (runs, kept.points) == (2, 1.0)
    assert said in kept.log[-1]


def test_what_is_measured_with_further_secrets_is_run_once(grade):
    first = result(Status.TIMEOUT)

    assert grade(first, again=(b"further",)) == (first, 1)
