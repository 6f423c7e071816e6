"""A database of the release before holds, attendees and meetings migrates, and its pages show the same.

`before/rows.json` are that release's rows, `before/pages.json` what it showed of them at NOW: each
page's status, text and links, as its host or as anybody.
"""

import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import flask_migrate
import pytest
import time_machine
from flask import Flask
from sqlalchemy import Boolean, DateTime, MetaData, func, insert, select, text

from app import create_app
from app.accounts.models import User
from app.accounts.service import authenticate
from app.booking_pages.models import BookingPage
from app.bookings.models import Booking, Hold, Status
from app.core.config import load_settings
from app.core.crypto import fingerprint
from app.db import db
from app.outbox import Task
from tests.conftest import test_environment
from tests.support.cast import PASSWORD, visit_as
from tests.support.services import create_database
from tests.support.visitor import InProcess, Page, Visitor

FOLDER = Path(__file__).parent / "before"
NOW = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
KEY = urlsafe_b64encode(b"thirty-two bytes for tests only!").decode()
LAST_BEFORE = "0007"
TYPED = ("title", "name", "email", "location", "note", "description", "public_id", "slug", "label")
INSTEAD = {"/b/talk", "/b/plain"}  # a booking that is over leads to its own picker by now
LISTS = {"/dashboard", "/dashboard/bookings"}  # they tell each time in the host's zone alone
NUMBERS = re.compile(r"[0-9]{1,2}:[0-9]{2}|[0-9]+年[0-9]+月[0-9]+日|[0-9]{1,2} (?:Nov|Dec)[a-z]*")


def load(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    return found


def fill() -> None:
    """The rows as the release before has left them, in the schema that it had."""
    schema = MetaData()
    schema.reflect(db.engine)
    with db.engine.begin() as connection:
        for name, rows in load("rows.json").items():
            table = schema.tables[name]
            connection.execute(insert(table), [in_types_of(table, row) for row in rows])
            if db.engine.dialect.name == "postgresql":
                sequence = f"pg_get_serial_sequence('{name}', 'id')"
                connection.execute(text(f"SELECT setval({sequence}, {len(rows) + 100})"))


def in_types_of(table: Any, row: dict[str, Any]) -> dict[str, Any]:
    def typed(name: str, value: Any) -> Any:
        kind = table.c[name].type
        if value is not None and isinstance(kind, DateTime):
            at = datetime.fromisoformat(value).replace(tzinfo=UTC)
            return at if kind.timezone else at.replace(tzinfo=None)
        return bool(value) if isinstance(kind, Boolean) else value

    return {name: typed(name, value) for name, value in row.items()}


@pytest.fixture
def carried(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Flask]:
    """The app on the migrated database, at the moment when its pages were read before."""
    more = {"TOKEN_ENCRYPTION_KEYS": KEY}
    if engine == "postgresql":
        server = request.getfixturevalue("postgres")
        more["DATABASE_URL"] = create_database(server, f"parts_{tmp_path.name[-40:]}")
    app = create_app(load_settings(test_environment(tmp_path, **more)))
    app.testing = True
    with time_machine.travel(NOW, tick=False), app.app_context():
        flask_migrate.upgrade(revision=LAST_BEFORE)
        fill()
        flask_migrate.upgrade()
        yield app
        db.session.remove()
        db.engine.dispose()


def facts_in(text: str, typed: set[str]) -> set[str]:
    """What a page tells of its rows: what people typed, times, days and numbers. Its own words may be
    others by now."""
    return {words for words in typed if words in text} | set(NUMBERS.findall(text))


def what_people_typed() -> set[str]:
    return {
        row[name]
        for rows in load("rows.json").values()
        for row in rows
        for name in TYPED
        if row.get(name)
    }


def links_of(page: Page) -> set[str]:
    tags = page.soup.select("main a[href], main form[action]")
    return {str(tag.get("href") or tag.get("action")) for tag in tags}


def test_every_page_tells_what_it_told_before(carried: Flask) -> None:
    hosts = {host.email: host for host in db.session.scalars(select(User))}
    browsers = {"": Visitor(InProcess(carried))} | {
        email: visit_as(carried, host) for email, host in hosts.items()
    }
    pages, typed = load("pages.json"), what_people_typed()
    assert len(pages) > 50
    told = 0
    for name, before in pages.items():
        page = browsers[before["as"]].get(name.removeprefix(f"{before['as']} "))
        text = page.text if "<html" in page.answer.text else page.answer.text
        facts = facts_in(before["text"], typed)
        is_list = page.path in LISTS
        facts = facts & typed if is_list else facts
        told += len(facts)
        assert page.status == before["status"], name
        assert facts <= facts_in(text, typed), name
        # Calendars' addresses hold the booking's text, which may say more by now.
        before_links = {
            link
            for link in set(before["links"]) - INSTEAD
            if "/calendar/" not in link and not (is_list and "?" in link)
        }
        links = links_of(page)
        assert not [link for link in before_links if link not in links and link not in text], name
    assert told > 300


def test_every_live_booking_has_its_hold_and_no_other_booking_has_one(carried: Flask) -> None:
    live = db.session.scalars(select(Booking).where(Booking.status != Status.CANCELLED)).all()
    assert len(live) == 6
    for booking in live:
        assert booking.hold is not None
        assert booking.hold.blocked_from <= booking.starts_at < booking.ends_at
        assert booking.ends_at <= booking.hold.blocked_until
    assert db.session.scalar(select(func.count()).select_from(Hold)) == len(live)


def test_hosts_sign_in_with_the_password_that_they_had(carried: Flask) -> None:
    found = authenticate("aya@example.jp", PASSWORD)
    assert found is not None
    assert [one.kind for one in found.credentials] == ["password"]
    assert authenticate("aya@example.jp", "another") is None


def test_every_mail_knows_whom_it_is_for(carried: Flask) -> None:
    for task in db.session.scalars(select(Task).where(Task.kind.startswith("mail."))):
        booking = db.session.get_one(Booking, task.booking_id)
        to_client = task.kind.startswith("mail.attendee.")
        assert task.attendee_id == (booking.client.id if to_client else None)


def test_each_booking_and_page_gets_what_new_ones_have(carried: Flask) -> None:
    bookings = db.session.scalars(select(Booking)).all()
    assert len({booking.join_token for booking in bookings}) == len(bookings) == 8
    for booking in bookings:
        assert booking.join_token
        assert booking.join_hash == fingerprint(booking.join_token)
    for page in db.session.scalars(select(BookingPage)):
        assert [(one.party, one.minutes) for one in page.reminders] == [
            ("client", 1440),
            ("client", 60),
        ]
        assert page.change_notice == 0


def test_there_is_no_way_back_with_bookings(
    carried: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(SystemExit):
        flask_migrate.downgrade(revision=LAST_BEFORE)
    assert "only a backup of before" in caplog.text
    db.session.rollback()
    assert db.session.scalar(text("SELECT count(*) FROM bookings")) == 8
