"""The cells of notebooks in a bare warm Python: what they cost before anybody grades.

The libraries are imported already; each notebook has a fork of its own, where its cells are
compiled and executed one after the other, and figures are drawn as notebooks draw them.  There is
no kernel, no sandbox, no message and no test but the visible ones of the notebook.

This file is also the program that does it, which imports nothing else before the libraries.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any

MODULE = "__main__"


def bare_seconds(
    notebooks: Sequence[Sequence[str]],
    files: Path,
    modules: Sequence[str],
    limit_seconds: int = 120,
) -> list[float | None]:
    """Return processor seconds of the cells of each notebook; None where they did not end.

    Parameters
    ----------
    notebooks
        The code of their cells, in order.
    files
        Folder with what lies beside a notebook; each has a copy.
    modules
        To import beforehand; one that cannot be imported is passed over.
    limit_seconds
        Wall-clock seconds that a notebook may take.
    """
    order = {
        "modules": list(modules),
        "files": str(files),
        "notebooks": list(map(list, notebooks)),
        "seconds": limit_seconds,
    }
    environment = {
        "MPLBACKEND": "agg",
        "NBGRADER_EXECUTION": "autograde",
        **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    }
    done = subprocess.run(
        [sys.executable, __file__],
        input=json.dumps(order),
        env=dict(os.environ) | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return list(json.loads(done.stdout))


# The program.


def main() -> None:
    """Execute the notebooks that standard input holds; write the seconds to standard output."""
    order = json.load(sys.stdin)
    for name in order["modules"]:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()
    files = Path(order["files"])
    seconds = [_forked(cells, files, order["seconds"]) for cells in order["notebooks"]]
    json.dump(seconds, sys.stdout)


def _forked(cells: Sequence[str], files: Path, limit_seconds: int) -> float | None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "work"
        shutil.copytree(files, folder)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            signal.alarm(limit_seconds)
            os.write(writing, repr(_execute(cells, folder)).encode())
            os._exit(0)
        os.close(writing)
        with open(reading, "rb") as stream:
            said = stream.read()
        os.waitpid(child, 0)
    return float(said) if said else None


class _Shell:
    """As much of IPython as cells call on."""

    def run_line_magic(self, *_words: Any) -> None:
        """Do nothing: what a magic sets up is set up."""

    run_cell_magic = system = run_line_magic


def _execute(cells: Sequence[str], folder: Path) -> float:
    from IPython.core.inputtransformer2 import TransformerManager

    os.chdir(folder)
    sys.path.insert(0, str(folder))
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - to the end
    module = types.ModuleType(MODULE)
    sys.modules[MODULE] = module
    module.__dict__.update(get_ipython=_Shell, display=repr)
    sources = [TransformerManager().transform_cell(cell) for cell in cells]
    started = time.process_time()
    for source in sources:
        # A cell that stops is followed by the next one, as when it is graded.
        with contextlib.suppress(Exception, SystemExit):
            exec(compile(source, "<cell>", "exec"), module.__dict__)  # noqa: S102
        _draw_figures()
    return time.process_time() - started


def _draw_figures() -> None:
    """Make PNGs of the open figures and close them, as the inline backend does after a cell."""
    if "matplotlib.pyplot" not in sys.modules:
        return
    from IPython.core.pylabtools import print_figure
    from matplotlib import pyplot

    for number in pyplot.get_fignums():
        with contextlib.suppress(Exception):
            print_figure(pyplot.figure(number), fmt="png", bbox_inches="tight", base64=True)
    pyplot.close("all")


if __name__ == "__main__":
    main()
