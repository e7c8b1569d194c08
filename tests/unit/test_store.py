"""The gradebook: what nbgrader would have written, and what of a person's stays."""

import os
import warnings
from dataclasses import replace

import pytest
from nbformat import v4
from nbgrader import preprocessors
from nbgrader.api import Gradebook
from nbgrader.utils import parse_utc
from sqlalchemy import text

from nbjudge.assignment import Assignment, Kind, SourceCell, SourceNotebook
from nbjudge.errors import ConfigurationError, DiskFull
from nbjudge.gradebook import INDEXES, read_standings
from nbjudge.store import Store, is_timestamp, parsed, records
from nbjudge.verdict import Result, Status, Verdict

KERNEL = {"name": "python3", "display_name": "Python 3"}


def cell(name, kind, points=0.0, *, source="x", release=None, cell_type="code", **more):
    return SourceCell(
        cell_id=name.replace("_", "-"),
        kind=kind,
        cell_type=cell_type,
        source=source,
        release_source=source if release is None else release,
        grade_id=name,
        points=points,
        locked=kind in (Kind.TEST, Kind.TASK, Kind.GIVEN),
        in_gradebook=kind in (Kind.TEST, Kind.MANUAL),
        **more,
    )


CELLS = (
    cell("given", Kind.GIVEN),
    cell("f", Kind.ANSWER, source="f = 1", release="# here"),
    cell("test_f", Kind.TEST, 2, source="visible\nhidden", release="visible"),
    cell("essay", Kind.MANUAL, 3, cell_type="markdown", source="because", release="*here*"),
    cell(
        "free",
        Kind.ANSWER,
        cell_type="markdown",
        source="-",
        release="*here*",
    ),
    cell("task", Kind.TASK, 4, cell_type="markdown", source="do\nscheme", release="do"),
)


def assignment(*cells, name="n", **others):
    notebooks = {name: cells or CELLS, **others}
    return Assignment(
        name="tp",
        notebooks=tuple(
            SourceNotebook(name=key, cells=tuple(value), kernelspec=dict(KERNEL))
            for key, value in notebooks.items()
        ),
    )


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """Return the bytes of an empty gradebook: nbgrader takes seconds to make one."""
    path = tmp_path_factory.mktemp("empty") / "gradebook.db"
    with Store(f"sqlite:///{path}"):
        pass
    return path.read_bytes()


@pytest.fixture
def url(empty, tmp_path):
    path = tmp_path / "gradebook.db"
    path.write_bytes(empty)
    return f"sqlite:///{path}"


@pytest.fixture
def store(url):
    with Store(url) as opened:
        yield opened


def table(url, name="n"):
    """Return all that the gradebook knows of a notebook's cells."""
    with Gradebook(url) as book:
        row = book.find_notebook(name, "tp")
        return {
            "kernelspec": row.kernelspec,
            "grade": sorted((c.name, c.max_score, c.cell_type) for c in row.grade_cells),
            "solution": sorted(c.name for c in row.solution_cells),
            "task": sorted((c.name, c.max_score, c.cell_type) for c in row.task_cells),
            "source": sorted(
                (c.name, c.cell_type, c.locked, c.source, c.checksum) for c in row.source_cells
            ),
        }


def verdict(name, points, maximum, status=Status.PASSED):
    return Verdict(grade_id=name, status=status, points=points, max_points=maximum)


def result(test=2.0, essay=None, task=None, *, answer="f = 2", notebook="n"):
    document = {
        "cells": [
            {"id": "f", "source": answer},
            {"id": "essay", "source": "*here*"},
        ]
    }
    return Result(
        notebook=notebook,
        verdicts=(verdict("test_f", test, 2), verdict("essay", essay, 3), verdict("task", task, 4)),
        document=document,
    )


def grades(url, student="ada", notebook="n"):
    with Gradebook(url) as book:
        row = book.find_submission_notebook(notebook, "tp", student)
        return {
            grade.name: (grade.auto_score, grade.manual_score, grade.needs_manual_grade)
            for grade in row.grades
        }


def test_the_gradebook_is_what_nbgraders_own_step_writes(url, empty, tmp_path):
    made = assignment()
    with Store(url) as store:
        store.sync(made)
    theirs = tmp_path / "theirs.db"
    theirs.write_bytes(empty)
    nodes = []
    for record in records(made.notebooks[0]):
        new = v4.new_code_cell if record.cell_type == "code" else v4.new_markdown_cell
        marks = {
            "grade_id": record.name,
            "grade": record.grade,
            "solution": record.solution,
            "task": record.task,
            "locked": record.locked,
            "schema_version": 3,
        }
        if record.grade or record.task:
            marks["points"] = record.max_score
        nodes.append(new(record.source, metadata={"nbgrader": marks}))
    nb = v4.new_notebook(cells=nodes, metadata={"kernelspec": dict(KERNEL)})
    resources = {"nbgrader": {"notebook": "n", "assignment": "tp", "db_url": f"sqlite:///{theirs}"}}
    with Gradebook(f"sqlite:///{theirs}") as book:
        book.add_assignment("tp")
    nb, resources = preprocessors.ComputeChecksums().preprocess(nb, resources)
    preprocessors.SaveCells().preprocess(nb, resources)
    assert table(url) == table(f"sqlite:///{theirs}")
    assert [c[0] for c in table(url)["grade"]] == ["essay", "free", "test_f"]


def test_the_gradebook_has_hidden_tests_and_no_solution(store, url):
    store.sync(assignment())
    sources = {name: source for name, _, _, source, _ in table(url)["source"]}
    assert sources == {
        "given": "x",
        "f": "# here",
        "test_f": "visible\nhidden",
        "essay": "*here*",
        "free": "*here*",
        "task": "do\nscheme",
    }


def test_what_is_right_already_is_left_as_it_is(store, url):
    assert not store.has_assignment("tp")
    store.sync(assignment())
    store.open_submission("tp", "ada", None)
    store.record(assignment(), "ada", result())
    assert store.has_assignment("tp")

    def ids():
        with Gradebook(url) as book:
            row = book.find_submission_notebook("n", "tp", "ada")
            cells = row.notebook
            rows = (*cells.grade_cells, *cells.solution_cells, *cells.source_cells, *row.grades)
            return {one.id for one in (*rows, *row.comments)}

    before = ids(), grades(url)
    assert store.sync(assignment()) == []
    assert (ids(), grades(url)) == before


def test_a_new_cell_waits_in_every_submission(store, url):
    store.sync(assignment())
    for student in ("ada", "zoe"):
        store.open_submission("tp", student, None)
        store.record(assignment(), student, result())
    more = (*CELLS, cell("test_g", Kind.TEST, 1), cell("g", Kind.ANSWER))
    store.sync(assignment(*more))
    for student in ("ada", "zoe"):
        assert grades(url, student)["test_g"] == (None, None, True)
        assert grades(url, student)["test_f"] == (2.0, None, False)
    with Gradebook(url) as book:
        assert book.find_comment("g", "n", "tp", "zoe").comment is None


def test_cells_that_are_gone_take_their_rows_along(store, url):
    store.sync(assignment())
    store.open_submission("tp", "ada", None)
    store.record(assignment(), "ada", result())
    assert store.sync(assignment(*CELLS[3:])) == []
    assert sorted(grades(url)) == ["essay", "free", "task"]
    with Gradebook(url) as book:
        row = book.find_submission_notebook("n", "tp", "ada")
        assert sorted(comment.name for comment in row.comments) == ["essay", "free", "task"]
        assert book.db.execute(book_count("grade")).scalar() == 3
        assert book.db.execute(book_count("comment")).scalar() == 3


def book_count(name):
    return text(f"select count(*) from {name}")  # noqa: S608 - a name of this file


def test_points_and_kinds_of_cells_may_change(store, url):
    store.sync(assignment())
    changed = [replace(c, points=7.0) if c.grade_id == "test_f" else c for c in CELLS]
    changed[3] = cell("essay", Kind.TASK, 5, cell_type="markdown")
    store.sync(assignment(*changed))
    assert table(url)["grade"] == [("free", 0.0, "markdown"), ("test_f", 7.0, "code")]
    assert table(url)["task"] == [("essay", 5.0, "markdown"), ("task", 4.0, "markdown")]


def test_what_persons_gave_for_what_is_gone_is_said(store, url):
    store.sync(assignment(more=CELLS))
    store.open_submission("tp", "ada", None)
    with Gradebook(url) as book:
        for notebook in ("n", "more"):
            grade = book.find_grade("essay", notebook, "tp", "ada")
            grade.manual_score, grade.extra_credit = 2.5, 0.5
            book.find_comment("f", notebook, "tp", "ada").manual_comment = "good"
        book.db.commit()
    said = store.sync(assignment(*CELLS[2:3]))
    assert sorted(said) == [
        "tp/more: 'essay' is gone from source/; ada had 2.5 by hand and 0.5 extra.",
        "tp/more: 'f' is gone from source/; ada had the comment 'good'.",
        "tp/n: 'essay' is gone from source/; ada had 2.5 by hand and 0.5 extra.",
        "tp/n: 'f' is gone from source/; ada had the comment 'good'.",
    ]


def test_an_unanswered_question_has_the_comment_that_nbgrader_gives(store, url):
    store.sync(assignment())
    store.open_submission("tp", "ada", None)
    for answer, comment in (("# here\n", "No response."), ("f = 2", None)):
        store.record(assignment(), "ada", result(answer=answer))
        with Gradebook(url) as book:
            assert book.find_comment("f", "n", "tp", "ada").comment == comment
            assert book.find_comment("essay", "n", "tp", "ada").comment == "No response."


@pytest.mark.parametrize(
    ("auto", "manual", "review"),
    [(2.0, None, False), (0.0, None, False), (None, None, True), (1.0, 2.0, True)],
)
def test_a_score_is_to_be_reviewed_when_a_person_has_to_do_with_it(
    store, url, auto, manual, review
):
    store.sync(assignment())
    store.open_submission("tp", "ada", None)
    with Gradebook(url) as book:
        book.find_grade("test_f", "n", "tp", "ada").manual_score = manual
        book.db.commit()
    store.record(assignment(), "ada", result(test=auto))
    assert grades(url)["test_f"] == (auto, manual, review)


def test_a_submission_gets_a_notebook_that_was_added_since(store, url):
    store.sync(assignment())
    store.open_submission("tp", "ada", None)
    store.sync(assignment(more=CELLS))
    store.open_submission("tp", "ada", None)
    store.record(assignment(more=CELLS), "ada", result(notebook="more"))
    assert grades(url, notebook="more")["test_f"] == (2.0, None, False)


def test_scores_are_read_back_by_student_notebook_and_cell(store, url):
    store.sync(assignment(more=CELLS))
    for student, points in (("ada", 2.0), ("zoe", 0.5)):
        store.open_submission("tp", student, None)
        store.record(assignment(more=CELLS), student, result(test=points))
    with Gradebook(url) as book:
        book.find_submission_notebook("n", "tp", "zoe").late_submission_penalty = 0.25
        book.find_grade("task", "n", "tp", "zoe").manual_score = 3.0
        book.find_grade("task", "n", "tp", "zoe").extra_credit = 1.0
        book.db.commit()
    table = store.scores("tp")
    assert sorted(table) == ["ada", "zoe"]
    assert table["ada"]["n"]["test_f"] == {
        "score": 2.0,
        "max_score": 2.0,
        "needs_manual_grade": False,
    }
    assert table["ada"]["n"][""]["score"] == 0.0
    assert table["zoe"]["n"][""]["score"] == -0.25
    assert table["zoe"]["n"]["task"]["score"] == 4.0
    assert table["zoe"]["n"]["essay"] == {
        "score": 0.0,
        "max_score": 3.0,
        "needs_manual_grade": True,
    }
    assert sorted(table["zoe"]["more"]) == ["", "essay", "free", "task", "test_f"]
    assert store.scores("another") == {}


@pytest.mark.parametrize("text", ["2026-01-02 10:00:00 UTC", " 2026-01-02 11:00 Europe/Paris\n"])
def test_a_time_of_arrival_is_kept(store, url, text):
    store.sync(assignment())
    assert is_timestamp(text)
    assert store.open_submission("tp", "ada", text) is None
    with Gradebook(url) as book:
        assert book.find_submission("tp", "ada").timestamp.hour == 10
    # None leaves it, as nbgrader does when there is no file.
    store.open_submission("tp", "ada", None)
    store.open_submission("tp", "ada", " \n")
    with Gradebook(url) as book:
        assert book.find_submission("tp", "ada").timestamp.hour == 10


@pytest.mark.parametrize("text", ["yesterday", "99999999999999999999", "2026-13-45", "\x00"])
def test_a_time_that_is_none_is_said_and_passed_over(store, url, text):
    store.sync(assignment())
    assert not is_timestamp(text)
    said = store.open_submission("tp", "ada", text)
    assert "timestamp.txt of ada cannot be read" in said
    with Gradebook(url) as book:
        assert book.find_submission("tp", "ada").timestamp is None


@pytest.mark.parametrize("student", ["o'neil", "élève 1", 'a"b', "100%", "[x]"])
def test_any_name_of_a_student_will_do(store, url, student):
    store.sync(assignment())
    store.open_submission("tp", student, None)
    store.record(assignment(), student, result())
    assert store.scores("tp")[student]["n"]["test_f"]["score"] == 2.0


def test_the_course_is_that_of_the_configuration(url):
    with Store(url, "deep learning") as store:
        store.sync(assignment())
    with Gradebook(url) as book:
        assert book.find_assignment("tp").course_id == "deep learning"
    # An assignment stays in the course that it was made in.
    with Store(url) as store:
        store.sync(assignment())
    with Gradebook(url) as book:
        assert book.find_assignment("tp").course_id == "deep learning"


@pytest.mark.parametrize(
    "bad",
    [
        "sqlite:////nowhere/at/all/gradebook.db",
        "postgresql+nodriver://host/book",
        "not a url",
    ],
)
def test_a_gradebook_that_cannot_be_opened_is_named(bad):
    with pytest.raises(ConfigurationError, match="Opening the gradebook") as refused, Store(bad):
        pass
    assert bad in str(refused.value)


def test_the_password_of_a_database_is_nowhere_said():
    url = "postgresql+nodriver://me:s3cret@host:5432/book"
    with pytest.raises(ConfigurationError, match=r"me:\*\*\*@host") as refused, Store(url):
        pass
    assert "s3cret" not in str(refused.value)


def test_the_search_path_of_commands_is_left_as_it_was(tmp_path, monkeypatch):
    for before in ("/usr/bin:/bin", None):
        if before is None:
            monkeypatch.delenv("PATH")
        else:
            monkeypatch.setenv("PATH", before)
        with Store(f"sqlite:///{tmp_path / f'{before is None}.db'}"):
            assert os.environ.get("PATH") == before


class Plugin:
    """In the place of the course's: takes a quarter point, or stops."""

    fingerprint = "quarter"

    def __init__(self, error=None):
        self.error = error

    def of(self, _gradebook, submission, _notebook):
        if self.error is not None:
            raise self.error
        return 0.25 if submission.total_seconds_late else None


def due(url, day):
    with Gradebook(url) as book:
        book.update_or_create_assignment("tp", duedate=f"2026-01-{day:02} 12:00:00 UTC")


def test_a_submission_is_written_at_once(store, url):
    made = assignment(more=CELLS)
    store.sync(made)
    due(url, 1)
    results = [result(), result(test=1.0, notebook="more")]
    saved = store.save(made, "ada", "2026-01-01 13:00:00 UTC", results, Plugin())
    assert saved.complaint is None
    assert saved.late == {"n": [3600.0, 2.0, "quarter"], "more": [3600.0, 1.0, "quarter"]}
    assert grades(url)["test_f"] == (2.0, None, False)
    assert grades(url, notebook="more")["test_f"] == (1.0, None, False)
    standing = store.standings("tp")["ada"]
    assert standing.seconds_late == 3600
    assert {name: part.penalty for name, part in standing.parts.items()} == {
        "n": 0.25,
        "more": 0.25,
    }


@pytest.mark.parametrize("error", [ConfigurationError("no"), KeyboardInterrupt()])
def test_of_a_submission_that_cannot_be_written_nothing_is(store, url, error):
    store.sync(assignment())
    store.save(assignment(), "ada", None, [result()], Plugin())
    before = store.standings("tp")
    for student in ("ada", "zoe"):
        with pytest.raises(type(error)):
            store.save(assignment(), student, "2026-01-01", [result(test=0.0)], Plugin(error))
    assert store.standings("tp") == before
    with Gradebook(url) as book:
        assert book.find_submission("tp", "ada").timestamp is None
        assert [student.id for student in book.students] == ["ada"]


def test_without_results_only_times_and_penalties_are_set(store, url):
    store.sync(assignment())
    store.save(assignment(), "ada", "2026-01-05", [result()], Plugin())
    with Gradebook(url) as book:
        book.find_grade("essay", "n", "tp", "ada").manual_score = 1.5
        book.find_grade("essay", "n", "tp", "ada").needs_manual_grade = False
        book.db.commit()
    before = grades(url)
    due(url, 1)
    saved = store.save(assignment(), "ada", "2026-01-06", [], Plugin())
    assert grades(url) == before
    assert saved.late["n"] == [4.5 * 24 * 3600, 3.5, "quarter"]
    assert store.standings("tp")["ada"].parts["n"].penalty == 0.25


def test_the_gradebook_is_read_without_nbgrader_as_nbgrader_reads_it(store, url):
    made = assignment(more=CELLS)
    store.sync(made)
    for student in ("ada", "zoe"):
        store.save(made, student, "2026-01-03", [result(), result(notebook="more")], Plugin())
    due(url, 2)
    with Gradebook(url) as book:
        book.grant_extension("tp", "zoe", hours=6)
        grade = book.find_grade("test_f", "more", "tp", "zoe")
        grade.manual_score, grade.extra_credit = 0.5, 0.25
        book.find_grade("free", "n", "tp", "zoe").extra_credit = 1.0
        book.find_submission_notebook("n", "tp", "ada").late_submission_penalty = 0.5
        book.db.commit()
        theirs = {
            row.student.id: (
                row.total_seconds_late,
                {
                    part.name: (
                        part.score,
                        part.late_submission_penalty,
                        {g.name: (g.score, g.max_score, g.needs_manual_grade) for g in part.grades},
                    )
                    for part in row.notebooks
                },
            )
            for row in book.assignment_submissions("tp")
        }
    ours = {
        student: (
            standing.seconds_late,
            {
                name: (
                    part.score,
                    part.penalty,
                    {
                        k: (s.score, s.max_score, s.needs_manual_grade)
                        for k, s in part.scores.items()
                    },
                )
                for name, part in standing.parts.items()
            },
        )
        for student, standing in read_standings(url, "tp").items()
    }
    assert theirs["zoe"][0] == 6 * 3600
    assert theirs["ada"][0] == 12 * 3600
    assert ours == theirs


def test_where_there_is_no_gradebook_none_is_made_by_reading(tmp_path):
    path = tmp_path / "gradebook.db"
    assert read_standings(f"sqlite:///{path}", "tp") == {}
    assert not path.exists()
    path.touch()
    assert read_standings(f"sqlite:///{path}", "tp") == {}


def test_a_gradebook_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "gradebook.db").write_text("no database " * 100, "utf-8")
    with pytest.raises(ConfigurationError, match="Opening the gradebook sqlite"):
        read_standings(f"sqlite:///{tmp_path / 'gradebook.db'}", "tp")


def scanned(url):
    """Return the tables that nbgrader's export reads from end to end inside another question."""
    from nbgrader.plugins import CsvExportPlugin
    from sqlalchemy import event

    asked = []
    with Gradebook(url) as book:

        @event.listens_for(book.engine, "before_cursor_execute")
        def keep(_connection, _cursor, statement, parameters, _context, _many):
            asked.append((statement, parameters))

        plugin = CsvExportPlugin()
        plugin.to = os.devnull
        plugin.export(book)
        event.remove(book.engine, "before_cursor_execute", keep)
        found, depth = set(), {}
        for statement, parameters in asked:
            plan = book.engine.raw_connection()
            rows = plan.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
            plan.close()
            depth = {0: False}
            for number, parent, _unused, detail in rows:
                inside = depth[parent] or "CORRELATED" in detail
                depth[number] = inside
                if inside and detail.startswith("SCAN "):
                    found.add(detail.split()[1])
    assert asked
    return found


def test_the_export_of_nbgrader_reads_no_table_of_the_class_for_each_row(store, url):
    made = assignment()
    store.sync(made)
    store.save(made, "ada", None, [result()], Plugin())
    assert scanned(url) & {"grade", "submitted_notebook", "submitted_assignment"} == set()
    # And without our indexes it does.
    with Gradebook(url) as book:
        for name in INDEXES:
            book.db.execute(text(f"DROP INDEX {name}"))
        book.db.commit()
    assert "grade" in scanned(url)
    with Store(url):
        pass
    assert "grade" not in scanned(url)


@pytest.mark.parametrize(
    "said",
    [
        "2026-01-02 10:00:00 UTC",
        "2026-01-02 11:00 Europe/Paris\n",
        "2026-01-02 10:00:00 +0200",
        "2026-01-02T10:00:00+02:00",
        "2026-01-02 10:00:00.25 2",
        "2026-01-02 10:00:00 nowhere",
        "2 January 2026",
        "2026-01-02",
        "yesterday",
        "a b c",
        "2026-01-02  UTC",
        "",
    ],
)
def test_a_time_is_read_as_nbgrader_reads_it(said):
    def outcome(read):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return read(said.strip())
            except (ValueError, TypeError, OverflowError) as error:
                return type(error)

    assert outcome(parsed) == outcome(parse_utc)


def test_what_persons_gave_is_written_down_before_it_goes(store, url):
    store.sync(assignment(more=CELLS))
    store.open_submission("tp", "ada", None)
    with Gradebook(url) as book:
        for notebook in ("n", "more"):
            book.find_grade("essay", notebook, "tp", "ada").manual_score = 2.5
        book.db.commit()

    class Interrupted(Exception):
        pass

    kept = []

    def keep(lines):
        kept.extend(lines)
        if lines:
            raise Interrupted

    for expected in (1, 2):
        with pytest.raises(Interrupted), Store(url) as another:
            another.sync(assignment(*CELLS[2:3]), keep)
        assert len(kept) == expected
    with Gradebook(url) as book:
        assert book.find_grade("essay", "more", "tp", "ada").manual_score == 2.5


def test_a_database_without_room_is_told_from_other_faults_and_keeps_what_it_had(store, url):
    store.sync(assignment())
    store.save(assignment(), "ada", None, [result()], Plugin())
    before = store.standings("tp")
    db = store._gradebook.db
    pages = db.execute(text("PRAGMA page_count")).scalar()
    db.execute(text(f"PRAGMA max_page_count = {pages}"))
    db.commit()

    def fill():
        for number in range(200):
            store.save(assignment(), f"s{number}", None, [result()], Plugin())

    with pytest.raises(DiskFull, match=r"the points of s\d+ in tp into the gradebook"):
        fill()
    db.execute(text("PRAGMA max_page_count = 1000000"))
    kept = store.standings("tp")
    assert kept["ada"] == before["ada"]
    assert all(
        set(part.scores) == set(before["ada"].parts["n"].scores)
        for one in kept.values()
        for part in one.parts.values()
    )
    store.save(assignment(), "zoe", None, [result()], Plugin())
    assert "zoe" in store.standings("tp")
