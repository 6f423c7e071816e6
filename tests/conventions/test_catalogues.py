"""The catalogues hold every word of the source, and nothing else.

When it fails: `pybabel extract` with babel.cfg and KEYWORDS, then `pybabel update`, then translate.
"""

import re
from pathlib import Path
from typing import Any

import pytest
from babel.messages import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

from app.i18n import DEFAULT_LANGUAGE, LANGUAGES

ROOT = Path(__file__).resolve().parents[2]
CATALOGUES = sorted((ROOT / "app" / "translations").glob("*/LC_MESSAGES/messages.po"))
KEYWORDS: dict[str, Any] = {
    "_": None,
    "_l": None,
    "gettext": None,
    "lazy_gettext": None,
    "ngettext": (1, 2),
}
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]")


@pytest.fixture(scope="module")
def source() -> Catalog:
    """What Python and the templates say, extracted anew."""
    with (ROOT / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)
    catalogue = Catalog()
    for name, _line, words, _comments, context in extract_from_dir(
        ROOT / "app", [(glob.removeprefix("app/"), how) for glob, how in methods],
        {glob.removeprefix("app/"): value for glob, value in options.items()}, KEYWORDS,
    ):  # fmt: skip
        catalogue.add(words, locations=[(name, 0)], context=context)
    return catalogue


@pytest.fixture(params=CATALOGUES, ids=lambda path: path.parts[-3])
def translated(request: pytest.FixtureRequest) -> Catalog:
    path: Path = request.param
    with path.open("rb") as file:
        return read_po(file, locale=path.parts[-3], abort_invalid=True)


def test_every_language_but_the_source_has_a_catalogue() -> None:
    assert {path.parts[-3] for path in CATALOGUES} == set(LANGUAGES) - {DEFAULT_LANGUAGE}


def test_nothing_is_missing(source: Catalog, translated: Catalog) -> None:
    missing = [name_of(words) for words in messages(source) if words.id not in translated]
    assert not missing, f"not translated: {missing}"


def test_nothing_is_left_over(source: Catalog, translated: Catalog) -> None:
    left = [name_of(words) for words in messages(translated) if words.id not in source]
    assert not left, f"nobody says this any more: {left}"
    assert not translated.obsolete, f"obsolete: {list(translated.obsolete)}"


def test_nothing_is_empty_or_fuzzy(translated: Catalog) -> None:
    unfinished = [
        name_of(words)
        for words in messages(translated)
        if words.fuzzy or not all(form.strip() for form in forms(words.string))
    ]
    assert not unfinished, f"empty or fuzzy: {unfinished}"


def test_placeholders_are_those_of_the_source(translated: Catalog) -> None:
    wrong = [
        f"{name_of(words)} → {form}"
        for words in messages(translated)
        for form in forms(words.string)
        if sorted(PLACEHOLDER.findall(form)) != sorted(PLACEHOLDER.findall(forms(words.id)[-1]))
    ]
    assert not wrong, f"other placeholders: {wrong}"


def test_the_number_of_plural_forms_is_the_languages_own(translated: Catalog) -> None:
    for words in messages(translated):
        if words.pluralizable:
            assert len(forms(words.string)) == translated.num_plurals, name_of(words)


def messages(catalogue: Catalog) -> list[Message]:
    """All but the header."""
    return [words for words in catalogue if words.id]


def forms(text: Any) -> list[str]:
    """The plural forms; a plain text is its own only one."""
    return list(text) if isinstance(text, list | tuple) else [text]


def name_of(words: Message) -> str:
    return forms(words.id)[0]


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-3])
def test_no_word_is_translated_twice(path: Path) -> None:
    """Of two entries for one word the one that is read last would win, unseen."""
    entries = re.findall(
        r'^msgid (".*"(?:\n".*")*)', path.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert len(entries) == len(set(entries)), [
        one for one in set(entries) if entries.count(one) > 1
    ]
