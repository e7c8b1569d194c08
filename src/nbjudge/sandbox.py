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
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from nbjudge import diagnosis
from nbjudge.diagnosis import Diagnosis
from nbjudge.errors import KernelStartError, SandboxUnavailable
from nbjudge.handover import PLAIN_PYTHON, handed_over
from nbjudge.limits import Limits
from nbjudge.sealing import (
    ISOLATION,
    PARENT_ISOLATION,
    RUN,
    TMPFS,
    WORK,
    Sealing,
    is_large,
    limited,
    options,
    placeable,
    shown,
    variables,
)
from nbjudge.watchdog import SandboxView, TreeView, View, tree

__all__ = [
    "RUN",
    "TMPFS",
    "WORK",
    "Diagnosis",
    "SandboxProcess",
    "Sealing",
    "diagnose",
    "seal",
    "seal_empty",
    "seal_parent",
    "unsealed",
]

_SETUP_SECONDS = 30.0
_KILL_SECONDS = 10.0
_WORDS_BYTES = 1 << 16


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
        self._inmate: int | None = None

    @property
    def sealed(self) -> bool:
        """Whether it is a sandbox."""
        return self._pidfd is not None

    @property
    def pidfd(self) -> int:
        """Descriptor of the first process of a sandbox; stays this object's."""
        assert self._pidfd is not None  # noqa: S101 - asked of sandboxes only
        return self._pidfd

    def inhabit(self, inmate: int, words: int) -> None:
        """Take in the process that was sent into an empty sandbox.

        Parameters
        ----------
        inmate
            Its descriptor, from now on this object's.
        words
            Where its words are read, likewise.
        """
        self._inmate = inmate
        if self._words is not None:
            os.close(self._words)
        self._words, self._said = words, b""

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs.

        Of a process that was sent into the sandbox the code is its parent's to know: it is 1.
        """
        if self._inmate is not None and _await_end(self._inmate, 0):
            return 1
        return self._process.poll()

    def wait(self, seconds: float) -> int | None:
        """Wait for its end; return the exit code, or None if it still runs."""
        if self._inmate is not None:
            _await_end(self._inmate, seconds)
        else:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)
        return self.poll()

    def await_word(self, deadline: float) -> None:
        """Wait until the process has said something.

        Raises
        ------
        SandboxUnavailable
            If the sandbox could not be made.
        KernelStartError
            If the process ended or the time is over.
        """
        assert self._words is not None  # noqa: S101 - it has just been started
        waiting = select.poll()
        waiting.register(self._words, select.POLLIN)
        waiting.poll(max(0.0, deadline - time.monotonic()) * 1000)
        word = self.words()
        if word.startswith("bwrap: ") or self.poll() is not None:
            self._process.wait(1)
            raise self._ended()
        if not self._said:
            raise KernelStartError(f"Starting {self._purpose}: bubblewrap does not answer.")

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
        inmates = [] if self._inmate is None else [_number(self._inmate)]
        for pid in (*tree(self.pid), *inmates):
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
            _await_end(self._pidfd, _KILL_SECONDS)
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
        for descriptor in (self._words, self._pidfd, self._lifeline, self._inmate):
            if descriptor is not None:
                os.close(descriptor)
        self._words = self._pidfd = self._lifeline = self._inmate = None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


def _await_end(pidfd: int, seconds: float) -> bool:
    """Wait for the end of a process; return whether it has ended."""
    ended = select.poll()
    ended.register(pidfd, select.POLLIN)
    return bool(ended.poll(seconds * 1000))


def _number(pidfd: int) -> int:
    """Return the number of a process, -1 if it has ended."""
    lines = Path(f"/proc/self/fdinfo/{pidfd}").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pid:"))


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
    return _start(sealing, limited(sealing))


def seal_parent(sealing: Sealing, given: Sequence[int]) -> SandboxProcess:
    """Start a warm parent: in it, other sandboxes are made and children sent into them.

    It is as sealed as they are, but for its processes, which are this machine's, and for further
    user namespaces, which it may have.  It must never run a student's code.

    Parameters
    ----------
    sealing
        As for :func:`seal`; its limits do not hold for the parent.
    given
        Descriptors that it inherits.

    Raises
    ------
    SandboxUnavailable, ConfigurationError
        As :func:`seal`.
    """
    return _start(sealing, [*sealing.argv], isolation=PARENT_ISOLATION, given=given)


def seal_empty(sealing: Sealing, within: int) -> SandboxProcess:
    """Make the sandbox that :func:`seal` would make, with nothing in it yet.

    Parameters
    ----------
    sealing
        As for :func:`seal`; its command is not started.
    within
        Descriptor of the user namespace of the parent that will send a child into it.

    Raises
    ------
    SandboxUnavailable, ConfigurationError
        As :func:`seal`.
    """
    box = _start(sealing, _PLACEHOLDER, within=within)
    try:
        box.await_word(time.monotonic() + _SETUP_SECONDS)
    except BaseException:
        box.close()
        raise
    return box


# It says that the sandbox is complete, and ends when the grader does.
_PLACEHOLDER = ["/bin/sh", "-c", "echo; exec cat"]


def _start(
    sealing: Sealing,
    command: Sequence[str],
    *,
    isolation: Sequence[str] = ISOLATION,
    within: int | None = None,
    given: Sequence[int] = (),
) -> SandboxProcess:
    if sys.platform != "linux":
        raise diagnosis.not_linux(sys.platform)
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        raise diagnosis.missing()
    binds = list(shown(sealing))
    needed = [path for option, path, _place in binds if option == "--ro-bind"]
    needed += [str(path) for path in sealing.files.values() if is_large(path)]
    launcher = handed_over([bwrap], needed, within)
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
            passed.append(descriptor)
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
        passed = [info, info_write, *given, *(() if within is None else (within,))]
        chosen = ["--info-fd", str(info_write)]
        chosen += options(sealing, binds, content, isolation)
        # By descriptor: a command line is seen inside, and has a largest size.
        arguments = content(b"".join(os.fsencode(option) + b"\0" for option in chosen))
        try:
            process = subprocess.Popen(
                [*launcher, "--args", arguments, "--", *command],
                pass_fds=passed,
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
    for path, data in placeable(sealing):
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
            env=dict(os.environ) | variables(sealing, matplotlib=str(root / "matplotlib")),
            start_new_session=True,
        )
    except OSError as error:
        os.close(words)
        folder.cleanup()
        raise KernelStartError(f"Starting {sealing.argv[0]}: {error}.") from error
    finally:
        os.close(words_write)
    return SandboxProcess(process, words, run, sealing.purpose, folder=folder)


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
