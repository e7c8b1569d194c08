"""One writer for a course, and no lock that outlives its process."""

import os
import signal
import subprocess
import sys

import pytest

from nbjudge.errors import ConfigurationError
from nbjudge.writer_lock import only_writer

HOLDER = """
import sys
from pathlib import Path
from nbjudge.writer_lock import only_writer

with only_writer(Path(sys.argv[1]), "tp1"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_writer_is_refused_with_who_is_at_work(tmp_path, holder):
    # Having been refused takes nothing away from who holds it.
    for _attempt in range(2):
        with (
            pytest.raises(ConfigurationError, match=f"process {holder.pid}, tp1, since"),
            only_writer(tmp_path, "tp2"),
        ):
            raise AssertionError


def test_the_lock_of_a_killed_process_holds_nobody_up(tmp_path, holder):
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with only_writer(tmp_path, "tp1"):
        pass
    with only_writer(tmp_path, "tp1"):
        pass


def test_what_stands_in_the_file_means_nothing(tmp_path):
    (tmp_path / ".nbjudge").mkdir()
    (tmp_path / ".nbjudge" / "grading.lock").write_text("{broken", "utf-8")
    with only_writer(tmp_path, "tp1"):
        pass


def test_a_process_that_the_writer_starts_does_not_hold_it(tmp_path):
    script = "print('runs', flush=True); input()"
    with only_writer(tmp_path, "tp1"):
        child = subprocess.Popen(
            [sys.executable, "-c", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            close_fds=False,
        )
        assert child.stdout.readline() == b"runs\n"
    try:
        with only_writer(tmp_path, "tp1"):
            pass
    finally:
        child.communicate(b"\n")


def test_courses_do_not_wait_for_each_other(tmp_path, holder):
    (tmp_path / "other").mkdir()
    with only_writer(tmp_path / "other", "tp1"):
        pass
