"""The course's secret and what is drawn from it."""

import stat

import pytest

from nbjudge.errors import ConfigurationError
from nbjudge.secret import course_secret, reseed, seed_for


def test_a_secret_is_made_once_and_kept(tmp_path):
    first = course_secret(tmp_path)
    assert len(first) == 32
    assert course_secret(tmp_path) == first
    folder = tmp_path / ".nbjudge"
    assert [path.name for path in folder.iterdir()] == ["course.secret"]


def test_only_its_owner_may_read_the_secret(tmp_path):
    course_secret(tmp_path)
    mode = (tmp_path / ".nbjudge" / "course.secret").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_a_new_secret_can_be_drawn(tmp_path):
    first = course_secret(tmp_path)
    second = reseed(tmp_path)
    assert first != second == course_secret(tmp_path)


@pytest.mark.parametrize("text", ["", "not hexadecimal", "abcd", "é"])
def test_a_file_that_is_no_secret_is_an_error_that_says_what_to_do(tmp_path, text):
    path = tmp_path / ".nbjudge" / "course.secret"
    path.parent.mkdir()
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigurationError, match="Restore it from a backup"):
        course_secret(tmp_path)


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / ".nbjudge").write_text("a file in its place", "utf-8")
    with pytest.raises(ConfigurationError, match="course secret"):
        course_secret(tmp_path)


def test_a_seed_depends_on_secret_version_and_question_and_on_nothing_else():
    seeds = {
        seed_for(secret, version, question)
        for secret in (b"a" * 32, b"b" * 32)
        for version in ("1", "2")
        for question in ("q1", "q2")
    }
    assert len(seeds) == 8
    assert all(len(seed) == 32 for seed in seeds)
    assert seed_for(b"a" * 32, "1", "q1") in seeds
