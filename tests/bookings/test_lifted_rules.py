"""What a page offers to its host: the rules against strangers are lifted, the fences stand."""

from datetime import UTC, datetime

import pytest
from flask import Flask

from app.booking_pages.offerings import offering_of
from app.bookings.openings import for_host, is_open
from app.db import db
from app.schedules.models import TimeOff
from tests.support.cast import make_booking, make_host, make_page

pytestmark = pytest.mark.usefixtures("early_december")

SOON = datetime(2026, 12, 1, 1, tzinfo=UTC)  # 10:00 in Tokyo, where it is 00:30
FAR = datetime(2027, 6, 1, 1, tzinfo=UTC)
EVENING = datetime(2026, 12, 1, 10, tzinfo=UTC)
OFFICE = [(weekday, 540, 1020) for weekday in range(5)]


def test_notice_horizon_and_limit_bind_clients_and_not_the_host(app: Flask) -> None:
    page = make_page(
        make_host(), notice=2 * 1440, horizon_days=30, daily_limit=1, hours=OFFICE, increment=30
    )
    offering = offering_of(page.id)
    lifted = for_host(offering)
    late = datetime(2026, 12, 8, 1, tzinfo=UTC)
    make_booking(page, late)
    afternoon = late.replace(hour=5)
    for start in (SOON, FAR, afternoon):
        assert not is_open(offering, start), start
        assert is_open(lifted, start), start
    assert lifted.page.terms == offering.page.terms
    assert for_host(offering) is lifted


def test_hours_bookings_time_off_and_the_past_still_count(app: Flask) -> None:
    page = make_page(make_host(), hours=OFFICE)
    lifted = for_host(offering_of(page.id))
    make_booking(page, SOON)
    absent = SOON.replace(hour=5)
    db.session.add(TimeOff(host_id=page.user_id, starts_at=absent, ends_at=absent.replace(hour=6)))
    db.session.commit()
    for start in (SOON, absent, EVENING, SOON.replace(month=11)):
        assert not is_open(lifted, start), start
    assert is_open(lifted, SOON.replace(hour=2))
