"""CSV in which some cells are written and no other byte changes."""

import csv
import io
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbjudge.errors import TableError
from nbjudge.moodle.sheet import read_sheet
from nbjudge.moodle.worksheet import read_worksheet

LETTERS = st.text(st.sampled_from("aé, ;\t\"'_œ\n0.=-"), max_size=8)
TABLES = st.lists(st.lists(LETTERS, min_size=2, max_size=2), min_size=1, max_size=5)


def write(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("sheet") / "Notes.csv"
    path.write_bytes(data)
    return path


def values(sheet):
    return [[cell.value for cell in row.cells] for row in sheet.rows]


@settings(deadline=None)
@given(
    rows=TABLES,
    delimiter=st.sampled_from(",;\t"),
    newline=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_cells_are_what_a_csv_writer_wrote(
    tmp_path_factory, rows, delimiter, newline, quoting, encoding
):
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=newline, quoting=quoting)
    writer.writerow(["Identifier", "Grade", "Feedback"])
    writer.writerows([["x", *row] for row in rows])
    data = text.getvalue().encode(encoding)
    sheet = read_sheet(write(tmp_path_factory, data))
    assert values(sheet) == [["Identifier", "Grade", "Feedback"], *(["x", *row] for row in rows)]
    assert sheet.write({}) == data


@settings(deadline=None)
@given(rows=TABLES, value=LETTERS, quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]))
def test_only_the_cell_that_is_written_changes(tmp_path_factory, rows, value, quoting):
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n", quoting=quoting)
    writer.writerows([["Identifier", "Grade"], *rows])
    sheet = read_sheet(write(tmp_path_factory, text.getvalue().encode()))
    target = sheet.rows[-1].cells[1]
    changed = sheet.write({target: value})
    before, after = sheet.text[: target.start].encode(), sheet.text[target.end :].encode()
    assert changed.startswith(before)
    assert changed.endswith(after)
    again = values(read_sheet(write(tmp_path_factory, changed)))
    expected = values(sheet)
    expected[-1][1] = value
    assert again == expected


def test_a_decimal_comma_is_quoted_only_where_it_must_be(tmp_path_factory):
    commas = read_sheet(write(tmp_path_factory, b"Identifiant,Note\nParticipant1,\n"))
    assert commas.write({commas.rows[1].cells[1]: "12,5"}).endswith(b'Participant1,"12,5"\n')
    semicolons = read_sheet(write(tmp_path_factory, b"Identifiant;Note\nParticipant1;\n"))
    assert semicolons.write({semicolons.rows[1].cells[1]: "12,5"}).endswith(b"1;12,5\n")
    quoted = read_sheet(write(tmp_path_factory, b'"Identifiant","Note"\n"Participant1",""\n'))
    assert quoted.write({quoted.rows[1].cells[1]: "12"}).endswith(b'"Participant1","12"\n')


def test_rows_know_the_line_that_they_begin_in(tmp_path_factory):
    data = b'a,b\r\n"x\r\ny","z"\r\n\r\n1,2'
    assert [row.number for row in read_sheet(write(tmp_path_factory, data)).rows] == [1, 2, 5]


def test_windows_letters_are_read_and_written_as_they_were(tmp_path_factory):
    data = "Identifiant;Prénom;Note\r\nParticipant1;Chloë;\r\n".encode("cp1252")
    sheet = read_sheet(write(tmp_path_factory, data))
    assert sheet.rows[1].cells[1].value == "Chloë"
    assert sheet.write({sheet.rows[1].cells[2]: "9"}) == data[:-2] + b"9\r\n"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'a,b\n"x,y\n', "line 2: a cell begins with a double quote and does not end"),
        (b'a,b\n"x"y,z\n', "line 2: there is something behind the double quote"),
        (b"a,b\n\x81\x8d,z\n", "neither in UTF-8 nor in Windows-1252"),
        (b"a,b\n\x00,z\n", "zero bytes"),
        (b"PK\x03\x04abc", "a zip or a spreadsheet"),
        (b"\xff\xfea", "neither in UTF-8"),
    ],
)
def test_what_is_no_csv_is_refused_with_its_line(tmp_path_factory, data, said):
    with pytest.raises(TableError, match=said):
        read_sheet(write(tmp_path_factory, data))


def test_a_file_that_is_not_there_is_a_sentence(tmp_path):
    with pytest.raises(TableError, match=r"Reading .*none\.csv: No such file"):
        read_sheet(tmp_path / "none.csv")


@settings(deadline=None)
@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_a_worksheet_or_a_sentence(tmp_path_factory, data, with_header):
    if with_header:
        data = b"Identifiant,Note,Derni\xc3\xa8re modification (note)\n" + data
    path = write(tmp_path_factory, data)
    try:
        written, said = read_worksheet(path, ZoneInfo("Europe/Paris")).sheet.write({}), ""
    except TableError as error:
        written, said = data, str(error)
    assert written == data
    assert not said or said.startswith(f"Reading {path}")
