"""The roll, ``students.csv``: what is read, and what is refused with a sentence."""

from datetime import timedelta

import pytest

from nbjudge.errors import TableError
from nbjudge.marking.roll import Code, Student, read_roll

FRENCH = (
    "id;Nom;Prénom;N° étudiant;Adresse de courriel;Groupe;Tiers-temps;extension tp2;code tp1;"
    "Code examen\n"
    "adal;Lovelace;Ada;00123;ada@univ.fr;A;2 j;1 j 12 h;;ABI\n"
    "elea;Müller;Éléa;124;;B;;;abj;\n"
)


def write(tmp_path, text, encoding="utf-8"):
    (tmp_path / "students.csv").write_bytes(text.encode(encoding))
    return tmp_path


def read(tmp_path, text, encoding="utf-8"):
    return read_roll(write(tmp_path, text, encoding))


def refused(tmp_path, text, encoding="utf-8"):
    with pytest.raises(TableError) as caught:
        read(tmp_path, text, encoding)
    return str(caught.value)


def test_a_course_without_the_file_has_no_roll(tmp_path):
    assert read_roll(tmp_path) is None


def test_every_column_is_read(tmp_path):
    roll = read(tmp_path, FRENCH)
    assert list(roll.students) == ["adal", "elea"]
    assert roll.students["adal"] == Student(
        id="adal",
        name="Lovelace",
        first_name="Ada",
        number="00123",
        email="ada@univ.fr",
        group="A",
        extension=timedelta(days=2),
        extensions={"tp2": timedelta(hours=36)},
        codes={"exam": Code.ABI},
    )
    assert roll.students["elea"].codes == {"tp1": Code.ABJ}
    assert roll.assignments == {"tp1", "tp2"}
    assert set(roll.by_number()) == {"00123", "124"}


def test_an_extension_of_one_assignment_takes_the_place_of_the_general_one(tmp_path):
    ada, elea = read(tmp_path, FRENCH).students.values()
    assert [ada.extension_for(tp) for tp in ("tp1", "tp2")] == [
        timedelta(days=2),
        timedelta(days=1, hours=12),
    ]
    assert elea.extension_for("tp1") == timedelta()


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig"], ids=["without a BOM", "with a BOM"]
)  # fmt: skip
@pytest.mark.parametrize("separator", [";", ",", "\t"], ids=["semicolon", "comma", "tab"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["unix", "windows"])
def test_separators_and_line_ends_of_every_spreadsheet_are_read(
    tmp_path, encoding, separator, newline
):
    text = FRENCH.replace(";", separator).replace("\n", newline)
    assert list(read(tmp_path, text, encoding).students) == ["adal", "elea"]


def test_english_headers_are_read(tmp_path):
    text = (
        "Student ID,Last name,First name,Student number,E-mail,Group,Extra time,code exam,remark\n"
        'a,Lovelace,Ada,1,a@b.c,A,90 min,DEF,"late, ill"\n'
    )
    student = read(tmp_path, text).students["a"]
    assert (student.full_name, student.number, student.group) == ("Ada Lovelace", "1", "A")
    assert student.extension == timedelta(minutes=90)
    assert student.codes == {"exam": Code.DEF}


def test_the_number_stands_in_for_a_missing_id(tmp_path):
    assert read(tmp_path, "numéro;nom\n0042;X\n").students["0042"].number == "0042"


def test_empty_lines_and_columns_of_a_spreadsheet_are_passed_over(tmp_path):
    text = "id;nom;;\n;;;\nada;Lovelace;;\n\n;;;\n"
    assert list(read(tmp_path, text).students) == ["ada"]


def test_the_line_that_excel_puts_before_the_header_is_passed_over(tmp_path):
    assert list(read(tmp_path, "sep=;\nid;nom\nada;A, B\n").students) == ["ada"]
    assert "line 3" in refused(tmp_path, "sep=;\nid;code tp1\nada;X\n")


def test_letters_that_are_composed_otherwise_are_the_same(tmp_path):
    assert list(read(tmp_path, "id;nom\ne\N{COMBINING ACUTE ACCENT}lea;X\n").students) == ["élea"]


WRONG = {
    "an id twice": ("id;nom\na;X\nb;Y\na;Z\n", ["line 4", "'a'", "line 2"]),
    "a number twice": ("id;numéro\na;7\nb;7\n", ["line 3", "number '7'", "line 2"]),
    "an address twice": ("id;courriel\na;A@b.c\nb;a@B.c\n", ["line 3", "e-mail", "line 2"]),
    "an unknown code": ("id;code tp1\na;ABS\n", ["line 2", "'ABS'", "ABI", "ABJ", "DEF"]),
    "an unknown column": ("id;âge\na;7\n", ["line 1", "'âge'", "remarque"]),
    "two columns that mean the same": ("id;nom;name\na;b;c\n", ["line 1", "'nom' and 'name'"]),
    "no column for the id": ("nom;prénom\na;b\n", ["line 1", "column id", "numéro"]),
    "a student without an id": ("id;nom\n;X\n", ["line 2", "no id"]),
    "an id that is a path": ("id;nom\n../x;X\n", ["line 2", "'../x'", "folder"]),
    "a hidden folder": ("id;nom\n.x;X\n", ["line 2", "'.x'"]),
    "an extension without a unit": ("id;extension\na;2\n", ["line 2", "'2'", "2 j"]),
    "an extension in words": ("id;tiers-temps\na;oui\n", ["line 2", "'oui'", "36 h"]),
    "an extension without end": ("id;extension\na;9999999999 j\n", ["line 2", "at most a year"]),
    "too few cells": ("id;nom;groupe\na;X\n", ["line 2", "2 cells", "3"]),
    "too many cells": ("id;nom\na;X;Y\n", ["line 2", "3 cells", "2", "quotes"]),
    "an open quote": ('id;nom\na;"X\n', ["line 2"]),
    "nothing": ("", ["empty", "id;nom"]),
    "only a header": ("id;nom\n", ["no student"]),
}  # fmt: skip


@pytest.mark.parametrize("fault", WRONG)
def test_a_fault_is_named_with_its_line(tmp_path, fault):
    text, words = WRONG[fault]
    said = refused(tmp_path, text)
    assert str(tmp_path / "students.csv") in said
    for word in words:
        assert word in said


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16"])
def test_another_encoding_is_named_with_the_way_out(tmp_path, encoding):
    said = refused(tmp_path, FRENCH, encoding)
    assert "UTF-8" in said
    assert "CSV UTF-8" in said


def test_the_line_of_a_wrong_byte_is_named(tmp_path):
    assert "line 3" in refused(tmp_path, "id;nom\na;X\nb;Éléa\n", "latin-1")


def test_a_spreadsheet_is_told_from_a_table(tmp_path):
    (tmp_path / "students.csv").write_bytes(b"PK\x03\x04rest")
    with pytest.raises(TableError, match="xlsx"):
        read_roll(tmp_path)
