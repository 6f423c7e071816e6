"""Calendar invitations (RFC 5545, RFC 5546): one UID a booking, SEQUENCE rising with each change, and a
copy of its own for each party: a client's holds the client's secret page, a host's the dashboard's.
"""

from icalendar import Calendar, Event, vCalAddress, vText, vUri

from ..bookings.models import Booking
from ..core.clock import utcnow
from ..core.text import mailto
from ..i18n import gettext as _
from ..web.addresses import public_url

REQUEST = "REQUEST"
CANCEL = "CANCEL"
PUBLISH = "PUBLISH"
# RFC 5545, 3.2: a parameter's value cannot hold a double quote, and what a backslash means
# there readers do not agree on.
SPEAKABLE = str.maketrans({'"': "'", "\\": "/"})
# Google draws a DESCRIPTION as HTML: what people typed may plant no disguised link.
NO_MARKUP = str.maketrans({"<": "＜", ">": "＞"})


class TypedText(vText):
    """A TEXT value as RFC 5545, 3.3.11 writes it. icalendar takes `\\N` in a text for a line break,
    as in `C:\\New plan`."""

    def to_ical(self) -> bytes:
        text = str(self).replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
        return text.replace("\r\n", "\n").replace("\n", "\\n").encode()


def invitation(booking: Booking, party: str, method: str) -> bytes:
    """A party's copy of the booking, times in UTC, in the language in force.

    `method`: REQUEST and CANCEL are iTIP messages for mails. PUBLISH is a file to download: it
    names no attendees, since nobody is invited by it, but the organizer, without whom Outlook
    hangs. The organizer is the service's own address under the host's name: calendars accept
    changes and cancellations only from the address that invited, and ignore an invitation whose
    organizer is its reader.
    """
    calendar = Calendar()
    calendar.add("prodid", "-//CalSync//CalSync//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method)
    calendar.add_component(_event(booking, party, method))
    text: bytes = calendar.to_ical()
    return text


def _event(booking: Booking, party: str, method: str) -> Event:
    is_over = not booking.is_live
    event = Event()
    event.add("uid", booking.ical_uid)
    event.add("sequence", booking.ical_sequence)
    event.add("dtstamp", utcnow().replace(microsecond=0))
    event.add("dtstart", booking.starts_at)
    event.add("dtend", booking.ends_at)
    event["summary"] = TypedText(summary(booking, party))
    event.add("status", "CANCELLED" if method == CANCEL or is_over else "CONFIRMED")
    event.add("transp", "OPAQUE")
    link = None if method == CANCEL or is_over else booking.join_url
    if location := "; ".join(filter(None, (booking.location, link))):
        event["location"] = TypedText(location)
    event["description"] = TypedText(_description(booking, party, link))
    if page := page_of(booking, party):
        event["url"] = vUri(page)
    if link:
        conference = vUri(link)
        conference.params["value"] = "URI"
        conference.params["feature"] = "VIDEO"
        event["conference"] = conference
    event["organizer"] = _person(booking.organizer_email, booking.host.name)
    if method != PUBLISH:
        for attendee in _attendees(booking):
            event.add("attendee", attendee, encode=False)
    # Exchange shows a time as busy by these, and offers no other time to somebody who declines.
    event["x-microsoft-cdo-busystatus"] = vText("BUSY")
    event["x-microsoft-cdo-intendedstatus"] = vText("BUSY")
    event["x-microsoft-disallow-counter"] = vText("TRUE")
    return event


def summary(booking: Booking, party: str) -> str:
    """The event's title in a party's calendar: with the other's name."""
    other = booking.host.name if party == "client" else booking.client.name
    return _("%(title)s with %(name)s", title=booking.title, name=other)


def page_of(booking: Booking, party: str) -> str | None:
    """Where a party sees the booking: the client's secret page, or the host's dashboard. None for a
    client whose token no key opens any more."""
    if party == "client":
        return (
            public_url("client.show", token=booking.client.token) if booking.client.token else None
        )
    return public_url("bookings.show", public_id=booking.public_id)


def _description(booking: Booking, party: str, link: str | None) -> str:
    lines: list[str] = []
    if booking.is_live:
        if party == "host":
            lines.append(f"{_typed(booking.client.name)} ({booking.client.email})")
        if link:
            lines.append(_("Join the Zoom meeting: %(link)s", link=link))
            if booking.passcode:
                lines.append(_("Passcode: %(passcode)s", passcode=booking.passcode))
        if booking.location:
            lines.append(_("Location: %(place)s", place=_typed(booking.location)))
        if booking.note:
            quoted = "\n".join(f"> {line}" for line in _typed(booking.note).split("\n"))
            lines += [_("Note:"), quoted]
        if page := page_of(booking, party):
            lines.append(
                _("See or cancel: %(page)s", page=page)
                if party == "client"
                else _("In CalSync: %(page)s", page=page)
            )
    lines.append(_("Reference: %(reference)s", reference=booking.public_id))
    return "\n".join(lines)


def _typed(text: str) -> str:
    return text.translate(NO_MARKUP)


def _attendees(booking: Booking) -> list[vCalAddress]:
    """Each address once: two lines for one confuse every calendar."""
    people = {booking.host.email: booking.host.name}
    people.setdefault(booking.client.email, booking.client.name)
    return [_attendee(address, name) for address, name in people.items()]


def _attendee(address: str, name: str) -> vCalAddress:
    attendee = _person(address, name)
    attendee.params["cutype"] = vText("INDIVIDUAL")
    attendee.params["role"] = vText("REQ-PARTICIPANT")
    attendee.params["partstat"] = vText("ACCEPTED")
    attendee.params["rsvp"] = vText("FALSE")
    return attendee


def _person(address: str, name: str) -> vCalAddress:
    person = vCalAddress(mailto(address))
    person.params["cn"] = vText(name.translate(SPEAKABLE))
    return person
