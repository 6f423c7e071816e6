"""The host's private calendar feed."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from icalendar import Calendar

from app.accounts.feed import make_feed
from app.accounts.models import User
from app.booking_pages.models import BookingPage
from app.bookings import resend, service
from app.core.clock import utcnow
from app.db import db
from app.notifications import feed
from app.notifications.invitations import invitation
from bench.page import counting
from tests.support.cast import (
    give_meeting,
    make_booking,
    make_host,
    make_page,
    move_back,
    tomorrow,
)
from tests.support.visitor import Answer, InProcess


@pytest.fixture
def aya(app: Flask) -> User:
    return make_host()


@pytest.fixture
def page(aya: User) -> BookingPage:
    return make_page(aya, location="Shibuya")


class Reader:
    """A calendar that subscribes: no cookie, and what it was told to remember."""

    def __init__(self, app: Flask, host: User) -> None:
        self.app = app
        self.path = f"/feed/{make_feed(host)}.ics"

    def read(self, etag: str = "") -> Answer:
        headers = {"If-None-Match": etag} if etag else {}
        return InProcess(self.app, headers).send("GET", self.path, None)

    def events(self) -> dict[str, Any]:
        calendar = Calendar.from_ical(self.read().text)
        return {str(event["UID"]): event for event in calendar.walk("VEVENT")}


@pytest.fixture
def reader(app: Flask, aya: User) -> Reader:
    return Reader(app, aya)


def test_confirmed_bookings_are_in_it_as_the_hosts_invitations_tell_them(
    reader: Reader, page: BookingPage
) -> None:
    booking = give_meeting(
        make_booking(page, name="田中 健", note="a, b; <c>"), join_url="https://zoom.example/j/1"
    )
    service.cancel(make_booking(page, tomorrow(3)), by="client")
    (event,) = reader.events().values()
    (invited,) = Calendar.from_ical(invitation(booking, "host", "REQUEST")).walk("VEVENT")
    told = set(invited) - {"ATTENDEE", "DTSTAMP"}
    assert {name: event[name].to_ical() for name in told} == {
        name: invited[name].to_ical() for name in told
    }
    assert event["UID"] == booking.ical_uid
    assert "ATTENDEE" not in event
    assert event["DTSTAMP"].dt == booking.created_at.replace(microsecond=0)


def test_it_reaches_ninety_days_back(reader: Reader, page: BookingPage) -> None:
    for days in (89, 91):
        move_back(make_booking(page, tomorrow(), name=f"{days} days"), timedelta(days=days + 1))
    (event,) = reader.events().values()
    assert "89 days" in event["SUMMARY"]


def test_the_calendar_has_a_name_and_says_how_often_to_look(reader: Reader) -> None:
    answer = reader.read()
    calendar = Calendar.from_ical(answer.text)
    assert calendar["X-WR-CALNAME"] == "Aya Sato (CalSync)"
    assert "REFRESH-INTERVAL;VALUE=DURATION:PT1H\r\n" in answer.text
    assert calendar["X-PUBLISHED-TTL"] == "PT1H"
    assert "METHOD" not in calendar
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert "Set-Cookie" not in answer.headers


def test_what_has_not_changed_is_not_sent_again_by_one_statement(
    app: Flask, reader: Reader, page: BookingPage
) -> None:
    make_booking(page)
    first = reader.read()
    etag = first.headers["Etag"]
    assert etag.startswith('"')
    with counting() as statements:
        again = reader.read(etag)
    assert (again.status, again.text, again.headers["Etag"]) == (304, "", etag)
    assert len(statements) == 1
    assert reader.read(f"W/{etag}").status == 304
    feed.KEPT.keep(page.user_id, "", {})  # as a process that has just begun
    assert reader.read().text == first.text


def changes(page: BookingPage) -> dict[str, Any]:
    booking = make_booking(page)
    host = page.host

    def rename() -> None:
        host.name = "Aya Suzuki"
        db.session.commit()

    def speak() -> None:
        host.locale = "ja"
        db.session.commit()

    return {
        "booked": lambda: make_booking(page, tomorrow(5)),
        "link": lambda: give_meeting(booking, join_url="https://zoom.example/j/9"),
        "address": lambda: resend.correct_address(booking, "other@example.com"),
        "name": rename,
        "language": speak,
        "cancelled": lambda: service.cancel(booking, by="host"),
    }


def test_whatever_changes_is_sent(reader: Reader, page: BookingPage) -> None:
    for what, change in changes(page).items():
        before = reader.read()
        change()
        after = reader.read(before.headers["Etag"])
        assert after.status == 200, what
        assert after.text != before.text, what


def test_only_what_is_new_is_drawn(
    reader: Reader, page: BookingPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_booking(page)
    reader.read()
    drawn: list[int] = []
    draw = feed._draw
    monkeypatch.setattr(
        feed, "_draw", lambda host, numbers: drawn.extend(numbers) or draw(host, numbers)
    )
    booking = make_booking(page, tomorrow(4))
    assert len(reader.events()) == 2
    assert drawn == [booking.id]


def test_a_feed_shows_its_own_hosts_bookings_alone(app: Flask, reader: Reader) -> None:
    make_booking(make_page(make_host("Mallory")))
    assert reader.events() == {}


def test_a_host_who_is_gone_or_disabled_has_no_feed(reader: Reader, aya: User) -> None:
    aya.disabled_at = utcnow()
    db.session.commit()
    assert reader.read().status == 404
    aya.disabled_at = None
    db.session.commit()
    assert reader.read().status == 200
    db.session.delete(aya)
    db.session.commit()
    assert reader.read().status == 404


def test_its_token_is_in_no_log(reader: Reader, capfd: pytest.CaptureFixture[str]) -> None:
    reader.read()
    token = reader.path.removeprefix("/feed/").removesuffix(".ics")
    InProcess(reader.app).send("GET", f"/feed/{token}x.ics", None)
    out, err = capfd.readouterr()
    assert token not in out + err


def test_what_is_kept_of_feeds_has_a_bound() -> None:
    kept = feed.Kept(10)
    kept.keep(1, "a", {"x": b"12345"})
    kept.keep(2, "a", {"x": b"12345"})
    assert kept.of(1, "a")
    assert kept.of(2, "a")
    assert kept.of(2, "another name") == {}
    kept.keep(3, "a", {"x": b"1"})
    assert not kept.of(1, "a")
    assert kept.of(3, "a")
    kept.keep(2, "a", {"x": b"12345678901"})
    assert not kept.of(2, "a")
