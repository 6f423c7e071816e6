"""The client's page says and offers what is true at the moment."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from app.bookings import provision, service
from app.bookings.models import Booking
from app.bookings.provision import MadeMeeting
from app.db import db
from tests.support.cast import make_booking, make_host, make_page, tomorrow, visit_as
from tests.support.visitor import InProcess, Page, Visitor

MINUTE = timedelta(minutes=1)


@pytest.fixture
def booking(app: Flask) -> Booking:
    """Tomorrow, half an hour, with its meeting."""
    made = make_booking(make_page(make_host(), slug="talk", auto_zoom=True))
    provision.attach_meeting(made.public_id, MadeMeeting(1, "https://zoom.example/j/1", "4711"))
    return made


@contextmanager
def at(booking: Booking, since_start: timedelta) -> Iterator[None]:
    with time_machine.travel(booking.starts_at + since_start):
        yield


def mail_became(booking: Booking, kind: str, state: str) -> None:
    next(task for task in booking.tasks if task.kind == kind).state = state
    db.session.commit()


def address_of(booking: Booking) -> str:
    return f"/booking/{booking.client.token}"


def offers(page: Page) -> set[str]:
    """What can be done on the page."""
    known = ("Join the Zoom meeting", "Google", "Calendar file", "Cancel booking", "Book again")
    return {words for words in known if page.has_link(words)}


@pytest.mark.parametrize(
    ("since_start", "title", "offered"),
    [
        (-16 * MINUTE, "You’re booked", {"Join the Zoom meeting", "Google", "Calendar file", "Cancel booking"}),
        (-15 * MINUTE, "Your meeting starts soon", {"Join the Zoom meeting", "Google", "Calendar file", "Cancel booking"}),
        (timedelta(0), "Your meeting is under way", {"Join the Zoom meeting", "Book again"}),
        (29 * MINUTE, "Your meeting is under way", {"Join the Zoom meeting", "Book again"}),
        (30 * MINUTE, "This booking is over", {"Book again"}),
    ],
)  # fmt: skip
def test_each_phase_has_its_words_and_its_offers(
    booking: Booking, visit: Visitor, since_start: timedelta, title: str, offered: set[str]
) -> None:
    with at(booking, since_start):
        shown = visit.get(address_of(booking))
        assert shown.one("h1").get_text() == title
        assert shown.one("title").get_text().startswith(title)
        assert offers(shown) == offered
        is_asked = visit.get(f"{address_of(booking)}/cancel").path.endswith("/cancel")
        assert is_asked is ("Cancel booking" in offered)
        assert len(shown.all("main .button.main")) == 1


@pytest.mark.parametrize(
    ("by", "words"), [("client", "You have cancelled it."), ("host", "Aya Sato has cancelled it.")]
)
def test_a_cancelled_booking_says_who_cancelled(
    booking: Booking, visit: Visitor, by: str, words: str
) -> None:
    service.cancel(booking, by=by)
    for since_start in (-MINUTE, MINUTE, timedelta(days=1)):
        with at(booking, since_start):
            shown = visit.get(address_of(booking))
            assert shown.one("h1").get_text() == "This booking is cancelled"
            assert words in shown.text
            assert offers(shown) == {"Book again"}


def test_another_time_is_offered_only_where_one_can_be_booked(
    booking: Booking, visit: Visitor
) -> None:
    booking.page.is_live = False
    db.session.commit()
    with at(booking, timedelta(days=1)):
        assert offers(visit.get(address_of(booking))) == set()


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("waiting", "A confirmation is on its way to ken@example.com."),
        ("running", "A confirmation is on its way to ken@example.com."),
        ("done", "The confirmation was sent to ken@example.com."),
        ("failed", "Our email to ken@example.com could not be delivered."),
    ],
)
def test_the_page_tells_what_became_of_the_confirmation(
    booking: Booking, visit: Visitor, state: str, words: str
) -> None:
    mail_became(booking, "mail.attendee.confirmed", state)
    shown = visit.get(address_of(booking))
    assert words in shown.text
    assert ("on its way" in shown.text) is (state in {"waiting", "running"})
    with at(booking, timedelta(hours=1)):
        over = visit.get(address_of(booking))
        assert "on its way" not in over.text
        assert "You’re booked" not in over.text


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("waiting", "is on its way to ken@example.com"),
        ("done", "was sent to ken@example.com"),
        ("failed", "to ken@example.com could not be delivered"),
    ],
)
def test_a_cancelled_booking_tells_what_became_of_that_mail(
    booking: Booking, visit: Visitor, state: str, words: str
) -> None:
    mail_became(booking, "mail.attendee.confirmed", "done")
    service.cancel(booking, by="host")
    mail_became(booking, "mail.attendee.cancelled", state)
    assert words in visit.get(address_of(booking)).text


def test_the_latest_mail_counts(app: Flask, visit: Visitor) -> None:
    booking = make_booking(make_page(make_host(), auto_zoom=True))
    mail_became(booking, "mail.attendee.confirmed", "done")
    provision.attach_meeting(booking.public_id, MadeMeeting(1, "https://zoom.example/j/1", None))
    mail_became(booking, "mail.attendee.link", "failed")
    assert "could not be delivered" in visit.get(address_of(booking)).text


def test_who_got_no_mail_is_promised_the_link_on_the_page(app: Flask, visit: Visitor) -> None:
    booking = make_booking(make_page(make_host(), auto_zoom=True))
    provision.fail_meeting(booking.id, "zoom_not_connected")
    assert "The Zoom link will follow by email." in visit.get(address_of(booking)).text
    mail_became(booking, "mail.attendee.confirmed", "failed")
    shown = visit.get(address_of(booking)).text
    assert "The Zoom link will appear on this page." in shown
    assert "by email" not in shown


@pytest.mark.parametrize(
    ("waited", "words", "asks", "reloads"),
    [(14, "Creating your Zoom meeting…", "every 2s", "4"), (16, "Zoom is slow", "every 10s", "20")],
)
def test_a_slow_meeting_is_told_as_slow_and_asked_for_less_often(
    app: Flask, visit: Visitor, waited: int, words: str, asks: str, reloads: str
) -> None:
    booking = make_booking(make_page(make_host(), auto_zoom=True))
    with time_machine.travel(booking.created_at + timedelta(seconds=waited)):
        shown = visit.get(address_of(booking))
        assert words in shown.one("#link").get_text()
        assert shown.one("#meeting")["hx-trigger"] == asks
        assert shown.one("#meeting")["hx-swap"] == "outerMorph"
        assert shown.one('noscript meta[http-equiv="refresh"]')["content"] == reloads
        part = Visitor(InProcess(app, {"HX-Request": "true"})).get(f"{address_of(booking)}/meeting")
        assert part.one("#meeting")["hx-trigger"] == asks


def test_only_what_changes_is_in_the_live_region(booking: Booking, visit: Visitor) -> None:
    heading, link = visit.get(address_of(booking)).all("#meeting [aria-live]")
    assert heading.name == "h1"
    assert "Join the Zoom meeting" in link.get_text()
    assert "Google" not in link.get_text()


def test_the_hosts_page_of_a_booking_says_the_same(app: Flask, booking: Booking) -> None:
    host = booking.host
    address = f"/dashboard/bookings/{booking.public_id}"
    assert "under way" not in visit_as(app, host).get(address).text
    told: list[tuple[timedelta, str]] = [
        (MINUTE, "This booking is under way."),
        (timedelta(hours=1), "This booking is over."),
    ]
    for since_start, words in told:
        with at(booking, since_start):
            assert words in visit_as(app, host).get(address).text


def test_a_place_to_meet_needs_no_word_of_zoom(app: Flask, visit: Visitor) -> None:
    booking = make_booking(make_page(make_host(), location="Room 1"), tomorrow(4))
    assert "Zoom" not in visit.get(address_of(booking)).one("main").get_text()
