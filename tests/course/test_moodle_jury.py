"""Students of TP1's sample class, from Moodle's zip to the jury, by the commands of the README."""

import csv
import io
import os
import shlex
import shutil
import subprocess
import sys
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest

from moodle_files import BEFORE, entry, worksheet, write_zip
from nbjudge.course import CONFIG, load_course
from nbjudge.produce import solution_version, student_version
from nbjudge.sample import read_samples
from sample_class import ROOT, SAMPLES

pytestmark = pytest.mark.slow

NAMES = {
    "eleve-corrige": "Zoé d'Été",
    "eleve-alpha-comme-variance": "Jean-Noël Œuvrard",
    "eleve-repondu-a-moitie": "Ana Muñoz",
}
ABSENT = "eleve-absent"
BY_HAND = {
    # 0.30 × 20 + 0.70 × 11.25 = 13.875, half-way between two quarters: upwards
    "eleve-corrige": ("20,00", "11.25", "14"),
    # 0.30 × 18.75 + 0.70 × 10 = 12.625, half-way as well
    "eleve-alpha-comme-variance": ("18,75", "10", "12.75"),
    # 0.30 × 9 + 0.70 × 8.5 = 8.65
    "eleve-repondu-a-moitie": ("9,00", "8.5", "8.75"),
    # 0.30 × 0 + 0.70 × 12 = 8.4
    ABSENT: ("", "12", "8.5"),
}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    made = tmp_path_factory.mktemp("jury") / "course"
    made.mkdir()
    shutil.copy2(ROOT / CONFIG, made / CONFIG)
    for name in ("source", "judge"):
        shutil.copytree(ROOT / name / "tp1", made / name / "tp1")
    course = load_course(made)
    assignment = course.compile("tp1")
    released = student_version(course, assignment)["tp1.ipynb"]
    solved = solution_version(course, assignment)["tp1.ipynb"]
    samples = {s.student: s for s in read_samples(SAMPLES / "tp1", assignment, released, solved)}
    entries, lines, roll = {}, [], ["id;numéro;nom"]
    for number, (student, name) in enumerate({**NAMES, ABSENT: "Absent"}.items(), 1_000_001):
        time = "-" if student == ABSENT else BEFORE["fr"]
        lines.append({"id": number, "name": name, "number": str(number), "submitted": time})
        roll.append(f"{student};{number};{name}")
        if student != ABSENT:
            path = entry(name.replace("'", ""), number, samples[student].file)
            entries[path] = samples[student].data
    write_zip(made / "Soumissions.zip", entries)
    (made / "Notes.csv").write_bytes(worksheet(lines, "fr"))
    (made / "students.csv").write_text("\n".join(roll), "utf-8")
    exam = [f"{student};{mark}" for student, (_tp, mark, _final) in BY_HAND.items()]
    (made / "exam.csv").write_text("\n".join(["id;note", *exam]), "utf-8")
    return made


def run(root, line):
    program, *arguments = shlex.split(line)
    module = {"nbgrader": "nbgrader.apps.nbgraderapp", "nbjudge": "nbjudge.cli"}[program]
    code = f"import sys; from {module} import main; sys.argv[0] = {program!r}; sys.exit(main())"
    beside = str(Path(sys.executable).parent)
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=root,
        env=os.environ | {"PATH": os.pathsep.join([beside, os.environ.get("PATH", os.defpath)])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done


def test_marks_feedback_and_the_final_mark_of_four_students_computed_by_hand(root):
    for line in (
        'nbgrader db assignment add tp1 --duedate="2025-11-03 23:59:00 Europe/Paris"',
        "nbjudge moodle collect tp1 Soumissions.zip --worksheet Notes.csv",
        "nbjudge grade tp1",
        "nbjudge feedback tp1",
        "nbjudge moodle return tp1 Notes.csv",
    ):
        done = run(root, line)
        assert done.returncode == 0, (line, done.stdout, done.stderr)
    sheet = (root / "dist" / "Notes.csv").read_bytes()
    rows = list(csv.DictReader(io.StringIO(sheet.decode("utf-8-sig"))))
    assert [row["Note"] for row in rows] == [tp for tp, _exam, _final in BY_HAND.values()]
    with zipfile.ZipFile(root / "dist" / "tp1-feedback.zip") as archive:
        assert sorted(archive.namelist()) == [
            "Ana Muñoz_1000003_assignfeedback_file_tp1.html",
            "Jean-Noël Œuvrard_1000002_assignfeedback_file_tp1.html",
            "Zoé dÉté_1000001_assignfeedback_file_tp1.html",
        ]

    # Somebody handed in nothing: the command says so by its exit code.
    assert run(root, "nbjudge marks --exam exam.csv --csv marks.csv").returncode == 1
    marks = list(csv.DictReader(io.StringIO((root / "marks.csv").read_text("utf-8"))))
    assert {row["id"]: Decimal(row["final"]) for row in marks} == {
        student: Decimal(final) for student, (_tp, _exam, final) in BY_HAND.items()
    }
