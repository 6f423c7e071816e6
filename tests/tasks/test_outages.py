"""Databases that are away, servers that are not there, and faults of ours: nothing is lost."""

import socket
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import requests
import responses
from flask import Flask

from app import tasks
from app.bookings.models import Booking
from app.core.clock import utcnow
from app.core.config import Settings
from app.db import db
from app.outbox import GIVE_UP_AFTER, Task
from tests.support.cast import make_booking, make_host, make_page
from tests.support.services import MailServer, free_ports
from tests.tasks.steps import (
    KEN,
    Connections,
    let_time_pass,
    task_of,
    work,
)
from tests.zoom.api_steps import MEETINGS, made


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
