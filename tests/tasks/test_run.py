"""From a booking to its meeting and its mails, whatever fails on the way."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from typing import Any, ClassVar

import pytest
import requests
import responses
from aiosmtpd.smtp import Envelope
from flask import Flask
from icalendar import Calendar
from sqlalchemy import delete, event, select, update

from app import outbox, tasks
from app.accounts.models import User
from app.bookings import provision
from app.bookings import service as bookings
from app.bookings.models import Booking
from app.core.clock import utcnow
from app.core.config import Settings
from app.db import db
from app.events import Actor
from app.outbox import GIVE_UP_AFTER, Overtaken, Task
from app.tasks.leases import LeaseLost
from app.tasks.mails import deliver
from app.tasks.sweep import sweep
from app.zoom import service as zoom
from tests.conftest import ZOOM_API
from tests.support.cast import connect_zoom, make_booking, make_host, make_page, move_back, tomorrow
from tests.support.services import MailServer, free_ports
from tests.zoom.test_api import MEETINGS, made
from tests.zoom.test_service import grant

KEN, AYA = "ken@example.com", "aya@example.jp"
LINK = "https://zoom.example/j/85012345678?pwd=x"


def work() -> None:
    """Run what is due, as the worker does, until nothing is."""
    for _ in range(10):
        due = db.session.scalars(
            select(Task.id)
            .where(Task.state == "waiting", Task.due_at <= utcnow())
            .order_by(Task.id)
        ).all()
        for task_id in due:
            tasks.run(task_id)
        db.session.expire_all()
        if not due:
            return
    raise AssertionError("the same tasks fall due again and again")


def let_time_pass() -> None:
    """All pauses are over and all leases have run out."""
    past = utcnow() - timedelta(seconds=1)
    db.session.execute(update(Task).where(Task.state == "waiting").values(due_at=past))
    db.session.execute(update(Task).where(Task.state == "running").values(lease_until=past))
    db.session.commit()


def states(booking: Booking) -> dict[str, str]:
    db.session.expire_all()
    return {task.kind: task.state for task in booking.tasks}


def task_of(booking: Booking, kind: str) -> Task:
    db.session.expire_all()
    return next(task for task in booking.tasks if task.kind == kind)


def event_of(mail: EmailMessage) -> Calendar:
    [invitation] = [part for part in mail.walk() if part.get_filename() == "invite.ics"]
    [event] = Calendar.from_ical(invitation.get_payload(decode=True)).walk("VEVENT")
    return event


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


@pytest.fixture
def booking(app: Flask) -> Booking:
    """Ken's booking on a page with Auto-create on; Aya is connected."""
    host = make_host()
    connect_zoom(host)
    return make_booking(make_page(host, auto_zoom=True))


def test_a_booking_gets_its_meeting_and_then_its_mails(
    booking: Booking, wire: responses.RequestsMock, mails: MailServer
) -> None:
    created = wire.post(MEETINGS, status=201, json=made())
    tasks.run(task_of(booking, "meeting.create").id)
    assert mails.messages == []
    work()
    assert created.call_count == 1
    assert (booking.meeting_state, booking.join_url) == ("ready", LINK)
    assert booking.meeting.external_id == 85012345678
    assert set(states(booking).values()) == {"done"}
    assert len(mails.messages) == 2
    for mail in (*mails.to(KEN), *mails.to(AYA)):
        assert LINK in text_of(mail)
        assert event_of(mail)["SEQUENCE"] == 0


def test_running_a_task_again_changes_nothing(
    booking: Booking, wire: responses.RequestsMock, mails: MailServer
) -> None:
    created = wire.post(MEETINGS, status=201, json=made())
    work()
    for task in list(booking.tasks):
        tasks.run(task.id)
    assert created.call_count == 1
    assert len(mails.messages) == 2


def test_a_page_without_auto_create_mails_at_once_and_speaks_of_no_link(
    app: Flask, mails: MailServer
) -> None:
    booking = make_booking(make_page(make_host(), location="Room 4"))
    work()
    assert booking.meeting is None
    assert len(mails.messages) == 2
    assert "Zoom" not in text_of(mails.to(KEN)[0])
    assert "Room 4" in text_of(mails.to(KEN)[0])


def test_a_host_who_is_not_connected_is_booked_all_the_same_and_the_link_follows_once(
    app: Flask, wire: responses.RequestsMock, mails: MailServer
) -> None:
    host = make_host()
    booking = make_booking(make_page(host, auto_zoom=True))
    work()
    assert booking.is_live
    assert (booking.meeting_state, booking.meeting.error) == ("failed", "zoom_not_connected")
    assert task_of(booking, "meeting.create").last_error == "zoom_not_connected"
    assert len(mails.to(KEN)) == len(mails.to(AYA)) == 1
    assert "https://zoom" not in text_of(mails.to(KEN)[0])
    first = event_of(mails.to(KEN)[0])

    sweep()
    work()
    assert booking.meeting_state == "failed"  # nothing has changed, so nothing is tried

    created = wire.post(MEETINGS, status=201, json=made())
    zoom.link(host.id, grant(1))
    for _ in range(3):
        sweep()
        work()
    assert created.call_count == 1
    assert booking.meeting_state == "ready"
    assert len(mails.to(KEN)) == len(mails.to(AYA)) == 2
    update_mail = mails.to(KEN)[1]
    second = event_of(update_mail)
    assert LINK in text_of(update_mail)
    assert second["UID"] == first["UID"]
    assert second["SEQUENCE"] > first["SEQUENCE"]
    assert second["LOCATION"] == LINK


def test_reconnecting_makes_the_meetings_that_failed_for_want_of_it(
    app: Flask, wire: responses.RequestsMock, mails: MailServer
) -> None:
    host = make_host()
    connect_zoom(host)
    booking = make_booking(make_page(host, auto_zoom=True))
    gone = wire.post(MEETINGS, status=404, json={"code": 1001, "message": "User not exist."})
    work()
    assert booking.meeting.error == "zoom_user_gone: User not exist."
    wire.remove(gone)
    wire.post(MEETINGS, status=201, json=made())
    zoom.link(host.id, grant(2))
    sweep()
    work()
    assert booking.meeting_state == "ready"


def test_mails_that_waited_too_long_go_without_the_link_and_the_link_follows(
    booking: Booking, wire: responses.RequestsMock, mails: MailServer
) -> None:
    ill = wire.post(MEETINGS, status=503)
    work()
    assert mails.messages == []
    assert states(booking)["meeting.create"] == "waiting"
    let_time_pass()
    work()
    assert len(mails.messages) == 2
    assert LINK not in text_of(mails.to(KEN)[0])
    wire.remove(ill)
    wire.post(MEETINGS, status=201, json=made())
    let_time_pass()
    work()
    assert len(mails.to(KEN)) == len(mails.to(AYA)) == 2
    assert LINK in text_of(mails.to(KEN)[1])
    assert event_of(mails.to(KEN)[1])["SEQUENCE"] == 1


def test_a_booking_cancelled_while_it_waits_makes_no_meeting_and_mails_the_cancellation_only(
    booking: Booking, wire: responses.RequestsMock, mails: MailServer
) -> None:
    created = wire.post(MEETINGS, status=201, json=made())
    bookings.cancel(booking, by="client")
    work()
    assert created.call_count == 0
    assert len(mails.to(KEN)) == len(mails.to(AYA)) == 1
    event = event_of(mails.to(KEN)[0])
    assert (event["STATUS"], event["SEQUENCE"]) == ("CANCELLED", 1)
    assert states(booking)["meeting.create"] == "cancelled"


@pytest.mark.parametrize("may_delete", [True, False])
def test_a_booking_cancelled_while_zoom_answers_keeps_the_meeting_from_everybody(
    app: Flask, wire: responses.RequestsMock, mails: MailServer, may_delete: bool
) -> None:
    host = make_host()
    connect_zoom(host, scopes="meeting:write:meeting meeting:delete:meeting" if may_delete else "")
    booking = make_booking(make_page(host, auto_zoom=True))
    booking_id = booking.id

    def answer(_request: object) -> tuple[int, dict[str, str], str]:
        bookings.cancel(db.session.get_one(Booking, booking_id), by="client")
        db.session.remove()
        return 201, {}, requests.compat.json.dumps(made())

    wire.add_callback(responses.POST, MEETINGS, answer)
    deleted = wire.delete(f"{ZOOM_API}/meetings/85012345678", status=204)
    work()
    booking = db.session.get_one(Booking, booking_id)
    assert booking.meeting.external_id == 85012345678
    assert deleted.call_count == int(may_delete)
    assert not any(LINK in text_of(mail) for mail in mails.messages)
    assert [event_of(mail)["STATUS"] for mail in mails.messages] == ["CANCELLED", "CANCELLED"]


def test_a_cancelled_booking_has_its_meeting_deleted_where_the_host_allows_it(
    app: Flask, wire: responses.RequestsMock, mails: MailServer
) -> None:
    host = make_host()
    connect_zoom(host, scopes="meeting:write:meeting meeting:delete:meeting")
    booking = make_booking(make_page(host, auto_zoom=True))
    wire.post(MEETINGS, status=201, json=made())
    deleted = wire.delete(f"{ZOOM_API}/meetings/85012345678", status=204)
    work()
    bookings.cancel(booking, by="client")
    work()
    assert deleted.call_count == 1
    assert states(booking)["meeting.delete"] == "done"


def test_without_the_permission_nothing_is_deleted_and_the_host_is_told(
    booking: Booking, wire: responses.RequestsMock, mails: MailServer
) -> None:
    wire.post(MEETINGS, status=201, json=made())
    work()
    bookings.cancel(booking, by="client")
    work()
    assert "meeting.delete" not in states(booking)
    assert "Zoom" in text_of(mails.to(AYA)[1])
    assert "Zoom" not in text_of(mails.to(KEN)[1])


def test_an_answer_lost_twice_asks_the_host_instead_of_trying_for_ever(
    booking: Booking, wire: responses.RequestsMock, mails: MailServer
) -> None:
    lost = wire.post(MEETINGS, body=requests.ReadTimeout())
    work()
    assert states(booking)["meeting.create"] == "waiting"
    for _ in range(4):
        let_time_pass()
        work()
    assert lost.call_count == 2
    assert task_of(booking, "meeting.create").last_error == "zoom_answer_lost"
    assert (booking.meeting_state, booking.meeting.error) == ("failed", "zoom_answer_lost")
    assert len(mails.to(KEN)) == len(mails.to(AYA)) == 1


def test_the_host_can_try_a_failed_meeting_again(
    booking: Booking, wire: responses.RequestsMock, mails: MailServer
) -> None:
    refused = wire.post(MEETINGS, status=400, json={"code": 3161, "message": "May not host."})
    work()
    assert booking.meeting.error == "zoom_refused: May not host."
    wire.remove(refused)
    wire.post(MEETINGS, status=201, json=made())
    provision.retry(booking, task_of(booking, "meeting.create"), Actor.HOST)
    work()
    assert booking.meeting_state == "ready"
    assert LINK in text_of(mails.to(KEN)[1])


def test_a_meeting_made_by_two_runners_is_kept_once(
    booking: Booking, wire: responses.RequestsMock, mails: MailServer
) -> None:
    first = provision.MadeMeeting(1, "https://zoom.example/j/1", None)
    second = provision.MadeMeeting(2, "https://zoom.example/j/2", None)
    assert provision.attach_meeting(booking.public_id, first)
    assert provision.attach_meeting(booking.public_id, first)
    assert not provision.attach_meeting(booking.public_id, second)
    work()
    assert booking.meeting.external_id == 1
    assert len(mails.messages) == 2
    assert not any("j/2" in text_of(mail) for mail in mails.messages)


def test_a_runner_that_lost_its_lease_neither_calls_zoom_nor_fails_the_meeting(
    booking: Booking, wire: responses.RequestsMock, mails: MailServer
) -> None:
    task_id, booking_id = task_of(booking, "meeting.create").id, booking.id

    def answer(_request: object) -> tuple[int, dict[str, str], str]:
        # Zoom took so long that another worker has the task by now.
        db.session.execute(update(Task).where(Task.id == task_id).values(lease_token="another's"))
        db.session.commit()
        return 400, {}, requests.compat.json.dumps({"code": 300, "message": "Invalid."})

    wire.add_callback(responses.POST, MEETINGS, answer)
    tasks.run(task_id)
    task = task_of(db.session.get_one(Booking, booking_id), "meeting.create")
    assert (task.state, task.lease_token) == ("running", "another's")
    assert db.session.get_one(Booking, booking_id).meeting_state == "wanted"


def test_a_mail_server_that_is_busy_is_asked_again(app: Flask, mails: MailServer) -> None:
    booking = make_booking(make_page(make_host()))
    mails.recipient_answer = "451 4.3.0 try again later"
    work()
    task = task_of(booking, "mail.attendee.confirmed")
    assert (task.state, task.last_error, task.attempts) == ("waiting", "smtp_try_later", 1)
    assert task.due_at > utcnow()
    mails.recipient_answer = ""
    let_time_pass()
    work()
    assert len(mails.to(KEN)) == len(mails.to(AYA)) == 1


def test_a_mail_server_that_is_busy_after_the_text_is_asked_again(
    app: Flask, mails: MailServer
) -> None:
    booking = make_booking(make_page(make_host()))
    mails.data_answer = "452 4.2.2 mailbox full"
    work()
    assert states(booking)["mail.attendee.confirmed"] == "waiting"
    assert mails.messages == []


@pytest.mark.parametrize("where", ["recipient_answer", "data_answer"])
def test_a_mail_that_is_refused_fails_in_the_servers_words_and_can_be_retried(
    app: Flask, mails: MailServer, where: str
) -> None:
    booking = make_booking(make_page(make_host()))
    setattr(mails, where, "550 5.1.1 no such user")
    work()
    task = task_of(booking, "mail.attendee.confirmed")
    assert task.state == "failed"
    assert task.last_error == "smtp_refused: 550 5.1.1 no such user"
    setattr(mails, where, "")
    provision.retry(booking, task, Actor.HOST)
    work()
    assert len(mails.to(KEN)) == 1
    assert task_of(booking, "mail.attendee.confirmed").last_error is None


def test_a_mail_that_was_taken_is_not_sent_again_for_an_ill_goodbye(
    app: Flask, mails: MailServer
) -> None:
    mails.quit_answer = "421 shutting down"
    booking = make_booking(make_page(make_host()))
    work()
    assert states(booking) == {"mail.attendee.confirmed": "done", "mail.host.confirmed": "done"}
    assert len(mails.messages) == 2


def test_a_mail_server_that_is_slow_at_every_step_is_left_before_the_lease_ends(
    app: Flask, mails: MailServer, change_settings: Callable[..., Settings]
) -> None:
    change_settings(lease=timedelta(seconds=2))
    booking = make_booking(make_page(make_host()))

    async def handle_mail(
        _server: object, _session: object, envelope: Envelope, address: str, _options: object
    ) -> str:
        await asyncio.sleep(0.6)
        envelope.mail_from = address
        return "250 OK"

    async def handle_data(*_arguments: object) -> str:
        await asyncio.sleep(0.6)  # each step is quick enough, both together are not
        return "250 OK, whatever comes of it"

    mails.handle_MAIL = handle_mail  # type: ignore[attr-defined]
    mails.handle_DATA = handle_data  # type: ignore[method-assign]
    tasks.run(task_of(booking, "mail.attendee.confirmed").id)
    task = task_of(booking, "mail.attendee.confirmed")
    assert (task.state, task.last_error) == ("waiting", "smtp_unreachable")


def test_a_second_runner_of_a_mail_exits_while_the_first_is_at_it(
    app: Flask, mails: MailServer
) -> None:
    booking = make_booking(make_page(make_host()))
    task_id = task_of(booking, "mail.attendee.confirmed").id
    db.session.remove()
    arrivals: list[str] = []

    async def handle(*_arguments: object) -> str:
        arrivals.append("mail")
        with app.app_context():
            tasks.run(task_id)  # RQ delivers at least once, at times to two workers at once
        return "250 OK"

    mails.handle_DATA = handle  # type: ignore[method-assign]
    tasks.run(task_id)
    assert arrivals == ["mail"]
    task = db.session.get_one(Task, task_id)
    assert (task.state, task.attempts) == ("done", 1)


def test_a_mail_whose_lease_was_lost_meanwhile_is_not_sent(app: Flask, mails: MailServer) -> None:
    booking = make_booking(make_page(make_host()))
    task_id = task_of(booking, "mail.attendee.confirmed").id
    lease = outbox.claim(task_id, timedelta(seconds=45))
    assert lease is not None
    let_time_pass()
    assert outbox.claim(task_id, timedelta(seconds=45)) is not None
    a_minute_old = replace(lease, taken_at=lease.taken_at - timedelta(minutes=1))
    with pytest.raises(LeaseLost):
        deliver(a_minute_old)
    assert mails.messages == []


def test_a_confirmation_that_the_link_overtakes_leaves_one_mail_a_sequence(
    booking: Booking, mails: MailServer
) -> None:
    """The mail had waited long enough and had just begun when the meeting came."""
    let_time_pass()
    lease = outbox.claim(task_of(booking, "mail.attendee.confirmed").id, timedelta(seconds=45))
    assert lease is not None
    assert provision.attach_meeting(booking.public_id, provision.MadeMeeting(1, LINK, None))
    with pytest.raises(Overtaken):
        deliver(lease)
    outbox.call_off(lease)
    work()
    sequences = [event_of(mail)["SEQUENCE"] for mail in mails.to(KEN)]
    assert sequences == [1]
    assert LINK in text_of(mails.to(KEN)[0])


def test_what_was_made_is_kept_in_hand_until_the_database_takes_it(
    booking: Booking, wire: responses.RequestsMock, mails: MailServer
) -> None:
    task_id, booking_id = task_of(booking, "meeting.create").id, booking.id
    others = Connections()

    def answer(_request: object) -> tuple[int, dict[str, str], str]:
        others.hold(Booking.id, seconds=1)
        return 201, {}, requests.compat.json.dumps(made())

    wire.add_callback(responses.POST, MEETINGS, answer)
    with others:
        tasks.run(task_id)
    assert len(wire.calls) == 1
    kept = db.session.get_one(Booking, booking_id, populate_existing=True)
    assert kept.meeting.external_id == 85012345678


def test_that_a_meeting_failed_is_kept_in_hand_until_the_database_takes_it(
    booking: Booking, wire: responses.RequestsMock, mails: MailServer
) -> None:
    task_id = task_of(booking, "meeting.create").id
    others = Connections()

    def answer(_request: object) -> tuple[int, dict[str, str], str]:
        others.hold(Task.id, seconds=1)
        return 400, {}, requests.compat.json.dumps({"code": 300, "message": "Invalid."})

    wire.add_callback(responses.POST, MEETINGS, answer)
    with others:
        tasks.run(task_id)
    assert db.session.get_one(Task, task_id, populate_existing=True).state == "failed"


class Connections:
    """The app's connections, none of which waits long for a lock; and one that takes the lock."""

    PATIENCE: ClassVar = {
        "sqlite": ("PRAGMA busy_timeout=100", "PRAGMA busy_timeout=15000"),
        "postgresql": ("SET lock_timeout='100ms'", "RESET lock_timeout"),
    }

    def __init__(self) -> None:
        self.engine = db.engine
        self.short, self.usual = self.PATIENCE[self.engine.dialect.name]
        self.holder: threading.Thread | None = None

    def __enter__(self) -> None:
        db.session.remove()
        event.listen(self.engine, "checkout", self._shorten)
        event.listen(self.engine, "checkin", self._restore)

    def __exit__(self, *_error: object) -> None:
        if self.holder is not None:
            self.holder.join()
        db.session.remove()
        event.remove(self.engine, "checkout", self._shorten)
        event.remove(self.engine, "checkin", self._restore)

    def hold(self, rows: Any, seconds: float) -> None:
        locked = threading.Event()

        def hold() -> None:
            with self.engine.connect() as other:
                other.execute(select(rows).with_for_update())
                locked.set()
                time.sleep(seconds)
                other.rollback()

        self.holder = threading.Thread(target=hold)
        self.holder.start()
        assert locked.wait(10)

    def _shorten(self, connection: Any, _record: object, _proxy: object) -> None:
        self._run(connection, self.short)

    def _restore(self, connection: Any, _record: object) -> None:
        self._run(connection, self.usual)

    def _run(self, connection: Any, statement: str) -> None:
        cursor = connection.cursor()
        cursor.execute(statement)
        cursor.close()
        connection.commit()


def test_a_mail_server_whose_name_took_too_long_to_resolve_gets_nothing(
    app: Flask, mails: MailServer, change_settings: Callable[..., Settings]
) -> None:
    """No time-out of a socket ends that wait; by now another worker may have the mail."""
    change_settings(lease=timedelta(seconds=1))
    booking = make_booking(make_page(make_host()))
    resolve = socket.getaddrinfo

    def slowly(*wanted: Any, **more: Any) -> Any:
        time.sleep(1.2)
        return resolve(*wanted, **more)

    with pytest.MonkeyPatch.context() as network:
        network.setattr(socket, "getaddrinfo", slowly)
        tasks.run(task_of(booking, "mail.attendee.confirmed").id)
    assert mails.messages == []


def test_a_mail_server_that_is_not_there_is_asked_again(
    app: Flask, change_settings: Callable[..., Settings]
) -> None:
    change_settings(smtp_url=f"smtp://127.0.0.1:{free_ports(1)[0]}")
    booking = make_booking(make_page(make_host()))
    work()
    task = task_of(booking, "mail.attendee.confirmed")
    assert (task.state, task.last_error) == ("waiting", "smtp_unreachable")


def test_production_sends_no_mail_without_tls(
    app: Flask, mails: MailServer, change_settings: Callable[..., Settings]
) -> None:
    change_settings(public_base_url="https://calsync.example")
    booking = make_booking(make_page(make_host()))
    work()
    assert mails.messages == []
    assert task_of(booking, "mail.attendee.confirmed").last_error == "smtp_without_tls"


def test_a_fault_of_ours_postpones_a_task_and_does_not_lose_it(
    app: Flask, mails: MailServer
) -> None:
    booking = make_booking(make_page(make_host()))
    # A zone that the next release of the zone database has dropped.
    booking.client.timezone = "Atlantis/Capital"
    db.session.commit()
    work()
    task = task_of(booking, "mail.attendee.confirmed")
    assert (task.state, task.last_error) == ("waiting", "internal_error")
    assert task.due_at > utcnow()
    booking.client.timezone = "Europe/Berlin"
    db.session.commit()
    let_time_pass()
    work()
    assert len(mails.to(KEN)) == 1


def test_an_unknown_kind_of_task_is_kept_for_a_worker_that_knows_it(app: Flask) -> None:
    booking = make_booking(make_page(make_host()))
    task = task_of(booking, "mail.attendee.confirmed")
    task.kind = "mail.attendee.of-tomorrow"
    db.session.commit()
    tasks.run(task.id)
    db.session.expire_all()
    assert (task.state, task.last_error) == ("waiting", "internal_error")


def test_what_fails_for_two_days_is_given_up(
    booking: Booking, wire: responses.RequestsMock, mails: MailServer
) -> None:
    wire.post(MEETINGS, status=503)
    task = task_of(booking, "meeting.create")
    task.attempts = 1
    task.first_tried_at = utcnow() - GIVE_UP_AFTER
    task.last_error = "zoom_ill"
    db.session.commit()
    work()
    assert task_of(booking, "meeting.create").state == "failed"
    assert booking.meeting_state == "failed"
    assert len(mails.messages) == 2


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
