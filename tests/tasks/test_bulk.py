"""After an outage the operator tries everything once more, and a test mail says how things stand."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from app.bookings.models import Booking
from app.core.config import Settings
from app.db import db
from app.outbox import Task
from app.tasks import bulk
from tests.admin.test_queues import admin, at_the_queues
from tests.support.cast import make_booking, make_host, make_page, move_back
from tests.support.services import MailServer
from tests.support.visitor import Visitor

__all__ = ["admin", "at_the_queues"]


def failed_booking(name: str, **errors: str) -> Booking:
    booking = make_booking(make_page(make_host(name), auto_zoom=True))
    booking.meeting.state = "failed"
    for task in booking.tasks:
        task.state = "failed"
        task.last_error = errors.get(
            task.kind.split(".")[0], "smtp_refused: 554 Relay access denied"
        )
    db.session.commit()
    return booking


def states(booking: Booking) -> dict[str, str]:
    db.session.expire_all()
    return {task.kind: task.state for task in booking.tasks}


def test_what_failed_is_counted_by_kind_and_reason(app: Flask) -> None:
    failed_booking("Aya", meeting="zoom_ill")
    failed_booking("Ines", meeting="zoom_ill")
    rows = {(row.kind, row.reason): row.tasks for row in bulk.failed_tasks()}
    assert rows == {
        ("mail.attendee.confirmed", "smtp_refused"): 2,
        ("mail.host.confirmed", "smtp_refused"): 2,
        ("meeting.create", "zoom_ill"): 2,
    }


def test_a_retry_of_a_kind_and_reason_leaves_the_others(app: Flask) -> None:
    booking = failed_booking("Aya", meeting="zoom_ill")
    assert bulk.retry_failed("meeting.create", "zoom_ill") == 1
    assert states(booking)["meeting.create"] == "waiting"
    assert states(booking)["mail.attendee.confirmed"] == "failed"
    assert booking.meeting_state == "wanted"
    assert bulk.retry_failed() == 2
    assert bulk.retry_failed() == 0


def test_what_is_over_is_not_tried_again(app: Flask) -> None:
    booking = failed_booking("Aya")
    move_back(booking, timedelta(days=3))
    assert bulk.failed_tasks() == []
    assert bulk.retry_failed() == 0


def test_the_admins_page_lists_and_retries(app: Flask, at_the_queues: Visitor) -> None:
    booking = failed_booking("Aya", meeting="zoom_ill")
    shown = at_the_queues.get("/admin/failed")
    assert "meeting.create" in shown.text
    done = shown.press("Retry all")
    assert "3 tasks are tried once more." in done.text
    assert set(states(booking).values()) == {"waiting"}
    assert "Nothing has failed" in at_the_queues.get("/admin/failed").text


def test_the_command_lists_first_and_retries_when_told(app: Flask) -> None:
    booking = failed_booking("Aya", meeting="zoom_ill")
    runner = app.test_cli_runner()
    listed = runner.invoke(args=["retry-failed"])
    assert "meeting.create" in listed.output
    assert set(states(booking).values()) == {"failed"}
    done = runner.invoke(args=["retry-failed", "--kind", "meeting.create", "--yes"])
    assert "1 are tried once more." in done.output
    assert states(booking)["meeting.create"] == "waiting"


def test_a_test_mail_says_what_the_server_answers(app: Flask, mails: MailServer) -> None:
    runner = app.test_cli_runner()
    sent = runner.invoke(args=["send-test-mail", "Operator@example.com"])
    assert (sent.exit_code, "250" in sent.output) == (0, True)
    assert [str(mail["Subject"]) for mail in mails.to("operator@example.com")] == [
        "CalSync test mail"
    ]
    mails.recipient_answer = "554 5.7.1 Relay access denied"
    refused = runner.invoke(args=["send-test-mail", "operator@example.com"])
    assert refused.exit_code == 1
    assert "smtp_refuses_us" in refused.output
    assert runner.invoke(args=["send-test-mail", "nobody"]).exit_code == 1


def test_a_relay_that_denies_us_fails_no_mail(
    app: Flask, mails: MailServer, change_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    from app import tasks  # noqa: PLC0415

    booking = make_booking(make_page(make_host()))
    mails.recipient_answer = "554 5.7.1 <ken@example.com>: Relay access denied"
    for task in list(booking.tasks):
        tasks.run(task.id)
    db.session.expire_all()
    assert {(task.state, task.last_error) for task in booking.tasks} == {
        ("waiting", "smtp_refuses_us")
    }


@pytest.mark.parametrize("address", ["taro..yamada.@docomo.example"])
def test_an_old_carriers_address_is_delivered_to(
    app: Flask, mails: MailServer, address: str
) -> None:
    from app import tasks  # noqa: PLC0415

    booking = make_booking(make_page(make_host()), email=address)
    task = next(task for task in booking.tasks if task.kind == "mail.attendee.confirmed")
    tasks.run(task.id)
    assert db.session.get_one(Task, task.id, populate_existing=True).state == "done"
    assert len(mails.messages) == 1
