"""The state that a jury saw: dated, never written again, and whose mark moved since."""

import json
import os
import stat
import subprocess

import pytest
from click.testing import CliRunner
from marked_course import MarkedCourse

from nbjudge.cli import main
from nbjudge.errors import TeacherError, UnknownNameError
from nbjudge.marking.chain import login_name, open_chain, read_chain
from nbjudge.marking.class_marks import class_marks
from nbjudge.marking.freeze import FROZEN, freeze, read_frozen, verify

ROLL = "id;nom;prénom\nada;Lovelace;Ada\nbob;Müller;Bob\n"
EXAM = "id;note\nada;12\nbob;8\n"
OLD = {"ada": {"q1": 1, "q2": 2}, "bob": {"q1": 2, "q2": 2}}


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    made = MarkedCourse(
        tmp_path_factory.mktemp("class") / "course", {"tp1": {"q1": 2, "q2": 2}, "tp2": {"q1": 1}}
    )
    made.grade("tp1", OLD)
    made.grade("tp2", {"ada": {"q1": 1}, "bob": {"q1": 1}})
    made.roll(ROLL)
    made.table("exam.csv", EXAM)
    return made


@pytest.fixture
def made(template, tmp_path):
    import shutil

    shutil.copytree(template.root, tmp_path / "course", dirs_exist_ok=True)
    copy = MarkedCourse.__new__(MarkedCourse)
    copy.root = tmp_path / "course"
    return copy


def marks(made):
    return class_marks(made.course, exam=made.root / "exam.csv")


def run(made, *arguments):
    words = ["--course", str(made.root), "marks", *map(str, arguments)]
    return CliRunner().invoke(main, words)


# The log.


def test_a_log_holds_what_was_appended(tmp_path):
    path = tmp_path / "a" / "log.jsonl"
    assert read_chain(path) == []
    for number in range(3):
        with open_chain(path) as chain:
            chain.append({"what": "é", "number": number})
    entries = read_chain(path)
    assert [(entry["n"], entry["number"]) for entry in entries] == [(1, 0), (2, 1), (3, 2)]
    assert entries[1]["previous"] == entries[0]["sha256"]


def _log(tmp_path):
    path = tmp_path / "log.jsonl"
    with open_chain(path) as chain:
        for number in range(3):
            chain.append({"number": number})
    return path


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda lines: [lines[0].replace('"number": 0', '"number": 9'), *lines[1:]], 1),
        (lambda lines: [lines[0], lines[2]], 2),
        (lambda lines: [lines[0], lines[2], lines[1]], 2),
        (lambda lines: [*lines[:2], lines[2][:10]], 3),
        (lambda lines: [*lines, "[]"], 4),
        (lambda lines: lines[1:], 1),
    ],
    ids=["changed", "removed", "swapped", "cut", "added", "beginning removed"],
)
def test_a_log_that_was_altered_says_from_which_line(tmp_path, change, line):
    path = _log(tmp_path)
    path.write_text("\n".join(change(path.read_text().splitlines())) + "\n")
    with pytest.raises(TeacherError, match=f"line {line}:.*backup"):
        read_chain(path)
    with pytest.raises(TeacherError), open_chain(path):
        pass


def test_two_do_not_append_to_a_log_at_once(tmp_path):
    path = tmp_path / "log.jsonl"
    with (
        open_chain(path),
        pytest.raises(TeacherError, match="another command"),
        open_chain(path),
    ):
        pass


def test_who_is_behind_sudo_is_named(monkeypatch):
    monkeypatch.setenv("LOGNAME", "root")
    monkeypatch.setenv("SUDO_USER", "marie")
    assert login_name() == "root (sudo: marie)"


# Freezing.


def test_a_state_holds_marks_and_what_they_were_made_with(made):
    state = freeze(made.course, marks(made), "jury of June")
    assert state.name.endswith("-jury-of-June")
    data = json.loads((state.folder / "marks.json").read_text("utf-8"))
    assert data["students"]["ada"]["final"]["mark"] == "13.75"
    assert data["rules"]["tp_share"] == "0.3"
    assert data["assignments"]["tp1"]["version"] == made.course.compile("tp1").version
    assert data["students"]["ada"]["tps"]["tp1"]["key"]["assignment"]
    frozen = data["frozen"]
    assert frozen["label"] == "jury-of-June"
    assert frozen["who"] == login_name()
    assert frozen["commit"] is None
    assert frozen["engine"]
    assert (state.folder / "marks.csv").read_text("utf-8").count("\n") == 3


def test_the_commit_is_kept_and_what_differs_from_it(made, monkeypatch):
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)

    def git(*words):
        identity = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
        done = subprocess.run(
            ["git", "-C", str(made.root), *identity, *words], check=True, capture_output=True
        )
        return done.stdout.decode().strip()

    git("init", "-q")
    git("add", "source", "nbgrader_config.py")
    git("commit", "-qm", "x")
    commit = git("rev-parse", "HEAD")
    assert freeze(made.course, marks(made), "a").document["frozen"]["commit"] == commit
    made.configure('step="0.5"')
    said = freeze(made.course, marks(made), "b").document["frozen"]["commit"]
    assert said == f"{commit} with uncommitted changes"


def test_files_of_a_state_are_read_only_and_each_holds_the_digest_before(made):
    one = freeze(made.course, marks(made), "one")
    two = freeze(made.course, marks(made), "two")
    for path in one.folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o444
    assert two.document["frozen"]["previous"] == one.digest
    assert verify(made.course) == []


def test_a_state_is_never_written_over(made, monkeypatch):
    from nbjudge.marking import freeze as module

    class Stopped(module.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2026, 6, 1, 12)

    monkeypatch.setattr(module, "datetime", Stopped)
    one = freeze(made.course, marks(made), "jury")
    before = (one.folder / "marks.json").read_bytes()
    with pytest.raises(TeacherError, match="there already"):
        freeze(made.course, marks(made), "jury")
    assert (one.folder / "marks.json").read_bytes() == before


def test_an_altered_state_is_found_out(made):
    state = freeze(made.course, marks(made), "jury")
    path = state.folder / "marks.csv"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"13.75", b"18.75"))
    assert ["marks.csv was altered" in sentence for sentence in verify(made.course)] == [True]
    with pytest.raises(TeacherError, match="altered"):
        read_frozen(made.course, "jury")
    with pytest.raises(TeacherError, match="altered"):
        freeze(made.course, marks(made), "again")
    done = run(made, "--verify")
    assert done.exit_code == 1
    assert "altered" in done.output


def test_a_state_that_is_gone_or_was_put_there_is_found_out(made):
    state = freeze(made.course, marks(made), "jury")
    os.rename(state.folder, state.folder.with_name("2026-another"))
    said = " ".join(verify(made.course))
    assert "marks.json is gone" in said
    assert "2026-another is in no line" in said


def test_a_freeze_that_fails_leaves_nothing(made, monkeypatch):
    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("nbjudge.marking.freeze.os.rename", full)
    done = run(made, "--exam", made.root / "exam.csv", "--freeze=jury")
    assert done.exit_code == 2
    assert "No space left" in done.output
    assert [path.name for path in (made.root / FROZEN).iterdir()] == ["chain.jsonl"]
    assert read_chain(made.root / FROZEN / "chain.jsonl") == []


@pytest.mark.parametrize("label", ["../x", "a/b", "=1", "a\nb", "x" * 61])
def test_a_label_is_part_of_a_name(made, label):
    with pytest.raises(TeacherError, match="label"):
        freeze(made.course, marks(made), label)
    assert not (made.root / FROZEN).exists()


@pytest.mark.parametrize("name", ["jury", "last", "2026"])
def test_a_state_is_found_by_part_of_its_name(made, monkeypatch, name):
    state = freeze(made.course, marks(made), "jury")
    if name == "2026":
        name = state.name[:10]
    for said in (name, state.name, str(state.folder), str(state.folder / "marks.json")):
        assert read_frozen(made.course, said).document == state.document


def test_a_state_that_is_none_or_several_is_a_sentence(made):
    with pytest.raises(UnknownNameError, match="--freeze=LABEL"):
        read_frozen(made.course, "last")
    freeze(made.course, marks(made), "jury1")
    freeze(made.course, marks(made), "jury2")
    with pytest.raises(UnknownNameError, match="several"):
        read_frozen(made.course, "jury")
    with pytest.raises(UnknownNameError, match="no state"):
        read_frozen(made.course, "july")


# What moved.


@pytest.fixture
def frozen(made):
    done = run(made, "--exam", made.root / "exam.csv", "--freeze=jury")
    assert done.exit_code == 0, done.output
    assert "sha256" in done.output
    return made


def diff(made, *options):
    done = run(made, "--diff", "jury", *options)
    return done.exit_code, [line.strip() for line in done.output.splitlines()[1:]]


def test_nothing_moves_where_nothing_changed(frozen):
    assert diff(frozen) == (0, ["No mark moved."])


def test_whose_mark_a_corrected_test_moves_is_listed_with_the_question(frozen):
    frozen.write("tp1", {"q1": 2, "q2": 2.0, "essay0": 0})
    frozen.grade("tp1", {"ada": {"q1": 2, "q2": 2}, "bob": {"q1": 2, "q2": 2}})
    assert diff(frozen) == (1, [
        "ada (Ada Lovelace): tp1: 15 to 20: q1: 1 to 2; the assignment changed",
        "ada (Ada Lovelace): TP: 17.5 to 20: tp1",
        "ada (Ada Lovelace): final: 13.75 to 14.5: the TP mark",
        "3 marks of 1 students moved.",
    ])  # fmt: skip


def test_points_by_hand_and_extra_credit_are_named(frozen):
    frozen.give("tp1", "ada", "q1", manual_score=1.5)
    frozen.give("tp1", "bob", "q1", extra_credit=-1.0)
    _code, lines = diff(frozen)
    assert "ada (Ada Lovelace): tp1: 15 to 17.5: q1: 1 to 1.5 by hand" in lines
    assert any("bob (Bob Müller): tp1: 20 to 15: q1: extra credit 0 to -1" in x for x in lines)


def test_a_rule_that_changed_is_named(frozen):
    frozen.configure('tp_share="0.5"')
    code, lines = diff(frozen)
    assert code == 1
    assert lines[0] == "the rule tp_share was 0.3 and is 0.5"
    assert "bob (Bob Müller): final: 11.5 to 14: the rule tp_share was 0.3 and is 0.5" in lines


def test_a_code_and_a_change_of_the_roll_are_named(frozen):
    frozen.roll("id;nom;prénom;code tp2\nada;Lovelace;Ada;ABI\nzoe;Z;Zoe;\n")
    _code, lines = diff(frozen)
    assert "ada (Ada Lovelace): tp2: 20 to 0 ABI: code none to ABI" in lines
    assert any(
        line.startswith("zoe (Zoe Z): all: not in the class to in the class") for line in lines
    )
    assert any(line.startswith("bob: all: in the class to not in the roll") for line in lines)


def test_another_exam_is_compared_where_it_is_given(frozen):
    exam = frozen.table("exam.csv", EXAM.replace("ada;12", "ada;14"))
    second = frozen.table("exam2.csv", "id;note\nbob;10\n")
    assert diff(frozen, "--exam", exam, "--second-session", second)[1] == [
        "ada (Ada Lovelace): exam: 12 to 14",
        "ada (Ada Lovelace): final: 13.75 to 15: the exam",
        "bob (Bob Müller): exam: 8 to 10: a second session",
        "bob (Bob Müller): final: 11.5 to 13: the exam",
        "4 marks of 2 students moved.",
    ]


def test_a_second_session_survives_freezing(frozen):
    second = frozen.table("exam2.csv", "id;note\nbob;10\n")
    exam = frozen.root / "exam.csv"
    run(frozen, "--exam", exam, "--second-session", second, "--freeze=second")
    assert run(frozen, "--diff", "second").exit_code == 0
