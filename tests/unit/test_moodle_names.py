"""Whatever people are called: from Moodle's zip and worksheet, and back into its import."""

import re
import unicodedata
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from moodle_files import AFTER, BEFORE, entry, worksheet, write_zip
from nbjudge.cli import main
from nbjudge.due import Deadlines, Due
from nbjudge.moodle.gathering import Run, gather
from nbjudge.moodle.identity import identify
from nbjudge.moodle.layout import safe_label
from nbjudge.moodle.uploads import unpack
from nbjudge.moodle.worksheet import read_worksheet

DUE = Due(assignment="tp1", date=datetime(2025, 11, 3, 22, 59, tzinfo=UTC), deadlines=Deadlines())
NAMES = st.text(
    st.characters(
        codec="utf-8",
        categories=["L", "Mn", "Zs"],
        include_characters="'’\",;:&<>|`_-.()",
    ),
    min_size=1,
    max_size=20,
).filter(lambda name: re.search(r"\w", name.replace("_", "")) is not None)


def in_zip(name):
    """Return a full name as Moodle cleans it for the name of a file."""
    return re.sub(r"[\x00-\x1f\x7f&<>\"`|':\\/]", "", name.replace("_", " "))


@settings(deadline=None)
@given(
    names=st.lists(NAMES, min_size=1, max_size=6),
    language=st.sampled_from(["en", "fr"]),
    layout=st.sampled_from(["folders", "old folders", "flat"]),
    form=st.sampled_from(["NFC", "NFD"]),
    late=st.lists(st.booleans(), min_size=6, max_size=6),
)
def test_everyone_gets_their_own_upload_and_time_and_page(
    tmp_path_factory, names, language, layout, form, late
):
    root = tmp_path_factory.mktemp("names")
    times = [AFTER[language] if is_late else BEFORE[language] for is_late in late]
    rows = [{"id": 1000 + n, "name": name, "submitted": times[n]} for n, name in enumerate(names)]
    (root / "Notes.csv").write_bytes(worksheet(rows, language))
    entries = {
        unicodedata.normalize(form, entry(in_zip(name), 1000 + n, "tp1.ipynb", layout)): str(n)
        for n, name in enumerate(names)
    }
    contents = unpack(write_zip(root / "Subs.zip", entries), root / "out")
    sheet = read_worksheet(root / "Notes.csv", ZoneInfo("Europe/Paris"))
    run = Run()
    gather(run, contents, sheet, DUE)
    assert run.notes == []
    assert list(run.uploads) == [str(1000 + n) for n in range(len(names))]
    for n, ((one,), is_late) in enumerate(zip(run.uploads.values(), late, strict=False)):
        assert (one.folder / "tp1.ipynb").read_text() == str(n)
        assert one.is_late(DUE, "anyone") is is_late
    found, _doubts = identify(list(run.people.values()), None, {})
    assert len({known.student for known in found.values()}) == len(names)
    for key, known in found.items():
        parts = f"{safe_label(known.name)}_{key}_assignfeedback_file_my_page.html".split("_", 4)
        assert parts[1:] == [key, "assignfeedback", "file", "my_page.html"]


def test_the_last_moment_by_the_minute_is_in_time(tmp_path):
    rows = [{"id": 1, "name": "Zoé", "submitted": "lundi 3 novembre 2025, 23:59"}]
    (tmp_path / "Notes.csv").write_bytes(worksheet(rows, "fr"))
    sheet = read_worksheet(tmp_path / "Notes.csv", ZoneInfo("Europe/Paris"))
    contents = unpack(write_zip(tmp_path / "S.zip", {entry("Zoé", 1, "x"): b""}), tmp_path / "out")
    run = Run()
    gather(run, contents, sheet, DUE)
    (one,) = run.uploads["1"]
    assert not one.is_late(DUE, "zoe")
    assert one.arrived == DUE.date
    assert DUE.is_late("zoe", one.arrived + timedelta(minutes=1))


@pytest.mark.parametrize("command", ["collect", "return"])
def test_help_fits_a_terminal(command):
    result = CliRunner().invoke(main, ["moodle", command, "--help"])
    assert result.exit_code == 0
    assert max(map(len, result.output.splitlines())) <= 80
