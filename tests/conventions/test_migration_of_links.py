"""Links and passcodes of bookings that exist are carried into their seals and out of them."""

from pathlib import Path

import flask_migrate
import pytest
from cryptography.fernet import Fernet
from flask import Flask
from sqlalchemy import text

from app.core.crypto import decrypt
from app.db import db
from tests.conventions.test_migrations import fences, fresh_app
from tests.support.services import sqlite_bytes

__all__ = ["fresh_app"]

LINK, PASSCODE = "https://zoom.example/j/85012345678?pwd=x", "123456"
STORED = text("SELECT join_url, passcode FROM bookings ORDER BY id")
HOST = """
INSERT INTO users (id, email, password_hash, name, locale, timezone, is_admin, created_at)
VALUES (1, 'aya@example.jp', 'x', 'Aya', 'en', 'UTC', false, '2026-01-01 00:00:00.000000')
"""
PAGE = """
INSERT INTO booking_pages (id, user_id, slug, title, description, location, duration,
    buffer_before, buffer_after, notice, timezone, auto_zoom, is_live, created_at)
VALUES (1, 1, 'talk', 'Talk', '', '', 30, 0, 0, 0, 'UTC', true, true, '2026-01-01 00:00:00.000000')
"""
CONNECTION = """
INSERT INTO zoom_connections (id, user_id, zoom_user_id, expires_at, lifetime, scopes, status,
    authorized_at)
VALUES (1, 1, 'aya-at-zoom', '2026-11-01 00:00:00.000000', 3599, '', 'active',
    '2026-10-10 00:00:00.000000')
"""
BOOKING = """
INSERT INTO bookings (id, public_id, token_hash, token, page_id, host_id, starts_at, ends_at,
    blocked_from, blocked_until, status, client_name, client_email, client_timezone, client_locale,
    note, ical_uid, ical_sequence, meeting_state, zoom_meeting_id, join_url, passcode,
    idempotency_key, created_at)
VALUES (:id, :name, :name, 't', 1, 1, :starts_at, :ends_at, :starts_at, :ends_at, 'confirmed', 'Ken',
    'k@example', 'UTC', 'en', '', :name, 0, :state, :meeting, :link, :passcode, :name, :created_at)
"""


def booking(number: int, created: str, *, has_meeting: bool) -> dict[str, object]:
    at = f"2026-12-0{number} 0{{}}:00:00.000000"
    return {
        "id": number, "name": f"booking {number}", "created_at": f"{created} 00:00:00.000000",
        "starts_at": at.format(1), "ends_at": at.format(2),
        "state": "ready" if has_meeting else "wanted",
        "meeting": 85012345678 if has_meeting else None,
        "link": LINK if has_meeting else None, "passcode": PASSCODE if has_meeting else None,
    }  # fmt: skip


@pytest.fixture
def before(fresh_app: Flask) -> Flask:
    """Two bookings with a meeting, one from before and one since its host has connected Zoom; and
    one without."""
    flask_migrate.upgrade(revision="0004")
    with db.engine.begin() as connection:
        for statement in (HOST, PAGE, CONNECTION):
            connection.execute(text(statement))
        connection.execute(
            text(BOOKING),
            [
                booking(1, "2026-10-01", has_meeting=True),
                booking(2, "2026-10-20", has_meeting=True),
                booking(3, "2026-10-20", has_meeting=False),
            ],
        )
    return fresh_app


def stored() -> list[tuple[str | None, str | None]]:
    rows = [(row[0], row[1]) for row in db.session.execute(STORED)]
    db.session.rollback()
    return rows


def test_up_seals_them_and_down_opens_them(before: Flask, engine: str) -> None:
    fenced, plain = fences(engine), stored()
    flask_migrate.upgrade(revision="0005")
    sealed = stored()
    assert sealed[2] == (None, None)
    assert LINK not in str(sealed)
    assert PASSCODE not in str(sealed[:2])
    assert [decrypt(value or "") for row in sealed[:2] for value in row] == [LINK, PASSCODE] * 2
    assert fences(engine) == fenced
    flask_migrate.downgrade(revision="0004")
    assert stored() == plain == [(LINK, PASSCODE), (LINK, PASSCODE), (None, None)]


def test_whose_meeting_it_is_is_filled_in_where_that_is_certain(before: Flask) -> None:
    flask_migrate.upgrade(revision="0005")
    owners = db.session.scalars(text("SELECT zoom_host_id FROM bookings ORDER BY id")).all()
    db.session.rollback()
    assert owners == [None, "aya-at-zoom", None]


def test_down_leaves_out_what_no_key_opens(before: Flask) -> None:
    flask_migrate.upgrade(revision="0005")
    other = Fernet(Fernet.generate_key()).encrypt(b"elsewhere").decode()
    db.session.execute(text("UPDATE bookings SET join_url = :other"), {"other": other})
    db.session.commit()
    flask_migrate.downgrade(revision="0004")
    assert stored()[0] == (None, PASSCODE)


def test_no_plain_copy_is_left_in_sqlites_file(before: Flask, engine: str) -> None:
    if engine != "sqlite":
        pytest.skip("PostgreSQL frees the space in its own time")
    file = Path(str(db.engine.url.database))
    db.session.remove()
    db.engine.dispose()
    assert LINK.encode() in sqlite_bytes(file)  # the search sees what is there
    flask_migrate.upgrade()
    db.session.remove()
    db.engine.dispose()  # as when `flask db upgrade` ends
    assert LINK.encode() not in sqlite_bytes(file)
    assert PASSCODE.encode() not in sqlite_bytes(file)
