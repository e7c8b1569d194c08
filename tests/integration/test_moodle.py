"""A class from Moodle's zip back into its worksheet, graded in between by commands."""

import csv
import io
import json
import zipfile

import pytest
from small_course import NOTEBOOKS, RIGHT, answered, command, make_course, notebook

from nbjudge.moodle.ledger import read_ledger

pytestmark = pytest.mark.slow

HEADER = (
    "Identifiant,Nom complet,Numéro d'identification,Adresse de courriel,Statut,Groupe,Note,"
    "Note maximale,La note peut être modifiée,Dernière modification (travail remis),"
    "Dernière modification (note),Feedback par commentaires"
)
BEFORE, AFTER = "lundi 3 novembre 2025, 23:58", "mardi 4 novembre 2025, 08:00"


def line(number, name, student, team, time):
    return (
        f'Participant{number},"{name}",{student},{student}@univ.fr,"Remis pour évaluation",{team},'
        f'"","20,00",Oui,"{time}",-,""'
    )


@pytest.fixture(scope="module")
def class_of_four(tmp_path_factory):
    root = tmp_path_factory.mktemp("moodle") / "course"
    made = make_course(
        root,
        config="nbjudge.configure_deadlines(c, grace_minutes=10)",
        notebooks={"p2": NOTEBOOKS["p2"]()},
        gradebook=True,
    )
    (root / "students.csv").write_text(
        "id;nom;prénom;numéro\nzoe;Petit;Zoé;042\nbob;O'Neil;Bob;043\nana;Silva;Ana;044\n"
        "eve;Doe;Eve;045\n",
        "utf-8",
    )
    released = made.release()["p2.ipynb"]
    right = answered(released, RIGHT["p2"])
    wrong = answered(released, {"double": "def double(x):\n    return x"})
    with zipfile.ZipFile(root / "TP.zip", "w") as archive:
        archive.writestr("Équipe A_57_assignsubmission_file/p2 (1).ipynb", right)
        archive.writestr("Équipe B_58_assignsubmission_file/p2.ipynb", wrong)
    lines = [
        HEADER,
        line(1001, "Zoé Petit", "042", "Équipe A", BEFORE),
        line(1002, "Bob O'Neil", "043", "Équipe A", BEFORE),
        line(1003, "Ana Silva", "044", "Équipe B", AFTER),
        line(1004, "Eve Doe", "045", "", "-"),
    ]
    (root / "Notes-TP.csv").write_bytes(b"\xef\xbb\xbf" + "\r\n".join([*lines, ""]).encode())
    return made


def said(done):
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_class_goes_the_whole_way_by_the_commands(class_of_four):
    made, root = class_of_four, class_of_four.root
    due = "--duedate=2025-11-03 23:59:00 Europe/Paris"
    said(command(made, "nbgrader", "db", "assignment", "add", "ps1", due))
    told = said(
        command(
            made, "nbjudge", "moodle", "collect", "ps1", "TP.zip", "--worksheet", "Notes-TP.csv"
        )
    )
    assert "3 new, 0 replaced" in told
    assert "ana: 7 h 51 min after the deadline; it counts, as late." in told
    assert "nothing handed in (1):\n  eve" in told
    assert set(read_ledger(root, "ps1").collected) == {"zoe", "bob", "ana"}

    said(command(made, "nbjudge", "grade", "ps1"))
    said(command(made, "nbjudge", "feedback", "ps1"))
    told = said(command(made, "nbjudge", "moodle", "return", "ps1", "Notes-TP.csv"))
    assert "3 marks written" in told
    assert "look at:" not in told

    before = (root / "Notes-TP.csv").read_bytes()
    filled = (root / "dist" / "Notes-TP.csv").read_bytes()
    rows = list(csv.DictReader(io.StringIO(filled.decode("utf-8-sig"))))
    assert [row["Note"] for row in rows] == ["20,00", "20,00", "0,00", ""]
    for mark in (b'"20,00","20,00"', b'"0,00","20,00"'):
        filled = filled.replace(mark, b'"","20,00"')
    assert filled == before
    with zipfile.ZipFile(root / "dist" / "ps1-feedback.zip") as archive:
        names = sorted(archive.namelist())
        pages = [archive.read(name).decode() for name in names]
    assert names == [
        "Ana Silva_1003_assignfeedback_file_p2.html",
        "Bob ONeil_1002_assignfeedback_file_p2.html",
        "Zoé Petit_1001_assignfeedback_file_p2.html",
    ]
    assert all("<html" in page for page in pages)

    # nbgrader knows who was late, and by how much.
    from nbgrader.api import Gradebook

    with Gradebook(made.course.db_url) as gradebook:
        late = {
            one.student.id: one.total_seconds_late
            for one in gradebook.assignment_submissions("ps1")
        }
    assert late == {"zoe": 0, "bob": 0, "ana": (8 * 60 + 1) * 60}

    # The date has passed.
    told = said(command(made, "nbjudge", "solutions", "ps1"))
    with zipfile.ZipFile(told.strip()) as archive:
        corrected = json.loads(archive.read("ps1/p2.ipynb"))
    assert "def double" in json.dumps(corrected)

    # A newer upload after grading: its mark waits until it is graded.
    with zipfile.ZipFile(root / "Later.zip", "w") as archive:
        archive.writestr(
            "Zoé Petit_1001_assignsubmission_file/p2.ipynb",
            answered(made.release()["p2.ipynb"], {"double": "def double(x):\n    return 3 * x"}),
        )
    told = said(command(made, "nbjudge", "moodle", "collect", "ps1", "Later.zip"))
    assert "0 new, 1 replaced" in told
    told = said(command(made, "nbjudge", "moodle", "return", "ps1", "Notes-TP.csv"))
    assert "2 marks written" in told
    assert "Zoé Petit (1001): its marks are not those of now" in told


def test_a_source_notebook_is_no_upload(class_of_four):
    """What another course's class handed in is refused by the command, with the teacher's code."""
    root = class_of_four.root
    other = json.dumps(notebook([])).encode()
    with zipfile.ZipFile(root / "Other.zip", "w") as archive:
        for number in (1, 2):
            archive.writestr(f"A_{number}_assignsubmission_file/p2.ipynb", other)
    done = command(class_of_four, "nbjudge", "moodle", "collect", "ps1", "Other.zip")
    assert done.returncode == 2
    assert "none of its 2 notebooks is a copy of ps1's" in done.stderr
    assert "Traceback" not in done.stderr
