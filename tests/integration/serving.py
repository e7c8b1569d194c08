"""A real Jupyter server in a folder, with a configuration of its own."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

TOKEN = "a-token-of-this-test"
WAIT_SECONDS = 120


@contextlib.contextmanager
def serving(folder: Path, scratch: Path) -> Iterator[str]:
    """Serve a folder with JupyterLab on a free port until the block ends; give its URL.

    Nothing of the user's own configuration is read, and nothing is written outside ``scratch``.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    runtime = scratch / "runtime"
    environment = os.environ | {
        "HOME": str(scratch),
        "JUPYTER_CONFIG_DIR": str(scratch / "config"),
        "JUPYTER_DATA_DIR": str(scratch / "data"),
        "JUPYTER_RUNTIME_DIR": str(runtime),
        "IPYTHONDIR": str(scratch / "ipython"),
        "OMP_NUM_THREADS": "1",
        # nbgrader runs `alembic`; an activated environment has it in its path.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    }
    words = scratch / "words.txt"
    with words.open("wb") as stream:
        process = subprocess.Popen(
            [
                sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root",
                "--ServerApp.port=0", "--ServerApp.ip=127.0.0.1",
                f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={folder}",
                "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
            ],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        yield _url(process, runtime, words)
    finally:
        below = psutil.Process(process.pid).children(recursive=True)
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for left in below:  # kernels that were still starting
            with contextlib.suppress(psutil.NoSuchProcess):
                left.kill()
        psutil.wait_procs(below, 30)


def _url(process: subprocess.Popen[bytes], runtime: Path, words: Path) -> str:
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        for path in runtime.glob("jpserver-*.json"):
            with contextlib.suppress(ValueError):
                return str(json.loads(path.read_text("utf-8"))["url"])
        assert process.poll() is None, words.read_text("utf-8", "replace")[-2000:]
        time.sleep(0.1)
    raise AssertionError(words.read_text("utf-8", "replace")[-2000:])
