"""Every sentence is said in French, built as the English one is, in French typography."""

import importlib.util
import re
import string
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from babel.messages.mofile import read_mo
from hatchling.builders.wheel import WheelBuilder

from nbjudge import i18n
from nbjudge.document import number
from nbjudge.errors import ConfigurationError

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / "tools" / "catalogues.py"


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("catalogues", TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def french(tool):
    with tool.path_of("fr").with_suffix(".mo").open("rb") as stream:
        made = tool.texts(read_mo(stream))
    assert len(made) > 100
    return made


@pytest.fixture
def language():
    before = i18n.current_language()
    yield i18n.use_language
    i18n.use_language(before)


def test_the_catalogues_are_complete_and_compiled():
    done = subprocess.run(
        [sys.executable, TOOL, "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


def test_there_is_a_catalogue_for_every_language_that_may_be_configured(tool):
    assert set(tool.LANGUAGES) | {"en"} == set(i18n.LANGUAGES)


def test_messages_of_several_modules_are_found(tool):
    found = tool.texts(tool.template())
    assert {"{what}: {how}.", "All checks hold.", "the sign is reversed"} <= found.keys()


def test_updating_twice_changes_nothing(tool, tmp_path):
    path = tmp_path / "nbjudge.po"
    path.write_bytes(tool.path_of("fr").read_bytes())
    wanted = tool.template()
    assert tool.update(path, "fr", wanted) == []
    first = path.read_bytes(), path.with_suffix(".mo").read_bytes()
    assert tool.update(path, "fr", wanted) == []
    assert first == (path.read_bytes(), path.with_suffix(".mo").read_bytes())
    assert tool.check(path, "fr", wanted) == []


def test_a_new_message_is_asked_for_and_an_old_one_is_forgotten(tool, tmp_path):
    path = tmp_path / "nbjudge.po"
    path.write_bytes(tool.path_of("fr").read_bytes())
    wanted = tool.template()
    wanted.delete("All checks hold.")
    wanted.add("A new {thing}.")
    assert set(tool.check(path, "fr", wanted)) == {
        "not translated: A new {thing}.",
        "no longer said: All checks hold.",
        "the .mo is not compiled from the .po: make catalogues",
    }
    assert tool.update(path, "fr", wanted) == ["not translated: A new {thing}."]
    assert "All checks hold." not in path.read_text("utf-8")


@pytest.mark.parametrize(
    ("message", "translation", "fault"),
    [
        ("{a} of {b}", "{a} sur {c}", "other placeholders"),
        ("{s:g} s", "{s} s", "other placeholders"),
        ("{a} and {a}", "{a}", "other placeholders"),
        ("It ended.", "C'est fini", "another end"),
        ("it ended", "c'est fini.", "another end"),
        ("why: {x}", "pourquoi {x}", ""),
        (" at {x}", "à {x}", "another beginning"),
        ("Marks", "notes", "a capital"),
        ("the sign", "Le signe", "a capital"),
        ("{name} ended.", "Fin de {name}.", ""),
    ],
)
def test_a_translation_is_built_as_its_message_is(tool, message, translation, fault):
    found = list(tool.differences(message, translation))
    assert len(found) == bool(fault)
    assert all(said.startswith(fault) for said in found)


def test_french_has_its_typography(french):
    for message, translation in french.items():
        wrong = re.findall(r"[^\N{NO-BREAK SPACE}][;!?»](?!\w)|« |«\w|\w:(?!\w)| :", translation)
        assert wrong == [], (message, translation)
        assert "..." not in translation


def test_french_addresses_students_politely(french):
    for translation in french.values():
        assert not re.search(r"\b(tu|ton|ta|tes)\b", translation), translation


def test_no_placeholder_is_declined(french):
    # "1 valeurs": what counts stands beside a word without a plural, or with a fixed one.
    counted = {
        found
        for translation in french.values()
        for found in re.findall(r"\{(?:count|got|total|n)\}[ \N{NO-BREAK SPACE}](\w+)", translation)
    }
    assert counted <= {"cas", "fois", "premières", "tirages", "au", "est", "sur"}


def test_sentences_are_said_in_the_language_in_use(language):
    language("fr")
    assert i18n.gettext("All checks hold.") == "Toutes les vérifications sont satisfaites."
    assert i18n.current_language() == "fr"
    language("en")
    assert i18n.gettext("All checks hold.") == "All checks hold."


def test_an_unknown_language_is_refused(language):
    with pytest.raises(ConfigurationError, match="'de'"):
        language("de")


def test_a_language_without_its_catalogue_is_an_error_that_says_what_to_do(
    language, monkeypatch, tmp_path
):
    monkeypatch.setattr(i18n, "_FOLDER", tmp_path)
    i18n._catalogue.cache_clear()
    language("fr")
    try:
        with pytest.raises(ConfigurationError, match="make catalogues"):
            i18n.gettext("All checks hold.")
    finally:
        i18n._catalogue.cache_clear()


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("la moyenne", "La moyenne"),
        ("l'écart-type", "L'écart-type"),
        ("mean, at 0", "Mean, at 0"),
        ("écart", "Écart"),
        ("phi_linear(x)", "phi_linear(x)"),
        ("f(x), premier appel", "f(x), premier appel"),
        ("x2 et y", "x2 et y"),
        ("np.mean", "np.mean"),
        ("Sigma", "Sigma"),
        ("", ""),
    ],
)
def test_a_sentence_begins_with_a_capital_unless_with_code(phrase, expected):
    assert i18n.capital(phrase) == expected


@pytest.mark.parametrize(
    ("value", "english", "french"),
    [
        (3.0, "3", "3"),
        (0.5, "0.5", "0,5"),
        (0.1 + 0.2, "0.3", "0,3"),
        (1.255, "1.255", "1,255"),
        (10.0, "10", "10"),
        (-0.0001, "0", "0"),
        (1234.5, "1234.5", "1234,5"),
    ],
)
def test_numbers_have_the_decimal_mark_of_the_language(language, value, english, french):
    assert number(value) == english
    language("fr")
    assert number(value) == french


def test_the_wheel_holds_the_catalogues_and_the_templates(tmp_path):
    (name,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    names = set(zipfile.ZipFile(name).namelist())
    assert "nbjudge/py.typed" in names
    assert "nbjudge/locale/fr/LC_MESSAGES/nbjudge.mo" in names
    for file in ("conf.json", "index.html.j2", "nbjudge-feedback.css"):
        assert f"nbjudge/templates/feedback/{file}" in names


def test_no_sentence_writes_numbers_itself(tool):
    # A format such as {seconds:g} has a decimal point in every language.
    messages = tool.texts(tool.template())
    fields = [
        (message, spec)
        for message in messages
        for _text, name, spec, _conversion in string.Formatter().parse(message)
        if name is not None
    ]
    assert len(fields) > 50
    assert [message for message, spec in fields if spec] == []
