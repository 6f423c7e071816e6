"""What the page and the server are measured on: both databases, and a host with a full calendar."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import flask_migrate
from flask import Flask
from sqlalchemy import insert

from app import create_app
from app.booking_pages.models import BookingPage
from app.bookings.attendees import Attendee
from app.bookings.models import Booking, Hold
from app.core.clock import utcnow
from app.core.config import load_settings
from app.db import db
from tests.conftest import test_environment
from tests.support.cast import make_host, make_page
from tests.support.services import create_database, running_postgres, running_valkey

ZONE = ZoneInfo("Asia/Tokyo")
HOURS = [(day, opens, closes) for day in range(5) for opens, closes in ((540, 720), (780, 1020))]
BOOKINGS, IN_THE_MONTH = 10_000, 200
QUARTER = timedelta(minutes=15)
BUFFER, LENGTH = timedelta(minutes=10), timedelta(minutes=30)


@dataclass(frozen=True)
class Stage:
    """One app with its tables, and the environment that starts another on the same database."""

    database: str
    app: Flask
    environment: dict[str, str]


@contextmanager
def stages() -> Iterator[list[Stage]]:
    """CalSync on SQLite and on a PostgreSQL of its own, each with the two pages that
    `address_of` names."""
    with (
        tempfile.TemporaryDirectory(prefix="calsync-bench-") as name,
        running_postgres(Path(name, "postgres")) as server,
        running_valkey(Path(name)) as redis_url,
    ):
        urls = {
            "sqlite": f"sqlite:///{name}/calsync.db",
            "postgresql": create_database(server, "calsync_bench"),
        }
        found = [stage_on(database, url, Path(name), redis_url) for database, url in urls.items()]
        try:
            yield found
        finally:
            for stage in found:
                with stage.app.app_context():
                    db.engine.dispose()


def stage_on(
    database: str, url: str, folder: Path, redis_url: str = "", bookings: int = BOOKINGS
) -> Stage:
    """An app on an empty database, migrated, with a busy page and an idle one."""
    environment = test_environment(
        folder / f"instance-{database}",
        DATABASE_URL=url,
        REDIS_URL=redis_url or f"unix://{folder}/nobody-listens.sock",
    )
    app = create_app(load_settings(environment))
    with app.app_context():
        flask_migrate.upgrade()
        add_page("idle")
        fill(add_page("busy"), bookings)
    return Stage(database, app, environment)


def add_page(slug: str) -> BookingPage:
    """Monday to Friday 9–12 and 13–17 in Tokyo: 30 minutes every 15, buffers 10 and 10, 4 h notice."""
    return make_page(
        make_host(email=f"{slug}@example.jp"),
        slug=slug,
        hours=HOURS,
        increment=15,
        buffer_before=10,
        buffer_after=10,
        notice=240,
        horizon_days=90,
    )


def fill(page: BookingPage, count: int) -> None:
    """Give the host `count` bookings: the last 200 evenly over the asked month, day and night,
    the others before it, one every two hours."""
    begins, ends = month_begins(), next_month(month_begins())
    in_the_month = min(count, IN_THE_MONTH)
    apart = (ends - begins) / IN_THE_MONTH // QUARTER * QUARTER
    starts = [begins + number * apart for number in range(in_the_month)]
    starts += [
        begins - timedelta(days=1) - number * timedelta(hours=2)
        for number in range(count - in_the_month)
    ]
    rows = [row_of(page, number, start) for number, start in enumerate(starts)]
    if not rows:
        return
    ids = db.session.scalars(
        insert(Booking).returning(Booking.id, sort_by_parameter_order=True), rows
    ).all()
    db.session.execute(
        insert(Attendee), [client_of(booking_id, n) for n, booking_id in enumerate(ids)]
    )
    db.session.execute(
        insert(Hold),
        [
            {
                "booking_id": booking_id,
                "host_id": page.user_id,
                "blocked_from": start - BUFFER,
                "blocked_until": start + LENGTH + BUFFER,
            }
            for booking_id, start in zip(ids, starts, strict=True)
        ],
    )
    db.session.commit()


def client_of(booking_id: int, number: int) -> dict[str, object]:
    return {
        "booking_id": booking_id,
        "role": "client",
        "name": "Ken Yamada",
        "email": "ken@example.com",
        "timezone": "Europe/Berlin",
        "locale": "en",
        "token_hash": f"bench{number}",
        "token": "a token",
    }


def row_of(page: BookingPage, number: int, start: datetime) -> dict[str, object]:
    return {
        "public_id": f"bench{number}",
        "page_id": page.id,
        "host_id": page.user_id,
        "title": page.title,
        "location": page.location,
        "timezone": page.timezone,
        "duration": page.duration,
        "page_version": page.version,
        "organizer_email": "no-reply@calsync.example",
        "starts_at": start,
        "ends_at": start + LENGTH,
        "status": "confirmed",
        "note": "",
        "ical_uid": f"bench{number}@calsync.example",
        "ical_sequence": 0,
        "idempotency_key": f"bench{number}",
        "created_at": start - timedelta(days=30),
    }


def address_of(slug: str) -> str:
    """The public page at the asked month, with the times of a weekday in its second week."""
    day = month_begins().date() + timedelta(days=7)
    while day.weekday() > 4:
        day += timedelta(days=1)
    return f"/b/{slug}?month={day:%Y-%m}&date={day}"


def month_begins() -> datetime:
    """The asked month is the next one in Tokyo: no notice or past hour thins it out."""
    return next_month(utcnow().astimezone(ZONE))


def next_month(at: datetime) -> datetime:
    day = (date(at.year, at.month, 1) + timedelta(days=32)).replace(day=1)
    return datetime(day.year, day.month, 1, tzinfo=ZONE)
