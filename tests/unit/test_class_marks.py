"""The marks of a class: from gradebook, roll and exam to the final mark, and what is missing."""

import json
from fractions import Fraction as F

import pytest
from click.testing import CliRunner
from marked_course import MarkedCourse

from nbjudge.cli import main
from nbjudge.errors import ConfigurationError, KernelStartError, TableError, UnknownNameError
from nbjudge.marking.class_marks import class_marks
from nbjudge.marking.explain import explained
from nbjudge.marking.extensions import grant_extensions
from nbjudge.marking.roll import Code

TPS = {"tp1": {"q1": 3, "q2": 5}, "tp2": {"q1": 3}, "tp3": {"q1": 15, "essay": 5}}
ROLL = (
    "id;nom;prénom;numéro;groupe;code tp2;code exam\n"
    "ada;Lovelace;Ada;001;A;;\n"
    "bob;Müller;Bob;002;B;ABJ;\n"
    "eve;Noether;Eve;003;A;;\n"
)
EXAM = "numéro;note\n001;11,25\n002;9\n003;14.5\n"
CLASS = {
    "tp1": {"ada": {"q1": 2, "q2": 4.5}, "bob": {"q1": 3, "q2": 5}, "eve": {"q1": 1, "q2": 0.7}},
    "tp2": {"ada": {"q1": 1}, "eve": {"q1": 2}},
    "tp3": {"ada": {"q1": 10}, "bob": {"q1": 2.5}, "eve": {"q1": 15}},
}
ESSAYS = {"ada": 4, "bob": 0.5, "eve": 5}


def graded(root, options="", lines="", marks=CLASS):
    made = MarkedCourse(root, TPS, options, lines)
    for tp, points in marks.items():
        made.grade(tp, points)
    for student, points in ESSAYS.items():
        made.give("tp3", student, "essay", manual_score=points, needs_manual_grade=False)
    return made


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A class that no test changes, but for its roll and exam."""
    return graded(tmp_path_factory.mktemp("class") / "course")


@pytest.fixture
def made(shared):
    shared.configure()
    shared.roll(ROLL)
    shared.table("exam.csv", EXAM)
    return shared


@pytest.fixture
def own(tmp_path):
    """A class of this test's."""
    made = graded(tmp_path / "course")
    made.roll(ROLL)
    made.table("exam.csv", EXAM)
    return made


def marks_of(made, *names, **options):
    if options.pop("exam", True):
        options["exam"] = made.root / "exam.csv"
    return class_marks(made.course, names, **options)


def kinds(marks):
    return {(p.kind, p.assignment): p.students for p in marks.problems}


def run(made, *arguments):
    words = ["--course", str(made.root), *map(str, arguments)]
    return CliRunner().invoke(main, words)


# By hand.


def test_three_students_recomputed_by_hand(made):
    marks = {one.student.id: one for one in marks_of(made).students}

    # ada   tp1: 2 + 4.5 = 6.5 of 8:   6.5 x 20 / 8  = 16.25
    #       tp2: 1 of 3:                 1 x 20 / 3  =  6.6666...
    #       tp3: 10 + 4 = 14 of 20:     14 x 20 / 20 = 14
    #       TP:    (16.25 + 20/3 + 14) / 3 = (48.75 + 20 + 42) / 9 = 110.75 / 9 = 12.30555...
    #       final: 0.3 x 110.75 / 9 + 0.7 x 11.25 = 3.691666... + 7.875 = 11.566666... -> 11.50
    ada = marks["ada"]
    assert [ada.tps[tp].mark for tp in TPS] == [F("16.25"), F(20, 3), 14]
    assert ada.tp.mark == F("110.75") / 9
    assert ada.final.exact == F("110.75") / 30 + F("7.875")
    assert ada.final.mark == F("11.50")

    # bob   tp1: 8 of 8 = 20;  tp2: ABJ, its weight is the others';  tp3: 2.5 + 0.5 = 3 of 20 = 3
    #       TP:    (20 + 3) / 2 = 11.5
    #       final: 0.3 x 11.5 + 0.7 x 9 = 3.45 + 6.3 = 9.75 -> 9.75
    bob = marks["bob"]
    assert (bob.tp.mark, bob.tps["tp2"].code, bob.tps["tp2"].mark) == (F("11.5"), Code.ABJ, None)
    assert (bob.final.exact, bob.final.mark) == (F("9.75"), F("9.75"))

    # eve   tp1: 1 + 0.7 = 1.7 of 8:  1.7 x 2.5 = 4.25
    #       tp2: 2 of 3 = 13.3333...;  tp3: 20 of 20 = 20
    #       TP:    (4.25 + 40/3 + 20) / 3 = (12.75 + 40 + 60) / 9 = 112.75 / 9 = 12.52777...
    #       final: 0.3 x 112.75 / 9 + 0.7 x 14.5 = 3.758333... + 10.15 = 13.908333... -> 14
    eve = marks["eve"]
    assert eve.tps["tp1"].mark == F("4.25")
    assert eve.final.exact == F("112.75") / 30 + F("10.15")
    assert eve.final.mark == 14


def test_the_explanation_shows_every_number_of_that_sum(made):
    marks = marks_of(made)
    said = "\n".join(explained(marks, marks.find("001")))
    for number in (
        "ada (Ada Lovelace, number 001, group A)",
        "q2  4.5 / 5",
        "points: 6.5 of 8; × 20 / 8 = 16.25",
        "tp2: 20/3 (6.6667…) on 20",
        "essay  4 / 5, by hand",
        "(16.25 + (20/3) + 14) / 3 = 443/36 (12.3056…)",
        "exam: 11.25",
        "0.3 × (443/36) + 0.7 × 11.25 = 347/30 (11.5667…)",
        "rounded once, to 0.25, upwards at the half: 11.5",
    ):
        assert number in said


def test_the_explanation_says_what_a_code_did(made):
    marks = marks_of(made)
    said = "\n".join(explained(marks, marks.find("bob")))
    assert "code ABJ in students.csv: absent with a reason, its weight is the others'" in said
    assert "TP mark: tp2 is left out (ABJ)" in said
    assert "(20 + 3) / 2 = 11.5" in said


def test_nobody_of_a_name_is_a_sentence(made):
    with pytest.raises(UnknownNameError, match="Near it are: ada"):
        marks_of(made).find("adda")


# Rules.


def test_rules_of_the_configuration_are_used(made):
    made.configure('weights={"tp1": 2, "tp2": 1, "tp3": 1}, tp_share="0.5", drop=1, step="0.5"')
    ada = marks_of(made).find("ada")
    assert ada.tp.dropped == ("tp2",)
    assert ada.tp.mark == (2 * F("16.25") + 14) / 3
    assert ada.final.mark == F(13.5)  # (15.5 + 11.25) / 2 = 13.375
    said = "\n".join(explained(marks_of(made), ada))
    assert "TP mark: tp2 is left out (best-of: drop=1)" in said
    assert "(2 × 16.25 + 14) / 3 = 15.5" in said
    made.configure('weights={"tp1": 1, "tp2": 0, "tp3": 0}')
    said = "\n".join(explained(marks_of(made), marks_of(made).find("ada")))
    assert said.count("weighs 0") == 2
    assert "TP mark: (16.25) / 1 = 16.25" in said


def test_named_tps_are_those_that_count(made):
    assert marks_of(made, "tp1").find("ada").tp.mark == F("16.25")


@pytest.mark.parametrize(
    ("options", "names", "words"),
    [
        ('weights={"tp1": 1, "tp9": 1}', (), "tp9"),
        ('weights={"tp1": 1}', (), "nothing of tp2"),
        ('weights={"tp1": 1, "tp2": 0, "tp3": 0}', ("tp2",), "all 0"),
    ],
)
def test_weights_name_the_tps_that_there_are(made, options, names, words):
    made.configure(options)
    with pytest.raises(ConfigurationError, match=words):
        marks_of(made, *names)


def test_an_unknown_tp_is_a_sentence(made):
    with pytest.raises(UnknownNameError, match="tp1, tp2, tp3"):
        marks_of(made, "tp4")


def test_a_column_of_the_roll_for_no_tp_is_a_sentence(made):
    made.roll("id;code tp4\nada;ABI\n")
    with pytest.raises(TableError, match="tp4"):
        marks_of(made, exam=False)


def test_extra_credit_counts_up_to_its_cap(own):
    own.give("tp1", "ada", "q1", extra_credit=1.0)
    assert marks_of(own).find("ada").tps["tp1"].mark == F("18.75")
    own.configure("bonus=1")
    ada = marks_of(own).find("ada")
    assert ada.tps["tp1"].mark == F("17.25")
    assert "extra credit: 1 × 20 / 8, at most 1 = 1" in "\n".join(explained(marks_of(own), ada))


LATE = """
from nbgrader.plugins import BasePlugin
class TwoPoints(BasePlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return 2.0
"""


@pytest.fixture
def late(tmp_path):
    """ada is 25 hours late in tp1, of which the gradebook knows."""
    made = MarkedCourse(tmp_path / "course", {"tp1": {"q1": 10}})
    made.grade("tp1", {"ada": {"q1": 5}}, {"ada": "2026-01-11 13:00:00 UTC"})
    made.due("tp1", "2026-01-10 12:00:00 UTC")
    made.grade("tp1", {"ada": {"q1": 9}, "bob": {"q1": 9}}, {"ada": "2026-01-11 13:00:00 UTC"})
    return made


def test_a_penalty_of_the_plugin_is_the_gradebooks(late, monkeypatch):
    monkeypatch.syspath_prepend(str(late.root))
    (late.root / "two_points_late.py").write_text(LATE, "utf-8")
    late.configure(lines='c.AssignLatePenalties.plugin_class = "two_points_late.TwoPoints"')
    late.grade("tp1", {"ada": {"q1": 9}}, {"ada": "2026-01-11 13:00:00 UTC"})
    ada = class_marks(late.course).find("ada")
    assert (ada.tps["tp1"].late, ada.tps["tp1"].mark) == (4, 14)
    late.configure('late_per_day="1"')
    with pytest.raises(ConfigurationError, match="twice"):
        class_marks(late.course)


def test_a_penalty_of_the_rules_counts_days_begun_after_the_grace(late):
    assert class_marks(late.course).find("ada").tps["tp1"].mark == 18
    for options, grace, mark in (
        ('late_per_day="1"', 0, 16),
        ('late_per_day="1"', 60, 17),
        ('late_per_day="25%"', 60, F("13.5")),
        ('late_per_day="1"', 1500, 18),
    ):
        late.configure(
            options,
            f"from nbjudge.due import configure_deadlines as d; d(c, grace_minutes={grace})",
        )
        marks = class_marks(late.course)
        assert marks.find("ada").tps["tp1"].mark == mark
        assert marks.find("bob").tps["tp1"].mark == 18
    late.configure('late_per_day="1"')
    said = "\n".join(explained(marks, class_marks(late.course).find("ada")))
    assert "late: 25 h, 2 days begun" in said


@pytest.mark.parametrize("granted", [0, 1], ids=["in the roll only", "in the gradebook too"])
def test_an_extension_of_the_roll_counts_once(late, granted):
    late.configure('late_per_day="1"')
    late.roll("id;extension tp1\nada;1 j\nbob;\n")
    late.due("tp1", "2026-01-10 12:00:00 UTC", ada=granted)
    assert class_marks(late.course).find("ada").tps["tp1"].mark == 17


def test_an_extension_of_the_roll_is_granted_for_the_plugin(late):
    arrived = {"ada": "2026-01-11 13:00:00 UTC"}
    late.configure(lines='c.LateSubmissionPlugin.penalty_method = "zero"')
    late.grade("tp1", {"ada": {"q1": 9}}, arrived)
    late.roll("id;extension\nada;2 j\nbob;1 h\n")
    marks = class_marks(late.course)
    assert marks.find("ada").tps["tp1"].mark == 0
    assert kinds(marks)["extension", "tp1"] == ("ada",)
    done = run(late, "extensions", "tp1")
    assert done.exit_code == 0, done.output
    assert "ada: tp1: 2 days, 0:00:00 (before: 0:00:00)" in done.output
    late.grade("tp1", {"ada": {"q1": 9}, "bob": {"q1": 9}}, arrived)
    marks = class_marks(late.course)
    assert (marks.find("ada").tps["tp1"].mark, marks.problems) == (18, ())
    assert "0 extensions" in run(late, "extensions").output


def test_a_longer_extension_of_the_gradebook_stays(late):
    late.due("tp1", "2026-01-10 12:00:00 UTC", ada=3)
    late.roll("id;extension\nada;2 j\nbob;\n")
    assert grant_extensions(late.course) == []


def test_without_a_roll_there_are_no_extensions_to_grant(late):
    with pytest.raises(UnknownNameError, match="there is no students"):
        grant_extensions(late.course)


# What is missing.


def test_a_whole_class_has_nothing_to_look_at(made):
    assert marks_of(made).problems == ()


def test_who_handed_in_and_is_not_in_the_roll_is_listed_with_their_marks(made):
    made.roll(ROLL.replace("eve;", "003b;"))
    made.table("exam.csv", EXAM)
    marks = marks_of(made)
    assert kinds(marks)["unknown", ""] == ("eve",)
    assert [one.student.id for one in marks.students] == ["ada", "bob", "003b"]
    assert [one.student.id for one in marks.unknown] == ["eve"]
    assert marks.find("eve").tps["tp1"].mark == F("4.25")
    assert kinds(marks)["missing", "tp1"] == ("003b",)


def test_an_unknown_folder_with_a_students_number_says_whose_it_is(made):
    made.roll(ROLL.replace("eve;", "e;").replace(";003;", ";eve;"))
    marks = marks_of(made, exam=False)
    assert "the number of e" in marks.problems[0].sentence


def test_a_folder_that_was_mistyped_says_whose_it_may_be(made):
    made.roll(ROLL.replace("eve;", "Evee;"))
    assert "Is it Evee, who handed in nothing?" in marks_of(made, exam=False).problems[0].sentence


def test_who_handed_in_nothing_counts_0_and_is_listed(made):
    made.roll(ROLL.replace("002;B;ABJ", "002;B;"))
    marks = marks_of(made)
    assert kinds(marks) == {("missing", "tp2"): ("bob",)}
    assert marks.find("bob").tps["tp2"].mark == 0


def test_a_tp_of_nobody_is_listed_with_the_way_out(own):
    own.write("tp4", {"q1": 1})
    (problem,) = marks_of(own).problems
    assert (problem.kind, problem.students) == ("missing", ("ada", "bob", "eve"))
    assert "nbjudge marks TP TP" in problem.sentence


def test_marks_are_made_where_nothing_can_be_graded(made, monkeypatch):
    def no_kernel(*_arguments, **_options):
        raise KernelStartError("There is no kernel r here.")

    monkeypatch.setattr("nbjudge.classroom.plan_class", no_kernel)
    marks = marks_of(made)
    assert marks.find("ada").final.mark == F("11.5")
    assert ["no kernel r" in problem.sentence for problem in marks.problems] == [True] * 3


def test_a_folder_whose_letters_are_composed_otherwise_is_the_students(own):
    own.grade("tp1", {"e\N{COMBINING ACUTE ACCENT}lea": {"q1": 3}})
    own.roll("id;nom\nélea;X\nada;\nbob;\neve;\n")
    marks = marks_of(own, exam=False)
    assert marks.find("élea").tps["tp1"].mark == F("7.5")
    assert marks.unknown == ()


def test_what_is_not_graded_counts_0_and_is_listed(own):
    own.roll(ROLL + "zoe;Z;Zoe;004;A;;ABI\n")
    own.submit("zoe", "tp1")
    marks = marks_of(own)
    assert kinds(marks)["ungraded", "tp1"] == ("zoe",)
    assert kinds(marks)["missing", "tp2"] == ("zoe",)


def test_a_submission_that_changed_since_is_listed(own):
    (own.root / "submitted" / "ada" / "tp1" / "n.ipynb").write_text("{}", "utf-8")
    marks = marks_of(own)
    assert kinds(marks) == {("changed", "tp1"): ("ada",)}
    assert "the upload changed" in marks.problems[0].sentence


def test_a_test_that_was_corrected_since_is_listed(own):
    own.write("tp2", {"q1": 4})
    marks = marks_of(own)
    assert kinds(marks) == {("changed", "tp2"): ("ada", "eve")}
    assert "the assignment changed" in marks.problems[0].sentence


def test_a_new_release_of_the_engine_is_no_reason_to_doubt_a_mark(own, monkeypatch):
    monkeypatch.setattr("nbjudge.result_key.code_digest", lambda: "another")
    assert marks_of(own).problems == ()


def test_what_waits_for_a_person_is_provisional(own):
    own.give("tp3", "eve", "essay", manual_score=None, needs_manual_grade=True)
    marks = marks_of(own)
    assert kinds(marks) == {("provisional", "tp3"): ("eve",)}
    assert [one.provisional for one in marks.students] == [False, False, True]


def test_a_code_beside_a_submission_is_listed_and_counts(made):
    made.roll(ROLL.replace("001;A;;", "001;A;ABI;"))
    marks = marks_of(made)
    assert kinds(marks) == {("contradiction", "tp2"): ("ada",)}
    assert marks.find("ada").tps["tp2"].mark == 0


def test_without_a_roll_everyone_who_handed_in_is_the_class(made):
    (made.root / "students.csv").unlink()
    made.table("exam.csv", "id;note\nada;1\nbob;2\neve;3\n")
    marks = marks_of(made)
    assert [one.student.id for one in marks.students] == ["ada", "bob", "eve"]
    assert not marks.has_roll


def test_a_group_that_handed_in_the_same_has_the_same_marks(own):
    own.grade("tp1", {"ada": {"q1": 1, "q2": 2 / 3}, "bob": {"q1": 1, "q2": 2 / 3}})
    marks = marks_of(own)
    assert marks.find("ada").tps["tp1"].mark == marks.find("bob").tps["tp1"].mark == F(25, 6)


# The command.


def test_the_command_shows_the_class_and_ends_with_0(made):
    done = run(made, "marks", "--exam", made.root / "exam.csv")
    assert done.exit_code == 0
    assert "ada Ada Lovelace" in done.output
    assert "11.50" in done.output
    assert "final = 0.3 TP + 0.7 exam" in done.output


def test_the_command_ends_with_1_where_something_needs_a_look(made):
    made.roll(ROLL + "zoe;Z;Zoe;004;A;;ABI\n")
    done = run(made, "marks", "--exam", made.root / "exam.csv")
    assert done.exit_code == 1
    assert "look at: tp1: zoe: handed in nothing" in done.output


def test_the_command_explains_one_student(made):
    done = run(made, "marks", "--exam", made.root / "exam.csv", "--explain", "002")
    assert done.exit_code == 0
    assert "final mark: 0.3 × 11.5 + 0.7 × 9 = 9.75" in done.output
    assert "Lovelace" not in done.output


def test_a_second_session_replaces_the_exam_and_keeps_the_tp(made):
    second = made.table("exam2.csv", "id;note\nbob;20\n")
    marks = marks_of(made, second_session=second)
    assert marks.find("bob").final.mark == F("17.5")  # 0.3 x 11.5 + 0.7 x 20 = 17.45
    assert marks.find("ada").final.mark == F("11.5")
    said = "\n".join(explained(marks, marks.find("bob")))
    assert "the second session takes the place of the first (9)" in said


def test_a_wrong_exam_leaves_nothing_half_written(made, tmp_path):
    exam = made.table("exam.csv", EXAM.replace("14.5", "24.5"))
    done = run(made, "marks", "--exam", exam, "--csv", tmp_path / "m.csv", "--freeze=jury")
    assert done.exit_code == 2
    assert "line 4" in done.output
    assert "Traceback" not in done.output
    assert list(tmp_path.glob("m.csv*")) == []
    assert not (made.root / ".nbjudge" / "frozen").exists()


@pytest.mark.parametrize(
    "options",
    [
        ["--csv", "students.csv"],
        ["--json", "exam.csv"],
        ["--xlsx", "./x/../exam.csv"],
        ["--csv", ".nbjudge/frozen/jury/marks.csv"],
        ["--csv", "x", "--json", "x"],
    ],
)
def test_no_file_is_written_over_what_is_read_or_kept(made, monkeypatch, options):
    monkeypatch.chdir(made.root)
    done = run(made, "marks", "--exam", "exam.csv", *options)
    assert done.exit_code == 2
    assert "would be lost" in done.output
    assert (made.root / "students.csv").read_text("utf-8") == ROLL
    assert (made.root / "exam.csv").read_text("utf-8") == EXAM
    assert not (made.root / "x").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--second-session", "exam.csv"], "give --exam"),
        (["--diff", "last", "--csv", "x"], "--diff compares"),
        (["--explain", "ada", "--csv", "x"], "one student"),
        (["--french"], "--french says"),
        (["--verify", "tp1"], "alone"),
        (["--freeze", "tp1"], "call the state so"),
    ],
)
def test_options_that_do_not_go_together_are_refused(made, monkeypatch, options, words):
    monkeypatch.chdir(made.root)
    done = run(made, "marks", *options)
    assert done.exit_code == 2
    assert words in " ".join(done.output.split())
    assert not (made.root / "x").exists()


def test_the_json_holds_every_number_exactly_and_no_address(made):
    done = run(made, "marks", "--exam", made.root / "exam.csv", "--json", "-")
    data = json.loads(done.stdout)
    ada = data["students"]["ada"]
    assert ada["tps"]["tp2"]["mark"] == "20/3"
    assert ada["tps"]["tp1"]["points"]["questions"]["q2"]["points"] == "4.5"
    assert ada["final"] == {
        "mark": "11.5", "code": None, "exact": "347/30", "tp_share": "0.3", "exam_share": "0.7"
    }  # fmt: skip
    assert data["rules"]["step"] == "0.25"
    assert "@" not in done.stdout
