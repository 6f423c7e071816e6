"""A time is booked. Waits for the meeting's link, up to the link wait; then goes without it."""

from collections.abc import Mapping
from datetime import datetime

from flask_babel import lazy_gettext as _l

from ...bookings.followups import CONFIRMED
from ...bookings.models import Booking
from ...bookings.occasions import Deed, Occasion
from ...core.clock import utcnow
from ...core.config import current_settings
from ...i18n import gettext as _


class Confirmed(Occasion):
    name = CONFIRMED
    after = Deed.BOOKED
    to_attendee = _l("Confirmation to the client")
    to_host = _l("Confirmation to you")
    asks_whether_wanted = True

    def due_at(self, booking: Booking, *, waits_for_link: bool) -> datetime | None:
        del booking
        return utcnow() + current_settings().link_wait if waits_for_link else None

    def subject(self, words: Mapping[str, str]) -> str:
        return _("Booked: %(title)s with %(name)s, %(when)s", **words)

    def is_overtaken(self, booking: Booking, *, has_link_mail: bool) -> bool:
        # Where the link came while this began, its mail says the same and more.
        return has_link_mail or super().is_overtaken(booking, has_link_mail=has_link_mail)

    def values(self, booking: Booking, party: str) -> dict[str, object]:
        """Whether the host has booked, and what the host says to the client by it."""
        opening = booking.opening_change
        words = opening.words if opening and party == "client" else None
        return {"is_by_host": opening is not None, "said_lines": words.split("\n") if words else []}


OCCASION = Confirmed()
