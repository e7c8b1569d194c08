"""Whatever bytes a student hands in: cells come out, or a sentence that says why not."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbjudge.limits import MIB, Limits
from nbjudge.upload import MAX_CELLS, UploadedCell, parse_upload

LIMITS = Limits(upload_bytes=MIB)


def code(source, **metadata):
    return {"cell_type": "code", "source": source, "metadata": metadata, "outputs": []}


def notebook(*cells, **more):
    return {"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5} | more


def parsed(document, limits=LIMITS):
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    return parse_upload(data, limits)


def sources(document):
    return [cell.source for cell in parsed(document).cells]


CELLS = [code("x = 'é'", nbgrader={"grade_id": "a"}), code("y = 2"), code("z = '😀'")]
TEXT = json.dumps(notebook(*CELLS), ensure_ascii=False)


def test_a_cell_comes_with_its_source_and_what_it_claims_to_be():
    cell = code(["x = 1\n", "y = 2"], nbgrader={"grade_id": "a", "points": 99}) | {"id": "i"}
    assert parsed(notebook(cell)).cells == (
        UploadedCell(cell_type="code", source="x = 1\ny = 2", grade_id="a", cell_id="i"),
    )


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"]
)
def test_any_unicode_encoding_is_read_without_a_word(encoding):
    read = parse_upload(TEXT.encode(encoding), LIMITS)
    assert [cell.source for cell in read.cells] == ["x = 'é'", "y = 2", "z = '😀'"]
    assert read.notes == ()


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_a_file_in_an_old_encoding_is_read_with_a_warning(encoding):
    read = parse_upload(json.dumps(notebook(code("# é è à")), ensure_ascii=False).encode(encoding),
                        LIMITS)  # fmt: skip
    assert read.cells[0].source == "# é è à"
    assert "not in UTF-8" in read.notes[0]


def test_one_damaged_letter_does_not_spoil_the_others():
    data = json.dumps(notebook(code("# é è à ç ù")), ensure_ascii=False).encode()
    read = parse_upload(data.replace("ç".encode(), b"\xff"), LIMITS)
    assert read.cells[0].source == "# é è à \ufffd ù"
    assert read.notes


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b" \n\t\r\n", "empty"),
        (b"\x00" * 100, "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"\xff\xfe", "empty"),
        (b"x" * (MIB + 1), "larger than 1 MiB"),
        (b"\x00" * (MIB + 1), "larger than 1 MiB"),
        (b"<!DOCTYPE html><html><body>Connexion</body></html>", "web page"),
        (b"\xef\xbb\xbf\n <HTML>", "web page"),
        (b"<!-- saved from url --><html>", "web page"),
        (b"<?xml version='1.0'?>", "web page"),
        (b"PK\x03\x04" + bytes(50), "ZIP"),
        (b"%PDF-1.7", "PDF"),
        (b"#!/usr/bin/env python\n", "Python script"),
        (b"# -*- coding: utf-8 -*-", "Python script"),
        (b"import numpy as np\n", "Python script"),
        (b"from math import pi\n", "Python script"),
        (b"Bonjour", "not valid JSON"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"{'cells': []}", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b'{"a":' * 100_000, "not valid JSON"),
        (b'{"cells": [' + b"[" * 100_000, "not valid JSON"),
        (b'{"cells": [{"cell_type":', "not valid JSON"),
        (b"9" * 10_000, "not valid JSON"),
        (b"3", "not a notebook"),
        (b"null", "not a notebook"),
        (b"NaN", "not a notebook"),
        (b"[]", "not a notebook"),
        (b"{}", "not a notebook"),
        (b'{"cells": null}', "not a notebook"),
        (b'{"cells": {"0": {}}}', "not a notebook"),
        (b'{"cells": "code"}', "not a notebook"),
        (b'{"worksheets": 3}', "not a notebook"),
    ],
    ids=lambda value: repr(value[:30]),
)
def test_what_is_no_notebook_is_said_to_be_none(data, words):
    read = parse_upload(data, LIMITS)
    assert not read.readable
    assert read.cells == ()
    assert len(read.notes) == 1
    assert words in read.notes[0]


@pytest.mark.parametrize("end", range(60, len(TEXT.encode()) - 1, 7))
def test_a_truncated_file_keeps_its_whole_cells(end):
    data = TEXT.encode()[:end]
    read = parse_upload(data, LIMITS)
    whole = sum(data.rstrip().count(json.dumps(c, ensure_ascii=False).encode()) for c in CELLS)
    assert len(read.cells) == whole
    assert read.readable == (whole > 0)
    assert read.notes


def test_a_file_with_marks_of_a_merge_keeps_the_cells_before_them():
    data = TEXT.replace('{"cell_type": "code", "source": "z', "<<<<<<< HEAD\n{")
    read = parse_upload(data.encode(), LIMITS)
    assert [cell.source for cell in read.cells] == ["x = 'é'", "y = 2"]
    assert "damaged" in read.notes[0]


def test_a_line_break_inside_a_text_is_not_a_damage():
    data = TEXT.replace("y = 2", "y = 2\n\tz = 3")
    read = parse_upload(data.encode(), LIMITS)
    assert read.cells[1].source == "y = 2\n\tz = 3"
    assert read.notes == ()


@pytest.mark.parametrize("version", [5, 99, -1, "4", None, [4]])
def test_a_version_to_come_does_not_matter(version):
    assert sources(notebook(code("x"), nbformat=version, nbformat_minor=version)) == ["x"]


def test_an_old_notebook_is_converted():
    read = parsed(
        {
            "nbformat": 3,
            "worksheets": [
                {
                    "cells": [
                        {"cell_type": "heading", "level": 2, "source": ["Titre"]},
                        {"cell_type": "heading", "level": "x", "source": None},
                        {"cell_type": "code", "input": ["x = 1\n", "y"], "outputs": []},
                        {"cell_type": "markdown", "source": "texte"},
                    ]
                },
                {"cells": None},
                3,
            ],
        }
    )
    assert [(c.cell_type, c.source) for c in read.cells] == [
        ("markdown", "## Titre"),
        ("markdown", "# "),
        ("code", "x = 1\ny"),
        ("markdown", "texte"),
    ]
    assert "nbformat 3" in read.notes[0]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a\r\nb\rc", "a\nb\nc"),
        (["a\n", "b"], "a\nb"),
        (["a", 3, None, ["x"], "b"], "ab"),
        (None, ""),
        (3, ""),
        ({"a": 1}, ""),
        ("a\x00b", "ab"),
        ("\ud800é", "?é"),
        ("", ""),
    ],
)
def test_a_source_of_any_type_becomes_a_text_that_can_be_written(source, expected):
    assert sources(notebook(code(source))) == [expected]


def test_a_text_written_with_surrogate_escapes_is_whole():
    data = json.dumps(notebook(code("😀"))).encode()  # as two escapes
    assert parse_upload(data, LIMITS).cells[0].source == "😀"


@pytest.mark.parametrize(
    "metadata",
    [None, [], "x", 3, {"nbgrader": None}, {"nbgrader": []}, {"nbgrader": "a"},
     {"nbgrader": {"grade_id": None}}, {"nbgrader": {"grade_id": ["a"]}},
     {"nbgrader": {"grade_id": 3}}, {"nbgrader": {"grade_id": {"a": 1}}}],
)  # fmt: skip
def test_metadata_of_a_wrong_type_claims_nothing(metadata):
    cell = {"cell_type": "code", "source": "x", "metadata": metadata, "id": [1]}
    assert parsed(notebook(cell)).cells == (UploadedCell(cell_type="code", source="x"),)


@pytest.mark.parametrize(
    "cell",
    [None, 3, "x", [], {}, {"cell_type": None}, {"cell_type": "html", "source": "x"},
     {"cell_type": ["code"], "source": "x"}, {"cell_type": {"code": 1}}, {"source": "x"}],
)  # fmt: skip
def test_what_is_no_cell_is_skipped_and_the_others_are_read(cell):
    assert sources(notebook(code("a"), cell, code("b"))) == ["a", "b"]


def test_a_cell_without_outputs_or_metadata_is_a_cell():
    assert sources(notebook({"cell_type": "raw", "source": "x"})) == ["x"]


def test_a_notebook_without_cells_is_readable_and_empty():
    read = parsed(notebook())
    assert read.readable
    assert read.cells == ()


def test_an_endless_notebook_is_cut_with_a_word():
    read = parsed(notebook(*[code("")] * (MAX_CELLS + 1)))
    assert len(read.cells) == MAX_CELLS
    assert "Only the first" in read.notes[0]


@pytest.mark.parametrize(
    "data",
    [
        b'{"cells": [' + b"[]," * 3_000_000 + b"0]}",
        b'{"cells": [' + b"{}," * 3_000_000 + b"0]}",
        b'{"cells": [' + b'"ab",' * 5_000_000 + b"0]}",
    ],
    ids=["lists", "mappings", "strings"],
)
def test_a_file_that_would_fill_the_memory_is_not_parsed(data):
    read = parse_upload(data, Limits())
    assert not read.readable
    assert "too many parts" in read.notes[0]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["cells", "cell_type", "source", "input", "metadata", "nbgrader",
                         "grade_id", "id", "level", "worksheets"]),
        inner | st.sampled_from(["code", "markdown", "heading"]),
        max_size=5,
    ),
    max_leaves=20,
)  # fmt: skip


@given(json_values, st.lists(json_values))
@settings(deadline=None)
def test_no_document_is_an_accident(document, cells):
    for data in (document, {"cells": cells}, {"worksheets": [{"cells": cells}]}):
        read = parsed(data)
        for cell in read.cells:
            cell.source.encode("utf-8")
            assert cell.cell_type in {"code", "markdown", "raw"}


@given(st.binary(max_size=300), st.integers(0, len(TEXT)))
def test_no_bytes_are_an_accident(noise, position):
    data = TEXT.encode()
    for hostile in (noise, data[:position] + noise, data[:position] + noise + data[position:]):
        read = parse_upload(hostile, LIMITS)
        assert read.readable or read.notes
