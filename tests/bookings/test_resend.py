"""A mail that did not reach the client: its host corrects the address, sends again, copies the link."""

import threading

import pytest
from flask import Flask
from sqlalchemy import select

from app import tasks
from app.accounts.models import User
from app.bookings import resend
from app.bookings.models import Booking
from app.db import db
from app.outbox import Task
from tests.support.cast import make_booking, make_host, make_page, move_back, visit_as
from tests.support.services import MailServer
from tests.support.visitor import Page, Visitor


@pytest.fixture
def host(app: Flask) -> User:
    return make_host()


@pytest.fixture
def booking(host: User) -> Booking:
    return make_booking(make_page(host), email="ken@exmaple.com")


def run_all() -> None:
    for task_id in db.session.scalars(select(Task.id).where(Task.state == "waiting")).all():
        tasks.run(task_id)
    db.session.expire_all()


def bounce(booking: Booking, mails: MailServer) -> None:
    """Let the client's mail be refused, and the host's arrive."""
    mails.recipient_answer = "550 5.1.1 no such user"
    tasks.run(next(task.id for task in booking.tasks if task.kind == "mail.attendee.confirmed"))
    mails.recipient_answer = ""
    run_all()


def page_of(app: Flask, host: User, booking: Booking) -> Page:
    return visit_as(app, host).get(f"/dashboard/bookings/{booking.public_id}")


def test_a_corrected_address_gets_the_mail_and_a_later_invitation(
    app: Flask, host: User, booking: Booking, mails: MailServer
) -> None:
    bounce(booking, mails)
    shown = page_of(app, host, booking)
    assert "refused ken@exmaple.com" in shown.text
    form = shown.form_to(f"/dashboard/bookings/{booking.public_id}/client-address")
    answer = form.send(email=" KEN@example.com")
    assert "on its way there" in answer.text
    run_all()
    [mail] = mails.to("ken@example.com")
    assert str(mail["Message-ID"]).startswith(f"<{booking.public_id}.confirmed.1.again1.client@")
    assert str(mail["References"]).startswith(f"<{booking.public_id}.confirmed.0.client@")
    assert (booking.client.email, booking.ical_sequence) == ("ken@example.com", 1)
    assert {task.state for task in booking.tasks if task.kind == "mail.attendee.confirmed"} == {
        "cancelled",
        "done",
    }
    assert "refused" not in page_of(app, host, booking).text


def test_what_is_no_address_is_told_and_kept(app: Flask, host: User, booking: Booking) -> None:
    form = page_of(app, host, booking).form_to(
        f"/dashboard/bookings/{booking.public_id}/client-address"
    )
    answer = form.send(email="ken at example")
    assert answer.status == 422
    assert "name@example.com" in answer.one(".summary").get_text()
    assert answer.one("input[name=email]")["value"] == "ken at example"
    assert booking.client.email == "ken@exmaple.com"


def test_twenty_presses_send_once(
    app: Flask, host: User, booking: Booking, mails: MailServer
) -> None:
    run_all()
    booking_id = booking.id
    db.session.remove()

    def press() -> None:
        with app.app_context():
            resend.send_again(db.session.get_one(Booking, booking_id), 0)

    crowd = [threading.Thread(target=press) for _ in range(20)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join(timeout=60)
    run_all()
    assert len(mails.to("ken@exmaple.com")) == 2  # the first, and one more


def test_a_form_that_was_sent_before_sends_nothing_and_a_fresh_one_does(
    app: Flask, host: User, booking: Booking, mails: MailServer
) -> None:
    run_all()
    address = f"/dashboard/bookings/{booking.public_id}/resend"
    form = page_of(app, host, booking).form_to(address)
    form.send()
    run_all()
    form.send()
    run_all()
    assert len(mails.to("ken@exmaple.com")) == 2
    page_of(app, host, booking).form_to(address).send()
    run_all()
    ids = [str(mail["Message-ID"]) for mail in mails.to("ken@exmaple.com")]
    assert len(set(ids)) == 3


def test_a_booking_that_is_over_has_nothing_to_send(
    app: Flask, host: User, booking: Booking
) -> None:
    from datetime import timedelta  # noqa: PLC0415

    move_back(booking, timedelta(days=3))
    with pytest.raises(resend.NothingToSend):
        resend.send_again(booking, 0)
    with pytest.raises(resend.NothingToSend):
        resend.correct_address(booking, "ken@example.com")


def test_the_clients_link_is_there_to_be_copied_by_its_host_alone(
    app: Flask, host: User, booking: Booking
) -> None:
    shown = page_of(app, host, booking)
    assert shown.one("#client-link")["value"] == f"http://127.0.0.1/booking/{booking.client.token}"
    assert not shown.one("details:has(#client-link)").has_attr("open")
    mallory: Visitor = visit_as(app, make_host("Mallory"))
    for path in ("", "/client-address", "/resend"):
        address = f"/dashboard/bookings/{booking.public_id}{path}"
        method = "POST" if path else "GET"
        assert mallory.transport.send(method, address, [] if path else None).status in {400, 404}


def test_a_mail_that_waits_goes_to_the_corrected_address_by_itself(
    app: Flask, booking: Booking, mails: MailServer
) -> None:
    mails.recipient_answer = "451 4.3.0 later"
    run_all()
    mails.recipient_answer = ""
    assert resend.correct_address(booking, "ken@example.com")
    assert not resend.correct_address(booking, "ken@example.com")
    for task in booking.tasks:
        task.due_at = booking.created_at
    db.session.commit()
    run_all()
    assert len(mails.to("ken@example.com")) == 1
    assert mails.to("ken@exmaple.com") == []
