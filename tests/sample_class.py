"""The sample classes, handed in as a collection would: what several tests grade."""

import dataclasses
import hashlib
import os
from pathlib import Path

from nbjudge import i18n
from nbjudge.assignment import Assignment
from nbjudge.course import Course, load_course
from nbjudge.demo import submit
from nbjudge.parallel import default_workers
from nbjudge.produce import solution_version, student_version
from nbjudge.proof import proved
from nbjudge.sample import read_samples
from nbjudge.settings import Settings
from nbjudge.submissions import read_submission

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "tests" / "submissions"
TPS = sorted(folder.name for folder in SAMPLES.iterdir() if folder.is_dir())
PATCHES = {tp: sorted((SAMPLES / tp).glob("*/*.py")) for tp in TPS}
SECRET = hashlib.sha256(b"the sample class").digest()


SOON = {"cell_seconds": 6, "probe_seconds": 4, "judge_seconds": 10, "notebook_seconds": 120}
"""Limits for TP1, whose longest cell takes a twentieth of a second: what does not end is not waited
for in vain."""


def student_of(path):
    return "eleve-" + path.stem.replace("_", "-")


@dataclasses.dataclass(frozen=True)
class HandedIn:
    """A sample class, ready to be graded."""

    course: Course
    """Its submissions lie in a folder of the test's own."""
    assignment: Assignment
    samples: dict
    """By student."""
    submissions: list
    settings: Settings


def hand_in(tp, root, students=None, **settings):
    """Hand in a sample class, to be graded with no figure drawn: that is most of the time.

    Parameters
    ----------
    tp
        The assignment.
    root
        Folder to make ``submitted/`` in.
    students
        Only these; by default all.
    settings
        Fields of the course's settings to change.
    """
    course = load_course(ROOT)
    limits = dataclasses.replace(course.settings.limits, **(SOON if tp == "tp1" else {}))
    settings = {"figures": False, "limits": limits} | settings
    course = dataclasses.replace(course, settings=dataclasses.replace(course.settings, **settings))
    i18n.use_language(course.settings.language)
    assignment = course.compile(tp)
    (name,) = (f"{notebook.name}.ipynb" for notebook in assignment.notebooks)
    samples = read_samples(
        SAMPLES / tp,
        assignment,
        student_version(course, assignment)[name],
        solution_version(course, assignment)[name],
    )
    if students is not None:
        samples = [sample for sample in samples if sample.student in students]
    # What waits for time limits goes first, so that no core is idle at the end.
    samples.sort(key=lambda sample: sample.group != "hostiles")
    course = dataclasses.replace(course, root=root)
    submit(course, tp, samples)
    return HandedIn(
        course=course,
        assignment=proved(root, assignment, course.settings, SECRET),
        samples={sample.student: sample for sample in samples},
        submissions=[
            read_submission(
                course.folder("submitted") / sample.student / tp,
                sample.student,
                assignment,
                course.settings.limits,
            )
            for sample in samples
        ],
        settings=course.settings,
    )


def workers():
    """Return how many to grade with: the cores of this process of pytest-xdist, and one more.

    While one waits for what does not end, another works.
    """
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    return max(1, default_workers() // processes) + 1
