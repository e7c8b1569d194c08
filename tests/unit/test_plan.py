"""What a class needs: receipts, what they vouch for, and what else may have changed."""

import json
import os
from dataclasses import asdict, replace

import pytest

from nbjudge.assignment import Upload
from nbjudge.gradebook import Part, Score, Standing
from nbjudge.plan import Need, Planner
from nbjudge.receipts import (
    Receipt,
    read_receipt,
    receipt_path,
    record_stamps,
    stamps,
    sweep,
    withdraw,
    write_receipt,
)
from nbjudge.records import record_path
from nbjudge.result_key import Ground
from nbjudge.submissions import Submission

GROUND = Ground(assignment="a", engine="e", libraries="l", settings="s", secret="x")  # noqa: S106
SUBMISSION = Submission(
    student="ada",
    assignment="tp",
    uploads={"n": Upload(notebook=b"{}")},
    notes={},
    found={"n": "n.ipynb"},
    timestamp="2026-01-01",
)


def score(auto=1.0, **more):
    fields = {"manual": None, "extra": None, "max_score": 1.0, "needs_manual_grade": False} | more
    return Score(auto=auto, **fields)


def standing(late=0.0, penalty=None, **scores):
    scores = scores or {"t": score(), "essay": score(None, needs_manual_grade=True)}
    return Standing(seconds_late=late, parts={"n": Part(penalty=penalty, scores=scores)})


@pytest.fixture
def graded(tmp_path):
    """A folder in which ada's submission is stored whole; return its planner."""
    folder = tmp_path / "autograded" / "ada" / "tp"
    folder.mkdir(parents=True)
    (folder / "n.ipynb").write_text("graded", "utf-8")
    (folder / "timestamp.txt").write_text("2026-01-01", "utf-8")
    record = record_path(tmp_path, "ada", "tp", "n")
    record.parent.mkdir(parents=True)
    record.write_text("{}", "utf-8")
    receipt = Receipt(
        key=asdict(GROUND.key(SUBMISSION)),
        timestamp="2026-01-01",
        late={"n": None},
        verdicts={"n": {"t": ["passed", 1.0], "essay": ["manual", None]}},
        seconds={"n": 1.5},
        timings={"n": [["t", 0.5]]},
        graded=stamps(folder, ["n.ipynb", "timestamp.txt"]),
        records=record_stamps(tmp_path, "ada", "tp", ["n"]),
    )
    write_receipt(tmp_path, "ada", "tp", receipt)
    return Planner(
        root=tmp_path,
        autograded=tmp_path / "autograded",
        ground=GROUND,
        standings={"ada": standing()},
        plugin="p",
    )


def needed(planner, submission=SUBMISSION):
    task = planner.task(submission)
    return task.need, task.why


def test_what_is_stored_whole_needs_nothing(graded):
    task = graded.task(SUBMISSION)
    assert (task.need, task.why) == (Need.NOTHING, "")
    assert task.receipt == read_receipt(graded.root, "ada", "tp")


def test_a_first_submission_is_new(graded):
    assert needed(graded, replace(SUBMISSION, student="zoe")) == (Need.GRADE, "new")


def test_what_has_points_and_no_receipt_did_not_come_to_its_end(graded):
    withdraw(graded.root, "ada", "tp")
    assert needed(graded) == (Need.GRADE, "no earlier grading of it came to its end")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": 1}', '{"format": 0, "key": {}}'])
def test_a_receipt_that_cannot_be_read_is_none(graded, content):
    receipt_path(graded.root, "ada", "tp").write_text(content, "utf-8")
    assert read_receipt(graded.root, "ada", "tp") is None
    assert needed(graded)[0] is Need.GRADE


def test_every_change_is_said(graded):
    other = replace(SUBMISSION, uploads={"n": Upload(notebook=b"{ }")})
    assert needed(graded, other) == (Need.GRADE, "the upload changed")
    later = replace(graded, ground=replace(GROUND, engine="e2", settings="s2"))
    assert needed(later) == (Need.GRADE, "nbjudge changed, the settings changed")


def test_what_is_forced_is_graded(graded):
    assert needed(replace(graded, force=True)) == (Need.GRADE, "forced")


@pytest.mark.parametrize(
    ("standings", "why"),
    [
        ({}, "it is not in the gradebook"),
        ({"ada": standing(t=score(0.5))}, "the gradebook has other points of n: t"),
        ({"ada": standing(t=score(None))}, "the gradebook has other points of n: t"),
        ({"ada": standing(t=score())}, "the gradebook has other points of n: essay"),
        ({"ada": Standing()}, "the gradebook has other points of n: t"),
    ],
)
def test_a_gradebook_that_says_otherwise_is_put_right(graded, standings, why):
    assert needed(replace(graded, standings=standings)) == (Need.GRADE, why)


def test_what_persons_gave_is_no_disagreement(graded):
    given = {"essay": score(None, manual=1.0), "t": score(manual=0.5, extra=2.0)}
    assert needed(replace(graded, standings={"ada": standing(**given)}))[0] is Need.NOTHING


@pytest.mark.parametrize("path", ["autograded/ada/tp/n.ipynb", ".nbjudge/results/ada/tp/n.json"])
@pytest.mark.parametrize("how", ["removed", "longer", "other"])
def test_files_that_are_not_as_they_were_written_are_written_again(graded, path, how):
    file = graded.root / path
    size = file.stat().st_size
    if how == "removed":
        file.unlink()
    else:
        file.write_text("x" * (size + (how == "longer")), "utf-8")
    need, why = needed(graded)
    assert need is Need.GRADE
    assert "was changed or removed" in why


def test_a_copy_of_the_course_is_as_good(graded):
    os.utime(graded.root / "autograded" / "ada" / "tp" / "n.ipynb", (0, 0))
    assert needed(graded)[0] is Need.NOTHING


def test_what_others_add_to_the_folder_is_theirs(graded):
    (graded.root / "autograded" / "ada" / "tp" / ".ipynb_checkpoints").mkdir()
    assert needed(graded)[0] is Need.NOTHING


STORE = [
    ({"late": 60.0}, None, "its late penalty is to be computed again"),
    ({"penalty": 0.5}, None, "its late penalty is to be computed again"),
    ({}, [60.0, 1.0, "p"], "its late penalty is to be computed again"),
    ({"late": 61.0}, [60.0, 1.0, "p"], "its late penalty is to be computed again"),
    ({"late": 60.0}, [60.0, 1.0, "old"], "its late penalty is to be computed again"),
    ({"late": 60.0, "t": score(manual=0.5)}, [60.0, 1.0, "p"], "its late penalty is to"),
]


@pytest.mark.parametrize(("now", "before", "why"), STORE)
def test_a_penalty_is_asked_for_again_without_executing(graded, now, before, why):
    receipt = replace(read_receipt(graded.root, "ada", "tp"), late={"n": before})
    write_receipt(graded.root, "ada", "tp", receipt)
    scores = {"t": score(), "essay": score(None)} | {k: v for k, v in now.items() if k == "t"}
    times = {k: v for k, v in now.items() if k != "t"}
    planner = replace(graded, standings={"ada": standing(**times, **scores)})
    need, said = needed(planner)
    assert need is Need.STORE
    assert why in said


def test_a_penalty_that_was_computed_from_the_same_stays(graded):
    receipt = replace(read_receipt(graded.root, "ada", "tp"), late={"n": [60.0, 1.0, "p"]})
    write_receipt(graded.root, "ada", "tp", receipt)
    planner = replace(graded, standings={"ada": standing(late=60.0, penalty=0.25)})
    assert needed(planner)[0] is Need.NOTHING


@pytest.mark.parametrize("time", [None, "2026-01-02"])
def test_another_time_of_arrival_is_stored_without_executing(graded, time):
    said = needed(graded, replace(SUBMISSION, timestamp=time))
    assert said == (Need.STORE, "its time of arrival changed")


def test_what_a_killed_run_left_half_written_is_removed_and_nothing_else(graded):
    results = receipt_path(graded.root, "ada", "tp").parent
    here = graded.root / "autograded" / "ada"
    left = [results / ".abc.part", results / "tp" / ".x.part", here / ".tp-abc" / "n.ipynb"]
    left.append(here / ".old-x" / "tp" / "n.ipynb")
    others = [here / ".tpx-abc", here / "tp2" / ".old-1", here / ".tp2-abc", results / "tp.part"]
    for path in (*left, *others):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x", "utf-8")
    sweep(graded.root, here / "tp", "ada", "tp")
    assert not any(path.exists() for path in left)
    assert all(path.exists() for path in others)
    assert needed(graded)[0] is Need.NOTHING


def test_a_receipt_names_what_a_person_should_look_at():
    receipt = Receipt(
        key={},
        timestamp=None,
        late={},
        verdicts={
            "n": {"a": ["timeout", 0.0], "b": ["failed", 0.0], "c": ["memory", 0.0]},
            "m": {"a": ["died", 0.0], "b": ["unreadable", 0.0], "c": ["manual", None]},
        },
        seconds={},
        timings={},
    )
    assert receipt.to_look_at() == [
        "n: a: timeout",
        "n: c: memory",
        "m: a: died",
        "m: b: unreadable",
    ]
    assert Receipt(**json.loads(json.dumps(asdict(receipt)))) == receipt
