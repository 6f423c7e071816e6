"""What clients and hosts read of times: the right hour, the right day, one zone."""

from datetime import UTC, date, datetime

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from app.bookings.models import Booking
from app.db import db
from app.desk import listing
from app.outbox import Task
from tests.notifications.rows import text_of, written
from tests.support.cast import give_meeting, make_booking, make_host, make_page, visit_as
from tests.support.visitor import Visitor

MONDAYS = [(0, 540, 720)]


@pytest.fixture(autouse=True)
def november() -> object:
    with time_machine.travel(datetime(2026, 11, 25, 3, tzinfo=UTC), tick=False) as clock:
        yield clock


def test_vancouvers_morning_is_at_its_hour(app: Flask, visit: Visitor) -> None:
    make_page(make_host(), slug="talk", timezone="America/Vancouver", hours=[(1, 540, 720)])
    shown = visit.get("/b/talk?date=2026-12-08&month=2026-12")
    first = shown.all("a.time")[0]
    assert first.get_text(strip=True) == "09:00"
    assert "20261208T160000Z" in str(first["href"])


def test_a_change_of_zone_keeps_the_openings_that_were_looked_at(
    app: Flask, visit: Visitor
) -> None:
    """Monday morning in Tokyo is Sunday evening in New York, on the 13th."""
    make_page(make_host(), slug="talk", timezone="Asia/Tokyo", hours=MONDAYS)
    monday = visit.get("/b/talk?month=2026-12&date=2026-12-14")
    form = next(form for form in monday.all("details.zone form"))
    fields = {
        str(field["name"]): str(field["value"]) for field in form.select("input[type=hidden]")
    }
    assert fields["at"] == "2026-12-14T00:00:00Z"
    there = visit.get(
        "/b/talk?tz=America/New_York&" + "&".join(f"{k}={v}" for k, v in fields.items())
    )
    assert there.one("a.day[aria-current=date] time")["datetime"] == "2026-12-13"
    assert "/20261214T000000Z" in str(there.all("a.time")[0]["href"])


def test_a_day_without_times_is_shown_as_that_day_with_the_nearest_open_ones(
    app: Flask, visit: Visitor
) -> None:
    make_page(make_host(), slug="talk", timezone="Asia/Tokyo", hours=MONDAYS)
    shown = visit.get("/b/talk?month=2026-12&date=2026-12-16")
    assert "16 December 2026" in shown.text
    assert "This day is not available." in shown.text
    links = [str(link["href"]) for link in shown.all("#times a")]
    assert any("date=2026-12-14" in link for link in links)
    assert any("date=2026-12-21" in link for link in links)
    assert not shown.all("a.time")


def test_a_full_day_says_so(app: Flask, visit: Visitor) -> None:
    page = make_page(make_host(), slug="talk", timezone="Asia/Tokyo", hours=[(0, 540, 570)])
    make_booking(page, start=datetime(2026, 12, 14, 0, 0, tzinfo=UTC))
    shown = visit.get("/b/talk?month=2026-12&date=2026-12-14")
    assert "This day is fully booked." in shown.text


def test_the_hour_that_comes_twice_names_its_offset_everywhere(app: Flask, visit: Visitor) -> None:
    host = make_host(timezone="America/New_York")
    page = make_page(
        host, slug="talk", timezone="America/New_York", hours=[(6, 0, 240)], horizon_days=None
    )
    shown = visit.get("/b/talk?month=2027-11&date=2027-11-07")
    times = [time.get_text(strip=True) for time in shown.all("a.time")]
    assert times[2:6] == ["01:00 (UTC−4)", "01:30 (UTC−4)", "01:00 (UTC−5)", "01:30 (UTC−5)"]
    assert "UTC−4, then UTC−5" in shown.text
    booking = make_booking(
        page, start=datetime(2027, 11, 7, 5, 30, tzinfo=UTC), timezone="America/New_York"
    )
    mail = written(booking, "host")
    for said in (str(mail["Subject"]), text_of(mail), visit.get(f"/booking/{booking.client.token}").text,
                 visit_as(app, host).get("/dashboard/bookings").text):  # fmt: skip
        assert "01:30" in said
        assert "UTC" in said


def test_every_time_a_host_reads_is_on_the_hosts_own_clock(app: Flask) -> None:
    host = make_host(timezone="Asia/Tokyo")
    page = make_page(host, timezone="Europe/Berlin", hours=[(d, 0, 1440) for d in range(7)])
    booking = make_booking(page, start=datetime(2026, 12, 8, 8, 0, tzinfo=UTC))
    aya = visit_as(app, host)
    for path in ("/dashboard/bookings", "/dashboard", f"/dashboard/bookings/{booking.public_id}"):
        text = aya.get(path).text
        assert "17:00–17:30" in text, path
        assert "Japan Time (Tokyo)" in text, path
    listed = aya.get("/dashboard/bookings").text
    assert "Berlin" not in listed
    assert listed.count("Japan Time (Tokyo)") == 1
    shown = aya.get(f"/dashboard/bookings/{booking.public_id}").text
    assert "09:00–09:30 Central European Time (Berlin)" in shown
    mail = text_of(written(booking, "host"))
    assert "17:00–17:30" in mail
    assert "09:00–09:30, Central European Time (Berlin), UTC+1" in mail


@pytest.mark.parametrize(
    ("by", "words"), [("host", "Cancelled by you"), ("client", "Cancelled by the client")]
)
def test_a_cancelled_booking_says_who_cancelled_and_wears_nothing_green(
    app: Flask, by: str, words: str
) -> None:
    from app.bookings import service  # noqa: PLC0415

    host = make_host()
    booking = make_booking(make_page(host))
    give_meeting(booking)
    service.cancel(booking, by=by)
    listed = visit_as(app, host).get("/dashboard/bookings?tab=cancelled")
    assert words in listed.text
    assert "Meeting ready" not in listed.text


def test_the_dashboard_shows_the_worst_failure_of_a_booking(app: Flask) -> None:
    booking = make_booking(make_page(make_host(), auto_zoom=True))
    states = {
        "mail.host.confirmed": "failed",
        "meeting.create": "failed",
        "mail.attendee.confirmed": "failed",
    }
    for task in db.session.scalars(select(Task).where(Task.booking_id == booking.id)):
        task.state = states[task.kind]
    db.session.commit()
    worst = listing.worst_failure(db.session.get_one(Booking, booking.id))
    assert worst is not None
    assert worst.kind == "mail.attendee.confirmed"


def test_what_comes_up_is_shown_however_far_ahead_it_is(app: Flask) -> None:
    host = make_host()
    make_booking(make_page(host), start=datetime(2026, 12, 8, 1, 0, tzinfo=UTC))
    shown = visit_as(app, host).get("/dashboard").text
    assert "Ken" in shown
    assert str(date(2026, 12, 8).day) in shown
    assert "Nothing is booked" not in shown
