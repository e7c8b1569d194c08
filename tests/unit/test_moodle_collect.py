"""From Moodle's zips into submitted/: who, what, when, and what stays where it was."""

import os
import unicodedata

import pytest

from moodle_files import (
    AFTER,
    BEFORE,
    entry,
    make_course,
    notebook,
    set_due,
    worksheet,
    write_zip,
)
from nbjudge.course import load_course
from nbjudge.errors import (
    ArchiveError,
    ConfigurationError,
    DiskFull,
    TableError,
    UnknownNameError,
)
from nbjudge.moodle import placing
from nbjudge.moodle.collect import collect
from nbjudge.moodle.ledger import read_ledger

RIGHT, OTHER = notebook("a", "b"), notebook("a", "b", say="better")
BROKEN, TP2 = b"{", notebook("c", "d")
ROLL = (
    "id;nom;prénom;numéro;courriel;extension\n"
    "zoe;Petit;Zoé;0042;zoe@univ.fr;\n"
    "bob;O'Neil;Bob;0043;bob@univ.fr;2 h\n"
    "ana;Silva;Ana;0044;ana@univ.fr;\n"
)
PEOPLE = {
    1: {"name": "Zoé Petit", "email": "zoe@univ.fr"},
    2: {"name": "Bob O'Neil", "email": "bob@univ.fr"},
    3: {"name": "Ana Silva", "email": "ana@univ.fr"},
}
LAYOUTS = ["folders", "old folders", "flat"]
INSIDE = {"en": "Tuesday, 4 November 2025, 12:09 AM", "fr": "mardi 4 novembre 2025, 00:09"}


class Class:
    """A course, and the files that Moodle would give of it."""

    def __init__(self, root):
        self.root = root
        self._made = 0

    def zip(self, uploads, layout="folders", **options):
        """Write a zip; uploads are files by number, or by (name, number)."""
        self._made += 1
        entries = {}
        for who, files in uploads.items():
            name, number = who if isinstance(who, tuple) else (PEOPLE[who]["name"], who)
            files = files if isinstance(files, dict) else {"tp1.ipynb": files}
            for path, data in files.items():
                entries[entry(name.replace("'", ""), number, path, layout)] = data
        return write_zip(self.root / f"Subs-{self._made}.zip", entries, **options)

    def sheet(self, times, language="en", rows=(), **options):
        """Write a worksheet: times by number."""
        self._made += 1
        every = [{"id": n, **PEOPLE[n], "submitted": time} for n, time in times.items()]
        path = self.root / f"Grades-{self._made}.csv"
        path.write_bytes(worksheet([*every, *rows], language, **options))
        return path

    def collect(self, *zips, sheets=(), **options):
        return collect(load_course(self.root), "tp1", zips, sheets, **options)

    def notebook(self, student, name="tp1.ipynb"):
        return (self.root / "submitted" / student / "tp1" / name).read_bytes()

    def timestamp(self, student):
        path = self.root / "submitted" / student / "tp1" / "timestamp.txt"
        return path.read_text() if path.exists() else None

    @property
    def students(self):
        folder = self.root / "submitted"
        return sorted(os.listdir(folder)) if folder.exists() else []

    def aside(self, student):
        folder = self.root / ".nbjudge" / "moodle" / "aside" / "tp1" / student
        return sorted(path.read_bytes() for path in folder.glob("*/*.ipynb"))


@pytest.fixture
def course(tmp_path):
    made = Class(make_course(tmp_path / "course"))
    (made.root / "students.csv").write_text(ROLL, "utf-8")
    set_due(made.root)
    return made


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_class_is_collected_from_every_layout_in_both_languages(course, layout, language):
    report = course.collect(
        course.zip({1: RIGHT, 2: OTHER}, layout),
        sheets=[course.sheet({1: BEFORE[language], 2: AFTER[language], 3: "-"}, language)],
    )
    assert report.new == ("bob", "zoe")
    assert report.missing == ("ana",)
    assert report.late == report.notes == report.warnings == ()
    assert (course.notebook("zoe"), course.notebook("bob")) == (RIGHT, OTHER)
    assert course.timestamp("zoe") == "2025-11-03 22:58:00 UTC"
    assert course.students == ["bob", "zoe"]


def test_a_time_is_one_that_nbgrader_reads(course):
    from nbgrader.utils import parse_utc

    course.collect(course.zip({1: RIGHT}), sheets=[course.sheet({1: BEFORE["fr"]}, "fr")])
    assert str(parse_utc(course.timestamp("zoe"))) == "2025-11-03 22:58:00"


def test_renamed_notebooks_and_helpers_come_as_they_are(course):
    files = {"TP1 rendu (1).ipynb": RIGHT, "src/réponse.py": b"x", "Data.CSV": b"1"}
    decomposed = {unicodedata.normalize("NFD", name): data for name, data in files.items()}
    report = course.collect(course.zip({1: decomposed}))
    assert report.notes == ()
    for name, data in files.items():
        assert course.notebook("zoe", name) == data


def test_without_a_roll_homonyms_are_two_students(course):
    (course.root / "students.csv").unlink()
    report = course.collect(course.zip({("Jean Dupont", 7): RIGHT, ("Jean Dupont", 8): OTHER}))
    assert report.new == ("jean-dupont-7", "jean-dupont-8")
    assert course.notebook("jean-dupont-8") == OTHER


def test_who_is_not_in_the_roll_is_collected_and_listed(course):
    report = course.collect(course.zip({1: RIGHT, ("Eve Doe", 9): OTHER}))
    assert report.new == ("eve-doe-9", "zoe")
    assert report.notes == ("Eve Doe (9): not in students.csv; taken as eve-doe-9.",)
    assert report.missing == ("bob", "ana")


def test_blind_marking_names_nobody_until_somebody_is_known(course):
    blind = [{"id": 1, "submitted": BEFORE["fr"]}, {"id": 2, "submitted": "-"}]
    columns = ["id", "status", "grade", "maximum", "changeable", "submitted", "graded"]
    sheet = course.sheet({}, "fr", rows=blind, columns=columns)
    report = course.collect(course.zip({("Participant", 1): RIGHT}), sheets=[sheet])
    assert (report.new, report.notes) == (("participant-1",), ())
    revealed = course.collect(
        course.zip({1: RIGHT}), sheets=[course.sheet({1: BEFORE["fr"]}, "fr")]
    )
    assert revealed.new == ("zoe",)
    assert "was participant-1, and is zoe now" in revealed.notes[0]
    assert course.students == ["zoe"]
    assert course.timestamp("zoe") == "2025-11-03 22:58:00 UTC"
    again = course.collect(course.zip({("Participant", 1): OTHER}), sheets=[sheet])
    assert again.replaced == ("zoe",)


def test_the_same_zip_again_changes_nothing(course):
    arguments = course.zip({1: RIGHT, 2: OTHER})
    sheets = [course.sheet({1: BEFORE["en"], 2: BEFORE["en"]})]
    course.collect(arguments, sheets=sheets)
    before = course.root / "submitted" / "zoe" / "tp1"
    inode = before.stat().st_ino
    report = course.collect(arguments, sheets=sheets)
    assert (report.new, report.replaced, report.unchanged) == ((), (), ("bob", "zoe"))
    assert before.stat().st_ino == inode
    assert course.aside("zoe") == []


def test_a_newer_upload_replaces_and_the_older_one_is_kept(course):
    course.collect(course.zip({1: RIGHT}), sheets=[course.sheet({1: BEFORE["en"]})])
    report = course.collect(course.zip({1: OTHER}), sheets=[course.sheet({1: INSIDE["en"]})])
    assert report.replaced == ("zoe",)
    assert course.notebook("zoe") == OTHER
    assert course.timestamp("zoe") == "2025-11-03 23:09:00 UTC"
    assert course.aside("zoe") == [RIGHT]


def test_an_older_zip_given_later_replaces_nothing(course):
    course.collect(course.zip({1: OTHER}), sheets=[course.sheet({1: INSIDE["en"]})])
    report = course.collect(course.zip({1: RIGHT}), sheets=[course.sheet({1: BEFORE["en"]})])
    assert report.unchanged == ("zoe",)
    assert course.notebook("zoe") == OTHER
    assert course.aside("zoe") == [RIGHT]


@pytest.mark.parametrize("at_once", [True, False])
def test_the_last_upload_in_time_counts_before_a_late_one(course, at_once):
    zips = [course.zip({1: RIGHT}), course.zip({1: OTHER})]
    sheets = [course.sheet({1: BEFORE["fr"]}, "fr"), course.sheet({1: AFTER["fr"]}, "fr")]
    if at_once:
        report = course.collect(*zips, sheets=sheets)
    else:
        course.collect(zips[0], sheets=sheets[:1])
        report = course.collect(zips[1], sheets=sheets[1:])
    assert report.late == ("zoe: 21 min after the deadline; kept aside, the one before it counts.",)
    assert course.notebook("zoe") == RIGHT
    assert course.timestamp("zoe") == "2025-11-03 22:58:00 UTC"
    assert course.aside("zoe") == [OTHER]


def test_the_same_files_saved_again_after_the_deadline_are_in_time(course):
    course.collect(course.zip({1: RIGHT}), sheets=[course.sheet({1: BEFORE["en"]})])
    report = course.collect(course.zip({1: RIGHT}), sheets=[course.sheet({1: AFTER["en"]})])
    assert (report.unchanged, report.late) == (("zoe",), ())
    assert course.timestamp("zoe") == "2025-11-03 22:58:00 UTC"


def test_the_only_upload_counts_though_late_unless_that_is_refused(course):
    arguments = course.zip({1: RIGHT, 2: RIGHT})
    sheets = [course.sheet({1: AFTER["en"], 2: AFTER["en"]})]
    report = course.collect(arguments, sheets=sheets)
    assert report.late == ("zoe: 21 min after the deadline; it counts, as late.",)
    assert course.timestamp("zoe") == "2025-11-03 23:30:00 UTC"
    make_course(course.root, options=', late="refuse"')
    refused = course.collect(arguments, sheets=sheets)
    assert refused.late == ("zoe: 21 min after the deadline; refused and kept aside.",)
    assert course.students == ["bob"]
    assert course.aside("zoe") == [RIGHT]
    assert "zoe" in refused.missing


def test_grace_and_extension_are_in_time(course):
    report = course.collect(
        course.zip({1: RIGHT, 2: RIGHT}),
        sheets=[course.sheet({1: INSIDE["en"], 2: "Tuesday, 4 November 2025, 2:09 AM"})],
    )
    assert report.late == ()
    late = course.collect(
        course.zip({1: OTHER, 2: OTHER}),
        sheets=[
            course.sheet(
                {
                    1: "Tuesday, 4 November 2025, 12:10 AM",
                    2: "Tuesday, 4 November 2025, 2:10 AM",
                }
            )
        ],
    )
    assert [line.split(":")[0] for line in late.late] == ["zoe", "bob"]


def test_a_broken_upload_gives_way_to_the_valid_one_before_it(course):
    zips = [course.zip({1: RIGHT, 2: RIGHT}), course.zip({1: BROKEN, 2: {"x.txt": b"x"}})]
    sheets = [
        course.sheet({1: BEFORE["en"], 2: BEFORE["en"]}),
        course.sheet({1: INSIDE["en"], 2: INSIDE["en"]}),
    ]
    # A zip in which nothing is valid is no reason to refuse it: it holds broken files only.
    report = course.collect(*zips, sheets=sheets)
    assert course.notebook("zoe") == course.notebook("bob") == RIGHT
    assert len(report.notes) == 2
    assert all("another upload counts" in note for note in report.notes)


def test_a_notebook_cut_short_gives_way_to_the_whole_one_before_it(course):
    course.collect(course.zip({1: RIGHT}))
    report = course.collect(course.zip({1: OTHER[:-5]}))
    assert course.notebook("zoe") == RIGHT
    assert report.notes == (
        "zoe: the notebook is damaged (cut short) (Subs-2.zip); another upload counts.",
    )


def test_a_broken_upload_alone_is_kept_and_listed(course):
    report = course.collect(course.zip({1: BROKEN, 2: RIGHT}))
    assert course.notebook("zoe") == BROKEN
    assert report.notes[0].endswith("it counts, for want of another.")


def test_one_worksheet_for_two_zips_dates_the_last_upload_only(course):
    report = course.collect(
        course.zip({1: RIGHT, 2: RIGHT}, date=(1980, 1, 1, 0, 0, 0)),
        course.zip({1: OTHER}),
        sheets=[course.sheet({1: AFTER["en"], 2: BEFORE["en"]})],
    )
    # When the first was handed in nobody knows; it cannot have been later than the late one.
    assert course.notebook("zoe") == RIGHT
    assert course.timestamp("zoe") is None
    assert course.timestamp("bob") == "2025-11-03 22:58:00 UTC"
    assert "kept aside" in report.late[0]


def test_without_a_worksheet_the_zips_time_makes_nobody_late(course):
    report = course.collect(
        course.zip({1: RIGHT}, date=(2025, 11, 3, 20, 0, 0)),
        course.zip({2: RIGHT}, date=(2025, 11, 5, 8, 0, 0)),
    )
    assert course.timestamp("zoe") == "2025-11-03 19:00:00 UTC"
    assert course.timestamp("bob") is None
    assert "perhaps 1 d 5 h 51 min after the deadline, by the zip alone" in report.late[0]
    assert "No worksheet was given" in report.warnings[0]


def test_times_that_come_with_a_later_worksheet_are_added(course):
    path = course.zip({1: RIGHT}, date=(1980, 1, 1, 0, 0, 0))
    course.collect(path)
    assert course.timestamp("zoe") is None
    report = course.collect(path, sheets=[course.sheet({1: BEFORE["en"]})])
    assert report.unchanged == ("zoe",)
    assert course.timestamp("zoe") == "2025-11-03 22:58:00 UTC"


def test_without_a_due_date_nothing_is_late_and_that_is_said(course):
    (course.root / "gradebook.db").unlink()
    report = course.collect(course.zip({1: RIGHT}), sheets=[course.sheet({1: AFTER["en"]})])
    assert report.late == ()
    assert "nbgrader db assignment add tp1 --duedate" in report.warnings[0]


def test_a_students_own_timestamp_counts_for_nothing(course):
    files = {"tp1.ipynb": RIGHT, "timestamp.txt": b"2000-01-01 00:00:00 UTC"}
    report = course.collect(course.zip({1: files}), sheets=[course.sheet({1: BEFORE["en"]})])
    assert course.timestamp("zoe") == "2025-11-03 22:58:00 UTC"
    assert "'timestamp.txt' was left out" in report.notes[0]


def team_sheet(course, *groups, language="en"):
    rows = [
        {"id": n, **PEOPLE[n], "group": group, "submitted": BEFORE[language]}
        for n, group in enumerate(groups, 1)
    ]
    return course.sheet({}, language, rows=rows)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_teams_upload_is_every_members(course, layout):
    report = course.collect(
        course.zip({("Groupe A", 57): RIGHT, ("Groupe B", 58): OTHER}, layout),
        sheets=[team_sheet(course, "Groupe_A", "Groupe_A", "Groupe B", language="fr")],
    )
    assert report.notes == ()
    assert [course.notebook(s) for s in ("zoe", "bob", "ana")] == [RIGHT, RIGHT, OTHER]
    assert course.timestamp("bob") == "2025-11-03 22:58:00 UTC"
    assert (course.root / "submitted/zoe/tp1/tp1.ipynb").stat().st_ino != (
        course.root / "submitted/bob/tp1/tp1.ipynb"
    ).stat().st_ino


def test_those_in_no_team_hand_in_together_without_a_number(course):
    report = course.collect(
        course.zip({("Default group", None): RIGHT}),
        sheets=[team_sheet(course, "Default group", "Default group", "X")],
    )
    assert report.new == ("bob", "zoe")


def test_members_who_uploaded_alone_are_listed_and_keep_their_own(course):
    report = course.collect(
        course.zip({1: RIGHT, 2: OTHER}), sheets=[team_sheet(course, "A", "A", "A")]
    )
    assert course.notebook("zoe") == RIGHT
    assert course.notebook("bob") == OTHER
    assert report.notes[0] == (
        "A: its members handed in different files (Zoé Petit (1), Bob O'Neil (2)); each keeps "
        "their own."
    )
    # The column may be the university's, and no team's: nobody gets another's work by it.
    assert report.missing == ("ana",)


def test_older_moodles_put_the_teams_name_before_each_members(course):
    zips = course.zip({("Groupe A-Zoé Petit", 1): RIGHT, ("Groupe A-Bob O'Neil", 2): RIGHT})
    report = course.collect(zips, sheets=[team_sheet(course, "Groupe A", "Groupe A", "B")])
    assert report.new == ("bob", "zoe")
    assert [note.split(":")[0] for note in report.notes] == ["Ana Silva (3)"]


def test_a_teams_number_that_is_a_participants_gives_that_one_nothing(course):
    rows = [{"id": n, **PEOPLE[n], "submitted": "-"} for n in (1, 2, 3)]
    report = course.collect(
        course.zip({("Groupe A", 3): RIGHT, 1: OTHER, 2: OTHER}),
        sheets=[course.sheet({}, rows=rows)],
    )
    assert report.new == ("bob", "groupe-a-3", "zoe")
    assert "in Grades-2.csv that number is Ana Silva's" in report.notes[0]
    assert report.missing == ("ana",)


@pytest.mark.parametrize(
    ("language", "status"), [("en", "Draft (not submitted)"), ("fr", "Brouillon (non remis)")]
)
def test_a_draft_is_collected_and_listed(course, language, status):
    rows = [{"id": 1, **PEOPLE[1], "status": status, "submitted": BEFORE[language]}]
    report = course.collect(course.zip({1: RIGHT}), sheets=[course.sheet({}, language, rows=rows)])
    assert report.new == ("zoe",)
    assert "a draft, says the worksheet" in report.notes[0]


def test_a_team_without_a_worksheet_is_listed(course):
    report = course.collect(course.zip({("Default group", None): RIGHT}))
    assert report.new == ("default-group",)
    assert "a team, whose members only the worksheet knows" in report.notes[0]


def test_who_handed_in_and_is_not_in_the_zip_is_listed(course):
    report = course.collect(
        course.zip({1: RIGHT}), sheets=[course.sheet({1: BEFORE["en"], 2: BEFORE["en"]})]
    )
    assert report.notes == (
        "Bob O'Neil (2): handed in on Monday 3 November 2025 at 23:58 (Europe/Paris), says the "
        "worksheet, and there is no file in the zip (it was downloaded before, or there is an "
        "online text only).",
    )


def test_numbers_that_were_exchanged_are_put_right(course):
    course.collect(course.zip({1: RIGHT, 2: OTHER}), sheets=[course.sheet({1: "-", 2: "-"})])
    swapped = ROLL.replace("zoe@", "x@").replace("bob@", "zoe@").replace("x@", "bob@")
    (course.root / "students.csv").write_text(swapped, "utf-8")
    course.collect(course.zip({1: RIGHT, 2: OTHER}), sheets=[course.sheet({1: "-", 2: "-"})])
    assert course.students == ["bob", "zoe"]
    assert (course.notebook("bob"), course.notebook("zoe")) == (RIGHT, OTHER)


def test_a_second_assignment_of_moodle_for_those_who_were_late_is_one_more_upload(course):
    course.collect(course.zip({1: RIGHT}), sheets=[course.sheet({1: BEFORE["en"]})])
    again = [{"id": 901, **PEOPLE[1], "submitted": INSIDE["en"]}]
    report = course.collect(
        course.zip({("Zoé Petit", 901): OTHER}), sheets=[course.sheet({}, rows=again)]
    )
    assert report.replaced == ("zoe",)
    assert course.notebook("zoe") == OTHER
    # It turns out to be Bob's: what is Zoé's own stays hers.
    (course.root / "students.csv").write_text(
        ROLL.replace("zoe@univ.fr", "z@univ.fr").replace("bob@univ.fr", "zoe@univ.fr"), "utf-8"
    )
    course.collect(course.zip({("Zoé Petit", 901): OTHER}), sheets=[course.sheet({}, rows=again)])
    assert course.notebook("bob") == OTHER
    assert course.students == ["bob"]
    assert RIGHT in course.aside("zoe")
    mine = [{"id": 1, **PEOPLE[1], "email": "z@univ.fr", "submitted": BEFORE["en"]}]
    course.collect(course.zip({1: RIGHT}), sheets=[course.sheet({}, rows=mine)])
    assert (course.notebook("zoe"), course.notebook("bob")) == (RIGHT, OTHER)


def test_a_dry_run_says_the_same_and_writes_nothing(course):
    path = course.zip({1: RIGHT})
    dry = course.collect(path, dry_run=True)
    assert course.students == []
    assert not (course.root / ".nbjudge" / "moodle").exists()
    assert course.collect(path) == dry


def test_the_ledger_knows_the_way_back(course):
    course.collect(course.zip({1: RIGHT}), sheets=[course.sheet({1: BEFORE["en"], 2: "-"})])
    ledger = read_ledger(course.root, "tp1")
    assert {key: one.student for key, one in ledger.participants.items()} == {
        "1": "zoe",
        "2": "bob",
    }
    assert ledger.collected["zoe"].arrived == "2025-11-03T22:58:00+00:00"


# What is refused leaves everything as it was.


def snapshot(root):
    """Return all files but what says nothing: a lock, and notebooks read before."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and path.name != "grading.lock" and path.parent.name != "compiled"
    }


def bad_zip(course):
    return course.zip({1: OTHER, 2: {"../../../x": b"x"}})


def another_assignment(course):
    return course.zip({1: TP2, 2: TP2, 3: RIGHT})


def another_course(course):
    return course.zip({1: notebook("x", "y"), 2: notebook("x", "z")})


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (bad_zip, ArchiveError, "leads out of the folder"),
        (another_assignment, ArchiveError, "2 of its 3 uploads are of tp2, 1 of tp1"),
        (another_course, ArchiveError, "none of its 2 notebooks is a copy of tp1's"),
    ],
)
def test_a_bad_zip_changes_nothing_even_behind_a_good_one(course, make, error, said):
    course.collect(course.zip({1: RIGHT}))
    good, bad = course.zip({1: OTHER, 2: RIGHT}), make(course)
    before = snapshot(course.root)
    with pytest.raises(error, match=said):
        course.collect(good, bad)
    assert snapshot(course.root) == before


def test_a_single_notebook_of_another_assignment_is_listed(course):
    report = course.collect(course.zip({1: TP2, 2: RIGHT, 3: RIGHT}))
    assert report.notes == (
        "zoe: the notebook is of tp2 (Subs-1.zip); it counts, for want of another.",
    )


def unknown_language(course):
    path = course.root / "Bewertungen.csv"
    path.write_bytes("Kennung,Vollständiger Name,Bewertung\nTeilnehmer/in1,A,\n".encode())
    return path


def of_others(course):
    rows = [{"id": n, "name": f"Nobody {n}", "submitted": "-"} for n in (71, 72)]
    return course.sheet({}, rows=rows)


def same_ids_of_others(course):
    rows = [{"id": n, "name": f"Nobody {n}", "submitted": "-"} for n in (1, 2)]
    return course.sheet({}, rows=rows)


def without_grades(course):
    return course.sheet({1: "-"}, "fr", columns=["id", "name", "maximum", "submitted"])


def twice_the_same(course):
    return course.sheet({}, rows=[{"id": 1, **PEOPLE[1]}, {"id": 1, **PEOPLE[2]}])


def strange_time(course):
    return course.sheet({1: "03/11/2025 23:58"})


def header_only(course):
    return course.sheet({})


def cut(course):
    path = course.sheet({1: "-", 2: "-"})
    path.write_bytes(path.read_bytes()[:-60])
    return path


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (unknown_language, r"headers \(English: Identifier.*French: Identifiant.*found 'Kennung'"),
        (of_others, r"does not belong to Subs-1\.zip.*0 are in the worksheet"),
        (same_ids_of_others, "does not belong"),
        (without_grades, r"\(French\) has no column 'Note', 'Dernière modification \(note\)'"),
        (twice_the_same, "line 3: the participant 1 stands in line 2 already"),
        (strange_time, "line 2: the time '03/11/2025 23:58' cannot be read"),
        (header_only, "only a header"),
        (cut, "line 3: "),
    ],
)
def test_a_worksheet_that_cannot_be_used_changes_nothing(course, make, said):
    path, sheet = course.zip({1: RIGHT, 2: RIGHT}), make(course)
    before = snapshot(course.root)
    with pytest.raises(TableError, match=said):
        course.collect(path, sheets=[sheet])
    assert snapshot(course.root) == before


def test_other_mistakes_are_sentences(course):
    path = course.zip({1: RIGHT})
    with pytest.raises(UnknownNameError, match=r"no assignment 'tp9'.*tp1, tp2"):
        collect(load_course(course.root), "tp9", [path])
    with pytest.raises(ConfigurationError, match="3 zips and 2 worksheets"):
        course.collect(path, path, path, sheets=[course.sheet({1: "-"})] * 2)


def test_a_move_that_fails_in_the_middle_is_undone(course, monkeypatch):
    course.collect(course.zip({1: RIGHT, 2: RIGHT}))
    path = course.zip({1: OTHER, 2: OTHER, 3: OTHER})
    before = snapshot(course.root / "submitted")
    real, calls = os.rename, []

    def rename(source, target):
        calls.append(target)
        if len(calls) == 6:
            raise OSError(28, "No space left on device")
        real(source, target)

    monkeypatch.setattr(placing.os, "rename", rename)
    with pytest.raises(DiskFull, match=r"No space left on device.*Nothing was collected"):
        course.collect(path)
    monkeypatch.undo()
    assert snapshot(course.root / "submitted") == before
    assert course.collect(path).replaced == ("bob", "zoe")


def test_what_a_killed_run_left_goes_with_the_next(course):
    left = course.root / "submitted" / ".collecting-killed"
    left.mkdir(parents=True)
    (left / "x").write_text("x")
    course.collect(course.zip({1: RIGHT}))
    assert course.students == ["zoe"]
