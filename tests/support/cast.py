"""Factories: each makes something real, through the services, with what the test does not care about."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import count
from typing import Any

from flask import Flask

from app.accounts import service as accounts
from app.accounts.models import Credential, User
from app.booking_pages import service as pages
from app.booking_pages.models import BookingPage
from app.bookings import service as bookings
from app.bookings.meetings import Meeting
from app.bookings.models import Booking
from app.core.clock import utcnow
from app.db import db
from app.zoom.models import ZoomConnection
from tests.support.visitor import InProcess, Visitor

PASSWORD = "correct horse battery"
ROUND_THE_CLOCK = [(weekday, 0, 1440) for weekday in range(7)]
_numbers = count(1)


@lru_cache(maxsize=1)
def _password_hash() -> str:
    """Made once: argon2id is slow on purpose."""
    return accounts.hash_password(PASSWORD)


def make_host(name: str = "Aya Sato", email: str | None = None, **more: Any) -> User:
    """A host in Tokyo who reads English, with the row that a sign-up makes."""
    values = {
        "email": email or f"{name.split(maxsplit=1)[0].lower()}@example.jp",
        "name": name,
        "locale": "en",
        "timezone": "Asia/Tokyo",
    } | more
    secret = values.pop("password_hash", None) or _password_hash()
    user = User(credentials=[Credential(kind="password", secret=secret)], **values)
    db.session.add(user)
    db.session.commit()
    return user


def visit_as(app: Flask, host: User, headers: dict[str, str] | None = None) -> Visitor:
    """The host at a browser that is signed in already."""
    transport = InProcess(app, headers)
    token = accounts.begin_session(host, "a test's browser")
    with transport.client.session_transaction(base_url="http://127.0.0.1") as session:
        session["_user_id"] = token
        session["_fresh"] = True
    return Visitor(transport)


def make_page(host: User, **columns: Any) -> BookingPage:
    """A live page: 30 minutes, round the clock, no notice, no Zoom, no reminders."""
    hours = columns.pop("hours", ROUND_THE_CLOCK)
    overrides = columns.pop("overrides", [])
    reminders = columns.pop("reminders", ())
    values = {
        "title": "Consultation",
        "slug": f"consultation-{next(_numbers)}",
        "duration": 30,
        "buffer_before": 0,
        "buffer_after": 0,
        "notice": 0,
        "horizon_days": 60,
        "timezone": host.timezone,
        "auto_zoom": False,
    } | columns
    return pages.create_page(host, pages.Draft(values, hours, overrides, reminders))


def make_client(**more: str) -> bookings.Client:
    """Ken, who books from Berlin in English."""
    values = {
        "name": "Ken Yamada",
        "email": "ken@example.com",
        "note": "",
        "timezone": "Europe/Berlin",
        "locale": "en",
    } | more
    return bookings.Client(**values)


def tomorrow(hour: int = 1, minute: int = 0) -> datetime:
    """A full minute of tomorrow, aware UTC."""
    day = utcnow().astimezone(UTC) + timedelta(days=1)
    return day.replace(hour=hour, minute=minute, second=0, microsecond=0)


def make_booking(
    page: BookingPage, start: datetime | None = None, key: str | None = None, **client: str
) -> Booking:
    """A confirmed booking of tomorrow, 01:00 UTC, unless said otherwise."""
    return bookings.book(
        page, start or tomorrow(), make_client(**client), key or f"key-{next(_numbers)}"
    )


def give_meeting(booking: Booking, state: str = "ready", **columns: Any) -> Booking:
    """The booking's meeting is this one; commits."""
    if booking.meeting is None:
        booking.meeting = Meeting(provider="zoom", state=state)
    for name, value in ({"state": state, "external_id": 85012345678} | columns).items():
        setattr(booking.meeting, name, value)
    db.session.commit()
    return booking


def move_back(booking: Booking, length: timedelta) -> None:
    """Let a booking have been that much earlier, which no rule of its page would allow."""
    parts = [(booking, ("starts_at", "ends_at")), (booking.hold, ("blocked_from", "blocked_until"))]
    for row, names in parts:
        for name in names if row else ():
            setattr(row, name, getattr(row, name) - length)
    db.session.commit()


def connect_zoom(host: User, **columns: Any) -> ZoomConnection:
    """A connection with a fresh token and the two documented scopes."""
    values = {
        "access_token": "access-1",
        "refresh_token": "refresh-1",
        "expires_at": utcnow() + timedelta(hours=1),
        "lifetime": 3599,
        "scopes": "meeting:read:meeting meeting:write:meeting",
        "status": "active",
        "authorized_at": utcnow(),
    } | columns
    connection = ZoomConnection(user_id=host.id, **values)
    db.session.add(connection)
    db.session.commit()
    return connection
