"""The key of a result: it changes with everything that marks depend on, and with nothing else."""

import json
import os
import subprocess
import sys
from dataclasses import asdict, fields, replace

import pytest

from nbjudge import result_key
from nbjudge.assignment import Assignment, Kind, SourceCell, SourceNotebook, Upload
from nbjudge.limits import Limits
from nbjudge.result_key import Key, ground, libraries_digest, upload_digest
from nbjudge.settings import Settings
from nbjudge.submissions import Submission, read_submission

CELL = SourceCell(
    cell_id="t",
    kind=Kind.TEST,
    cell_type="code",
    source="assert x",
    release_source="",
    grade_id="t",
    points=1.0,
)
ASSIGNMENT = Assignment(name="tp", notebooks=(SourceNotebook(name="n", cells=(CELL,)),))


def key(assignment=ASSIGNMENT, settings=None, secret=b"s", **upload):
    submission = Submission(
        student="ada",
        assignment="tp",
        uploads={"n": Upload(notebook=upload.pop("data", b"{}"), files=upload.pop("files", {}))},
        notes={"n": upload.pop("notes", ())},
        found=upload.pop("found", {"n": "n.ipynb"}),
        timestamp=upload.pop("timestamp", None),
    )
    assert not upload
    return ground(assignment, settings or Settings(), secret).key(submission)


def test_the_same_gives_the_same_key_in_another_process():
    script = (
        "import json, sys; from dataclasses import asdict; sys.path.insert(0, sys.argv[1]); "
        "from test_result_key import key; print(json.dumps(asdict(key())))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, os.path.dirname(__file__)],
        capture_output=True,
        text=True,
        check=True,
        cwd="/",
        env=os.environ | {"PYTHONHASHSEED": "1"},
    )

    assert json.loads(done.stdout) == asdict(key())
    assert key().changes(asdict(key())) == []


NOTEBOOK = ASSIGNMENT.notebooks[0]
CHANGES = {
    "a byte of the notebook": (["the upload changed"], {"data": b"{ }"}),
    "a file beside it": (["the upload changed"], {"files": {"a.py": b""}}),
    "its name": (["the upload changed"], {"found": {"n": "N (1).ipynb"}}),
    "what is said of it": (["the upload changed"], {"notes": ("renamed",)}),
    "a test": (
        ["the assignment changed"],
        {
            "assignment": replace(
                ASSIGNMENT,
                notebooks=(replace(NOTEBOOK, cells=(replace(CELL, source="assert y"),)),),
            )
        },
    ),
    "a file of the judge": (
        ["the assignment changed"],
        {"assignment": replace(ASSIGNMENT, judge_files={"data.csv": b"1"})},
    ),
    "a file of the students": (
        ["the assignment changed"],
        {"assignment": replace(ASSIGNMENT, files={"data.csv": b"1"})},
    ),
    "the kernelspec": (
        ["the assignment changed"],
        {
            "assignment": replace(
                ASSIGNMENT, notebooks=(replace(NOTEBOOK, kernelspec={"name": "x"}),)
            )
        },
    ),
    "a limit": (["the settings changed"], {"settings": Settings(limits=Limits(cell_seconds=1))}),
    "the language": (["the settings changed"], {"settings": Settings(language="fr")}),
    "where tests run": (["the settings changed"], {"settings": Settings(tests="inside")}),
    "the environment": (
        ["the settings changed"],
        {"settings": Settings(environment=(("A", "1"),))},
    ),
    "what may be read": (["the settings changed"], {"settings": Settings(readonly=("/data",))}),
    "the secret": (["the course secret changed"], {"secret": b"t"}),
    "test and secret": (
        ["the assignment changed", "the course secret changed"],
        {"assignment": replace(ASSIGNMENT, judge_files={"a": b""}), "secret": b"t"},
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_the_key_changes_with_what_marks_depend_on_and_says_so(what):
    said, changed = CHANGES[what]
    now = key(**changed)

    assert now.changes(asdict(key())) == said
    assert now.digest != key().digest


def test_every_field_of_the_settings_counts_but_those_known_to_change_nothing():
    counted = {
        name for name in (f.name for f in fields(Settings)) if name not in result_key.WITHOUT_EFFECT
    }
    others = {"language": "fr", "tests": "inside", "kernel_name": "python"}
    others["limits"] = Limits(cell_seconds=1)
    for name in counted:
        before = getattr(Settings(), name)
        other = others.get(name, not before if isinstance(before, bool) else "other")
        assert key(settings=replace(Settings(), **{name: other})).digest != key().digest, name


def test_the_time_of_arrival_is_no_part_of_it():
    assert key(timestamp="2026-01-01") == key()


def test_where_files_are_cut_matters():
    one = key(files={"a": b"12", "b": b"3"})
    assert one.upload != key(files={"a": b"1", "b": b"23"}).upload


def test_the_code_of_the_engine_counts(monkeypatch):
    before = key()
    monkeypatch.setattr(result_key, "code_digest", lambda: "another")
    assert key().changes(asdict(before)) == ["nbjudge changed"]


def test_an_installed_package_counts_and_its_folder_does_not(tmp_path, monkeypatch):
    def after(*names, place="one"):
        folder = tmp_path / place / "site-packages"
        for name in names:
            (folder / name).mkdir(parents=True)
        with monkeypatch.context() as patch:
            patch.setattr(sys, "path", [*sys.path, str(folder), str(tmp_path)])
            return libraries_digest()

    assert after() == libraries_digest()
    first = after("numpy-9.9.dist-info", "numpy")
    assert first != libraries_digest()
    assert after("scipy-9.9.dist-info") != first
    assert after("numpy-9.9.dist-info", place="two") == first


def test_the_kernel_that_a_notebook_asks_for_counts(tmp_path, monkeypatch):
    folder = tmp_path / "kernels" / "other"
    folder.mkdir(parents=True)
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))

    def with_argv(*argv):
        spec = {"argv": argv, "display_name": "Other", "language": "python"}
        (folder / "kernel.json").write_text(json.dumps(spec), "utf-8")
        return libraries_digest(["other"])

    assert with_argv("/bin/a") != with_argv("/bin/b")
    assert libraries_digest(["python3"]) == libraries_digest()


def test_a_key_of_a_later_version_differs_in_what_an_earlier_one_did_not_know():
    now = key()
    before = asdict(now)
    del before["libraries"]
    assert now.changes(before) == ["Python or an installed package changed"]
    assert {f.name for f in fields(Key)} == set(result_key.CHANGED)


def test_what_lies_in_the_folder_is_what_counts(tmp_path):
    def read():
        return upload_digest(read_submission(tmp_path, "ada", ASSIGNMENT, Limits()))

    (tmp_path / "n.ipynb").write_bytes(b"{}")
    before = read()
    (tmp_path / "timestamp.txt").write_text("2026-01-01", "utf-8")
    (tmp_path / ".hidden").write_text("x", "utf-8")
    os.utime(tmp_path / "n.ipynb", (0, 0))
    assert read() == before
    (tmp_path / "helper.py").write_text("x", "utf-8")
    assert read() != before
