"""Which language a page speaks, and its catalogue.

A month of a booking page says some hundred words. Flask-Babel would look up locale and catalogue
for each (0.012 ms); here both are looked up once. Flask-Babel still serves the forms' lazy texts.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from gettext import NullTranslations
from pathlib import Path
from typing import Any

import flask_babel
from babel.support import Translations
from flask import Flask, g, has_request_context, request

babel = flask_babel.Babel()

LANGUAGES = {"en": "English", "ja": "日本語"}
DEFAULT_LANGUAGE = "en"
COOKIE = "lang"


def init_app(app: Flask) -> None:
    """Bind gettext, for templates too."""
    babel.init_app(app, locale_selector=choose_language)
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        lambda message: _catalogue(current_language()).gettext(message),
        lambda one, many, num: _catalogue(current_language()).ngettext(one, many, num),
        newstyle=True,
    )
    app.jinja_env.globals.update(LANGUAGES=LANGUAGES, language=current_language)


def choose_language() -> str:
    """The request's language: address, cookie, Accept-Language, the page host's, English."""
    if not has_request_context():
        return DEFAULT_LANGUAGE
    for wish in (request.args.get("lang"), request.cookies.get(COOKIE)):
        if wish in LANGUAGES:
            return wish
    accepted = request.accept_languages.best_match(LANGUAGES)
    return accepted or g.get("host_language") or DEFAULT_LANGUAGE


def language_in_address() -> dict[str, Any]:
    """`lang` where the visitor chose it by address, for the next address: it goes along."""
    wish = request.args.get("lang")
    return {"lang": wish} if wish in LANGUAGES else {}


def current_language() -> str:
    """The language in force: the request's, or the one that is being spoken (see `use_language`)."""
    language: str | None = g.get("language")
    if language is None:
        language = g.language = choose_language()
    return language


@contextmanager
def use_language(language: str) -> Iterator[None]:
    """Say everything in `language` for a while: a mail is written in its reader's."""
    before = g.get("language")
    g.language = language
    try:
        with flask_babel.force_locale(language):
            yield
    finally:
        g.language = before


def gettext(message: str, **values: object) -> str:
    """`message` in the language in force, with `values` in place of its `%(names)s`."""
    words = _catalogue(current_language()).gettext(message)
    return words % values if values else words


def ngettext(one: str, many: str, num: int) -> str:
    """The form for `num` things, which stands in it as `%(num)d`."""
    return _catalogue(current_language()).ngettext(one, many, num) % {"num": num}


@lru_cache
def _catalogue(language: str) -> NullTranslations:
    return Translations.load(Path(__file__).parents[1] / "translations", [language])
