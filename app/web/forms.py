"""Fields that every form shares, and what a form reads of a request."""

from functools import lru_cache
from gettext import NullTranslations
from typing import Any

import wtforms.i18n
from flask import abort, g, request
from flask_wtf import FlaskForm
from markupsafe import Markup, escape
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, EmailField, Field, SelectChoice, StringField, TextAreaField
from wtforms.form import BaseForm
from wtforms.validators import Length, StopValidation
from wtforms.widgets import Select, html_params

from ..core import text
from ..core.crypto import fingerprint
from ..i18n import current_language
from ..i18n import gettext as _
from .shown_again import typed_fields

MOST = 1_000  # characters of a field that says no maximum of its own


def most_of(field: Field) -> int:
    """The maximum that a field's Length says."""
    lengths = [check.max for check in field.validators if isinstance(check, Length)]
    return max(lengths, default=MOST)


class Line(StringField):
    """One line of text, as typed (see app/core/text.py)."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        if valuelist:
            self.data = text.line(valuelist[0], most_of(self))


class Text(TextAreaField):
    """Several lines of text, as typed."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        if valuelist:
            self.data = text.lines(valuelist[0], most_of(self))


class Address(EmailField):
    """A mail address, folded, that mail can be sent to."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        if valuelist:
            self.data = text.fold_address(valuelist[0])

    def pre_validate(self, form: BaseForm) -> None:
        # An empty one, or one that is too long, has words of its own.
        is_told = not self.data or len(self.data) > most_of(self)
        if not is_told and not text.is_address(self.data):
            raise StopValidation(_("Enter an email address like name@example.com."))


class LongSelect(Select):
    """A select whose hundreds of options are drawn once: WTForms takes 15 ms for each page with one."""

    def __call__(self, field: Any, **kwargs: Any) -> Markup:
        kwargs.setdefault("id", field.id)
        options = _options(
            tuple(
                (str(choice.value), str(choice.label))
                if isinstance(choice, SelectChoice)
                else choice
                for choice in field.choices
            )
        )
        mark = f'value="{escape(field.data or "")}"'
        options = options.replace(mark, f"selected {mark}", 1)
        return Markup(f"<select {html_params(name=field.name, **kwargs)}>{options}</select>")  # noqa: S704


@lru_cache(maxsize=64)
def _options(choices: tuple[str | tuple[str, str], ...]) -> str:
    pairs = ((choice, choice) if isinstance(choice, str) else choice for choice in choices)
    return "".join(
        f'<option value="{escape(value)}">{escape(label)}</option>' for value, label in pairs
    )


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
        def get_translations(self, _form: object) -> NullTranslations:
            return _words_of_wtforms(current_language())

        def wrap_formdata(self, _form: object, formdata: Any) -> Any:
            """The fields that were sent, and nothing else: Flask-WTF would read JSON and files too,
            whose values are no texts. :raises 400: for a file."""
            if formdata is None or isinstance(formdata, MultiDict):
                return formdata
            if (kept := typed_fields()) is not None:
                return kept
            if request.files:
                abort(400)
            return request.form or None


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
