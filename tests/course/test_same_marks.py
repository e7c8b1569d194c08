"""However a class is graded, every submission has the marks that it promises, to the question.

test_sample_class.py grades the classes in parallel, in warm kernels. Here the same submissions go
the other ways: one after the other in cold kernels, on a Dask cluster, through plain
``nbgrader autograde``. Whoever promises each question's points, and keeps it everywhere, has the
same marks everywhere.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dask_cluster import cluster
from nbjudge.demo import broken_promises
from nbjudge.gradebook import read_standings, scores_of
from nbjudge.marks import rows
from nbjudge.parallel import Scheduler, grade_many
from sample_class import ROOT, SECRET, SOON, TPS, hand_in

THREE = {
    "tp2": ["eleve-hessienne-par-autograd", "eleve-kl-detachee-du-cout", "eleve-repondu-a-moitie"],
    "tp3": ["eleve-numpy-et-scipy", "eleve-une-faute-par-question-3", "eleve-reseau-qui-recite"],
}


def in_cold_kernels(handed, _folder):
    """Return the points by student of what is graded one after the other."""
    return points_of(
        grade_many(handed.submissions, handed.assignment, handed.settings, SECRET, workers=1)
    )


def on_a_cluster(handed, _folder):
    """Return those of what two workers of a cluster grade in warm kernels."""
    with cluster() as dask:
        dask.worker()
        dask.worker()
        dask.joined(2)
        return points_of(
            grade_many(
                handed.submissions,
                handed.assignment,
                handed.settings,
                SECRET,
                workers=1,
                scheduler=Scheduler(address=dask.address),
            )
        )


def points_of(grading):
    points = {}
    for graded in grading:
        assert graded.error is None, str(graded.error)
        (result,) = graded.results
        points[graded.submission.student] = {v.grade_id: v.points for v in result.verdicts}
    return points


def by_nbgrader(handed, folder):
    """Return those of nbgrader's gradebook, after its own commands."""
    tp = handed.assignment.name
    for name in ("source", "judge"):
        shutil.copytree(ROOT / name / tp, folder / name / tp)
    limits = {name: getattr(handed.settings.limits, name) for name in SOON}
    config = (ROOT / "nbgrader_config.py").read_text("utf-8")
    config += f"\nc.NbJudge.figures = False\nc.NbJudge.limits = {limits}\n"
    (folder / "nbgrader_config.py").write_text(config, "utf-8")
    for step in ("generate_assignment", "autograde"):
        # As its console script does; it looks for `alembic` in the path.
        code = "import sys; from nbgrader.apps.nbgraderapp import main; sys.exit(main())"
        beside = str(Path(sys.executable).parent)
        done = subprocess.run(
            [sys.executable, "-c", code, step, tp],
            cwd=folder,
            env=os.environ | {"PATH": os.pathsep.join([beside, os.environ.get("PATH", "")])},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
    scores = scores_of(read_standings(f"sqlite:///{folder / 'gradebook.db'}", tp))
    return {row.student: dict(row.points) for row in rows(handed.assignment, scores)}


WAYS = [in_cold_kernels, by_nbgrader, on_a_cluster]


def keeps_its_promises(way, tp, folder, students=None):
    warm = way is on_a_cluster
    handed = hand_in(tp, folder, students, warm=warm)
    points = way(handed, folder)
    assert set(points) == set(handed.samples)
    broken = {
        student: lines
        for student, sample in handed.samples.items()
        if (lines := broken_promises(sample, points))
    }
    assert broken == {}


@pytest.mark.long
@pytest.mark.parametrize("way", WAYS)
def test_the_whole_class_of_tp1_has_its_marks(way, tmp_path):
    keeps_its_promises(way, "tp1", tmp_path)


@pytest.mark.parametrize("tp", ["tp2", pytest.param("tp3", marks=pytest.mark.long)])
@pytest.mark.parametrize("way", WAYS)
def test_three_of_another_class_have_their_marks(way, tp, tmp_path):
    keeps_its_promises(way, tp, tmp_path, THREE[tp])


@pytest.mark.long
@pytest.mark.parametrize("tp", [tp for tp in TPS if tp != "tp1"])
@pytest.mark.parametrize("way", WAYS)
def test_the_whole_of_another_class_has_its_marks(way, tp, tmp_path):
    keeps_its_promises(way, tp, tmp_path)
