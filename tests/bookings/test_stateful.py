"""Any order of what hosts and clients do: the calendar never holds two bookings at once."""

from datetime import UTC, datetime, timedelta
from typing import Any

import time_machine
from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from app.booking_pages import service as pages
from app.booking_pages.models import BookingPage
from app.bookings import service
from app.bookings.models import Booking
from app.db import db
from tests.conftest import empty_tables
from tests.support.cast import make_client, make_host, make_page

NOW = datetime(2026, 12, 1, tzinfo=UTC)
# Two days of quarters, so that much of it collides.
STARTS = st.integers(0, 191).map(lambda quarter: NOW + timedelta(minutes=15 * quarter))
HOURS = st.lists(
    st.tuples(
        st.integers(0, 6), st.sampled_from([0, 300, 540]), st.sampled_from([720, 1020, 1440])
    ),
    max_size=10,
    unique_by=lambda row: row[0],
)
KEYS = st.integers(0, 400).map(str)

OVERLAPS = text(
    "SELECT count(*) FROM holds one JOIN holds other"
    " ON one.host_id = other.host_id AND one.id < other.id"
    " AND one.blocked_from < other.blocked_until AND other.blocked_from < one.blocked_until"
)
KEYS_TWICE = text(
    "SELECT count(*) FROM (SELECT 1 FROM bookings GROUP BY page_id, idempotency_key"
    " HAVING count(*) > 1) AS twice"
)
TASKS_OF_CANCELLED = text(
    "SELECT count(*) FROM tasks JOIN bookings ON bookings.id = tasks.booking_id"
    " WHERE bookings.status = 'cancelled' AND tasks.state = 'waiting'"
    " AND tasks.kind NOT LIKE '%.cancelled' AND tasks.kind <> 'meeting.delete'"
)


class Calendar(RuleBasedStateMachine):
    """Two hosts with two pages each, and what may happen to them."""

    pages = Bundle("pages")
    bookings = Bundle("bookings")

    @initialize(target=pages)
    def begin(self) -> Any:
        db.session.remove()
        empty_tables()
        self.clock = time_machine.travel(NOW - timedelta(hours=1), tick=False)
        self.clock.start()
        made = []
        for name in ("Aya Sato", "Ben Mori"):
            host = make_host(name)
            made.append(make_page(host, increment=15, auto_zoom=True).id)
            made.append(make_page(host, duration=60, buffer_before=10, buffer_after=20).id)
        return multiple(*made)

    @rule(target=bookings, page=pages, start=STARTS, key=KEYS)
    def book(self, page: int, start: datetime, key: str) -> Any:
        before = self.booking_with(page, key)
        try:
            booking = service.book(self.page(page), start, make_client(), key)
        except (service.SlotTaken, service.OutsideHours):
            assert before is None, "a form that has booked was refused"
            return multiple()
        assert before in {None, booking.id}
        return booking.id

    @rule(booking=bookings, by=st.sampled_from(["client", "host"]))
    def cancel(self, booking: int, by: str) -> None:
        service.cancel(db.session.get_one(Booking, booking), by=by)

    @rule(page=pages, hours=HOURS)
    def edit_hours(self, page: int, hours: list[tuple[int, int, int]]) -> None:
        pages.update_page(self.page(page), pages.Draft({}, hours, []))

    @rule(
        page=pages,
        duration=st.sampled_from([15, 30, 45, 120]),
        before=st.sampled_from([0, 15, 60]),
        after=st.sampled_from([0, 15, 60]),
        limit=st.sampled_from([None, 1, 3]),
    )
    def edit_lengths(
        self, page: int, duration: int, before: int, after: int, limit: int | None
    ) -> None:
        columns = {
            "duration": duration,
            "buffer_before": before,
            "buffer_after": after,
            "daily_limit": limit,
        }
        hours = [(row.weekday, row.opens, row.closes) for row in self.page(page).hours]
        pages.update_page(self.page(page), pages.Draft(columns, hours, []))

    @rule(page=pages, is_live=st.booleans())
    def toggle(self, page: int, is_live: bool) -> None:
        pages.set_live(self.page(page), is_live)

    @rule(hours=st.integers(1, 12))
    def let_time_pass(self, hours: int) -> None:
        now = datetime.now(UTC)
        self.clock.stop()
        self.clock = time_machine.travel(now + timedelta(hours=hours), tick=False)
        self.clock.start()

    @invariant()
    def nothing_overlaps(self) -> None:
        assert db.session.scalar(OVERLAPS) == 0

    @invariant()
    def a_form_has_booked_once(self) -> None:
        assert db.session.scalar(KEYS_TWICE) == 0

    @invariant()
    def nothing_waits_for_a_cancelled_booking(self) -> None:
        assert db.session.scalar(TASKS_OF_CANCELLED) == 0

    def teardown(self) -> None:
        self.clock.stop()
        db.session.remove()

    @staticmethod
    def page(page_id: int) -> BookingPage:
        return db.session.get_one(BookingPage, page_id)

    @staticmethod
    def booking_with(page_id: int, key: str) -> int | None:
        found = service.find_by_key(page_id, key)
        return found.id if found else None


def test_no_order_of_booking_cancelling_and_editing_makes_an_overlap(app: Flask) -> None:
    run_state_machine_as_test(
        Calendar,
        settings=settings(
            max_examples=25,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
