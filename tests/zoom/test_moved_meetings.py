"""A booking moves: so does its meeting at Zoom, or another takes its place, by what the host granted."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import requests
from flask import Flask
from sqlalchemy import select

from app import tasks
from app.bookings import moving, service
from app.bookings.meetings import Meeting
from app.bookings.models import Booking
from app.bookings.remains import left_behind
from app.db import db
from app.events import Actor
from app.zoom import meetings as zoom_meetings
from app.zoom import service as zoom_service
from tests.support.cast import make_booking, make_host, make_page, tomorrow
from tests.support.services import MailServer
from tests.tasks.steps import AYA, KEN, event_of, states, task_of, text_of, work
from tests.zoom.conftest import Sandbox

TWO = ["meeting:read:meeting", "meeting:write:meeting"]
SIX = [
    *TWO,
    "meeting:update:meeting",
    "meeting:delete:meeting",
    "meeting:read:list_meetings",
    "user:read:user",
]
LATER = timedelta(hours=3)


def nothing() -> None:
    """No deed."""


def around_next_call(
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    before: Callable[[], None] = nothing,
    after: Callable[[], None] = nothing,
) -> None:
    """What happens while the next call to Zoom is on its way there, and on its way back."""
    send = requests.Session.send
    todo = [path]

    def slowly(*arguments: Any, **more: Any) -> requests.Response:
        is_it = bool(todo) and todo[0] in arguments[1].url
        if is_it:
            todo.clear()
            before()
        answer = send(*arguments, **more)
        if is_it:
            after()
        return answer

    monkeypatch.setattr(requests.Session, "send", slowly)


def booked(sandbox: Sandbox, scopes: list[str]) -> Booking:
    """Ken's booking of tomorrow, its meeting at Zoom, the mails sent."""
    sandbox.choose(scopes=scopes)
    host = make_host()
    zoom_service.link(host.id, sandbox.grant("aya"))
    booking = make_booking(make_page(host, auto_zoom=True), tomorrow(3))
    work()
    assert booking.join_url
    return booking


def at_zoom(sandbox: Sandbox) -> dict[int, datetime]:
    return {
        int(row["id"]): datetime.fromisoformat(row["start_time"]) for row in sandbox.get("meetings")
    }


def reread(booking: Booking) -> Booking:
    db.session.expire_all()
    return booking


def numbers(booking: Booking) -> dict[int | None, str]:
    rows = db.session.execute(
        select(Meeting.external_id, Meeting.state).where(Meeting.booking_id == booking.id)
    )
    return dict(tuple(row) for row in rows)


def test_with_the_update_scope_the_meeting_moves_and_its_link_stays(
    app: Flask, mails: MailServer, sandbox: Sandbox
) -> None:
    booking = booked(sandbox, SIX)
    link = booking.join_url
    moving.move(booking, booking.starts_at + LATER, Actor.CLIENT)
    work()
    assert list(at_zoom(sandbox).values()) == [booking.starts_at]
    assert reread(booking).join_url == link
    for address in (KEN, AYA):
        assert len(mails.to(address)) == 2
        assert "The Zoom link is the same as before." in text_of(mails.to(address)[1])
    assert states(booking)["meeting.move"] == "done"


def test_with_two_scopes_another_meeting_is_made_and_the_first_is_said_to_remain(
    app: Flask, mails: MailServer, sandbox: Sandbox
) -> None:
    booking = booked(sandbox, TWO)
    first, link = booking.meeting.external_id, booking.join_url
    moving.move(booking, booking.starts_at + LATER, Actor.CLIENT)
    assert states(booking)["mail.attendee.moved"] == "waiting"
    work()
    second = reread(booking).meeting.external_id
    assert at_zoom(sandbox) == {first: booking.starts_at - LATER, second: booking.starts_at}
    assert numbers(booking) == {first: "left_behind", second: "ready"}
    assert booking.join_url != link
    to_ken, to_aya = (mails.to(address) for address in (KEN, AYA))
    assert len(to_ken) == len(to_aya) == 2
    for mail in (to_ken[1], to_aya[1]):
        assert booking.join_url in text_of(mail)
        assert "The Zoom link is new: please use this one." in text_of(mail)
        assert event_of(mail)["SEQUENCE"] == 1
    assert "The earlier meeting remains in Zoom." in text_of(to_aya[1])
    assert "remains" not in text_of(to_ken[1])
    assert [one.external_id for one in left_behind(booking)] == [first]


def test_with_the_right_to_delete_nothing_is_left_behind(
    app: Flask, mails: MailServer, sandbox: Sandbox
) -> None:
    booking = booked(sandbox, [*TWO, "meeting:delete:meeting"])
    moving.move(booking, booking.starts_at + LATER, Actor.HOST)
    work()
    assert at_zoom(sandbox) == {reread(booking).meeting.external_id: booking.starts_at}
    assert numbers(booking) == {booking.meeting.external_id: "ready"}
    assert "remains" not in text_of(mails.to(AYA)[1])
    service.cancel(booking, "client")
    work()
    assert at_zoom(sandbox) == {}


def test_a_meeting_that_is_gone_at_zoom_is_made_anew_and_its_link_told(
    app: Flask, mails: MailServer, sandbox: Sandbox
) -> None:
    booking = booked(sandbox, SIX)
    zoom_meetings.delete(booking.host_id, booking.meeting.external_id, lambda: None)
    moving.move(booking, booking.starts_at + LATER, Actor.CLIENT)
    work()
    assert at_zoom(sandbox) == {reread(booking).meeting.external_id: booking.starts_at}
    assert booking.join_url in text_of(mails.to(KEN)[-1])
    assert booking.join_url in text_of(mails.to(AYA)[-1])
    assert list(numbers(booking).values()) == ["ready"]


def test_a_host_who_is_not_connected_any_more_keeps_the_link(
    app: Flask, mails: MailServer, sandbox: Sandbox
) -> None:
    booking = booked(sandbox, SIX)
    link = booking.join_url
    zoom_service.disconnect(booking.host_id)
    moving.move(booking, booking.starts_at + LATER, Actor.CLIENT)
    work()
    assert reread(booking).join_url == link
    assert "In Zoom the meeting still stands at the former time." in text_of(mails.to(AYA)[-1])


@pytest.mark.parametrize("scopes", [TWO, SIX])
def test_a_meeting_that_is_just_being_made_comes_along(
    app: Flask, mails: MailServer, sandbox: Sandbox, scopes: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The booking moves while Zoom makes the meeting for the former time."""
    sandbox.choose(scopes=scopes)
    host = make_host()
    zoom_service.link(host.id, sandbox.grant("aya"))
    booking = make_booking(make_page(host, auto_zoom=True), tomorrow(3))

    def move_meanwhile() -> None:
        with app.app_context():
            moving.move(db.session.get_one(Booking, booking.id), tomorrow(6), Actor.CLIENT)

    around_next_call(monkeypatch, "/users/me/meetings", after=move_meanwhile)
    tasks.run(task_of(booking, "meeting.create").id)
    work()
    current = reread(booking).meeting
    assert at_zoom(sandbox)[current.external_id] == tomorrow(6)
    known = set(numbers(booking))
    assert set(at_zoom(sandbox)) == known  # none that nobody knows of
    assert len(known) == (2 if scopes is TWO else 1)
    assert booking.join_url in text_of(mails.to(KEN)[-1])
    assert event_of(mails.to(KEN)[-1]).decoded("DTSTART") == tomorrow(6)


def test_the_later_of_two_moves_wins_at_zoom(
    app: Flask, mails: MailServer, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The call for the former move arrives after the one for the later."""
    booking = booked(sandbox, SIX)
    moving.move(booking, tomorrow(6), Actor.CLIENT)
    former = task_of(booking, "meeting.move").id

    def overtake() -> None:
        with app.app_context():
            moving.move(db.session.get_one(Booking, booking.id), tomorrow(9), Actor.CLIENT)
            work()

    around_next_call(monkeypatch, "/meetings/", before=overtake)
    tasks.run(former)
    work()
    assert list(at_zoom(sandbox).values()) == [tomorrow(9)]
