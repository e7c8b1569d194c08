"""Code that runs in a sandbox, and what a test hears of it."""

import json
import sys
import textwrap
import time
from dataclasses import dataclass

from nbjudge.kernel import Outcome, SealedKernel
from nbjudge.limits import Limits
from nbjudge.sandbox import Sealing, seal


def until(condition, seconds=20):
    """Wait for something that another process does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


PYTHON = (sys.executable, "-I", "-S", "-c")
SECONDS = 60


PARENTS = []
"""The warm parent that is to be forked, if there is one: the last."""


def begin_inside(code, *, limits=None, python=PYTHON, **sealing):
    """Start Python in a sandbox: anew, or forked where a test has made a warm parent."""
    limits = limits or Limits()
    if PARENTS:
        argv = (sys.executable, "-P", "-c", code)
        return PARENTS[-1].seal(Sealing(argv=argv, connection="{}", limits=limits, **sealing))
    return seal(Sealing(argv=(*python, code), connection="{}", limits=limits, **sealing))


def run_inside(code, **options):
    """Run Python in a sandbox without a kernel; return what it passed to ``say`` as JSON."""
    code = "import json, os, sys\nsay = lambda x: print(json.dumps(x))\n" + textwrap.dedent(code)
    box = begin_inside(code, **options)
    try:
        assert box.wait(SECONDS) == (1 if PARENTS else 0), box.words()
        return json.loads(box.words().splitlines()[-1])
    finally:
        box.close()


@dataclass
class Inside:
    """A running kernel, asked in one line."""

    kernel: SealedKernel

    def run(self, code, *, seconds=SECONDS, output_bytes=1 << 20):
        return self.kernel.run(textwrap.dedent(code), seconds=seconds, output_bytes=output_bytes)

    def text(self, code, **options):
        """What a cell printed; it must have ended well."""
        run = self.run(code, **options)
        assert run.outcome is Outcome.OK, run.outputs
        return "".join(o["text"] for o in run.outputs if o["output_type"] == "stream")

    def value(self, expression, **options):
        """What a Python expression is worth, as JSON can say it."""
        return json.loads(self.text(f"import json; print(json.dumps({expression}))", **options))
