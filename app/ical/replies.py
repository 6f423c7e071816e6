"""Reading what calendars answer to an invitation (RFC 5546, 3.2.3): text of strangers, so it is read line
by line, a bounded number of characters, and nothing in it is believed but a handful of properties.

A whole parser would read time zones, rules and dates as well, of which a reply needs none.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from icalendar.parser import Contentline, Contentlines

from ..core.text import fold_address

REPLY = "REPLY"
LONGEST = 64 * 1024  # characters; calendars write one to five thousand
MOST_EVENTS = 5
# What is looked at, by the component that it stands in.
CALENDAR, EVENT = "VCALENDAR", "VEVENT"
WANTED = {CALENDAR: {"METHOD"}, EVENT: {"UID", "SEQUENCE", "DTSTAMP", "ATTENDEE"}}
NAME = re.compile(r"[A-Za-z-]{1,20}")
STAMP = re.compile(r"\d{8}T\d{6}Z")
SEQUENCE = re.compile(r"\d{1,9}")


@dataclass(frozen=True)
class Reply:
    """One attendee's answer to one event. `attendee` is a folded address, `partstat` in capitals,
    `stamped_at` (aware UTC) when their calendar wrote it; None where it does not say."""

    uid: str
    sequence: int
    attendee: str
    partstat: str
    stamped_at: datetime | None


def replies_in(text: str, method: str = "") -> list[Reply]:
    """The replies that a calendar's text holds; none where it is something else, or cannot be read.

    `method` is what the mail says of it; where both name one, both must be REPLY (RFC 6047, 2.4).
    """
    if len(text) > LONGEST:
        return []
    said = [method.upper()] if method else []
    events: list[dict[str, list[tuple[str, str]]]] = []
    for component, name, partstat, value in _properties(text):
        if name == "METHOD":
            said.append(value.strip().upper())
        elif name == "BEGIN":
            events.append({})
        elif component == EVENT:
            events[-1].setdefault(name, []).append((partstat, value))
    if set(said) != {REPLY}:
        return []
    return [reply for event in events[:MOST_EVENTS] if (reply := _reply(event))]


def _properties(text: str) -> Iterator[tuple[str, str, str, str]]:
    """Component, name, PARTSTAT and value of each line that matters; BEGIN for each event."""
    within: list[str] = []
    for line in _lines(text):
        found = NAME.match(line)
        name = found[0].upper() if found else ""
        if name == "BEGIN":
            within.append(line[6:].strip().upper())
            if within[-1] == EVENT:
                yield EVENT, name, "", ""
        elif name == "END":
            del within[-1:]
        elif within and name in WANTED.get(within[-1], ()):
            with suppress(ValueError):
                _name, parameters, value = line.raw_parts()
                yield within[-1], name, str(parameters.get("PARTSTAT", "")), str(value)


def _lines(text: str) -> list[Contentline]:
    try:
        return list(Contentlines.from_ical(text))  # type: ignore[no-untyped-call]
    except ValueError:
        return []


def _reply(event: dict[str, list[tuple[str, str]]]) -> Reply | None:
    """A reply is one person's: with none or several of them it is no answer of anybody's."""
    people, [(_, uid), *_] = event.get("ATTENDEE", []), event.get("UID", [("", "")])
    if len(people) != 1 or not uid.strip():
        return None
    [(partstat, address)] = people
    _, sequence = event.get("SEQUENCE", [("", "0")])[0]
    _, stamp = event.get("DTSTAMP", [("", "")])[0]
    return Reply(
        uid=uid.strip(),
        sequence=int(sequence) if SEQUENCE.fullmatch(sequence.strip()) else 0,
        attendee=fold_address(address),
        partstat=partstat.strip().upper(),
        stamped_at=_instant(stamp.strip()),
    )


def _instant(stamp: str) -> datetime | None:
    with suppress(ValueError):
        if STAMP.fullmatch(stamp):
            return datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return None
