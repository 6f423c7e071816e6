"""Reminders leave once, on time or not at all, and only for the time that still stands."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask

from app import outbox, tasks
from app.bookings import followups, provision, reminder_switch, service
from app.bookings.models import Booking
from app.bookings.reminders import reminder_of
from app.core.clock import utcnow
from app.core.config import Settings
from app.db import db
from app.events import Actor
from app.outbox import State, Task
from tests.bookings.test_reminders import BOTH, TO_CLIENT, move, reminders_of
from tests.support.cast import make_booking, make_host, make_page, tomorrow, visit_as
from tests.support.services import MailServer
from tests.support.together import at_once
from tests.support.visitor import InProcess
from tests.tasks.steps import KEN, text_of

DAY, HOUR, TEN = timedelta(days=1), timedelta(hours=1), timedelta(minutes=10)


@pytest.fixture
def booking(app: Flask) -> Booking:
    """Ken's booking of the day after tomorrow; its other tasks are done."""
    page = make_page(make_host(), reminders=BOTH)
    made = make_booking(page, tomorrow(1) + DAY)
    outbox.service.change(Task.kind.like("%confirmed"), state=State.DONE)
    db.session.commit()
    return made


@contextmanager
def moment_of(booking: Booking, lead: timedelta, late: timedelta = timedelta()) -> Iterator[Task]:
    """The reminder so long before the start, at its moment or `late`; due by the database's clock."""
    minutes = int(lead.total_seconds()) // 60
    [task] = [
        one
        for one in reminders_of(booking)
        if (found := reminder_of(one.dedupe_key))
        and found.minutes == minutes
        and found.is_of_start(booking)
    ]
    due_at = task.due_at
    task.due_at = datetime.now(UTC) - timedelta(seconds=1)
    db.session.commit()
    with time_machine.travel(due_at + late, tick=False):
        yield task


def test_each_leaves_once_in_words_of_its_own(booking: Booking, mails: MailServer) -> None:
    for lead in (DAY, HOUR, TEN):
        with moment_of(booking, lead) as task:
            tasks.run(task.id, task.id)
    ids = [str(mail["Message-ID"]).split("@")[0] for mail in mails.messages]
    reference = booking.public_id
    assert ids == [
        f"<{reference}.reminder-1440.0.client",
        f"<{reference}.reminder-60.0.client",
        f"<{reference}.reminder-10.0.host",
    ]
    first, second, _host = mails.messages
    assert "begins tomorrow at" in text_of(first)
    assert "begins in 1 hour, at" in text_of(second)
    assert {one.state for one in reminders_of(booking)} == {State.DONE}


@pytest.mark.parametrize(
    ("lead", "late", "is_sent"),
    [
        (DAY, timedelta(minutes=15), True),
        (DAY, timedelta(minutes=15, seconds=1), False),
        (HOUR, timedelta(minutes=12), True),
        (HOUR, timedelta(minutes=12, seconds=1), False),
        (TEN, timedelta(minutes=2), True),
        (TEN, timedelta(minutes=2, seconds=1), False),
    ],
)
def test_a_late_one_is_called_off(
    app: Flask,
    booking: Booking,
    mails: MailServer,
    lead: timedelta,
    late: timedelta,
    is_sent: bool,
) -> None:
    with moment_of(booking, lead, late) as task:
        tasks.run(task.id)
        db.session.refresh(task)
        assert task.state == (State.DONE if is_sent else State.CANCELLED)
        assert len(mails.messages) == int(is_sent)
        timeline = visit_as(app, booking.host).get(f"/dashboard/bookings/{booking.public_id}")
        assert ("too late" in timeline.one(".timeline").get_text()) is not is_sent


def test_one_that_a_busy_server_puts_off_for_too_long_is_called_off(
    booking: Booking, mails: MailServer
) -> None:
    mails.recipient_answer = "451 try later"
    with moment_of(booking, HOUR) as task:
        tasks.run(task.id)
        db.session.refresh(task)
        assert (task.state, task.last_error) == (State.WAITING, "smtp_try_later")
    mails.recipient_answer = ""
    task.due_at = datetime.now(UTC) - timedelta(seconds=1)
    db.session.commit()
    with time_machine.travel(booking.starts_at - HOUR + timedelta(minutes=13), tick=False):
        tasks.run(task.id)
    db.session.refresh(task)
    assert (task.state, task.last_error) == (State.CANCELLED, "reminder_late")
    assert mails.messages == []


def test_retry_sends_one_that_is_still_in_time_and_no_later_one(
    booking: Booking, mails: MailServer
) -> None:
    mails.recipient_answer = "550 5.1.1 no such user"
    with moment_of(booking, HOUR) as task:
        tasks.run(task.id)
        db.session.refresh(task)
        assert task.state == State.FAILED
        mails.recipient_answer = ""
    provision.retry(booking, task, Actor.HOST)
    with time_machine.travel(booking.starts_at - HOUR + timedelta(minutes=5), tick=False):
        tasks.run(task.id)
    assert len(mails.to(KEN)) == 1
    [again] = [one for one in reminders_of(booking) if one.id == task.id]
    again.state = State.FAILED
    db.session.commit()
    provision.retry(booking, again, Actor.HOST)
    with time_machine.travel(booking.starts_at - HOUR + timedelta(minutes=20), tick=False):
        tasks.run(task.id)
    assert len(mails.to(KEN)) == 1


@pytest.mark.parametrize("what", ["moved", "cancelled", "turned off"])
def test_one_that_runs_while_its_booking_changes_does_not_go_out(
    booking: Booking, mails: MailServer, settings: Settings, what: str
) -> None:
    with moment_of(booking, HOUR) as task:
        lease = outbox.claim(task.id, settings.lease)  # another worker has it in hand
        assert lease is not None
        if what == "moved":
            move(booking, booking.starts_at + HOUR)
        elif what == "cancelled":
            service.cancel(booking, by="host")
        else:
            reminder_switch.turn_off(booking)
        task_id = task.id
        db.session.remove()
        tasks._do(lease)
        assert db.session.get_one(Task, task_id).state == State.CANCELLED
        assert not [mail for mail in mails.messages if "reminder" in str(mail["Message-ID"])]


def test_the_moved_ones_leave_at_the_new_time(booking: Booking, mails: MailServer) -> None:
    move(booking, booking.starts_at + timedelta(hours=3))
    with moment_of(booking, HOUR) as task:
        tasks.run(task.id)
    [mail] = mails.messages
    assert f"<{booking.public_id}.reminder-60.1.client@" in str(mail["Message-ID"])


def test_a_link_that_comes_late_does_not_hold_a_reminder_back(
    booking: Booking, mails: MailServer
) -> None:
    booking.ical_sequence += 1  # as the mail with the link raises it
    db.session.commit()
    with moment_of(booking, HOUR) as task:
        tasks.run(task.id)
    [mail] = mails.messages
    # Of the sequence it was planned at: each try of one mail has one name.
    assert f"<{booking.public_id}.reminder-60.0.client@" in str(mail["Message-ID"])


def test_two_workers_at_once_send_one(booking: Booking, app: Flask, mails: MailServer) -> None:
    with moment_of(booking, HOUR) as task:
        task_id = task.id

        def worker() -> None:
            with app.app_context():
                tasks.run(task_id)

        assert at_once(*[worker] * 4) == [None] * 4
    assert len(mails.messages) == 1


def test_one_whose_worker_died_is_sent_under_the_same_name(
    booking: Booking, mails: MailServer, settings: Settings
) -> None:
    with moment_of(booking, HOUR) as task:
        assert outbox.claim(task.id, settings.lease)
        outbox.service.change(Task.id == task.id, lease_until=datetime(2026, 1, 1, tzinfo=UTC))
        db.session.commit()
        tasks.run(task.id)
        tasks.run(task.id)
    assert len(mails.messages) == 1


def test_a_fault_in_one_of_a_job_leaves_the_others(booking: Booking, mails: MailServer) -> None:
    first, second, _third = reminders_of(booking)
    first.kind = "mail.attendee.nonsense"
    second.due_at = datetime.now(UTC) - timedelta(seconds=1)
    first.due_at = second.due_at
    db.session.commit()
    with time_machine.travel(booking.starts_at - HOUR, tick=False):
        tasks.run(first.id, 999_999, second.id)
    assert len(mails.messages) == 1


def test_a_slow_server_keeps_a_jobs_others_from_holding_up_what_waits(
    app: Flask, booking: Booking, mails: MailServer
) -> None:
    mails.seconds_for_data = tasks.LONGEST_JOB + 0.1
    first, second, third = reminders_of(booking)
    with moment_of(booking, HOUR) as task:
        tasks.run(task.id, first.id, third.id)
    assert second.id == task.id
    assert len(mails.messages) == 1
    valkey = outbox.queue._connection(app.extensions["settings"].redis_url)
    [job] = valkey.lrange("rq:queue:reminders", 0, -1)
    assert job.decode().startswith(f"{first.id}_{third.id}-")


def test_the_mail_offers_one_press_that_turns_them_off(
    app: Flask, booking: Booking, mails: MailServer
) -> None:
    with moment_of(booking, DAY) as task:
        tasks.run(task.id)
    [mail] = mails.messages
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    address = str(mail["List-Unsubscribe"]).strip("<>")
    assert address in text_of(mail)
    assert mail.get_content_type() == "multipart/alternative"
    path = address.removeprefix("http://127.0.0.1")
    answer = InProcess(app).send("POST", path, [("List-Unsubscribe", "One-Click")])
    assert answer.status == 200
    waiting = [one for one in reminders_of(booking) if one.state == State.WAITING]
    assert TO_CLIENT not in {one.kind for one in waiting}
    assert followups.reminders(booking)[0].kind == "mail.host.reminder"
    assert utcnow() < booking.starts_at
