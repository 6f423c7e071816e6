"""What the host sees of a decline: at the booking, with the ways out beside it, and a word in the list."""

from datetime import timedelta

from flask import Flask

from app.accounts.models import User
from app.bookings import declines, service
from app.bookings.models import Booking
from app.core.clock import utcnow
from app.db import db
from app.ical.replies import Reply
from tests.replies.steps import KEN
from tests.support.cast import make_booking, make_host, make_page, move_back, visit_as
from tests.support.visitor import Visitor

STANDS = "Ken Yamada declined the invitation in their calendar on"
WORD = "Declined in calendar"


def decline(booking: Booking, partstat: str = "DECLINED") -> None:
    declines.hear(Reply(booking.ical_uid, 0, KEN, partstat, None), utcnow())


def shown(app: Flask, host: User, booking: Booking) -> tuple[str, str]:
    """The booking's page, and the list that it stands in."""
    visitor = visit_as(app, host)
    tab = "cancelled" if not booking.is_live else "past" if booking.is_past else "upcoming"
    page = visitor.get(f"/dashboard/bookings/{booking.public_id}")
    return page.text, visitor.get(f"/dashboard/bookings?tab={tab}").text


def test_a_decline_is_shown_with_the_ways_out(app: Flask, host: User, booking: Booking) -> None:
    assert STANDS not in shown(app, host, booking)[0]
    decline(booking)
    page = visit_as(app, host).get(f"/dashboard/bookings/{booking.public_id}")
    [note] = [one for one in page.all(".note.attention") if STANDS in one.text]
    assert [link["href"] for link in note.select("a")] == [
        f"/dashboard/bookings/{booking.public_id}/cancel",
        f"mailto:{KEN}",
    ]
    assert WORD in shown(app, host, booking)[1]


def test_the_dashboard_says_so_too(app: Flask, host: User, booking: Booking) -> None:
    decline(booking)
    assert WORD in visit_as(app, host).get("/dashboard").text


def test_it_is_said_in_japanese(app: Flask) -> None:
    host = make_host("佐藤 美咲", email="misaki@example.jp", locale="ja")
    booking = make_booking(make_page(host))
    decline(booking)
    visitor = visit_as(app, host, {"Accept-Language": "ja"})
    page = visitor.get(f"/dashboard/bookings/{booking.public_id}").text
    listed = visitor.get("/dashboard/bookings").text
    assert "カレンダーで招待を辞退しました。ご予約はそのまま残っています。" in page
    assert "カレンダーで辞退" in listed


def test_nothing_is_said_once_it_is_taken_back(app: Flask, host: User, booking: Booking) -> None:
    decline(booking)
    decline(booking, "ACCEPTED")
    page, listed = shown(app, host, booking)
    assert STANDS not in page
    assert WORD not in listed


def test_nothing_is_said_of_a_booking_that_is_cancelled(
    app: Flask, host: User, booking: Booking
) -> None:
    decline(booking)
    service.cancel(booking, by="host")
    assert STANDS not in shown(app, host, booking)[0]
    assert WORD not in shown(app, host, booking)[1]


def test_nothing_is_said_of_a_booking_that_is_over(
    app: Flask, host: User, booking: Booking
) -> None:
    decline(booking)
    move_back(booking, timedelta(days=3))
    db.session.commit()
    page, listed = shown(app, host, booking)
    assert STANDS not in page
    assert WORD not in listed


def test_the_client_sees_nothing_of_it(app: Flask, booking: Booking, visit: Visitor) -> None:
    decline(booking)
    page = visit.get(f"/booking/{booking.client.token}")
    assert "declined" not in page.text.lower()
