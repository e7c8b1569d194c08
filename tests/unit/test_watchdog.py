"""Counting what a sandbox uses, over a /proc made for the test."""

import os
import subprocess
import sys
import threading

import pytest

from nbjudge.limits import Limits
from nbjudge.watchdog import TreeView, Watchdog, cpu_seconds, tree, usage

STATUS = "Name:\tpython\nVmPeak:\t 9 kB\nVmRSS:\t {rss} kB\nVmSwap:\t {swap} kB\nVmPTE:\t {pte} kB\nThreads:\t{threads}\n"  # noqa: E501
KIB = 1024


class Made:
    """A view over a folder that looks like /proc."""

    def __init__(self, folder, held=0):
        self.folder = folder
        self.held = held
        self.broken = False

    def add(self, pid, *, rss=0, swap=0, pte=0, threads=1, pss=None, stat=None):
        place = self.folder / pid
        (place / "fd").mkdir(parents=True)
        text = STATUS.format(rss=rss, swap=swap, pte=pte, threads=threads)
        (place / "status").write_text(text)
        if pss is not None:
            (place / "smaps_rollup").write_text(
                f"55d-7ff ---p [rollup]\nRss: {rss} kB\nPss:  {pss} kB\nPss_Anon: 1 kB\n"
                f"SwapPss:   {swap} kB\n"
            )
        if stat is not None:
            (place / "stat").write_text(stat)

    def pids(self):
        if self.broken:
            raise RuntimeError("a fault of our own")
        return sorted(os.listdir(self.folder))

    def path(self, pid, name):
        return str(self.folder / pid / name)

    def held_bytes(self):
        return self.held

    def close(self):
        pass


@pytest.fixture
def made(tmp_path):
    return Made(tmp_path)


def test_pages_swapped_pages_page_tables_and_files_are_summed(made):
    made.add("1", rss=100, swap=20, pte=3, threads=2)
    made.add("2", rss=50, threads=5)
    made.held = 7 * KIB
    assert usage(made, above=10**9) == (180 * KIB, 7)


def test_shared_pages_count_once_when_it_matters(made):
    for pid in "123":
        made.add(pid, rss=300, pss=100)
    assert usage(made, above=1000 * KIB)[0] == 900 * KIB
    assert usage(made, above=800 * KIB)[0] == 300 * KIB


def test_a_process_that_cannot_be_read_counts_in_full_and_one_that_ended_not_at_all(made):
    made.add("1", rss=300)
    made.add("2", rss=300, pss=100)
    assert usage(made)[0] == 400 * KIB
    (made.folder / "1" / "status").write_text("Name:\tpython\nState:\tZ (zombie)\nThreads:\t1\n")
    assert usage(made)[0] == 100 * KIB


def test_anonymous_files_count_once_mapped_or_not():
    descriptor = os.memfd_create("held")
    view = TreeView(os.getpid())
    view.pids = lambda: [str(os.getpid())] * 2
    try:
        os.write(descriptor, b"x" * 10**7)
        with_file = usage(view)[0]
        os.ftruncate(descriptor, 0)
        without = usage(view)[0]
    finally:
        os.close(descriptor)
    assert 0.8 * 10**7 < with_file - without < 1.2 * 10**7


def test_processor_time_includes_children_whatever_the_name_of_the_program(made):
    tick = os.sysconf("SC_CLK_TCK")
    numbers = f"R 1 1 1 0 -1 0 0 0 0 0 {3 * tick} {2 * tick} {4 * tick} {tick} 20 0 1"
    made.add("1", stat=f"1 (a) b) (c) {numbers}")
    made.add("2", stat="")
    assert cpu_seconds(made) == 10


def test_a_tree_is_a_process_and_what_descends_from_it():
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)
    try:
        while len(found := tree(process.pid)) < 2:
            assert process.poll() is None
    finally:
        process.communicate(b"\n")
    assert found[0] == process.pid
    assert tree(process.pid)[1:] == []


def watch(view, **limits):
    """What the watchdog says, if it says something."""
    called = threading.Event()
    said = []

    def on_breach(breach):
        said.append(breach)
        called.set()

    watchdog = Watchdog(view, Limits(**limits), on_breach)
    watchdog.start()
    called.wait(20)
    watchdog.stop()
    return said


def test_too_much_memory_is_said_once(made):
    made.add("1", rss=300)
    assert watch(made, memory_bytes=200 * KIB) == ["memory"]


def test_too_many_threads_are_said_once(made):
    made.add("1", rss=1, threads=5)
    assert watch(made, processes=4) == ["processes"]


def test_what_is_over_for_a_moment_only_is_not_said(made):
    seen = []

    class Flickering(Made):
        def held_bytes(self):
            seen.append(1)
            return 10**12 if len(seen) % 2 else 0

    said = []
    enough = threading.Event()
    view = Flickering(made.folder)
    real = view.pids
    view.pids = lambda: enough.set() or real() if len(seen) > 4 else real()
    watchdog = Watchdog(view, Limits(), said.append)
    watchdog.start()
    assert enough.wait(20)
    watchdog.stop()
    assert said == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_watchdog_that_fails_lets_nothing_run_unwatched(made):
    made.broken = True
    assert watch(made) == ["memory"]


def test_a_watchdog_that_has_nothing_to_say_can_be_stopped(made):
    made.add("1", rss=1)
    said = []
    watchdog = Watchdog(made, Limits(), said.append)
    watchdog.start()
    watchdog.stop()
    assert said == []
    watchdog.stop()
