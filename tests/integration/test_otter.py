"""The assignment for otter and Gradescope: marks there are the marks here.

The real ``otter run`` grades a right, a partly right and an unanswered submission of TP1, the real
``otter check`` the visible tests of one. Every right and wrong sample of every TP goes through what
the autograder calls, without otter's start-up of ten seconds each.
"""

import concurrent.futures
import dataclasses
import functools
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import warnings
import zipfile
from multiprocessing import resource_tracker
from pathlib import Path

import pytest

from nbjudge.assignment import Assignment, Kind, SourceCell, SourceNotebook, Upload
from nbjudge.course import CONFIG, load_course
from nbjudge.demo import broken_promises
from nbjudge.grade import grade_notebook
from nbjudge.otter.autograder import write_otter
from nbjudge.otter.carried import FOLDER, carried, read_carried, secret_for
from nbjudge.otter.requirements import pins
from nbjudge.otter.student import has_visible_checks, unjudged_test, with_checks
from nbjudge.settings import Settings
from nbjudge.verdict import Part, Status, Verdict
from sample_class import ROOT, SECRET, TPS, hand_in, workers

# Pools of processes start it once and for all: it is nothing that a test leaves behind.
resource_tracker.ensure_running()

GROUPS = ("justes", "fausses")
RUN = {
    "eleve-corrige": 20.0,
    "eleve-beta-oublie-dans-mu": 18.75,
    "eleve-rien-n-est-repondu": 0.0,
}
"""What the real otter grades, and the sum that it promises."""

pytestmark = pytest.mark.slow


def answered_in_otter(sample, assignment):
    """Return a sample as a student of otter hands it in."""
    notebook = assignment.notebooks[0]
    made = json.loads(sample.data)
    checks = {cell.grade_id: cell for cell in notebook.cells if has_visible_checks(cell)}
    with_checks(made, checks, f"{notebook.name}.ipynb")
    return json.dumps(made).encode()


def hand_in_otter(sample, assignment, folder):
    """Lay a sample out as otter lays a submission out, its own empty file included."""
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    for path, data in sample.files.items():
        (folder / path).write_bytes(data)
    (folder / sample.file).write_bytes(answered_in_otter(sample, assignment))
    return folder


@dataclasses.dataclass(frozen=True)
class Made:
    """What `nbjudge otter` has written of TP1, and samples of it."""

    autograder: Path
    student: Path
    """The students' folder."""
    samples: dict
    assignment: Assignment


@pytest.fixture(scope="module")
def otter():
    """Import otter: seconds, and libraries of its own that warn of older ones."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import otter.generate
    return otter


@pytest.fixture(scope="module")
def made(tmp_path_factory, otter):
    folder = tmp_path_factory.mktemp("otter")
    handed_in = hand_in("tp1", folder / "class", set(RUN))
    course = folder / "course"
    shutil.copytree(ROOT / "source" / "tp1", course / "source" / "tp1")
    shutil.copytree(ROOT / "judge" / "tp1", course / "judge" / "tp1")
    shutil.copy(ROOT / CONFIG, course)
    written = write_otter(load_course(course), "tp1", course / "dist", SECRET)
    with zipfile.ZipFile(written.student) as archive:
        archive.extractall(folder)
    return Made(written.autograder, folder / "tp1", handed_in.samples, handed_in.assignment)


def run_otter(folder, *arguments):
    """Run the real command; return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "otter", *map(str, arguments)],
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def graded(made, tmp_path_factory):
    """Return what the real ``otter run`` writes of a student's submission: each is run once."""

    @functools.cache
    def run(student):
        folder = tmp_path_factory.mktemp("run")
        sample = made.samples[student]
        hand_in_otter(sample, made.assignment, folder / "handed-in")
        run_otter(folder, "run", "-a", made.autograder, folder / "handed-in" / sample.file)
        return json.loads((folder / "results.json").read_text("utf-8"))

    return run


@pytest.mark.parametrize("student", RUN)
def test_the_real_otter_run_gives_each_question_our_points(made, graded, student):
    written = graded(student)
    points = {test["name"]: test["score"] for test in written["tests"]}
    assert broken_promises(made.samples[student], {student: points}) == []
    assert sum(points.values()) == pytest.approx(RUN[student])
    assert {test["name"]: test["max_score"] for test in written["tests"]} == {
        cell.grade_id: cell.points for cell in made.assignment.notebooks[0].graded
    }
    # Before grades are published, students see none of it.
    assert {test["visibility"] for test in written["tests"]} == {"after_published"}


def test_the_real_otter_run_says_which_share_was_lost_and_why(graded):
    written = graded("eleve-beta-oublie-dans-mu")
    (said,) = (test["output"] for test in written["tests"] if test["name"] == "test_q1_2")
    assert "la covariance a posteriori result:\n        1.25 / 1.25" in said
    assert "la moyenne a posteriori result:\n        0 / 1.25\n        La moyenne mu" in said


def test_the_real_otter_check_runs_the_visible_tests(made, tmp_path):
    folder = tmp_path / "student"
    shutil.copytree(made.student, folder)
    sample = made.samples["eleve-corrige"]
    notebook = json.loads(answered_in_otter(sample, made.assignment))
    (answer,) = (cell for cell in notebook["cells"] if _grade_id(cell) == "q1_1")
    answer["source"] = (
        "def phi_linear(x):\n    return np.stack([np.ones(np.size(x)), 2 * np.ravel(x)], 1)"
    )
    (folder / "tp1.ipynb").write_text(json.dumps(notebook), "utf-8")
    said = run_otter(folder, "check", "tp1.ipynb", "-t", "tests")
    assert "test_q1_1 results:" in said
    assert "attendu [-1.5" in said
    assert "test_q1_2 results: All test cases passed!" in said
    assert "test_q2_6c results: All test cases passed!" in said


def test_an_otter_notebook_earns_the_same_in_nbjudge_grade(made):
    """Sealed, with otter's calls in it: what is downloaded from Gradescope is graded again here."""
    sample = made.samples["eleve-beta-oublie-dans-mu"]
    upload = Upload(notebook=answered_in_otter(sample, made.assignment))
    settings = load_course(ROOT).settings
    result = grade_notebook(upload, made.assignment, "tp1", settings, SECRET)
    points = {verdict.grade_id: verdict.points for verdict in result.verdicts}
    assert broken_promises(sample, {sample.student: points}) == []


def _grade_id(cell):
    return cell["metadata"].get("nbgrader", {}).get("grade_id")


def test_the_autograders_environment_has_all_that_grading_imports():
    """Graded here in a process of its own, which then says whose modules it has loaded."""
    lines = pins(["numpy"])
    done = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, timeout=300, check=True
    )
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert {"otter-grader", "nbformat", "ipykernel"} <= loaded
    pinned = {line.partition("==")[0] for line in lines}
    optional = {"msgpack"}  # jupyter_client takes it where it is installed
    assert loaded - pinned - optional - {"nbjudge"} == set()


LOADED = """
import importlib.metadata, json, sys
import nbjudge.judge_service, nbjudge.otter.plugin, nbjudge.retry, nbjudge.document
import ipykernel.kernelapp
owners = importlib.metadata.packages_distributions()
names = {name.partition(".")[0] for name, module in sys.modules.items()
         if getattr(module, "__file__", None)}
found = {owner for name in names for owner in owners.get(name, ()) if len(owners[name]) == 1}
print(json.dumps(sorted(owner.lower().replace("_", "-").replace(".", "-") for owner in found)))
"""

QUESTION = SourceCell(
    cell_id="a",
    kind=Kind.TEST,
    cell_type="code",
    source="",
    release_source="",
    grade_id="q",
    points=2.0,
)


def filled(otter, *verdicts, scrub=str):
    """Return what otter writes for Gradescope of some verdicts, by question."""
    from otter.run import AutograderConfig

    from nbjudge.otter.plugin import fill

    cells = [dataclasses.replace(QUESTION, grade_id=v.grade_id) for v in verdicts]
    found = otter_results(otter.test_files, SourceNotebook(name="tp", cells=tuple(cells)))
    fill(found, verdicts, scrub)
    config = AutograderConfig({"show_hidden": True, "force_public_test_summary": False})
    return {test["name"]: test for test in found.to_gradescope_dict(config)["tests"]}


def verdict(status, points, message="", parts=()):
    return Verdict(
        grade_id="q", status=status, points=points, max_points=2.0, message=message, parts=parts
    )


def test_a_partial_score_without_shares_is_kept_to_the_hundredth(otter):
    made = filled(otter, verdict(Status.PARTIAL, 0.37, "À revoir."))["q"]
    assert (made["score"], made["max_score"]) == (0.37, 2.0)
    assert "0.37 / 2" in made["output"]
    assert "À revoir." in made["output"]


def test_shares_that_were_not_reached_count_among_the_points_that_could_be_had(otter):
    parts = (Part(what="la moyenne", points=0.5, max_points=0.5),)
    made = filled(otter, verdict(Status.PARTIAL, 0.5, "Interrompu.", parts))["q"]
    assert (made["score"], made["max_score"]) == (0.5, 2.0)
    assert "la moyenne result:\n        0.5 / 0.5" in made["output"]
    assert "0 / 1.5\n        Interrompu." in made["output"]


def test_what_a_person_grades_is_left_to_a_person(otter):
    by_hand = dataclasses.replace(verdict(Status.MANUAL, None), grade_id="essay")
    made = filled(otter, verdict(Status.PASSED, 2.0), by_hand)
    assert made["q"]["score"] == 2.0
    assert "not judged" in made["essay"]["output"]


def test_names_are_taken_out_of_sentences_unless_they_are_wanted(otter, tmp_path):
    from nbjudge.otter.plugin import Judged

    users = [{"name": "Zoé Quémeneur", "email": "zoe.quemeneur@example.org"}]
    packed = carried(
        Assignment(name="tp", notebooks=(SourceNotebook(name="tp", cells=(QUESTION,)),)),
        Settings(),
        SECRET,
        unsealed=True,
    )
    said = {}
    for names in (False, True):
        plugin = Judged(str(tmp_path / "tp.ipynb"), {"users": users}, {"names": names})
        plugin._carried = packed
        scrub = plugin._scrubber()
        lost = verdict(Status.ERROR, 0.0, "FileNotFoundError: quemeneur.csv de Zoé Quémeneur")
        said[names] = filled(otter, lost, scrub=scrub)["q"]["output"]
    assert "Quémeneur" in said[True]
    assert "uémeneur" not in said[False]
    assert "quemeneur" not in said[False]


@pytest.mark.long
@pytest.mark.parametrize("tp", TPS)
def test_every_right_and_wrong_sample_earns_the_same_in_otter(tp, tmp_path, otter):
    from nbjudge.otter.plugin import fill

    handed_in = hand_in(tp, tmp_path)
    notebook = handed_in.assignment.notebooks[0]
    samples = [sample for sample in handed_in.samples.values() if sample.group in GROUPS]
    assert {sample.group for sample in samples} == set(GROUPS)
    secret = secret_for(SECRET, tp)
    written = carried(handed_in.assignment, handed_in.settings, secret, unsealed=True).files()
    for path, data in written.items():
        target = tmp_path / FOLDER / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    grader = read_carried(tmp_path / FOLDER)
    folders = [
        hand_in_otter(sample, handed_in.assignment, tmp_path / "otter" / sample.student)
        for sample in samples
    ]
    spawn = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(workers(), mp_context=spawn) as pool:
        results = list(pool.map(grader.grade, folders))
    broken = []
    for sample, result in zip(samples, results, strict=True):
        otters = otter_results(otter.test_files, notebook)
        fill(otters, result.verdicts)
        points = {name: otters.get_score(name) for name in otters.results}
        broken += [
            f"{sample.group}/{sample.student}: {line}"
            for line in broken_promises(sample, {sample.student: points})
        ]
    assert broken == []


def otter_results(test_files, notebook):
    """Return what otter itself has found when the plugin is called: nothing earned."""
    files = [
        test_files.ExceptionTestFile.from_string(unjudged_test(cell), f"./tests/{cell.grade_id}.py")
        for cell in notebook.graded
    ]
    for file in files:
        file.run({})
    found = test_files.GradingResults(files)
    assert found.total == 0
    return found
