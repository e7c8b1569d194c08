"""The error tree: sentences, and survival of the trip between processes."""

import pickle

import pytest

from nbjudge import errors


def all_errors():
    found, stack = [], [errors.NbJudgeError]
    while stack:
        kind = stack.pop()
        found.append(kind)
        stack += kind.__subclasses__()
    return sorted(found, key=lambda kind: kind.__name__)


def make(kind):
    if kind is errors.SandboxUnavailable:
        return kind("No bubblewrap.", "Install it.")
    if kind is errors.HiddenTestError:
        return kind("The test of q1 fails.", "a traceback")
    return kind("Something was being done, and failed.")


def test_the_tree_is_not_empty():
    assert len(all_errors()) >= 10


@pytest.mark.parametrize("kind", all_errors(), ids=lambda kind: kind.__name__)
def test_every_error_survives_pickling_with_its_sentence(kind):
    error = make(kind)
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert type(copy) is kind
    assert str(copy) == str(error)
    assert vars(copy) == vars(error)


def test_a_sandbox_error_says_cause_and_way_out():
    error = errors.SandboxUnavailable("bwrap is missing.", "apt-get install bubblewrap")
    assert str(error) == "bwrap is missing. apt-get install bubblewrap"
