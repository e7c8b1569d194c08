"""The sample class of every TP is graded once, sealed, and every submission gets what it promises.

What a submission promises was read in the notebook's questions before anything was run: what a
mistake costs, that an early one is paid once, that an accident costs its own question.

A folder in tests/submissions/ is a class: nothing has to be added here for it.
"""

import ast
import contextlib
import dataclasses
import functools
import json
import os
import re
import sys
import tempfile
from pathlib import Path

import psutil
import pytest

from nbjudge.assignment import Kind
from nbjudge.demo import broken_promises
from nbjudge.parallel import grade_many
from nbjudge.verdict import Status
from sample_class import PATCHES, ROOT, SECRET, TPS, hand_in, student_of, workers

GROUPS = {"justes", "fausses", "hostiles", "cassees"}
AT_LEAST = {
    # What is said of hostile and broken submissions is tried on the first TP.
    "tp1": {"justes": 8, "fausses": 14, "hostiles": 12, "cassees": 9},
    **{tp: {"justes": 1, "fausses": 1} for tp in TPS if tp != "tp1"},
}
POINTS = 20
WRITTEN = "ecrit-par-un-eleve-fictif"
"""Name of the files that hostiles/ecrit_partout.py makes wherever it can."""

pytestmark = pytest.mark.slow


def submissions(*groups):
    """Parametrise with all submissions of some groups, of all TPs."""
    return pytest.mark.parametrize(
        ("tp", "student"),
        [
            pytest.param(tp, student_of(p), id=f"{tp}-{p.parent.name}-{p.stem}")
            for tp, paths in PATCHES.items()
            for p in paths
            if p.parent.name in groups
        ],
    )


every_submission = submissions(*GROUPS)
every_class = pytest.mark.parametrize("tp", TPS)
first_class = pytest.mark.parametrize("tp", ["tp1"])


@dataclasses.dataclass(frozen=True)
class GradedClass:
    assignment: object
    samples: dict
    graded: dict
    left: list
    """Command lines of sandboxes that were still there afterwards."""

    @property
    def notebook(self):
        return self.assignment.notebooks[0]

    def result(self, student):
        graded = self.graded[student]
        assert graded.error is None, str(graded.error)
        (result,) = graded.results
        return result

    def uploaded(self, student):
        sample = self.samples[student]
        encoding = json.detect_encoding(sample.data)
        return " ".join(
            [
                sample.data.decode(encoding, "replace"),
                *(data.decode("utf-8", "replace") for data in sample.files.values()),
            ]
        )


def graded_class(tp, root):
    """Grade a whole class on this machine's cores, as `nbjudge grade` does it."""
    handed = hand_in(tp, root)
    graded = {
        one.submission.student: one
        for one in grade_many(
            handed.submissions, handed.assignment, handed.settings, SECRET, workers=workers()
        )
    }
    left = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            command = " ".join(process.cmdline())
            if "bwrap" in command or "ipykernel" in command or "nbjudge.judge" in command:
                left.append(command)
    return GradedClass(
        assignment=handed.assignment,
        samples=handed.samples,
        graded=graded,
        left=left,
    )


@pytest.fixture(scope="session")
def class_of(tmp_path_factory):
    """Return the graded class of a TP; it is graded when it is first asked for."""
    return functools.cache(lambda tp: graded_class(tp, tmp_path_factory.mktemp(tp)))


@pytest.fixture
def graded(class_of, tp):
    return class_of(tp)


# Before anything is run.


def test_there_is_a_class_for_every_tp_of_the_course():
    assert "tp1" in TPS
    assert set(TPS) <= {folder.name for folder in (ROOT / "source").iterdir()}


@pytest.mark.parametrize(
    ("tp", "group", "least"),
    [(tp, *least) for tp, groups in AT_LEAST.items() for least in groups.items()],
)
def test_a_group_of_the_class_holds_enough_submissions(tp, group, least):
    assert len([path for path in PATCHES[tp] if path.parent.name == group]) >= least


@pytest.mark.parametrize("tp", TPS)
def test_every_folder_of_the_class_is_one_of_the_groups(tp):
    assert {path.parent.name for path in PATCHES[tp]} <= GROUPS


@pytest.mark.parametrize("tp", TPS)
def test_no_two_submissions_are_of_the_same_student(tp):
    assert len({student_of(path) for path in PATCHES[tp]}) == len(PATCHES[tp])


# Marks.


@every_submission
def test_a_submission_gets_exactly_the_points_that_it_promises(graded, student):
    result = graded.result(student)

    points = {verdict.grade_id: verdict.points for verdict in result.verdicts}
    assert broken_promises(graded.samples[student], {student: points}) == []


@submissions("justes")
def test_a_right_answer_earns_all_twenty_points(graded, student):
    assert graded.result(student).points == graded.result(student).max_points == POINTS


@submissions("fausses")
def test_a_wrong_answer_loses_something(graded, student):
    assert graded.result(student).points < POINTS


@every_class
def test_every_question_is_lost_by_a_wrong_answer(graded):
    full = {cell.grade_id: cell.points for cell in graded.notebook.graded if cell.points}
    wrong = [sample for sample in graded.samples.values() if sample.group == "fausses"]
    lost = {name for sample in wrong for name in full if sample.expected[name] < full[name]}

    assert sorted(set(full) - lost) == []


# Sentences.


@every_submission
def test_a_lost_point_has_its_sentence(graded, student):
    for verdict in graded.result(student).verdicts:
        for part in verdict.parts:
            assert part.message or part.points == part.max_points, (verdict.grade_id, part.what)
        said = [verdict.message, *(part.message for part in verdict.parts)]
        assert any(said) or verdict.points == verdict.max_points, verdict.grade_id


@submissions("justes")
def test_a_right_answer_hears_no_complaint(graded, student):
    complaints = {
        verdict.grade_id: verdict.message or verdict.status
        for verdict in graded.result(student).verdicts
        if verdict.message or verdict.status is not Status.PASSED
    }
    assert complaints == {}


ACCIDENTS = {
    "tue_le_noyau": ["1.5b", "2.2b", "2.6c"],
    "casse_les_descripteurs": ["2.2b"],
    "bombe_a_memoire": ["1.5b", "2.6c"],
    "bombe_de_processus": ["1.5b"],
    "boucle_sans_fin": ["2.2b"],
    "avale_les_interruptions": [],  # in a function: the test's sentence says it, and a given cell
}
"""Questions of TP1 whose answer stops the kernel or does not end when it is run."""


@pytest.mark.parametrize(("name", "questions"), ACCIDENTS.items(), ids=list(ACCIDENTS))
@first_class
def test_a_cell_that_had_an_accident_is_named_to_the_student(graded, name, questions):
    notes = graded.result(student_of(Path(name))).notes

    assert notes
    assert [q for q in questions if not any(f"Question {q}" in note for note in notes)] == []


# Secrets.


def released(assignment):
    """All that students receive."""
    files = [data.decode("utf-8", "ignore") for data in assignment.files.values()]
    return "\n".join([*(c.release_source for c in assignment.notebooks[0].cells), *files])


def hidden_lines(assignment):
    """Lines that students never receive: of hidden tests, and of the reference's answers.

    Bodies of functions that are sent to the student's kernel are no secret.
    """
    given = released(assignment)
    notebook = assignment.notebooks[0]
    for cell in notebook.cells:
        if cell.cell_type != "code" or cell.kind not in (Kind.TEST, Kind.ANSWER):
            continue
        sent = set()
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.FunctionDef) and node.decorator_list:
                sent |= set(range(node.lineno - 1, node.end_lineno + 1))
        for number, line in enumerate(cell.source.splitlines(), start=1):
            text = line.strip()
            is_code = len(text) >= 15 and not text.startswith("#")
            if is_code and number not in sent and text not in given:
                yield text


def hidden_numbers(assignment):
    """Values recomputed by hand that stand in hidden tests and nowhere in the release."""
    given = released(assignment)
    for cell in assignment.notebooks[0].cells:
        if cell.kind is Kind.TEST:
            for number in re.findall(r"\d+\.\d{4,}", cell.source):
                if number not in given:
                    yield number


def expected_numbers(verdict):
    """Numbers of the reference that the instructor's details quote, and the student's do not."""
    for detail in (verdict.detail, *(part.detail for part in verdict.parts)):
        for quoted in re.findall(r"^expected (.*?)\ngot ", detail, re.MULTILINE | re.DOTALL):
            yield from re.findall(r"\d+\.\d{5,}", quoted)


@every_class
def test_hidden_tests_hold_lines_to_look_for(graded):
    assert len(set(hidden_lines(graded.assignment))) > 100


@first_class
def test_hidden_tests_hold_numbers_to_look_for(graded):
    assert {"13.90166", "4.922862"} <= set(hidden_numbers(graded.assignment))


@every_class
def test_details_for_the_instructor_quote_numbers_to_look_for(graded):
    verdicts = [v for student in graded.samples for v in graded.result(student).verdicts]

    assert len({n for verdict in verdicts for n in expected_numbers(verdict)}) > 10


def told(result):
    """Sentences to the student."""
    for verdict in result.verdicts:
        yield verdict.message
        for part in verdict.parts:
            yield from (part.what, part.message)
    yield from result.notes


def shown(result):
    """What the feedback page shows: it has test cells from the release, without their outputs."""
    yield from told(result)
    for cell in result.document["cells"]:
        meta = cell["metadata"].get("nbgrader", {})
        if not (meta.get("grade") and cell["cell_type"] == "code"):
            yield cell["source"]
            for output in cell.get("outputs", ()):
                yield from (output.get("text", ""), output.get("evalue", ""))
                yield from output.get("traceback", ())
                yield output.get("data", {}).get("text/plain", "")


@every_submission
def test_nothing_that_a_student_reads_quotes_a_hidden_test_or_the_reference(graded, student):
    result, own = graded.result(student), graded.uploaded(student)
    everything = "\n".join(shown(result))
    secrets = {*hidden_lines(graded.assignment), *hidden_numbers(graded.assignment)}
    # As the file writes it: a student may well have written the reference's line.
    written = {secret: json.dumps(secret, ensure_ascii=False)[1:-1] for secret in secrets}

    assert [s for s in secrets if s in everything and written[s] not in own] == []
    sentences = "\n".join(told(result))
    values = {number for verdict in result.verdicts for number in expected_numbers(verdict)}
    assert [number for number in values if number in sentences and number not in own] == []


@every_submission
def test_no_traceback_of_the_engine_reaches_the_student(graded, student):
    sentences = list(told(graded.result(student)))

    assert sentences
    assert [text for text in sentences if "Traceback" in text or str(ROOT) in text] == []


# What hostile submissions leave behind.


@first_class
def test_html_and_scripts_of_a_student_are_inert(graded):
    document = graded.result("eleve-injecte-du-html").document

    text = json.dumps(document, ensure_ascii=False)
    assert "piege-markdown" in text, "the trap is not there any more"
    assert "piege-stdout" in text, "the cell with the traps was not run"
    for cell in document["cells"]:
        if cell["cell_type"] == "markdown" and "piege" in cell["source"]:
            assert not re.search(r"<[a-z/!?]", cell["source"], re.IGNORECASE), cell["source"]
            assert "](javascript" not in cell["source"]
        for output in cell.get("outputs", ()):
            assert set(output.get("data", ())) <= {"text/plain", "image/png", "image/jpeg"}


@first_class
def test_a_submission_that_writes_everywhere_writes_in_its_sandbox_only(graded):
    result = graded.result("eleve-ecrit-partout")
    shown = json.dumps(result.document, ensure_ascii=False)
    assert f"/tmp/{WRITTEN}" in shown, "the attack did not run"
    assert "secrets : []" in shown

    places = [ROOT, Path.home(), Path(tempfile.gettempdir()), Path(sys.prefix), Path("/dev/shm")]
    found = [
        os.path.join(folder, name)
        for place in places
        for folder, _folders, names in os.walk(place)
        for name in names
        if name == WRITTEN
    ]
    assert found == []


@every_class
def test_no_sandbox_is_left_behind(graded):
    assert graded.left == []
