"""A booking is moved or cancelled while Zoom is asked about its meeting: nobody is told of a fault that is none."""

from datetime import timedelta

import pytest
from flask import Flask

from app import tasks
from app.bookings import moving, service
from app.bookings.models import Booking
from app.bookings.remains import left_behind
from app.core.clock import utcnow
from app.db import db
from app.events import Actor
from app.zoom import meetings as zoom_meetings
from app.zoom import service as zoom_service
from tests.support.cast import tomorrow
from tests.support.services import MailServer
from tests.tasks.steps import KEN, states, task_of, work
from tests.zoom.conftest import Sandbox
from tests.zoom.test_checked_meetings import due_now, far_ahead
from tests.zoom.test_moved_meetings import (
    SIX,
    TWO,
    around_next_call,
    at_zoom,
    booked,
    numbers,
    reread,
)


def look_of(booking: Booking) -> int:
    """The look of a day before, which is due now."""
    due_now(booking, 1440)
    return next(
        task.id for task in booking.tasks
        if task.dedupe_key.endswith(":1440") and task.state == "waiting"
    )  # fmt: skip


def test_a_move_is_not_taken_for_a_change_at_zoom(
    app: Flask, mails: MailServer, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking = far_ahead(sandbox, SIX)
    sent, look = len(mails.to(KEN)), look_of(booking)

    def move_meanwhile() -> None:
        with app.app_context():
            moving.move(db.session.get_one(Booking, booking.id), tomorrow(9), Actor.CLIENT)

    around_next_call(monkeypatch, "/meetings/", after=move_meanwhile)
    tasks.run(look)
    work()
    assert list(at_zoom(sandbox).values()) == [tomorrow(9)]
    [told] = mails.to(KEN)[sent:]
    assert str(told["Subject"]).startswith("Moved: ")


def test_a_meeting_that_is_yet_to_be_moved_was_not_changed_at_zoom(
    app: Flask, mails: MailServer, sandbox: Sandbox
) -> None:
    booking = far_ahead(sandbox, SIX)
    sent = len(mails.to(KEN))
    moving.move(booking, booking.starts_at + timedelta(hours=1), Actor.CLIENT)
    checked, look = booking.meeting.checked_at, look_of(booking)
    tasks.run(look)  # before the meeting is moved, which Zoom may put off for hours
    assert reread(booking).meeting.checked_at == checked  # it is not as it should be
    work()
    [told] = mails.to(KEN)[sent:]
    assert str(told["Subject"]).startswith("Moved: ")
    assert list(at_zoom(sandbox).values()) == [booking.starts_at]


def test_a_cancellation_overtakes_a_move_and_nothing_has_failed(
    app: Flask, mails: MailServer, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking = booked(sandbox, SIX)
    moving.move(booking, tomorrow(6), Actor.CLIENT)
    move = task_of(booking, "meeting.move").id

    def cancel_meanwhile() -> None:
        with app.app_context():
            service.cancel(db.session.get_one(Booking, booking.id), "host")
            work()

    around_next_call(monkeypatch, "/meetings/", before=cancel_meanwhile)
    tasks.run(move)
    assert states(booking)["meeting.move"] == "cancelled"
    assert at_zoom(sandbox) == {}


@pytest.mark.parametrize("first", ["meeting.move", "meeting.check"])
def test_of_two_who_find_the_meeting_gone_one_has_it_made_and_none_fails(
    app: Flask, mails: MailServer, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    booking = far_ahead(sandbox, SIX)
    zoom_meetings.delete(booking.host_id, booking.meeting.external_id, lambda: None)
    if first == "meeting.move":
        moving.move(booking, tomorrow(6), Actor.CLIENT)
        task_id = next(
            task.id for task in booking.tasks if task.kind == first and task.state == "waiting"
        )
    else:
        task_id = look_of(booking)

    def move_meanwhile() -> None:
        with app.app_context():
            moving.move(db.session.get_one(Booking, booking.id), tomorrow(9), Actor.CLIENT)
            work()

    around_next_call(monkeypatch, "/meetings/", before=move_meanwhile)
    tasks.run(task_id)
    work()
    assert "failed" not in {task.state for task in reread(booking).tasks}
    assert list(at_zoom(sandbox).values()) == [tomorrow(9)]


def test_a_meeting_that_a_move_had_left_at_the_former_time_was_not_changed_at_zoom(
    app: Flask, mails: MailServer, sandbox: Sandbox
) -> None:
    booking = booked(sandbox, SIX)
    zoom_service.disconnect(booking.host_id)
    moving.move(booking, booking.starts_at + timedelta(days=3), Actor.HOST)
    work()
    sent = len(mails.messages)
    zoom_service.link(booking.host_id, sandbox.grant("aya"))
    tasks.run(look_of(booking))
    work()
    assert list(at_zoom(sandbox).values()) == [reread(booking).starts_at]
    assert len(mails.messages) == sent


@pytest.mark.parametrize("may_delete", [True, False])
def test_of_two_meetings_made_at_once_the_one_that_is_not_kept_is_deleted_or_told(
    app: Flask, mails: MailServer, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch,
    may_delete: bool,
) -> None:  # fmt: skip
    """A worker died when it had kept the first meeting, and its task is done once more beside the one by
    which a move has another made."""
    booking = booked(sandbox, [*TWO, "meeting:delete:meeting"] if may_delete else TWO)
    first = task_of(booking, "meeting.create")
    first.state, first.lease_until = "running", utcnow() - timedelta(seconds=1)
    db.session.commit()
    moving.move(booking, tomorrow(6), Actor.CLIENT)
    again, anew = (task.id for task in reread(booking).tasks if task.kind == "meeting.create")

    def make_meanwhile() -> None:
        tasks.run(anew)

    around_next_call(monkeypatch, "/users/me/meetings", before=make_meanwhile)
    tasks.run(again)
    work()
    assert set(at_zoom(sandbox)) == set(numbers(booking))  # none that nobody knows of
    current = reread(booking).meeting.external_id
    assert at_zoom(sandbox)[current] == tomorrow(6)
    assert len(left_behind(booking)) == (0 if may_delete else 2)
