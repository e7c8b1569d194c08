"""The demonstration, as from a shell, on a course of two questions."""

import csv

import pytest
import small_course as sc

pytestmark = pytest.mark.slow

TRIPLE = "def triple(x):\n    ### BEGIN SOLUTION\n    return 3 * x\n    ### END SOLUTION"
TEST_TRIPLE = """\
### BEGIN HIDDEN TESTS
from nbjudge.testing import assert_equal, credit

for x in (0, 1):
    with credit(1, f"three times {x}"):
        assert_equal(triple(x), 3 * x, what="the triple")
### END HIDDEN TESTS"""
CELLS = [
    sc.answer("double", sc.DOUBLE),
    sc.check("test_double", sc.TEST_DOUBLE, 1),
    sc.answer("triple", TRIPLE),
    sc.check("test_triple", TEST_TRIPLE, 2),
]
RIGHT = "# As the reference.\n"
WRONG = "# Forgets to triple.\n# loses: test_triple 1\n# %% triple\ndef triple(x):\n    return x\n"
BROKEN = "# A login page.\n# change: login_page\n# loses: everything\n"
TOO_PROUD = "# Promises more than it earns.\n# %% triple\ndef triple(x):\n    return x\n"


@pytest.fixture
def course(tmp_path):
    made = sc.make_course(tmp_path / "course", notebooks={"n": CELLS})

    def with_samples(**texts):
        for name, text in texts.items():
            path = made.root / "tests" / "submissions" / sc.NAME / "group" / f"{name}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        return made

    return with_samples


def test_the_demo_grades_the_class_and_says_where_everything_is(course):
    made = course(right=RIGHT, wrong=WRONG, broken=BROKEN)

    done = sc.command(made, "nbjudge", "demo")

    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert f"All 3 sample submissions of {sc.NAME} have the marks they promise." in said
    assert [line.split() for line in said if line.startswith(" wrong")] == [
        ["wrong", "2", "·", "1"]
    ]
    demo = made.root / "demo"
    with (demo / "marks.csv").open(encoding="utf-8") as stream:
        totals = {line["student"]: line["total"] for line in csv.DictReader(stream)}
    assert totals == {"eleve-right": "3", "eleve-wrong": "2", "eleve-broken": "0"}
    # As one types it in the folder where the command was run.
    places = [line.split(":", 1)[1].strip() for line in said if "demo/" in line]
    assert f"demo/feedback/eleve-wrong/{sc.NAME}/n.html" in places
    for student in totals:
        assert (demo / "feedback" / student / sc.NAME / "n.html").is_file()
        assert (demo / "autograded" / student / sc.NAME / "n.ipynb").is_file()


def test_a_promise_that_is_not_kept_ends_the_demo_with_its_name(course):
    made = course(proud=TOO_PROUD)

    done = sc.command(made, "nbjudge", "demo")

    assert done.returncode == 2
    assert "group/eleve-proud: test_triple 1.0 instead of 2" in done.stderr
    assert "have the marks they promise" not in done.stdout
