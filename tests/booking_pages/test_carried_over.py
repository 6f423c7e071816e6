"""Pages and time off of before the migration to versions and kept addresses."""

from collections.abc import Iterator
from pathlib import Path

import flask_migrate
import pytest
from flask import Flask
from sqlalchemy import text

from app import create_app
from app.core.config import load_settings
from app.db import db
from tests.conftest import test_environment
from tests.support.services import create_database

FENCES = {
    "sqlite": "SELECT count(*) FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT count(*) FROM pg_constraint WHERE contype = 'x'",
}
HOST = (
    "INSERT INTO users (id, email, password_hash, name, locale, timezone, is_admin, created_at)"
    " VALUES (1, 'aya@example.jp', 'x', 'Aya', 'en', 'UTC', false, '2026-01-01 00:00:00.000000')"
)
PAGE = (
    "INSERT INTO booking_pages (id, user_id, slug, title, description, location, duration,"
    " buffer_before, buffer_after, notice, timezone, auto_zoom, is_live, created_at)"
    " VALUES ({id}, 1, '{slug}', 'Talk', '', '', 30, 0, 0, 0, 'UTC', false, true,"
    " '2026-01-01 00:00:00.000000')"
)
BOOKING = (
    "INSERT INTO bookings (id, public_id, token_hash, token, page_id, host_id, starts_at, ends_at,"
    " blocked_from, blocked_until, status, client_name, client_email, client_timezone,"
    " client_locale, note, ical_uid, ical_sequence, meeting_state, idempotency_key, created_at)"
    " VALUES (1, 'p', 'h', 't', 1, 1, '2026-12-01 01:00:00.000000', '2026-12-01 01:30:00.000000',"
    " '2026-12-01 01:00:00.000000', '2026-12-01 01:30:00.000000', 'confirmed', 'Ken', 'k@example',"
    " 'UTC', 'en', '', 'u', 0, 'none', 'key', '2026-01-01 00:00:00.000000')"
)
ABSENCE = (
    "INSERT INTO time_off (id, host_id, starts_at, ends_at, label) VALUES ({id}, 1,"
    " '2026-12-24 00:00:00.000000', '2026-12-{until} 00:00:00.000000', '{label}')"
)


@pytest.fixture
def fresh_app(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Flask]:
    """An app whose database is at the migration before."""
    more = {}
    if engine == "postgresql":
        server = request.getfixturevalue("postgres")
        more["DATABASE_URL"] = create_database(server, f"carried_{tmp_path.name[-40:]}")
    app = create_app(load_settings(test_environment(tmp_path, **more)))
    with app.app_context():
        flask_migrate.upgrade(revision="0003")
        yield app
        db.session.remove()
        db.engine.dispose()


def run(*statements: str) -> None:
    with db.engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def rows(statement: str) -> list[tuple[object, ...]]:
    with db.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(statement))]


@pytest.mark.usefixtures("fresh_app")
def test_pages_bookings_and_time_off_are_carried_over_up_and_down(engine: str) -> None:
    run(HOST, PAGE.format(id=1, slug="first"), PAGE.format(id=2, slug="second"), BOOKING)
    run(*(ABSENCE.format(id=number, until=until, label=label)
          for number, until, label in ((1, 25, ""), (2, 25, "Trip"), (3, 26, ""))))  # fmt: skip
    fences = rows(FENCES[engine])
    flask_migrate.upgrade(revision="0004")
    assert rows("SELECT id, version, form_key FROM booking_pages ORDER BY id") == [
        (1, 1, None),
        (2, 1, None),
    ]
    assert rows("SELECT page_id, slug FROM page_addresses ORDER BY page_id") == [
        (1, "first"),
        (2, "second"),
    ]
    assert rows("SELECT id, label FROM time_off ORDER BY id") == [(1, "Trip"), (3, "")]
    assert rows("SELECT id, page_id FROM bookings") == [(1, 1)]
    assert rows(FENCES[engine]) == fences
    flask_migrate.downgrade(revision="0003")
    assert rows("SELECT id, slug FROM booking_pages ORDER BY id") == [(1, "first"), (2, "second")]
    assert rows("SELECT id, page_id FROM bookings") == [(1, 1)]
    assert rows(FENCES[engine]) == fences
    flask_migrate.upgrade(revision="0004")
    assert len(rows("SELECT 1 FROM page_addresses")) == 2
