"""What a process in the sandbox can see, reach and change: as little as it needs.

Each attack is tried from inside, on the machine that runs the tests, whoever runs them: as root
the sandbox must hold as well as for an ordinary user.
"""

import json
import os
import socket
import stat
import sys
import threading
from pathlib import Path

import psutil
import pytest
from inside import PARENTS, SECONDS, begin_inside, run_inside, until

from nbjudge.errors import ConfigurationError, KernelStartError
from nbjudge.limits import MIB, Limits
from nbjudge.sandbox import RUN, TMPFS, WORK, Sealing, diagnose, seal
from nbjudge.warm import WarmParent

pytestmark = pytest.mark.usefixtures("orphans_come_back", "way")

LIMITS = Limits(work_bytes=8 * MIB, tmp_bytes=6 * MIB, shm_bytes=4 * MIB, processes=20)
REPOSITORY = Path(__file__).resolve().parents[2]

LIBC = """
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
def call(function, *arguments):
    ctypes.set_errno(0)
    result = function(*arguments)
    return "done" if result >= 0 else errno.errorcode[ctypes.get_errno()]
def mounts():
    for line in open("/proc/self/mountinfo"):
        left, right = line.split(" - ")
        path = left.split()[4].encode().decode("unicode_escape")
        yield path, left.split()[5].split(","), right.split()[0]
"""
WAIT = "import time; time.sleep(600)"
PLAIN = (sys.executable, "-I", "-c")


def pytest_generate_tests(metafunc):
    """Try everything twice: in a sandbox with a Python of its own, and with a forked one."""
    ways = ["cold"] if metafunc.definition.get_closest_marker("cold") else ["cold", "warm"]
    metafunc.parametrize("way", ways, indirect=True, scope="module")


@pytest.fixture(scope="module")
def way(request):
    if request.param == "cold":
        yield "cold"
        return
    parent = WarmParent(Sealing(argv=(sys.executable,), limits=Limits()), ())
    PARENTS.append(parent)
    yield "warm"
    PARENTS.remove(parent)
    parent.close()


@pytest.fixture
def lesson(tmp_path):
    """An assignment's folder of files, as a grader lays it out."""
    (tmp_path / "data.csv").write_text("1,2\n")
    (tmp_path / "large.bin").write_bytes(b"x" * (9 * MIB))
    return {"data.csv": tmp_path / "data.csv", "deep/large.bin": tmp_path / "large.bin"}


@pytest.mark.cold
def test_a_sandbox_can_be_made_here():
    assert diagnose().ok, diagnose()


# Who it is


def test_it_is_an_ordinary_user_without_any_capability_and_can_never_gain_one():
    status = run_inside("say(dict(l.split(':', 1) for l in open('/proc/self/status')))")
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[name], 16) == 0
    assert status["NoNewPrivs"].strip() == "1"
    assert status["Uid"].split() == ["1000"] * 4
    assert status["Gid"].split() == ["1000"] * 4
    assert status["Groups"].split() in ([], ["65534"])  # what cannot be named inside


def test_root_gives_the_sandbox_to_nobody():
    if os.getuid() != 0:
        pytest.skip("only root has something to give away")
    box = begin_inside(WAIT, limits=LIMITS)
    try:
        status = Path(f"/proc/{box.pid}/status").read_text()
    finally:
        box.close()
    assert status.split("Uid:")[1].split()[:4] == ["65534"] * 4
    assert status.split("Groups:")[1].splitlines()[0].split() == []


def test_it_runs_in_the_environment_meant_under_a_name_of_its_own():
    found = run_inside("import platform; say([sys.prefix, platform.node()])", python=PLAIN)
    assert found == [sys.prefix, "sealed"]


def test_nothing_of_the_graders_environment_variables_comes_in(monkeypatch):
    monkeypatch.setenv("COURSE_SECRET", "hunter2")
    found = run_inside("""
        texts = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            for name in ("environ", "cmdline"):
                texts[f"{pid} {name}"] = open(f"/proc/{pid}/{name}").read()
        say([dict(os.environ), texts])
    """)
    variables, texts = found
    assert len(texts) >= 4
    assert "hunter2" not in json.dumps(found)
    assert {"COURSE_SECRET", "LD_LIBRARY_PATH", "PYTHONPATH", "SSH_AUTH_SOCK"}.isdisjoint(variables)
    assert variables["HOME"] == "/tmp"
    host = os.environ.get("HOME", "/nowhere")
    assert not [name for name, value in variables.items() if value == host]


def test_descriptors_lead_to_nothing_of_this_machine():
    links = run_inside("""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            folder = f"/proc/{pid}/fd"
            for name in os.listdir(folder):
                try:
                    found.append(os.readlink(f"{folder}/{name}"))
                except FileNotFoundError:
                    pass
        say(found)
    """)
    assert len(links) > 4
    kinds = {link.split(":")[0] for link in links if not link.startswith("/proc/")}
    assert kinds <= {"pipe", "anon_inode", "/dev/null"}, links


# What it can change


def test_every_mount_is_read_only_except_small_tmpfs_and_devices():
    found = run_inside(LIBC + "say(list(mounts()))", python=PLAIN, limits=LIMITS)
    assert len(found) > 15
    writable = {path: kind for path, flags, kind in found if "ro" not in flags}
    devices = {p for p, kind in writable.items() if p.startswith("/dev/") and p != "/dev/shm"}
    assert set(writable) - devices == set(TMPFS)
    assert devices <= {
        f"/dev/{name}"
        for name in ("null", "zero", "full", "random", "urandom", "tty", "pts", "console")
    }
    for path, flags, _kind in found:
        assert "nosuid" in flags, path
        assert path in devices or "nodev" in flags, path


def test_the_writable_folders_have_the_sizes_that_the_limits_say():
    sizes = run_inside(
        f"say({{p: os.statvfs(p).f_blocks * os.statvfs(p).f_frsize for p in {TMPFS!r}}})",
        limits=LIMITS,
    )
    assert sizes == {WORK: 8 * MIB, RUN: MIB, "/tmp": 6 * MIB, "/dev/shm": 4 * MIB}


@pytest.mark.slow
def test_a_walk_through_everything_finds_no_other_place_to_write():
    found = run_inside(
        """
        found = []
        for top, folders, names in os.walk("/"):
            if top == "/":
                folders.remove("proc")
            for name in [".", *names]:
                path = os.path.normpath(os.path.join(top, name))
                if not os.path.islink(path) and os.access(path, os.W_OK):
                    found.append(path)
        seen = sum(1 for _ in os.walk("/usr"))
        say([found, seen])
        """,
        limits=LIMITS,
    )
    writable, seen = found
    assert seen > 100
    places = (*TMPFS, "/dev/pts")
    assert {p for p in writable if p.startswith(places)} >= set(TMPFS)
    rest = {p for p in writable if not p.startswith(places)}
    assert rest <= {f"/dev/{n}" for n in ("null", "zero", "full", "random", "urandom", "tty")}


def test_no_read_only_mount_can_be_mounted_anew_for_writing(lesson):
    found = run_inside(
        LIBC
        + """
import subprocess
MS_RDONLY, MS_REMOUNT, MS_BIND, MNT_DETACH = 1, 32, 4096, 2
outcomes = []
for path, flags, _kind in list(mounts()):
    p = path.encode()
    outcomes.append([path, call(libc.mount, b"none", p, None, MS_REMOUNT | MS_BIND, None)])
    outcomes.append([path, call(libc.mount, b"none", p, None, MS_REMOUNT, None)])
    outcomes.append([path, call(libc.mount, b"tmpfs", p, b"tmpfs", 0, None)])
    outcomes.append([path, call(libc.mount, b"/tmp", p, None, MS_BIND, None)])
    outcomes.append([path, call(libc.umount2, p, MNT_DETACH)])
binary = [
    subprocess.run(["mount", "-o", "remount,rw,bind", path], capture_output=True).returncode
    for path in ("/usr", "/proc", "/sealed/data.csv", "/etc/passwd", "/")
]
say([outcomes, binary, sum("ro" in flags for _path, flags, _kind in mounts())])
        """,
        python=PLAIN,
        files=lesson,
        limits=LIMITS,
    )
    outcomes, binary, read_only = found
    assert len(outcomes) > 75
    assert {outcome for _path, outcome in outcomes} == {"EPERM"}
    assert all(binary)
    assert read_only > 15


# Files of the machine that are shown, or that a process of their owner's could change by name.
SHOWN = [sys.executable, "/usr/bin/env", "/etc/fonts/fonts.conf", "/dev/null", "/dev/urandom"]


def test_no_file_of_this_machine_changes_by_content_name_mode_or_time(lesson, tmp_path):
    paths = [p for p in SHOWN if os.path.exists(p)]
    host = {p: Path(p) for p in paths} | {f"{WORK}/{n}": p for n, p in lesson.items()}
    before = {p: _state(host[p]) for p in host}
    inside = [*host, "/etc/passwd", f"{RUN}/connection.json", os.path.dirname(os.__file__)]
    found = run_inside(
        f"""
        import stat
        def change(function, *arguments):
            try:
                function(*arguments)
            except OSError as error:
                return errno.errorcode[error.errno]
            return "done"
        import errno
        outcomes = {{}}
        for path in {inside!r}:
            mode = os.stat(path).st_mode & 0o7777
            device = stat.S_ISCHR(os.stat(path).st_mode)
            outcomes[path] = [
                "EROFS" if device else change(open, path, "r+b"),
                change(os.chmod, path, mode),
                change(os.chown, path, 1000, 1000),
                change(os.utime, path, (1, 1)),
                change(os.setxattr, path, "user.x", b"1"),
                change(os.rename, path, path + "2"),
                change(os.unlink, path),
                change(os.symlink, "/tmp", os.path.dirname(path) + "/link")
                if not path.startswith(("/sealed", "/run/nbjudge")) else "EROFS",
                change(os.link, path, "/tmp/hard"),
            ]
        say(outcomes)
        """,
        files=lesson,
        limits=LIMITS,
    )
    assert set(found) == set(inside)
    for path, outcomes in found.items():
        assert "done" not in outcomes, (path, outcomes)
    assert {p: _state(host[p]) for p in host} == before


def _state(path):
    status = os.stat(path)
    content = b"" if stat.S_ISCHR(status.st_mode) else Path(path).read_bytes()
    return status.st_mode, status.st_uid, status.st_mtime_ns, status.st_nlink, hash(content)


def test_the_kernels_settings_cannot_be_written():
    found = run_inside("""
        writable, tried = [], 0
        for top, folders, names in os.walk("/proc"):
            if top == "/proc":
                folders[:] = [f for f in folders if not f.isdigit() and "self" not in f]
            for name in names:
                tried += 1
                path = os.path.join(top, name)
                if os.access(path, os.W_OK):
                    writable.append(path)
        try:
            open("/proc/sys/kernel/core_pattern", "w")
        except OSError as error:
            refusal = error.strerror
        say([writable, tried, refusal, os.path.exists("/sys/kernel")])
    """)
    assert found[1] > 100
    assert found == [[], found[1], "Read-only file system", False]


# What it can see


def test_nothing_of_the_course_the_home_or_other_users_is_there(tmp_path, lesson):
    (tmp_path / "gradebook.db").write_text("x")
    host = {
        *(str(p) for p in REPOSITORY.iterdir() if p.name not in {".venv", "venv"}),
        *(str(p) for p in Path.home().iterdir()),
        *(f"/{name}" for name in os.listdir("/")),
        str(tmp_path),
        str(tmp_path / "gradebook.db"),
        __file__,
        "/etc/shadow",
        "/etc/hostname",
        "/etc/ssh",
        "/etc/machine-id",
        "/var/log",
        "/run/systemd",
        "/dev/kmsg",
        "/dev/mem",
        "/dev/fuse",
        "/dev/kvm",
        "/dev/net",
        "/dev/vsock",
    }
    seen = set(
        run_inside(f"say([p for p in {sorted(host)!r} if os.path.lexists(p)])", files=lesson)
    )
    system = {f"/{n}" for n in ("bin", "lib", "lib32", "lib64", "libx32", "sbin", "usr")}
    own = {"/dev", "/etc", "/proc", "/run", "/tmp"}
    # Folders on the way to the interpreter exist, and hold nothing else.
    way = {str(p) for q in (sys.prefix, sys.base_prefix) for p in [Path(q), *Path(q).parents]}
    assert seen - system - own - way == set()


def test_folders_on_the_way_to_the_interpreter_hold_nothing_else():
    way = {str(p) for q in (sys.prefix, sys.base_prefix) for p in Path(q).parents} - {"/"}
    # Not the sandbox's own /tmp, where this environment may lie as well.
    way = sorted(p for p in way if not p.startswith(("/usr", "/lib", "/bin")) and p not in TMPFS)
    found = run_inside(f"say({{p: os.listdir(p) for p in {way!r}}})")
    allowed = {p.name for q in (sys.prefix, sys.base_prefix) for p in [Path(q), *Path(q).parents]}
    allowed |= {Path(os.path.realpath(sys.base_prefix)).name}
    for path, names in found.items():
        assert set(names) <= allowed, path


def test_a_course_inside_the_folder_of_an_environment_is_not_shown(tmp_path):
    for name in ("bin", "lib", "share", "source", "submitted", ".git"):
        (tmp_path / name).mkdir()
    (tmp_path / "gradebook.db").write_text("x")
    found = run_inside(f"say(os.listdir({str(tmp_path)!r}))", prefixes=(str(tmp_path),))
    assert sorted(found) == ["bin", "lib", "share"]


def test_other_processes_are_neither_seen_nor_reached():
    found = run_inside(f"""
        seen = [open(f"/proc/{{p}}/comm").read() for p in os.listdir("/proc") if p.isdigit()]
        try:
            os.kill({os.getpid()}, 0)
            reached = True
        except ProcessLookupError:
            reached = {os.getpid()} == os.getpid()
        say([len(seen), reached])
    """)
    # bubblewrap's and this one; the one that waited for it, if it was forked.
    assert found == [3 if PARENTS else 2, False]


def test_another_sandbox_is_out_of_reach():
    code = "open('/run/nbjudge/mine', 'w'); " + WAIT
    other = begin_inside(code, limits=LIMITS)
    try:
        found = run_inside(f"""
            import glob
            say([glob.glob("/proc/*/root/run/nbjudge/mine"), os.path.exists("/proc/{other.pid}")
                 and {other.pid} > 50])
        """)
        assert other.poll() is None
    finally:
        other.close()
    assert found == [[], False]


def test_there_is_no_network_and_no_socket_of_this_machine():
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_UNIX) as abstract,
    ):
        abstract.bind("\0nbjudge-test")
        abstract.listen()
        found = run_inside(
            f"""
            import socket
            def reach(family, address):
                with socket.socket(family) as s:
                    s.settimeout(5)
                    try:
                        s.connect(address)
                    except OSError as error:
                        return type(error).__name__
                return "reached"
            say([
                [name for _i, name in socket.if_nameindex()],
                reach(socket.AF_INET, ("127.0.0.1", {tcp.getsockname()[1]})),
                reach(socket.AF_INET, ("192.0.2.1", 80)),
                reach(socket.AF_UNIX, "\\0nbjudge-test"),
            ])
            """,
            python=PLAIN,
        )
    interfaces, *reached = found
    assert interfaces == ["lo"]
    assert reached == ["ConnectionRefusedError", "OSError", "ConnectionRefusedError"]


FAMILIES = {"packets": 17, "TIPC": 30, "Bluetooth": 31, "the kernel's ciphers": 38, "vsock": 40}


@pytest.mark.parametrize("family", FAMILIES)
def test_kinds_of_sockets_that_know_no_namespace_do_not_exist(family):
    found = run_inside(
        f"""
        import errno, socket
        try:
            socket.socket({FAMILIES[family]}, socket.SOCK_RAW)
        except OSError as error:
            say(errno.errorcode[error.errno])
        """,
        python=PLAIN,
    )
    assert found == "EAFNOSUPPORT"


def test_no_namespace_can_be_made_or_entered():
    found = run_inside(
        LIBC
        + """
flags = {"user": 0x10000000, "mount": 0x20000, "pid": 0x20000000, "net": 0x40000000,
         "user and mount": 0x10020000}
made = {name: call(libc.unshare, flag) for name, flag in flags.items()}
import subprocess
bwrap = ["bwrap", "--bind", "/", "/", "true"]
made["bwrap"] = subprocess.run(bwrap, capture_output=True).returncode
say(made)
        """,
        python=PLAIN,
    )
    assert found.pop("bwrap") != 0
    assert "done" not in found.values()
    assert found["user"] in {"ENOSPC", "EPERM"}


CALLS = {
    "keyctl: read the session keyring of who started the grader": (250, 219, (11, -3, 0, 0)),
    "add_key": (248, 217, (b"user", b"a", b"b", 1, -3)),
    "request_key": (249, 218, (b"user", b"a", None, -3)),
    "ptrace: seize the sandbox's first process": (101, 117, (0x4206, 1, 0, 0)),
    "bpf": (321, 280, (0, None, 0)),
    "perf_event_open": (298, 241, (None, 0, -1, -1, 0)),
    "io_uring_setup": (425, 425, (1, None)),
    "userfaultfd": (323, 282, (0,)),
    "memfd_create: memory that no process shows": (319, 279, (b"x", 0)),
    "shmget: the same, without a descriptor": (29, 194, (0, 4096, 0o1600)),
    "syslog: the kernel's messages": (103, 116, (3, None, 0)),
}


@pytest.mark.parametrize("name", CALLS)
def test_calls_that_namespaces_do_not_separate_do_not_exist(name):
    x86, arm, arguments = CALLS[name]
    number = {"x86_64": x86, "aarch64": arm}[os.uname().machine]
    found = run_inside(LIBC + f"say(call(libc.syscall, {number}, *{arguments!r}))", python=PLAIN)
    assert found == "ENOSYS"


def test_there_is_no_terminal_to_type_into():
    found = run_inside("""
        try:
            os.open("/dev/tty", os.O_RDWR)
        except OSError as error:
            say([error.errno, os.isatty(0), os.isatty(1)])
    """)
    assert found == [6, False, False]  # ENXIO: it has no controlling terminal


def test_limits_of_one_process_are_set_and_cannot_be_raised():
    found = run_inside(
        """
        import resource
        names = ("CORE", "NOFILE", "AS", "FSIZE", "NPROC")
        limits = {n: resource.getrlimit(getattr(resource, "RLIMIT_" + n)) for n in names}
        raised = []
        for n, (soft, hard) in limits.items():
            try:
                resource.setrlimit(getattr(resource, "RLIMIT_" + n), (soft, hard + 1))
                raised.append(n)
            except ValueError:
                pass
        say([limits, raised])
        """,
        limits=Limits(open_files=100, memory_bytes=512 * MIB, processes=20),
        python=PLAIN,
    )
    limits, raised = found
    assert limits["CORE"] == [1, 1]  # with 0, a machine's handler of crashes is still called
    assert limits["NOFILE"] == [100, 100]
    assert limits["AS"] == [2048 * MIB] * 2
    assert limits["NPROC"][0] == limits["NPROC"][1] > 20
    assert raised == []


def test_the_number_of_processes_has_a_hard_end_whoever_grades():
    made = run_inside(
        """
        made = 0
        try:
            while made < 500:
                if os.fork() == 0:
                    os.read(0, 1)
                    os._exit(0)
                made += 1
        except BlockingIOError:
            pass
        say(made)
        """.replace("os.read(0, 1)", "import time; time.sleep(60)"),
        limits=LIMITS,
    )
    assert LIMITS.processes <= made <= LIMITS.processes + 40


# The work folder


def test_the_assignments_files_and_the_students_lie_in_the_work_folder(lesson):
    found = run_inside(
        """
        open("answer.txt", "a").write("more")
        os.makedirs("made/here")
        say([os.getcwd(), open("data.csv").read(), os.path.getsize("deep/large.bin"),
             open("answer.txt").read(), sorted(os.listdir("."))])
        """,
        files=lesson,
        uploads={"answer.txt": b"some ", "photos/é.png": b"\x89PNG"},
    )
    assert found == [
        WORK,
        "1,2\n",
        9 * MIB,
        "some more",
        ["answer.txt", "data.csv", "deep", "made", "photos"],
    ]


HOSTILE_NAMES = [
    "data.csv",
    "data.csv/inside",
    "deep",
    "deep/large.bin",
    "../escape",
    "/etc/passwd",
    "deep/../../escape",
    "",
    ".",
    "nul\0byte",
]


def test_uploads_that_are_in_the_way_of_the_assignments_files_are_left_out(lesson):
    uploads = dict.fromkeys(HOSTILE_NAMES, b"student") | {"a/b": b"1", "a": b"2", "--help": b"3"}
    found = run_inside(
        "say([sorted(os.listdir('.')), open('data.csv').read(), os.listdir('deep'),"
        " open('/etc/passwd').read()[:4], open('a/b').read()])",
        files=lesson,
        uploads=uploads,
    )
    assert found == [["--help", "a", "data.csv", "deep"], "1,2\n", ["large.bin"], "root", "1"]


def test_as_many_uploads_as_are_read_fit_in_however_small_the_room():
    uploads = {f"{n}.txt": b"x" * 5000 for n in range(200)} | {"big": b"x" * (7 * MIB)}
    assert run_inside("say(len(os.listdir('.')))", uploads=uploads, limits=LIMITS) == 201


def test_a_name_that_is_not_utf_8_is_a_name():
    name = os.fsdecode(b"caf\xe9.txt")
    assert run_inside("say(os.listdir(b'.')[0].hex())", uploads={name: b""}) == b"caf\xe9.txt".hex()


def test_further_paths_are_shown_read_only(tmp_path):
    (tmp_path / "set.txt").write_text("data")
    tmp_path.chmod(0o755)
    found = run_inside(
        f"""
        path = {str(tmp_path / "set.txt")!r}
        try:
            open(path, "w")
        except OSError as error:
            say([open(path).read(), error.errno])
        """,
        readonly=(str(tmp_path),),
    )
    assert found[0] == "data"
    assert found[1] in {13, 30}  # EACCES before EROFS, where the file is root's
    assert (tmp_path / "set.txt").read_text() == "data"


def test_a_further_path_that_does_not_exist_is_the_teachers_error():
    with pytest.raises(ConfigurationError, match="/no/such/place"):
        run_inside("", readonly=("/no/such/place",))


# Its end


def test_closing_ends_what_has_detached_itself():
    code = """
import os, time
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        break
print(os.getpid(), flush=True)
time.sleep(600)
"""
    box = begin_inside(code, limits=LIMITS)
    try:
        first = psutil.Process(box.pid)
        until(lambda: len(box.words().split()) >= 4)
        inside = [first, *first.children(recursive=True)]
        assert len(inside) >= 5
    finally:
        box.close()
    assert not [p for p in inside if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


def test_closing_twice_does_no_harm():
    box = begin_inside(WAIT, limits=LIMITS)
    box.close()
    box.close()
    assert box.poll() is not None


STARTS_AND_SAYS = """
    import sys, time
    from nbjudge.limits import Limits
    from nbjudge.sandbox import Sealing, seal
    box = seal(Sealing(argv=(sys.executable, "-c", "import time; time.sleep(600)"),
                       connection="", limits=Limits()))
    print(box.pid, flush=True)
    time.sleep(600)
"""


@pytest.mark.cold
@pytest.mark.parametrize("moment", ["while it is made", "when it runs"])
def test_nothing_outlives_a_grader_that_is_killed(grader, moment):
    process = grader(STARTS_AND_SAYS)
    first = psutil.Process(int(process.stdout.readline()))
    if moment == "when it runs":
        until(lambda: any(len(p.cmdline()) == 3 for p in first.children()))
    else:
        mounts = Path(f"/proc/{first.pid}/mountinfo")
        until(lambda: "/newroot" in mounts.read_text() or WORK in mounts.read_text())
    tree = [first, *psutil.Process(process.pid).children(recursive=True)]
    process.kill()
    process.wait()
    until(lambda: not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in tree))


def test_a_sandbox_ends_with_the_thread_that_started_it():
    made = []

    def make():
        made.append(begin_inside(WAIT, limits=LIMITS))

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    try:
        assert made[0].wait(10) is not None
    finally:
        made[0].close()


def test_a_flood_on_the_error_output_fills_neither_disk_nor_memory():
    code = """
import os
for _ in range(10**5):
    try:
        os.write(2, b"x" * 4096)
    except BlockingIOError:
        pass
"""
    box = begin_inside(code, limits=LIMITS)
    try:
        assert box.wait(SECONDS) is not None
        assert 4096 <= len(box.words()) <= 1 << 16
    finally:
        box.close()


@pytest.mark.cold
def test_a_command_that_does_not_exist_is_named():
    box = seal(Sealing(argv=("/no/such/python",), connection="", limits=LIMITS))
    try:
        with pytest.raises(KernelStartError, match="/no/such/python: No such file"):
            box.connect("k-1", float("inf"))
    finally:
        box.close()
