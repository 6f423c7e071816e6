"""Retry, pressed at any moment of a task's life."""

from datetime import timedelta

import pytest
from flask import Flask

from app import outbox
from app.bookings import provision
from app.bookings.models import Booking
from app.db import db
from app.outbox import Lease, Refused
from tests.support.cast import connect_zoom, make_booking, make_host, make_page, visit_as
from tests.tasks.steps import task_of

GIVEN_UP = Refused("zoom_refused", "No.")


@pytest.fixture
def booking(app: Flask) -> Booking:
    host = make_host()
    connect_zoom(host)
    return make_booking(make_page(host, auto_zoom=True))


def claimed(booking: Booking) -> Lease:
    lease = outbox.claim(task_of(booking, "meeting.create").id, for_=timedelta(seconds=45))
    assert lease is not None
    return lease


def press_retry(app: Flask, booking: Booking) -> None:
    """By an address the host has had on the screen since the failure before."""
    task, host, public_id = task_of(booking, "meeting.create"), booking.host, booking.public_id
    aya = visit_as(app, host)
    token = aya.get("/settings/integrations").all("input[name=csrf_token]")[0]["value"]
    address = f"/dashboard/bookings/{public_id}/retry/{task.id}"
    sent = aya.transport.send("POST", address, {"csrf_token": str(token)})
    assert sent.status == 303
    db.session.expire_all()


def test_between_the_meetings_failure_and_its_tasks_end_it_changes_nothing(
    app: Flask, booking: Booking
) -> None:
    lease = claimed(booking)
    provision.fail_meeting(booking.id, str(GIVEN_UP))
    press_retry(app, booking)
    assert (booking.meeting_state, task_of(booking, "meeting.create").state) == (
        "failed",
        "running",
    )
    assert outbox.give_up(lease, GIVEN_UP)
    db.session.expire_all()
    assert booking.meeting_state == "failed"  # and not "wanted" for ever


def test_after_it_the_meeting_is_wanted_again(app: Flask, booking: Booking) -> None:
    lease = claimed(booking)
    provision.fail_meeting(booking.id, str(GIVEN_UP))
    outbox.give_up(lease, GIVEN_UP)
    press_retry(app, booking)
    assert (booking.meeting_state, task_of(booking, "meeting.create").state) == (
        "wanted",
        "waiting",
    )


@pytest.mark.parametrize("state", ["waiting", "running", "done", "cancelled"])
def test_a_task_that_has_not_failed_is_left_alone(app: Flask, booking: Booking, state: str) -> None:
    task_of(booking, "meeting.create").state = state
    booking.meeting.state = "failed"
    db.session.commit()
    press_retry(app, booking)
    assert booking.meeting_state == "failed"
    assert task_of(booking, "meeting.create").state == state
