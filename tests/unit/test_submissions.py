"""Reading what lies in a submission's folder, whatever it is."""

import json
import os

import pytest

from nbjudge.assignment import Assignment, Kind, SourceCell, SourceNotebook
from nbjudge.limits import MIB, Limits
from nbjudge.submissions import (
    MAX_EXTRA_FILES,
    MAX_NOTEBOOKS,
    read_submission,
    students_with,
)


def source(name, *grade_ids):
    return SourceNotebook(
        name=name,
        cells=tuple(
            SourceCell(
                cell_id=f"{name}-{grade_id}",
                kind=Kind.ANSWER,
                cell_type="code",
                source="",
                release_source=f"# {grade_id}",
                grade_id=grade_id,
            )
            for grade_id in grade_ids
        ),
    )


ONE = Assignment(name="tp", notebooks=(source("n", "a", "b"),))
TWO = Assignment(name="tp", notebooks=(source("n", "a", "b"), source("m", "c", "d")))


def upload(*grade_ids, say="answer"):
    cells = [
        {
            "cell_type": "code",
            "source": f"{say} {grade_id}",
            "metadata": {"nbgrader": {"grade_id": grade_id}},
        }
        for grade_id in grade_ids
    ]
    return json.dumps({"cells": cells, "nbformat": 4}).encode()


N, M = upload("a", "b"), upload("c", "d")


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "submitted" / "ada" / "tp"
    made.mkdir(parents=True)
    return made


@pytest.fixture
def read(folder):
    def submission(files, assignment=ONE, limits=None):
        for name, data in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return read_submission(folder, "ada", assignment, limits or Limits())

    return submission


def test_a_notebook_is_found_by_its_name(read):
    submission = read({"n.ipynb": N, "m.ipynb": M}, TWO)
    assert submission.found == {"n": "n.ipynb", "m": "m.ipynb"}
    assert submission.uploads["m"].notebook == M
    assert submission.notes == {"n": (), "m": ()}


@pytest.mark.parametrize(
    "name", ["n (1).ipynb", "TP1_final.ipynb", "N.IPYNB", "folder/n.ipynb", "a/b/c.ipynb"]
)
def test_a_notebook_under_another_name_is_found_by_what_it_holds(read, name):
    submission = read({name: N})
    assert submission.found == {"n": name}
    assert submission.uploads["n"].notebook == N
    assert submission.notes["n"] == (f"The file « {name} » was taken as n.ipynb.",)


def test_two_notebooks_with_each_others_names_are_told_apart(read):
    submission = read({"n.ipynb": M, "m.ipynb": N}, TWO)
    assert submission.found == {"n": "m.ipynb", "m": "n.ipynb"}


@pytest.mark.parametrize("broken", [b"", b"<html>", b"{}", upload("x", "y")])
def test_a_file_of_the_right_name_gives_way_to_a_copy_of_the_notebook(read, broken):
    submission = read({"n.ipynb": broken, "n (1).ipynb": N})
    assert submission.found == {"n": "n (1).ipynb"}
    assert submission.notes["n"] == (
        "The file « n (1).ipynb » was taken as n.ipynb.",
        "Other notebooks of the submission were not graded: n.ipynb.",
    )


def test_of_two_good_copies_the_one_of_the_right_name_counts(read):
    draft = upload("a", "b", say="draft")
    submission = read({"n.ipynb": N, "draft.ipynb": draft})
    assert submission.uploads["n"].notebook == N
    assert submission.notes["n"] == (
        "Other notebooks of the submission were not graded: draft.ipynb.",
    )


def test_of_two_renamed_copies_the_newest_counts(read, folder):
    for age, name in enumerate(["new.ipynb", "a_old.ipynb", "z_old.ipynb"]):
        (folder / name).write_bytes(upload("a", "b", say=name))
        os.utime(folder / name, (1e9 - age, 1e9 - age))
    assert read({}).found == {"n": "new.ipynb"}


def test_what_cannot_be_recognised_is_taken_where_it_can_only_be_one(read):
    assert read({"thing.ipynb": b"\x00"}).found == {"n": "thing.ipynb"}


def test_what_could_be_either_of_two_notebooks_is_neither(read):
    submission = read({"thing.ipynb": b"\x00"}, TWO)
    assert submission.found == {}
    assert submission.notes["n"] == ("No notebook n.ipynb was found in the submission.",)
    assert submission.uploads["n"].notebook == b""


def test_the_last_notebook_that_is_missing_is_the_last_file_that_is_left(read):
    submission = read({"n.ipynb": N, "thing.ipynb": b"\x00"}, TWO)
    assert submission.found == {"n": "n.ipynb", "m": "thing.ipynb"}


def test_other_files_go_along_with_every_notebook(read):
    files = {"helper.py": b"x = 1", "data/x.csv": b"1", "data/timestamp.txt": b"mine"}
    submission = read({"n.ipynb": N, "m.ipynb": M, **files}, TWO)
    assert submission.uploads["n"].files == files
    assert submission.uploads["m"].files == files
    assert submission.timestamp is None


def test_hidden_and_compiled_files_are_left_out(read):
    submission = read(
        {
            "n.ipynb": N,
            ".ipynb_checkpoints/n-checkpoint.ipynb": N,
            "__pycache__/x.pyc": b"",
            ".hidden": b"",
            "__MACOSX/._n.ipynb": b"",
        }
    )
    assert submission.uploads["n"].files == {}
    assert submission.notes["n"] == ()


def test_the_time_of_arrival_is_kept_as_it_is(read):
    assert read({"timestamp.txt": b"2026-01-02 UTC\n"}).timestamp == "2026-01-02 UTC\n"
    assert read({"timestamp.txt": b"\xff" * 10**6}).timestamp == "\ufffd" * 1000


ODD = {
    "a link": lambda path: path.symlink_to("/etc/passwd"),
    "a broken link": lambda path: path.symlink_to("/nowhere"),
    "a pipe": os.mkfifo,
    "a folder": lambda path: path.mkdir(),
}


@pytest.mark.parametrize("kind", ODD)
def test_what_is_not_a_file_is_not_opened(read, folder, kind):
    ODD[kind](folder / "n.ipynb")
    ODD[kind](folder / "data.csv")
    submission = read({})
    assert submission.found == {}
    assert submission.uploads["n"].notebook == b""
    assert submission.uploads["n"].files == {}
    assert submission.notes["n"] == ("n.ipynb is not a file (a link, a folder or a pipe).",)


def test_a_link_to_a_folder_is_not_followed(read, folder, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "n.ipynb").write_bytes(N)
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    assert read({}).found == {}


def test_a_notebook_that_is_too_large_is_read_no_further_than_that(read):
    submission = read({"n.ipynb": bytes(3 * MIB)}, limits=Limits(upload_bytes=MIB))
    assert len(submission.uploads["n"].notebook) == MIB + 1


def test_files_are_read_as_long_as_there_is_room(read):
    files = {f"{name}.bin": bytes(400_000) for name in "abc"}
    submission = read(files, limits=Limits(work_bytes=MIB))
    assert sorted(submission.uploads["n"].files) == ["a.bin", "b.bin"]


def test_a_crowd_of_files_does_not_hide_the_notebook(read):
    files = {f"a{number:05}.txt": b"" for number in range(MAX_EXTRA_FILES + 5)}
    files |= {f"a{number:05}.ipynb": b"" for number in range(MAX_NOTEBOOKS + 5)}
    submission = read({**files, "n.ipynb": N})
    assert submission.found == {"n": "n.ipynb"}
    assert len(submission.uploads["n"].files) == MAX_EXTRA_FILES


def test_a_name_in_another_encoding_can_be_written_down(folder):
    path = os.path.join(os.fsencode(folder), b"tp\xe9.ipynb")
    with open(path, "wb") as stream:
        stream.write(N)
    with open(os.path.join(os.fsencode(folder), b"\xe9.csv"), "wb") as stream:
        stream.write(b"1")
    submission = read_submission(folder, "ada", ONE, Limits())
    assert submission.uploads["n"].notebook == N
    assert submission.uploads["n"].files == {}
    assert "".join(submission.notes["n"]).encode("utf-8")


def test_a_folder_that_is_not_there_holds_nothing(tmp_path):
    submission = read_submission(tmp_path / "nowhere", "ada", ONE, Limits())
    assert submission.found == {}
    assert submission.uploads["n"].notebook == b""


def test_students_are_those_with_a_folder_for_the_assignment(tmp_path):
    for name in ("zoe/tp[1]", "ada lovelace/tp[1]", "bob/tp1", ".ipynb_checkpoints/tp[1]"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "notes.txt").write_text("", "utf-8")
    (tmp_path / "carl").mkdir()
    (tmp_path / "carl" / "tp[1]").write_text("a file", "utf-8")
    assert students_with(tmp_path, "tp[1]") == ["ada lovelace", "zoe"]
    assert students_with(tmp_path / "nowhere", "tp[1]") == []


def deep(folder, length):
    """Make a file whose path has so many bytes: step by step, for a longer one is refused."""
    place, size = os.open(folder, os.O_RDONLY), len(os.fsencode(folder))
    while size < length - 120:
        os.mkdir("d" * 100, dir_fd=place)
        inner = os.open("d" * 100, os.O_RDONLY, dir_fd=place)
        os.close(place)
        place, size = inner, size + 101
    name = "f" * (length - size - 1)
    os.close(os.open(name, os.O_CREAT | os.O_WRONLY, dir_fd=place))
    os.close(place)


def test_a_file_whose_path_is_too_long_to_be_copied_is_left_out(read, folder):
    deep(folder, 4094)

    submission = read({"n.ipynb": N, "other": b"x"})

    assert set(submission.uploads["n"].files) == {"other"}
