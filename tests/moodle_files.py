"""Zips and worksheets as Moodle makes them, in both languages and every layout."""

import csv
import io
import json
import zipfile

EN = {
    "id": "Identifier",
    "name": "Full name",
    "number": "ID number",
    "email": "Email address",
    "status": "Status",
    "group": "Group",
    "grade": "Grade",
    "maximum": "Maximum Grade",
    "changeable": "Grade can be changed",
    "submitted": "Last modified (submission)",
    "graded": "Last modified (grade)",
    "feedback": "Feedback comments",
}
FR = {
    "id": "Identifiant",
    "name": "Nom complet",
    "number": "Numéro d'identification",
    "email": "Adresse de courriel",
    "status": "Statut",
    "group": "Groupe",
    "grade": "Note",
    "maximum": "Note maximale",
    "changeable": "La note peut être modifiée",
    "submitted": "Dernière modification (travail remis)",
    "graded": "Dernière modification (note)",
    "feedback": "Feedback par commentaires",
}
LANGUAGES = {"en": EN, "fr": FR}
PREFIX = {"en": "Participant ", "fr": "Participant"}
DEFAULTS = {
    "en": {
        "status": "Submitted for grading",
        "maximum": "100.00",
        "changeable": "Yes",
        "submitted": "-",
        "graded": "-",
    },
    "fr": {
        "status": "Remis pour évaluation",
        "maximum": "20,00",
        "changeable": "Oui",
        "submitted": "-",
        "graded": "-",
    },
}
BEFORE = {"en": "Monday, 3 November 2025, 11:58 PM", "fr": "lundi 3 novembre 2025, 23:58"}
AFTER = {"en": "Tuesday, 4 November 2025, 12:30 AM", "fr": "mardi 4 novembre 2025, 00:30"}


def worksheet(
    rows, language="en", *, columns=None, delimiter=",", bom=True, newline="\r\n", quote_all=True
):
    """Return a worksheet's bytes; each row is a mapping with an ``id`` in numbers."""
    headers = LANGUAGES[language]
    if columns is None:
        columns = [c for c in headers if c not in ("number", "group")]
        columns += [c for c in ("number", "group") if any(c in row for row in rows)]
        columns.sort(key=list(headers).index)
    text = io.StringIO(newline="")
    writer = csv.writer(
        text,
        delimiter=delimiter,
        lineterminator=newline,
        quoting=csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL,
    )
    writer.writerow([headers[column] for column in columns])
    for row in rows:
        cells = DEFAULTS[language] | row | {"id": f"{PREFIX[language]}{row['id']}"}
        writer.writerow([cells.get(column, "") for column in columns])
    return (b"\xef\xbb\xbf" if bom else b"") + text.getvalue().encode()


def entry(name, number, path, layout="folders"):
    """Return the name of an entry in one of Moodle's layouts."""
    number = "" if number is None else f"_{number}"
    prefix = f"{name.replace('_', ' ')}{number}_assignsubmission_file"
    return {
        "folders": f"{prefix}/{path}",
        "old folders": f"{prefix}_/{path}",
        "flat": f"{prefix}_{path.rsplit('/', 1)[-1]}",
    }[layout]


def write_zip(path, entries, date=(2025, 11, 3, 20, 0, 0)):
    """Write a zip of names and bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items() if hasattr(entries, "items") else entries:
            info = zipfile.ZipInfo(name, date_time=date)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    return path


def notebook(*grade_ids, say="answer"):
    """Return an uploaded notebook with some answers."""
    cells = [
        {
            "cell_type": "code",
            "source": f"{say} {grade_id}",
            "metadata": {"nbgrader": {"grade_id": grade_id}},
        }
        for grade_id in grade_ids
    ]
    return json.dumps({"cells": cells, "nbformat": 4}).encode()


CONFIG = """\
import nbjudge

c = get_config()
nbjudge.configure(c)
nbjudge.configure_deadlines(c, grace_minutes=10%s)
"""
GRADE_IDS = {"tp1": ("a", "b"), "tp2": ("c", "d")}


def make_course(root, options=""):
    """Write a course of two assignments, whose due date is 3 November at 23:59 in Paris."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "nbgrader_config.py").write_text(CONFIG % options, "utf-8")
    for name, grade_ids in GRADE_IDS.items():
        cells = [
            {
                "cell_type": "code",
                "id": f"{name}-{grade_id}",
                "metadata": {
                    "nbgrader": {
                        "grade_id": grade_id,
                        "grade": False,
                        "solution": True,
                        "locked": False,
                        "task": False,
                        "schema_version": 3,
                        "cell_type": "code",
                    }
                },
                "source": f"### BEGIN SOLUTION\n{grade_id} = 1\n### END SOLUTION",
                "outputs": [],
                "execution_count": None,
            }
            for grade_id in grade_ids
        ]
        made = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        folder = root / "source" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.ipynb").write_text(json.dumps(made), "utf-8")
    return root


def set_due(root, date="2025-11-03 22:59:00.000000"):
    """Write as much of a gradebook as says when tp1 is due (UTC)."""
    from sqlalchemy import create_engine, text

    with create_engine(f"sqlite:///{root}/gradebook.db").begin() as connection:
        for table in (
            "assignment (id TEXT, name TEXT, duedate DATETIME)",
            "submitted_assignment (assignment_id TEXT, student_id TEXT, extension DATETIME)",
        ):
            connection.execute(text(f"CREATE TABLE {table}"))
        statement = text("INSERT INTO assignment VALUES ('1', 'tp1', :date)")
        connection.execute(statement, {"date": date})
