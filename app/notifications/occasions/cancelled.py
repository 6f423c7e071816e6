"""A booking is cancelled: its event leaves both calendars, however late this arrives."""

from collections.abc import Mapping

from flask_babel import lazy_gettext as _l

from ...bookings.followups import CANCELLED
from ...bookings.models import Booking
from ...bookings.occasions import Deed, Occasion
from ...bookings.remains import remains
from ...i18n import gettext as _


class Cancelled(Occasion):
    name = CANCELLED
    after = Deed.CANCELLED
    to_attendee = _l("Cancellation to the client")
    to_host = _l("Cancellation to you")
    method = "CANCEL"
    tells_link = False
    is_farewell = True

    def subject(self, words: Mapping[str, str]) -> str:
        return _("Cancelled: %(title)s with %(name)s, %(when)s", **words)

    def is_overtaken(self, booking: Booking, *, has_link_mail: bool) -> bool:
        del has_link_mail
        return booking.is_live

    def values(self, booking: Booking, party: str) -> dict[str, object]:
        """To the host, why the meeting remains at Zoom, where it does; and what the other party says
        who has cancelled."""
        words = booking.parting_words if party != booking.cancelled_by else None
        return {
            "why_left": remains(booking) if party == "host" else None,
            "said_lines": words.split("\n") if words else [],
        }


OCCASION = Cancelled()
