"""Mails as they came in, and what can be read out of them."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from icalendar import Calendar

from sandbox.clock import iso, now
from sandbox.store import Store


@dataclass(frozen=True)
class CalendarPart:
    """A calendar in a mail; `body` is the decoded text as sent, `filename` "" for one inline."""

    method: str
    body: str
    filename: str


@dataclass(frozen=True)
class Mail:
    """One received mail. `to` is the envelope's recipients, so it shows Bcc too."""

    id: int
    received_at: float
    to: list[str]
    envelope_from: str
    raw: bytes
    message: EmailMessage = field(repr=False)

    @property
    def sender(self) -> str:
        return str(self.message.get("From", self.envelope_from))

    @property
    def subject(self) -> str:
        return str(self.message.get("Subject", ""))

    @property
    def headers(self) -> dict[str, str]:
        """By name as written, decoded; a repeated header is joined by line breaks."""
        found: dict[str, str] = {}
        for name, value in self.message.items():
            found[name] = f"{found[name]}\n{value}" if name in found else str(value)
        return found

    @property
    def text(self) -> str:
        return _body(self.message, "plain")

    @property
    def html(self) -> str:
        return _body(self.message, "html")

    @property
    def calendars(self) -> list[CalendarPart]:
        return [
            CalendarPart(_method(part), _decoded(part), part.get_filename() or "")
            for part in self.message.walk()
            if part.get_content_type() == "text/calendar"
            or (part.get_filename() or "").lower().endswith(".ics")
        ]


def keep(store: Store, sender: str, recipients: list[str], raw: bytes) -> int:
    """Put a mail into the box and return its id. Commits."""
    with store.writing() as db:
        made = db.execute(
            "INSERT INTO mails (received_at, sender, raw) VALUES (?, ?, ?)",
            (now(), sender, raw),
        )
        db.executemany(
            "INSERT OR IGNORE INTO mail_recipients VALUES (?, ?)",
            [(made.lastrowid, address) for address in recipients],
        )
    return made.lastrowid or 0


def newest(store: Store, to: str = "", limit: int = 500) -> list[Mail]:
    """Mails, newest first; `to` keeps those of one envelope recipient, upper and lower alike."""
    rows = store.rows(
        "SELECT * FROM mails WHERE ? = '' OR id IN (SELECT mail_id FROM mail_recipients"
        " WHERE lower(address) = lower(?)) ORDER BY id DESC LIMIT ?",
        to,
        to,
        limit,
    )
    return [_read(store, row) for row in rows]


def find(store: Store, mail_id: int) -> Mail | None:
    row = store.row("SELECT * FROM mails WHERE id = ?", mail_id)
    return _read(store, row) if row else None


def empty(store: Store) -> None:
    """Commits."""
    with store.writing() as db:
        db.execute("DELETE FROM mails")


def as_json(mail: Mail) -> dict[str, Any]:
    return {
        "id": mail.id,
        "to": ", ".join(mail.to),
        "from": mail.sender,
        "subject": mail.subject,
        "received_at": iso(mail.received_at, "milliseconds"),
        "text": mail.text,
        "html": mail.html,
        "calendars": [
            {"method": part.method, "body": part.body, "filename": part.filename}
            for part in mail.calendars
        ],
        "headers": mail.headers,
    }


def summary(part: CalendarPart) -> list[tuple[str, str]]:
    """What an invitation says, as labels and values; one line of complaint if it is broken."""
    try:
        calendar = Calendar.from_ical(part.body)
        events = calendar.walk("VEVENT")
        found = [("Method", str(calendar.get("METHOD", "none")))]
        for event in events:
            found += [(label, _shown(event.get(name))) for label, name in EVENT_LINES]
        return [(label, value) for label, value in found if value]
    except (ValueError, AttributeError, TypeError) as error:
        return [("Unreadable", str(error))]


EVENT_LINES = (
    ("What", "SUMMARY"),
    ("Starts", "DTSTART"),
    ("Ends", "DTEND"),
    ("Where", "LOCATION"),
    ("Status", "STATUS"),
    ("Organizer", "ORGANIZER"),
    ("Attendee", "ATTENDEE"),
    ("UID", "UID"),
    ("Sequence", "SEQUENCE"),
)


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(_shown(one) for one in value)
    moment = getattr(value, "dt", None)
    if isinstance(moment, datetime):
        return moment.strftime("%Y-%m-%d %H:%M %Z").strip()
    return str(value if moment is None else moment).removeprefix("mailto:")


def _read(store: Store, row: sqlite3.Row) -> Mail:
    recipients = store.rows(
        "SELECT address FROM mail_recipients WHERE mail_id = ? ORDER BY rowid",
        row["id"],
    )
    return Mail(
        id=row["id"],
        received_at=row["received_at"],
        to=[one["address"] for one in recipients],
        envelope_from=row["sender"],
        raw=row["raw"],
        message=message_from_bytes(row["raw"], policy=policy.default),
    )


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body(preferencelist=(kind,))
    return _decoded(part).replace("\r\n", "\n") if part is not None else ""


def _decoded(part: Any) -> str:
    """The text with its line ends as sent; get_content would repair what a test must see."""
    octets = part.get_payload(decode=True) or b""
    try:
        return str(octets.decode(part.get_content_charset("utf-8"), errors="replace"))
    except LookupError:
        return str(octets.decode("utf-8", errors="replace"))


def _method(part: Any) -> str:
    """The method parameter of the part, or else the METHOD line of the calendar itself."""
    named = part.get_param("method")
    if isinstance(named, str):
        return named.upper()
    for line in _decoded(part).splitlines():
        if line.upper().startswith("METHOD:"):
            return line[len("METHOD:") :].strip().upper()
    return ""
