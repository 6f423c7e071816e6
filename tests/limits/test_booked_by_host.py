"""What a host books for clients is bounded by host: each is a mail in the host's name."""

from flask import Flask
from sqlalchemy import func, select

from app.bookings.models import Booking
from app.db import db
from app.web.rate_limits import count
from tests.support.cast import make_booking, make_host, make_page, tomorrow, visit_as


def test_the_hundred_and_first_in_an_hour_is_told_and_keeps_its_message(limited: Flask) -> None:
    host = make_host()
    booking = make_booking(make_page(host))
    with limited.test_request_context("/"):
        for _ in range(100):
            count("book for a client", host=host.id)
    aya = visit_as(limited, host)
    address = f"/dashboard/bookings/{booking.public_id}/rebook/{tomorrow(5):%Y%m%dT%H%M%SZ}"
    answer = aya.get(address).press("Book this time", message="Until then")
    assert answer.status == 429
    assert "You have reached the limit for this" in answer.one(".summary").get_text()
    assert answer.one("textarea").get_text().strip() == "Until then"
    assert int(answer.answer.headers["Retry-After"]) > 0
    series = aya.get(f"/dashboard/bookings/{booking.public_id}/series")
    shown = series.press("Look at the sessions", count="2").press("Book the sessions")
    assert shown.status == 429
    assert "You have reached the limit for this" in shown.one(".summary").get_text()
    assert db.session.scalar(select(func.count()).select_from(Booking)) == 1
