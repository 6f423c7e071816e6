"""A booking begins soon. Planned for a moment of its own with the booking (`followups.reminders`)."""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _l

from ...bookings.models import Booking
from ...bookings.occasions import Occasion
from ...bookings.reminder_switch import switch_token
from ...bookings.reminders import REMINDER
from ...core.clock import utcnow
from ...i18n import clock_time, day_in_words, length_in_words
from ...i18n import gettext as _
from ...web.addresses import public_url

NEAR = 180  # minutes: up to here the length says more than the day does


class Soon(Occasion):
    name = REMINDER
    to_attendee = _l("Reminder to the client")
    to_host = _l("Reminder to you")
    method = None

    def subject(self, words: Mapping[str, str]) -> str:
        return _("Reminder: %(title)s with %(name)s, %(when)s", **words)

    def values(self, booking: Booking, party: str) -> dict[str, object]:
        """When it begins, in words for this reader, and where reminders are switched off: the
        client's own switch, or the form of the page."""
        zone = booking.client.zone if party == "client" else booking.host_zone
        is_clients = party == "client"
        return {
            "begins": begins(booking.starts_at, utcnow(), zone),
            "turn_off": _switch_of(booking) if is_clients else None,
            "page_form": None
            if is_clients
            else public_url("booking_pages.edit", page_id=booking.page_id) + "#reminders",
        }

    def headers(self, booking: Booking, party: str) -> Mapping[str, str]:
        """RFC 8058: mail programs offer to switch it off by one press."""
        if party != "client":
            return {}
        return {
            "List-Unsubscribe": f"<{_switch_of(booking)}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }


def _switch_of(booking: Booking) -> str:
    return public_url("reminders.show", token=switch_token(booking))


def begins(starts_at: datetime, now: datetime, zone: ZoneInfo) -> str:
    """When, as told at `now`, by the calendar of a zone: `in 1 hour, at 10:00`, `today at 18:00`,
    `tomorrow at 10:00`, `on Tuesday 8 December 2026 at 10:00`."""
    minutes = max(1, round((starts_at - now).total_seconds() / 60))
    time = clock_time(starts_at, zone)
    if minutes <= NEAR:
        return _("in %(length)s, at %(time)s", length=length_in_words(minutes), time=time)
    day = starts_at.astimezone(zone).date()
    days = (day - now.astimezone(zone).date()).days
    if days == 0:
        return _("today at %(time)s", time=time)
    if days == 1:
        return _("tomorrow at %(time)s", time=time)
    return _("on %(day)s at %(time)s", day=day_in_words(day), time=time)


OCCASION = Soon()
