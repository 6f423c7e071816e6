"""Moving a booking by pages: the client's and the host's, with what is said on the way."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from flask import Flask

from app.booking_pages.models import BookingPage
from app.bookings.models import Booking
from app.bookings.slot_addresses import SLOT_FORM
from app.db import db
from tests.support.cast import make_booking, make_host, make_page, visit_as
from tests.support.visitor import InProcess, Page, Visitor

NINE_TO_TWELVE = [(weekday, 540, 720) for weekday in range(5)]
TENTH = datetime(2026, 12, 10, 0, 0, tzinfo=UTC)  # 09:00 in Tokyo, 01:00 in Berlin
ELEVENTH = datetime(2026, 12, 11, 1, 0, tzinfo=UTC)

pytestmark = pytest.mark.usefixtures("early_december")


@pytest.fixture
def page(app: Flask) -> BookingPage:
    return make_page(make_host(), slug="talk", hours=NINE_TO_TWELVE)


@pytest.fixture
def booking(page: BookingPage) -> Booking:
    return make_booking(page, TENTH)


def mover(app: Flask, booking: Booking, who: str) -> tuple[Visitor, str, str]:
    """A browser, the booking's own page, and the field for words."""
    if who == "client":
        return Visitor(InProcess(app)), f"/booking/{booking.client.token}", "reason"
    return visit_as(app, booking.host), f"/dashboard/bookings/{booking.public_id}", "message"


Going = Callable[[str], tuple[Visitor, str, str]]


@pytest.fixture
def go(app: Flask, booking: Booking) -> Going:
    return lambda who: mover(app, booking, who)


both = pytest.mark.parametrize("who", ["client", "host"])


def slot(start: datetime) -> str:
    return f"{start:{SLOT_FORM}}"


def reread(booking: Booking) -> Booking:
    db.session.expire_all()
    return booking


def links(page: Page, end: str) -> list[str]:
    return [
        str(tag["href"])
        for tag in page.soup.select("main a[href]")
        if str(tag["href"]).endswith(end)
    ]


@both
def test_from_the_booking_by_picker_and_form_to_the_moved_booking(
    booking: Booking, go: Going, who: str
) -> None:
    browser, home, field = go(who)
    shown = browser.get(home)
    picker = shown.follow("Move to another time")
    assert picker.path == f"{home}/reschedule"
    clock = {"client": "01:00–01:30", "host": "09:00–09:30"}[who]
    assert clock in picker.text  # the mover's own zone
    times = browser.get(f"{picker.path}?month=2026-12&date=2026-12-11")
    [there] = links(times, f"/reschedule/{slot(ELEVENTH)}")
    form = browser.get(there)
    assert clock in form.one("del").get_text()
    assert {"client": "02:00–02:30", "host": "10:00–10:30"}[who] in form.text
    moved = form.press("Move the booking", **{field: "See you\nlater"})
    assert (moved.status, moved.path) == (200, home)
    assert reread(booking).starts_at == ELEVENTH
    [change] = booking.changes
    assert (change.by, change.words) == (who, "See you\nlater")


@both
def test_a_lost_race_keeps_the_booking_and_the_words(
    page: BookingPage, booking: Booking, go: Going, who: str
) -> None:
    browser, home, field = go(who)
    form = browser.get(f"{home}/reschedule/{slot(ELEVENTH)}")
    make_booking(page, ELEVENTH, email="otto@example.net")
    lost = form.press("Move the booking", **{field: "See you later"})
    assert lost.status == 409
    assert "the booking keeps its time" in lost.text
    assert reread(booking).starts_at == TENTH
    near = lost.soup.select("#typed button[formaction]")
    assert len(near) == 6
    kept = {str(tag["name"]): str(tag["value"]) for tag in lost.soup.select("#typed input")}
    again = browser.post(str(near[0]["formaction"]), kept)
    assert again.status == 200
    assert again.one(f"textarea[name={field}]").get_text().strip() == "See you later"
    assert reread(booking).starts_at == TENTH  # asked once more first
    again.press("Move the booking")
    assert len(reread(booking).changes) == 1
    assert booking.changes[0].words == "See you later"


@both
def test_words_that_are_too_long_are_kept_and_nothing_is_moved(
    booking: Booking, go: Going, who: str
) -> None:
    browser, home, field = go(who)
    form = browser.get(f"{home}/reschedule/{slot(ELEVENTH)}")
    refused = form.press("Move the booking", **{field: "x" * 1001})
    assert refused.status == 422
    assert "Use a shorter text." in refused.text
    assert refused.one(f"textarea[name={field}]").get_text().strip() == "x" * 1001
    assert reread(booking).starts_at == TENTH


@both
def test_a_form_that_is_behind_says_so_and_keeps_the_words(
    booking: Booking, go: Going, who: str
) -> None:
    browser, home, field = go(who)
    form = browser.get(f"{home}/reschedule/{slot(ELEVENTH)}")
    booking.version += 1
    db.session.commit()
    behind = form.press("Move the booking", **{field: "See you later"})
    assert behind.status == 409
    assert "changed a moment ago" in behind.text
    moved = behind.press("Move the booking")
    assert moved.path == home
    assert reread(booking).changes[0].words == "See you later"


def test_a_plain_post_without_a_version_moves(booking: Booking, go: Going) -> None:
    browser, home, _field = go("client")
    moved = browser.post(f"{home}/reschedule/{slot(ELEVENTH)}", {"reason": ""})
    assert moved.path == home
    assert reread(booking).starts_at == ELEVENTH


def test_after_the_change_notice_the_page_says_whom_to_ask(
    page: BookingPage, booking: Booking, go: Going
) -> None:
    page.change_notice = 60 * 24 * 14
    db.session.commit()
    browser, home, _field = go("client")
    asked = browser.get(f"{home}/reschedule")
    assert "Until 14 days before the start you could move the booking here." in asked.text
    assert asked.one('a[href="mailto:aya@example.jp"]')
    sent = browser.post(f"{home}/reschedule/{slot(ELEVENTH)}", {"reason": "My train is late"})
    assert sent.status in {200, 409}
    assert "My train is late" in sent.text  # nothing that was typed is lost
    assert reread(booking).starts_at == TENTH
    browser, home, _field = go("host")
    assert browser.get(f"{home}/reschedule").status == 200
    browser.get(f"{home}/reschedule/{slot(ELEVENTH)}").press("Move the booking")
    assert reread(booking).starts_at == ELEVENTH


@both
def test_where_the_pages_terms_have_changed_both_are_shown(
    page: BookingPage, booking: Booking, go: Going, who: str
) -> None:
    page.title, page.duration = "Long talk", 60
    db.session.commit()
    browser, home, _field = go(who)
    form = browser.get(f"{home}/reschedule/{slot(ELEVENTH)}")
    assert "The booking keeps what was agreed:" in form.text
    for words in ("Consultation", "The page says now: Long talk", "30 minutes", "1 hour"):
        assert words in form.text


@both
def test_a_cancelled_booking_leads_to_itself(booking: Booking, go: Going, who: str) -> None:
    booking.status = "cancelled"
    booking.cancelled_by = "client"
    db.session.commit()
    browser, home, _field = go(who)
    assert browser.get(f"{home}/reschedule").path == home
    assert browser.get(f"{home}/reschedule/{slot(ELEVENTH)}").path == home


def test_another_site_cannot_move_it(app: Flask, booking: Booking) -> None:
    elsewhere = InProcess(app, {"Origin": "https://evil.example"})
    address = f"/booking/{booking.client.token}/reschedule/{slot(ELEVENTH)}"
    assert elsewhere.send("POST", address, [("reason", "")]).status == 403
    assert reread(booking).starts_at == TENTH
