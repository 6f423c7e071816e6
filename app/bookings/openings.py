"""Which times a page still offers: its rules and its host's busy spans, through the slot engine."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select, union_all

from ..availability import Span, open_slots
from ..booking_pages.models import BookingPage, TimeOff
from ..booking_pages.service import rules_of
from ..clock import utcnow
from ..extensions import db
from .models import Booking

# The longest span a booking can block: a day, with a day of buffer on either side. Naming it
# lets the index skip all that lies before.
LONGEST_BLOCK = timedelta(days=3)
NEAR = timedelta(days=14)


def open_starts(page: BookingPage, start: datetime, end: datetime) -> list[datetime]:
    """The page's open starts s with `start <= s < end`, aware UTC, ascending."""
    rules = rules_of(page)
    return open_slots(
        rules,
        busy_spans(
            page.user_id,
            start - rules.buffer_before,
            end + rules.duration + rules.buffer_after,
        ),
        now=utcnow(),
        start=start,
        end=end,
        booked_per_day=_booked_per_day(page, start, end),
    )


def open_days(page: BookingPage, month: date, zone: ZoneInfo) -> dict[date, list[datetime]]:
    """A month's open starts by the client's local day. `month` is its first day, in `zone`."""
    start = _midnight(month, zone)
    end = _midnight(_next_month(month), zone)
    days: dict[date, list[datetime]] = {}
    for slot in open_starts(page, start, end):
        days.setdefault(slot.astimezone(zone).date(), []).append(slot)
    return days


def is_open(page: BookingPage, start: datetime) -> bool:
    """Whether `start` can be booked right now."""
    return start in open_starts(page, start, start + timedelta(microseconds=1))


def nearest_open(page: BookingPage, wanted: datetime, count: int = 6) -> list[datetime]:
    """Open starts close to `wanted`, in their own order."""
    found = open_starts(page, max(wanted - NEAR, utcnow()), wanted + NEAR)
    return sorted(sorted(found, key=lambda start: abs(start - wanted))[:count])


def busy_spans(host_id: int, start: datetime, end: datetime) -> list[Span]:
    """The host's live bookings with their buffers, and absences, that meet `[start, end)`."""
    booked = select(Booking.blocked_from, Booking.blocked_until).where(
        Booking.host_id == host_id,
        Booking.status == "confirmed",
        Booking.blocked_from < end,
        Booking.blocked_from > start - LONGEST_BLOCK,
        Booking.blocked_until > start,
    )
    away = select(TimeOff.starts_at, TimeOff.ends_at).where(
        TimeOff.host_id == host_id, TimeOff.starts_at < end, TimeOff.ends_at > start
    )
    return [Span(*row) for row in db.session.execute(union_all(booked, away))]


def _booked_per_day(page: BookingPage, start: datetime, end: datetime) -> Mapping[date, int]:
    """The page's live bookings by host-local day, where the page has a daily limit."""
    if page.daily_limit is None:
        return {}
    zone = ZoneInfo(page.timezone)
    day = timedelta(days=1)
    counts: dict[date, int] = {}
    for starts_at in db.session.scalars(
        select(Booking.starts_at).where(
            Booking.page_id == page.id,
            Booking.status == "confirmed",
            Booking.starts_at >= start - day,
            Booking.starts_at < end + day,
        )
    ):
        local = starts_at.astimezone(zone).date()
        counts[local] = counts.get(local, 0) + 1
    return counts


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def _next_month(month: date) -> date:
    return (month.replace(day=1) + timedelta(days=32)).replace(day=1)
