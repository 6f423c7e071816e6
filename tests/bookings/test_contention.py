"""What a booking does when the database calls it off, or cannot save it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Connection, event, func, select, text, update

from app.booking_pages.models import BookingPage
from app.bookings import followups, service
from app.bookings.meetings import Meeting
from app.bookings.models import Booking
from app.bookings.slot_addresses import SLOT_FORM
from app.db import db
from app.db.retry import MOST_TRIES
from tests.support.cast import connect_zoom, make_booking, make_host, make_page, tomorrow
from tests.support.visitor import Visitor

SENT = {"name": "Ken Yamada", "email": "ken@example.com", "note": "My case"}


@pytest.fixture
def on_postgresql(engine: str) -> None:
    if engine != "postgresql":
        pytest.skip("SQLite's writers queue; it calls none of them off")


def count_bookings() -> int:
    return db.session.scalar(select(func.count()).select_from(Booking)) or 0


@pytest.mark.usefixtures("on_postgresql")
def test_a_booking_that_could_not_be_serialized_is_tried_again(app: Flask) -> None:
    page = make_page(make_host())
    db.session.remove()
    page = db.session.merge(page, load=False)
    db.session.connection(execution_options={"isolation_level": "SERIALIZABLE"})
    db.session.execute(text("SELECT 1 FROM users"))
    with db.engine.begin() as other:
        other.execute(text("UPDATE users SET name = 'Aya Ito'"))
    assert make_booking(page).status == "confirmed"
    assert count_bookings() == 1


@pytest.mark.usefixtures("on_postgresql")
def test_a_booking_that_is_the_victim_of_a_deadlock_is_tried_again(app: Flask) -> None:
    page = make_page(make_host())
    host_id = page.user_id
    db.session.commit()
    with db.engine.connect() as other:
        other.execute(text("LOCK TABLE bookings IN SHARE ROW EXCLUSIVE MODE"))
        waits = threading.Thread(target=ask_for_host, args=(app, other, host_id))
        waits.start()
        # It takes the host's row, waits for the table, and finds after a second (the server's
        # deadlock_timeout) that the other waits for the row: who waits the longest gives way.
        assert make_booking(page).status == "confirmed"
        waits.join(timeout=20)
        assert not waits.is_alive()
    assert count_bookings() == 1


def ask_for_host(app: Flask, connection: Connection, host_id: int) -> None:
    with app.app_context():
        wait_for_a_lock_on_bookings()
        connection.execute(text("SELECT 1 FROM users WHERE id = :id FOR UPDATE"), {"id": host_id})
        connection.commit()


def wait_for_a_lock_on_bookings() -> None:
    waiting = text(
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'bookings'::regclass"
    )
    for _ in range(400):
        with db.engine.connect() as looking:
            if looking.scalar(waiting):
                return
        time.sleep(0.01)
    raise AssertionError("nobody waits for the bookings")


@contextmanager
def every_booking_called_off() -> Iterator[None]:
    """Each INSERT of a booking fails as a deadlock does, and is counted where no rollback reaches."""
    with db.engine.begin() as connection:
        connection.execute(text("CREATE SEQUENCE tries"))
        connection.execute(
            text(
                "CREATE FUNCTION call_off() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                " PERFORM nextval('tries');"
                " RAISE EXCEPTION 'another passes' USING ERRCODE = '40P01'; END $$"
            )
        )
        connection.execute(
            text(
                "CREATE TRIGGER call_off BEFORE INSERT ON bookings"
                " FOR EACH ROW EXECUTE FUNCTION call_off()"
            )
        )
    try:
        yield
    finally:
        db.session.rollback()
        with db.engine.begin() as connection:
            connection.execute(text("DROP FUNCTION call_off() CASCADE"))
            connection.execute(text("DROP SEQUENCE tries"))


@pytest.mark.usefixtures("on_postgresql")
def test_the_tries_are_bounded_and_then_the_same_form_can_be_sent_again(
    app: Flask, visit: Visitor
) -> None:
    make_page(make_host(), slug="talk")
    shown = visit.get(f"/b/talk/{tomorrow():{SLOT_FORM}}")
    with every_booking_called_off():
        answer = shown.press("Book this time", **SENT)
        assert db.session.scalar(text("SELECT last_value FROM tries")) == MOST_TRIES
    assert answer.status == 503
    assert "could not be saved just now" in answer.text
    fields = dict(answer.form("Book this time").fields)
    assert fields | SENT == fields
    assert fields["key"] == dict(shown.form("Book this time").fields)["key"]
    assert count_bookings() == 0
    assert answer.press("Book this time").status == 200
    assert count_bookings() == 1


def test_a_client_whose_booking_waits_in_vain_keeps_the_form(
    app: Flask, engine: str, visit: Visitor
) -> None:
    """Another has the lock for longer than anyone waits: SQLite's writers, PostgreSQL's rows."""
    page = make_page(make_host(), slug="talk")
    host_id = page.user_id
    db.session.commit()
    shown = visit.get(f"/b/talk/{tomorrow():{SLOT_FORM}}")
    short = "PRAGMA busy_timeout = 50" if engine == "sqlite" else "SET lock_timeout = 50"
    long = "PRAGMA busy_timeout = 15000" if engine == "sqlite" else "SET lock_timeout = 0"

    def wait_shortly(connection: object, _record: object, _proxy: object) -> None:
        say(connection, short)

    def wait_long(connection: object, _record: object) -> None:
        say(connection, long)

    with db.engine.connect() as other:
        if engine == "sqlite":
            other.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            other.execute(text("SELECT 1 FROM users WHERE id = :id FOR UPDATE"), {"id": host_id})
        event.listen(db.engine, "checkout", wait_shortly)
        event.listen(db.engine, "checkin", wait_long)
        try:
            answer = shown.press("Book this time", **SENT)
        finally:
            event.remove(db.engine, "checkout", wait_shortly)
            event.remove(db.engine, "checkin", wait_long)
        assert answer.status == 503
        other.rollback()
    assert count_bookings() == 0
    assert answer.press("Book this time").status == 200
    (booking,) = db.session.scalars(select(Booking))
    assert (booking.client.name, booking.note) == ("Ken Yamada", "My case")


def say(connection: Any, statement: str) -> None:
    connection.cursor().execute(statement)
    connection.commit()


def test_a_form_sent_again_after_a_lost_confirmation_finds_its_booking(
    app: Flask, visit: Visitor
) -> None:
    """The first answer never arrived: the same key is the same booking, and the same page."""
    make_page(make_host(), slug="talk")
    form = visit.get(f"/b/talk/{tomorrow():{SLOT_FORM}}").form("Book this time")
    first, again = form.send(**SENT), form.send(**SENT)
    assert first.url == again.url
    assert count_bookings() == 1


def test_a_meeting_that_is_made_while_its_booking_is_cancelled_is_deleted(app: Flask) -> None:
    host = make_host()
    connect_zoom(host, scopes="meeting:write:meeting meeting:delete:meeting")
    booking_id = make_booking(make_page(host, auto_zoom=True)).id
    db.session.commit()

    def cancel() -> None:
        with app.app_context():
            service.cancel(db.session.get_one(Booking, booking_id), by="client")

    with db.engine.connect() as worker:
        worker.execute(select(Booking.id).where(Booking.id == booking_id).with_for_update())
        worker.execute(
            update(Meeting)
            .where(Meeting.booking_id == booking_id)
            .values(state="ready", external_id=85012345678, join_url="https://zoom")
        )
        cancels = threading.Thread(target=cancel)
        cancels.start()
        time.sleep(0.5)  # it waits for the row by now
        worker.commit()
        cancels.join(timeout=20)
    kinds = {task.kind for task in db.session.get_one(Booking, booking_id).tasks}
    assert followups.DELETE_MEETING in kinds


def test_the_hosts_lock_lets_a_daily_limit_hold_among_clients_at_one_moment(app: Flask) -> None:
    """Their times do not overlap, so no constraint stands behind the lock here."""
    page = make_page(make_host(), daily_limit=1)
    page_id, start = page.id, tomorrow(1)
    db.session.remove()
    ready = threading.Barrier(6)
    ends: list[str] = []

    def book(number: int) -> None:
        with app.app_context():
            mine = db.session.get_one(BookingPage, page_id)
            ready.wait(timeout=20)
            try:
                make_booking(mine, start + timedelta(minutes=30 * number))
                ends.append("booked")
            except service.OutsideHours:
                ends.append("full")

    clients = [threading.Thread(target=book, args=(number,)) for number in range(6)]
    for client in clients:
        client.start()
    for client in clients:
        client.join(timeout=30)
    assert sorted(ends) == ["booked", *["full"] * 5]
    assert count_bookings() == 1
