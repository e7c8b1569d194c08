"""Who a participant is: the roll, what is known, and homonyms."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbjudge.errors import ConfigurationError
from nbjudge.marking.roll import Roll, Student
from nbjudge.moodle.identity import Person, identify
from nbjudge.moodle.ledger import (
    Collected,
    Known,
    Ledger,
    ledger_path,
    read_ledger,
    write_ledger,
)


def roll(*students):
    return Roll(path=Path("students.csv"), students={s.id: s for s in students})


ADA = Student(
    id="ada", first_name="Ada", name="Lovelace", number="0042", email="Ada.Lovelace@univ.fr"
)
JEAN = Student(id="jd1", first_name="Jean", name="Dupont", number="1")
JEAN_2 = Student(id="jd2", first_name="Jean", name="Dupont", number="2")


def who(*people, students=(ADA, JEAN, JEAN_2), known=None):
    found, doubts = identify(people, roll(*students) if students else None, known or {})
    return {key: one.student for key, one in found.items()}, doubts


@pytest.mark.parametrize(
    "offered",
    [
        {"number": "0042"},
        {"email": "ada.lovelace@UNIV.fr"},
        {"username": "ada"},
        {"number": "ada"},
        {"username": "0042"},
        {"name": "Ada Lovelace"},
        {"name": "LOVELACE Ada"},
        {"name": "Adá Lovelace"},
    ],
)
def test_the_roll_is_matched_by_whatever_the_worksheet_offers(offered):
    assert who(Person(key="7", **offered)) == ({"7": "ada"}, {})


def test_a_number_without_its_zeros_is_another_number():
    found, doubts = who(Person(key="7", name="A. L.", number="42"))
    assert found == {"7": "42"}
    assert "not in students.csv" in doubts["7"]


def test_homonyms_are_two_students_unless_a_number_says_who():
    found, doubts = who(
        Person(key="7", name="Jean Dupont"), Person(key="8", name="Jean Dupont", number="2")
    )
    assert found == {"7": "jean-dupont-7", "8": "jd2"}
    assert "homonyms" in doubts["7"]


def test_one_name_of_the_roll_and_two_in_the_worksheet_is_a_doubt():
    found, doubts = who(Person(key="7", name="Ada Lovelace"), Person(key="8", name="Ada Lovelace"))
    assert found == {"7": "ada-lovelace-7", "8": "ada-lovelace-8"}
    assert set(doubts) == {"7", "8"}


def test_the_same_name_with_another_number_is_somebody_else():
    found, doubts = who(Person(key="7", name="Ada Lovelace", number="99"))
    assert found == {"7": "99"}
    assert "ada of students.csv has the same name and another number" in doubts["7"]


def test_a_number_and_an_address_of_two_students_match_neither():
    found, doubts = who(Person(key="7", name="X", number="1", email="ada.lovelace@univ.fr"))
    assert found["7"] not in ("ada", "jd1")
    assert "the number is that of jd1, the e-mail is that of ada" in doubts["7"]


def test_two_participants_are_never_one_student():
    found, doubts = who(Person(key="7", number="0042"), Person(key="8", email=ADA.email))
    assert found == {"7": "participant-7", "8": "participant-8"}
    assert set(doubts) == {"7", "8"}


def test_without_a_roll_ids_are_what_is_the_same_in_every_assignment():
    found, doubts = who(
        Person(key="7", name="Zoé", number="123"),
        Person(key="8", name="Œdipe d'Été", email="o@x.fr"),
        Person(key="9", name="Łucja Ngô"),
        Person(key="10"),
        Person(key="11", name="山田", email="a+b@x.fr"),
        students=(),
    )
    assert found == {
        "7": "123",
        "8": "o@x.fr",
        "9": "ucja-ngo-9",
        "10": "participant-10",
        "11": "participant-11",
    }
    assert doubts == {}


def test_a_shared_number_identifies_nobody():
    found, _doubts = who(
        Person(key="7", name="A", number="0"), Person(key="8", name="B", number="0"), students=()
    )
    assert found == {"7": "a-7", "8": "b-8"}


def test_what_is_known_stands_where_nothing_surer_is():
    known = {"7": Known(student="ada", by="number", name="Ada Lovelace")}
    assert who(Person(key="7"), known=known)[0] == {"7": "ada"}
    assert who(Person(key="7", name="Jean Dupont", number="1"), known=known)[0] == {"7": "jd1"}
    weak = {"7": Known(student="made-7", by="made")}
    assert who(Person(key="7", name="Ada Lovelace"), known=weak)[0] == {"7": "ada"}


def test_a_second_participant_of_a_student_is_believed_if_it_is_sure():
    known = {"1": Known(student="ada", by="number")}
    assert who(Person(key="7", number="0042"), known=known)[0] == {"7": "ada"}
    assert who(Person(key="7", name="Ada Lovelace"), known=known)[0] == {"7": "participant-7"}


TEXTS = st.sampled_from(
    ["", "1", "2", "0042", "ada", "jd1", "Jean Dupont", "Ada Lovelace", "é'\","]
)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(TEXTS, TEXTS, TEXTS, TEXTS),
        max_size=6,
    ),
    st.booleans(),
)
def test_nobody_is_dropped_and_no_two_are_one(offers, with_roll):
    people = [
        Person(key=str(100 + place), name=name, number=number, email=email, username=username)
        for place, (name, number, email, username) in enumerate(offers)
    ]
    found, _doubts = who(*people, students=(ADA, JEAN, JEAN_2) if with_roll else ())
    assert set(found) == {person.key for person in people}
    assert len(set(found.values())) == len(people)
    assert all(student and "/" not in student for student in found.values())
    known = identify(people, roll(ADA, JEAN, JEAN_2) if with_roll else None, {})[0]
    again = identify(people, roll(ADA, JEAN, JEAN_2) if with_roll else None, known)[0]
    assert again == known


def test_a_ledger_is_read_as_it_was_written_and_by_nobody_else(tmp_path):
    ledger = Ledger(
        participants={"7": Known(student="ada", by="name", name="Ada « é »", team="A")},
        collected={
            "ada": Collected(
                participant="7", digest="d", arrived="2025-11-03T22:58:00+00:00", source="zip"
            )
        },
    )
    write_ledger(tmp_path, "tp1", ledger)
    assert read_ledger(tmp_path, "tp1") == ledger
    assert ledger_path(tmp_path, "tp1").stat().st_mode & 0o077 == 0
    assert read_ledger(tmp_path, "tp2") == Ledger()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 9}', '{"version": 1}'])
def test_a_damaged_ledger_is_a_sentence(tmp_path, text):
    ledger_path(tmp_path, "tp1").parent.mkdir(parents=True)
    ledger_path(tmp_path, "tp1").write_text(text)
    with pytest.raises(ConfigurationError, match="not as nbjudge writes it"):
        read_ledger(tmp_path, "tp1")
