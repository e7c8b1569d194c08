"""Kernels forked from a warm parent: as separate, and with the same marks, as any other.

What a process in a sandbox can see, reach and change is tried in ``test_sandbox.py``, there too
with a forked one.
"""

import contextlib
import json
import os
import signal
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from inside import SECONDS, Inside, until

from nbjudge import warm
from nbjudge.assignment import Assignment, Kind, SourceCell, SourceNotebook, Upload
from nbjudge.kernel import KernelSetup, Outcome, SealedKernel
from nbjudge.limits import MIB, Limits
from nbjudge.sandbox import Sealing, seal
from nbjudge.settings import Settings
from nbjudge.submissions import Submission
from nbjudge.warm import WarmParent, Warmth
from nbjudge.worker import Shared, Worker

pytestmark = pytest.mark.usefixtures("orphans_come_back")

REPOSITORY = Path(__file__).resolve().parents[2]
MODULES = ("numpy", "matplotlib.pyplot")
THREAD = """\
import threading, time
threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
"""


@pytest.fixture(scope="module")
def warmth():
    with Warmth(MODULES) as made, SealedKernel(KernelSetup(warmth=made)):
        yield made


@pytest.fixture
def fork(warmth):
    """Start kernels that are forked and closed at the end."""
    started = []

    def make(parents=warmth, **options):
        kernel = SealedKernel(KernelSetup(warmth=parents, **options))
        started.append(kernel)
        kernel.start()
        return Inside(kernel)

    yield make
    for kernel in started:
        kernel.close()


def parents_of(warmth):
    return [parent._process.pid for parent in warmth._parents.values()]


def read(path):
    return Path(path).read_text("utf-8").splitlines()


def test_a_forked_kernel_has_the_libraries_before_its_first_line(fork, warmth):
    inside = fork()
    assert inside.value("[n in __import__('sys').modules for n in ('numpy', 'matplotlib')]") == [
        True,
        True,
    ]
    assert warmth.cold_because == ""


def test_a_forked_kernel_is_no_child_of_anything_that_it_can_see(fork):
    assert fork().value("__import__('os').getppid()") == 0


def test_two_kernels_of_one_parent_share_nothing_that_can_be_written(fork):
    one, other = fork(), fork()
    one.text("""
        import numpy, os, sys
        numpy.nbjudge_was_here = sys.nbjudge_was_here = True
        os.environ["WAS_HERE"] = "1"
        for folder in ("/tmp", "/dev/shm", "/sealed", "/run/nbjudge"):
            open(f"{folder}/was_here", "w").close()
    """)
    assert (
        other.value(
            "[hasattr(__import__('numpy'), 'nbjudge_was_here'),"
            " hasattr(__import__('sys'), 'nbjudge_was_here'),"
            " 'WAS_HERE' in __import__('os').environ]"
            " + [__import__('os').path.exists(f'{folder}/was_here')"
            "    for folder in ('/tmp', '/dev/shm', '/sealed', '/run/nbjudge')]"
        )
        == [False] * 7
    )
    # Nor has the parent kept anything of it for the next.
    assert fork().value("hasattr(__import__('numpy'), 'nbjudge_was_here')") is False


def test_no_memory_is_mapped_that_parent_or_sibling_would_see_written(fork):
    maps = fork().text("print(open('/proc/self/maps').read().strip())")
    shared = [line for line in maps.splitlines() if line.split()[1][3] == "s"]
    assert len(maps.splitlines()) > 100
    # An interpreter maps the system's tables of characters so; nobody may write to them.
    assert [line for line in shared if "w" in line.split()[1]] == []


def test_signals_reach_neither_parent_nor_sibling(fork, warmth):
    one, other = fork(), fork()
    (parent,) = parents_of(warmth)
    assert one.value(
        f"[__import__('os').path.exists('/proc/{parent}'), len(__import__('os').listdir('/proc'))]"
    )
    one.run("import os, signal\nos.kill(-1, signal.SIGKILL)")
    assert psutil.Process(parent).is_running()
    assert other.value("1") == 1


def test_no_mount_of_the_sandbox_can_be_undone(fork):
    refused = fork().value(
        """[
        __import__('ctypes').CDLL(None).umount2(path, flag)
        for path in (b"/tmp", b"/sealed", b"/run/nbjudge", b"/dev/shm", b"/proc", b"/usr", b"/")
        for flag in (0, 2, 8)
    ]""".replace("\n", " ")
    )
    assert refused == [-1] * 21


def test_the_parents_own_sandbox_is_out_of_reach(fork, warmth):
    (parent,) = parents_of(warmth)
    inside = fork()
    kinds = ("user", "mnt", "net", "ipc", "uts", "pid")
    theirs = {kind: os.readlink(f"/proc/{parent}/ns/{kind}") for kind in kinds}
    mine = inside.value(
        "{kind: __import__('os').readlink(f'/proc/self/ns/{kind}') for kind in "
        f"{list(kinds)}" + "}"
    )
    assert not set(theirs.values()) & set(mine.values())


def test_the_parent_itself_sees_no_course_no_home_and_no_network(warmth, fork):
    fork()
    (parent,) = parents_of(warmth)
    process = psutil.Process(parent)
    assert process.uids().real != 0
    status = dict(line.split(":", 1) for line in read(f"/proc/{parent}/status"))
    assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0
    root = f"/proc/{parent}/root"
    # The environment may lie in the course's folder, or in a home: it is all that is seen of them.
    hidden = [REPOSITORY / name for name in ("source", "judge", "tests", "README.md")]
    assert all(path.exists() for path in hidden)
    assert not [path for path in hidden if os.path.exists(f"{root}{path}")]
    assert "matplotlib" in os.listdir(f"{root}/tmp")
    assert not os.path.exists(root + tempfile.gettempdir())
    links = [line.split()[0] for line in read(f"/proc/{parent}/net/dev")[2:]]
    assert links == ["lo:"]


def test_generators_are_seeded_alike_whether_forked_or_not(fork, warmth):
    code = """
        import json, random, numpy, uuid
        print(json.dumps([random.random(), numpy.random.rand(), hash("word")]))
    """
    forked = [json.loads(fork(seed=seed).text(code)) for seed in (1, 1, 2)]
    cold = json.loads(fork(parents=None, seed=1).text(code))
    assert forked[0] == forked[1] == cold
    assert forked[0][:2] != forked[2][:2]
    # What is drawn from the machine is drawn anew in each.
    drawn = "__import__('uuid').uuid4().hex + repr(__import__('random').SystemRandom().random())"
    assert len({fork().value(drawn) for _ in range(3)}) == 3


def test_figures_are_drawn_as_in_a_kernel_of_its_own(fork):
    code = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"
    warm_run, cold_run = fork().run(code), fork(parents=None).run(code)
    assert [o["output_type"] for o in warm_run.outputs] == ["display_data"]
    assert warm_run.outputs == cold_run.outputs


def test_environment_and_limits_are_those_of_a_kernel_of_its_own(fork):
    code = """
        import json, os, resource, signal, sys
        names = sorted(n for n in dir(resource) if n.startswith("RLIMIT_"))
        status = dict(line.split(":", 1) for line in open("/proc/self/status"))
        keep = ("Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb",
                "NoNewPrivs", "Seccomp", "Seccomp_filters", "SigIgn", "SigCgt", "SigBlk", "Umask")
        print(json.dumps([
            dict(os.environ), [resource.getrlimit(getattr(resource, n)) for n in names],
            {k: status[k].split() for k in keep}, os.getcwd(), sys.argv[1:], sys.path,
            sys.flags.safe_path, os.getsid(0) == os.getpid(), __name__,
            signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL,
        ]))
    """
    forked, cold = json.loads(fork().text(code)), json.loads(fork(parents=None).text(code))
    for ours, theirs in zip(forked, cold, strict=True):
        # A kernel of its own is started by bubblewrap's process, which leads the session.
        assert ours == theirs or ours is True


def test_subprocesses_and_processes_of_a_pool_can_be_waited_for(fork):
    inside = fork()
    assert inside.value("__import__('subprocess').run(['true']).returncode") == 0
    assert inside.value("__import__('multiprocessing').Pool(2).map(abs, [-1, -2])") == [1, 2]


def test_memory_and_processes_have_their_limits(fork):
    inside = fork(limits=replace(Limits(), memory_bytes=400 * MIB))
    run = inside.run(
        "x = bytearray(10**9)\nx[::4096] = b'1' * len(x[::4096])\nimport time; time.sleep(60)"
    )
    assert run.outcome is Outcome.MEMORY
    inside = fork(limits=replace(Limits(), processes=24))
    run = inside.run("""
        import os, time
        for _ in range(30):
            if os.fork() == 0:
                time.sleep(60)
        time.sleep(60)
    """)
    assert run.outcome in (Outcome.PROCESSES, Outcome.ERROR)


def test_a_kernel_that_exits_is_dead(fork):
    inside = fork()
    assert inside.run("import os; os._exit(0)").outcome is Outcome.DIED
    assert not inside.kernel.alive


def test_when_the_parent_is_killed_its_kernels_go_on_and_the_next_has_another(fork):
    with Warmth(MODULES) as own:
        first = fork(parents=own)
        (parent,) = parents_of(own)
        os.kill(parent, signal.SIGKILL)
        until(lambda: not psutil.pid_exists(parent) or psutil.Process(parent).status() == "zombie")
        assert first.value("1 + 1") == 2
        assert fork(parents=own).value("'numpy' in __import__('sys').modules") is True
        assert parents_of(own) not in ([], [parent])
        first.kernel.close()


def test_a_parent_that_does_not_answer_is_given_up_and_kernels_start_cold(fork, monkeypatch):
    made = []

    def stopped(sealing, modules):
        made.append(WarmParent(sealing, modules))
        os.kill(made[-1]._process.pid, signal.SIGSTOP)
        return made[-1]

    monkeypatch.setattr(warm, "_SEND_SECONDS", 0.5)
    monkeypatch.setattr(warm, "WarmParent", stopped)
    with Warmth(()) as own:
        assert fork(parents=own).value("2") == 2
        assert len(made) == 2  # another one was tried
        assert "does not answer" in own.cold_because


def test_what_leaves_a_thread_when_it_is_imported_is_not_forked(fork, tmp_path):
    (tmp_path / "threads_inside.py").write_text(THREAD)
    tmp_path.chmod(0o755)  # root's sandboxes are another user's
    with Warmth(("threads_inside",)) as own:
        inside = fork(
            parents=own,
            readonly=(str(tmp_path),),
            environment={"PYTHONPATH": str(tmp_path)},
        )
        assert inside.value("'threads_inside' in __import__('sys').modules") is False
        assert "leaves 2 threads" in own.cold_because


def test_a_module_that_cannot_be_imported_is_passed_over(fork):
    with Warmth(("no.such.module", "numpy")) as own:
        assert fork(parents=own).value("'numpy' in __import__('sys').modules") is True
        assert own.cold_because == ""


def test_where_no_namespace_can_be_made_inside_another_kernels_start_cold(fork, monkeypatch):
    def refuse(sealing, given):
        return seal(replace(sealing, argv=("/bin/sh", "-c", "echo no >&2; exit 1")))

    monkeypatch.setattr(warm.sandbox, "seal_parent", refuse)
    with Warmth(()) as own:
        assert fork(parents=own).value("3") == 3
        assert "not ready" in own.cold_because


def test_closing_the_parents_ends_their_processes():
    with Warmth(()) as own:
        kernel = SealedKernel(KernelSetup(warmth=own))
        kernel.start()
        pids = parents_of(own)
        kernel.close()
    assert pids
    assert not [pid for pid in pids if psutil.pid_exists(pid)]


def test_courses_of_different_environments_have_parents_of_their_own(fork):
    with Warmth(()) as own:
        for course in ("one", "other"):
            inside = fork(parents=own, environment={"COURSE": course})
            assert inside.value("__import__('os').environ['COURSE']") == course
        assert len(parents_of(own)) == 2


def test_a_forked_process_says_its_last_words():
    parent = WarmParent(Sealing(argv=(sys.executable,), limits=Limits()), ())
    try:
        argv = (sys.executable, "-P", "-c", "raise RuntimeError('these are the last words')")
        box = parent.seal(Sealing(argv=argv, limits=Limits()))
        try:
            assert box.wait(SECONDS) is not None
            assert "RuntimeError: these are the last words" in box.words()
        finally:
            box.close()
    finally:
        parent.close()


# What a class sees of it.

SOURCE = "import numpy\ntotal = float(numpy.arange(4).sum())"
TEST = "from nbjudge.testing import assert_close\nassert_close(total, 6.0, what='total')"
NOTEBOOK = {
    "nbformat": 4,
    "nbformat_minor": 5,
    "metadata": {},
    "cells": [
        {
            "id": "a",
            "cell_type": "code",
            "source": SOURCE,
            "metadata": {
                "nbgrader": {
                    "grade": False,
                    "grade_id": "a",
                    "locked": False,
                    "schema_version": 3,
                    "solution": True,
                    "task": False,
                }
            },
            "outputs": [],
            "execution_count": None,
        }
    ],
}
ASSIGNMENT = Assignment(
    name="tp",
    notebooks=(
        SourceNotebook(
            name="n",
            cells=(
                SourceCell(
                    cell_id="a",
                    kind=Kind.ANSWER,
                    cell_type="code",
                    source=SOURCE,
                    release_source="",
                    grade_id="a",
                ),
                SourceCell(
                    cell_id="t",
                    kind=Kind.TEST,
                    cell_type="code",
                    source=TEST,
                    release_source="",
                    grade_id="t",
                    points=1.0,
                ),
            ),
        ),
    ),
)


def submission(code=SOURCE):
    cell = NOTEBOOK["cells"][0] | {"source": code}
    data = json.dumps(NOTEBOOK | {"cells": [cell]}).encode()
    return Submission(
        student="s",
        assignment="tp",
        uploads={"n": Upload(notebook=data)},
        notes={},
        found={"n": "n.ipynb"},
    )


def graded(settings, *submissions):
    with contextlib.closing(Worker(Shared(ASSIGNMENT, settings, b"secret"))) as worker:
        outcomes = [worker.grade(one) for one in submissions]
    assert not [one for one in outcomes if isinstance(one, Exception)]
    return [result for (result,) in outcomes]


def test_what_is_graded_is_the_same_warm_and_cold():
    warm_result, cold_result = (
        graded(Settings(warm=warm), submission())[0] for warm in (True, False)
    )
    assert warm_result.points == 1
    assert [v.status for v in warm_result.verdicts] == [v.status for v in cold_result.verdicts]
    assert warm_result.document == cold_result.document
    assert warm_result.log == cold_result.log == ()


def test_a_class_is_told_once_why_its_kernels_start_cold(tmp_path):
    (tmp_path / "threads_inside.py").write_text(THREAD)
    tmp_path.chmod(0o755)
    settings = Settings(
        modules=("threads_inside",),
        readonly=(str(tmp_path),),
        environment=(("PYTHONPATH", str(tmp_path)),),
    )
    first, second = graded(settings, submission(), submission())
    assert first.points == second.points == 1
    assert [line for line in first.log if "leaves 2 threads" in line] == list(first.log)
    assert second.log == ()


def test_a_notebook_whose_kernel_died_warm_is_graded_again_cold():
    # A right answer that only a forked kernel does not survive: its parent's libraries are there.
    code = f"import os, sys\nif os.getppid() == 0:\n    os._exit(1)\n{SOURCE}"
    (result,) = graded(Settings(), submission(code))
    assert result.points == 1
    assert "its kernel was replaced (1)" in result.log[0]
