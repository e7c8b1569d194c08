"""A class graded by jobs of SLURM, on one node that the test starts and stops."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import small_course as sc
from servers import slurm, until

ROOT = Path(__file__).parents[2]

# What a job starts is no child of SLURM's: it comes back to this process, and is counted.
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("orphans_come_back")]


@pytest.fixture(scope="module")
def cluster(orphans_come_back):
    with slurm() as environment:
        yield os.environ | environment


def test_a_class_is_graded_by_jobs_of_slurm(tmp_path, cluster):
    subprocess.run(["sh", ROOT / "tools" / "certificates.sh", tmp_path / "tls"], check=True)
    made = sc.make_course(tmp_path / "course", gradebook=True)
    made.submit("ada")
    made.submit("dan", {"p1": {}, "p2": sc.RIGHT["p2"]})
    grade = "from nbjudge.cli import main; main()"
    script = [sys.executable, ROOT / "tools" / "slurm.py", "--jobs", "2", "--memory", "1GB"]

    done = subprocess.run(
        [*script, "--tls", tmp_path / "tls", sys.executable, "-c", grade, "grade", sc.NAME],
        cwd=made.root,
        env=cluster | {"TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert sc.points_of(made)["ada"] == sc.RIGHT_POINTS
    assert sc.points_of(made)["dan"]["p2:test_double"] == 1.0
    jobs = ["squeue", "--noheader"]
    until(
        "jobs did not end",
        lambda: subprocess.run(jobs, env=cluster, capture_output=True, check=True).stdout == b"",
    )
