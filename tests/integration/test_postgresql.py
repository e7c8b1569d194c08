"""A gradebook in PostgreSQL holds what one in SQLite holds; the server is the test's own."""

import pytest
import small_course as sc
from servers import postgresql

from nbjudge.classroom import grade_class

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def url():
    with postgresql() as made:
        yield made


def test_a_class_graded_into_postgresql_has_the_marks_of_sqlite(tmp_path, url):
    here = sc.make_course(tmp_path / "here", gradebook=True)
    here.submit("ada", timestamp="2026-01-02 03:04:05 UTC")
    here.submit("élève d'à côté")
    here.submit("dan", {"p1": sc.RIGHT["p1"] | {"greet": "def greet(name):\n    return 'Hi'"}})
    there = sc.copy_course(here, tmp_path / "there")
    (there.root / "gradebook.db").unlink()
    with (there.root / "nbgrader_config.py").open("a", encoding="utf-8") as stream:
        stream.write(f"c.CourseDirectory.db_url = {url!r}\n")

    for made in (here, there):
        report = grade_class(made.course, sc.NAME, workers=2)
        assert (len(report.graded), report.failed) == (3, {})

    assert not (there.root / "gradebook.db").exists()
    assert sc.points_of(there) == sc.points_of(here)
    assert sc.gradebook_of(there) == sc.gradebook_of(here)

    again = grade_class(there.course, sc.NAME, workers=1)

    assert [row.student for row in again.marks] == [row.student for row in report.marks]
    assert [row.points for row in again.marks] == [row.points for row in report.marks]
    assert sc.gradebook_of(there) == sc.gradebook_of(here)
