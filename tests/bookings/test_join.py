"""The join address: one press leads to the meeting, whatever the booking has been through."""

import logging
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import event

from app.bookings import service
from app.bookings.joining import join_address
from app.bookings.models import Booking, Change
from app.core.config import Settings
from app.core.crypto import fingerprint
from app.db import db
from tests.support.cast import give_meeting, make_booking, make_host, make_page
from tests.support.visitor import Answer, InProcess, Visitor

ZOOM = "https://zoom.example/j/85012345678?pwd=x"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def booking(app: Flask) -> Booking:
    """Ken's, tomorrow, half an hour, with a note, a place and its meeting."""
    page = make_page(make_host(), slug="talk", title="Quiet talk", location="Room 4")
    return give_meeting(make_booking(page, note="The roof leaks."), join_url=ZOOM)


def address_of(booking: Booking) -> str:
    assert booking.join_token is not None
    return f"/join/{booking.join_token}"


def ask(app: Flask, booking: Booking, method: str = "GET", **headers: str) -> Answer:
    return InProcess(app, headers).send(method, address_of(booking), None)


def move(booking: Booking, by: str = "host", length: timedelta = DAY) -> None:
    """Let it have been moved a moment ago; it was that much earlier before."""
    booking.ical_sequence += 1
    booking.changes.append(
        Change(
            sequence=booking.ical_sequence,
            by=by,
            old_starts_at=booking.starts_at - length,
            words=None,
        )
    )
    db.session.commit()


@pytest.mark.parametrize("ahead", [20 * HOUR, HOUR, MINUTE, timedelta(0), -29 * MINUTE])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_one_press_leads_straight_on_whenever_it_is(
    app: Flask, booking: Booking, ahead: timedelta, method: str
) -> None:
    with time_machine.travel(booking.starts_at - ahead):
        answer = ask(app, booking, method)
    assert (answer.status, answer.headers["Location"]) == (303, ZOOM)
    assert_private(answer)


def test_it_leads_to_the_meeting_that_is_current(app: Flask, booking: Booking) -> None:
    address = address_of(booking)
    give_meeting(booking, state="left_behind")
    db.session.expire(booking, ["meeting"])
    give_meeting(booking, external_id=2, join_url="https://zoom.example/j/2")
    assert address_of(booking) == address
    assert ask(app, booking).headers["Location"] == "https://zoom.example/j/2"


@pytest.mark.parametrize(
    ("state", "ahead", "asks"),
    [("wanted", DAY, "every 2s"), ("failed", DAY, None), ("failed", HOUR, "every 10s")],
)
def test_while_there_is_no_meeting_a_calm_page_waits_and_then_leads_on(
    app: Flask, booking: Booking, state: str, ahead: timedelta, asks: str | None
) -> None:
    give_meeting(booking, state=state, join_url=None, external_id=None)
    booking.created_at = booking.starts_at - ahead
    db.session.commit()
    with time_machine.travel(booking.starts_at - ahead, tick=False):
        page = Visitor(InProcess(app)).get(address_of(booking))
        assert page.status == 200
        assert "The meeting is not ready yet" in page.one("h1").get_text()
        assert page.one("#join").get("hx-trigger") == asks
        assert bool(page.all('noscript meta[http-equiv="refresh"]')) is bool(asks)
        part = ask(app, booking, **{"HX-Request": "true"})
        assert (part.status, "<html" in part.text) == (200, False)
        give_meeting(booking, join_url=ZOOM)
        led = ask(app, booking, **{"HX-Request": "true"})
        assert (led.status, led.headers["Hx-Redirect"]) == (204, ZOOM)
        assert ask(app, booking).headers["Location"] == ZOOM


def test_a_meeting_that_a_move_has_made_necessary_is_not_slow_from_its_first_second(
    app: Flask, booking: Booking
) -> None:
    give_meeting(booking, state="wanted", join_url=None)
    with time_machine.travel(booking.starts_at - HOUR, tick=False):
        assert 'hx-trigger="every 10s"' in ask(app, booking).text
        move(booking)
        assert 'hx-trigger="every 2s"' in ask(app, booking).text


def test_a_booking_without_a_meeting_online_tells_its_place(app: Flask, booking: Booking) -> None:
    booking.meeting = None
    db.session.commit()
    page = Visitor(InProcess(app)).get(address_of(booking))
    assert page.status == 200
    assert "There is no online meeting for this booking" in page.text
    assert "Room 4" in page.text


def test_a_cancelled_one_says_so_and_leads_nowhere(app: Flask, booking: Booking) -> None:
    service.cancel(booking, by="client")
    page = Visitor(InProcess(app)).get(address_of(booking))
    assert page.status == 200
    assert "This booking is cancelled" in page.one("h1").get_text()
    assert ZOOM not in page.answer.text
    assert "Room 4" not in page.text


def test_one_that_is_over_says_so_and_a_meeting_that_runs_over_stays_one_press_away(
    app: Flask, booking: Booking
) -> None:
    for late, is_offered in ((timedelta(0), True), (59 * MINUTE, True), (HOUR, False)):
        with time_machine.travel(booking.ends_at + late, tick=False):
            page = Visitor(InProcess(app)).get(address_of(booking))
        assert "This booking is over" in page.one("h1").get_text()
        assert page.has_link("Join the Zoom meeting now") is is_offered


def test_who_comes_at_the_old_time_of_a_moved_one_reads_the_new_one(
    app: Flask, booking: Booking
) -> None:
    move(booking)
    with time_machine.travel(booking.starts_at - DAY):
        page = Visitor(InProcess(app)).get(address_of(booking))
        assert page.status == 200
        assert "This booking was moved" in page.one("h1").get_text()
        shown = page.one(".when time")["datetime"]
        assert shown == f"{booking.starts_at:%Y-%m-%dT%H:%M:%SZ}"
        assert page.link("Join the Zoom meeting now")["href"] == ZOOM
    for ahead in (HOUR, MINUTE, -MINUTE):
        with time_machine.travel(booking.starts_at - ahead):
            assert ask(app, booking).headers["Location"] == ZOOM


def test_the_token_gives_nothing_but_this(app: Flask, booking: Booking) -> None:
    """Whatever the page says: nothing of the client, and no way to the client's own page."""
    states: list[Callable[[], object]] = [
        lambda: move(booking),
        lambda: give_meeting(booking, state="wanted", join_url=None),
        lambda: give_meeting(booking, state="failed", error="zoom_refused: their words"),
        lambda: setattr(booking, "meeting", None),
        lambda: service.cancel(booking, by="client"),
    ]
    private = ("Ken", "ken@example.com", "roof", booking.client.token, booking.public_id, "words")
    for change in states:
        change()
        db.session.commit()
        answer = ask(app, booking)
        assert answer.status == 200
        assert not [word for word in private if word in answer.text]
        assert_private(answer)


def assert_private(answer: Answer) -> None:
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert "Set-Cookie" not in answer.headers


def test_no_other_token_opens_it_and_it_opens_nothing_else(app: Flask, booking: Booking) -> None:
    visit = Visitor(InProcess(app))
    wrong = (
        "x", booking.client.token, booking.join_hash, booking.public_id, address_of(booking)[6:-1]
    )  # fmt: skip
    for token in wrong:
        assert visit.get(f"/join/{token}").status == 404
    for page in ("", "/meeting", "/cancel", "/again", "/invite.ics"):
        assert visit.get(f"/booking/{booking.join_token}{page}").status == 404
    assert "This page does not exist" not in visit.get("/join/x").text


def test_a_sentences_mark_behind_the_address_does_no_harm(app: Flask, booking: Booking) -> None:
    answer = InProcess(app).send("GET", f"{address_of(booking)}.", None)
    assert answer.headers["Location"] == address_of(booking)


def test_no_log_learns_a_secret_address_not_even_of_an_error(
    app: Flask, booking: Booking, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses = [address_of(booking), f"/booking/{booking.client.token}"]
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
    # A zone that no rules know: what is drawn in it fails.
    booking.client.timezone = "Nowhere/At_All"
    booking.meeting = None
    db.session.commit()
    with caplog.at_level(logging.DEBUG):
        for address in addresses:
            assert InProcess(app).send("GET", address, None).status == 500
    assert caplog.text.count("Exception on") == 2
    assert not [one for one in addresses if one.rpartition("/")[2] in caplog.text]


def test_the_token_is_in_the_database_as_a_hash_and_sealed(booking: Booking) -> None:
    row = db.session.connection().exec_driver_sql("SELECT * FROM bookings").one()
    assert booking.join_token not in [str(value) for value in row]
    assert booking.join_hash == fingerprint(str(booking.join_token))


@pytest.mark.parametrize(("ahead", "most"), [(MINUTE, 1), (20 * HOUR, 2)])
def test_joining_takes_one_statement_and_one_more_where_a_move_would_matter(
    app: Flask, booking: Booking, ahead: timedelta, most: int
) -> None:
    address, start = address_of(booking), booking.starts_at
    db.session.remove()
    asked: list[str] = []

    def note(_c: object, _k: object, statement: str, *_rest: object) -> None:
        asked.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        with time_machine.travel(start - ahead):
            assert InProcess(app).send("GET", address, None).status == 303
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    assert len([one for one in asked if one.lstrip().upper().startswith("SELECT")]) == most


def test_it_speaks_the_visitors_language_first_then_the_clients(
    app: Flask, booking: Booking
) -> None:
    service.cancel(booking, by="host")
    booking.client.locale = "ja"
    db.session.commit()
    assert "キャンセル" in ask(app, booking, **{"Accept-Language": "fr"}).text
    assert "cancelled" in ask(app, booking, **{"Accept-Language": "en"}).text


def test_settings_decide_the_address(
    booking: Booking, change_settings: Callable[..., Settings]
) -> None:
    change_settings(public_base_url="https://calsync.example")
    assert join_address(booking) == f"https://calsync.example/join/{booking.join_token}"
