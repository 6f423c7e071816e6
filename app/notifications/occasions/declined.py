"""The client's calendar has declined. Only the host is told, who decides what follows: the booking stands."""

from collections.abc import Mapping

from flask_babel import lazy_gettext as _l

from ...bookings.declines import DECLINED
from ...bookings.models import Booking
from ...bookings.occasions import Occasion
from ...i18n import gettext as _


class Declined(Occasion):
    name = DECLINED
    to_host = _l("Notice of the decline to you")
    method = None  # the event stays as it is in every calendar
    tells_link = False
    offers_cancelling = True

    def subject(self, words: Mapping[str, str]) -> str:
        return _("Declined in the calendar: %(title)s with %(name)s, %(when)s", **words)

    def is_overtaken(self, booking: Booking, *, has_link_mail: bool) -> bool:
        # They may have said yes after all.
        is_over = super().is_overtaken(booking, has_link_mail=has_link_mail)
        return is_over or booking.client.declined_at is None


OCCASION = Declined()
