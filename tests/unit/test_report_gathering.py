"""What a report takes from gradebook and records, and whom it names for a look."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from nbjudge import i18n
from nbjudge.assignment import Assignment, Kind, SourceCell, SourceNotebook
from nbjudge.gradebook import Part, Score, Standing
from nbjudge.report import gathering
from nbjudge.report.gathering import checks_of, gather, items_of, sentences_of, to_look_at
from nbjudge.report.page import _section
from nbjudge.report.pseudonyms import anonymous
from nbjudge.report.similar import Similar


def cell(name, points, kind=Kind.TEST):
    return SourceCell(
        cell_id=name, kind=kind, cell_type="code", source="assert x", release_source="assert x",
        grade_id=name, points=points,
    )  # fmt: skip


ASSIGNMENT = Assignment(
    name="tp",
    notebooks=(
        SourceNotebook(name="nb", cells=(cell("q1", 3.0), cell("q2", 1.0), cell("b", 0.0))),
    ),
)


def part(what, points, maximum, message=""):
    return {
        "what": what, "points": points, "max_points": maximum, "message": message, "detail": "",
        "false_alarm": 0.0,
    }  # fmt: skip


def verdict(name, status, points, maximum, message="", parts=()):
    return {
        "grade_id": name, "status": status, "points": points, "max_points": maximum,
        "message": message, "detail": "", "parts": list(parts), "seconds": 0.5,
    }  # fmt: skip


def record(*verdicts, log=(), restarts=0, seconds=2.0):
    return {
        "notebook": "nb", "verdicts": list(verdicts), "notes": [], "log": list(log),
        "timings": [{"name": "q1", "seconds": 1.0}, {"name": "q1", "seconds": 0.5}],
        "seconds": seconds, "cpu_seconds": 1.0, "judge_cpu_seconds": 0.25,
        "memory_bytes": 100 * 2**20, "restarts": restarts,
    }  # fmt: skip


def q1(small, large):
    parts = [part("small", small, 1.0), part("large", large, 2.0, "" if large else "Too small.")]
    status = "passed" if small + large == 3 else "partial"
    return verdict("q1", status, small + large, 3.0, "", parts)


def q2(points, message="Wrong."):
    return verdict("q2", "passed" if points else "failed", points, 1.0, "" if points else message)


def score(auto, manual=None, waits=False):
    return Score(auto=auto, manual=manual, extra=None, max_score=3.0, needs_manual_grade=waits)


class Class:
    """A course of which gradebook and records are given."""

    def __init__(self, root, monkeypatch):
        self.root, self.standings = root, {}
        self.excluded, self.db_url = frozenset({"excluded"}), ""
        monkeypatch.setattr(gathering, "read_standings", lambda _url, _name: self.standings)

    def folder(self, step):
        return self.root / step

    def add(self, student, *verdicts, manual=None, waits=(), text=None, **fields):
        scores = {
            v["grade_id"]: score(
                v["points"], (manual or {}).get(v["grade_id"]), v["grade_id"] in waits
            )
            for v in verdicts
        }
        self.standings[student] = Standing(parts={"nb": Part(penalty=None, scores=scores)})
        path = self.root / ".nbjudge" / "results" / student / "tp" / "nb.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(record(*verdicts, **fields)) if text is None else text, "utf-8")


@pytest.fixture
def group(tmp_path, monkeypatch):
    return Class(tmp_path, monkeypatch)


def test_questions_and_checks_are_measured_with_the_rest_of_the_score(group):
    group.add("a", q1(1, 2), q2(1))
    group.add("b", q1(1, 0), q2(1))
    group.add("c", q1(1, 0), q2(0))
    group.add("d", q1(0, 0), q2(0))
    tp = gather(group, ASSIGNMENT)
    items = items_of(tp)
    assert list(items) == ["q1", "q2"]  # what is worth nothing is no question
    expected = np.corrcoef([3, 1, 1, 0], [1, 1, 0, 0])[0, 1]
    assert items["q1"].discrimination == pytest.approx(expected)
    assert (items["q1"].full, items["q1"].mean) == (0.25, 5 / 12)
    checks = checks_of(tp)
    assert list(checks) == [("q1", "small", 0), ("q1", "large", 0)]
    small, large = checks.values()
    assert small.discrimination == pytest.approx(np.corrcoef([1, 1, 1, 0], [3, 1, 0, 0])[0, 1])
    assert large.discrimination == pytest.approx(np.corrcoef([2, 0, 0, 0], [2, 2, 1, 0])[0, 1])


def test_a_check_behind_the_place_where_the_test_stopped_is_not_earned(group):
    group.add("a", q1(1, 2), q2(1))
    group.add("b", verdict("q1", "error", 0.0, 3.0, "It raised."), q2(1))
    group.add("c", verdict("q1", "undefined", 0.0, 3.0, "No answer."), q2(0))
    small, _large = checks_of(gather(group, ASSIGNMENT)).values()
    assert (small.count, small.full) == (3, pytest.approx(1 / 3))


def test_points_of_a_person_count_and_say_nothing_of_the_checks(group):
    group.add("a", q1(1, 0), q2(1), manual={"q1": 3.0})
    group.add("b", q1(1, 0), q2(1))
    group.add("c", q1(0, 0), q2(0))
    tp = gather(group, ASSIGNMENT)
    assert items_of(tp)["q1"].full == pytest.approx(1 / 3)
    assert {check.count for check in checks_of(tp).values()} == {2}


def test_what_waits_for_a_person_is_left_out(group):
    group.add("a", q1(1, 2), q2(0), waits={"q2"})
    group.add("b", q1(1, 2), q2(1))
    tp = gather(group, ASSIGNMENT)
    assert (items_of(tp)["q2"].count, items_of(tp)["q1"].count) == (1, 2)


def test_checks_of_the_same_words_are_told_apart(group):
    twice = [part("case", 1.0, 1.0), part("case", 0.0, 2.0)]
    group.add("a", verdict("q1", "partial", 1.0, 3.0, "", twice))
    assert list(gather(group, ASSIGNMENT).check_maxima.items()) == [
        (("q1", "case", 0), 1.0),
        (("q1", "case", 1), 2.0),
    ]


def test_who_could_not_be_read_says_nothing_of_the_questions(group):
    unread = [verdict(q, "unreadable", 0.0, m, "It is a PDF.") for q, m in (("q1", 3), ("q2", 1))]
    group.add("a", *unread)
    group.add("b", q1(1, 2), q2(1))
    tp = gather(group, ASSIGNMENT)
    assert (len(tp.seen), len(tp.judged)) == (2, 1)
    assert items_of(tp)["q1"].count == 1
    assert sentences_of(tp, 1) == ([], 0)
    assert [reason.what for reason in to_look_at(tp)["a"]] == ["the file could not be read"]


def test_excluded_students_are_not_there(group):
    group.add("excluded", q1(1, 2), q2(1))
    group.add("a", q1(1, 2), q2(1))
    assert [one.student for one in gather(group, ASSIGNMENT).seen] == ["a"]


def test_sentences_are_counted_by_submission_and_rare_ones_only_counted(group):
    group.add("a", q1(1, 0), q2(0, "Too small."))
    group.add("b", q1(1, 0), q2(0, "bob@x.fr"))
    group.add("c", q1(1, 2), q2(1))
    said, alone = sentences_of(gather(group, ASSIGNMENT), 2)
    assert [(one.text, one.submissions) for one in said] == [("Too small.", 2)]
    assert list(said[0].questions) == [("q1", 2), ("q2", 1)]
    assert alone == 1


@pytest.mark.parametrize("language", ["en", "fr"])
def test_replies_that_are_no_values_are_a_sign_of_tampering(group, language):
    i18n.use_language(language)
    try:
        sentence = i18n.gettext("{called} returned something that cannot be read.")
        group.add("forger", verdict("q1", "error", 0.0, 3.0, sentence.format(called="f")), q2(1))
        raised = f"f raised an exception: {sentence.format(called='f')}"
        group.add("honest", verdict("q1", "error", 0.0, 3.0, raised), q2(0))
        found = to_look_at(gather(group, ASSIGNMENT))
    finally:
        i18n.use_language("en")
    (reason,) = found["forger"]
    assert "tampering" in reason.what
    assert reason.questions == ("q1",)


def test_limits_restarts_and_log_lines_are_reasons_to_look_the_gravest_first(group):
    stopped = (verdict("q1", "timeout", 0.0, 3.0, "x"), verdict("q2", "died", 0.0, 1.0, "y"))
    group.add("a", *stopped, restarts=2, log=["q1: the judge died"])
    group.add("b", q1(1, 2), q2(1))
    (group.root / "submitted" / "late" / "tp").mkdir(parents=True)
    found = to_look_at(gather(group, ASSIGNMENT))
    assert set(found) == {"a", "late"}
    assert [(r.what, r.questions, r.detail) for r in found["a"]] == [
        ("stopped the kernel", ("q2",), ()),
        ("did not end in time", ("q1",), ()),
        ("the kernel was replaced 2 times", (), ()),
        ("noted while grading", (), ("q1: the judge died",)),
    ]
    assert "not graded" in found["late"][0].what


@pytest.mark.parametrize("text", ["", "{", "[]", "{}"])
def test_a_record_that_cannot_be_read_is_said(group, text):
    group.add("a", q1(1, 2), q2(1), text=text)
    tp = gather(group, ASSIGNMENT)
    assert tp.seen[0].total == 4
    assert "no record" in to_look_at(tp)["a"][0].what


def test_time_is_summed_by_cell_and_the_page_names_the_slowest(group):
    group.add("ada", q1(1, 2), q2(1), seconds=9.0)
    group.add("bob", q1(1, 2), q2(1), seconds=3.0)
    tp = gather(group, ASSIGNMENT)
    called = anonymous(b"s", ["ada", "bob"], [])
    made = _section(1, tp, [20.0, 20.0], Similar(unavailable="no"), called)
    assert ("nb", "Time, seconds", "6.0", "8.7", "9.0") in made["costs"]
    assert ("nb", "Memory, MiB", "100", "100", "100") in made["costs"]
    (row,) = made["slowest"]
    assert (row["cell"], row["median"], row["most"], row["count"]) == ("q1", "1.50", "1.50", 2)
    assert row["student"] in (called["ada"], called["bob"])


def test_two_notebooks_have_keys_of_their_own(tmp_path, monkeypatch):
    group = Class(tmp_path, monkeypatch)
    book = SourceNotebook(name="nb", cells=(cell("q1", 3.0),))
    other = SourceNotebook(name="other", cells=(cell("q1", 2.0),))
    group.add("a", q1(1, 2))
    tp = gather(group, Assignment(name="tp", notebooks=(book, other)))
    assert dict(tp.maxima) == {"nb:q1": 3.0, "other:q1": 2.0}
    assert dict(tp.seen[0].scores) == {"nb:q1": 3.0, "other:q1": 0.0}
    assert SimpleNamespace(**tp.seen[0].costs).nb.seconds == 2.0
