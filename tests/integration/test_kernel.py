"""What student code does to a kernel: every accident ends in an outcome, and the next cell runs."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest
from inside import SECONDS, Inside, until

from nbjudge import values
from nbjudge.channel import Channel
from nbjudge.errors import HiddenTestError, KernelStartError
from nbjudge.kernel import KernelSetup, Outcome, SealedKernel
from nbjudge.limits import MIB
from nbjudge.raised import KernelLost, StudentError
from nbjudge.remote import Remote

pytestmark = pytest.mark.usefixtures("orphans_come_back")


@pytest.fixture(scope="module")
def shared(orphans_come_back):
    """One kernel for all that leaves it as it was."""
    with SealedKernel(KernelSetup(uploads={"helper.py": b"value = 6"})) as kernel:
        yield Inside(kernel)
        assert kernel.alive


def kinds(run):
    return [output["output_type"] for output in run.outputs]


def stream(run, name="stdout"):
    return "".join(o["text"] for o in run.outputs if o.get("name") == name)


# Cells and their outputs


def test_what_is_printed_comes_back_whole_and_in_order(shared):
    run = shared.run("""
        import sys
        for n in range(3):
            print(n, flush=True)
        print("é√", file=sys.stderr, flush=True)
        print("after")
        "last"
    """)
    assert run.outcome is Outcome.OK
    assert stream(run) == "0\n1\n2\nafter\n"
    assert stream(run, "stderr") == "é√\n"
    assert run.outputs[-1]["data"] == {"text/plain": "'last'"}
    assert run.outputs[-1]["execution_count"] == run.execution_count > 0
    assert not run.truncated


@pytest.mark.parametrize("magic", ["", "%matplotlib inline"])
@pytest.mark.parametrize("figures", [True, False])
def test_a_figure_is_drawn_where_figures_are_wanted_and_named_elsewhere(start, figures, magic):
    run = start(figures=figures).run(f"""
        {magic}
        import matplotlib.pyplot as plt
        figure, axes = plt.subplots()
        axes.plot([0, 1])
        plt.show()
        figure.canvas.draw()
        print(axes.get_window_extent().width > 0, len(plt.get_fignums()))
    """)
    (shown,) = [o["data"] for o in run.outputs if o["output_type"] == "display_data"]
    assert shown["text/plain"] == "<Figure size 640x480 with 1 Axes>"
    assert ("image/png" in shown) is figures
    assert stream(run) == "True 0\n"


def test_an_exception_is_an_output_and_the_kernel_goes_on(shared):
    run = shared.run("1 / 0")
    assert (run.outcome, kinds(run)) == (Outcome.ERROR, ["error"])
    assert run.outputs[0]["ename"] == "ZeroDivisionError"
    assert run.outputs[0]["traceback"]
    assert shared.value("1 + 1") == 2


def test_figures_and_rich_outputs_come_back(shared):
    run = shared.run("""
        from IPython.display import HTML, display, clear_output
        display("hidden")
        clear_output(wait=True)
        shown = display(HTML("<b>first</b>"), display_id="d")
        shown.update(HTML("<b>second</b>"))
    """)
    assert [o["data"]["text/html"] for o in run.outputs] == ["<b>second</b>"]


def test_magics_and_commands_run_as_in_a_notebook(shared):
    assert "hello" in shared.text("%run -m this\n!echo hello")


def test_a_silent_cell_is_not_counted(shared):
    before = shared.run("1").execution_count
    assert shared.kernel.run("2", seconds=SECONDS, output_bytes=100, silent=True).outcome
    assert shared.run("3").execution_count == before + 1


def test_input_is_refused_at_once(shared):
    run = shared.run("input('name? ')")
    assert (run.outcome, run.outputs[-1]["ename"]) == (Outcome.ERROR, "StdinNotImplementedError")


def test_a_program_that_reads_its_input_finds_it_empty(shared):
    assert shared.value("__import__('subprocess').run('cat', capture_output=True).returncode") == 0


def test_a_module_beside_the_notebook_is_imported(shared):
    assert shared.value("__import__('helper').value * 7") == 42


def test_the_kernel_has_one_thread_per_library_and_knows_that_it_is_graded(shared):
    found = shared.value("dict(__import__('os').environ)")
    assert found["OMP_NUM_THREADS"] == "1"
    assert found["NBGRADER_EXECUTION"] == "autograde"


def test_processor_time_is_counted(shared):
    before = shared.kernel.cpu_seconds()
    shared.run(
        "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
    )
    assert shared.kernel.cpu_seconds() >= before + 0.2


def test_generators_start_from_the_seed(start):
    draws = [start(seed=7).value("__import__('random').random()") for _ in range(2)]
    assert draws[0] == draws[1] != start(seed=8).value("__import__('random').random()")


@pytest.mark.parametrize(
    "draw",
    [
        "__import__('numpy').random.rand()",
        "__import__('numpy.random').random.normal()",
        "__import__('torch').rand(1).item()",
        "__import__('torch.nn').nn.Linear(2, 1).weight[0, 0].item()",
    ],
)
def test_a_library_draws_from_the_seed_from_its_first_draw_on(start, draw):
    first = [start(seed=7).value(draw) for _ in range(2)]
    assert first[0] == first[1] != start(seed=8).value(draw)


# Time


def test_an_interrupted_cell_leaves_the_notebook_as_it_was(shared):
    run = shared.run("kept = 5\nprint('begun')\nimport time\ntime.sleep(600)", seconds=1)
    assert run.outcome is Outcome.TIMEOUT
    assert stream(run) == "begun\n"
    assert run.outputs[-1]["ename"] == "KeyboardInterrupt"
    assert shared.value("kept") == 5


def test_an_endless_loop_is_interrupted_like_a_sleep(shared):
    assert shared.run("while True: pass", seconds=1).outcome is Outcome.TIMEOUT
    assert shared.run("1").outcome is Outcome.OK


STUBBORN = {
    "swallows every exception": """
        import time
        while True:
            try:
                time.sleep(600)
            except BaseException:
                pass
    """,
    "ignores the signal": """
        import signal, time
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        time.sleep(600)
    """,
    "blocks the signal": """
        import signal, time
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        time.sleep(600)
    """,
    "stays in one instruction": "3 ** (10 ** 9) > 0",
    "stops its own process": "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)",
}


@pytest.mark.parametrize("how", STUBBORN)
def test_a_cell_that_cannot_be_interrupted_loses_its_kernel(start, how):
    inside = start()
    assert inside.run(STUBBORN[how], seconds=1).outcome is Outcome.STUCK
    assert not inside.kernel.alive
    assert inside.run("1").outcome is Outcome.DIED


# Ends


ENDS = {
    "exits": "import os\nos._exit(0)",
    "asks to exit": "exit()",
    "asks to quit": "quit()",
    "kills itself": "import os\nos.kill(os.getpid(), 9)",
    "crashes": "import ctypes\nctypes.string_at(0)",
    "closes all descriptors": "import os\nos.closerange(0, 1000)",
    "replaces itself": "import os\nos.execv('/bin/true', ['true'])",
    "hangs up on the grader": """
        import os, socket
        for name in os.listdir("/proc/self/fd"):
            try:
                socket.socket(fileno=int(name)).shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
    """,
}


@pytest.mark.parametrize("how", ENDS)
def test_a_kernel_that_ends_is_an_outcome_with_what_was_said_before(start, how):
    inside = start()
    assert inside.run("kept = 1").outcome is Outcome.OK
    said = "print('said', flush=True)\nimport time; time.sleep(0.5)\n"
    run = inside.run(said + textwrap.dedent(ENDS[how]), seconds=15)
    assert run.outcome is Outcome.DIED
    assert stream(run) == "said\n"
    assert not inside.kernel.alive


HARMLESS_ENDS = {
    "sys.exit": ("import sys\nsys.exit(3)", Outcome.ERROR),
    "sys.exit in a thread": (
        "import sys, threading\nt = threading.Thread(target=sys.exit)\nt.start(); t.join()",
        Outcome.OK,
    ),
    "an exception in a thread": (
        "import threading\nt = threading.Thread(target=lambda: 1 / 0)\nt.start(); t.join()",
        Outcome.OK,
    ),
    "signals to the sandbox's first process": (
        "import os\nos.kill(1, 15); os.kill(1, 9); os.kill(os.getppid(), 9)",
        Outcome.OK,
    ),
    "the end of its children": (
        "import os, time\np = os.fork()\nif p == 0: os._exit(1)\nos.waitpid(p, 0)",
        Outcome.OK,
    ),
    "recursion without end": ("def f(): return f()\nf()", Outcome.ERROR),
}


@pytest.mark.parametrize("what", HARMLESS_ENDS)
def test_what_does_not_end_a_notebook_elsewhere_does_not_end_it_here(shared, what):
    code, outcome = HARMLESS_ENDS[what]
    assert shared.run(code).outcome is outcome
    assert shared.value("'still here'") == "still here"


def test_what_a_student_left_running_ends_with_the_kernel(start):
    inside = start()
    inside.run("""
        import os, time
        for _ in range(3):
            if os.fork() == 0:
                os.setsid()
                if os.fork():
                    os._exit(0)
                os.execv("/bin/sleep", ["sleep", "600"])
    """)
    first = psutil.Process(inside.kernel._process.pid)
    until(lambda: sum(p.name() == "sleep" for p in first.children(recursive=True)) == 3)
    tree = [first, *first.children(recursive=True)]
    inside.kernel.close()
    assert not [p for p in tree if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


# Memory, processes, files


BOMBS = {
    "a list": "held = []\nwhile True: held.append(bytearray(20_000_000))",
    "numpy": "import numpy\nheld = [numpy.ones(3_000_000) for _ in range(10**6)]",
    "shared anonymous memory": """
        import mmap
        held = []
        while True:
            held.append(mmap.mmap(-1, 20_000_000))
            held[-1].write(b"x" * 20_000_000)
    """,
    "six children, each within the limit": """
        import os, time
        for _ in range(6):
            if os.fork() == 0:
                held = bytearray(100_000_000)
                time.sleep(600)
        time.sleep(600)
    """,
    "threads": """
        import threading, time
        def hold():
            held = bytearray(30_000_000)
            time.sleep(600)
        for _ in range(20): threading.Thread(target=hold).start()
        time.sleep(600)
    """,
    "files in all the places that can be written": """
        import os, time
        for place, size in (("/tmp", 200), ("/sealed", 200), ("/dev/shm", 60)):
            with open(f"{place}/file", "wb") as stream:
                for _ in range(size):
                    stream.write(b"x" * 1_000_000)
        time.sleep(600)
    """,
    "files that have been deleted": """
        import time
        import tempfile
        held = [tempfile.TemporaryFile(dir=d) for d in ("/tmp", "/sealed")]
        for one in held:
            for _ in range(220):
                one.write(b"x" * 1_000_000)
        time.sleep(600)
    """,
    "a grandchild that has detached itself": """
        import os, time
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                held = []
                while True: held.append(bytearray(20_000_000))
            os._exit(0)
        time.sleep(600)
    """,
    "a process that hides from its owner": """
        import ctypes, time
        ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)  # not dumpable
        held = []
        while True: held.append(bytearray(20_000_000))
    """,
}


@pytest.mark.parametrize("what", BOMBS)
def test_memory_beyond_the_limit_of_the_whole_tree_ends_the_kernel(start, what):
    inside = start(memory_bytes=400 * MIB)
    assert inside.run("print('ready')").outcome is Outcome.OK
    assert inside.run(BOMBS[what], seconds=50).outcome is Outcome.MEMORY
    assert inside.run("1").outcome is Outcome.MEMORY


def test_memory_that_no_limit_forbids_may_be_used_to_the_full(start):
    inside = start(memory_bytes=400 * MIB)
    # 250 MiB shared by six processes are 250 MiB.
    assert inside.value("len(held := bytearray(250 * 2**20))") == 250 * MIB
    code = "import os\npids = [os.fork() or os._exit(__import__('time').sleep(1) or 0)"
    run = inside.run(code + " for _ in range(6)]\n[os.waitpid(p, 0) for p in pids]")
    assert run.outcome is Outcome.OK


def test_a_machine_out_of_memory_ends_a_students_process_before_the_grader(shared):
    run = "__import__('subprocess').check_output(['cat', '/proc/self/oom_score_adj'], text=True)"
    assert shared.value(run) == "1000\n"


def test_one_request_beyond_all_memory_is_the_students_memory_error(start):
    inside = start(memory_bytes=400 * MIB)
    run = inside.run("bytearray(10**11)")
    assert (run.outcome, run.outputs[-1]["ename"]) == (Outcome.ERROR, "MemoryError")
    assert inside.run("1").outcome is Outcome.OK


CROWDS = {
    "a bomb of forks": "import os\nwhile True: os.fork()",
    "threads": """
        import threading, time
        for _ in range(70): threading.Thread(target=time.sleep, args=(600,)).start()
        time.sleep(600)
    """,
    "processes that detach themselves": """
        import os, time
        for _ in range(70):
            try:
                child = os.fork()
            except OSError:  # the machine's own limit, whose sentence comes second
                break
            if child == 0:
                os.setsid()
                if os.fork():
                    os._exit(0)
                time.sleep(600)
        time.sleep(600)
    """,
}


@pytest.mark.parametrize("what", CROWDS)
def test_too_many_processes_end_the_kernel(start, what):
    inside = start(processes=60)
    assert inside.run(CROWDS[what], seconds=50).outcome is Outcome.PROCESSES


FULL = {
    "a file": ("open('big', 'wb').write(b'x' * 300_000_000)", "OSError"),
    "/dev/shm": ("open('/dev/shm/big', 'wb').write(b'x' * 70_000_000)", "OSError"),
    "descriptors": ("held = [open('/dev/null') for _ in range(2000)]", "OSError"),
    "where the sockets are": ("open('/run/nbjudge/big', 'wb').write(b'x' * 2_000_000)", "OSError"),
}


@pytest.mark.parametrize("what", FULL)
def test_a_full_place_is_the_students_error_and_the_kernel_goes_on(start, what):
    code, name = FULL[what]
    inside = start()
    run = inside.run(f"def f():\n    {code}\nf()")
    assert (run.outcome, run.outputs[-1]["ename"]) == (Outcome.ERROR, name)
    assert inside.value("1 + 1") == 2


def test_workers_of_multiprocessing_and_shared_memory_work(shared):
    found = shared.value(
        """(lambda m: m.Pool(2).map(abs, [-1, 2]))(__import__('multiprocessing'))"""
    )
    assert found == [1, 2]


# Outputs without measure


def test_outputs_beyond_the_limit_are_cut_and_the_cell_goes_on(shared):
    run = shared.run("for n in range(10**5): print(n)\ndone = True", output_bytes=10_000)
    assert (run.outcome, run.truncated) == (Outcome.OK, True)
    assert 5_000 < len(stream(run)) <= 10_000
    assert stream(run).startswith("0\n1\n2\n")
    assert shared.value("done") is True


def test_an_error_after_a_flood_keeps_its_name(shared):
    run = shared.run("print('x' * 10**6)\nraise KeyError('the end')", output_bytes=1000)
    assert (run.outcome, run.truncated) == (Outcome.ERROR, True)
    assert run.outputs[-1]["ename"] == "KeyError"
    assert "the end" in run.outputs[-1]["evalue"]


def test_an_exception_with_an_endless_message_is_an_error_and_nothing_is_lost(shared):
    run = shared.run("kept = 8\nraise ValueError('x' * 20_000_000)")
    assert (run.outcome, run.truncated) == (Outcome.ERROR, True)
    assert shared.value("kept") == 8


def test_one_endless_line_shows_its_beginning_or_is_dropped_and_the_next_cell_prints(shared):
    for size in (5_000_000, 50_000_000):
        run = shared.run(f"print('x' * {size})", output_bytes=1000)
        assert (run.outcome, run.truncated) == (Outcome.OK, True)
        assert set(stream(run)) <= {"x", "\n"}
    assert shared.text("print('next')") == "next\n"


FLOODS = {
    "a gigabyte of text": "for _ in range(100): print('x' * 10_000_000)",
    "a line of 50 MB": "print('x' * 50_000_000)",
    "large displays": """
        from IPython.display import display
        for _ in range(60): display({"image/png": "A" * 7_000_000}, raw=True)
    """,
    "one display of 400 MB": """
        from IPython.display import display
        display({"image/png": "A" * 400_000_000}, raw=True)
    """,
    "a message made of objects": """
        from IPython.display import display
        display({"text/plain": [[] for _ in range(2_600_000)]}, raw=True)
    """,
    "a message of parts without end": """
        import os, socket
        frame = bytes([3]) + (1_000_000).to_bytes(8) + bytes(1_000_000)
        for name in os.listdir("/proc/self/fd"):
            try:
                peer = socket.socket(fileno=os.dup(int(name)))
                # Connected, and not one of a pair: the grader is at the other end.
                path = peer.getsockname()
            except OSError:
                continue
            if isinstance(path, str) and path.startswith("/run/nbjudge"):
                peer.setblocking(True)
                peer.settimeout(1)
                try:
                    for _ in range(400): peer.sendall(frame)
                except OSError:
                    pass
    """,
    "a reply of 400 MB": """
        import sys
        sys.modules["_nbjudge_agent"].handle = lambda request: "A" * 400_000_000
    """,
}
MEASURE = """
    import resource, sys
    from nbjudge.kernel import KernelSetup, SealedKernel
    from nbjudge.limits import MIB, Limits
    limits = Limits(reply_bytes=16 * MIB)
    with SealedKernel(KernelSetup(limits=limits)) as kernel:
        kernel.run("import IPython.display", seconds=60, output_bytes=2 * MIB)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        run = kernel.run(sys.stdin.read(), seconds=60, output_bytes=2 * MIB)
        reply = kernel.probe(b"", seconds=20)
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print((after - before) // 1024, run.outcome.value, reply.outcome.value)
"""


@pytest.mark.slow
@pytest.mark.parametrize("what", FLOODS)
def test_no_flood_fills_the_graders_memory(grader, what):
    process = grader(MEASURE, stdin=subprocess.PIPE)
    said, _ = process.communicate(textwrap.dedent(FLOODS[what]), timeout=180)
    mebibytes, *outcomes = said.split()
    assert int(mebibytes) < 100, said
    assert set(outcomes) <= {"ok", "error", "died", "memory", "too_large", "stuck"}


# Probes


@pytest.fixture
def channel(start):
    inside = start(reply_bytes=4 * MIB)

    def send(request, _label):
        reply = inside.kernel.probe(request, seconds=20)
        if reply.outcome is not Outcome.OK:
            raise KernelLost(reply.outcome.value)
        return reply.data

    inside.channel = Channel(send, max_bytes=4 * MIB)
    return inside


def test_names_functions_and_probes_answer_by_value(channel):
    channel.run("import numpy as np\nw = np.arange(3.0)\ndef double(x): return 2 * x\nopen_ = open")
    assert channel.channel.name("w").tolist() == [0, 1, 2]
    assert channel.channel.name("double")(21) == 42
    assert isinstance(channel.channel.name("open_"), Remote)
    with pytest.raises(StudentError) as caught:
        channel.channel.name("missing")
    assert caught.value.missing == "missing"


def test_what_a_function_prints_while_it_is_tested_is_nobodys(channel):
    channel.run("def loud(): print('x' * 10**7); return 3")
    assert channel.channel.name("loud")() == 3
    assert channel.text("print('quiet')") == "quiet\n"


def test_a_value_too_large_to_check_is_an_error_with_that_name(channel):
    channel.run("def f(): return b'x' * 5_000_000")
    with pytest.raises(StudentError) as caught:
        channel.channel.name("f")()
    assert caught.value.type_name == "ValueTooLarge"
    assert channel.run("1").outcome is Outcome.OK


def test_a_forged_reply_too_large_to_read_is_an_outcome_and_the_kernel_can_be_asked_again(start):
    inside = start(reply_bytes=MIB)
    inside.run("""
        import sys
        agent = sys.modules["_nbjudge_agent"]
        honest = agent.handle
        agent.handle = lambda request: "A" * 50_000_000
    """)
    assert inside.kernel.probe(b"", seconds=20).outcome is Outcome.TOO_LARGE
    inside.run("agent.handle = honest")
    order = values.encode({"op": "get", "name": "__name__"}, max_bytes=MIB)
    reply = inside.kernel.probe(order, seconds=20)
    assert values.decode(reply.data, max_bytes=MIB) == {"ok": "__main__"}


def test_a_probe_that_does_not_end_is_interrupted_and_the_kernel_can_be_asked_again(start):
    inside = start()
    inside.run("def f():\n    while True: pass")
    order = {"op": "probe", "source": "def p():\n    while True: pass", "name": "p"}
    data = values.encode(order | {"args": [], "kwargs": {}}, max_bytes=MIB)
    assert inside.kernel.probe(data, seconds=1).outcome is Outcome.TIMEOUT
    assert inside.value("1 + 1") == 2


# Each is run in a cell; then a test asks for f() and for a probe that counts to three.
ATTACKS = {
    "built-ins are replaced": """
        import builtins
        for name in list(vars(builtins)):
            if name not in {"__import__", "__build_class__", "__name__", "__spec__"}:
                try: setattr(builtins, name, lambda *a, **k: 1)
                except BaseException: pass
    """,
    "import is replaced": "import builtins\nbuiltins.__import__ = lambda *a, **k: None",
    "modules are emptied": "import sys\nsys.modules.clear()",
    "the agent is removed": "import sys\ndel sys.modules['_nbjudge_agent']",
    "the agent answers nonsense": """
        import sys
        sys.modules['_nbjudge_agent'].handle = lambda request: "AAAA"
    """,
    "the agent answers an object": """
        import sys
        sys.modules['_nbjudge_agent'].handle = lambda request: object()
    """,
    "the agent raises": """
        import sys
        def handle(request): raise SystemExit
        sys.modules['_nbjudge_agent'].handle = handle
    """,
    "the agent answers what is not its to say": """
        import sys, base64, json
        text = json.dumps(["d", [["verdict", ["s", "passed"]], ["points", ["i", "0x14"]]]]).encode()
        reply = b"NBJ1" + len(text).to_bytes(4) + text
        sys.modules['_nbjudge_agent'].handle = lambda r: base64.b64encode(reply).decode()
    """,
    "the codec is replaced": """
        import sys
        agent = sys.modules['_nbjudge_agent']
        agent._encode = agent._decode = lambda *a, **k: b"x"
        sys.modules['_nbjudge_values'].encode = None
    """,
    "the shell shows everything as it likes": """
        shell = get_ipython()
        shell.user_expressions = lambda e: {"reply": {"status": "ok", "data": ["text/plain"]}}
    """,
    "the formatter lies": """
        shell = get_ipython()
        plain = shell.display_formatter.formatters["text/plain"]
        plain.for_type(str, lambda s, p, c: p.text("'" + "A" * 11 + "='"))
    """,
    "base64 is replaced": "import base64\nbase64.b64encode = base64.b64decode = None",
    "the reply is deep": """
        import sys, base64
        text = b'["l",[' * 100_000 + b"]]" * 100_000
        reply = b"NBJ1" + len(text).to_bytes(4) + text
        sys.modules['_nbjudge_agent'].handle = lambda r: base64.b64encode(reply).decode()
    """,
}


@pytest.mark.parametrize("how", ATTACKS)
def test_an_attack_on_the_agent_ends_in_an_error_or_an_honest_value(channel, how):
    channel.run("def f(): return 7")
    channel.run(ATTACKS[how], seconds=2)
    for ask, honest in (
        (lambda: channel.channel.name("f")(), 7),
        (lambda: channel.channel.probe(_count_to_three, (), {}), 3),
    ):
        try:
            got = ask()
        except (StudentError, KernelLost):
            continue
        except HiddenTestError as error:  # never: that would blame the teacher
            pytest.fail(str(error))
        assert type(got) is int
        assert got == honest


def _count_to_three():
    return len([1, 2, 3])


FORGED = {
    "not a dictionary": "[]",
    "no dictionary inside": '{"status": 3, "user_expressions": [1]}',
    "half a character": r'{"status": "ok", "payload": [{"source": "\ud800"}]}',
    "a number without end": '{"status": "ok", "execution_count": 1' + "0" * 5000 + "}",
    "very deep": '{"status": "ok", "payload": ' + "[" * 5000 + "]" * 5000 + "}",
    "not JSON": "\x00\xff",
    "NaN": '{"status": NaN, "payload": Infinity}',
}
FORGE = """
def forge(kind, text, channel="shell"):
    kernel = get_ipython().kernel
    session = kernel.session
    parent = kernel.get_parent("shell")
    pack = session.pack
    parts = [pack(session.msg_header(kind)), pack(parent["header"]), pack({}),
             text.encode("utf-8", "surrogateescape")]
    ident = kernel.get_parent("shell") and kernel._parent_ident["shell"]
    stream = kernel.shell_stream if channel == "shell" else kernel.iopub_socket
    idents = ident if channel == "shell" else [b"topic"]
    stream.send_multipart([*idents, b"<IDS|MSG>", session.sign(parts), *parts])
"""


@pytest.fixture(scope="module")
def forger(orphans_come_back):
    with SealedKernel(KernelSetup()) as kernel:
        inside = Inside(kernel)
        assert inside.run(FORGE).outcome is Outcome.OK
        yield inside


@pytest.mark.parametrize("what", FORGED)
def test_a_forged_message_is_no_accident(forger, what):
    for kind in ("stream", "display_data", "error", "execute_result", "clear_output", "status"):
        run = forger.run(f"forge({kind!r}, {FORGED[what]!r}, 'iopub')\nprint('well')")
        assert run.outcome is Outcome.OK
        assert stream(run) == "well\n"
        json.dumps(run.outputs).encode("utf-8")
    run = forger.run(f"forge('execute_reply', {FORGED[what]!r})")
    assert run.outcome in (Outcome.OK, Outcome.ERROR)
    assert forger.value("1 + 1") == 2


def test_outputs_can_always_be_written_as_utf_8(forger):
    text = r'{"name": "stdout", "text": "a\ud800b"}'
    run = forger.run(f"forge('stream', {text!r}, 'iopub')")
    assert stream(run) == "a?b"
    error = r'{"ename": "\udfff", "evalue": ["x"], "traceback": [1, "\ud800"]}'
    run = forger.run(f"forge('error', {error!r}, 'iopub')")
    assert run.outputs[0]["ename"] == "?"
    assert run.outputs[0]["traceback"] == ["?"]


# The work folder


def test_a_students_module_by_the_name_of_a_library_does_not_take_its_place(start):
    uploads = {f"{n}.py": b"raise ImportError" for n in ("numpy", "random", "traitlets", "runpy")}
    inside = start(uploads=uploads | {"ipykernel_launcher.py": b"raise SystemExit"})
    assert inside.value("float(__import__('numpy').ones(3).sum())") == 3
    assert "sealed" not in inside.value("__import__('random').__file__")


def test_the_assignments_own_module_is_imported_whatever_the_student_sent(start, tmp_path):
    (tmp_path / "lesson.py").write_text("answer = 42")
    inside = start(
        files={"lesson.py": tmp_path / "lesson.py"}, uploads={"lesson.py": b"answer = 0"}
    )
    assert inside.value("__import__('lesson').answer") == 42
    run = inside.run("open('lesson.py', 'w')")
    assert run.outputs[-1]["ename"] == "OSError"  # read-only file system
    assert inside.run("open('notes.txt', 'w').write('x')").outcome is Outcome.OK


# Kernels that do not start


@pytest.fixture
def kernelspec(tmp_path, monkeypatch):
    """Install kernelspecs for one test: ``kernelspec(name, argv)``."""
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))

    def install(name, argv, language="python"):
        folder = tmp_path / "kernels" / name
        folder.mkdir(parents=True)
        spec = {"argv": argv, "display_name": name, "language": language, "env": {"COURSE": "tp"}}
        (folder / "kernel.json").write_text(json.dumps(spec))

    return install


def test_a_kernel_that_is_not_installed_is_named_with_what_to_do(start):
    with pytest.raises(KernelStartError, match=r"'julia-9'.*not installed.*kernel_name"):
        start(kernel_name="julia-9")


def test_a_kernelspec_of_the_machine_is_used_as_it_says(start, kernelspec):
    argv = ["python", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    kernelspec("course", argv)
    inside = start(kernel_name="course")
    assert inside.value("[__import__('os').environ['COURSE'], __import__('sys').prefix]") == [
        "tp",
        sys.prefix,
    ]


def test_a_kernel_that_ends_at_once_says_why(start, kernelspec):
    code = "import sys; sys.exit('no luck today')"
    kernelspec("unlucky", [sys.executable, "-c", code])
    with pytest.raises(KernelStartError, match="no luck today"):
        start(kernel_name="unlucky")


def test_a_kernel_that_says_nothing_is_given_up(start, kernelspec):
    kernelspec("mute", [sys.executable, "-c", "import time; time.sleep(600)"])
    with pytest.raises(KernelStartError, match="did not answer in time"):
        start(kernel_name="mute", start_seconds=1)


def test_a_kernel_that_speaks_another_language_on_its_sockets_is_given_up(start, kernelspec):
    code = """
import json, socket, sys, time
info = json.load(open(sys.argv[1]))
held = []
for port in range(1, 6):
    s = socket.socket(socket.AF_UNIX)
    s.bind(f"{info['ip']}-{port}")
    s.listen()
    held.append(s)
peer, _ = held[1].accept()
peer.send(b"HTTP/1.1 400 Bad Request" * 10)
time.sleep(600)
"""
    kernelspec("http", [sys.executable, "-c", code, "{connection_file}"])
    with pytest.raises(KernelStartError, match="ZMTP"):
        start(kernel_name="http")


def test_an_environment_other_than_the_one_meant_is_refused(start, monkeypatch):
    monkeypatch.setattr(sys, "prefix", "/usr/share")  # is shown inside, but is not what runs
    with pytest.raises(KernelStartError, match="expected the Python environment /usr/share"):
        start()


def test_a_kernel_that_was_not_started_or_is_closed_says_that_it_is_dead():
    kernel = SealedKernel(KernelSetup())
    assert not kernel.alive
    assert kernel.run("1", seconds=1, output_bytes=1).outcome is Outcome.DIED
    kernel.close()
    assert kernel.probe(b"", seconds=1).outcome is Outcome.DIED


# Without a sandbox


def test_an_unsealed_kernel_runs_in_a_folder_of_its_own_and_leaves_nothing(start, tmp_path):
    (tmp_path / "data.csv").write_text("1,2")
    inside = start(
        unsealed=True, files={"data.csv": tmp_path / "data.csv"}, uploads={"mine.txt": b"x"}
    )
    assert inside.value("sorted(__import__('os').listdir())") == ["data.csv", "mine.txt"]
    assert inside.value("open('data.csv').read()") == "1,2"
    folder = Path(inside.value("__import__('os').getcwd()"))
    inside.run("import subprocess; p = subprocess.Popen(['sleep', '600'], start_new_session=True)")
    left = psutil.Process(inside.value("p.pid"))
    assert inside.run("while True: pass", seconds=1).outcome is Outcome.TIMEOUT
    inside.kernel.close()
    until(lambda: not left.is_running() or left.status() == psutil.STATUS_ZOMBIE)
    assert not folder.exists()


def test_an_unsealed_kernel_has_limits_too(start):
    inside = start(unsealed=True, memory_bytes=300 * MIB)
    assert inside.run(BOMBS["a list"], seconds=50).outcome is Outcome.MEMORY
