"""Real bubblewrap, real kernels, and after every test a look at what it left behind."""

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from browser import BROWSER
from inside import Inside
from jupyter_core.utils import run_sync

from nbjudge.kernel import KernelSetup, SealedKernel
from nbjudge.limits import Limits

PR_SET_CHILD_SUBREAPER = 36


def _adopt(yes):
    assert ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, int(yes), 0, 0, 0) == 0


@pytest.fixture(scope="module")
def orphans_come_back():
    """Make this process the parent of whatever loses its own, so that nothing gets away.

    A module asks for it with ``usefixtures``.
    """
    _adopt(True)
    yield
    _adopt(False)


@pytest.fixture(scope="session", autouse=True)
def temporary(tmp_path_factory):
    """Temporary folders of this run alone: others may run on this machine."""
    tmp_path_factory.getbasetemp()  # elsewhere
    folder = Path(tempfile.mkdtemp(prefix="nbj-"))  # short: paths of sockets end at 107 bytes
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(folder))
        patch.setenv("TMPDIR", str(folder))
        yield folder
    # Each test here leaves it as it was; others in the same process may use it afterwards.
    shutil.rmtree(folder)


def _processes():
    found = set()
    for process in psutil.Process().children(recursive=True):
        try:
            if process.name().startswith(BROWSER):
                continue  # a module's, which starts and ends helpers as it likes: see browser.py
            if process.status() != psutil.STATUS_ZOMBIE:
                found.add(process)
            elif process.ppid() == os.getpid():
                found.add(process)  # nobody has waited for it
        except psutil.NoSuchProcess:
            continue
    return found


def _reap(processes):
    """Wait for adopted orphans, whose parents would have."""
    for process in processes:
        try:
            os.waitpid(process.pid, os.WNOHANG)
        except ChildProcessError:
            continue


def _descriptors():
    found = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            found[name] = os.readlink(f"/proc/self/fd/{name}")
        except OSError:  # the listing's own
            continue
    return found


@pytest.fixture(scope="session", autouse=True)
def event_loop_of_jupyter():
    """Let jupyter_core make the one loop that it keeps, before descriptors are counted."""

    async def nothing():
        return None

    run_sync(nothing)()


@pytest.fixture(autouse=True)
def nothing_is_left(temporary):
    """Fail when a test leaves a process, a descriptor, a temporary folder or a thread.

    Fixtures of a module are made before this one, and are none of the test's.
    """
    processes, threads = _processes(), set(threading.enumerate())
    descriptors, files = _descriptors(), set(os.listdir(temporary))
    yield
    left = _processes() - processes
    psutil.wait_procs(left, timeout=5)
    _reap(left)
    assert not [p for p in left if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
    assert [t for t in threading.enumerate() if t not in threads] == []
    # A kernel that the module shares is being watched: what it opens for a moment is not left.
    new = {k: v for k, v in _descriptors().items() if k not in descriptors}
    deadline = time.monotonic() + 2
    while new and time.monotonic() < deadline:
        time.sleep(0.01)
        new = {k: v for k, v in _descriptors().items() if new.get(k) == v}
    assert new == {}
    assert set(os.listdir(temporary)) - files == set()


@pytest.fixture
def start():
    """Start kernels that are closed at the end: ``start(memory_bytes=..., uploads=...)``."""
    started = []

    def make(**options):
        limits = {k: options.pop(k) for k in list(options) if hasattr(Limits, k)}
        setup = KernelSetup(limits=replace(Limits(), **limits), **options)
        kernel = SealedKernel(setup)
        started.append(kernel)
        kernel.start()
        return Inside(kernel)

    yield make
    for kernel in started:
        kernel.close()


@pytest.fixture
def grader():
    """Run a script as a grader of its own, in a process that may be killed."""
    started = []

    def make(script, **options):
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(script)],
            stdout=subprocess.PIPE,
            text=True,
            **options,
        )
        started.append(process)
        return process

    yield make
    for process in started:
        process.kill()
        process.communicate()
