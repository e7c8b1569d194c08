"""What the autograder's zip is made of, otter's own files excepted."""

import dataclasses
import json
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from click.testing import CliRunner

import nbjudge
from nbjudge.assignment import Assignment, Kind, SourceCell, SourceNotebook
from nbjudge.cli import main
from nbjudge.errors import ConfigurationError
from nbjudge.limits import Limits
from nbjudge.otter import autograder
from nbjudge.otter.carried import carried, read_carried, secret_for
from nbjudge.otter.requirements import pins, wheel
from nbjudge.settings import Settings

SECRET = b"s" * 32
CELL = SourceCell(
    cell_id="a",
    kind=Kind.TEST,
    cell_type="code",
    source="assert é == 1",
    release_source="",
    grade_id="test_é",
    points=0.5,
    hidden_lines=frozenset({1, 3}),
)
ASSIGNMENT = Assignment(
    name="tp",
    notebooks=(SourceNotebook(name="tp", cells=(CELL,), kernelspec={"name": "python3"}),),
    files={"data/x.npy": b"\x00\xff", "own.csv": b"1"},
    editable=frozenset({"own.csv"}),
    judge_files={"checks.py": b"one = 1"},
    objects={"tp": {"test_é": ["model"]}},
)
SETTINGS = Settings(
    language="fr",
    limits=Limits(cell_seconds=7.5),
    environment=(("A", "1"),),
    modules=("numpy",),
    readonly=("/data",),
)


def written(folder, files):
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


def test_what_the_zip_carries_is_what_was_put_into_it(tmp_path):
    packed = carried(ASSIGNMENT, SETTINGS, SECRET, unsealed=True)
    found = read_carried(written(tmp_path, packed.files()))
    assert found.assignment == ASSIGNMENT
    assert found.assignment.version == ASSIGNMENT.version
    assert found == packed


def test_there_the_settings_are_the_courses_but_for_what_is_not_there(tmp_path):
    there = carried(ASSIGNMENT, SETTINGS, SECRET, unsealed=True).settings
    assert there.unsealed
    assert there.readonly == ()
    assert dataclasses.replace(there, readonly=SETTINGS.readonly) == dataclasses.replace(
        SETTINGS, unsealed=True, prove=False, warm=False, figures=False, kernel_name="python3"
    )


def test_the_courses_secret_is_not_in_the_zip():
    own = secret_for(SECRET, "tp1")
    assert own not in (SECRET, secret_for(SECRET, "tp2"))
    every = b"".join(carried(ASSIGNMENT, SETTINGS, own, unsealed=True).files().values())
    assert own.hex().encode() in every
    assert SECRET.hex().encode() not in every


@pytest.mark.parametrize("change", [None, "name", "notebooks", "settings"])
def test_a_zip_of_another_version_is_refused_with_a_sentence(tmp_path, change):
    files = carried(ASSIGNMENT, SETTINGS, SECRET, unsealed=True).files()
    if change is None:
        files.pop("assignment.json")
    else:
        data = json.loads(files["assignment.json"])
        data[change] = {"of": "another version"}
        if change == "name":
            del data["name"]
        files["assignment.json"] = json.dumps(data).encode()
    with pytest.raises(ConfigurationError, match="Write the zip anew with `nbjudge otter`"):
        read_carried(written(tmp_path, files))


def test_the_environment_has_exact_versions_of_all_that_is_imported():
    lines = pins(["numpy", "scipy.stats", "json", "no_such_module"])
    assert f"numpy=={version('numpy')}" in lines
    assert f"scipy=={version('scipy')}" in lines
    # What nbjudge itself needs, and what that needs.
    assert f"ipykernel=={version('ipykernel')}" in lines
    assert f"pyzmq=={version('pyzmq')}" in lines
    assert f"otter-grader=={version('otter-grader')}" in lines
    assert not [line for line in lines if line.startswith("nbjudge")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.+!]+|--extra-index-url https://\S+", s) for s in lines)


def test_a_version_that_only_torchs_own_index_has_is_looked_for_there():
    label = version("torch").partition("+")[2]
    lines = pins(["torch"])
    assert f"torch=={version('torch')}" in lines
    expected = [f"--extra-index-url https://download.pytorch.org/whl/{label}"] if label else []
    assert [line for line in lines if line.startswith("--")] == expected


def test_the_wheel_is_the_nbjudge_that_is_installed_here(tmp_path):
    name, data = wheel()
    (tmp_path / name).write_bytes(data)
    there = tmp_path / "there"
    options = ("--no-deps", "--no-index", "--disable-pip-version-check", "--no-compile", "-q")
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, "--target", there, tmp_path / name],
        check=True,
        timeout=120,
    )
    here = Path(nbjudge.__file__).parent
    names = {
        path.relative_to(here)
        for path in here.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert Path("judge.py") in names
    assert all((there / "nbjudge" / n).read_bytes() == (here / n).read_bytes() for n in names)


def test_without_otter_a_sentence_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(ConfigurationError, match="pip install 'otter-grader>=7'"):
        autograder.write_otter(None, "tp", Path(), SECRET)


def test_an_unknown_assignment_ends_with_a_sentence_and_nothing_written(tmp_path):
    (tmp_path / "nbgrader_config.py").write_text(
        "import nbjudge\nc = get_config()\nnbjudge.configure(c)\n", "utf-8"
    )
    said = CliRunner().invoke(main, ["--course", str(tmp_path), "otter", "nope"])
    assert said.exit_code == 2
    assert "there is no folder" in said.output
    assert "Traceback" not in said.output
    assert not (tmp_path / "dist").exists()
