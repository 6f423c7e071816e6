"""Mails: busy, slow and refusing servers, leases, and the order in which they leave."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from aiosmtpd.smtp import Envelope
from flask import Flask

from app import outbox, tasks
from app.bookings import provision
from app.bookings.models import Booking
from app.core.clock import utcnow
from app.core.config import Settings
from app.db import db
from app.events import Actor
from app.outbox import Overtaken, Task
from app.tasks.leases import LeaseLost
from app.tasks.mails import deliver
from tests.support.cast import make_booking, make_host, make_page
from tests.support.services import MailServer
from tests.tasks.steps import (
    AYA,
    KEN,
    LINK,
    event_of,
    let_time_pass,
    states,
    task_of,
    text_of,
    work,
)


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
