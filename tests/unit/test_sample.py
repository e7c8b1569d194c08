"""A patch becomes the submission that it describes, or says what is wrong with it."""

import io
import json
import zipfile

import pytest

from nbjudge.assignment import Assignment, Kind, SourceCell, SourceNotebook
from nbjudge.errors import NotebookError
from nbjudge.limits import Limits
from nbjudge.rebuild import rebuild
from nbjudge.sample import read_samples

STUB = "raise NotImplementedError"


def source(name, kind, text, release=None, points=0.0):
    return SourceCell(
        cell_id=f"id-{name}", kind=kind, cell_type="code", source=text, grade_id=name,
        release_source=text if release is None else release, points=points,
    )  # fmt: skip


CELLS = (
    source("given", Kind.GIVEN, "import math"),
    source("q1", Kind.ANSWER, "BEGIN\na = 1\nEND", STUB),
    source("test_q1", Kind.TEST, "assert a == 1\nhidden", "assert a == 1", points=2.0),
    source("q2", Kind.ANSWER, "BEGIN\nb = 2\nEND", STUB),
    source("test_q2", Kind.TEST, "assert b == 2\nhidden", "assert b == 2", points=3.0),
)
TP = Assignment(name="tp", notebooks=(SourceNotebook(name="notebook", cells=CELLS),))
RIGHT = {"q1": "a = 1", "q2": "b = 2"}


def notebook(answers):
    cells = [
        {
            "cell_type": "code",
            "id": cell.cell_id,
            "execution_count": None,
            "outputs": [],
            "metadata": {
                "nbgrader": {
                    "grade_id": cell.grade_id,
                    "grade": cell.kind is Kind.TEST,
                    "solution": cell.kind is Kind.ANSWER,
                    "points": cell.points,
                }
            },
            "source": answers.get(cell.grade_id, cell.release_source).splitlines(keepends=True),
        }
        for cell in CELLS
    ]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


@pytest.fixture
def read(tmp_path):
    """Reads one patch, as text, into a sample."""

    def read_one(text, name="wrong/beta_oublie.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        (sample,) = read_samples(tmp_path, TP, notebook({}), notebook(RIGHT))
        return sample

    return read_one


def cells_of(sample):
    return [
        (
            cell["metadata"].get("nbgrader", {}).get("grade_id"),
            cell["cell_type"],
            "".join(cell["source"]),
        )
        for cell in json.loads(sample.data)["cells"]
    ]


def answers_of(sample):
    return {name: text for name, _kind, text in cells_of(sample) if name in ("q1", "q2")}


def test_a_patch_changes_its_cell_and_keeps_the_other_right_answers(read):
    sample = read("# A mistake.\n# loses: test_q1 0.5\n# %% q1\na = 3\n\n")

    assert answers_of(sample) == {"q1": "a = 3", "q2": "b = 2"}
    assert sample.expected == {"test_q1": 1.5, "test_q2": 3.0}


def test_a_sample_is_named_by_its_file_and_grouped_by_its_folder(read):
    sample = read("# One line,\n# and another.\n", "hostile/tue_le_noyau.py")

    assert (sample.student, sample.group) == ("eleve-tue-le-noyau", "hostile")
    assert sample.description == "One line, and another."
    assert sample.file == "notebook.ipynb"


def test_the_base_release_answers_nothing_and_earns_nothing(read):
    sample = read("# As it came.\n# base: release\n")

    assert answers_of(sample) == {"q1": STUB, "q2": STUB}
    assert sample.expected == {"test_q1": 0.0, "test_q2": 0.0}


def test_some_answers_of_the_reference_can_be_put_into_the_release(read):
    sample = read("# Half.\n# base: release\n# answers: q2\n# earns: test_q2 3\n")

    assert answers_of(sample) == {"q1": STUB, "q2": "b = 2"}
    assert sample.expected == {"test_q1": 0.0, "test_q2": 3.0}


def test_everything_can_be_lost_at_once(read):
    assert set(read("# Gone.\n# loses: everything\n").expected.values()) == {0.0}


def test_added_cells_stand_behind_theirs_in_the_order_written(read):
    sample = read(
        "# Own cells.\n# %% after q1\nx = 1\n# %% text after q1\nWhy.\n# %% after q2\nz\n"
    )

    names_and_texts = [(name, text) for name, _kind, text in cells_of(sample)]
    assert names_and_texts[1:4] == [("q1", "a = 1"), (None, "x = 1"), (None, "Why.")]
    assert names_and_texts[-2:] == [(None, "z"), ("test_q2", "assert b == 2")]
    assert [kind for _name, kind, _text in cells_of(sample)].count("markdown") == 1


def test_cell_ids_stay_unique(read):
    sample = read("# Own cells.\n# %% after q1\nx = 1\n# %% after q1\ny = 1\n")

    ids = [cell["id"] for cell in json.loads(sample.data)["cells"]]
    assert len(set(ids)) == len(ids)


def test_files_lie_beside_the_notebook(read):
    sample = read("# A module.\n# file: tp (1).ipynb\n# %% file random.py\nx = 1\n")

    assert (sample.file, sample.files) == ("tp (1).ipynb", {"random.py": b"x = 1\n"})


def test_a_cut_file_keeps_only_the_whole_cells_before_the_cut(read):
    sample = read("# Interrupted.\n# cut: q2\n")

    with pytest.raises(ValueError, match=r"delimiter|Expecting|Unterminated"):
        json.loads(sample.data)
    rebuilt = rebuild(sample.data, TP.notebooks[0], Limits())
    assert [cell.origin.grade_id for cell in rebuilt.cells if cell.missing] == ["q2"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# A mistake.\n# %% q9\na = 3\n", "there is no cell 'q9'"),
        ("# A mistake.\n# cut: q9\n", "there is no cell 'q9'"),
        ("# A mistake.\n# base: release\n# answers: q9\n", "there is no cell 'q9'"),
        ("# A mistake.\n# loses: test_q9 1\n", "there is no question 'test_q9'"),
        ("# A mistake.\n# loses: test_q1\n", "expected `question points`, got 'test_q1'"),
        ("# A mistake.\n# loses: test_q1 all\n", "expected `question points`, got 'test_q1 all'"),
        ("# A mistake.\n# loses: test_q1 2.5\n", "is not a share of its 2 points"),
        ("# A mistake.\n# loses: test_q1 -1\n", "is not a share of its 2 points"),
        ("# A mistake.\n# loses: test_q1 nan\n", "is not a share of its 2 points"),
        ("# A mistake.\n# base: release\n# earns: test_q2 4\n", "is not a share of its 3 points"),
        ("# A mistake.\n# change: shuffled\n", "there is no change 'shuffled'"),
        ("# A mistake.\n# looses: test_q1 1\n", "there is no field 'looses'"),
        ("# A mistake.\n# base: relaese\n", "base is reference or release, not 'relaese'"),
        ("# A mistake.\n# earns: test_q1 1\n", "`earns` and `answers` with release"),
        ("# A mistake.\n# base: release\n# loses: test_q1 1\n", "`loses` goes with the base"),
        ("# A mistake.\n# %% before q1\na = 3\n", "expected `# %% [after|text after|file] NAME`"),
        ("# A mistake.\n# %%\na = 3\n", "expected `# %% [after|text after|file] NAME`"),
        ("# A mistake.\na = 3\n# %% q1\n", "expected a comment or `# %% ID` first, got 'a = 3'"),
        ("# loses: test_q1 1\n# %% q1\na = 3\n", "its head does not describe it"),
    ],
)
def test_a_bad_patch_is_refused_by_name_with_what_is_wrong(read, text, said):
    with pytest.raises(NotebookError) as caught:
        read(text)

    assert said in str(caught.value)
    assert "beta_oublie.py" in str(caught.value)


def test_a_folder_without_patches_is_refused(tmp_path):
    (tmp_path / "wrong").mkdir()

    with pytest.raises(NotebookError, match="there is no patch"):
        read_samples(tmp_path, TP, notebook({}), notebook(RIGHT))


def test_an_assignment_of_two_notebooks_is_refused(tmp_path):
    two = Assignment(name="tp", notebooks=TP.notebooks * 2)

    with pytest.raises(NotebookError, match=r"'tp': it has 2 notebooks"):
        read_samples(tmp_path, two, notebook({}), notebook(RIGHT))


def test_a_sentence_with_a_colon_is_no_field(read):
    assert read("# Sans donnée : alpha I.\n").description == "Sans donnée : alpha I."


# What a change does to the file is what it says.


def changed(read, names):
    return read(f"# Changed.\n# change: {names}\n").data


def test_tests_can_be_deleted_emptied_doubled_or_edited(read):
    def of_tests(names):
        cells = json.loads(changed(read, names))["cells"]
        found = [c for c in cells if c["metadata"]["nbgrader"]["grade"]]
        return ["".join(cell["source"]) for cell in found]

    assert of_tests("delete_tests") == []
    assert of_tests("empty_tests") == ["pass", "pass"]
    assert of_tests("duplicate_tests") == ["assert a == 1"] * 2 + ["assert b == 2"] * 2
    assert of_tests("edit_tests") == ["print('mes essais')"] * 2


def test_tests_can_be_tagged_paid_more_and_given_outputs(read):
    data = changed(read, "skip_tests fake_scores raise_points")

    for cell in json.loads(data)["cells"]:
        if cell["metadata"]["nbgrader"]["grade"]:
            assert cell["metadata"]["tags"] == ["skip-execution"]
            assert cell["metadata"]["nbgrader"]["points"] == 1000
            assert cell["outputs"][0]["data"]["text/plain"] in ("2.0", "3.0")


def test_metadata_and_ids_can_be_stripped(read):
    document = json.loads(changed(read, "strip_metadata strip_ids"))

    assert document["nbformat_minor"] == 4
    assert all(cell["metadata"] == {} and "id" not in cell for cell in document["cells"])


def test_answers_can_become_text_cells(read):
    kinds = {
        cell["metadata"]["nbgrader"]["grade_id"]: cell["cell_type"]
        for cell in json.loads(changed(read, "answers_as_text"))["cells"]
    }

    assert {name for name, kind in kinds.items() if kind == "markdown"} == {"q1", "q2"}


def test_the_old_format_keeps_every_cell(read):
    document = json.loads(changed(read, "nbformat3"))

    sources = ["".join(cell["input"]) for cell in document["worksheets"][0]["cells"]]
    assert document["nbformat"] == 3
    assert sources == ["import math", "a = 1", "assert a == 1", "b = 2", "assert b == 2"]


def test_a_zip_holds_the_notebook(read):
    with zipfile.ZipFile(io.BytesIO(changed(read, "zip"))) as archive:
        (name,) = archive.namelist()
        assert json.loads(archive.read(name))["nbformat"] == 4


@pytest.mark.parametrize(
    ("name", "encoding"), [("bom", "utf-8-sig"), ("latin1", "latin-1"), ("utf16", "utf-16")]
)
def test_the_file_can_be_encoded_otherwise(read, name, encoding):
    plain = read("# Plain.\n# %% q1\na = 'é'\n").data
    data = read(f"# Encoded.\n# change: {name}\n# %% q1\na = 'é'\n").data

    assert data != plain
    assert json.loads(data.decode(encoding)) == json.loads(plain)


@pytest.mark.parametrize("name", ["empty", "login_page", "not_json"])
def test_what_is_no_notebook_is_none(read, name):
    assert not rebuild(changed(read, name), TP.notebooks[0], Limits()).readable
