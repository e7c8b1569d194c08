"""Many submissions: read as they are needed; a worker's end, and a script that is run again."""

import os
import signal
import subprocess
import sys

import pytest
import small_course as sc  # starts the tracker of processes, once and for all

from nbjudge.assignment import Assignment, Kind, SourceCell, SourceNotebook, Upload
from nbjudge.errors import MachineError, WorkerDied
from nbjudge.parallel import Again, grade_many
from nbjudge.settings import Settings
from nbjudge.submissions import Submission

ASSIGNMENT = Assignment(
    name=sc.NAME,
    notebooks=(
        SourceNotebook(
            name="n",
            cells=(
                SourceCell(
                    cell_id="t",
                    kind=Kind.TEST,
                    cell_type="code",
                    source="assert x",
                    release_source="",
                    grade_id="t",
                    points=1.0,
                ),
            ),
        ),
    ),
)


def empty(student):
    """An empty file: judged without a kernel."""
    return Submission(
        student=student,
        assignment=sc.NAME,
        uploads={"n": Upload(notebook=b"")},
        notes={},
        found={},
    )


def test_submissions_are_taken_as_they_are_needed():
    taken = []

    def submissions():
        for number in range(12):
            taken.append(number)
            yield empty(f"s{number}")

    grading = grade_many(submissions(), ASSIGNMENT, Settings(), b"secret", workers=1)

    first = next(grading)
    assert first.error is None
    assert 1 <= len(taken) <= 4
    rest = list(grading)
    assert {one.submission.student for one in (first, *rest)} == {f"s{n}" for n in range(12)}
    assert all(one.results[0].points == 0 for one in rest)


def test_of_nobody_nothing_is_graded():
    assert list(grade_many([], ASSIGNMENT, Settings(), b"secret", workers=2)) == []


class Killing:
    """Kills whoever unpickles it."""

    def __reduce__(self):
        return _die, ()


def _die():
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_submission_that_kills_its_worker_costs_the_others_nothing():
    def submissions():
        for number in range(6):
            if number == 2:
                yield Submission(
                    student="deadly",
                    assignment=sc.NAME,
                    uploads={"n": Killing()},
                    notes={},
                    found={},
                )
            yield empty(f"s{number}")

    graded = {
        one.submission.student: one
        for one in grade_many(submissions(), ASSIGNMENT, Settings(), b"secret", workers=2)
    }

    assert set(graded) == {"deadly", *(f"s{n}" for n in range(6))}
    assert isinstance(graded.pop("deadly").error, WorkerDied)
    assert [one.error for one in graded.values()] == [None] * 6


def test_no_two_submissions_are_judged_again_with_the_same_secrets():
    again = Again(b"seed", 3)
    drawn = [*again.secrets("ada"), *again.secrets("zoe"), *Again(b"other", 3).secrets("ada")]

    assert len(set(drawn)) == 9
    assert again.secrets("ada") == Again(b"seed", 3).secrets("ada")
    assert Again(b"seed", 5).secrets("ada")[:3] == again.secrets("ada")


SCRIPT = """\
import sys
sys.path.insert(0, {tests!r})
from test_parallel import ASSIGNMENT, Settings, empty, grade_many
for one in grade_many([empty("a"), empty("b")], ASSIGNMENT, Settings(), b"s", workers=2):
    print(one.submission.student, one.error)
"""


@pytest.mark.parametrize("guarded", [False, True])
def test_a_script_that_every_worker_runs_again_ends_with_a_sentence(tmp_path, guarded):
    text = SCRIPT.format(tests=os.path.dirname(__file__))
    if guarded:
        first, second, third, *loop = text.splitlines()
        text = "\n".join(
            [first, second, third, "if __name__ == '__main__':", *("    " + x for x in loop)]
        )
    script = tmp_path / "grade.py"
    script.write_text(text, "utf-8")

    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=120, check=False
    )

    if guarded:
        assert (done.returncode, sorted(done.stdout.split())) == (0, ["None", "None", "a", "b"])
        return
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert "ConfigurationError: Grading in several processes" in last
    assert "grade below `if __name__ == '__main__':`" in last


def test_an_error_of_the_machine_is_the_submissions_own():
    settings = Settings(kernel_name="no such kernel")
    upload = Upload(notebook=b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    submission = Submission(
        student="ada", assignment=sc.NAME, uploads={"n": upload}, notes={}, found={}
    )

    (graded,) = grade_many([submission], ASSIGNMENT, settings, b"secret", workers=1)

    assert isinstance(graded.error, MachineError)
