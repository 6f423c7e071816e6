"""Rows that are in no database: a mail is written from what they say alone."""

from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from icalendar import Calendar, Event

from app.accounts.models import User
from app.bookings.attendees import Attendee
from app.bookings.meetings import Meeting
from app.bookings.models import Booking
from app.notifications.messages import compose

CALENDARS = ("text/calendar", "application/ics")
START = datetime(2026, 12, 1, 0, 30, tzinfo=UTC)


def host_row(**columns: Any) -> User:
    values = {"name": "Aya Sato", "email": "aya@example.jp", "locale": "en"} | columns
    return User(id=1, timezone="Asia/Tokyo", **values)


def booking_row(
    *, host: dict[str, Any] | None = None, page: dict[str, Any] | None = None, **columns: Any
) -> Booking:
    """Ken's booking of 1 December 2026, 00:30 UTC, half an hour; `page` is what was agreed. Columns
    named `client_…` are the client's, `join_url`, `passcode` and `meeting_state` the meeting's."""
    start = columns.pop("starts_at", START)
    client = {
        "name": "Ken Yamada", "email": "ken@example.com", "timezone": "Europe/Berlin",
        "locale": "en", "token": "the-clients-token",
    } | {
        name.removeprefix("client_"): columns.pop(name)
        for name in list(columns) if name.startswith("client_")
    }  # fmt: skip
    meeting = {name: columns.pop(name) for name in ("join_url", "passcode") if name in columns}
    state = columns.pop("meeting_state", "ready" if meeting.get("join_url") else None)
    agreed = {"title": "Consultation", "location": "", "timezone": "Asia/Tokyo"} | (page or {})
    values = {
        "public_id": "abcdefghjk",
        "status": "confirmed",
        "note": "",
        "ical_uid": "abcdefghjk@calsync",
        "ical_sequence": 0,
        "organizer_email": "no-reply@calsync.example",
        "join_token": "the-join-token",
    } | columns
    return Booking(
        host_id=1,
        host=host_row(**(host or {})),
        client=Attendee(role="client", **client),
        meeting=Meeting(state=state, **meeting) if state else None,
        starts_at=start,
        ends_at=start + timedelta(minutes=30),
        **agreed,
        **values,
    )


def written(booking: Booking, party: str = "client", occasion: str = "confirmed") -> EmailMessage:
    """The mail as it is on the wire, read by somebody else's eyes."""
    wire = compose(booking, party, occasion).as_bytes()
    parsed = message_from_bytes(wire, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def calendars(mail: EmailMessage) -> list[bytes]:
    """The bytes of every calendar in a mail."""
    parts = [part for part in mail.walk() if part.get_content_type() in CALENDARS]
    return [part.get_payload(decode=True) for part in parts]


def event_in(calendar: bytes) -> Event:
    [event] = Calendar.from_ical(calendar).walk("VEVENT")
    return event


def text_of(mail: EmailMessage, kind: str = "plain") -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")
