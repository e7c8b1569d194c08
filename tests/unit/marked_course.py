"""A course on disk with marks in its gradebook, stored as grading stores them; no kernel runs."""

import json
import tempfile
from functools import cache
from pathlib import Path

from nbformat import v4

from nbjudge.course import load_course
from nbjudge.lateness import Penalties
from nbjudge.result_key import ground
from nbjudge.secret import course_secret
from nbjudge.store import Store
from nbjudge.storing import Writer
from nbjudge.submissions import read_submission
from nbjudge.verdict import Result, Status, Verdict

CONFIG = """\
import nbjudge

c = get_config()
c.CourseDirectory.course_id = "small"
nbjudge.configure(c)
nbjudge.configure_marks(c%s)
%s
"""


@cache
def _empty_gradebook():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "gradebook.db"
        with Store(f"sqlite:///{path}"):
            pass
        return path.read_bytes()


def _cell(name, points, *, by_hand=False):
    cell = (v4.new_markdown_cell if by_hand else v4.new_code_cell)("pass", id=name)
    cell.metadata.nbgrader = {
        "grade": True,
        "solution": by_hand,
        "locked": not by_hand,
        "task": False,
        "schema_version": 3,
        "grade_id": name,
        "points": points,
        "cell_type": cell.cell_type,
    }
    return cell


class MarkedCourse:
    """A course whose TPs have one notebook each, ``n``."""

    def __init__(self, root, tps, options="", lines=""):
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        self.configure(options, lines)
        (root / "gradebook.db").write_bytes(_empty_gradebook())
        for name, questions in tps.items():
            self.write(name, questions)

    @property
    def course(self):
        return load_course(self.root)

    def configure(self, options="", lines=""):
        """Set arguments of ``nbjudge.configure_marks``, and further lines."""
        said = f", {options}" if options else ""
        (self.root / "nbgrader_config.py").write_text(CONFIG % (said, lines), "utf-8")

    def write(self, tp, questions):
        """Write a TP's source: points by question; a name with "essay" in it is graded by hand."""
        cells = [_cell(name, points, by_hand="essay" in name) for name, points in questions.items()]
        book = v4.new_notebook(
            cells=cells,
            metadata={"kernelspec": {"name": "python3", "display_name": "P", "language": "python"}},
        )
        folder = self.root / "source" / tp
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "n.ipynb").write_text(json.dumps(book), "utf-8")

    def submit(self, student, tp, timestamp=None):
        """Hand something in."""
        folder = self.root / "submitted" / student / tp
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "n.ipynb").write_text(json.dumps(v4.new_notebook()), "utf-8")
        if timestamp:
            (folder / "timestamp.txt").write_text(timestamp, "utf-8")

    def results(self, tp, points):
        """Return what grading would give: these points, of questions that have some."""
        verdicts = tuple(
            Verdict(
                grade_id=cell.grade_id,
                status=Status.MANUAL if "essay" in cell.grade_id else Status.PASSED,
                points=None if "essay" in cell.grade_id else float(points.get(cell.grade_id, 0)),
                max_points=cell.points,
            )
            for cell in self.course.compile(tp).notebook("n").graded
        )
        return [Result(notebook="n", verdicts=verdicts, document=v4.new_notebook())]

    def grade(self, tp, marks, timestamps=None):
        """Hand in and store these points, by student and question."""
        course = self.course
        assignment = course.compile(tp)
        for student in marks:
            self.submit(student, tp, (timestamps or {}).get(student))
        with Store(course.db_url, course.course_id) as store:
            store.sync(assignment)
            writer = Writer(
                course=course,
                assignment=assignment,
                ground=ground(assignment, course.settings, course_secret(course.root)),
                penalties=Penalties(course.config),
                store=store,
            )
            for student, points in marks.items():
                submission = read_submission(
                    course.folder("submitted") / student / tp,
                    student,
                    assignment,
                    course.settings.limits,
                )
                writer.write(submission, self.results(tp, points))

    def give(self, tp, student, cell, **fields):
        """Give points as formgrader does."""
        from nbgrader.api import Gradebook

        with Gradebook(self.course.db_url) as book:
            grade = book.find_grade(cell, "n", tp, student)
            for name, value in fields.items():
                setattr(grade, name, value)
            book.db.commit()

    def due(self, tp, date, **extensions):
        """Set the due date of a TP, and days of extension by student."""
        from nbgrader.api import Gradebook

        with Gradebook(self.course.db_url) as book:
            book.update_or_create_assignment(tp, duedate=date)
            for student, days in extensions.items():
                book.grant_extension(tp, student, days=days)

    def roll(self, text):
        (self.root / "students.csv").write_text(text, "utf-8")

    def table(self, name, text):
        path = self.root / name
        path.write_text(text, "utf-8")
        return path
