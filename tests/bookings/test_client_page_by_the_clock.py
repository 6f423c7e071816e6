"""A client's page that is left open: it turns into "soon", "under way" and "over" by itself; and what a
move or a cancellation by the other side looks like."""

from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from app.bookings import service
from app.bookings.models import Booking, Change
from app.db import db
from tests.support.cast import give_meeting, make_booking, make_host, make_page
from tests.support.visitor import InProcess, Page, Visitor

ZOOM = "https://zoom.example/j/85012345678?pwd=x"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def booking(app: Flask) -> Booking:
    """Tomorrow, half an hour, with its meeting."""
    return give_meeting(make_booking(make_page(make_host(), slug="talk")), join_url=ZOOM)


def address_of(booking: Booking) -> str:
    return f"/booking/{booking.client.token}"


def shown(app: Flask, booking: Booking, since_start: timedelta) -> Page:
    with time_machine.travel(booking.starts_at + since_start, tick=False):
        return Visitor(InProcess(app)).get(address_of(booking))


def next_look(page: Page) -> int | None:
    """The seconds until the page asks again by htmx."""
    trigger = page.one("#meeting").get("hx-trigger")
    return int(str(trigger).removeprefix("every ").removesuffix("s")) if trigger else None


def reload(page: Page) -> int | None:
    """The seconds until it loads anew without a script."""
    found = page.all('noscript meta[http-equiv="refresh"]')
    return int(str(found[0]["content"])) if found else None


@pytest.mark.parametrize(
    ("since_start", "by_htmx", "without_script"),
    [
        (-10 * DAY, 3600, None),
        (-20 * HOUR, 300, 20 * 3600 - 900),
        (-20 * MINUTE, 300, 300),
        (-16 * MINUTE, 60, 60),
        (-15 * MINUTE, 300, 900),
        (-1 * MINUTE, 60, 60),
        (timedelta(0), 300, 1800),
        (29 * MINUTE, 60, 60),
        (30 * MINUTE, None, None),
    ],
)
def test_the_page_looks_again_when_it_is_to_say_something_else(
    app: Flask,
    booking: Booking,
    since_start: timedelta,
    by_htmx: int | None,
    without_script: int | None,
) -> None:
    page = shown(app, booking, since_start)
    assert next_look(page) == by_htmx
    assert reload(page) == without_script


def test_a_cancelled_one_looks_no_more(app: Flask, booking: Booking) -> None:
    service.cancel(booking, by="client")
    page = shown(app, booking, -HOUR)
    assert (next_look(page), reload(page)) == (None, None)


def test_a_page_left_open_turns_into_soon_and_then_into_under_way(
    app: Flask, booking: Booking
) -> None:
    part = Visitor(InProcess(app, {"HX-Request": "true"}))
    told: list[tuple[timedelta, str]] = [
        (-16 * MINUTE, "You’re booked – CalSync"),
        (-15 * MINUTE, "Your meeting starts soon – CalSync"),
        (timedelta(0), "Your meeting is under way – CalSync"),
        (30 * MINUTE, "This booking is over – CalSync"),
    ]
    for since_start, title in told:
        with time_machine.travel(booking.starts_at + since_start, tick=False):
            page = part.get(f"{address_of(booking)}/meeting")
        assert "<html" not in page.answer.text
        assert page.one("title").get_text() == title
        assert f"{page.one('h1').get_text()} – CalSync" == title


@pytest.mark.parametrize("since_start", [-15 * MINUTE, -MINUTE, timedelta(0), 29 * MINUTE])
def test_joining_is_the_first_and_only_main_thing_when_it_is_time(
    app: Flask, booking: Booking, since_start: timedelta
) -> None:
    page = shown(app, booking, since_start)
    assert page.one("main .button.main").get_text() == "Join the Zoom meeting"
    links = page.all("main a[href]")
    assert links[0]["href"] == f"http://127.0.0.1/join/{booking.join_token}"
    assert links[1]["href"] == ZOOM
    section = page.all("#meeting > section")[0]
    assert section.select_one("#join.big")


def test_before_that_it_stands_beside_the_time(app: Flask, booking: Booking) -> None:
    page = shown(app, booking, -16 * MINUTE)
    assert page.all("#meeting > section")[1].select_one("#join")
    assert not page.all("#join.big")


def test_soon_is_told_where_there_is_nothing_to_join_as_well(app: Flask) -> None:
    booking = make_booking(make_page(make_host(), location="Room 4"))
    page = shown(app, booking, -5 * MINUTE)
    assert "Your meeting starts soon" in page.one("h1").get_text()
    assert "Room 4" in page.text
    assert not page.all("main .button.main")


def move(booking: Booking, by: str, words: str | None) -> None:
    """Let it have been an hour earlier until a moment ago."""
    booking.ical_sequence += 1
    booking.changes.append(
        Change(
            sequence=booking.ical_sequence,
            by=by,
            old_starts_at=booking.starts_at - HOUR,
            words=words,
        )
    )
    db.session.commit()


@pytest.mark.parametrize(
    ("by", "words", "told"),
    [
        ("host", "A train is late.", "Aya Sato has moved it to another time."),
        ("client", None, "You have moved it to another time."),
    ],
)
def test_a_moved_booking_shows_the_old_time_struck_beside_the_new(
    app: Flask, booking: Booking, by: str, words: str | None, told: str
) -> None:
    move(booking, by, words)
    page = shown(app, booking, -2 * HOUR)
    assert page.one("h1").get_text() == "Your booking was moved"
    assert told in page.text
    assert [quote.get_text() for quote in page.all("blockquote")] == ([words] if words else [])
    old, new = (str(time["datetime"]) for time in page.all("#meeting .when time"))
    assert old == f"{booking.starts_at - HOUR:%Y-%m-%dT%H:%M:%SZ}"
    assert new == f"{booking.starts_at:%Y-%m-%dT%H:%M:%SZ}"
    assert page.one(".over .when time")["datetime"] == old
    assert "Before the move" in page.one(".over").get_text()


def test_once_it_is_time_what_was_before_is_no_matter(app: Flask, booking: Booking) -> None:
    move(booking, "host", "A train is late.")
    assert shown(app, booking, -MINUTE).one("h1").get_text() == "Your meeting starts soon"
    running = shown(app, booking, MINUTE)
    assert len(running.all(".when time")) == 1
    assert "moved" not in running.text


def test_a_cancellation_tells_why(app: Flask, booking: Booking) -> None:
    move(booking, "client", "Earlier words.")
    service.cancel(booking, by="host")
    booking.changes[-1].words = "I am ill.\nSorry, <b>Ken</b>."
    db.session.commit()
    page = shown(app, booking, -HOUR)
    assert "Aya Sato has cancelled it." in page.text
    assert page.one("blockquote").get_text() == "I am ill.\nSorry, <b>Ken</b>."
    assert "Earlier words." not in page.text


def test_a_bounced_mail_is_told_until_the_meeting(app: Flask, booking: Booking) -> None:
    mail = next(task for task in booking.tasks if task.kind == "mail.attendee.confirmed")
    mail.state = "failed"
    db.session.commit()
    for since_start in (-HOUR, -MINUTE):
        assert "could not be delivered" in shown(app, booking, since_start).text
    assert "could not be delivered" not in shown(app, booking, MINUTE).text
