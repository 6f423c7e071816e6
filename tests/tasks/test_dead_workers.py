"""Workers that die half way, and bookings that are over, cancelled or gone by the time of their tasks."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
import requests
import responses
from flask import Flask
from sqlalchemy import delete, event, select

from app import outbox, tasks
from app.accounts.models import User
from app.bookings import provision
from app.bookings import service as bookings
from app.bookings.models import Booking
from app.core.config import Settings
from app.db import db
from app.events import Actor
from app.outbox import Task
from app.tasks.sweep import sweep
from app.zoom import service as zoom
from tests.support.cast import make_booking, make_host, make_page, move_back, tomorrow
from tests.support.services import MailServer
from tests.tasks.steps import (
    KEN,
    LINK,
    event_of,
    let_time_pass,
    states,
    task_of,
    text_of,
    work,
)
from tests.zoom.api_steps import MEETINGS, made
from tests.zoom.steps import grant


def test_a_worker_that_died_half_way_leaves_its_task_to_the_next(
    booking: Booking, wire: responses.RequestsMock, mails: MailServer
) -> None:
    wire.post(MEETINGS, status=201, json=made())
    task_id = task_of(booking, "meeting.create").id
    assert outbox.claim(task_id, timedelta(seconds=45))  # and then kill -9
    tasks.run(task_id)
    assert booking.meeting.external_id is None
    let_time_pass()
    tasks.run(task_id)
    work()
    assert booking.meeting.external_id == 85012345678
    assert len(mails.messages) == 2


def test_no_database_connection_is_held_while_the_mail_server_thinks(
    app: Flask, mails: MailServer
) -> None:
    booking = make_booking(make_page(make_host()))
    task_id = task_of(booking, "mail.attendee.confirmed").id
    db.session.remove()
    held: list[int] = []
    engine = db.engine

    async def handle(*_arguments: object) -> str:
        held.append(engine.pool.checkedout())  # type: ignore[attr-defined]
        return "451 later"

    mails.handle_DATA = handle  # type: ignore[method-assign]
    tasks.run(task_id)
    assert held == [0]


def test_the_sweep_leaves_past_and_cancelled_bookings_alone(
    app: Flask, wire: responses.RequestsMock, mails: MailServer
) -> None:
    host = make_host()
    page = make_page(host, auto_zoom=True)
    cancelled, past = make_booking(page, tomorrow(1)), make_booking(page, tomorrow(2))
    work()
    bookings.cancel(cancelled, by="client")
    move_back(past, timedelta(days=2))
    created = wire.post(MEETINGS, status=201, json=made())
    zoom.link(host.id, grant(1))
    sweep()
    work()
    assert created.call_count == 0


def test_a_booking_that_is_over_gets_neither_meeting_nor_mails(
    booking: Booking, wire: responses.RequestsMock, mails: MailServer
) -> None:
    """Everything was down until then."""
    created = wire.post(MEETINGS, status=201, json=made())
    move_back(booking, timedelta(days=2))
    let_time_pass()
    work()
    assert (created.call_count, mails.messages) == (0, [])
    assert set(states(booking).values()) == {"cancelled"}
    assert booking.meeting_state == "failed"


def test_a_cancellation_is_mailed_though_the_time_has_passed(
    booking: Booking, wire: responses.RequestsMock, mails: MailServer
) -> None:
    """It takes the event out of the calendar."""
    bookings.cancel(booking, by="host")
    move_back(booking, timedelta(days=2))
    work()
    assert [event_of(mail)["STATUS"] for mail in mails.to(KEN)] == ["CANCELLED"]


def test_a_confirmation_that_begins_while_the_link_is_being_kept_has_it_or_is_followed_by_it(
    app: Flask, booking: Booking, mails: MailServer
) -> None:
    """It is due, and a worker takes it between the meeting's look at the mails and its commit."""
    reference, task_id = booking.public_id, task_of(booking, "mail.attendee.confirmed").id
    let_time_pass()
    db.session.remove()

    def mail() -> None:
        with app.app_context():
            tasks.run(task_id)

    worker = threading.Thread(target=mail)

    def begin(_session: object) -> None:
        if worker.ident is None:
            worker.start()
            worker.join(1)

    event.listen(db.session, "before_commit", begin)
    try:
        assert provision.attach_meeting(reference, provision.MadeMeeting(1, LINK, None))
    finally:
        event.remove(db.session, "before_commit", begin)
    worker.join(20)
    work()
    assert any(LINK in text_of(mail) for mail in mails.to(KEN))


def test_retry_pressed_twice_does_not_undo_what_the_first_has_brought(
    app: Flask, booking: Booking, wire: responses.RequestsMock, mails: MailServer
) -> None:
    refused = wire.post(MEETINGS, status=400, json={"code": 3161, "message": "May not host."})
    work()
    wire.remove(refused)
    wire.post(MEETINGS, status=201, json=made())
    task = task_of(booking, "meeting.create")
    booking_id, task_id = booking.id, task.id
    assert booking.meeting_state == "failed"  # as the second request has read it

    def first_request() -> None:
        with app.app_context():
            provision.retry(
                db.session.get_one(Booking, booking_id),
                db.session.get_one(Task, task_id),
                Actor.HOST,
            )
            tasks.run(task_id)

    first = threading.Thread(target=first_request)
    first.start()
    first.join(20)
    provision.retry(booking, task, Actor.HOST)
    assert db.session.get_one(Booking, booking_id).meeting_state == "ready"


@contextmanager
def scripted_mail_server(*answers: str) -> Iterator[str]:
    """A mail server that greets with the first of `answers`, then gives one for each line; its
    SMTP_URL, with a name and a password."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _address = server.accept()
            with connection, connection.makefile("rwb", buffering=0) as stream:
                for answer in answers:
                    stream.write(answer.encode() + b"\r\n")
                    stream.readline()

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"smtp://name:secret@127.0.0.1:{server.getsockname()[1]}"
        thread.join(timeout=5)


@pytest.mark.parametrize(
    "answers",
    [
        ["554 no service here"],
        ["HTTP/1.1 400 Bad Request"],
        ["220 hello", "502 no such command", "502 no such command"],
        ["220 hello", "250-here\r\n250 AUTH PLAIN", "535 5.7.8 wrong password"],
        ["220 hello", "250-here\r\n250 AUTH PLAIN", "235 welcome", "what?"],
    ],
)
def test_a_mail_server_that_takes_no_mail_of_ours_at_all_is_asked_again(
    app: Flask, change_settings: Callable[..., Settings], answers: list[str]
) -> None:
    """It says nothing about this mail: the password, say, is ours to mend, and then it goes out."""
    booking = make_booking(make_page(make_host()))
    with scripted_mail_server(*answers) as address:
        change_settings(smtp_url=address)
        tasks.run(task_of(booking, "mail.attendee.confirmed").id)
    assert task_of(booking, "mail.attendee.confirmed").state == "waiting"


def test_a_meeting_whose_booking_was_deleted_goes_to_no_other(
    app: Flask, booking: Booking, wire: responses.RequestsMock
) -> None:
    """SQLite gives the numbers of deleted rows to new ones."""
    task_id, user_id = task_of(booking, "meeting.create").id, booking.host_id

    def answer(_request: object) -> tuple[int, dict[str, str], str]:
        with app.app_context():
            db.session.execute(delete(User).where(User.id == user_id))
            db.session.commit()
            make_booking(make_page(make_host("Mallory Ito"), auto_zoom=True))
        return 201, {}, requests.compat.json.dumps(made())

    wire.add_callback(responses.POST, MEETINGS, answer)
    db.session.remove()
    tasks.run(task_id)
    others = db.session.scalars(select(Booking)).one()
    assert (others.join_url, others.meeting_state) == (None, "wanted")
