"""Sealed processes by bubblewrap: the only file that knows it.

What runs inside sees the interpreter and libraries read-only, a work folder and a few small
tmpfs, and nothing else of this machine: no network, no other process, no home, no course.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import site
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from nbjudge import diagnosis, seccomp
from nbjudge.diagnosis import Diagnosis
from nbjudge.errors import ConfigurationError, KernelStartError, SandboxUnavailable
from nbjudge.handover import PLAIN_PYTHON, handed_over
from nbjudge.interpreter import SYSTEM, environment_paths, font_cache, user_site
from nbjudge.limits import MIB, Limits
from nbjudge.watchdog import SandboxView, TreeView, View, tree

__all__ = ["RUN", "WORK", "Diagnosis", "SandboxProcess", "Sealing", "diagnose", "seal", "unsealed"]

WORK = "/sealed"
"""The work folder inside."""
RUN = "/run/nbjudge"
"""Inside: the connection file and the sockets; a tmpfs of its own."""
TMPFS = (WORK, RUN, "/tmp", "/dev/shm")  # noqa: S108 - inside
"""All that can be written to, each of a set size."""
_ISOLATION = (
    "--unshare-all",
    "--unshare-user",  # --unshare-all only tries; as root it would be left out
    "--disable-userns",
    "--cap-drop",
    "ALL",  # bubblewrap run by root keeps its capabilities otherwise
    "--new-session",
    "--die-with-parent",
    "--clearenv",
)
_USER = ("--uid", "1000", "--gid", "1000", "--hostname", "sealed")
_ETC = (
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/alternatives",
    "/etc/localtime",
    "/etc/timezone",
    "/etc/fonts",
    "/etc/mime.types",
)
_PASSWD = "root:x:0:0::/:/usr/sbin/nologin\nstudent:x:1000:1000::/tmp:/bin/sh\n"  # noqa: S105
_GROUP = "root:x:0:\nstudent:x:1000:\n"
_HOSTS = "127.0.0.1 localhost sealed\n"
# Set for the machine's processor by its administrator; judge and kernel must compute alike.
_KEPT_VARIABLES = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "MKL_CBWR")
_DATA_BYTES = 8 * MIB
"""Files up to this size are copied into the sandbox instead of shown."""
_SPARE_PROCESSES = 32
"""Between the watchdog's limit, which has a sentence, and the kernel's, which has none."""
_SETUP_SECONDS = 30.0
_KILL_SECONDS = 10.0
_WORDS_BYTES = 1 << 16

Content = Callable[[bytes], str]
"""Makes a descriptor of bytes, for an option of bubblewrap's."""

# Inside, before the command. The grader may have died before bubblewrap asked to die with it: it
# holds the other end of the pipe. RLIMIT_CORE is one byte, since with none a machine's handler
# of crashes is still called, and outside.
_LIMIT = """\
import os, resource, select, sys
lifeline = select.poll()
lifeline.register(0, 0)
if lifeline.poll(0):
    sys.exit("the grader has ended")
os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
for pair in sys.argv[1].split(","):
    name, value = pair.split("=")
    which = getattr(resource, "RLIMIT_" + name)
    hard = resource.getrlimit(which)[1]
    value = int(value) if hard == resource.RLIM_INFINITY else min(int(value), hard)
    resource.setrlimit(which, (value, value))
try:
    os.execvp(sys.argv[2], sys.argv[2:])
except OSError as error:
    sys.exit(f"{sys.argv[2]}: {error.strerror}")
"""


@dataclass(frozen=True, kw_only=True)
class Sealing:
    """What to run in a sandbox, and what it may see."""

    argv: tuple[str, ...]
    """Command; the connection file is at ``/run/nbjudge/connection.json``."""
    limits: Limits
    connection: str = ""
    """Content of the connection file."""
    purpose: str = "a kernel"
    """What is started, in the sentences of errors."""
    files: Mapping[str, Path] = field(default_factory=dict)
    """In the work folder, read-only: relative path to host file."""
    uploads: Mapping[str, bytes] = field(default_factory=dict)
    """In the work folder, writable: relative path to content. One that is in the way of a file
    of ``files`` is left out."""
    readonly: Sequence[str] = ()
    """Further host paths to see, read-only, at the same place."""
    environment: Mapping[str, str] = field(default_factory=dict)
    prefixes: Sequence[str] = ()
    """Environments that the command lives in; the running interpreter's are always there."""


class SandboxProcess:
    """A running sandbox (or, unsealed, a plain process).

    Attributes
    ----------
    pid
        Of its first process, seen from outside. As every number of a process it is only good
        while that runs.
    run_folder
        Where the sockets are, seen from outside.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        words: int,
        run_folder: Path,
        purpose: str,
        *,
        pid: int | None = None,
        pidfd: int | None = None,
        lifeline: int | None = None,
        folder: tempfile.TemporaryDirectory[str] | None = None,
    ) -> None:
        self._process = process
        self._words: int | None = words
        self._said = b""
        self.run_folder = run_folder
        self._purpose = purpose
        self.pid = process.pid if pid is None else pid
        self._pidfd = pidfd
        self._lifeline = lifeline
        self._folder = folder

    @property
    def sealed(self) -> bool:
        """Whether it is a sandbox."""
        return self._pidfd is not None

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        return self._process.poll()

    def wait(self, seconds: float) -> int | None:
        """Wait for its end; return the exit code, or None if it still runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        return self.poll()

    def words(self) -> str:
        """Return the first that the process wrote on its error output, at most 64 KiB.

        It is a pipe that nobody reads meanwhile: no file of this machine is open inside, and a
        flood meets a full pipe, not a full disk.
        """
        if self._words is not None and len(self._said) < _WORDS_BYTES:
            self._said = (self._said + _read_pipe(self._words))[:_WORDS_BYTES]
        return self._said.decode("utf-8", "replace").strip()

    def view(self) -> View:
        """Return where its processes are seen; the caller closes it."""
        if self._pidfd is None:
            return TreeView(self.pid)
        return SandboxView(self.pid, self._pidfd, f"{RUN}/connection.json", TMPFS)

    def connect(self, name: str, deadline: float) -> socket.socket:
        """Connect to a socket of the run folder, as soon as it is there.

        Before the first line of the student's code, and once: a path inside leads to where its
        owner wants.

        Parameters
        ----------
        name
            Of the socket.
        deadline
            Of ``time.monotonic``.

        Raises
        ------
        SandboxUnavailable
            If the sandbox could not be made.
        KernelStartError
            If the process ended or the time is over.
        """
        path = str(self.run_folder / name)
        while True:
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                sock.connect(path)
            except (FileNotFoundError, ConnectionRefusedError, PermissionError):
                sock.close()
            except OSError as error:
                sock.close()
                raise KernelStartError(
                    f"Connecting to {self._purpose} at {path}: {error}."
                ) from error
            else:
                self._offer()
                return sock
            if self.poll() is not None:
                raise self._ended()
            if time.monotonic() > deadline:
                raise KernelStartError(
                    f"Starting {self._purpose}: it did not answer in time. Is the machine "
                    "overloaded? "
                    f"{_last_lines(self.words())}".strip()
                )
            time.sleep(0.005)

    def _offer(self) -> None:
        """Let the machine, when it is out of memory, end this before anything else.

        What the student starts later inherits it.
        """
        for pid in tree(self.pid):
            with contextlib.suppress(OSError):
                Path(f"/proc/{pid}/oom_score_adj").write_text("1000", "ascii")

    def _ended(self) -> SandboxUnavailable | KernelStartError:
        words = self.words()
        if self.sealed and words.startswith("bwrap: "):
            return diagnosis.explained(words, shutil.which("bwrap") or "bwrap")
        return KernelStartError(
            f"Starting {self._purpose}: it ended before it answered. "
            f"{_last_lines(words) or 'It said nothing.'}"
        )

    def kill(self) -> None:
        """End everything inside, at once; return when nothing is left of it."""
        if self._pidfd is not None:
            # Killing the first process of a pid namespace kills all that is in it.
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            gone = select.poll()
            gone.register(self._pidfd, select.POLLIN)
            gone.poll(_KILL_SECONDS * 1000)
        elif self._process.poll() is None:
            for pid in tree(self.pid):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_KILL_SECONDS)
            return
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Kill, and remove what was made for it."""
        self.kill()
        self.words()
        for descriptor in (self._words, self._pidfd, self._lifeline):
            if descriptor is not None:
                os.close(descriptor)
        self._words = self._pidfd = self._lifeline = None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


def _read_pipe(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, _WORDS_BYTES)
    except BlockingIOError:
        return b""


def _last_lines(words: str) -> str:
    return "\n".join(words.splitlines()[-8:])


def seal(sealing: Sealing) -> SandboxProcess:
    """Start a command in a new sandbox.

    The calling *thread* must live as long as the sandbox: the kernel ends it with that thread.

    Raises
    ------
    SandboxUnavailable
        If no sandbox can be made here, with the cause and the way out.
    ConfigurationError
        If a path of ``readonly`` does not exist.
    """
    if sys.platform != "linux":
        raise diagnosis.not_linux(sys.platform)
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        raise diagnosis.missing()
    shown = list(_shown(sealing))
    needed = [path for option, path, _place in shown if option == "--ro-bind"]
    needed += [str(path) for path in sealing.files.values() if _is_large(path)]
    launcher = handed_over([bwrap], needed)
    with (
        contextlib.ExitStack() as kept,
        contextlib.ExitStack() as mine,
        contextlib.ExitStack() as theirs,
    ):

        def pipe(flags: int = 0) -> tuple[int, int]:
            return os.pipe2(os.O_CLOEXEC | flags)

        def content(data: bytes) -> str:
            descriptor = os.memfd_create("nbjudge")
            theirs.callback(os.close, descriptor)
            given.append(descriptor)
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
            os.lseek(descriptor, 0, os.SEEK_SET)
            return str(descriptor)

        info, info_write = pipe()
        lifeline_read, lifeline = pipe()
        words, words_write = pipe(os.O_NONBLOCK)
        for descriptor in (words, lifeline):
            kept.callback(os.close, descriptor)
        mine.callback(os.close, info)
        for descriptor in (info_write, lifeline_read, words_write):
            theirs.callback(os.close, descriptor)
        # Both ends: were bubblewrap to die of writing after the grader has, its child would wait
        # for it for ever. As it is the child comes to the end of the lifeline.
        given = [info, info_write]
        options = ["--info-fd", str(info_write)]
        options += _options(sealing, shown, content)
        # By descriptor: a command line is seen inside, and has a largest size.
        arguments = content(b"".join(os.fsencode(option) + b"\0" for option in options))
        try:
            process = subprocess.Popen(
                [*launcher, "--args", arguments, "--", *_limited(sealing)],
                pass_fds=given,
                stdin=lifeline_read,
                stdout=words_write,
                stderr=words_write,
                env={},
                cwd="/",
                start_new_session=True,  # Ctrl-C is for the grader, not for a student's kernel
            )
        except OSError as error:
            raise diagnosis.explained(f"bwrap: {error}", bwrap) from error
        theirs.close()
        try:
            pid, pidfd = _first_process(process, info)
        except (OSError, ValueError, KeyError) as error:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(1)
            process.kill()
            process.wait()
            said = _read_pipe(words).decode("utf-8", "replace")
            raise diagnosis.explained(said or str(error), bwrap) from error
        kept.pop_all()
    run_folder = Path(f"/proc/{pid}/root{RUN}")
    return SandboxProcess(
        process, words, run_folder, sealing.purpose, pid=pid, pidfd=pidfd, lifeline=lifeline
    )


def _first_process(process: subprocess.Popen[bytes], info: int) -> tuple[int, int]:
    """Return number and descriptor of the sandbox's first process."""
    text = b""
    deadline = time.monotonic() + _SETUP_SECONDS
    waiting = select.poll()
    waiting.register(info, select.POLLIN)
    while b"}" not in text:
        if not waiting.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise TimeoutError("bubblewrap does not answer")
        part = os.read(info, 4096)
        if not part:
            raise ValueError("nothing")
        text += part
    pid = int(json.loads(text)["child-pid"])
    pidfd = os.pidfd_open(pid)
    # If it has ended already, its number may be another process's by now.
    try:
        status = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
        if int(status.rpartition(")")[2].split()[1]) != process.pid:
            raise ValueError("bubblewrap ended at once")
    except BaseException:
        os.close(pidfd)
        raise
    return pid, pidfd


def unsealed(sealing: Sealing) -> SandboxProcess:
    """Start the command as a plain process: no protection at all, for one's own notebooks."""
    folder = tempfile.TemporaryDirectory(prefix="nbjudge-box-", ignore_cleanup_errors=True)
    root = Path(folder.name)
    work, run = root / "work", root / "run"
    work.mkdir()
    run.mkdir(mode=0o700)
    for path, source in sealing.files.items():
        target = work / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
    for path, data in _placeable(sealing):
        target = work / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    (run / "connection.json").write_text(sealing.connection.replace(RUN, str(run)), "utf-8")
    words, words_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        process = subprocess.Popen(
            [part.replace(RUN, str(run)) for part in sealing.argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=words_write,
            cwd=work,
            env=dict(os.environ) | _variables(sealing, matplotlib=str(root / "matplotlib")),
            start_new_session=True,
        )
    except OSError as error:
        os.close(words)
        folder.cleanup()
        raise KernelStartError(f"Starting {sealing.argv[0]}: {error}.") from error
    finally:
        os.close(words_write)
    return SandboxProcess(process, words, run, sealing.purpose, folder=folder)


# ---------------------------------------------------------------------------------------------
# What it sees


def _shown(sealing: Sealing) -> Iterator[tuple[str, str, str]]:
    """Yield the options that show host paths, read-only, at the same place."""
    yield from (_bind(path, link=True) for path in SYSTEM if os.path.lexists(path))
    yield from (_bind(path) for path in _ETC if os.path.exists(path))
    yield from (_bind(path, link=True) for path in environment_paths(sealing.prefixes))
    packages = user_site()
    if packages is not None:
        yield _bind(packages)
    for path in sealing.readonly:
        if not os.path.exists(path):
            raise ConfigurationError(
                f"The sandbox was asked to show {path}, which does not exist: correct `readonly` "
                "in nbjudge.configure(c, ...)."
            )
        yield _bind(os.path.abspath(path))


def _bind(path: str, *, link: bool = False) -> tuple[str, str, str]:
    if link and os.path.islink(path) and not os.path.isabs(os.readlink(path)):
        return "--symlink", os.readlink(path), path
    return "--ro-bind", path, path


def _options(
    sealing: Sealing, shown: Sequence[tuple[str, str, str]], content: Content
) -> list[str]:
    limits = sealing.limits

    def tmpfs(path: str, size: int) -> list[str]:
        return ["--perms", "0700", "--size", str(size), "--tmpfs", path]

    def data(value: bytes, path: str) -> list[str]:
        return ["--ro-bind-data", content(value), path]

    arguments = [*_ISOLATION, *_USER, "--proc", "/proc", "--dev", "/dev"]
    arguments += tmpfs("/dev/shm", limits.shm_bytes)  # noqa: S108 - inside
    arguments += tmpfs("/tmp", limits.tmp_bytes)  # noqa: S108 - inside
    for option in shown:  # an environment may lie in /tmp
        arguments += option
    arguments += data(_PASSWD.encode(), "/etc/passwd")
    arguments += data(_GROUP.encode(), "/etc/group")
    arguments += data(_HOSTS.encode(), "/etc/hosts")
    arguments += tmpfs(RUN, MIB)
    arguments += data(sealing.connection.encode(), f"{RUN}/connection.json")
    uploads = list(_placeable(sealing))
    # What was handed in always fits, whatever the size of a page.
    room = sum(len(value) + 2 * 4096 for _name, value in uploads)
    arguments += tmpfs(WORK, limits.work_bytes + room)
    for name, value in uploads:
        arguments += ["--file", content(value), f"{WORK}/{name}"]
    for name, source in sealing.files.items():
        if _is_large(source):
            arguments += ["--ro-bind", str(source), f"{WORK}/{name}"]
        else:
            arguments += data(source.read_bytes(), f"{WORK}/{name}")
    fonts = font_cache()
    if fonts is not None:
        arguments += data(fonts.read_bytes(), f"/tmp/matplotlib/{fonts.name}")  # noqa: S108
    # The root and /dev are tmpfs of bubblewrap's, of no set size: nothing may be written there.
    arguments += ["--remount-ro", "/proc", "--remount-ro", "/dev", "--remount-ro", "/"]
    calls = seccomp.program()
    if calls is not None:
        arguments += ["--seccomp", content(calls)]
    for key, text in _variables(sealing, matplotlib="/tmp/matplotlib").items():  # noqa: S108
        arguments += ["--setenv", key, text]
    return [*arguments, "--chdir", WORK]


def _is_large(path: Path) -> bool:
    return os.path.getsize(path) > _DATA_BYTES


def _limited(sealing: Sealing) -> list[str]:
    limits = sealing.limits
    values = {
        "CORE": 1,
        "NOFILE": limits.open_files,
        "AS": 2 * limits.memory_bytes + 1024 * MIB,
        "FSIZE": max(limits.work_bytes, limits.tmp_bytes),
        "NPROC": limits.processes + _SPARE_PROCESSES,
    }
    pairs = ",".join(f"{name}={value}" for name, value in values.items())
    return [*PLAIN_PYTHON, _LIMIT, pairs, *sealing.argv]


def _placeable(sealing: Sealing) -> Iterator[tuple[str, bytes]]:
    """Yield the uploads that can lie in the work folder beside the assignment's files."""
    taken = {PurePosixPath(name) for name in sealing.files}
    folders = {parent for path in taken for parent in path.parents}
    for name, value in sealing.uploads.items():
        path = PurePosixPath(name)
        if path.is_absolute() or not path.name or ".." in path.parts or "\0" in name:
            continue
        if path in folders or not taken.isdisjoint((path, *path.parents)):
            continue
        taken.add(path)
        folders.update(path.parents)
        yield str(path), value


def _variables(sealing: Sealing, *, matplotlib: str) -> dict[str, str]:
    binaries = [os.path.join(p, "bin") for p in (*sealing.prefixes, sys.prefix)]
    variables = {
        "HOME": "/tmp",  # noqa: S108 - inside
        "USER": "student",
        "LANG": "C.UTF-8",
        "PATH": ":".join(dict.fromkeys([*binaries, "/usr/bin", "/bin"])),
        "TMPDIR": "/tmp",  # noqa: S108 - inside
        "MPLCONFIGDIR": matplotlib,
        "IPYTHONDIR": "/tmp/ipython",  # noqa: S108 - inside
        "JUPYTER_PLATFORM_DIRS": "1",
        "NBGRADER_EXECUTION": "autograde",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "NUMEXPR_NUM_THREADS": "1",
    }
    if user_site() is not None:
        variables["PYTHONUSERBASE"] = site.getuserbase()
    for name in _KEPT_VARIABLES:
        if name in os.environ:
            variables[name] = os.environ[name]
    return variables | dict(sealing.environment)


def diagnose() -> Diagnosis:
    """Find out whether a sandbox can be made here, by making one."""
    bwrap = shutil.which("bwrap")
    facts = diagnosis.facts(bwrap)
    try:
        box = seal(Sealing(argv=(*PLAIN_PYTHON, ""), limits=Limits()))
        try:
            if box.wait(_SETUP_SECONDS) != 0:
                raise diagnosis.explained(box.words(), bwrap or "bwrap")
        finally:
            box.close()
    except SandboxUnavailable as error:
        return Diagnosis(ok=False, cause=error.cause, way_out=error.way_out, facts=facts)
    return Diagnosis(ok=True, facts=facts)
