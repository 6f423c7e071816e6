"""One event as an iCalendar text, so that calendars that differ all take it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from icalendar import Calendar, Event, vCalAddress, vText, vUri

from ..core.text import mailto

PUBLISH = "PUBLISH"
# RFC 5545, 3.2: a parameter's value cannot hold a double quote, and what a backslash means
# there readers do not agree on.
SPEAKABLE = str.maketrans({'"': "'", "\\": "/"})


@dataclass(frozen=True)
class Person:
    """A name with its mail address."""

    name: str
    email: str


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An event. Instants are aware UTC; `stamped_at` is when this text was made (DTSTAMP).

    `url` is its page, `link` the address of the online meeting. Attendees are each named once.
    """

    uid: str
    sequence: int
    stamped_at: datetime
    starts_at: datetime
    ends_at: datetime
    summary: str
    description: str
    location: str
    organizer: Person
    attendees: Sequence[Person]
    is_cancelled: bool = False
    url: str | None = None
    link: str | None = None


class TypedText(vText):
    """A TEXT value as RFC 5545, 3.3.11 writes it. icalendar takes `\\N` in a text for a line break,
    as in `C:\\New plan`."""

    def to_ical(self) -> bytes:
        text = str(self).replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
        return text.replace("\r\n", "\n").replace("\n", "\\n").encode()


def written(entry: Entry, method: str) -> bytes:
    """The entry as a calendar of its own, CRLF, folded at 75 octets.

    `method`: REQUEST and CANCEL are iTIP messages for mails. PUBLISH is a file to download: it
    names no attendees, since nobody is invited by it, but the organizer, without whom Outlook
    hangs.
    """
    calendar = Calendar()
    calendar.add("prodid", "-//CalSync//CalSync//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method)
    calendar.add_component(_event(entry, has_attendees=method != PUBLISH))
    text: bytes = calendar.to_ical()
    return text


def _event(entry: Entry, *, has_attendees: bool) -> Event:
    event = Event()
    event.add("uid", entry.uid)
    event.add("sequence", entry.sequence)
    event.add("dtstamp", entry.stamped_at.replace(microsecond=0))
    event.add("dtstart", entry.starts_at)
    event.add("dtend", entry.ends_at)
    event["summary"] = TypedText(entry.summary)
    event.add("status", "CANCELLED" if entry.is_cancelled else "CONFIRMED")
    event.add("transp", "OPAQUE")
    if entry.location:
        event["location"] = TypedText(entry.location)
    event["description"] = TypedText(entry.description)
    if entry.url:
        event["url"] = vUri(entry.url)
    if entry.link:
        conference = vUri(entry.link)
        conference.params["value"] = "URI"
        conference.params["feature"] = "VIDEO"
        event["conference"] = conference
    event["organizer"] = _address(entry.organizer)
    for person in entry.attendees if has_attendees else ():
        event.add("attendee", _attendee(person), encode=False)
    # Exchange shows a time as busy by these, and offers no other time to somebody who declines.
    event["x-microsoft-cdo-busystatus"] = vText("BUSY")
    event["x-microsoft-cdo-intendedstatus"] = vText("BUSY")
    event["x-microsoft-disallow-counter"] = vText("TRUE")
    return event


def _attendee(person: Person) -> vCalAddress:
    attendee = _address(person)
    attendee.params["cutype"] = vText("INDIVIDUAL")
    attendee.params["role"] = vText("REQ-PARTICIPANT")
    attendee.params["partstat"] = vText("ACCEPTED")
    attendee.params["rsvp"] = vText("FALSE")
    return attendee


def _address(person: Person) -> vCalAddress:
    address = vCalAddress(mailto(person.email))
    address.params["cn"] = vText(person.name.translate(SPEAKABLE))
    return address
