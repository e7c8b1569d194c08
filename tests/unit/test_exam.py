"""Marks of an exam: what is read, and what is refused with a sentence that says what to do."""

from fractions import Fraction as F

import pytest

from nbjudge.errors import TableError
from nbjudge.marking.exam import read_exam
from nbjudge.marking.roll import Code, Student
from nbjudge.marking.sums import ExamMark

STUDENTS = {
    student.id: student
    for student in (
        Student(id="ada", name="Lovelace", first_name="Ada", number="00123"),
        Student(id="bob", name="de la Tour", first_name="Bob", number="124"),
        Student(id="eve", codes={"exam": Code.ABJ, "exam2": Code.ABI}),
    )
}
RIGHT = "id;note\nada;12,5\nbob;abi\n"
READ = {
    "ada": ExamMark(mark=F(25, 2)),
    "bob": ExamMark(code=Code.ABI),
    "eve": ExamMark(code=Code.ABJ),
}


def read(tmp_path, text, **options):
    path = tmp_path / "exam.csv"
    path.write_text(text, "utf-8")
    return read_exam(path, STUDENTS, **options)


@pytest.mark.parametrize(
    "text",
    [
        RIGHT,
        "numéro,exam\n00123,12.5\n124,ABI\n",
        "id\tNote /20\tcode\nada\t12.50\t\nbob\t\tABI\n",
        "id;numéro;nom;prénom;groupe;note\nada;00123;LOVELACE;A;A;12,5\nbob;;Tour, de la;;;ABI\n",
        "id;note\n00123;12,5\nbob;ABI\neve;ABJ\n",
    ],
    ids=["by id", "by number", "a code's own column", "a whole list", "a number among ids"],
)
def test_marks_are_read(tmp_path, text):
    assert read(tmp_path, text) == READ


def test_in_a_second_session_is_who_sat_it_again(tmp_path):
    assert read(tmp_path, "id;note\nada;3\n", second_session=True) == {
        "ada": ExamMark(mark=F(3)),
        "eve": ExamMark(code=Code.ABI),
    }


@pytest.mark.parametrize("text", ["0", "20", "20,00", "0.0"])
def test_both_ends_of_the_scale_are_marks(tmp_path, text):
    assert read(tmp_path, f"id;note\nada;{text}\nbob;1\n")["ada"].mark == F(text.replace(",", "."))


ROWS = "ada;12\nbob;13\n"
WRONG = {
    "a student twice": ("id;note\nada;12\nbob;13\n00123;14\n", ["line 4", "ada (Ada", "line 2"]),
    "a student who is missing": ("id;note\nada;12\n", ["no line for bob (Bob de la Tour)", "ABI"]),
    "an unknown student": (f"id;note\n{ROWS}zoe;1\n", ["line 4", "'zoe'", "remove the line"]),
    "a name that was mistyped": ("id;note\nadda;12\n", ["line 2", "Is it 'ada'?"]),
    "a number without its zeros": ("numéro;note\n123;12\n", ["00123", "zeros"]),
    "a number as a spreadsheet shows it": ("numéro;note\n1,23E+05;12\n", ["as text"]),
    "a mark above 20": ("id;note\nada;20,01\n", ["line 2", "20,01", "between 0 and 20", "scale"]),
    "a mark below 0": ("id;note\nada;-1\n", ["line 2", "between 0 and 20"]),
    "no number": ("id;note\nada;12/20\n", ["line 2", "'12/20'", "12,5"]),
    "no mark": ("id;note\nada;\n", ["line 2", "no mark", "ABI"]),
    "nobody": ("id;note;remarque\n;12;x\n", ["line 2", "nobody"]),
    "an unknown code": ("id;note;code\nada;;ABX\n", ["line 2", "'ABX'"]),
    "a mark and a code": ("id;note;code\nada;12;ABI\n", ["line 2", "12", "ABI", "one of them"]),
    "two codes": ("id;note;code\nada;ABJ;ABI\n", ["line 2", "ABJ and ABI"]),
    "a code that the roll contradicts": (f"id;note\n{ROWS}eve;ABI\n", ["line 4", "ABI", "ABJ"]),
    "a mark that the roll contradicts": (f"id;note\n{ROWS}eve;12\n", ["line 4", "a mark", "ABJ"]),
    "columns sorted apart": ("id;nom;note\nada;de la Tour;12\n", ["line 2", "sorted apart"]),
    "an id and another's number": ("id;numéro;note\nada;124;12\n", ["line 2", "ada", "bob"]),
    "an unknown column": ("id;note;rang\nada;12;1\n", ["line 1", "'rang'"]),
    "two columns of marks": ("id;note;exam\nada;12;13\n", ["line 1", "'note' and 'exam'"]),
    "no column of marks": ("id;nom\nada;x\n", ["line 1", "no column with marks"]),
    "no column of students": ("nom;note\nx;12\n", ["line 1", "id or numéro"]),
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_fault_is_a_sentence(tmp_path, fault):
    text, words = WRONG[fault]
    with pytest.raises(TableError) as caught:
        read(tmp_path, text)
    for word in ["exam.csv", *words]:
        assert word in str(caught.value)
