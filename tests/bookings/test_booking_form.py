"""The form of a slot, and what stands when the slot or the page is gone."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
import time_machine
from flask import Flask
from sqlalchemy import event, select

from app.booking_pages import service as pages
from app.booking_pages.offerings import offering_of
from app.bookings import service as bookings
from app.bookings.models import Booking
from app.bookings.openings import open_days
from app.db import db
from tests.bookings.public_steps import NINE_TO_TWELVE, times
from tests.support.cast import make_booking, make_host, make_page
from tests.support.visitor import InProcess, Visitor

pytestmark = pytest.mark.usefixtures("early_december")


def test_booking_keeps_what_was_typed_and_folds_the_address(app: Flask, visit: Visitor) -> None:
    make_page(make_host(), slug="talk")
    form = visit.get("/b/talk/20261208T000000Z?tz=Europe/Berlin")
    assert "Tuesday 8 December 2026 01:00–01:30" in form.text
    booked = form.press(
        "Book this time",
        name="  Ｋｅｎ　Ｙａｍａｄａ ",
        email=" KEN＠Example.COM ",
        note="line one\r\nline two",
    )
    assert "You’re booked" in booked.text
    booking = db.session.scalars(select(Booking)).one()
    assert booking.client.name == "Ｋｅｎ　Ｙａｍａｄａ"
    assert booking.client.email == "ken@example.com"
    assert booking.note == "line one\nline two"
    assert booking.client.timezone == "Europe/Berlin"
    assert booking.client.locale == "en"
    assert booking.starts_at == datetime(2026, 12, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"name": ""}, "Enter your name."),
        ({"name": "x" * 121}, "shorter"),
        ({"email": ""}, "Enter your email address."),
        ({"email": "nobody"}, "name@example.com"),
        # Python's mails read it as an encoded word, and neither side's could be written.
        ({"email": "=?utf-8?q?ken?=@example.com"}, "name@example.com"),
        ({"note": "x" * 2001}, "shorter"),
        ({"leave_empty": "http://spam.example"}, "press the button once more"),
        ({"key": "forged"}, "send it again"),
        ({"key": None}, "send it again"),
    ],
)
def test_a_faulty_form_is_422_and_keeps_the_input(
    app: Flask, visit: Visitor, wrong: dict[str, str | None], told: str
) -> None:
    make_page(make_host(), slug="talk")
    good = {"name": "Ken Yamada", "email": "ken@example.com", "note": "Remember me"}
    form = visit.get("/b/talk/20261208T000000Z")
    answer = form.press("Book this time", **(good | wrong))
    assert answer.status == 422
    assert told in answer.text
    assert answer.one("title").get_text().startswith("Error:")
    kept = (good | wrong)["note"]
    assert answer.one("textarea[name=note]").get_text().strip() == kept
    assert db.session.scalars(select(Booking)).all() == []
    # And the form that came back can be sent.
    again = answer.press("Book this time", **({} if "leave_empty" in wrong else good))
    assert "You’re booked" in again.text


def test_a_key_of_another_slot_or_page_is_refused(app: Flask, visit: Visitor) -> None:
    make_page(make_host(), slug="talk")
    other = visit.get("/b/talk/20261208T013000Z").one("input[name=key]")["value"]
    form = visit.get("/b/talk/20261208T000000Z")
    answer = form.press("Book this time", name="Ken", email="ken@example.com", key=other)
    assert answer.status == 422


def test_another_sites_form_is_refused(app: Flask) -> None:
    make_page(make_host(), slug="talk")
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        mallory = Visitor(InProcess(app, headers))
        form = mallory.get("/b/talk/20261208T000000Z")
        answer = form.press("Book this time", name="Ken", email="ken@example.com")
        assert answer.status == 403
    assert db.session.scalars(select(Booking)).all() == []


def test_a_link_to_a_time_that_is_gone_leads_to_others(app: Flask, visit: Visitor) -> None:
    page = make_page(make_host(), slug="talk", hours=NINE_TO_TWELVE)
    make_booking(page, datetime(2026, 12, 8, 0, 30, tzinfo=UTC))
    gone = visit.get("/b/talk/20261208T003000Z")
    assert gone.status == 409
    assert "Your details are kept" not in gone.text
    form = gone.follow("Tue 8 Dec 10:00")
    booked = form.press("Book this time", name="Ken", email="ken@example.com")
    assert "You’re booked" in booked.text


def test_a_page_that_goes_off_meanwhile_keeps_what_was_typed(app: Flask, visit: Visitor) -> None:
    page = make_page(make_host(), slug="talk", hours=NINE_TO_TWELVE)
    form = visit.get("/b/talk/20261208T003000Z")
    pages.set_live(page, False)
    lost = form.press("Book this time", name="Ken", email="ken@example.com", note="My case")
    assert lost.status == 409
    assert "Please choose another day" in lost.text
    assert "My case" in lost.text
    assert db.session.scalars(select(Booking)).all() == []


def test_notice_and_horizon_are_kept_when_booking(app: Flask, visit: Visitor) -> None:
    make_page(make_host(), slug="talk", notice=120, horizon_days=2)
    assert visit.get("/b/talk/20261130T170000Z").status == 409
    assert visit.get("/b/talk/20261130T173000Z").status == 200
    assert visit.get("/b/talk/20261203T143000Z").status == 200  # 3 December, 23:30 in Tokyo
    assert visit.get("/b/talk/20261203T150000Z").status == 409  # 4 December


def test_a_month_that_begins_on_another_day_at_the_host_is_whole(app: Flask) -> None:
    page = make_page(make_host(), slug="talk", timezone="Pacific/Kiritimati")
    found = open_days(offering_of(page.id), date(2026, 12, 1), ZoneInfo("Pacific/Honolulu"))
    assert min(found) == date(2026, 12, 1)
    assert max(found) == date(2026, 12, 31)
    assert found[date(2026, 12, 1)][0] == datetime(2026, 12, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "month"),
    [
        ("America/St_Johns", date(2010, 11, 1)),  # back from 00:01 to 23:01: two parts of a day
        ("America/Santiago", date(2026, 4, 1)),  # back from 24:00 to 23:00
        ("America/Santiago", date(2026, 9, 1)),  # a day without its first hour
        ("Pacific/Apia", date(2011, 12, 1)),  # without the 30th
        ("Australia/Lord_Howe", date(2026, 4, 1)),
    ],
)
def test_each_start_is_on_the_day_that_the_clients_clock_shows(
    app: Flask, zone: str, month: date
) -> None:
    page = make_page(make_host(), horizon_days=None, timezone="UTC")
    with time_machine.travel(datetime(month.year, 1, 1, tzinfo=UTC), tick=False):
        found = open_days(offering_of(page.id), month, ZoneInfo(zone))
    starts = [(day, start) for day, starts in found.items() for start in starts]
    assert len(starts) > 28 * 48
    assert all(start.astimezone(ZoneInfo(zone)).date() == day for day, start in starts)
    assert all(times == sorted(times) for times in found.values())


def test_a_month_that_was_drawn_before_shows_every_change(app: Flask, visit: Visitor) -> None:
    page = make_page(make_host(), slug="talk", hours=NINE_TO_TWELVE)
    address = "/b/talk?date=2026-12-08"
    assert visit.get(address).answer.text == visit.get(address).answer.text
    booking = make_booking(page, datetime(2026, 12, 8, tzinfo=UTC))
    assert times(visit.get(address))[0] == "09:30"
    bookings.cancel(booking, by="client")
    assert times(visit.get(address))[0] == "09:00"
    page.title, page.host.name = "Another title", "Another name"
    db.session.commit()
    shown = visit.get(address)
    assert "Another title" in shown.text
    assert "Another name" in shown.text
    assert "12月8日" in visit.get(address + "&lang=ja").text
    assert times(visit.get(address + "&tz=Asia/Kolkata"))[0] == "05:30"
    part = Visitor(InProcess(app, {"HX-Request": "true"})).get(address)
    assert not part.all("html")
    assert times(part)[0] == "09:00"
    with time_machine.travel(datetime(2026, 12, 8, 1, 10, tzinfo=UTC), tick=False):
        shown = visit.get(address)
    assert times(shown)[0] == "10:30"
    assert shown.one("a.day.today time")["datetime"] == "2026-12-08"


def test_a_month_takes_as_many_statements_with_bookings_as_without(
    app: Flask, visit: Visitor
) -> None:
    page = make_page(make_host(), slug="talk")
    statements: list[str] = []

    def count(connection, cursor, statement, parameters, context, executemany) -> None:
        statements.append(statement)

    event.listen(db.engine, "before_cursor_execute", count)
    try:
        visit.get("/b/talk")
        without = len(statements)
        for hour in range(10):
            make_booking(page, datetime(2026, 12, 8, hour, tzinfo=UTC))
        db.session.remove()
        statements.clear()
        visit.get("/b/talk")
    finally:
        event.remove(db.engine, "before_cursor_execute", count)
    assert len(statements) == without
