"""Booking again from the client's own page: the same person, two presses, and no detail in an address."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from app.booking_pages.offerings import offering_of
from app.bookings import service
from app.bookings.models import Booking
from app.bookings.openings import open_about
from app.db import db
from tests.bookings.public_steps import NINE_TO_TWELVE, times
from tests.support.cast import make_booking, make_host, make_page
from tests.support.visitor import InProcess, Page, Visitor

SLOT = datetime(2026, 12, 8, 0, 30, tzinfo=UTC)  # Tuesday 09:30 in Tokyo, 01:30 in Berlin
OVER = datetime(2026, 12, 8, 1, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def wednesday() -> Iterator[None]:
    """Wednesday 2 December 2026, after hours in Tokyo and in the morning in Berlin."""
    with time_machine.travel(datetime(2026, 12, 2, 9, 0, tzinfo=UTC), tick=False):
        yield


@pytest.fixture
def booking(app: Flask) -> Booking:
    """Ken's, who reads times in Berlin, at a page of three hours a day in Tokyo."""
    page = make_page(make_host(), slug="talk", hours=NINE_TO_TWELVE)
    return make_booking(page, SLOT, note="The roof leaks.")


@pytest.fixture
def over(booking: Booking, visit: Visitor) -> Page:
    """The client's page, when the booking is cancelled."""
    service.cancel(booking, by="client")
    return visit.get(address_of(booking))


def address_of(booking: Booking) -> str:
    return f"/booking/{booking.client.token}"


def bookings_made() -> int:
    return db.session.scalar(select(func.count()).select_from(Booking)) or 0


def pick(picker: Page, number: int = 0) -> Page:
    return picker.visitor.get(str(picker.all("a.time")[number]["href"]))


def test_two_presses_after_the_button_book_again(over: Page, booking: Booking) -> None:
    picker = over.follow("Book again")
    assert picker.path == f"{address_of(booking)}/again"
    form = pick(picker)
    assert form.one("#name")["value"] == "Ken Yamada"
    assert form.one("#email")["value"] == "ken@example.com"
    assert not form.one("#note").get_text().strip()
    booked = form.press("Book this time")
    assert booked.one("h1").get_text() == "You’re booked"
    assert bookings_made() == 2
    new = db.session.scalars(select(Booking).order_by(Booking.id.desc())).first()
    assert new is not None
    assert (new.client.name, new.client.email) == ("Ken Yamada", "ken@example.com")
    assert new.client.timezone == "Europe/Berlin"
    assert booked.path == address_of(new) != address_of(booking)
    # The form's key is good once.
    assert form.press("Book this time").url == booked.url
    assert bookings_made() == 2


def test_the_weekday_and_hour_of_before_are_two_presses_away(
    booking: Booking, visit: Visitor
) -> None:
    with time_machine.travel(OVER, tick=False):
        shown = visit.get(address_of(booking))
        offered = [str(time["datetime"]) for time in shown.all("a.time time")]
        assert offered == [f"2026-12-15T0{clock}:00Z" for clock in ("0:00", "0:30", "1:00", "1:30")]
        assert shown.one(".near li:nth-of-type(2)").get_text() == "Tue 15 Dec 01:30"
        form = pick(shown, 1)
        assert form.one("#email")["value"] == "ken@example.com"
        assert form.press("Book this time").one("h1").get_text() == "You’re booked"
    assert bookings_made() == 2


def test_who_cancelled_is_offered_the_time_itself_again(over: Page) -> None:
    offered = [str(time["datetime"]) for time in over.all("a.time time")]
    assert "2026-12-08T00:30:00Z" in offered


def test_the_hour_is_the_pages_across_a_change_of_its_clocks(app: Flask) -> None:
    page = make_page(make_host(), slug="berlin", timezone="Europe/Berlin", horizon_days=None)
    offering = offering_of(page.id)
    before = datetime(2027, 3, 25, 9, 0, tzinfo=UTC)  # 10:00 in winter
    with time_machine.travel(before, tick=False):
        assert open_about(offering, before, 1) == [datetime(2027, 4, 1, 8, 0, tzinfo=UTC)]
    with time_machine.travel(before + timedelta(days=30), tick=False):
        assert open_about(offering, before, 1) == [datetime(2027, 4, 29, 8, 0, tzinfo=UTC)]


def test_the_times_are_the_clients_and_another_zone_is_a_choice(
    over: Page, booking: Booking
) -> None:
    picker = over.follow("Book again")
    assert "Berlin" in picker.one("#zone-name").get_text()
    assert times(picker)[0] == "01:00"
    in_tokyo = picker.form_to(f"{address_of(booking)}/again").send(tz="Asia/Tokyo")
    assert times(in_tokyo)[0] == "09:00"
    form = pick(in_tokyo)
    assert "09:00–09:30" in form.one(".facts .when").get_text()
    assert form.one("input[name=timezone]")["value"] == "Asia/Tokyo"
    back = form.follow("← Choose another time")
    assert times(back)[0] == "09:00"
    assert back.path == f"{address_of(booking)}/again"


def test_no_address_carries_a_detail(over: Page) -> None:
    picker = over.follow("Book again")
    form = pick(picker)
    for page in (picker, form):
        for tag in page.all("a[href], form[action]"):
            address = str(tag.get("href") or tag.get("action"))
            assert not {"ken", "yamada", "example.com", "roof"} & set(
                urlsplit(address.lower()).path.split("/")
            )
            assert set(parse_qs(urlsplit(address).query)) <= {
                "month", "date", "tz", "zones", "sent", "lang",
            }  # fmt: skip
        headers = page.answer.headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Robots-Tag"] == "noindex"
        assert "Set-Cookie" not in headers


def test_a_month_turns_by_htmx_as_on_the_public_page(app: Flask, booking: Booking) -> None:
    visit = Visitor(InProcess(app, {"HX-Request": "true"}))
    part = visit.get(f"{address_of(booking)}/again?month=2026-12")
    assert not part.all("html")
    assert part.one("#when")
    assert all("/again" in str(day["href"]) for day in part.all("a.day"))


def test_a_form_with_a_fault_keeps_what_was_typed(over: Page) -> None:
    form = pick(over.follow("Book again"))
    faulty = form.press("Book this time", email="nonsense", note="Another case")
    assert faulty.status == 422
    assert faulty.one("#note").get_text().strip() == "Another case"
    assert faulty.press("Book this time", email="ken@example.org").status == 200
    assert bookings_made() == 2


def test_a_time_that_is_taken_meanwhile_keeps_the_details(over: Page, booking: Booking) -> None:
    form = pick(over.follow("Book again"), 2)
    start = datetime.fromisoformat(str(form.one(".facts .when time")["datetime"]))
    make_booking(booking.page, start, name="Lena", email="lena@example.com")
    lost = form.press("Book this time", note="Another case")
    assert lost.status == 409
    other = lost.form_to(str(lost.all("#typed")[0]["action"])).send()
    assert other.one("#email")["value"] == "ken@example.com"
    assert other.one("#note").get_text().strip() == "Another case"
    assert other.press("Book this time").status == 200


def test_a_time_that_is_gone_when_it_is_picked_keeps_them_too(over: Page, booking: Booking) -> None:
    start = datetime(2026, 12, 8, 1, 0, tzinfo=UTC)
    make_booking(booking.page, start, name="Lena", email="lena@example.com")
    lost = over.visitor.get(f"{address_of(booking)}/again/20261208T010000Z")
    assert lost.status == 409
    other = lost.form_to(str(lost.all("#typed")[0]["action"])).send()
    assert other.one("#name")["value"] == "Ken Yamada"


def test_changed_terms_are_shown_before_they_are_booked(over: Page, booking: Booking) -> None:
    form = pick(over.follow("Book again"))
    booking.page.title = "Another talk"
    db.session.commit()
    changed = form.press("Book this time")
    assert changed.status == 409
    assert "The host has just changed this page." in changed.text
    assert changed.press("Book this time").status == 200


def test_a_language_is_chosen_without_losing_the_form(over: Page) -> None:
    form = pick(over.follow("Book again"))
    fields = dict(form.form("Book this time").fields) | {"note": "Another case", "lang": "ja"}
    japanese = form.visitor.post(str(form.one("button[name=lang]")["formaction"]), fields)
    assert japanese.status == 200
    assert japanese.one("html")["lang"] == "ja"
    assert japanese.one("#email")["value"] == "ken@example.com"
    assert japanese.one("#note").get_text().strip() == "Another case"


@pytest.mark.parametrize("column", ["is_live", "archived_at"])
def test_it_is_not_offered_where_nothing_can_be_booked(
    over: Page, booking: Booking, visit: Visitor, column: str
) -> None:
    picker = over.follow("Book again")
    slot = str(picker.all("a.time")[0]["href"])
    setattr(booking.page, column, datetime.now(UTC) if column == "archived_at" else False)
    db.session.commit()
    shown = visit.get(address_of(booking))
    assert not shown.has_link("Book again")
    assert not shown.all("a.time")
    for address in (picker.path, slot):
        assert visit.get(address).path == address_of(booking)


def test_a_running_booking_and_one_that_is_over_offer_it_as_well(
    booking: Booking, visit: Visitor
) -> None:
    for now, is_main in ((SLOT, False), (OVER, True)):
        with time_machine.travel(now, tick=False):
            link = visit.get(address_of(booking)).link("Book again")
            assert ("main" in (link.get("class") or [])) is is_main
            assert link["href"] == f"{address_of(booking)}/again"


def test_the_language_in_the_address_goes_along(booking: Booking, visit: Visitor) -> None:
    service.cancel(booking, by="client")
    shown = visit.get(f"{address_of(booking)}?lang=ja")
    picker = shown.follow("もう一度予約する")
    assert picker.one("html")["lang"] == "ja"
    assert pick(picker).one("html")["lang"] == "ja"
