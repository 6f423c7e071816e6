"""The client's details. No session, no cookie: `key` is signed, and bound to page and slot."""

from datetime import datetime
from typing import Any, NamedTuple

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, StringField
from wtforms.validators import DataRequired, Length

from ..accounts.models import EMAIL_LENGTH, NAME_LENGTH
from ..booking_pages.offerings import PageSnapshot
from ..bookings.models import NOTE_LENGTH, WORDS_LENGTH
from ..bookings.service import Client
from ..db.once import new_form_key, read_kept
from ..i18n import current_language
from ..i18n import gettext as _
from ..i18n.zones import read_zone
from ..web.forms import Address, ClientForm, Line, Text

PURPOSE = "booking-form"
A_WEEK = 7 * 86_400


class BookingForm(ClientForm):
    """`name email note timezone`, the key, and a field that only robots fill in."""

    name = Line(
        _l("Name"),
        [
            DataRequired(_l("Enter your name.")),
            Length(max=NAME_LENGTH, message=_l("Use a shorter name.")),
        ],
        render_kw={"autocomplete": "name"},
    )
    email = Address(
        _l("Email address"),
        [
            DataRequired(_l("Enter your email address.")),
            Length(max=EMAIL_LENGTH, message=_l("Use a shorter address.")),
        ],
        description=_l("The confirmation is sent here."),
        render_kw={"autocomplete": "email", "autocapitalize": "none"},
    )
    note = Text(
        _l("What would you like to discuss? (optional)"),
        [Length(max=NOTE_LENGTH, message=_l("Use a shorter text."))],
    )
    timezone = HiddenField()
    key = HiddenField()
    # Neither name nor label is one that browsers or password managers fill in.
    leave_empty = StringField(_l("Leave this field empty"))

    def validate(self, extra_validators: Any = None) -> bool:
        """What a robot fills in, a browser may have: the person is asked once more, and the field,
        which nobody sees, comes back empty."""
        is_valid: bool = super().validate(extra_validators)
        if self.leave_empty.data:
            self.leave_empty.data = ""
            self.form_errors.append(_("Please check your details and press the button once more."))
            return False
        return is_valid

    def client(self, page: PageSnapshot) -> Client:
        """The valid form's client; an unknown zone becomes the page's."""
        zone = self.timezone.data
        return Client(
            name=self.name.data,
            email=self.email.data,
            note=self.note.data or "",
            timezone=read_zone(zone) or page.timezone,
            locale=current_language(),
        )


class CancelForm(ClientForm):
    """`reason`, for the host."""

    reason = Text(
        _l("Message (optional)"),
        [Length(max=WORDS_LENGTH, message=_l("Use a shorter text."))],
    )


class FormKey(NamedTuple):
    """What a form's key tells: its once-only random part, and the terms that the form showed, where
    it has kept them."""

    once: str
    terms: str | None


def new_key(page: PageSnapshot, start: datetime) -> str:
    """A signed idempotency key for one form at one slot, that keeps the terms it shows."""
    return new_form_key(PURPOSE, page.id, start.isoformat(), kept=page.terms)


def read_key(page: PageSnapshot, start: datetime, key: str | None) -> FormKey | None:
    """None for a key that is forged, for another slot or older than a week."""
    read = read_kept(PURPOSE, key, page.id, start.isoformat(), max_age=A_WEEK)
    return FormKey(read[0], read[1] or None) if read else None
