"""The client's own page: its address is the key."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import time_machine
from flask import Flask
from icalendar import Calendar

from app.bookings import provision, service
from app.bookings.provision import MadeMeeting
from app.db import db
from tests.support.cast import connect_zoom, make_booking, make_host, make_page, tomorrow
from tests.support.visitor import InProcess, Visitor


def address_of(booking) -> str:
    return f"/booking/{booking.client.token}"


def test_it_is_private_to_who_has_the_address(app: Flask, visit: Visitor) -> None:
    booking = make_booking(make_page(make_host()))
    shown = visit.get(address_of(booking))
    assert shown.answer.headers["Cache-Control"] == "no-store"
    assert shown.answer.headers["Referrer-Policy"] == "no-referrer"
    assert shown.answer.headers["X-Robots-Tag"] == "noindex"
    assert "Set-Cookie" not in shown.answer.headers
    for wrong in ("", "x", booking.client.token[:-1], booking.client.token_hash, booking.public_id):
        assert visit.get(f"/booking/{wrong}").status == 404


def test_the_token_is_not_in_the_database_in_clear(app: Flask) -> None:
    booking = make_booking(make_page(make_host()))
    row = db.session.connection().exec_driver_sql("SELECT * FROM bookings").one()
    assert booking.client.token not in [str(value) for value in row]


def test_the_page_asks_again_at_once_only_while_it_waits(app: Flask, visit: Visitor) -> None:
    booking = make_booking(make_page(make_host(), auto_zoom=True))
    address = address_of(booking)
    waiting = visit.get(address)
    assert waiting.one("#meeting")["hx-get"] == f"{address}/meeting"
    assert waiting.all('noscript meta[http-equiv="refresh"]')
    part = Visitor(InProcess(app, {"HX-Request": "true"})).get(f"{address}/meeting")
    assert "Creating your Zoom meeting" in part.text
    assert not part.all("html")
    # The part carries the calendars' addresses, which will hold the link.
    assert part.has_link("Google")

    provision.attach_meeting(
        booking.public_id, MadeMeeting(1, "https://zoom.example/j/1?pwd=x", "4711")
    )
    ready = visit.get(address)
    # What is next is the quarter of an hour before the start.
    assert ready.one("#meeting")["hx-trigger"] == "every 300s"
    db.session.refresh(booking)
    join = str(ready.link("Join the Zoom meeting")["href"])
    assert join == f"http://127.0.0.1/join/{booking.join_token}"
    assert ready.link("https://zoom.example")["href"] == "https://zoom.example/j/1?pwd=x"


def test_a_meeting_that_failed_is_calm(app: Flask, visit: Visitor) -> None:
    booking = make_booking(make_page(make_host(), auto_zoom=True))
    provision.fail_meeting(booking.id, "zoom_refused: Internal words of Zoom")
    shown = visit.get(address_of(booking))
    assert "will follow" in shown.text
    assert "Internal words" not in shown.answer.text


def test_calendar_links_carry_the_same_time(app: Flask, visit: Visitor) -> None:
    start = tomorrow(3, 30)
    booking = make_booking(make_page(make_host()), start)
    shown = visit.get(address_of(booking))
    google = parse_qs(urlsplit(str(shown.link("Google")["href"])).query)
    assert google["dates"] == [
        f"{start:%Y%m%dT%H%M%SZ}/{start + timedelta(minutes=30):%Y%m%dT%H%M%SZ}"
    ]
    outlook = parse_qs(urlsplit(str(shown.link("Outlook")["href"])).query)
    assert datetime.fromisoformat(outlook["startdt"][0]) == start
    invite = visit.get(f"{address_of(booking)}/invite.ics")
    assert invite.answer.headers["Content-Type"].startswith("text/calendar")
    (event,) = Calendar.from_ical(invite.answer.text).walk("VEVENT")
    assert event["dtstart"].dt == start
    assert str(event["uid"]) == booking.ical_uid


def test_cancelling_asks_once_and_frees_the_time(app: Flask, visit: Visitor) -> None:
    booking = make_booking(make_page(make_host(), slug="talk"))
    asked = visit.get(address_of(booking)).follow("Cancel booking")
    db.session.refresh(booking)
    assert booking.is_live  # a GET changes nothing
    done = asked.press("Cancel booking")
    assert "This booking is cancelled" in done.text
    db.session.refresh(booking)
    assert (booking.status, booking.cancelled_by, booking.ical_sequence) == (
        "cancelled",
        "client",
        1,
    )
    assert not done.has_link("Cancel booking")
    assert done.link("Book again")["href"] == f"{address_of(booking)}/again"
    # Once more: the same page, and nothing new.
    asked.press("Cancel booking")
    db.session.refresh(booking)
    assert booking.ical_sequence == 1
    kinds = [task.kind for task in booking.tasks if task.kind.endswith("cancelled")]
    assert sorted(kinds) == ["mail.attendee.cancelled", "mail.host.cancelled"]


def test_cancelling_calls_off_what_waits(app: Flask) -> None:
    booking = make_booking(make_page(make_host(), auto_zoom=True))
    service.cancel(booking, by="client")
    states = {task.kind: task.state for task in booking.tasks}
    assert states["meeting.create"] == "cancelled"
    assert states["mail.attendee.confirmed"] == "cancelled"
    assert states["mail.attendee.cancelled"] == "waiting"


def test_the_meeting_is_deleted_where_the_host_granted_that(app: Flask) -> None:
    for name, scopes, expected in (
        ("Aya", "meeting:write:meeting meeting:delete:meeting", True),
        ("Bo", "meeting:write:meeting meeting:read:meeting", False),
    ):
        host = make_host(name)
        connect_zoom(host, scopes=scopes)
        booking = make_booking(make_page(host, auto_zoom=True))
        provision.attach_meeting(
            booking.public_id, MadeMeeting(host.id, "https://zoom.example/j/1", None)
        )
        service.cancel(booking, by="client")
        assert any(task.kind == "meeting.delete" for task in booking.tasks) is expected


def test_a_booking_that_is_over_cannot_be_cancelled(app: Flask, visit: Visitor) -> None:
    booking = make_booking(make_page(make_host()), tomorrow())
    address = address_of(booking)
    asked = visit.get(f"{address}/cancel")
    with time_machine.travel(datetime.now(UTC) + timedelta(days=3)):
        assert asked.press("Cancel booking").status == 409
        assert not visit.get(address).has_link("Cancel booking")
    db.session.refresh(booking)
    assert booking.is_live


def test_another_site_cannot_cancel(app: Flask, visit: Visitor) -> None:
    booking = make_booking(make_page(make_host()))
    asked = visit.get(f"{address_of(booking)}/cancel")
    visit.transport.headers["Origin"] = "https://evil.example"  # type: ignore[attr-defined]
    assert asked.press("Cancel booking").status == 403
