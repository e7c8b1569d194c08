"""A user without any power grades as root does: the same sandbox, the same marks."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from inside import SECONDS

import nbjudge
from nbjudge.handover import become, covers

pytestmark = pytest.mark.usefixtures("orphans_come_back")

USER = 54321
"""Neither nobody, whom root would take, nor anybody in /etc/passwd."""


@pytest.fixture
def as_user():
    """Run a script as a user of no name, no home and no group; return what it printed."""
    folder = Path(tempfile.mkdtemp(prefix="u-"))

    def run(script):
        command = [sys.executable, "-c", script]
        environment = {"PATH": os.environ["PATH"], "TMPDIR": str(folder), "LANG": "C.UTF-8"}
        if os.getuid() == 0:
            os.chown(folder, USER, USER)
            # As root's sandbox does: what lies in root's home is laid open to this process alone.
            needed = [sys.prefix, sys.base_prefix, str(Path(nbjudge.__file__).parent), str(folder)]
            needed += [path for path in sys.path[1:] if os.path.exists(path)]
            command = become(USER, covers(needed), command)
        done = subprocess.run(
            command, env=environment, cwd="/", capture_output=True, text=True, timeout=SECONDS * 3
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    yield run
    assert list(folder.iterdir()) == []
    folder.rmdir()


INSIDE = """
import json, os, sys
if os.getuid() == 0: sys.exit("still root")
from nbjudge.kernel import KernelSetup, SealedKernel
from nbjudge.limits import MIB, Limits
from nbjudge.sandbox import diagnose
code = '''
import json, os
status = dict(l.split(":", 1) for l in open("/proc/self/status"))
print(json.dumps([os.getuid(), status["CapEff"].strip(), sorted(os.listdir("/"))]))
'''
found = {"ok": diagnose().ok, "cause": diagnose().cause}
with SealedKernel(KernelSetup(limits=Limits(memory_bytes=400 * MIB))) as kernel:
    found["inside"] = kernel.run(code, seconds=30, output_bytes=10_000).outputs[0]["text"]
    bomb = '''
import ctypes
ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)  # not dumpable: its /proc files are root's
held = []
while True: held.append(bytearray(20_000_000))
'''
    found["bomb"] = kernel.run(bomb, seconds=30, output_bytes=10_000).outcome.value
with SealedKernel(KernelSetup(limits=Limits(processes=60))) as kernel:
    forks = "import os\\nwhile True: os.fork()"
    found["forks"] = kernel.run(forks, seconds=30, output_bytes=10_000).outcome.value
print(json.dumps(found))
"""


def test_the_sandbox_and_its_limits_hold_for_an_ordinary_user(as_user):
    found = as_user(INSIDE)
    assert found["ok"], found["cause"]
    user, capabilities, top = json.loads(found["inside"])
    assert (user, int(capabilities, 16)) == (1000, 0)
    assert "home" not in top
    assert (found["bomb"], found["forks"]) == ("memory", "processes")


GRADE = """
import json
from nbjudge.assignment import Assignment, Kind, SourceCell, SourceNotebook, Upload
from nbjudge.grade import grade_notebook
from nbjudge.settings import Settings
hidden = "from nbjudge.testing import assert_close\\nassert_close(double(2.0), 4.0, what='double')"
cells = (
    SourceCell(cell_id="a", cell_type="code", kind=Kind.ANSWER, grade_id="double",
               source="def double(x):\\n    return 2 * x",
               release_source="def double(x):\\n    raise NotImplementedError()"),
    SourceCell(cell_id="t", cell_type="code", kind=Kind.TEST, grade_id="test_double", points=2.0,
               locked=True, source=hidden, release_source="", hidden_lines=frozenset({1, 2})),
)
assignment = Assignment(name="ps", notebooks=(SourceNotebook(name="ps", cells=cells),))
points = []
for body in ("return x + x", "return x"):
    cell = {"cell_type": "code", "id": "a", "outputs": [], "execution_count": None,
            "source": "def double(x):\\n    " + body,
            "metadata": {"nbgrader": {"grade_id": "double", "solution": True, "grade": False,
                                      "locked": False, "schema_version": 3, "task": False}}}
    notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    upload = Upload(notebook=json.dumps(notebook).encode())
    result = grade_notebook(upload, assignment, "ps", Settings(), b"s" * 32)
    points.append(result.verdicts[0].points)
print(json.dumps(points))
"""


def test_an_ordinary_user_grades_a_right_and_a_wrong_answer(as_user):
    assert as_user(GRADE) == [2.0, 0.0]
