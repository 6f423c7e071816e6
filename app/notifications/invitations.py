"""Calendar invitations (RFC 5545, RFC 5546): one UID a booking, SEQUENCE rising with each change."""

from email.utils import parseaddr

from icalendar import Calendar, Event, vCalAddress, vText

from ..bookings.models import Booking
from ..clock import utcnow
from ..i18n import gettext as _
from ..text import mailto
from ..web import current_settings

REQUEST = "REQUEST"
CANCEL = "CANCEL"
# RFC 5545, 3.2: a parameter's value cannot hold a double quote, and what a backslash means
# there readers do not agree on.
SPEAKABLE = str.maketrans({'"': "'", "\\": "/"})


def invitation(booking: Booking, method: str) -> bytes:
    """The booking as an iTIP message, times in UTC, in the language in force.

    The organizer is the service's own address under the host's name: mail clients accept
    changes and cancellations only from the address that sent the invitation.
    """
    calendar = Calendar()
    calendar.add("prodid", "-//CalSync//CalSync//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method)
    calendar.add_component(_event(booking, method))
    text: bytes = calendar.to_ical()
    return text


def _event(booking: Booking, method: str) -> Event:
    event = Event()
    event.add("uid", booking.ical_uid)
    event.add("sequence", booking.ical_sequence)
    event.add("dtstamp", utcnow().replace(microsecond=0))
    event.add("dtstart", booking.starts_at)
    event.add("dtend", booking.ends_at)
    event.add("summary", summary(booking))
    event.add("status", "CANCELLED" if method == CANCEL else "CONFIRMED")
    event.add("transp", "OPAQUE")
    if location := booking.join_url or booking.page.location:
        event.add("location", vText(location))
    if description := _description(booking):
        event.add("description", vText(description))
    event["organizer"] = _person(parseaddr(current_settings().mail_from)[1], booking.host.name)
    for address, name in (
        (booking.host.email, booking.host.name),
        (booking.client_email, booking.client_name),
    ):
        attendee = _person(address, name)
        attendee.params["role"] = vText("REQ-PARTICIPANT")
        attendee.params["partstat"] = vText("ACCEPTED")
        attendee.params["rsvp"] = vText("FALSE")
        event.add("attendee", attendee, encode=False)
    return event


def summary(booking: Booking) -> str:
    """The event's title, the same for both parties: title, client and host."""
    return _(
        "%(title)s: %(client)s and %(host)s",
        title=booking.page.title,
        client=booking.client_name,
        host=booking.host.name,
    )


def _description(booking: Booking) -> str:
    lines = []
    if booking.join_url:
        lines.append(_("Join the Zoom meeting: %(link)s", link=booking.join_url))
    if booking.passcode:
        lines.append(_("Passcode: %(passcode)s", passcode=booking.passcode))
    if booking.note:
        lines += ["", booking.note]
    return "\n".join(lines)


def _person(address: str, name: str) -> vCalAddress:
    person = vCalAddress(mailto(address))
    person.params["cn"] = vText(name.translate(SPEAKABLE))
    return person
