"""The engine's sentences in the course's language (gettext catalogues)."""

from __future__ import annotations

import gettext as _gettext
import re
from contextvars import ContextVar
from functools import cache
from pathlib import Path

from nbjudge.errors import ConfigurationError

LANGUAGES = ("en", "fr")
_FOLDER = Path(__file__).parent / "locale"
_language: ContextVar[str] = ContextVar("nbjudge_language", default="en")


@cache
def _catalogue(language: str) -> _gettext.NullTranslations:
    if language == "en":  # the messages themselves
        return _gettext.NullTranslations()
    try:
        return _gettext.translation("nbjudge", _FOLDER, languages=[language])
    except OSError as error:
        raise ConfigurationError(
            f"Reading the sentences of the language {language!r} in {_FOLDER}: {error}. Install "
            "nbjudge again; in a working copy of its source: make catalogues."
        ) from error


def use_language(language: str) -> None:
    """Say sentences in this language from here on, in this context.

    Raises
    ------
    ConfigurationError
        If there is no catalogue for it.
    """
    if language not in LANGUAGES:
        raise ConfigurationError(
            f"The language {language!r} is not known; nbjudge speaks {' and '.join(LANGUAGES)}."
        )
    _language.set(language)


def current_language() -> str:
    """Return the language in use."""
    return _language.get()


def gettext(message: str) -> str:
    """Return the message in the language in use; English is the message itself."""
    return _catalogue(_language.get()).gettext(message)


def capital(phrase: str) -> str:
    """Return a phrase with a capital letter; a name of the code at its head stays as it is."""
    first = phrase.split(maxsplit=1)[0] if phrase.strip() else ""
    if not re.sub(r"['\N{RIGHT SINGLE QUOTATION MARK},-]", "", first).isalpha():
        return phrase
    return phrase[:1].upper() + phrase[1:]
