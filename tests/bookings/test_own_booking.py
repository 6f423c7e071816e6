"""Who has just booked and comes back is shown the booking; who lost a time books no other unseen."""

from datetime import UTC, datetime

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from app.bookings import service
from app.bookings.attendees import Attendee
from app.bookings.models import Booking
from app.db import db
from tests.support.cast import make_booking, make_host, make_page
from tests.support.visitor import InProcess, Page, Visitor

NINE_TO_TWELVE = [(weekday, 540, 720) for weekday in range(5)]
SLOT = "/b/talk/20261208T003000Z"
KEN = {"name": "Ken", "email": "ken@example.com", "note": "My case\r\n\r\nand <more>"}


@pytest.fixture(autouse=True)
def early_december():
    """Tuesday 1 December 2026, 00:30 in Tokyo."""
    with time_machine.travel(datetime(2026, 11, 30, 15, 30, tzinfo=UTC), tick=False):
        yield


@pytest.fixture
def form(app: Flask, visit: Visitor) -> Page:
    make_page(make_host(), slug="talk", hours=NINE_TO_TWELVE)
    return visit.get(SLOT)


def bookings_made() -> int:
    return db.session.scalar(select(func.count()).select_from(Booking)) or 0


def key_of(form: Page) -> str:
    return str(form.one("input[name=key]")["value"])


def test_the_browser_may_keep_an_empty_form_so_that_back_shows_it_with_its_key(
    form: Page,
) -> None:
    assert form.answer.headers["Cache-Control"] == "private, no-cache"
    faulty = form.press("Book this time", name="")
    assert faulty.answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("typed", [KEN, {"name": "", "email": "", "note": ""}])
def test_a_form_that_has_booked_leads_to_its_booking_whatever_stands_in_it(
    form: Page, typed: dict[str, str]
) -> None:
    booked = form.press("Book this time", **KEN)
    again = form.press("Book this time", **typed)
    assert again.url == booked.url
    assert "You’re booked" in again.text
    assert bookings_made() == 1


def test_a_form_that_is_looked_at_again_asks_what_it_has_booked(app: Flask, form: Page) -> None:
    address = str(form.one("form[data-booked]")["data-booked"])
    ask = InProcess(app)
    assert ask.send("POST", address, [("key", key_of(form))]).status == 204
    booked = form.press("Book this time", **KEN)
    answer = ask.send("POST", address, [("key", key_of(form))])
    assert (answer.status, answer.headers["Location"]) == (303, booked.path)


def test_nobody_else_finds_the_booking_by_its_slot(app: Flask, form: Page, visit: Visitor) -> None:
    other = visit.get(SLOT)
    form.press("Book this time", **KEN)
    ask = InProcess(app)
    address = f"{SLOT}/booked"
    assert ask.send("POST", address, [("key", key_of(other))]).status == 204
    assert ask.send("POST", address, []).status == 204
    assert ask.send("POST", address, [("key", key_of(form) + "x")]).status == 204
    # Not by the same details either: they are no secret.
    assert other.press("Book this time", **KEN).status == 409


def test_a_time_that_is_gone_tells_who_has_booked_it_where_the_link_is(
    form: Page, visit: Visitor
) -> None:
    form.press("Book this time", **KEN)
    reloaded = visit.get(SLOT)
    assert reloaded.status == 409
    assert "Did you just book this time yourself?" in reloaded.text


def test_a_lost_time_leads_to_the_form_of_another_with_all_that_was_typed(
    form: Page, visit: Visitor
) -> None:
    make_booking_at_the_slot()
    lost = form.press("Book this time", **KEN)
    assert lost.status == 409
    offered = [time.get_text() for time in lost.all("button.time time")]
    assert {"Tue 8 Dec 09:00", "Tue 8 Dec 10:00"} <= set(offered)
    shown = lost.press("Tue 8 Dec 10:00")
    assert (shown.status, bookings_made()) == (200, 1)
    assert "10:00–10:30" in shown.one(".facts .when").get_text()
    assert shown.one("#name")["value"] == "Ken"
    assert shown.one("#email")["value"] == "ken@example.com"
    assert shown.one("#note").get_text().strip() == KEN["note"].replace("\r\n", "\n")
    assert not shown.all(".error, [role=alert].summary")
    assert "ken" not in shown.url
    assert shown.answer.headers["Cache-Control"] == "no-store"
    booked = shown.press("Book this time")
    assert "You’re booked" in booked.text
    booking = db.session.scalars(
        select(Booking).join(Booking.client).where(Attendee.name == "Ken")
    ).one()
    assert booking.starts_at == datetime(2026, 12, 8, 1, 0, tzinfo=UTC)
    assert booking.note == KEN["note"].replace("\r\n", "\n")


def test_the_other_time_may_be_gone_as_well(form: Page) -> None:
    make_booking_at_the_slot()
    lost = form.press("Book this time", **KEN)
    make_booking_at_the_slot(hour=1, minute=0)
    lost_again = lost.press("Tue 8 Dec 10:00")
    assert lost_again.status == 409
    assert lost_again.press("Tue 8 Dec 10:30").one("#name")["value"] == "Ken"


def test_the_form_of_another_time_can_be_opened_anew_and_in_another_language(
    form: Page, visit: Visitor
) -> None:
    make_booking_at_the_slot()
    lost = form.press("Book this time", **KEN)
    shown = lost.press("Tue 8 Dec 10:00")
    assert visit.get(f"{shown.path}?tz=Europe/Berlin").url.endswith(
        "/b/talk/20261208T010000Z?tz=Europe/Berlin"
    )
    assert shown.press("日本語").status == 200


def test_another_site_shows_no_form_with_details_of_its_own(app: Flask, form: Page) -> None:
    foreign = InProcess(app, {"Sec-Fetch-Site": "cross-site"})
    for address in (f"{SLOT}/details", f"{SLOT}/booked"):
        assert foreign.send("POST", address, [("key", key_of(form))]).status == 403


def test_a_booking_that_its_form_has_made_is_found_on_a_page_that_is_off(form: Page) -> None:
    booked = form.press("Book this time", **KEN)
    page = db.session.scalars(select(Booking)).one().page
    page.is_live = False
    db.session.commit()
    assert form.press("Book this time", **KEN).url == booked.url


def make_booking_at_the_slot(hour: int = 0, minute: int = 30) -> Booking:
    """Somebody else's."""
    page = db.session.scalars(select(service.BookingPage)).one()
    return make_booking(
        page, datetime(2026, 12, 8, hour, minute, tzinfo=UTC), name="Lena", email="lena@example.com"
    )
