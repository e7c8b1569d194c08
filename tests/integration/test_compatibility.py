"""nbgrader's own tests of grading and of making assignments, with nbjudge in its place.

They lie in nbgrader's wheel and run in a process of their own, against a configuration that calls
``nbjudge.configure(c, tests="inside", prove=False)``: their notebooks hold tests that are to fail.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

CONFIG = """\
import nbjudge

c = get_config()
nbjudge.configure(c, tests="inside", prove=False)
"""


@dataclass(frozen=True)
class Module:
    """A module of nbgrader's tests."""

    name: str
    passed: int
    skipped: int
    """By nbgrader itself."""
    deselected: dict[str, str]
    """By beginning of the name: why it does not apply."""


MODULES = [
    Module(
        "nbgrader.tests.apps.test_nbgrader_autograde",
        passed=35,
        skipped=2,
        deselected={
            "test_side_effects": "a notebook writes a file beside its graded copy: here it writes "
            "in a folder that is gone with its kernel, and changes nothing outside",
            "test_handle_failure": "a submission with a test cell that the source does not have is "
            "lost, and the command fails: here such a cell counts for nothing, and the submission "
            "is graded (two tests, for all notebooks and for one)",
            "test_missing_source_kernelspec": "the kernel is the one that the submission asks for "
            "where the source names none, and one that is not installed loses the submission: "
            "here no metadata of a submission counts",
            "test_no_execute": "--no-execute scores the outputs that students hand in, which they "
            "can write themselves: here it is refused",
        },
    ),
    Module(
        "nbgrader.tests.apps.test_nbgrader_generate_assignment",
        passed=29,
        skipped=0,
        deselected={
            "test_add_extra_notebooks_with_submissions": "a notebook cannot be added once "
            "submissions are there: here it can",
            "test_remove_extra_notebooks_with_submissions": "a notebook cannot be removed once "
            "submissions are there: here it can, and what persons gave for it is written down",
        },
    ),
]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name.rpartition("_")[2])
def test_nbgraders_own_tests_pass_with_nbjudge_in_its_place(module: Module, tmp_path: Path) -> None:
    folders = {name: tmp_path / name for name in ("config", "home", "work")}
    for folder in folders.values():
        folder.mkdir()
    (folders["config"] / "nbgrader_config.py").write_text(CONFIG, "utf-8")
    beside = str(Path(sys.executable).parent)
    environment = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("JUPYTER_", "NBGRADER_", "PYTEST_", "COV_"))
    } | {
        "JUPYTER_CONFIG_PATH": str(folders["config"]),
        "HOME": str(folders["home"]),
        "USER": "tester",
        "PATH": os.pathsep.join([beside, os.environ.get("PATH", os.defpath)]),
    }
    with tempfile.TemporaryDirectory() as temporary:
        done = run(module, folders["work"], environment | {"TMPDIR": temporary})
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    counts = re.findall(r"(\d+) (passed|skipped)", done.stdout.splitlines()[-1])
    numbers = {word: int(number) for number, word in counts}
    assert (numbers["passed"], numbers.get("skipped", 0)) == (module.passed, module.skipped)


def run(
    module: Module, folder: Path, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    others = " and ".join(f"not {name}" for name in module.deselected)
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore"),
            # Not this project's settings; a process for each core.
            *("-c", os.devnull, "--rootdir", str(folder), "-n", str(os.cpu_count() or 1)),
            *("-k", others, "--pyargs", module.name),
        ],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
