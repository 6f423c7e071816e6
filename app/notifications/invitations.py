"""Calendar invitations: one UID a booking, SEQUENCE rising with each change, and a copy of its own for
each party: a client's holds the client's secret page, a host's the dashboard's.
"""

from datetime import datetime

from ..bookings.joining import join_address, zoom_link
from ..bookings.models import Booking
from ..core.clock import utcnow
from ..i18n import gettext as _
from ..ical import Entry, Person, written
from ..web.addresses import public_url

REQUEST = "REQUEST"
CANCEL = "CANCEL"
PUBLISH = "PUBLISH"
# Google draws a DESCRIPTION as HTML: what people typed may plant no disguised link.
NO_MARKUP = str.maketrans({"<": "＜", ">": "＞"})


def invitation(booking: Booking, party: str, method: str) -> bytes:
    """A party's copy of the booking, times in UTC, in the language in force.

    `method`: REQUEST and CANCEL for mails, PUBLISH for a file to download. The organizer is the
    service's own address under the host's name: calendars accept changes and cancellations only
    from the address that invited, so the booking keeps it, and ignore an invitation whose
    organizer is its reader.
    """
    is_over = method == CANCEL or not booking.is_live
    return written(entry_of(booking, party, utcnow(), is_over=is_over), method)


def entry_of(booking: Booking, party: str, stamped_at: datetime, *, is_over: bool = False) -> Entry:
    """A party's copy as an event, in the language in force; `stamped_at` (aware UTC) is its DTSTAMP."""
    link = None if is_over else join_address(booking)
    return Entry(
        uid=booking.ical_uid,
        sequence=booking.ical_sequence,
        stamped_at=stamped_at,
        starts_at=booking.starts_at,
        ends_at=booking.ends_at,
        summary=summary(booking, party),
        description=_description(booking, party, link),
        location="; ".join(filter(None, (booking.location, link))),
        organizer=Person(booking.host.name, booking.organizer_email),
        attendees=_attendees(booking),
        is_cancelled=is_over,
        url=page_of(booking, party),
        link=link,
    )


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
            if zooms := zoom_link(booking):
                lines.append(_("Zoom link: %(link)s", link=zooms))
            if booking.passcode:
                lines.append(_("Passcode: %(passcode)s", passcode=booking.passcode))
        if booking.location:
            lines.append(_("Location: %(place)s", place=_typed(booking.location)))
        if booking.note:
            quoted = "\n".join(f"> {line}" for line in _typed(booking.note).split("\n"))
            lines += [_("Note:"), quoted]
        if page := page_of(booking, party):
            lines.append(
                _("See, move or cancel: %(page)s", page=page)
                if party == "client"
                else _("In CalSync: %(page)s", page=page)
            )
    lines.append(_("Reference: %(reference)s", reference=booking.public_id))
    return "\n".join(lines)


def _typed(text: str) -> str:
    return text.translate(NO_MARKUP)


def _attendees(booking: Booking) -> list[Person]:
    """Each address once: two lines for one confuse every calendar."""
    people = {booking.host.email: booking.host.name}
    people.setdefault(booking.client.email, booking.client.name)
    return [Person(name, email) for email, name in people.items()]
