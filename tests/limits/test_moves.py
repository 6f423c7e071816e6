"""How often a booking is moved."""

from collections.abc import Callable

from flask import Flask

from app.bookings.slot_addresses import SLOT_FORM
from app.db import db
from tests.support.cast import make_booking, make_host, make_page, tomorrow, visit_as
from tests.support.visitor import Visitor


def test_a_booking_is_moved_ten_times_an_hour_by_whoever(
    limited: Flask, at: Callable[..., Visitor]
) -> None:
    host, visit = make_host(), at("203.0.113.7")
    booking = make_booking(make_page(host), tomorrow(3))
    home = f"/booking/{booking.client.token}"
    slots = [f"{tomorrow(hour):{SLOT_FORM}}" for hour in (6, 7)]
    for number in range(10):
        form = visit.get(f"{home}/reschedule/{slots[number % 2]}")
        assert form.press("Move the booking").path == home
    last = f"/reschedule/{slots[0]}"
    refused = visit.get(home + last).press("Move the booking", reason="Once more")
    assert refused.status == 429
    assert "has been moved often" in refused.text
    assert refused.one("textarea[name=reason]").get_text().strip() == "Once more"
    browser = visit_as(limited, host)
    by_host = browser.get(f"/dashboard/bookings/{booking.public_id}{last}")
    assert by_host.press("Move the booking").status == 429
    db.session.expire_all()
    assert booking.starts_at == tomorrow(7)
