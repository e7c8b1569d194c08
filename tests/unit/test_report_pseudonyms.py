"""An anonymous page: who is who stays with those who have the secret."""

import pytest

from nbjudge.marking.roll import Student
from nbjudge.report.pseudonyms import anonymous, named, pseudonyms

SECRET = b"s" * 32
ROLL = [
    Student(
        id="lea.martin", name="Martin-Dupré", first_name="Léa", number="21804455",
        email="lea.martin@etu.example",
    ),
    Student(id="zoé k", name="N'Guyen", first_name="Zoé"),
]  # fmt: skip
STUDENTS = ["lea.martin", "zoé k", "20231234", "bob"]


@pytest.fixture
def called():
    return anonymous(SECRET, STUDENTS, ROLL)


def test_the_same_student_has_the_same_pseudonym_whoever_else_is_there():
    few, many = pseudonyms(SECRET, ["ada"]), pseudonyms(SECRET, ["zoe", "ada", "bob"])
    assert few["ada"] == many["ada"]
    assert len(set(many.values())) == 3


def test_another_secret_gives_other_pseudonyms():
    assert pseudonyms(SECRET, ["ada"]) != pseudonyms(b"t" * 32, ["ada"])


def test_no_two_of_a_large_class_have_the_same():
    made = pseudonyms(SECRET, [f"student-{number}" for number in range(70_000)])
    # Six letters do not suffice for so many: 70 000 among 2 ** 30 meet twice on average.
    assert len(set(made.values())) == 70_000


def test_a_pseudonym_holds_nothing_of_the_id(called):
    for student in STUDENTS:
        assert called[student].startswith("S-")
        assert student.casefold() not in called[student].casefold()


@pytest.mark.parametrize(
    "text",
    [
        "Bonjour Léa !",
        "BONJOUR LÉA",
        "le fichier « TP1_lea.martin.ipynb »",
        "Martin-Dupré",
        "dupré",
        "numéro 21804455.",
        "ecrire à lea.martin@etu.example",
        "lea.martin@gmail.com",
        "zoé k",
        "Zoe\u0301",
        "l'élève N'Guyen",
        "c'est bob",
        "n° 20231234",
    ],
)
def test_names_ids_numbers_and_addresses_are_taken_out(called, text):
    scrubbed = called.scrub(text).casefold()
    for name in ("léa", "lea", "martin", "dupré", "21804455", "zoé", "zoe", "guyen", "bob", "2023"):
        assert name not in scrubbed
    assert "[name]" in scrubbed


@pytest.mark.parametrize(
    "path",
    ["/home/x7/tp1/a.csv", "/Users/x7/Desktop", r"C:\Users\x7\a.csv", "~/x7/b", "/content/x7"],
)
def test_paths_of_a_students_machine_are_taken_out(called, path):
    assert called.scrub(f"No such file: '{path}'") == "No such file: '[path]'"


def test_other_words_stay_as_they_are(called):
    text = "La moyenne de f_pred : expected 3.5, got [1.0, 2.0] (test_q1_4a), 1/2."
    assert called.scrub(text) == text


def test_a_word_of_the_course_is_no_name_because_an_id_has_it():
    called = anonymous(SECRET, ["eleve-est-absent", "eve"], ROLL, ["Ce qui est faux. L'eleve"])
    said = "l'ordre de grandeur est bon, rien d'absent, eve, Léa"
    assert called.scrub(said) == "l'ordre de grandeur est bon, rien [name], [name], [name]"
    assert called.scrub("c'est eleve-est-absent") == "c'est [name]"


def test_a_page_with_names_has_names_and_ids():
    called = named(STUDENTS, {person.id: person for person in ROLL})
    assert called["lea.martin"] == "Léa Martin-Dupré (lea.martin)"
    assert called["bob"] == "bob"
    assert called.scrub("Bonjour Léa") == "Bonjour Léa"
