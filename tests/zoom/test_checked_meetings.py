"""A meeting is looked at a day and an hour before it begins, and repaired where it is not as agreed."""

from datetime import timedelta

import pytest
from flask import Flask

from app import tasks
from app.bookings import moving
from app.bookings.models import Booking
from app.core.clock import utcnow
from app.db import db
from app.events import Actor
from app.zoom import meetings as zoom_meetings
from tests.support.cast import move_back, visit_as
from tests.support.services import MailServer
from tests.support.visitor import InProcess, Visitor
from tests.tasks.steps import AYA, KEN, event_of, let_time_pass, text_of, work
from tests.zoom.conftest import Sandbox
from tests.zoom.test_moved_meetings import SIX, TWO, at_zoom, booked, reread


def due_now(booking: Booking, minutes: int) -> None:
    """The look that many minutes before the booking is due."""
    db.session.expire_all()
    [look] = [
        task for task in booking.tasks
        if task.kind == "meeting.check" and task.dedupe_key.endswith(f":{minutes}")
        and task.state == "waiting"
    ]  # fmt: skip
    look.due_at = utcnow()
    db.session.commit()


def reads(sandbox: Sandbox) -> int:
    calls = sandbox.get("calls")
    return sum(1 for call in calls if call["method"] == "GET" and "/meetings/" in call["path"])


def far_ahead(sandbox: Sandbox, scopes: list[str]) -> Booking:
    booking = booked(sandbox, scopes)
    moving.move(booking, booking.starts_at + timedelta(days=3), Actor.HOST)
    work()
    return booking


def test_a_meeting_is_looked_at_twice_and_nobody_is_told_that_all_is_well(
    app: Flask, mails: MailServer, sandbox: Sandbox
) -> None:
    booking = far_ahead(sandbox, SIX)
    before, sent = reads(sandbox), len(mails.messages)
    looks = [task for task in booking.tasks if task.kind == "meeting.check"]
    waiting = [task.due_at for task in looks if task.state == "waiting"]
    hours = [timedelta(hours=24), timedelta(hours=1)]
    assert sorted(waiting) == [booking.starts_at - ahead for ahead in hours]
    for minutes in (1440, 60):
        due_now(booking, minutes)
        work()
    assert reads(sandbox) - before == 2
    assert len(mails.messages) == sent
    checked = reread(booking).meeting.checked_at
    assert utcnow() - checked < timedelta(minutes=1)
    for page, zone in (
        (Visitor(InProcess(app)).get(f"/booking/{booking.client.token}"), booking.client.zone),
        (
            visit_as(app, booking.host).get(f"/dashboard/bookings/{booking.public_id}"),
            booking.host_zone,
        ),
    ):
        said = page.text.partition("Checked in Zoom")[2][:40]
        assert f"{checked.astimezone(zone):%H:%M}" in said


def test_before_it_was_looked_at_nobody_reads_that_it_was(
    app: Flask, mails: MailServer, sandbox: Sandbox
) -> None:
    booking = booked(sandbox, SIX)
    page = Visitor(InProcess(app)).get(f"/booking/{booking.client.token}")
    assert "Checked in Zoom" not in page.text


@pytest.mark.parametrize("scopes", [TWO, SIX])
def test_a_meeting_that_was_moved_at_zoom_is_brought_back_and_all_are_told_once(
    app: Flask, mails: MailServer, sandbox: Sandbox, scopes: list[str]
) -> None:
    booking = far_ahead(sandbox, scopes)
    move_back(booking, timedelta(hours=2))  # as if Zoom's were later
    sent = len(mails.to(KEN))
    for minutes in (1440, 60):
        due_now(booking, minutes)
        work()
    assert at_zoom(sandbox)[reread(booking).meeting.external_id] == booking.starts_at
    for address in (KEN, AYA):
        [told] = mails.to(address)[sent:]
        assert booking.join_url in text_of(told)
        assert event_of(told).decoded("DTSTART") == booking.starts_at


def test_a_meeting_that_was_deleted_at_zoom_is_made_again_and_all_are_told_once(
    app: Flask, mails: MailServer, sandbox: Sandbox
) -> None:
    booking = far_ahead(sandbox, SIX)
    zoom_meetings.delete(booking.host_id, booking.meeting.external_id, lambda: None)
    sent = len(mails.to(KEN))
    for minutes in (1440, 60):
        due_now(booking, minutes)
        work()
    assert at_zoom(sandbox) == {reread(booking).meeting.external_id: booking.starts_at}
    for address in (KEN, AYA):
        [told] = mails.to(address)[sent:]
        assert booking.join_url in text_of(told)


def test_nobody_is_told_of_a_repair_that_has_not_worked(
    app: Flask, mails: MailServer, sandbox: Sandbox
) -> None:
    booking = far_ahead(sandbox, SIX)
    move_back(booking, timedelta(hours=2))
    sent = len(mails.messages)
    due_now(booking, 1440)
    [look] = [
        task.id
        for task in booking.tasks
        if task.kind == "meeting.check" and task.due_at <= utcnow()
    ]
    tasks.run(look)
    sandbox.fault("500")
    work()
    assert len(mails.messages) == sent
    let_time_pass()
    for one in [task.id for task in booking.tasks if task.kind == "meeting.move"]:
        tasks.run(one)
    work()
    assert at_zoom(sandbox)[reread(booking).meeting.external_id] == booking.starts_at
    assert len(mails.messages) == sent + 2
