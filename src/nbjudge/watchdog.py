"""How much a whole process tree uses: memory, processes, time, and what it holds in tmpfs."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from nbjudge.limits import Limits

Breach = Literal["memory", "processes"]
POLL_SECONDS = 0.2
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")


def tree(pid: int) -> list[int]:
    """Return the ids of a process and all its descendants."""
    found, stack = [], [pid]
    while stack:
        one = stack.pop()
        found.append(one)
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{one}/task"):
                with contextlib.suppress(OSError, ValueError):
                    text = Path(f"/proc/{one}/task/{task}/children").read_text("ascii")
                    stack += [int(child) for child in text.split()]
    return found


def cpu_seconds(pid: int) -> float:
    """Return the processor time of a tree, ended children included."""
    total = 0
    for one in tree(pid):
        with contextlib.suppress(OSError, ValueError, IndexError):
            text = Path(f"/proc/{one}/stat").read_text("utf-8", "replace")
            fields = text[text.rindex(")") + 2 :].split()
            # utime, stime; of ended children cutime, cstime (proc(5), fields 14 to 17).
            total += sum(int(value) for value in fields[11:15])
    return total / _TICKS


def _resident(pids: list[int]) -> int:
    total = 0
    for one in pids:
        with contextlib.suppress(OSError, ValueError, IndexError):
            total += int(Path(f"/proc/{one}/statm").read_text("ascii").split()[1]) * _PAGE
    return total


def _proportional(pids: list[int]) -> int:
    total = 0
    for one in pids:
        with contextlib.suppress(OSError, ValueError):
            for line in Path(f"/proc/{one}/smaps_rollup").read_text("ascii").splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
                    break
    return total


def _anonymous_files(pids: list[int]) -> int:
    """Return the bytes in memfd and deleted tmpfs files, each counted once, mapped or not."""
    seen: dict[tuple[int, int], int] = {}
    for one in pids:
        with contextlib.suppress(OSError):
            for descriptor in os.listdir(f"/proc/{one}/fd"):
                path = f"/proc/{one}/fd/{descriptor}"
                with contextlib.suppress(OSError):
                    if os.readlink(path).startswith("/memfd:"):
                        status = os.stat(path)
                        seen[status.st_dev, status.st_ino] = status.st_blocks * 512
    return sum(seen.values())


def _tmpfs(pid: int, folders: tuple[str, ...]) -> int:
    total = 0
    for folder in folders:
        with contextlib.suppress(OSError):
            status = os.statvfs(f"/proc/{pid}/root{folder}")
            total += (status.f_blocks - status.f_bfree) * status.f_frsize
    return total


def memory_bytes(pid: int, folders: tuple[str, ...], above: int = 0) -> int:
    """Return what a tree holds in memory, tmpfs folders and memfd included.

    Parameters
    ----------
    pid
        Root of the tree.
    folders
        Its tmpfs folders, as seen inside.
    above
        Shared pages are only told apart (slower) when a rough sum is above this.
    """
    pids = tree(pid)
    files = _tmpfs(pid, folders) + _anonymous_files(pids)
    rough = _resident(pids) + files
    return rough if rough <= above else _proportional(pids) + files


class Watchdog:
    """Watches one tree from a thread and calls back once when a limit is passed.

    Parameters
    ----------
    pid
        Root of the tree.
    limits
        ``memory_bytes`` and ``processes`` are watched.
    folders
        tmpfs folders of the tree.
    on_breach
        Called from the watching thread; must kill the tree.
    """

    def __init__(
        self,
        pid: int,
        limits: Limits,
        folders: tuple[str, ...],
        on_breach: Callable[[Breach], None],
    ) -> None:
        self._pid = pid
        self._limits = limits
        self._folders = folders
        self._on_breach = on_breach
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
        while not self._stop.wait(POLL_SECONDS):
            limit = self._limits.memory_bytes
            if memory_bytes(self._pid, self._folders, above=limit) > limit:
                self._on_breach("memory")
                return
            if self._tasks() > self._limits.processes:
                self._on_breach("processes")
                return

    def _tasks(self) -> int:
        total = 0
        for pid in tree(self._pid):
            with contextlib.suppress(OSError):
                total += len(os.listdir(f"/proc/{pid}/task"))
        return total
