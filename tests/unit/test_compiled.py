"""Notebooks that were read before: the same without nbgrader, and read again when they must be."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest
from traitlets.config.loader import Config

from nbjudge import compiled
from nbjudge.compile import Sources, read_notebooks
from nbjudge.compiled import notebooks_of
from nbjudge.settings import Settings

TEST = "assert x\n### BEGIN HIDDEN TESTS\nassert x > 1\n### END HIDDEN TESTS"


def cell(name, source, **marks):
    marks = {"grade": False, "solution": False, "locked": False, "task": False} | marks
    metadata = {"nbgrader": {"schema_version": 3, "grade_id": name, "cell_type": "code"} | marks}
    return {
        "cell_type": "code",
        "id": name,
        "metadata": metadata,
        "source": source,
        "outputs": [],
        "execution_count": None,
    }


def write(path, test=TEST):
    cells = [
        cell("x", "### BEGIN SOLUTION\nx = 2\n### END SOLUTION", solution=True),
        cell("test_x", test, grade=True, locked=True, points=1),
    ]
    metadata = {"kernelspec": {"name": "python3", "display_name": "P", "language": "python"}}
    document = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(document), "utf-8")


@pytest.fixture
def sources(tmp_path):
    source = tmp_path / "source" / "tp"
    source.mkdir(parents=True)
    write(source / "n.ipynb")
    return Sources(source=source, judge=tmp_path / "judge" / "tp", root=tmp_path)


@pytest.fixture
def count(monkeypatch):
    """Count how often notebooks are really read."""
    times = []

    def read(*arguments):
        times.append(1)
        return read_notebooks(*arguments)

    monkeypatch.setattr(compiled, "read_notebooks", read)
    return times


def test_what_was_kept_is_what_was_read(sources, count):
    first = notebooks_of("tp", sources, Settings(), Config())
    again = notebooks_of("tp", sources, Settings(), Config())

    assert len(count) == 1
    assert again == first == read_notebooks("tp", sources, Settings(), Config())
    assert again[0].cells[1].hidden_lines == {2, 3, 4}


def test_what_was_kept_needs_no_nbgrader(sources):
    notebooks_of("tp", sources, Settings(), Config())
    script = (
        "import sys; from pathlib import Path; from traitlets.config.loader import Config\n"
        "from nbjudge.compile import Sources; from nbjudge.compiled import notebooks_of\n"
        "from nbjudge.settings import Settings\n"
        "root = Path(sys.argv[1])\n"
        "s = Sources(source=root / 'source' / 'tp', judge=root / 'judge' / 'tp', root=root)\n"
        "print(len(notebooks_of('tp', s, Settings(), Config())))\n"
        "print([m for m in ('nbgrader', 'nbformat', 'jsonschema') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(sources.root)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split("\n")[:2] == ["1", "[]"]


def test_a_changed_notebook_is_read_again(sources, count):
    notebooks_of("tp", sources, Settings(), Config())
    write(sources.source / "n.ipynb", TEST.replace("> 1", "> 0"))
    (notebook,) = notebooks_of("tp", sources, Settings(), Config())
    assert "> 0" in notebook.cells[1].source
    write(sources.source / "m.ipynb")
    assert [n.name for n in notebooks_of("tp", sources, Settings(), Config())] == ["m", "n"]
    assert len(count) == 3


def test_the_configuration_and_what_it_names_count(sources, count):
    def read(settings=None, **options):
        return notebooks_of("tp", sources, settings or Settings(), Config(options))

    header = sources.root / "header.ipynb"
    write(header)
    document = json.loads(header.read_text("utf-8"))
    document["cells"] = [{**cell("h", "1"), "metadata": {}}]
    header.write_text(json.dumps(document), "utf-8")
    named = {"IncludeHeaderFooter": {"header": "header.ipynb"}}
    read()
    assert next(c.source for c in read(**named)[0].cells) == "1"
    header.write_text(header.read_text("utf-8").replace('"1"', '"2"'), "utf-8")
    assert next(c.source for c in read(**named)[0].cells) == "2"
    assert len(count) == 3
    assert read(replace(Settings(), tests="inside"))[0].cells[1].mode == "inside"
    stub = {"ClearSolutions": {"code_stub": {"python": "# yours"}}}
    assert read(**stub)[0].cells[0].release_source == "# yours"
    assert len(count) == 5


@pytest.mark.parametrize("content", ["", "{", "[]", '{"key": 1}'])
def test_a_damaged_file_is_made_again(sources, count, content):
    notebooks_of("tp", sources, Settings(), Config())
    kept = sources.root / ".nbjudge" / "compiled" / "tp.json"
    before = kept.read_text("utf-8")
    kept.write_text(content, "utf-8")
    notebooks_of("tp", sources, Settings(), Config())
    assert len(count) == 2
    assert kept.read_text("utf-8") == before
    # Cells of another version of nbjudge, if ever they came under the same key.
    kept.write_text(before.replace('"in_gradebook"', '"in_the_book"'), "utf-8")
    notebooks_of("tp", sources, Settings(), Config())
    assert len(count) == 3


def test_another_engine_reads_again(sources, count, monkeypatch):
    notebooks_of("tp", sources, Settings(), Config())
    monkeypatch.setattr(compiled, "code_digest", lambda: "another")
    notebooks_of("tp", sources, Settings(), Config())
    assert len(count) == 2
