"""What a host says about one booking."""

from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField
from wtforms.validators import Length

from ..bookings.marks import note_version
from ..bookings.models import PRIVATE_NOTE_LENGTH, WORDS_LENGTH, Booking
from ..bookings.public_month import read_instant
from ..web.forms import LocalForm, Text


class MessageForm(LocalForm):
    """`message`, for the client."""

    message = Text(
        _l("Message (optional)"),
        [Length(max=WORDS_LENGTH, message=_l("Use a shorter text."))],
        id="message-to-client",  # every page has a place `message`
    )

    @property
    def words(self) -> str | None:
        """The message; None for an empty one."""
        return self.message.data or None


class RebookForm(MessageForm):
    """The same with `start`, and a once-only key."""

    start = HiddenField()
    form_key = HiddenField()

    @property
    def starts_at(self) -> datetime | None:
        """The time that was picked, aware UTC; None for nonsense."""
        return read_instant(self.start.data or "")


class NoteForm(LocalForm):
    """`private_note`, and the version that it was filled in from."""

    private_note = Text(
        _l("Private note"),
        [Length(max=PRIVATE_NOTE_LENGTH, message=_l("Use a shorter text."))],
        description=_l("Only you see it. It is in no email and no calendar."),
    )
    version = HiddenField()

    def __init__(self, booking: Booking, **kwargs: Any) -> None:
        shown = {"private_note": booking.private_note, "version": note_version(booking)}
        super().__init__(data=shown, **kwargs)

    @property
    def version_sent(self) -> str | None:
        """The note that the form was filled in from; None where it does not say."""
        return str(self.version.raw_data[0]) if self.version.raw_data else None
