"""Fields that every form shares.

Text is NFKC-normalized and trimmed: Japanese keyboards send full-width digits, letters and
spaces, and nobody should have to type them again.
"""

import unicodedata
from contextlib import suppress
from functools import lru_cache
from gettext import NullTranslations
from typing import Any

import wtforms.i18n
from email_validator import EmailNotValidError, validate_email
from flask import g
from flask_wtf import FlaskForm
from flask_wtf.form import _Auto
from wtforms import BooleanField, EmailField, StringField, TextAreaField
from wtforms.form import BaseForm
from wtforms.validators import StopValidation

from .crypto import fingerprint
from .i18n import current_language
from .i18n import gettext as _
from .shown_again import typed_fields


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


def fold_address(text: str | None) -> str:
    """A mail address in the one form it is compared and kept in: lower case, an international
    domain in its ASCII spelling."""
    local, at, domain = normalize_line(text).lower().rpartition("@")
    if not domain.isascii():
        with suppress(EmailNotValidError):
            domain = validate_email(f"x@{domain}", check_deliverability=False).ascii_domain
    return f"{local}{at}{domain}"


class Address(EmailField):
    """A mail address. What is before the @ must be ASCII: few mail servers take more (RFC 6531).

    Nor may it look like an encoded word (RFC 2047): no mail about it could be written.
    """

    def process_formdata(self, valuelist: list[Any]) -> None:
        if valuelist:
            self.data = fold_address(valuelist[0])

    def pre_validate(self, form: BaseForm) -> None:
        if "=?" in (self.data or ""):
            raise StopValidation(_("Enter an email address like name@example.com."))


class Switch(BooleanField):
    """A checkbox behind a hidden field of the same name, as browsers leave an empty box out.

    Absent altogether means as offered; else the last value counts.
    """

    def process_formdata(self, valuelist: list[Any]) -> None:
        if valuelist:
            self.data = valuelist[-1] not in self.false_values


class LocalForm(FlaskForm):
    """A form whose library speaks the language in force. One that is shown again takes what was
    typed from where that is kept, and says why it is shown (see `shown_again`)."""

    @property
    def shown_because(self) -> str:
        """Why the form is shown again, unasked; empty where it is not."""
        return str(g.get("form_note", ""))

    class Meta:
        def wrap_formdata(self, form: FlaskForm, formdata: Any) -> Any:
            if formdata is _Auto and (kept := typed_fields()) is not None:
                return kept
            return FlaskForm.Meta.wrap_formdata(self, form, formdata)

        def get_translations(self, _form: object) -> NullTranslations:
            return _words_of_wtforms(current_language())


@lru_cache
def _words_of_wtforms(language: str) -> NullTranslations:
    """Kept: Flask-WTF would read the whole catalogue anew for every request with a form."""
    return wtforms.i18n.get_translations([language])  # type: ignore[no-any-return]


def version_of(*values: str) -> str:
    """What a form is filled in from, where it overwrites a row that counts no versions."""
    return fingerprint("\0".join(values))[:16]


class ClientForm(LocalForm):
    """A form for someone without a session: it sets no cookie.

    Its views check the request's origin, or the address itself is the authority.
    """

    class Meta:
        csrf = False
