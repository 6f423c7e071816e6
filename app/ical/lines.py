"""Events of a feed, written line by line.

icalendar makes objects of each property; a feed of thousands of events would take seconds. The text is
the same to the byte, which tests compare on whatever people may type.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from ..core.text import mailto
from .writing import SPEAKABLE, Entry

LONGEST = 75  # octets of a line (RFC 5545, 3.1)
NEEDS_QUOTES = frozenset(",;: '’")
BEGINS_AN_ESCAPE = b"\\^"  # which some readers do not find across a fold
BEFORE = (
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    "PRODID:-//CalSync//CalSync//EN",
    "CALSCALE:GREGORIAN",
)


def feed(name: str, events: Iterable[bytes], hours: int) -> bytes:
    """A calendar to subscribe to, of events that `event` has written: no METHOD, since nobody is told
    or asked anything. `hours`: how often readers are asked to look again."""
    head = [
        *BEFORE,
        f"X-WR-CALNAME:{_text(name)}",
        f"REFRESH-INTERVAL;VALUE=DURATION:PT{hours}H",
        f"X-PUBLISHED-TTL:PT{hours}H",
    ]
    return b"".join([*map(_folded, head), *events, b"END:VCALENDAR\r\n"])


def event(entry: Entry) -> bytes:
    """An event without attendees, as `written` puts it into a calendar to download."""
    lines = [
        "BEGIN:VEVENT",
        f"SUMMARY:{_text(entry.summary)}",
        f"DTSTART:{_instant(entry.starts_at)}",
        f"DTEND:{_instant(entry.ends_at)}",
        f"DTSTAMP:{_instant(entry.stamped_at)}",
        f"UID:{_text(entry.uid)}",
        f"SEQUENCE:{entry.sequence}",
        *([f"CONFERENCE;FEATURE=VIDEO;VALUE=URI:{entry.link}"] if entry.link else []),
        f"DESCRIPTION:{_text(entry.description)}",
        *([f"LOCATION:{_text(entry.location)}"] if entry.location else []),
        f"ORGANIZER;CN={_parameter(entry.organizer.name)}:{mailto(entry.organizer.email)}",
        f"STATUS:{'CANCELLED' if entry.is_cancelled else 'CONFIRMED'}",
        "TRANSP:OPAQUE",
        *([f"URL:{entry.url}"] if entry.url else []),
        "X-MICROSOFT-CDO-BUSYSTATUS:BUSY",
        "X-MICROSOFT-CDO-INTENDEDSTATUS:BUSY",
        "X-MICROSOFT-DISALLOW-COUNTER:TRUE",
        "END:VEVENT",
    ]
    return b"".join(map(_folded, lines))


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return escaped.replace("\r\n", "\n").replace("\n", "\\n")


def _parameter(value: str) -> str:
    plain = value.translate(SPEAKABLE).replace("^", "^^")  # RFC 6868
    return f'"{plain}"' if NEEDS_QUOTES.intersection(plain) else plain


def _instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _folded(line: str) -> bytes:
    octets = line.encode()
    if len(octets) < LONGEST:
        return octets + b"\r\n"
    kept: list[bytes] = []
    begin = 0
    while len(octets) - begin >= LONGEST:
        end = begin + LONGEST - 1  # a space begins the following line
        while octets[end] & 0xC0 == 0x80:  # within a character
            end -= 1
        if octets[end - 1] in BEGINS_AN_ESCAPE:
            end -= 1
        kept.append(octets[begin:end])
        begin = end
    kept.append(octets[begin:])
    return b"\r\n ".join(kept) + b"\r\n"
