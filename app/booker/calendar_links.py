"""Addresses that put a booking into a web calendar."""

from datetime import UTC, datetime
from urllib.parse import urlencode

from ..bookings.joining import join_address, zoom_link
from ..bookings.models import Booking


def place_of(booking: Booking) -> str:
    """Where to be, and where to join: neither is lost for the other."""
    return "; ".join(filter(None, (booking.location, join_address(booking))))


def details_of(booking: Booking) -> str:
    """The same on lines of their own, with Zoom's own link, which calendars know by its looks."""
    return "\n".join(filter(None, (booking.location, join_address(booking), zoom_link(booking))))


def google(booking: Booking, title: str, details: str) -> str:
    """Google Calendar's template address; times in UTC."""
    span = "/".join(
        f"{instant.astimezone(UTC):%Y%m%dT%H%M%SZ}"
        for instant in (booking.starts_at, booking.ends_at)
    )
    query = {
        "action": "TEMPLATE",
        "text": title,
        "dates": span,
        "details": details,
        "location": place_of(booking),
    }
    return "https://calendar.google.com/calendar/render?" + urlencode(query)


def outlook(booking: Booking, title: str, details: str) -> str:
    """Outlook on the web's compose address; times with their offset."""
    query = {
        "path": "/calendar/action/compose",
        "rru": "addevent",
        "subject": title,
        "startdt": _iso(booking.starts_at),
        "enddt": _iso(booking.ends_at),
        "body": details,
        "location": place_of(booking),
    }
    return "https://outlook.live.com/calendar/0/deeplink/compose?" + urlencode(query)


def _iso(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%S+00:00}"
