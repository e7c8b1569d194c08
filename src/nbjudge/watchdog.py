"""How much a sandbox uses, seen from outside: memory, processes, processor time."""

from __future__ import annotations

import contextlib
import os
import re
import select
import threading
from collections.abc import Callable
from typing import Literal, Protocol

from nbjudge.limits import Limits

Breach = Literal["memory", "processes"]
POLL_SECONDS = 0.1
_FIELD = re.compile(rb"^(VmRSS|VmSwap|VmPTE|Threads):\s+(\d+)", re.MULTILINE)
_SHARE = re.compile(rb"^(?:Pss|SwapPss):\s+(\d+)", re.MULTILINE)


class View(Protocol):
    """Where the processes of one sandbox are seen."""

    def pids(self) -> list[str]:
        """Return the processes, as named in :meth:`path`."""

    def path(self, pid: str, name: str) -> str:
        """Return the path of a file of ``/proc/<pid>/``."""

    def held_bytes(self) -> int:
        """Return what the sandbox's tmpfs folders hold."""

    def close(self) -> None:
        """Let go of it."""


class SandboxView:
    """A sandbox seen through its own root: its ``/proc`` lists what is inside, and only that.

    The root is held open, so that the number of a process that ended can never lead to another,
    and nothing that runs inside can hide from the list.

    Parameters
    ----------
    pid
        Of the first process inside, seen from outside.
    pidfd
        The same process's descriptor; stays the caller's.
    mark
        A path that is there once the root is the sandbox's own.
    folders
        The tmpfs folders, as seen inside.
    """

    def __init__(self, pid: int, pidfd: int, mark: str, folders: tuple[str, ...]) -> None:
        self._pid = pid
        self._pidfd = pidfd
        self._mark = mark
        self._folders = folders
        self._root: int | None = None

    def _inside(self, path: str) -> str:
        if self._root is None:
            self._root = self._open()
        return f"/proc/self/fd/{self._root}{path}"

    def _open(self) -> int:
        root = os.open(f"/proc/{self._pid}/root", os.O_PATH | os.O_DIRECTORY)
        try:
            os.stat(f"/proc/self/fd/{root}{self._mark}")
            # It still runs: the number was its own all the time.
            if select.select([self._pidfd], [], [], 0)[0]:
                raise ProcessLookupError
        except OSError:
            os.close(root)
            raise
        return root

    def pids(self) -> list[str]:
        """Return the processes inside, by the numbers that they have there."""
        try:
            return [name for name in os.listdir(self._inside("/proc")) if name.isdigit()]
        except OSError:  # not there yet, or no more
            return []

    def path(self, pid: str, name: str) -> str:
        """Return a path of the sandbox's own ``/proc``, seen from outside."""
        return self._inside(f"/proc/{pid}/{name}")

    def held_bytes(self) -> int:
        """Return the bytes in the tmpfs folders, deleted files that are still open included."""
        total = 0
        for folder in self._folders:
            with contextlib.suppress(OSError):  # likewise
                status = os.statvfs(self._inside(folder))
                total += (status.f_blocks - status.f_bfree) * status.f_frsize
        return total

    def close(self) -> None:
        """Close the sandbox's root."""
        if self._root is not None:
            os.close(self._root)
            self._root = None


def tree(pid: int) -> list[int]:
    """Return the ids of a process and all its descendants, the process first."""
    found, stack = [], [pid]
    while stack:
        one = stack.pop()
        found.append(one)
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{one}/task"):
                children = _read(f"/proc/{one}/task/{task}/children").split()
                stack += [int(child) for child in children]
    return found


class TreeView:
    """A process and its descendants, where there is no sandbox.

    Parameters
    ----------
    pid
        Root of the tree.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid

    def pids(self) -> list[str]:
        """Return the root and what descends from it."""
        return [str(pid) for pid in tree(self._pid)]

    def path(self, pid: str, name: str) -> str:
        """Return a path of this machine's ``/proc``."""
        return f"/proc/{pid}/{name}"

    def held_bytes(self) -> int:
        """Return 0: it has no folder of its own in memory."""
        return 0

    def close(self) -> None:
        """Do nothing."""


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError:
        return b""


def cpu_seconds(view: View) -> float:
    """Return the processor time of what runs, and of the children that it has waited for."""
    total = 0
    for pid in view.pids():
        text = _read(view.path(pid, "stat"))
        # utime, stime; of ended children cutime, cstime (proc(5), fields 14 to 17). The name
        # before them may hold spaces and parentheses.
        fields = text[text.rfind(b")") + 2 :].split()[11:15]
        total += sum(int(value) for value in fields)
    return total / os.sysconf("SC_CLK_TCK")


def _anonymous_files(view: View, pids: list[str]) -> int:
    """Return the bytes in memfd files, each counted once, mapped or not."""
    seen: dict[tuple[int, int], int] = {}
    for pid in pids:
        with contextlib.suppress(OSError):
            for descriptor in os.listdir(view.path(pid, "fd")):
                path = view.path(pid, f"fd/{descriptor}")
                with contextlib.suppress(OSError):
                    if os.readlink(path).startswith("/memfd:"):
                        status = os.stat(path)
                        seen[status.st_dev, status.st_ino] = status.st_blocks * 512
    return sum(seen.values())


def usage(view: View, above: int = 0) -> tuple[int, int]:
    """Return (bytes in memory, threads) of everything that runs.

    Resident and swapped pages, page tables, tmpfs folders and memfd files.  Pages of such files
    that are mapped as well count twice: rather too much than too little.

    Parameters
    ----------
    view
        Where to look.
    above
        Pages shared between processes are only counted once (slower) when the sum with repeats
        is above this.
    """
    pids = view.pids()
    files = view.held_bytes() + _anonymous_files(view, pids)
    resident: dict[str, int] = {}
    tables = threads = 0
    for pid in pids:
        fields = _status(view, pid)
        resident[pid] = fields.get(b"VmRSS", 0) + fields.get(b"VmSwap", 0)
        tables += fields.get(b"VmPTE", 0)
        threads += fields.get(b"Threads", 0)
    total = (sum(resident.values()) + tables) * 1024 + files
    if total <= above:
        return total, threads
    for pid in pids:
        shares = _SHARE.findall(_read(view.path(pid, "smaps_rollup")))
        if shares:
            resident[pid] = sum(int(value) for value in shares)
        elif b"VmRSS" not in _status(view, pid):
            resident[pid] = 0  # ended meanwhile; what cannot be read counts in full
    return (sum(resident.values()) + tables) * 1024 + files, threads


def _status(view: View, pid: str) -> dict[bytes, int]:
    text = _read(view.path(pid, "status"))
    return {name: int(value) for name, value in _FIELD.findall(text)}


class Watchdog:
    """Watches one sandbox from a thread and calls back once when a limit is passed.

    Parameters
    ----------
    view
        Of the sandbox.
    limits
        ``memory_bytes`` and ``processes`` are watched.
    on_breach
        Called from the watching thread; must kill everything.

    Attributes
    ----------
    peak_bytes
        The most memory that was seen, as :func:`usage` counts it.
    """

    def __init__(self, view: View, limits: Limits, on_breach: Callable[[Breach], None]) -> None:
        self._view = view
        self._limits = limits
        self._on_breach = on_breach
        self.peak_bytes = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="nbjudge-watchdog", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for the thread."""
        self._stop.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def _watch(self) -> None:
        try:
            while not self._stop.wait(POLL_SECONDS):
                # Twice: processes come and go while they are counted.
                breach = self._breach() and self._breach()
                if breach is not None:
                    self._on_breach(breach)
                    return
        except BaseException:
            self._on_breach("memory")  # unwatched, it must not go on
            raise

    def _breach(self) -> Breach | None:
        limit = self._limits.memory_bytes
        held, threads = usage(self._view, above=limit)
        self.peak_bytes = max(self.peak_bytes, held)
        if held > limit:
            return "memory"
        return "processes" if threads > self._limits.processes else None
