"""Changing the key that secrets are sealed under, through the restarts that it takes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import responses
from cryptography.fernet import Fernet, InvalidToken
from flask import Flask
from sqlalchemy import select, text, update

from app import create_app, tasks
from app.accounts.models import User
from app.bookings.attendees import Attendee
from app.bookings.models import Booking
from app.core.clock import utcnow
from app.core.config import Settings
from app.db import db
from app.db.types import Encrypted
from app.outbox import Refused, Task
from app.tasks.sweep import sweep
from app.zoom import service as zoom
from app.zoom import tokens as zoom_tokens
from app.zoom.models import ZoomConnection
from tests.support.cast import connect_zoom, make_booking, make_host, make_page
from tests.support.services import MailServer
from tests.support.visitor import InProcess, Visitor
from tests.tasks.steps import let_time_pass
from tests.zoom.steps import grant


@pytest.fixture
def restarted(app: Flask) -> Callable[..., object]:
    """`with restarted(*keys)`: another process on the same database, with these keys."""
    settings: Settings = app.extensions["settings"]

    @contextmanager
    def start(*keys: str) -> Iterator[Flask]:
        again = create_app(replace(settings, token_encryption_keys=keys))
        with again.app_context():
            yield again
            db.session.remove()
            db.engine.dispose()

    return start


@pytest.fixture
def old_key(app: Flask) -> str:
    key: str = app.extensions["settings"].token_encryption_keys[0]
    return key


@pytest.fixture
def booked(app: Flask) -> str:
    """A connection and a booking, sealed under the old key; gives the booking's token."""
    host = make_host()
    connect_zoom(host)
    return make_booking(make_page(host)).client.token


def sealed_values() -> list[str]:
    """Everything encrypted, as it lies in the database."""
    found = []
    for table in db.metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, Encrypted):
                rows = db.session.execute(text(f"SELECT {column.name} FROM {table.name}"))
                found += [value for value in rows.scalars() if value is not None]
    return found


def test_after_the_rotation_the_old_key_may_go(booked: str, old_key: str, restarted) -> None:
    new_key = Fernet.generate_key().decode()
    assert len(sealed_values()) == 4
    with restarted(new_key, old_key) as app:
        done = app.test_cli_runner().invoke(args=["rotate-keys"])
        assert done.exit_code == 0, done.output
        assert "4 values" in done.output
    with restarted(new_key):
        connection = db.session.scalars(select(ZoomConnection)).one()
        assert (connection.access_token, connection.refresh_token) == ("access-1", "refresh-1")
        assert db.session.scalars(select(Attendee)).one().token == booked
        for value in sealed_values():
            with pytest.raises(InvalidToken):
                Fernet(old_key).decrypt(value.encode())


def test_a_lost_key_takes_its_secrets_and_nothing_else(
    booked: str, old_key: str, restarted, wire: responses.RequestsMock
) -> None:
    db.session.execute(update(ZoomConnection).values(doubted_at=utcnow()))
    db.session.commit()
    before = sealed_values()
    with restarted(Fernet.generate_key().decode()) as app:
        sweep()  # gives every host's tasks to the queue
        assert len(db.session.scalars(select(Task).where(Task.kind == "zoom.check")).all()) == 1
        host = db.session.scalars(select(User)).one()
        with pytest.raises(Refused) as refusal:
            zoom_tokens.access_for(host.id)
        assert refusal.value.reason == "zoom_needs_reconnect"
        zoom_tokens.check(host.id)
        assert sealed_values() == before
        client = Visitor(InProcess(app)).get(f"/booking/{booked}/cancel")
        assert client.press("Cancel booking").status == 200
        assert db.session.scalars(select(Booking)).one().status == "cancelled"
        zoom.link(host.id, grant(2))
        assert zoom_tokens.access_for(host.id).token == "access-2"
    assert len(wire.calls) == 0


def test_a_connection_whose_key_is_lost_can_be_removed_but_not_given_back(
    booked: str, old_key: str, restarted
) -> None:
    with restarted(Fernet.generate_key().decode()):
        host = db.session.scalars(select(User)).one()
        assert zoom.disconnect(host.id) is False
        assert zoom_tokens.connection_of(host.id) is None


def test_a_mail_waits_for_a_lost_key_and_goes_out_when_it_is_back(
    booked: str, old_key: str, restarted, mails: MailServer
) -> None:
    kind = Task.kind == "mail.attendee.confirmed"
    task_id = db.session.scalars(select(Task.id).where(kind)).one()
    with restarted(Fernet.generate_key().decode()):
        tasks.run(task_id)
        assert db.session.get_one(Task, task_id).state == "waiting"
    let_time_pass()
    tasks.run(task_id)
    assert len(mails.messages) == 1


def test_rotating_twice_keeps_everything_readable(booked: str, old_key: str, restarted) -> None:
    new_key = Fernet.generate_key().decode()
    for _ in range(2):
        with restarted(new_key, old_key) as app:
            assert app.test_cli_runner().invoke(args=["rotate-keys"]).exit_code == 0
    with restarted(new_key):
        assert db.session.scalars(select(Attendee)).one().token == booked


def test_a_value_that_no_key_opens_is_told_and_left(booked: str, old_key: str, restarted) -> None:
    db.session.execute(text("UPDATE zoom_connections SET access_token = 'gAAAAAnonsense'"))
    db.session.commit()
    with restarted(Fernet.generate_key().decode(), old_key) as app:
        done = app.test_cli_runner().invoke(args=["rotate-keys"])
        assert done.exit_code == 1
        assert "1 values open with none of the keys" in done.output
        assert "gAAAAAnonsense" not in done.output
        assert "gAAAAAnonsense" in sealed_values()
        assert db.session.scalars(select(Attendee)).one().token == booked


def test_many_rows_are_sealed_in_batches(app: Flask, old_key: str, restarted) -> None:
    page = make_page(make_host())
    booking = make_booking(page)
    columns = [column.name for column in Attendee.__table__.columns if column.name != "id"]
    copied = {"role": "'guest'", "token_hash": "'copy ' || n"}
    numbers = (
        "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 600)"
    )
    db.session.execute(text(
        f"INSERT INTO attendees ({', '.join(columns)}) {numbers} SELECT"
        f" {', '.join(copied.get(name, name) for name in columns)} FROM attendees, numbers"
    ))  # fmt: skip
    db.session.commit()
    token = booking.client.token
    new_key = Fernet.generate_key().decode()
    with restarted(new_key, old_key) as again:
        assert "602 values" in again.test_cli_runner().invoke(args=["rotate-keys"]).output
    with restarted(new_key):
        assert {row.token for row in db.session.scalars(select(Attendee))} == {token}
