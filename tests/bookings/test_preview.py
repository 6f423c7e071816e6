"""Why is nothing open? The host's preview says so for each closed day."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from flask import Flask

from app.booking_pages import service as pages
from app.booking_pages.models import BookingPage
from app.booking_pages.offerings import offering_of
from app.bookings.openings import open_days
from app.bookings.reasons import Reason, why_closed
from app.db import db
from app.schedules.models import TimeOff
from tests.support.cast import make_booking, make_host, make_page, visit_as

TOKYO = ZoneInfo("Asia/Tokyo")
DECEMBER, NOVEMBER = date(2026, 12, 1), date(2026, 11, 1)
HOUR_A_DAY = [(weekday, 600, 660) for weekday in range(7)]


@pytest.fixture(autouse=True)
def late_november() -> Iterator[None]:
    """Friday 20 November 2026, 12:00 in Tokyo."""
    with time_machine.travel(datetime(2026, 11, 20, 3, tzinfo=UTC), tick=False):
        yield


def page_with(**columns: Any) -> BookingPage:
    values = {"hours": HOUR_A_DAY, "duration": 60, "horizon_days": None} | columns
    return make_page(make_host(), **values)


def reason(page: BookingPage, day: date) -> Reason | None:
    found = why_closed(offering_of(page.id), day.replace(day=1), TOKYO)
    return found.get(day)


def test_an_open_day_has_no_reason(app: Flask) -> None:
    page = page_with()
    assert why_closed(offering_of(page.id), DECEMBER, TOKYO) == {}


def test_a_day_without_hours(app: Flask) -> None:
    page = page_with(hours=[(0, 600, 660)])
    assert reason(page, date(2026, 12, 8)) is Reason.HOURS
    assert reason(page, date(2026, 12, 7)) is None


def test_hours_too_short_for_a_meeting_are_no_hours(app: Flask) -> None:
    page = page_with(duration=61)
    assert reason(page, date(2026, 12, 8)) is Reason.HOURS


def test_an_override_that_closes(app: Flask) -> None:
    page = page_with(overrides=[(date(2026, 12, 8), None, None)])
    assert reason(page, date(2026, 12, 8)) is Reason.OVERRIDE


def test_a_public_holiday_unless_an_override_opens_it(app: Flask) -> None:
    holiday = date(2026, 11, 23)
    assert reason(page_with(holidays="JP"), holiday) is Reason.HOLIDAY
    opened = pages.update_page(
        page_of_day := make_page(make_host("Mallory"), hours=HOUR_A_DAY, duration=60),
        pages.Draft(
            {"holidays": "JP", "slug": page_of_day.slug}, HOUR_A_DAY, [(holiday, 600, 660)]
        ),
    )
    assert reason(opened, holiday) is None


def test_time_off(app: Flask) -> None:
    page = page_with()
    start, end = datetime(2026, 12, 7, 15, tzinfo=UTC), datetime(2026, 12, 8, 15, tzinfo=UTC)
    db.session.add(TimeOff(host_id=page.user_id, starts_at=start, ends_at=end, label="Away"))
    db.session.commit()
    assert reason(page, date(2026, 12, 8)) is Reason.TIME_OFF
    assert reason(page, date(2026, 12, 9)) is None


def test_notice(app: Flask) -> None:
    page = page_with(notice=2 * 1440)
    assert reason(page, date(2026, 11, 21)) is Reason.NOTICE
    assert reason(page, date(2026, 11, 23)) is None


def test_the_past_and_the_rest_of_today(app: Flask) -> None:
    page = page_with()
    assert reason(page, date(2026, 11, 19)) is Reason.PAST
    assert reason(page, date(2026, 11, 20)) is Reason.PAST  # 10:00 is over at 12:00
    assert reason(page, date(2026, 11, 21)) is None


def test_the_horizon(app: Flask) -> None:
    page = page_with(horizon_days=10)
    assert reason(page, date(2026, 11, 30)) is None
    assert reason(page, date(2026, 12, 1)) is Reason.HORIZON


def test_the_booking_period(app: Flask) -> None:
    page = page_with(first_day=date(2026, 12, 2), last_day=date(2026, 12, 4))
    assert reason(page, date(2026, 12, 1)) is Reason.PERIOD
    assert reason(page, date(2026, 12, 2)) is None
    assert reason(page, date(2026, 12, 4)) is None
    assert reason(page, date(2026, 12, 5)) is Reason.PERIOD


def test_the_daily_limit_and_a_full_day(app: Flask) -> None:
    at = datetime(2026, 12, 8, 1, tzinfo=UTC)  # 10:00 in Tokyo
    full = page_with()
    make_booking(full, at)
    assert reason(full, date(2026, 12, 8)) is Reason.BOOKED
    limited = make_page(
        make_host("Mallory"), hours=[(1, 600, 900)], duration=60, daily_limit=1, horizon_days=None
    )
    make_booking(limited, at)
    assert reason(limited, date(2026, 12, 8)) is Reason.LIMIT


def test_every_day_is_either_open_or_has_a_reason(app: Flask) -> None:
    page = page_with(
        hours=[(weekday, 600, 660) for weekday in range(5)],
        holidays="JP",
        notice=3 * 1440,
        horizon_days=25,
        overrides=[(date(2026, 12, 1), None, None)],
    )
    make_booking(page, datetime(2026, 12, 3, 1, tzinfo=UTC))
    offering = offering_of(page.id)
    for month, length in ((NOVEMBER, 30), (DECEMBER, 31)):
        for zone in (TOKYO, ZoneInfo("America/New_York"), ZoneInfo("Pacific/Kiritimati")):
            opened = set(open_days(offering, month, zone))
            closed = set(why_closed(offering, month, zone))
            assert opened.isdisjoint(closed)
            assert len(opened) + len(closed) == length


def test_the_preview_says_it_in_words(app: Flask) -> None:
    page = page_with(hours=[(weekday, 600, 660) for weekday in range(5)], holidays="JP")
    host = page.host
    pages.set_live(page, False)
    shown = visit_as(app, host).get(f"/dashboard/pages/{page.id}/preview")
    assert "The page is off" in shown.text
    assert "Public holiday Mon 23 Nov" in shown.text
    assert "Outside your weekly hours" in shown.text
    assert not shown.all("a.time")
    following = shown.open('a[aria-label^="Next month"]')
    assert following.path == shown.path
    assert "December 2026" in following.text


def test_mallory_sees_no_preview_of_ayas_page(app: Flask) -> None:
    page = page_with()
    mallory = visit_as(app, make_host("Mallory"))
    assert mallory.get(f"/dashboard/pages/{page.id}/preview").status == 404
