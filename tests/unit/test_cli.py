"""The command line without a kernel: help, errors, exit codes."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from nbjudge import cli
from nbjudge.assignment import Assignment
from nbjudge.classroom import ClassReport
from nbjudge.cli import main
from nbjudge.errors import ConfigurationError, WorkerDied

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
                ("explain", "tp", "me"), ("demo",)]
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


@pytest.mark.parametrize(
    ("errors", "code"),
    [
        ([], 0),
        ([ConfigurationError("The late penalty's plugin stopped.")], 2),
        ([WorkerDied("No memory.")], 3),
        ([ConfigurationError("The plugin."), WorkerDied("No memory.")], 3),
    ],
)
def test_the_exit_code_says_who_must_act_on_what_was_not_graded(run, monkeypatch, errors, code):
    report = ClassReport(Assignment(name="tp", notebooks=()))
    report.failed = {f"s{number}": error for number, error in enumerate(errors)}
    monkeypatch.setattr(cli, "_course", lambda _context: None)
    monkeypatch.setattr(cli, "run_class", lambda *_arguments: report)

    assert run("grade", "tp").exit_code == code
