"""Who removes CalSync at Zoom and does not leave it the data: what came from Zoom goes in time."""

from datetime import datetime, timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import text

from app.accounts.models import User
from app.bookings import moving
from app.bookings.meetings import Meeting
from app.bookings.models import Booking
from app.bookings.service import cancel
from app.core.clock import utcnow
from app.db import db
from app.events import Actor
from app.tasks import erasures
from app.tasks.sweep import sweep
from app.zoom import service
from app.zoom.models import ZoomErasure
from app.zoom.values import Identity
from tests.support.cast import (
    connect_zoom,
    give_meeting,
    make_booking,
    make_host,
    make_page,
    move_back,
    tomorrow,
)
from tests.tasks.steps import task_of
from tests.zoom.events import ZOOM_USER, removal
from tests.zoom.steps import grant
from tests.zoom.webhook_steps import post

LINK = "https://zoom.example/j/85012345678?pwd=x"


@pytest.fixture
def host(app: Flask) -> User:
    made = make_host()
    connect_zoom(made, zoom_user_id=ZOOM_USER, authorized_at=utcnow() - timedelta(days=40))
    return made


def booked(host: User, hour: int, zoom_host_id: str = ZOOM_USER) -> Booking:
    """A booking of tomorrow with its meeting, as that Zoom user's."""
    booking = make_booking(make_page(host, auto_zoom=True), tomorrow(hour))
    give_meeting(booking, zoom_host_id=zoom_host_id, join_url=LINK, passcode="123456")
    booking.created_at -= timedelta(minutes=1)
    db.session.commit()
    return booking


def over(host: User, hour: int, zoom_host_id: str = ZOOM_USER) -> Booking:
    booking = booked(host, hour, zoom_host_id)
    move_back(booking, timedelta(days=30))
    return booking


def kept(booking: Booking) -> tuple[int | None, str | None, str | None, str | None]:
    """Number, owner, link and passcode."""
    db.session.refresh(booking)
    return booking.meeting.external_id, booking.zoom_host_id, booking.join_url, booking.passcode


WHOLE = (85012345678, ZOOM_USER, LINK, "123456")
NOTHING = (None, None, None, None)
LINK_ALONE = (None, None, LINK, "123456")


def in_days(days: float) -> datetime:
    return utcnow() + timedelta(days=days)


def test_of_what_is_over_everything_goes_and_what_is_to_come_keeps_its_link(
    app: Flask, host: User
) -> None:
    past, to_come = over(host, 1), booked(host, 2)
    assert post(app, removal()).status_code == 200
    sweep()
    assert kept(past) == NOTHING
    assert kept(to_come) == WHOLE
    assert past.client.email == "ken@example.com"  # the booking itself stays


def test_within_ten_days_a_booking_to_come_keeps_the_link_alone_and_then_nothing(
    app: Flask, host: User
) -> None:
    booking = booked(host, 2)
    move_back(booking, timedelta(days=-30))
    post(app, removal())
    with time_machine.travel(in_days(10), tick=False):
        sweep()
        assert kept(booking) == LINK_ALONE
        assert db.session.query(ZoomErasure).count() == 1
    with time_machine.travel(booking.ends_at - timedelta(minutes=1), tick=False):
        sweep()
        assert kept(booking) == LINK_ALONE
    with time_machine.travel(booking.ends_at, tick=False):
        sweep()
        sweep()
        assert kept(booking) == NOTHING
    assert db.session.query(ZoomErasure).count() == 0


def test_the_link_goes_along_with_a_booking_that_is_moved(app: Flask, host: User) -> None:
    booking = booked(host, 2)
    move_back(booking, timedelta(days=-30))
    post(app, removal())
    with time_machine.travel(in_days(10), tick=False):
        sweep()
        moving.move(booking, booking.starts_at + timedelta(days=1), Actor.HOST)
    with time_machine.travel(booking.ends_at - timedelta(minutes=1), tick=False):
        sweep()
        assert kept(booking) == LINK_ALONE
    with time_machine.travel(booking.ends_at, tick=False):
        sweep()
        assert kept(booking) == NOTHING


def test_a_cancelled_booking_needs_no_link_any_more(app: Flask, host: User) -> None:
    booking = booked(host, 2)
    cancel(booking, by="client")
    post(app, removal())
    sweep()
    assert kept(booking) == NOTHING


@pytest.mark.parametrize("deed", ["create", "move", "check", "delete"])
def test_what_zoom_said_goes_as_well_and_our_own_word_for_it_stays(
    app: Flask, host: User, deed: str
) -> None:
    booking = over(host, 2)
    task = task_of(booking, "meeting.create")
    booking.meeting.error = "zoom_refused: aya's own words."
    task.kind, task.state = f"meeting.{deed}", "failed"
    task.last_error = "zoom_refused: aya's own words."
    db.session.commit()
    post(app, removal())
    sweep()
    db.session.expire_all()
    assert booking.meeting.error == "zoom_refused"
    assert task_of(booking, f"meeting.{deed}").last_error == "zoom_refused"


@pytest.mark.parametrize("said", ["true", None, "absent", True])
def test_data_that_is_left_to_calsync_stays(app: Flask, host: User, said: object) -> None:
    booking = over(host, 1)
    event = removal(user_data_retention=said)
    if said == "absent":
        del event["payload"]["user_data_retention"]
    post(app, event)
    with time_machine.travel(in_days(11), tick=False):
        sweep()
    assert kept(booking) == WHOLE


@pytest.mark.parametrize("said", ["false", False, "False"])
def test_no_is_understood_in_each_spelling(app: Flask, host: User, said: object) -> None:
    booking = over(host, 1)
    post(app, removal(user_data_retention=said))
    sweep()
    assert kept(booking) == NOTHING


def test_other_zoom_users_meetings_stay(app: Flask, host: User) -> None:
    booking = over(host, 1, zoom_host_id="another-zoom-user")
    post(app, removal())
    sweep()
    assert kept(booking)[2:] == (LINK, "123456")


def test_who_comes_back_within_the_week_finds_what_is_to_come(app: Flask, host: User) -> None:
    booking = booked(host, 2)
    move_back(booking, timedelta(days=-30))
    post(app, removal())
    sweep()
    service.link(host.id, grant(2), Identity(ZOOM_USER))
    with time_machine.travel(in_days(11), tick=False):
        sweep()
    assert kept(booking) == WHOLE


def test_a_removal_told_late_erases_nothing_of_who_is_back(app: Flask, host: User) -> None:
    booking = over(host, 1)
    service.link(host.id, grant(2), Identity(ZOOM_USER))
    post(app, removal(at=utcnow() - timedelta(hours=1)))
    sweep()
    assert kept(booking) == WHOLE


def test_meetings_made_after_the_removal_are_none_of_its_business(app: Flask, host: User) -> None:
    post(app, removal(at=utcnow() - timedelta(minutes=30)))
    booking = over(host, 1)
    sweep()
    assert kept(booking) == WHOLE


def test_the_same_user_may_remove_twice(app: Flask, host: User) -> None:
    booked(host, 2)
    for minutes in (2, 1):
        post(app, removal(at=utcnow() - timedelta(minutes=minutes)))
        sweep()
    assert db.session.query(ZoomErasure).count() <= 1


def test_many_meetings_go_in_bounded_rounds_those_left_behind_as_well(
    app: Flask, host: User
) -> None:
    booking = over(host, 1)
    names = [column.name for column in Meeting.__table__.columns if column.name != "id"]
    values = ", ".join({"state": "'left_behind'"}.get(name, name) for name in names)
    most = erasures.MOST
    db.session.execute(text(
        f"INSERT INTO meetings ({', '.join(names)}) WITH RECURSIVE numbers(n) AS (SELECT 1 UNION"
        f" ALL SELECT n + 1 FROM numbers WHERE n < {most}) SELECT {values} FROM meetings, numbers"
    ))  # fmt: skip
    db.session.commit()
    post(app, removal())
    assert [erasures.erase_zoom_data() for _ in range(3)] == [most, 1, 0]
    assert kept(booking) == NOTHING
