"""The reference goes through first; tests inside and outside; what check proves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import small_course as sc

from nbjudge.assignment import Upload
from nbjudge.check import check_assignment
from nbjudge.errors import HiddenTestError, KernelStartError
from nbjudge.grade import grade_notebook, prove_reference
from nbjudge.proof import ensure_proved
from nbjudge.verdict import Result, Status

pytestmark = pytest.mark.slow

SECRET = bytes(range(32))


def course_of(folder: Path, cells: Sequence[sc.Cell], **options: str) -> sc.SmallCourse:
    return sc.make_course(folder / "course", notebooks={"n": cells}, **options)


def prove(made: sc.SmallCourse) -> list[Result]:
    course = made.course
    return prove_reference(course.compile(sc.NAME), course.settings, SECRET)


def graded(made: sc.SmallCourse, answers: Mapping[str, str]) -> Result:
    course = made.course
    upload = Upload(notebook=sc.answered(made.release()["n.ipynb"], answers))
    return grade_notebook(upload, course.compile(sc.NAME), "n", course.settings, SECRET)


def points(result: Result) -> dict[str, float | None]:
    return {verdict.grade_id: verdict.points for verdict in result.verdicts}


def hidden(*lines: str) -> str:
    return "\n".join(("### BEGIN HIDDEN TESTS", *lines, "### END HIDDEN TESTS"))


# The reference.

CREDIT = "from nbjudge.testing import assert_true, credit"
DOUBLE = sc.answer("double", sc.DOUBLE)

TEACHERS_ERRORS = {
    "a test that the reference fails": (
        [DOUBLE, sc.check("test_it", hidden("assert double(2) == 5"), 1)],
        "test_it: 0 of 1",
    ),
    "a visible check that fails after every credit was earned": (
        [
            DOUBLE,
            sc.check(
                "test_it",
                hidden(CREDIT, 'with credit(1, "all"):', "    assert double(1) == 2")
                + '\nassert double(3) == 7, "three twice is seven"',
                1,
            ),
        ],
        "three twice is seven",
    ),
    "a test worth nothing that the reference fails": (
        [DOUBLE, sc.check("test_it", "assert double(2) == 5", 0)],
        "test_it: 0 of 0",
    ),
    "a probe that returns a verdict": (
        [
            DOUBLE,
            sc.check(
                "test_it",
                hidden(
                    "from nbjudge.testing import assert_true, probe",
                    "@probe",
                    "def holds(f):",
                    "    return f(2) == 4",
                    'assert_true(holds(double), "no")',
                ),
                1,
            ),
        ],
        "test_it",
    ),
    "credits that are not the cell's points": (
        [
            DOUBLE,
            sc.check(
                "test_it",
                hidden(CREDIT, 'with credit(1, "all"):', "    assert double(1) == 2"),
                3,
            ),
        ],
        "add up to 1, the cell is worth 3",
    ),
    "a test that is not Python": (
        [DOUBLE, sc.check("test_it", "assert double(2 ==", 1)],
        "'test_it' is not Python",
    ),
    "a test in another language": (
        [DOUBLE, sc.check("test_it", "%%bash\nfalse", 1)],
        "'test_it' uses '%%bash'",
    ),
    "a command of the notebook in a test": (
        [DOUBLE, sc.check("test_it", "assert double(1) == 2\n!false", 1)],
        "'test_it' uses '!false'",
    ),
    "a given value that is not the same outside": (
        [
            sc.given("import time\n\nsize = time.monotonic()"),
            DOUBLE,
            sc.check("test_it", "assert double(size) == 2 * size", 1),
        ],
        "'test_it' uses the given name 'size', whose value outside is not the notebook's",
    ),
    "a given cell that cannot run outside": (
        [
            sc.given("size = get_ipython().execution_count"),
            DOUBLE,
            sc.check("test_it", "assert double(size) == 2 * size", 1),
        ],
        "failed outside the notebook",
    ),
    "a reference that no solution defines": (
        [
            DOUBLE,
            sc.check(
                "test_it",
                hidden(
                    "from nbjudge.testing import reference",
                    "assert double(1) == reference.triple(1)",
                ),
                1,
            ),
        ],
        "no solution cell binds 'triple'",
    ),
    "a condition that is always true": (
        [
            DOUBLE,
            sc.check("test_it", hidden(CREDIT, 'assert_true(double, "never called")'), 1),
        ],
        "assert_true got a value of type",
    ),
    "a test that does not end": (
        [DOUBLE, sc.check("test_it", hidden("while True:", "    pass"), 1)],
        "did not come to an end",
    ),
    "a reference that stops the kernel": (
        [
            sc.answer("double", sc.DOUBLE + "\n\n\nimport os\n\nos._exit(0)"),
            sc.check("test_it", "assert double(1) == 2", 1),
        ],
        "double stopped the kernel",
    ),
    "a test that runs inside and fails there": (
        [DOUBLE, sc.check("test_it", "assert double(2) == 5", 1, tags=["nbjudge-inside"])],
        "test_it: 0 of 1",
    ),
}


@pytest.mark.parametrize("error", TEACHERS_ERRORS)
def test_it_is_the_teachers_error_and_is_named_with_a_way_out(error: str, tmp_path: Path) -> None:
    cells, said = TEACHERS_ERRORS[error]
    made = course_of(tmp_path, cells, config='c.NbJudge.limits["judge_seconds"] = 5')
    with pytest.raises(HiddenTestError) as refused:
        prove(made)
    sentence = str(refused.value)
    assert said in sentence
    assert "test_it" in sentence
    assert "Correct the test or the solution" in sentence
    assert "nbjudge-inside" in sentence


def test_the_reference_of_a_good_course_passes(tmp_path: Path) -> None:
    made = sc.make_course(tmp_path / "course")
    first, second = prove(made)
    assert points(first) == {
        "test_area": 2.0,
        "test_stats": 3.0,
        "essay": None,
        "project": None,
        "test_greet": 1.0,
    }
    assert points(second) == {"test_double": 1.0}


def test_the_reference_is_proved_once_for_each_version(tmp_path: Path) -> None:
    made = course_of(tmp_path, sc.p2())
    course = made.course
    assignment = course.compile(sc.NAME)
    assert ensure_proved(made.root, assignment, course.settings, SECRET)
    assert not ensure_proved(made.root, assignment, course.settings, SECRET)
    made.write_source("n", [DOUBLE, sc.check("test_double", "assert double(2) == 4", 1)])
    assert ensure_proved(made.root, course.compile(sc.NAME), course.settings, SECRET)


def test_a_kernel_that_is_not_installed_is_said_before_anybody_is_graded(tmp_path: Path) -> None:
    made = course_of(tmp_path, sc.p2(), options='prove=False, kernel_name="nobody-has-this",')
    made.submit("anna", {"n": sc.RIGHT["p2"]})
    course = made.course
    with pytest.raises(KernelStartError, match="nobody-has-this"):
        ensure_proved(made.root, course.compile(sc.NAME), course.settings, SECRET)
    with pytest.raises(Exception, match="nobody-has-this"):
        sc.plain_autograde(made)
    assert not (made.root / "gradebook.db").exists()


@pytest.mark.parametrize(
    ("command", "code"),
    [(("nbjudge", "grade", sc.NAME), 2), (("nbgrader", "autograde", sc.NAME), 1)],
)
def test_nobody_is_graded_by_a_test_that_the_reference_fails(
    command: tuple[str, ...], code: int, tmp_path: Path
) -> None:
    bad = [DOUBLE, sc.check("test_double", "assert double(2) == 5", 1)]
    made = course_of(tmp_path, bad)
    made.submit("anna", {"n": sc.RIGHT["p2"]})
    done = sc.command(made, *command)
    assert done.returncode == code
    assert "The reference solution of n fails its own tests" in done.stderr
    assert "test_double: 0 of 1" in done.stderr
    assert "Traceback (most recent call last)" not in done.stderr.split("Correct the test")[1]
    assert not (made.root / "gradebook.db").exists()
    assert not (made.root / "autograded").exists()

    made.write_source("n", sc.p2())
    done = sc.command(made, *command)
    assert done.returncode == 0, done.stderr
    assert sc.points_of(made) == {"anna": {"n:test_double": 1.0}}


def test_formgraders_button_says_what_is_wrong_with_the_reference(tmp_path: Path) -> None:
    from nbgrader.apps.api import NbGraderAPI
    from nbgrader.coursedir import CourseDirectory

    made = course_of(tmp_path, [DOUBLE, sc.check("test_double", "assert double(2) == 5", 1)])
    made.submit("anna", {"n": sc.RIGHT["p2"]})
    config = made.course.config
    config.Exchange.root = str(tmp_path / "exchange")
    api = NbGraderAPI(CourseDirectory(config=config, root=str(made.root)), config=config)
    answer = api.autograde(sc.NAME, "anna")
    assert not answer["success"]
    assert "test_double: 0 of 1" in answer["log"]


# Points.


def test_a_visible_check_that_fails_after_every_credit_costs_nothing(tmp_path: Path) -> None:
    test = hidden(CREDIT, 'with credit(1, "all"):', "    assert double(1) == 2")
    made = course_of(
        tmp_path,
        [DOUBLE, sc.check("test_double", test + '\nassert double("a") == "aa", "of text too"', 1)],
    )
    verdict = graded(made, {"double": "def double(x):\n    return 2 * float(x)"}).verdicts[0]
    assert (verdict.status, verdict.points) == (Status.PASSED, 1.0)
    assert verdict.message


def test_ten_tenths_are_a_whole(tmp_path: Path) -> None:
    lines = [CREDIT, "for i in range(10):", "    with credit(0.1, str(i)):", "        double(i)"]
    made = course_of(tmp_path, [DOUBLE, sc.check("test_double", hidden(*lines), 1)])
    verdict = graded(made, sc.RIGHT["p2"]).verdicts[0]
    assert (verdict.status, verdict.points) == (Status.PASSED, 1.0)


# Tests that run inside.

INSIDE = {
    "passes": ("assert double(2) == 4", 2.0),
    "fails": ("assert double(2) == 5", 0.0),
    "a share of the points": ("double(0.25)", 0.5),
    "a share as numpy shows it": ("import numpy as np\nnp.float64(double(0.25))", 0.5),
    "more than there is": ("double(2)", 0.0),
    "less than nothing": ("double(-1)", 0.0),
    "not a number": ("double(float('nan'))", 0.0),
    "something else": ("str(double(1)) + ' points'", 2.0),
    "writes to the error output": ("import sys\nprint('careful', file=sys.stderr)", 0.0),
    "a warning that the course passes over": (
        "import sys\nprint('NNPACK is not there', file=sys.stderr)\nassert double(1) == 2",
        2.0,
    ),
    "a command of the notebook": ("value = !echo 4\nassert double(2) == int(value[0])", 2.0),
    "a name of an earlier test": ("assert double(earlier) == 14", 2.0),
    "not Python": ("assert double(", 0.0),
}


@pytest.fixture(scope="module")
def inside(tmp_path_factory: pytest.TempPathFactory) -> Result:
    cells = [DOUBLE, sc.check("first", "earlier = 7", 0)]
    cells += [
        sc.check(f"test_{number}", source, 2)
        for number, (source, _points) in enumerate(INSIDE.values())
    ]
    made = course_of(
        tmp_path_factory.mktemp("inside"),
        cells,
        options='tests="inside",',
        config='c.IgnorePattern.enabled = True\nc.IgnorePattern.pattern = "NNPACK"',
    )
    return graded(made, sc.RIGHT["p2"])


@pytest.mark.parametrize("test", INSIDE)
def test_inside_points_are_given_as_nbgrader_gives_them(inside: Result, test: str) -> None:
    position = list(INSIDE).index(test)
    assert points(inside)[f"test_{position}"] == INSIDE[test][1]


def test_inside_is_sealed_all_the_same(tmp_path: Path) -> None:
    made = course_of(
        tmp_path,
        [DOUBLE, sc.check("test_double", "assert double(1) == 2", 1)],
        options='tests="inside",',
    )
    course = made.root
    spy = (
        "from pathlib import Path\n\n\n"
        "def double(x):\n"
        f"    assert not Path({str(course)!r}).exists()\n"
        f"    assert not Path({str(course / 'source')!r}).exists()\n"
        "    Path('mine.txt').write_text('here')\n"
        "    return 2 * x"
    )
    assert points(graded(made, {"double": spy})) == {"test_double": 1.0}
    assert not list(tmp_path.rglob("mine.txt"))


CHEATS = {
    "exceptions are shown to nobody": (
        "import IPython.core.interactiveshell as shell\n"
        "shell.InteractiveShell.showtraceback = lambda *args, **kwargs: None"
    ),
    "a value is shown before the test fails": (
        "import sys\n\n\ndef double(x):\n    sys.displayhook('x')\n    return 0"
    ),
}


@pytest.mark.parametrize("cheat", CHEATS)
def test_inside_some_accidents_of_nbgrader_earn_nothing(cheat: str, tmp_path: Path) -> None:
    made = course_of(
        tmp_path,
        [DOUBLE, sc.check("test_double", "assert double(1) == 2", 1)],
        options='tests="inside",',
    )
    assert points(graded(made, {"double": CHEATS[cheat]})) == {"test_double": 0.0}


@pytest.mark.parametrize(("mode", "tag"), [("inside", "outside"), ("outside", "inside")])
def test_a_cell_says_for_itself_where_it_runs(mode: str, tag: str, tmp_path: Path) -> None:
    test = (
        "import sys\n"
        'place = "outside" if "nbjudge.judge" in sys.modules else "inside"\n'
        'assert double(1) == 2 and place == "%s"'
    )
    made = course_of(
        tmp_path,
        [
            DOUBLE,
            sc.check("test_course", test % mode, 1),
            sc.check("test_cell", test % tag, 1, tags=[f"nbjudge-{tag}"]),
        ],
        options=f'tests="{mode}",',
    )
    assert points(graded(made, sc.RIGHT["p2"])) == {"test_course": 1.0, "test_cell": 1.0}


# The instructor's proof before release.


def faults(made: sc.SmallCourse) -> dict[str, str]:
    course = made.course
    found = list(check_assignment(course, course.compile(sc.NAME), SECRET))
    assert len(found) >= 4
    return {finding.what: finding.fault for finding in found if finding.fault}


def test_a_good_course_passes_the_check(tmp_path: Path) -> None:
    made = sc.make_course(tmp_path / "course")
    done = sc.command(made, "nbjudge", "build")
    assert done.returncode == 0, done.stderr
    assert faults(made) == {}


def test_the_check_finds_what_is_wrong(tmp_path: Path) -> None:
    made = course_of(
        tmp_path,
        [
            sc.given("import nbjudge"),
            sc.answer("double", "def double(x):\n    return x + x + 0 * x"),
            sc.answer("free", "### BEGIN SOLUTION\nwanted = 'a long solution'\n### END SOLUTION"),
            sc.text("Hint: wanted = 'a long solution'"),
            sc.given("wanted = 'a long solution'\nassert len(wanted) == 15"),
            sc.check("test_gift", "assert True", 1),
        ],
    )
    (made.root / "source" / sc.NAME / "draft.py").write_text("### BEGIN SOLUTION\n", "utf-8")
    (made.root / "release" / sc.NAME).mkdir(parents=True)
    found = faults(made)
    assert "test_gift 1" in found["the untouched release of n earns 0"]
    assert "stops with" in found["only NotImplementedError stops the release of n"]
    assert "« nbjudge »" in found["the release of n holds no solution and no hidden test"]
    assert (
        "draft.py contains"
        in found["no file beside the notebooks holds a marker of solutions or hidden tests"]
    )
    assert "n.ipynb is missing" in found[f"release/{sc.NAME} is what source/ gives"]


def test_the_check_names_tests_that_are_passed_by_answers_that_answer_nothing(
    tmp_path: Path,
) -> None:
    solved = "### BEGIN SOLUTION\n%s\n### END SOLUTION"
    made = course_of(
        tmp_path,
        [
            sc.given("import numpy as np"),
            sc.answer("f", "def f(x):\n    " + solved.replace("\n", "\n    ") % "return x + 1"),
            sc.check("test_not_nan", "assert np.isfinite(f(3)).all()", 1),
            sc.check("test_falsy", "assert not f(-1)", 1),
            sc.check("test_all_of_none", "assert (f(np.ones(3)) > 0).all()", 1),
            sc.check("test_sound", "assert f(3) == 4\nassert f(4) == 5", 1),
            sc.answer("says", solved % "says = {'a': False, 'b': False}"),
            sc.check("test_says", "assert says == {'a': False, 'b': False}", 1),
            sc.answer("limit", solved % "limit = 0.0"),
            sc.check("test_limit", "assert limit == 0", 1),
            sc.check("test_inside", "assert f(3) == 4", 1, tags=["nbjudge-inside"]),
        ],
    )

    found = {what: text for what, text in faults(made).items() if what.startswith("answers")}

    assert found == {
        "answers that are all None earn 0": "n: test_falsy gives 1 points",
        "answers that are all zero earn 0": "n: test_not_nan gives 1 points; "
        "n: test_falsy gives 1 points",
        "answers that are all an empty array earn 0": "n: test_not_nan gives 1 points; "
        "n: test_all_of_none gives 1 points",
    }


def test_the_check_says_what_the_reference_fails(tmp_path: Path) -> None:
    made = course_of(tmp_path, [DOUBLE, sc.check("test_double", "assert double(2) == 5", 1)])
    found = faults(made)
    assert [what for what in found if what.startswith("the reference")]
    assert "test_double: 0 of 1" in "".join(found.values())
