"""Fields that every form shares.

Text is NFKC-normalized and trimmed: Japanese keyboards send full-width digits, letters and
spaces, and nobody should have to type them again.
"""

import unicodedata
from typing import Any

from flask_wtf import FlaskForm
from wtforms import BooleanField, EmailField, StringField, TextAreaField


def normalize(text: str | None) -> str:
    """NFKC, no control characters but line breaks, no white space at the ends."""
    folded = unicodedata.normalize("NFKC", (text or "").replace("\r\n", "\n"))
    kept = (c for c in folded if c in "\n\t" or unicodedata.category(c) != "Cc")
    return "".join(kept).strip()


def normalize_line(text: str | None) -> str:
    """The same for one line: line breaks become spaces, so that no input can add a header."""
    return " ".join(normalize(text).split())


class Line(StringField):
    """One line of text."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        if valuelist:
            self.data = normalize_line(valuelist[0])


class Text(TextAreaField):
    """Several lines of text."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        if valuelist:
            self.data = normalize(valuelist[0])


class Address(EmailField):
    """A mail address, lower case: the one form it is compared and kept in."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        if valuelist:
            self.data = normalize_line(valuelist[0]).lower()


class Switch(BooleanField):
    """A checkbox behind a hidden field of the same name, as browsers leave an empty box out.

    Absent altogether means as offered; else the last value counts.
    """

    def process_formdata(self, valuelist: list[Any]) -> None:
        if valuelist:
            self.data = valuelist[-1] not in self.false_values


class ClientForm(FlaskForm):
    """A form for someone without a session: it sets no cookie.

    Its views check the request's origin, or the address itself is the authority.
    """

    class Meta:
        csrf = False
