"""A booking is moved while the mails of its former time are on their way."""

from datetime import timedelta

from flask import Flask

from app import outbox
from app.bookings import moving, resend
from app.bookings.models import Booking
from app.core.errors import Unavailable
from app.db import db
from app.desk.listing import worst_failure
from app.events import Actor
from tests.support.cast import make_booking, make_host, make_page, tomorrow
from tests.support.services import MailServer
from tests.tasks.steps import KEN, let_time_pass, task_of, work

CLIENT = Actor.CLIENT


def mail_that_is_running(booking: Booking, kind: str) -> outbox.Lease:
    lease = outbox.claim(task_of(booking, kind).id, timedelta(seconds=30))
    assert lease is not None
    return lease


def put_off(lease: outbox.Lease) -> None:
    """The mail server did not take it; the next try comes after all the others."""
    outbox.postpone(lease, Unavailable("smtp_unreachable"))
    work()
    let_time_pass()
    work()


def subjects(mails: MailServer) -> list[str]:
    return [str(mail["Subject"]).partition(":")[0] for mail in mails.to(KEN)]


def test_a_confirmation_that_was_being_sent_does_not_follow_the_move(
    app: Flask, mails: MailServer
) -> None:
    booking = make_booking(make_page(make_host()), tomorrow(3))
    running = mail_that_is_running(booking, "mail.attendee.confirmed")
    moving.move(booking, tomorrow(6), CLIENT)
    put_off(running)
    assert subjects(mails) == ["Moved"]
    assert task_of(booking, "mail.attendee.confirmed").state == "cancelled"


def test_of_two_moves_one_mail_is_sent_where_the_first_was_being_sent(
    app: Flask, mails: MailServer
) -> None:
    booking = make_booking(make_page(make_host()), tomorrow(3))
    work()
    moving.move(booking, tomorrow(6), CLIENT)
    running = mail_that_is_running(booking, "mail.attendee.moved")
    moving.move(booking, tomorrow(9), CLIENT)
    put_off(running)
    assert subjects(mails) == ["Booked", "Moved"]


def test_what_failed_for_the_former_time_is_not_the_hosts_to_mend(
    app: Flask, mails: MailServer
) -> None:
    booking = make_booking(make_page(make_host()), tomorrow(3))
    mails.recipient_answer = "550 5.1.1 no such user"
    work()
    assert worst_failure(booking) is not None
    mails.recipient_answer = ""
    moving.move(booking, tomorrow(6), CLIENT)
    work()
    db.session.expire_all()
    assert subjects(mails) == ["Moved"]
    assert worst_failure(booking) is None


def test_a_mail_about_a_move_that_waits_is_the_one_that_is_sent_again(
    app: Flask, mails: MailServer
) -> None:
    booking = make_booking(make_page(make_host()), tomorrow(3))
    work()
    moving.move(booking, tomorrow(6), CLIENT)
    assert not resend.send_again(booking, after=0)
    assert resend.correct_address(booking, "ken@example.org")
    work()
    [moved] = mails.to("ken@example.org")
    assert str(moved["Subject"]).startswith("Moved: ")
    assert subjects(mails) == ["Booked"]
