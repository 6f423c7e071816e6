"""Links and passcodes of bookings that exist are carried into their seals and out of them."""

from datetime import timedelta
from pathlib import Path

import flask_migrate
import pytest
from cryptography.fernet import Fernet
from flask import Flask
from sqlalchemy import select, text

from app.bookings.models import Booking
from app.core.clock import utcnow
from app.db import db
from tests.cast import connect_zoom, make_booking, make_host, make_page, tomorrow
from tests.conventions.test_migrations import fences, fresh_app
from tests.services import sqlite_bytes

__all__ = ["fresh_app"]

LINK, PASSCODE = "https://zoom.example/j/85012345678?pwd=x", "123456"
STORED = text("SELECT join_url, passcode FROM bookings ORDER BY id")


@pytest.fixture
def migrated(fresh_app: Flask) -> Flask:
    """Two bookings with a meeting, one from before and one since its host has connected Zoom; and
    one without."""
    flask_migrate.upgrade()
    host = make_host()
    connect_zoom(host, zoom_user_id="aya-at-zoom", authorized_at=utcnow() - timedelta(hours=1))
    page = make_page(host, auto_zoom=True)
    for hour, age in ((1, timedelta(days=2)), (2, timedelta(0))):
        booking = make_booking(page, tomorrow(hour))
        booking.created_at -= age
        booking.meeting_state, booking.zoom_meeting_id = "ready", 85012345678
        booking.join_url, booking.passcode = LINK, PASSCODE
    make_booking(page, tomorrow(3))
    db.session.commit()
    return fresh_app


def stored() -> list[tuple[str | None, str | None]]:
    rows = [(row[0], row[1]) for row in db.session.execute(STORED)]
    db.session.rollback()
    return rows


def test_up_seals_them_and_down_opens_them(migrated: Flask, engine: str) -> None:
    before = fences(engine)
    flask_migrate.downgrade(revision="0004")
    assert stored() == [(LINK, PASSCODE), (LINK, PASSCODE), (None, None)]
    flask_migrate.upgrade()
    sealed = stored()
    assert sealed[2] == (None, None)
    assert LINK not in str(sealed)
    assert PASSCODE not in str(sealed[:2])
    found = db.session.scalars(select(Booking).order_by(Booking.id)).all()
    assert [(one.join_url, one.passcode) for one in found] == [
        (LINK, PASSCODE),
        (LINK, PASSCODE),
        (None, None),
    ]
    assert fences(engine) == before
    db.session.rollback()
    flask_migrate.check()


def test_whose_meeting_it_is_is_filled_in_where_that_is_certain(migrated: Flask) -> None:
    flask_migrate.downgrade(revision="0004")
    flask_migrate.upgrade()
    owners = db.session.scalars(select(Booking.zoom_host_id).order_by(Booking.id)).all()
    assert owners == [None, "aya-at-zoom", None]


def test_down_leaves_out_what_no_key_opens(migrated: Flask) -> None:
    other = Fernet(Fernet.generate_key()).encrypt(b"elsewhere").decode()
    db.session.execute(text("UPDATE bookings SET join_url = :other"), {"other": other})
    db.session.commit()
    flask_migrate.downgrade(revision="0004")
    assert stored()[0] == (None, PASSCODE)


def test_no_plain_copy_is_left_in_sqlites_file(migrated: Flask, engine: str) -> None:
    if engine != "sqlite":
        pytest.skip("PostgreSQL frees the space in its own time")
    file = Path(str(db.engine.url.database))
    flask_migrate.downgrade(revision="0004")
    db.session.remove()
    db.engine.dispose()
    assert LINK.encode() in sqlite_bytes(file)  # the search sees what is there
    flask_migrate.upgrade()
    db.session.remove()
    db.engine.dispose()  # as when `flask db upgrade` ends
    assert LINK.encode() not in sqlite_bytes(file)
    assert PASSCODE.encode() not in sqlite_bytes(file)
