"""The command line without a kernel: help, errors, exit codes."""

import io
import json
import re
import signal
import subprocess
import sys

import pytest
from click.testing import CliRunner
from rich.console import Console

from nbjudge import classroom
from nbjudge.assignment import Assignment, Kind, SourceCell, SourceNotebook
from nbjudge.classroom import ClassReport
from nbjudge.cli import grading, main
from nbjudge.errors import ConfigurationError, DiskFull, WorkerDied
from nbjudge.marks import Row
from nbjudge.parallel import Graded
from nbjudge.plan import Need, Task
from nbjudge.progress import Progress
from nbjudge.receipts import Receipt
from nbjudge.result_key import Key
from nbjudge.submissions import Submission

CONFIG = "import nbjudge\nc = get_config()\nnbjudge.configure(c)\n"


@pytest.fixture
def run():
    def invoke(*arguments):
        return CliRunner().invoke(main, [str(argument) for argument in arguments])

    return invoke


def test_every_command_has_help_that_fits_a_terminal(run):
    assert main.commands
    for name in main.commands:
        result = run(name, "--help")
        assert result.exit_code == 0
        assert max(map(len, result.output.splitlines())) <= 80


def test_help_waits_for_no_heavy_library():
    code = (
        "import sys\nfrom click.testing import CliRunner\nfrom nbjudge.cli import main\n"
        "assert CliRunner().invoke(main, ['--help']).exit_code == 0\n"
        "heavy = {'numpy', 'torch', 'nbformat', 'nbgrader', 'sqlalchemy', 'zmq', 'IPython'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_version_is_the_packages(run):
    import nbjudge

    assert run("--version").output.strip().endswith(nbjudge.__version__)


@pytest.mark.parametrize(
    "command", [("grade", "tp"), ("check",), ("build",), ("release", "tp"), ("feedback", "tp"),
                ("explain", "tp", "me"), ("demo",), ("marks",),
                ("regrade", "tp", "--student", "me", "--reason", "mine")]
)  # fmt: skip
def test_outside_of_a_course_every_command_says_where_to_go(run, tmp_path, command):
    result = run("--course", tmp_path, *command)
    assert result.exit_code == 2
    assert "there is no nbgrader_config.py" in result.output
    assert "--course FOLDER" in result.output


def test_a_configuration_without_configure_is_told_what_to_add(run, tmp_path):
    (tmp_path / "nbgrader_config.py").write_text("c = get_config()\n", "utf-8")
    result = run("--course", tmp_path, "check")
    assert result.exit_code == 2
    assert "nbjudge.configure(c)" in result.output


def test_a_configuration_that_fails_is_named_with_its_line(run, tmp_path):
    (tmp_path / "nbgrader_config.py").write_text("c = get_config()\n1 / 0\n", "utf-8")
    result = run("--course", tmp_path, "check")
    assert result.exit_code == 2
    assert "line 2: ZeroDivisionError" in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize("command", ["grade", "release"])
def test_an_unknown_assignment_is_named_with_those_that_exist(run, tmp_path, command):
    (tmp_path / "nbgrader_config.py").write_text(CONFIG, "utf-8")
    (tmp_path / "source" / "tp1").mkdir(parents=True)
    (tmp_path / "source" / "tp1" / "tp1.ipynb").write_text("{}", "utf-8")
    result = run("--course", tmp_path, command, "tp9")
    assert result.exit_code == 2
    assert "'tp9'" in result.output
    assert "tp1" in result.output


def test_a_course_without_assignments_says_so(run, tmp_path):
    (tmp_path / "nbgrader_config.py").write_text(CONFIG, "utf-8")
    result = run("--course", tmp_path, "check")
    assert result.exit_code == 2
    assert "no assignment" in result.output


def receipt(status="passed", points=1.0):
    return Receipt(
        key=dict.fromkeys(
            ("upload", "assignment", "engine", "libraries", "settings", "secret"), ""
        ),
        timestamp=None,
        late={},
        verdicts={"n": {"t": [status, points]}},
        seconds={"n": 2.5},
        timings={"n": [["f", 0.5], ["t (judged)", 1.25]]},
    )


ASSIGNMENT = Assignment(
    name="tp",
    notebooks=(
        SourceNotebook(
            name="n",
            cells=(
                SourceCell(
                    cell_id="t",
                    kind=Kind.TEST,
                    cell_type="code",
                    source="",
                    release_source="",
                    grade_id="t",
                    points=1.0,
                ),
            ),
        ),
    ),
)


def report(**students):
    """Return a report: by student an error, or the status of its one verdict."""
    made = ClassReport(ASSIGNMENT)
    for student, outcome in students.items():
        if isinstance(outcome, Exception):
            made.failed[student] = outcome
        else:
            made.receipts[student] = receipt(outcome)
            made.graded.append(student)
            made.why[student] = "new"
            made.marks.append(Row(student=student, points={"t": 1.0}, total=1.0))
    return made


@pytest.fixture
def graded(monkeypatch):
    """Let ``grade`` come to a report or an end of the test's own."""

    def come_to(outcome):
        def grade_class(*_arguments, **_options):
            if isinstance(outcome, BaseException):
                raise outcome
            return outcome

        monkeypatch.setattr(grading, "open_course", lambda _context: None)
        monkeypatch.setattr(classroom, "grade_class", grade_class)

    return come_to


PLUGIN, MEMORY = ConfigurationError("The late penalty's plugin stopped."), WorkerDied("No memory.")


@pytest.mark.parametrize(
    ("students", "code"),
    [
        ({"ada": "passed"}, 0),
        ({"ada": "failed", "zoe": "error"}, 0),
        ({"ada": "manual"}, 0),
        ({"ada": "passed", "zoe": "timeout"}, 1),
        ({"ada": "memory"}, 1),
        ({"ada": "died"}, 1),
        ({"ada": "unreadable"}, 1),
        ({"ada": "passed", "zoe": MEMORY}, 1),
        ({"ada": PLUGIN}, 1),
        ({"ada": PLUGIN, "zoe": MEMORY}, 1),
        ({"ada": MEMORY, "zoe": MEMORY}, 2),
    ],
)
def test_the_exit_code_of_grade_says_whether_submissions_need_a_look(run, graded, students, code):
    graded(report(**students))

    assert run("grade", "tp").exit_code == code


@pytest.mark.parametrize("error", [MEMORY, PLUGIN, DiskFull("full"), OSError(13, "no permission")])
def test_what_cannot_run_ends_with_a_sentence_and_2(run, graded, error):
    graded(error)
    done = run("grade", "tp")

    assert done.exit_code == 2
    assert done.stderr == f"nbjudge: {error}\n"


def test_an_interrupted_run_says_that_it_can_be_taken_up(run, graded):
    before = signal.getsignal(signal.SIGINT)
    graded(KeyboardInterrupt())
    done = run("grade", "tp")

    assert done.exit_code == 130
    assert "goes on from there" in done.stderr
    assert "Traceback" not in done.output
    assert signal.getsignal(signal.SIGINT) is before


def test_a_run_ends_with_what_it_came_to(run, graded):
    made = report(ada="passed", ben="timeout", zoe=MEMORY)
    made.unchanged.append("tim")
    graded(made)
    lines = run("grade", "tp").stdout.splitlines()

    assert any(line.startswith("tp: 2 graded, 1 unchanged, 1 failed, in ") for line in lines)
    assert "slowest cells: t (judged) 1.25 s (ada), f 0.5 s (ada)" in lines
    assert "slowest notebooks: ada n 2.5 s, ben n 2.5 s" in lines
    assert "look at: ben: n: t: timeout" in lines
    assert "not graded: zoe: No memory." in lines


def test_programs_read_nothing_but_json_on_standard_output(run, graded):
    made = report(ada="passed", zoe=MEMORY)
    graded(made)
    done = run("grade", "tp", "--json", "-")
    said = json.loads(done.stdout)

    assert (said["graded"], said["unchanged"], said["failed"]) == (1, 0, 1)
    assert said["maxima"] == {"t": 1.0}
    ada = said["students"]["ada"]
    assert (ada["status"], ada["why"], ada["marks"], ada["total"]) == (
        "graded",
        "new",
        {"t": 1.0},
        1,
    )
    assert ada["key"] == Key(**made.receipts["ada"].key).digest
    assert ada["slowest_cells"][0] == {
        "notebook": "n",
        "cell": "t (judged)",
        "seconds": 1.25,
        "student": "ada",
    }
    assert said["students"]["zoe"]["error"] == "No memory."
    assert said["students"]["zoe"]["marks"] is None
    assert "2 submissions" not in done.stdout
    assert "ada" in done.stderr


def test_json_goes_to_a_file_and_the_marks_to_the_screen(run, graded, tmp_path):
    graded(report(ada="passed"))
    done = run("grade", "tp", "--json", tmp_path / "said.json")

    assert "ada" in json.loads((tmp_path / "said.json").read_text("utf-8"))["students"]
    assert "1 submissions" in done.stdout


def test_a_dry_run_says_what_would_be_graded_and_why(run, monkeypatch, graded, tmp_path):
    tasks = [
        Task(student="ada", need=Need.GRADE, why="the upload changed", key="a"),
        Task(student="ben", need=Need.NOTHING, why="", key="b"),
        Task(student="zoe", need=Need.STORE, why="its time of arrival changed", key="c"),
    ]
    graded(AssertionError())
    monkeypatch.setattr(classroom, "plan_class", lambda *_arguments, **_options: tasks)
    done = run("grade", "tp", "--dry-run", "--json", tmp_path / "said.json")

    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        "ada: to be graded: the upload changed",
        "zoe: to be stored again: its time of arrival changed",
        "1 to be graded, 1 to be stored again, 1 unchanged.",
    ]
    said = json.loads((tmp_path / "said.json").read_text("utf-8"))
    assert said["students"]["ada"] == {"need": "grade", "why": "the upload changed"}


@pytest.mark.parametrize("option", [("--reseed",), ("--csv", "marks.csv")])
def test_a_dry_run_changes_nothing(run, graded, option):
    graded(AssertionError())
    done = run("grade", "tp", "--dry-run", *option)

    assert done.exit_code == 2
    assert "changes nothing" in done.stderr


def shown(terminal, *ends):
    """Return what a screen or a file shows of submissions that end so."""
    console = Console(file=io.StringIO(), force_terminal=terminal, width=120)
    submission = Submission(student="ada", assignment="tp", uploads={}, notes={}, found={})
    with Progress(console, "tp") as progress:
        for error in ends:
            progress(Graded(submission=submission, error=error), 3)
    return progress, console.file.getvalue()


def test_progress_is_a_line_for_each_submission_where_there_is_no_terminal():
    progress, text = shown(False, None, MEMORY)
    first, second = text.splitlines()

    assert first.startswith("tp: 1 of 3: ada done; 0 failed, 2 waiting, ")
    assert re.search(r" a minute, about .* left$", first)
    assert second.startswith("tp: 2 of 3: ada failed; 1 failed, 1 waiting, ")
    assert (progress.done, progress.failed) == (1, 1)


def test_progress_on_a_terminal_is_a_bar_that_goes_away():
    _progress, text = shown(True, None, MEMORY)

    assert "tp: ada" in text
    assert "1 failed, 1 waiting" in text
    assert text.endswith("\x1b[2K")
