"""A scheduler and workers of Dask, each a process of its own, as on several machines."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

WAIT_SECONDS = 60


class Cluster:
    """One scheduler on loopback, workers as they are asked for; all end with it."""

    def __init__(self, folder: Path, tls: Sequence[str] = ()) -> None:
        self._folder = folder
        self._tls = list(tls)
        self.workers: list[subprocess.Popen[bytes]] = []
        self._file = folder / "scheduler.json"
        self.scheduler = self._start(
            "scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(self._file)
        )
        until(self._is_written, self.words)
        self.address = str(json.loads(self._file.read_text("utf-8"))["address"])

    def _is_written(self) -> bool:
        with contextlib.suppress(OSError, ValueError):
            return bool(json.loads(self._file.read_text("utf-8")))
        return False

    def worker(
        self,
        *options: str,
        threads: int = 1,
        nanny: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a worker; it joins when it is ready."""
        process = self._start(
            "worker",
            self.address,
            "--host",
            "127.0.0.1",
            "--nthreads",
            str(threads),
            "--nanny" if nanny else "--no-nanny",
            "--local-directory",
            str(self._folder),
            *options,
            environment=environment,
        )
        self.workers.append(process)
        return process

    def _start(
        self, what: str, *options: str, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        module = f"distributed.cli.dask_{what}"
        with (self._folder / "words.txt").open("ab") as words:
            return subprocess.Popen(
                [sys.executable, "-m", module, *options, "--no-dashboard", *self._tls],
                stdout=words,
                stderr=words,
                env=os.environ
                | {
                    "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                    "DASK_TEMPORARY_DIRECTORY": str(self._folder),
                }
                | dict(environment or {}),
            )

    def words(self) -> str:
        """Return what all of them wrote."""
        return (self._folder / "words.txt").read_text("utf-8", "replace")

    def joined(self, number: int) -> None:
        """Wait until so many of the workers that were asked for are there."""

        def count() -> int:
            words = self.words()
            return words.count("Register worker") - words.count("Remove worker")

        until(lambda: count() >= number, self.words)

    def stop_workers(self) -> None:
        """End the workers that are there."""
        _end(self.workers)
        self.workers.clear()

    def close(self) -> None:
        """End everything."""
        # One after the other: a worker of Dask that is told to end by a signal and by the loss of
        # its scheduler at once has been seen to wait for itself.
        _end(self.workers)
        _end([self.scheduler])


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.terminate()
    late = []
    for process in processes:
        try:
            process.wait(WAIT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            late.append(process.args)
    assert late == []


@contextlib.contextmanager
def cluster(tls: Sequence[str] = ()) -> Iterator[Cluster]:
    """Give a scheduler; end it, and every worker, afterwards."""
    with tempfile.TemporaryDirectory(prefix="dask-") as folder:
        made = Cluster(Path(folder), tls)
        try:
            yield made
        finally:
            made.close()


def until(condition, words=lambda: ""):
    """Wait for what another process does."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, words()
        time.sleep(0.02)
