"""The public page: days, times, zones, and what htmx and caches are told."""

from datetime import UTC, date, datetime

import pytest
from flask import Flask

from app.booking_pages import service as pages
from tests.bookings.public_steps import NINE_TO_TWELVE, times
from tests.support.cast import make_booking, make_host, make_page
from tests.support.visitor import InProcess, Page, Visitor

pytestmark = pytest.mark.usefixtures("early_december")


def days(page: Page) -> list[str]:
    return [str(time["datetime"]) for time in page.all("a.day time")]


def test_days_and_times_are_links_with_what_they_are_in_words(app: Flask, visit: Visitor) -> None:
    page = make_page(make_host(), slug="talk", hours=NINE_TO_TWELVE)
    shown = visit.get("/b/talk?date=2026-12-08")
    assert shown.status == 200
    assert page.title in shown.text
    assert days(shown)[:5] == [f"2026-12-0{day}" for day in (1, 2, 3, 4, 7)]
    assert times(shown) == ["09:00", "09:30", "10:00", "10:30", "11:00", "11:30"]
    day = shown.one('a.day[aria-current="date"]')
    assert day["aria-label"] == "Tuesday 8 December 2026, 6 slots"
    assert shown.all("a.time")[0]["href"] == "/b/talk/20261208T000000Z"


def test_a_slug_is_read_in_any_case(app: Flask, visit: Visitor) -> None:
    make_page(make_host(), slug="talk")
    assert visit.get("/b/Talk").status == 200


@pytest.mark.parametrize("change", ["off", "archived", "missing"])
def test_a_page_that_is_not_live_is_not_there(app: Flask, visit: Visitor, change: str) -> None:
    page = make_page(make_host(), slug="talk")
    if change == "off":
        pages.set_live(page, False)
    if change == "archived":
        pages.archive(page)
    slug = "nowhere" if change == "missing" else "talk"
    slot = f"/b/{slug}/20261208T000000Z"
    for shown in (visit.get(f"/b/{slug}"), visit.get(slot), visit.post(slot, {"key": "forged"})):
        assert shown.status == 404
        assert "Aya Sato" not in shown.text


def test_the_clients_zone_moves_days_and_times(app: Flask, visit: Visitor) -> None:
    make_page(make_host(), slug="talk", hours=NINE_TO_TWELVE)
    shown = visit.get("/b/talk?date=2026-12-07&tz=America/New_York")
    # Tokyo's Tuesday morning is New York's Monday evening.
    assert times(shown) == ["19:00", "19:30", "20:00", "20:30", "21:00", "21:30"]
    assert "Eastern Time (New York), UTC−5" in shown.text
    assert shown.all("a.time")[0]["href"] == "/b/talk/20261208T000000Z?tz=America%2FNew_York"


def test_the_zone_is_named_with_its_offset_on_that_day(app: Flask, visit: Visitor) -> None:
    page = make_page(
        make_host(), slug="talk", timezone="Europe/Berlin", horizon_days=200, hours=NINE_TO_TWELVE
    )
    assert page.timezone == "Europe/Berlin"
    winter = visit.get("/b/talk?date=2027-03-26")
    summer = visit.get("/b/talk?date=2027-03-29")
    assert "Central European Time (Berlin), UTC+1" in winter.text
    assert "Central European Time (Berlin), UTC+2" in summer.text
    assert times(winter)[0] == times(summer)[0] == "09:00"


@pytest.mark.parametrize(
    "query",
    [
        "month=nonsense",
        "month=2026-13",
        "date=2026-02-31",
        "date=0000-00-00",
        "month=9999-12",
        "month=0001-01",
        "tz=Nowhere/Land",
        "tz=../../etc/passwd",
        "tz=",
        "date=%00",
        "lang=xx",
        "zones=all",
        "zones=none",
    ],
)
def test_an_address_that_makes_no_sense_still_gives_a_page(
    app: Flask, visit: Visitor, query: str
) -> None:
    make_page(make_host(), slug="talk")
    assert visit.get(f"/b/talk?{query}").status == 200


@pytest.mark.parametrize(
    "slot", ["20261332T000000Z", "20261208T0000Z", "20261208T000000", "now", "99999999T999999Z"]
)
def test_an_address_that_is_no_slot_is_not_there(app: Flask, visit: Visitor, slot: str) -> None:
    make_page(make_host(), slug="talk")
    assert visit.get(f"/b/talk/{slot}").status == 404


def test_a_month_without_times_says_so_and_leads_to_the_next_open_day(
    app: Flask, visit: Visitor
) -> None:
    make_page(make_host(), slug="talk", hours=[], overrides=[(date(2027, 1, 12), 600, 660)])
    shown = visit.get("/b/talk")
    assert "No open times this month" in shown.text
    assert times(shown.follow("Tuesday 12 January 2027")) == ["10:00", "10:30"]


def test_a_page_that_never_opens_says_whom_to_ask(app: Flask, visit: Visitor) -> None:
    make_page(make_host(), slug="talk", hours=[])
    assert "ask Aya Sato" in visit.get("/b/talk").text


def test_months_are_offered_as_far_as_they_can_hold_something(app: Flask, visit: Visitor) -> None:
    make_page(make_host(), slug="talk", horizon_days=20)
    shown = visit.get("/b/talk")
    assert not shown.all('a[aria-label^="Previous month"]')
    assert not shown.all('a[aria-label^="Next month"]')
    pages_further = make_page(make_host("Mallory"), slug="further", horizon_days=None)
    assert visit.get(f"/b/{pages_further.slug}").all('a[aria-label^="Next month"]')


def test_client_pages_set_no_cookie_and_show_no_client(app: Flask, visit: Visitor) -> None:
    page = make_page(make_host(), slug="talk")
    booking = make_booking(page, datetime(2026, 12, 8, tzinfo=UTC))
    for address in ("/b/talk?date=2026-12-08", "/b/talk/20261208T013000Z"):
        shown = visit.get(address)
        assert "Set-Cookie" not in shown.answer.headers
        assert booking.client.name not in shown.text
        assert booking.client.email not in shown.answer.text


def test_htmx_gets_the_part_and_caches_are_told(app: Flask) -> None:
    make_page(make_host(), slug="talk")
    part = Visitor(InProcess(app, {"HX-Request": "true"})).get("/b/talk")
    assert part.answer.text.lstrip().startswith('<div id="when"')
    assert "HX-Request" in part.answer.headers["Vary"]


def test_the_language_is_the_clients_choice(app: Flask, visit: Visitor) -> None:
    make_page(make_host(locale="ja"), slug="talk")
    nobody_asked = Visitor(InProcess(app, {"Accept-Language": ""}))
    assert nobody_asked.get("/b/talk").one("html")["lang"] == "ja"  # the host's
    assert visit.get("/b/talk").one("html")["lang"] == "en"  # the browser's
    shown = visit.get("/b/talk?lang=ja")
    assert shown.one("html")["lang"] == "ja"  # the address'
    assert "lang=ja" in str(shown.all("a.time")[0]["href"])
