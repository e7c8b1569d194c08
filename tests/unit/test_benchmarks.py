"""The benchmarks' arithmetic: met or missed, ratios, and the document that says so."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import findings  # noqa: E402
from findings import Finding, Part, Profile, Section, at_least, at_most  # noqa: E402
from fixed_cost import Costs, allowed, without_tests  # noqa: E402
from growth import spread  # noqa: E402

from nbjudge.assignment import Assignment, Kind, SourceCell, SourceNotebook  # noqa: E402


def section(value, name="growth", machine="this one"):
    return Section(
        name=name,
        title="A title",
        findings=(Finding("a ratio", value, at_least(1.85, " ×")),),
        columns=("", "s"),
        rows=(("a | b", "1.2"),),
        notes=("How it was measured.",),
        commands=("make bench",),
        profiles=(Profile("Where it goes", (Part("starting", 3.0), Part("the rest", 1.0))),),
        date="2020-01-01",
        machine={"Processor": machine},
    )


@pytest.mark.parametrize(
    ("target", "value", "is_met"),
    [
        (at_least(1.85), 1.85, True),
        (at_least(1.85), 1.8499, False),
        (at_most(3.0), 3.0, True),
        (at_most(3.0), 3.0001, False),
    ],
)
def test_a_target_is_met_up_to_its_bound_and_by_the_figure_that_was_measured(target, value, is_met):
    assert target.is_met(value) is is_met


def test_a_sentence_says_by_how_much_a_target_is_missed_in_its_unit():
    assert Finding("ratio", 1.6, at_least(2.0, " ×")).sentence == (
        "ratio: 1.6 × (at least 2 ×): missed by 0.4 ×."
    )
    assert Finding("wall", 2.5, at_most(3.0, " s")).sentence == "wall: 2.5 s (at most 3 s): met."


def test_flat_is_the_largest_by_the_smallest_whatever_their_order():
    assert spread([3.0, 2.0, 2.5]) == spread([2.0, 2.5, 3.0]) == 1.5


def test_the_larger_of_a_floor_and_a_share_of_the_cells_is_allowed():
    assert [allowed(seconds) for seconds in (0.0, 2.4, 8.0)] == [0.6, 0.6, 2.0]


def test_the_fixed_cost_is_what_neither_cells_nor_judging_take():
    costs = Costs(
        assignment="tp",
        bare=2.0,
        outside=0.4,
        kernel=2.9,
        judge=0.5,
        plain_kernel=2.3,
        machine=4.0,
        grader=0.2,
        launching=0.1,
    )
    assert costs.whole == pytest.approx(3.8)
    assert costs.probes == pytest.approx(0.6)
    assert costs.fixed == pytest.approx(3.8 - 2.0 - 0.5 - 0.6)
    assert costs.profile.total == pytest.approx(costs.whole)


def test_without_tests_their_visible_part_is_executed_and_nothing_is_judged():
    cells = (
        SourceCell(
            cell_id="a", kind=Kind.ANSWER, cell_type="code", source="x = 1", release_source="x"
        ),
        SourceCell(
            cell_id="t",
            kind=Kind.TEST,
            cell_type="code",
            source="assert x\nassert x == 1",
            release_source="assert x",
            grade_id="test",
            points=2,
        ),
    )
    notebook = SourceNotebook(name="tp", cells=cells)
    plain = without_tests(Assignment(name="tp", notebooks=(notebook,))).notebooks[0]
    assert [(c.kind, c.source) for c in plain.cells] == [
        (Kind.ANSWER, "x = 1"),
        (Kind.GIVEN, "assert x"),
    ]
    assert plain.graded == ()


def test_a_section_comes_back_from_its_file_as_it_was(tmp_path):
    made = section(1.9)
    findings.save(made, tmp_path)
    assert findings.load("growth", tmp_path) == made
    assert findings.load("startup", tmp_path) is None


def test_the_document_shows_where_time_goes_only_where_a_target_is_missed():
    met, missed = (findings.document([section(value)], []) for value in (1.9, 1.6))
    assert "| a ratio | 1.9 × | at least 1.85 × | met |" in met
    assert "starting" not in met
    assert "| a ratio | 1.6 × | at least 1.85 × | **missed** |" in missed
    assert "| starting | 3 | 75 % |" in missed


def test_the_document_names_what_was_not_measured():
    assert "Not measured on this machine with these versions: `startup`." in findings.document(
        [section(1.9)], ["startup"]
    )


def test_a_bar_in_a_name_does_not_break_the_table():
    assert r"| a \| b | 1.2 |" in findings.document([section(1.9)], [])
