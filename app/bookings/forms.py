"""The client's details. No session, no cookie: `key` is signed, and bound to page and slot."""

from datetime import datetime

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, StringField
from wtforms.validators import DataRequired, Email, Length

from ..accounts.models import EMAIL_LENGTH, NAME_LENGTH
from ..booking_pages.offers import Facts
from ..crypto import new_reference, sign, unsign
from ..forms import Address, ClientForm, Line, Text
from ..i18n import current_language
from ..zones import read_zone
from .models import NOTE_LENGTH
from .service import Client

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
            Email(_l("Enter an email address like name@example.com."), allow_smtputf8=False),
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
    website = StringField(_l("Leave this field empty"), [Length(max=0)])

    def client(self, page: Facts) -> Client:
        """The valid form's client; an unknown zone becomes the page's."""
        zone = self.timezone.data
        return Client(
            name=self.name.data,
            email=self.email.data,
            note=self.note.data or "",
            timezone=read_zone(zone) or page.timezone,
            locale=current_language(),
        )


def new_key(page: Facts, start: datetime) -> str:
    """A signed idempotency key for one form at one slot."""
    return sign(PURPOSE, [page.id, start.isoformat(), new_reference(16)])


def read_key(page: Facts, start: datetime, key: str | None) -> str | None:
    """The key's random part; None when it is forged, for another slot or older than a week."""
    values = unsign(PURPOSE, key or "", A_WEEK)
    if values is None or values[:2] != [page.id, start.isoformat()]:
        return None
    return str(values[2])
