"""Addresses for booking pages: checked when typed, suggested from a title.

A Japanese title is read aloud (SudachiPy knows readings of kanji) and written in Latin letters.
"""

import re
import threading
import unicodedata
from functools import lru_cache

import jaconv
import sudachipy
from sqlalchemy import select, union

from ..core.crypto import new_reference
from ..db import db
from .models import SLUG_LENGTH, TITLE_LENGTH, BookingPage, PageAddress

FORM = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
SUGGESTED_LENGTH = 48
# Words that join, point or punctuate; an address reads better without them.
SILENT = {"助詞", "助動詞", "補助記号", "記号", "空白", "接頭辞"}
FALLBACK = "meeting"
# SudachiPy's tokenizer refuses a thread that comes while another is at work with it, and one for
# each thread would take some megabytes each. A title takes it far less than a millisecond.
_reading = threading.Lock()


def is_well_formed(slug: str) -> bool:
    """Lower-case letters, digits and single hyphens between them."""
    return len(slug) <= SLUG_LENGTH and FORM.fullmatch(slug) is not None


def is_free(slug: str, page_id: int | None = None) -> bool:
    """Whether no other page has or had this address; archived pages keep theirs."""
    owners = union(
        select(BookingPage.id).where(BookingPage.slug == slug),
        select(PageAddress.page_id).where(PageAddress.slug == slug),
    )
    return set(db.session.scalars(owners)) <= {page_id}


def suggest(title: str, *, is_contested: bool = False) -> str:
    """A free, well-formed address for a page with this title. While others take each next number
    at the same moment (`is_contested`), one that nobody else is offered."""
    base = _cut(_latin(title[:TITLE_LENGTH])) or FALLBACK
    columns = (BookingPage.slug, PageAddress.slug)
    known = union(*(select(column).where(column.startswith(base)) for column in columns))
    taken = set(db.session.scalars(known))
    if is_contested:
        return f"{base}-{new_reference(6)}"
    if base not in taken:
        return base
    return next(name for n in range(2, len(taken) + 3) if (name := f"{base}-{n}") not in taken)


def _latin(title: str) -> str:
    words = (_word_in_latin(word, kind, reading) for word, kind, reading in _read(title))
    return re.sub(r"[^a-z0-9]+", "-", "-".join(words).lower()).strip("-")


def _word_in_latin(word: str, kind: str, reading: str) -> str:
    plain = unicodedata.normalize("NFKD", word).encode("ascii", "ignore").decode()
    if any(character.isalnum() for character in plain):
        return plain
    if kind in SILENT:
        return ""
    spoken: str = jaconv.kana2alphabet(jaconv.kata2hira(reading.replace("ー", "")))
    return spoken if spoken.isascii() else ""


def _read(title: str) -> list[tuple[str, str, str]]:
    """The title's words with their part of speech and their reading in katakana."""
    folded = unicodedata.normalize("NFKC", title)
    if folded.isascii():
        return [(word, "", "") for word in folded.split()]
    with _reading:
        return [
            (word.surface(), word.part_of_speech()[0], word.reading_form())
            for word in _tokenizer().tokenize(folded)
        ]


@lru_cache(maxsize=1)
def _tokenizer() -> sudachipy.Tokenizer:
    # 50 MB, read from disk on first use: only processes that suggest ever carry it.
    return sudachipy.Dictionary(dict="small").tokenizer()


def _cut(slug: str) -> str:
    """At most SUGGESTED_LENGTH characters, ending with a whole word where there is one."""
    if len(slug) <= SUGGESTED_LENGTH:
        return slug
    shorter, _, _ = slug[: SUGGESTED_LENGTH + 1].rpartition("-")
    return (shorter or slug[:SUGGESTED_LENGTH]).strip("-")
