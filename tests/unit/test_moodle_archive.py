"""Zips that may do harm, zips of strange writers, and whose file an entry is."""

import struct
import unicodedata
import zipfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moodle_files import entry, write_zip
from nbjudge.errors import ArchiveError, DiskFull
from nbjudge.moodle import archive
from nbjudge.moodle.archive import Archive, Bounds, check_room, file_name
from nbjudge.moodle.layout import cleaned, place_of, safe_label
from nbjudge.moodle.uploads import digest_of, unpack

GOOD = "Zoé Petit_1000002_assignsubmission_file/tp1.ipynb"


def patched(path, before, after):
    data = path.read_bytes()
    assert before in data
    path.write_bytes(data.replace(before, after))
    return path


def special(path, mode, name="Zoé_1_assignsubmission_file/tp1.ipynb"):
    with zipfile.ZipFile(path, "w") as made:
        info = zipfile.ZipInfo(name)
        info.create_system = 3
        info.external_attr = mode << 16
        made.writestr(info, "/etc/passwd")
    return path


def encrypted(path):
    write_zip(path, {GOOD: b"x"})
    data = bytearray(path.read_bytes())
    data[6] |= 1
    central = data.index(b"PK\x01\x02")
    data[central + 8] |= 1
    path.write_bytes(data)
    return path


def liar(path):
    """Write an entry that is longer than the zip says."""
    write_zip(path, {GOOD: b"a" * 1000})
    return patched(path, struct.pack("<L", 1000), struct.pack("<L", 10))


def damaged(path):
    write_zip(path, {GOOD: bytes(range(256)) * 8})
    data = bytearray(path.read_bytes())
    data[data.index(b"tp1.ipynb") + 30] ^= 0xFF
    path.write_bytes(data)
    return path


def truncated(path):
    write_zip(path, {GOOD: bytes(range(256)) * 8})
    path.write_bytes(path.read_bytes()[:-30])
    return path


def foreign(path):
    path.write_bytes(b"<html>Log in to Moodle</html>")
    return path


def wrong_method(path):
    write_zip(path, {GOOD: b"x" * 100})
    data = bytearray(path.read_bytes())
    data[8] = data[data.index(b"PK\x01\x02") + 10] = 9  # deflate64
    path.write_bytes(data)
    return path


def of(*names):
    return lambda path: write_zip(path, [(name, b"x") for name in names])


HARMFUL = {
    "an absolute path": (of("/etc/passwd_1_assignsubmission_file/x"), "its path is absolute"),
    "a drive": (of("C:\\Zoé_1_assignsubmission_file\\x"), "its path is absolute"),
    "a way out": (of("Zoé_1_assignsubmission_file/../../x"), "leads out of the folder"),
    "a way out of Windows": (of("Zoé_1_assignsubmission_file\\..\\..\\x"), "leads out"),
    "a link": (lambda path: special(path, 0o120777), "it is a link"),
    "a device": (lambda path: special(path, 0o020666), "it is a device"),
    "a pipe": (lambda path: special(path, 0o010666), "it is a device, a pipe"),
    "a folder called like a file": (
        lambda path: special(path, 0o040755),
        "says that it is a folder",
    ),
    "a file in a file": (of(GOOD, GOOD + "/x"), "it is a file, and other entries lie in it"),
    "an encrypted entry": (encrypted, "it is encrypted"),
    "a liar": (liar, "no whole zip|longer than the zip says"),
    "damage": (damaged, "no whole zip"),
    "a truncated zip": (truncated, "no whole zip"),
    "another format": (foreign, "no whole zip"),
    "an unknown method": (wrong_method, "no whole zip"),
    "a deep path": (of("Zoé_1_assignsubmission_file/" + "d/" * 40 + "x"), "folders deep"),
    "a zip of something else": (of("holiday/beach.jpg", "notes.txt"), "no zip of submissions"),
    "an empty zip": (of(), "found nothing"),
}


@pytest.mark.parametrize("case", HARMFUL)
def test_harm_is_refused_with_a_sentence(tmp_path, case):
    make, said = HARMFUL[case]
    path = make(tmp_path / "Subs.zip")
    with pytest.raises(ArchiveError, match=said) as caught:
        unpack(path, tmp_path / "out")
    assert str(caught.value).endswith("Nothing was collected.")
    assert not (tmp_path.parent / "x").exists()


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_entries_of_one_name_are_refused(tmp_path):
    with pytest.raises(ArchiveError, match="two entries of this name"):
        unpack(of(GOOD, GOOD)(tmp_path / "Subs.zip"), tmp_path / "out")


def test_a_bomb_is_refused_before_a_byte_of_it_is_written(tmp_path):
    path = write_zip(tmp_path / "Subs.zip", {GOOD: bytes(2**20)})
    bounds = Bounds(ratio_from_bytes=2**16)
    with pytest.raises(ArchiveError, match=r"a zip bomb\?.*zip -d"):
        unpack(path, tmp_path / "out", bounds)
    assert not list((tmp_path / "out").iterdir())
    many = {entry("Zoé", n, "tp1.ipynb"): bytes(2**15) for n in range(1, 10)}
    with pytest.raises(ArchiveError, match="would become 294912"):
        unpack(
            write_zip(tmp_path / "Many.zip", many),
            tmp_path / "out2",
            Bounds(ratio_from_bytes=2**16, ratio=50),
        )


def test_the_whole_is_bounded_however_little_it_was_packed(tmp_path):
    path = write_zip(tmp_path / "Subs.zip", {GOOD: bytes(range(256)) * 16})
    with pytest.raises(ArchiveError, match="at most 4000 are unpacked"):
        unpack(path, tmp_path / "out", Bounds(total_bytes=4000))
    with pytest.raises(ArchiveError, match="it has 1 entries, more than 0"):
        unpack(path, tmp_path / "out2", Bounds(entries=0))


def test_an_ordinary_notebook_with_much_of_the_same_is_no_bomb(tmp_path):
    path = write_zip(tmp_path / "Subs.zip", {GOOD: bytes(2**20)})
    assert len(unpack(path, tmp_path / "out").uploads) == 1


def test_a_disk_without_room_is_said_before(tmp_path, monkeypatch):
    monkeypatch.setattr(archive.shutil, "disk_usage", lambda _: type("U", (), {"free": 10})())
    with pytest.raises(DiskFull, match=r"it takes 3 MiB, and 0 MiB are free"):
        check_room(tmp_path, 2 * 2**20)


def without_flag(path, raw, extra=b""):
    """Write a zip whose one name is in bytes that no flag explains."""
    stand_in = ("Q" * len(raw)).encode()
    info = zipfile.ZipInfo(stand_in.decode())
    info.extra = extra
    with zipfile.ZipFile(path, "w") as made:
        made.writestr(info, b"x")
    return patched(path, stand_in, raw)


@pytest.mark.parametrize("encoding", ["utf-8", "cp437"])
def test_names_without_the_flag_are_read(tmp_path, encoding):
    path = without_flag(
        tmp_path / "Subs.zip", "Zoé Noël_7_assignsubmission_file/x".encode(encoding)
    )
    assert unpack(path, tmp_path / "out").uploads[0].uploader.label == "Zoé Noël"


def test_capitals_of_french_windows_are_read(tmp_path):
    path = without_flag(tmp_path / "S.zip", "ÉLODIE À_7_assignsubmission_file/x".encode("cp850"))
    assert unpack(path, tmp_path / "out").uploads[0].uploader.label == "ÉLODIE À"


def test_a_unicode_path_beside_the_name_is_read(tmp_path):
    raw, said = b"Zo_ N_7_assignsubmission_file/\x82", "Łucja_7_assignsubmission_file/x".encode()
    data = b"\x01" + struct.pack("<L", zlib.crc32(raw)) + said
    extra = struct.pack("<HH", 0x7075, len(data)) + data
    path = without_flag(tmp_path / "Subs.zip", raw, extra)
    assert unpack(path, tmp_path / "out").uploads[0].uploader.label == "Łucja"


def test_decomposed_accents_are_composed(tmp_path):
    name = unicodedata.normalize("NFD", "Zoé_7_assignsubmission_file/réponse é.ipynb")
    (upload,) = unpack(write_zip(tmp_path / "S.zip", {name: b"x"}), tmp_path / "out").uploads
    assert upload.uploader.label == "Zoé"
    assert [path.name for path in upload.folder.iterdir()] == ["réponse é.ipynb"]


def test_two_names_that_differ_by_composition_only_are_two_files():
    taken = set()
    composed, decomposed = "é.ipynb", unicodedata.normalize("NFD", "é.ipynb")
    assert [file_name(composed, taken), file_name(decomposed, taken)] == [composed, decomposed]


def test_what_no_file_can_be_called_is_left_out_and_listed(tmp_path):
    entries = {
        entry("Zoé", 1, "x" * 300 + ".ipynb"): b"x",
        entry("Zoé", 1, "timestamp.txt"): b"2000-01-01 00:00:00 UTC",
        entry("Zoé", 1, "tp1.ipynb"): b"x",
    }
    contents = unpack(write_zip(tmp_path / "S.zip", entries), tmp_path / "out")
    assert [path.name for path in contents.uploads[0].folder.iterdir()] == ["tp1.ipynb"]
    assert len(contents.notes) == 2
    assert "timestamp.txt" in contents.notes[1]


def test_online_text_is_listed_and_junk_is_not(tmp_path):
    entries = {
        "Zoé_1_assignsubmission_onlinetext/onlinetext.html": b"<p>",
        "Ana_2_assignsubmission_onlinetext_onlinetext.html": b"<p>",
        entry("Ana", 2, "tp1.ipynb", "flat"): b"x",
        "__MACOSX/._Zoé": b"x",
        ".DS_Store": b"x",
        "readme.txt": b"x",
    }
    contents = unpack(write_zip(tmp_path / "S.zip", entries), tmp_path / "out")
    assert [str(upload.uploader) for upload in contents.uploads] == ["Ana (2)"]
    assert [str(uploader) for uploader in contents.without_file] == ["Zoé (1)"]
    assert contents.notes == [
        "Zoé (1): handed in an online text, which is not read; and no file.",
        "Ana (2): handed in an online text, which is not read.",
        "S.zip: 1 entries are of no participant and were left out ('readme.txt').",
    ]


NAMES = st.text(
    st.characters(codec="utf-8", categories=["L", "Mn", "Zs", "Pd"], include_characters="'\",."),
    min_size=1,
    max_size=20,
).filter(lambda name: name.strip(" .") and "/" not in name)


@settings(deadline=None)
@given(NAMES, st.integers(1, 10**9), st.sampled_from(["folders", "old folders", "flat"]))
def test_every_layout_says_whose_file_it_is(name, number, layout):
    place = place_of(entry(name, number, "my_work_2.ipynb", layout))
    assert place.uploader.number == str(number)
    assert cleaned(place.uploader.label) == cleaned(name)
    assert (place.kind, place.path) == ("file", "my_work_2.ipynb")


def test_a_students_path_cannot_say_that_it_is_anothers():
    forged = "Bob_2_assignsubmission_file/tp1.ipynb"
    for layout in ("folders", "old folders"):
        place = place_of(entry("Eve", 1, forged, layout))
        assert (place.uploader.number, place.path) == ("1", forged)
    flat = place_of("Eve_1_assignsubmission_file_Bob_2_assignsubmission_file_tp1.ipynb")
    assert flat.uploader.number == "1"


def test_a_zip_that_was_packed_again_in_a_folder_is_read():
    place = place_of("tp1 subs/Zoé_7_assignsubmission_file/src/tp1.ipynb")
    assert (place.uploader.number, place.path) == ("7", "src/tp1.ipynb")


def test_a_team_has_a_number_or_none():
    assert place_of("Groupe A_57_assignsubmission_file/x").uploader.number == "57"
    default = place_of("Groupe par défaut_assignsubmission_file/x").uploader
    assert (default.label, default.number) == ("Groupe par défaut", None)


@pytest.mark.parametrize(
    "name", ["x", "a/b", "Zoé_7_assignsubmission_file", "assignsubmission_file/x"]
)
def test_other_names_are_nobodys(name):
    assert place_of(name) is None


@settings(deadline=None)
@given(st.text(max_size=40))
def test_a_label_is_one_part_of_a_path_without_underscores(name):
    label = safe_label(name)
    assert label
    assert not set(label) & set('_/\\:"')
    assert label[0] not in ".~"


def test_the_digest_knows_names_and_bytes_and_no_time_of_arrival(tmp_path):
    (tmp_path / "a").write_bytes(b"1")
    first = digest_of(tmp_path)
    (tmp_path / "timestamp.txt").write_text("now")
    assert digest_of(tmp_path) == first
    (tmp_path / "a").write_bytes(b"2")
    assert digest_of(tmp_path) != first
    (tmp_path / "a").rename(tmp_path / "b")
    (tmp_path / "b").write_bytes(b"1")
    assert digest_of(tmp_path) != first


def test_a_closed_archive_holds_no_file_open(tmp_path):
    path = write_zip(tmp_path / "S.zip", {GOOD: b"x"})
    with Archive(path) as opened:
        (one,) = opened.entries
    with pytest.raises(ArchiveError):
        opened.extract(one, tmp_path / "x")


@pytest.fixture(scope="module")
def good_bytes(tmp_path_factory):
    entries = {GOOD: b"x" * 500, "É_2_assignsubmission_file/d/a.py": bytes(range(256))}
    return write_zip(tmp_path_factory.mktemp("good") / "S.zip", entries).read_bytes()


@pytest.mark.filterwarnings("ignore:Duplicate name")
@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=6),
    st.integers(0, 3),
)
def test_a_zip_with_any_damage_is_read_or_refused(tmp_path_factory, good_bytes, changes, cut):
    data = bytearray(good_bytes)
    for place, value in changes:
        data[place % len(data)] = value
    folder = tmp_path_factory.mktemp("damaged")
    path = folder / "S.zip"
    path.write_bytes(data[: len(data) - cut])
    try:
        uploads, said = unpack(path, folder / "out", Bounds(total_bytes=10**6)).uploads, ""
    except ArchiveError as error:
        uploads, said = [], str(error)
    assert not said or said.endswith("Nothing was collected.")
    assert all(upload.folder.is_relative_to(folder) for upload in uploads)
