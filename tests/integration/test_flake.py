"""Answers judged again in their kernels: what a test does wrongly now and then comes to light."""

import hashlib
import json

import pytest
import small_course as sc

from nbjudge.assignment import Upload
from nbjudge.course import load_course
from nbjudge.errors import HiddenTestError, UnknownNameError
from nbjudge.flake import REFERENCE, judge_again
from nbjudge.grade import grade_notebook, prove_reference
from nbjudge.produce import solution_version, student_version
from nbjudge.sample import read_samples

pytestmark = pytest.mark.slow

TRIPLE = "def triple(x):\n    ### BEGIN SOLUTION\n    return 3 * x\n    ### END SOLUTION"
SOUND = """\
### BEGIN HIDDEN TESTS
from nbjudge.testing import assert_equal, credit, rng

with credit(1, "the double"):
    x = int(rng().integers(3, 100))
    assert_equal(double(x), 2 * x, what="the double")
with credit(1, "the sum"):
    assert_equal(double(3) + double(4), 14, what="the sum")
### END HIDDEN TESTS"""
FLAKY = """\
### BEGIN HIDDEN TESTS
from nbjudge.testing import assert_equal, assert_true, credit, rng

with credit(1, "the triple"):
    x = int(rng().integers(0, 2))  # now and then nothing is tested
    assert_equal(triple(x), 3 * x, what="the triple")
with credit(1, "luck"):
    assert_true(triple(1) == 3 and rng("luck").uniform() < 0.6, "no luck")
### END HIDDEN TESTS"""
INSIDE = "assert double(4) == 8"
CELLS = [
    sc.answer("double", sc.DOUBLE),
    sc.check("test_double", SOUND, 2),
    sc.answer("triple", TRIPLE),
    sc.check("test_triple", FLAKY, 2),
    sc.check("test_inside", INSIDE, 1, tags=["nbjudge-inside"]),
    sc.written("essay", "### BEGIN SOLUTION\nYes.\n### END SOLUTION", 3),
]
SAMPLES = {
    "right/as_a_sum": "# A sum.\n# loses: essay 3\n# %% double\ndef double(x):\n    return x + x\n",
    "wrong/no_triple": "# Not tripled.\n# loses: test_triple 2\n"
    "# %% triple\ndef triple(x):\n    return 2 * x\n",
    "wrong/dies": "# Ends the kernel.\n# loses: test_double 2, test_inside 1\n"
    "# %% double\nimport os\ndef double(x):\n    os._exit(1)\n",
    "broken/page": "# A page.\n# change: login_page\n# loses: everything\n",
}
RUNS = 8
SEED = b"fresh"


def make(root, test_triple):
    cells = list(CELLS)
    cells[3] = sc.check("test_triple", test_triple, 2)
    made = sc.make_course(root, notebooks={"n": cells})
    for path, text in SAMPLES.items():
        target = made.root / "tests" / "submissions" / sc.NAME / f"{path}.py"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")
    return load_course(made.root)


def lucky(course):
    """Return a secret under which the reference passes a test that fails now and then."""
    assignment = course.compile(sc.NAME)
    for number in range(30):
        secret = hashlib.sha256(str(number).encode()).digest()
        try:
            prove_reference(assignment, course.settings, secret)
        except HiddenTestError:
            continue
        return secret
    raise AssertionError


@pytest.fixture(scope="module")
def flaky(tmp_path_factory):
    course = make(tmp_path_factory.mktemp("flaky") / "course", FLAKY)
    secret = lucky(course)
    report = judge_again(course, sc.NAME, secret=secret, seed=SEED, runs=RUNS, workers=2)
    return course, secret, report


def of(report, name):
    (question,) = (q for q in report.questions if q.name == name)
    return question


def test_a_test_that_rejects_right_answers_now_and_then_is_found(flaky):
    _course, _secret, report = flaky
    question = of(report, "test_triple")

    # The reference, the sum, and the answer whose other question ends the kernel.
    assert question.rejected.judged == 3 * (RUNS + 1)
    assert 0 < question.rejected.happened < question.rejected.judged
    triple, luck = question.checks
    assert (triple.what, triple.rejected.happened) == ("the triple", 0)
    assert (luck.what, luck.rejected.happened) == ("luck", question.rejected.happened)
    assert triple.rejected.bound < luck.rejected.bound < 1


def test_a_test_that_accepts_a_wrong_answer_now_and_then_is_found(flaky):
    _course, _secret, report = flaky
    accepted = of(report, "test_triple").accepted

    # Of a page that is no notebook, nothing can be judged again.
    assert accepted.judged == RUNS + 1 + 1
    assert 0 < accepted.happened < accepted.judged
    (deviation,) = (d for d in report.deviations if d.answer == "eleve-no-triple")
    assert (deviation.question, dict(deviation.points)) == (
        "test_triple",
        {1.0: accepted.happened},
    )
    assert deviation.is_accepted
    assert not deviation.is_rejected


def test_a_sound_question_is_clean_whatever_its_neighbours_do(flaky):
    _course, _secret, report = flaky
    question = of(report, "test_double")

    assert (question.rejected.judged, question.rejected.happened) == (3 * (RUNS + 1), 0)
    # An answer that ends the kernel each time it is judged gets a new kernel each time.
    assert (question.accepted.judged, question.accepted.happened) == (RUNS + 2, 0)
    assert [check.rejected.happened for check in question.checks] == [0, 0]


def test_what_cannot_be_judged_again_is_judged_once_and_by_hand_not_at_all(flaky):
    _course, _secret, report = flaky

    assert of(report, "test_inside").rejected.judged == 3
    assert {q.name for q in report.questions} == {"test_double", "test_triple", "test_inside"}


def test_the_first_judging_gives_the_marks_that_grading_gives(flaky):
    course, secret, _report = flaky
    assignment = course.compile(sc.NAME)
    (sample,) = (
        s
        for s in read_samples(
            course.root / "tests" / "submissions" / sc.NAME,
            assignment,
            student_version(course, assignment)["n.ipynb"],
            solution_version(course, assignment)["n.ipynb"],
        )
        if s.student == "eleve-no-triple"
    )
    upload = Upload(notebook=sample.data)
    once = grade_notebook(upload, assignment, "n", course.settings, secret)
    fresh = [bytes([n]) * 32 for n in range(3)]
    again = grade_notebook(upload, assignment, "n", course.settings, secret, fresh)

    def plain(verdicts):
        return [(v.grade_id, v.points, v.status, v.message) for v in verdicts]

    assert plain(again.verdicts) == plain(once.verdicts)
    assert once.again == {}
    # And each later one those of its own secret.
    for number, other in enumerate(fresh):
        alone = grade_notebook(upload, assignment, "n", course.settings, other)
        judged = {v.grade_id: v for v in alone.verdicts}
        for name in ("test_double", "test_triple"):
            assert plain([again.again[name][number]]) == plain([judged[name]])


def test_a_report_can_be_judged_again_and_sent_as_json(flaky):
    course, secret, report = flaky

    again = judge_again(
        course, sc.NAME, secret=secret, seed=SEED, runs=RUNS, groups=["right"], workers=1
    )

    assert set(again.answers) == {REFERENCE, "eleve-as-a-sum"}
    assert again.deviations
    assert again.deviations == tuple(d for d in report.deviations if d.answer in again.answers)
    data = json.loads(json.dumps(report.to_json()))
    assert data["seed"] == SEED.hex()
    (question,) = (q for q in data["questions"] if q["name"] == "test_triple")
    assert question["rejected"]["bound"] == of(report, "test_triple").rejected.bound
    assert {d["answer"] for d in data["deviations"]} == {d.answer for d in report.deviations}


def test_a_group_that_does_not_exist_is_named_with_those_that_do(flaky):
    course, secret, _report = flaky

    with pytest.raises(UnknownNameError, match=r"'rigth'.*there are: broken, right, wrong"):
        judge_again(course, sc.NAME, secret=secret, seed=SEED, runs=1, groups=["rigth"])


def test_the_command_ends_with_1_where_a_right_answer_loses_and_with_0_where_none_does(tmp_path):
    sound = FLAKY.replace("rng().integers(0, 2)", "rng().integers(1, 3)").replace(
        ' and rng("luck").uniform() < 0.6', ""
    )
    course = make(tmp_path / "sound", sound)
    clean = sc.command(sc.SmallCourse(course.root), "nbjudge", "flake", sc.NAME, "--runs", "3")
    assert clean.returncode == 0, clean.stdout + clean.stderr
    assert "5 answers, each judged 4 times: every one earned what it must." in clean.stdout

    path = course.root / "tests" / "submissions" / sc.NAME / "right" / "as_a_sum.py"
    path.write_text(path.read_text("utf-8").replace("x + x", "x + x + (x == 3)"), "utf-8")
    found = sc.command(
        sc.SmallCourse(course.root),
        *("nbjudge", "flake", sc.NAME, "--runs", "2", "--group", "right", "--json", "out.json"),
    )
    assert found.returncode == 1, found.stdout + found.stderr
    assert "eleve-as-a-sum: test_double earned 1 (3 times) instead of 2" in found.stdout
    data = json.loads((course.root / "out.json").read_text("utf-8"))
    assert data["answers"] == {REFERENCE: REFERENCE, "eleve-as-a-sum": "right"}
