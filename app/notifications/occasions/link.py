"""The meeting's link, for those whose confirmation has left without it."""

from collections.abc import Mapping

from flask_babel import lazy_gettext as _l

from ...bookings.followups import LINK
from ...bookings.meetings import MeetingState
from ...bookings.models import Booking
from ...bookings.occasions import Occasion
from ...i18n import gettext as _


class Link(Occasion):
    name = LINK
    to_attendee = _l("Zoom link to the client")
    to_host = _l("Zoom link to you")
    tells_details = False

    def subject(self, words: Mapping[str, str]) -> str:
        return _("Zoom link: %(title)s with %(name)s, %(when)s", **words)

    def is_overtaken(self, booking: Booking, *, has_link_mail: bool) -> bool:
        # Another meeting is to take the place of the one that this was planned for, or has taken it.
        is_over = super().is_overtaken(booking, has_link_mail=has_link_mail)
        return is_over or has_link_mail or booking.meeting_state is not MeetingState.READY


OCCASION = Link()
