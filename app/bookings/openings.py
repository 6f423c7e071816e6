"""Which times a page still offers: its rules and its host's busy spans, through the slot engine."""

from bisect import bisect_left
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import starmap
from zoneinfo import ZoneInfo

from sqlalchemy import Executable, Table, bindparam, select, union_all

from ..availability import Rules, Span, open_slots
from ..availability.days import EPOCH, local_days
from ..booking_pages.offerings import Offering
from ..core.clock import utcnow
from ..db import db
from ..schedules.models import TimeOff
from .models import Booking, Hold, Status

# The longest span a booking can block: a day, with a day of buffer on either side. Naming it
# lets the index skip all that lies before.
LONGEST_BLOCK = timedelta(days=3)
A_WEEK = timedelta(days=7)
NEAR = 2 * A_WEEK
SEASON = timedelta(days=92)
YEARS = timedelta(days=731)  # the longest horizon that the form takes


@lru_cache(maxsize=256)
def for_host(offering: Offering) -> Offering:
    """The same page as its host may book it: without minimum notice, daily limit and horizon. Hours,
    days off, booking period, time off and all that is booked still count. It goes wherever an
    Offering does; its page's `terms` are the same."""
    lifted = offering.page._replace(notice=0, daily_limit=None, horizon_days=None)
    return replace(offering, page=lifted)


@lru_cache(maxsize=256)
def for_booking(offering: Offering, booking_id: int, duration: int) -> Offering:
    """The same page to a booking that looks for another time: of the length that was agreed (minutes),
    at the page's own starts, and its present time is free to it."""
    page = offering.page
    agreed = page._replace(duration=duration, increment=page.increment or page.duration)
    return replace(offering, page=agreed, moving=booking_id)


def open_starts(offering: Offering, start: datetime, end: datetime) -> list[datetime]:
    """The page's open starts s with `start <= s < end`, aware UTC, ascending."""
    rules = offering.rules_between(start, end)
    return open_slots(
        rules,
        busy_spans(offering.page.user_id, *reach_of(rules, start, end), moving=offering.moving),
        now=utcnow(),
        start=start,
        end=end,
        booked_per_day=booked_per_day(offering, start, end),
    )


def open_days(offering: Offering, month: date, zone: ZoneInfo) -> dict[date, list[datetime]]:
    """A month's open starts by the client's local day. `month` is its first day, in `zone`."""
    start, end = bounds_of(month, zone)
    slots = open_starts(offering, start, end)
    days: dict[date, list[datetime]] = {}
    first = 0
    for day, _midnight, _begins, ends in local_days(zone, start - EPOCH, end - EPOCH):
        last = bisect_left(slots, EPOCH + ends, first)
        if first < last:
            # On clocks that go back over midnight a day comes in two parts.
            days[day] = days.get(day, []) + slots[first:last]
        first = last
    return days


def open_day_after(
    offering: Offering, day: date, days: Collection[date], zone: ZoneInfo
) -> date | None:
    """The first day after `day` with an open start, on the clocks of `zone`; `days` are the open
    ones of its month."""
    start = max(bounds_of(day.replace(day=1), zone)[1], utcnow())
    if later := [other for other in days if other > day]:
        return min(later)
    for length in (NEAR, SEASON, YEARS):
        found = open_starts(offering, start, start + length)
        if found:
            return found[0].astimezone(zone).date()
    return None


def open_day_before(
    offering: Offering, day: date, days: Collection[date], zone: ZoneInfo
) -> date | None:
    """The last day before `day` with an open start; `days` are the open ones of its month."""
    if earlier := [other for other in days if other < day]:
        return max(earlier)
    now, end = utcnow(), bounds_of(day.replace(day=1), zone)[0]
    for length in (NEAR, SEASON, YEARS):
        start = max(now, end - length)
        if start < end and (found := open_starts(offering, start, end)):
            return found[-1].astimezone(zone).date()
    return None


def is_full(offering: Offering, day: date, zone: ZoneInfo) -> bool:
    """Whether only bookings, or the daily limit of them, take all times of a day in `zone`."""
    start, end = _midnight(day, zone), _midnight(day + timedelta(days=1), zone)
    rules = replace(offering.rules_between(start, end), daily_limit=None)
    away = absences(offering.page.user_id, *reach_of(rules, start, end))
    return bool(open_slots(rules, away, now=utcnow(), start=start, end=end))


def is_open(offering: Offering, start: datetime) -> bool:
    """Whether `start` can be booked right now."""
    return start in open_starts(offering, start, start + timedelta(microseconds=1))


def is_open_to_host(offering: Offering, start: datetime, *, outside_hours: bool = False) -> bool:
    """Whether the page's host can book `start` right now; `outside_hours`: whatever its rules say, as
    long as nothing overlaps."""
    lifted = for_host(offering)
    if not outside_hours:
        return is_open(lifted, start)
    rules = lifted.rules_between(start, start)
    span = (start - rules.buffer_before, start + rules.duration + rules.buffer_after)
    return start >= utcnow() and not busy_spans(offering.page.user_id, *span)


def nearest_open(offering: Offering, wanted: datetime, count: int = 6) -> list[datetime]:
    """Open starts close to `wanted`, in their own order."""
    now = utcnow()
    wanted = max(wanted, now)
    found = open_starts(offering, max(wanted - NEAR, now), wanted + NEAR)
    return sorted(sorted(found, key=lambda start: abs(start - wanted))[:count])


def open_about(offering: Offering, start: datetime, count: int = 4) -> list[datetime]:
    """Open starts close to the weekday and hour that `start` has on the page's clocks, in the first
    week from now on in which that is ahead; none where the page is not live."""
    if not offering.is_live:
        return []
    zone = ZoneInfo(offering.page.timezone)
    local, now = start.astimezone(zone), utcnow()
    weeks = max(0, (now - start) // A_WEEK)
    wanted = start
    while wanted <= now:
        weeks += 1
        day = local.date() + weeks * A_WEEK
        wanted = datetime.combine(day, local.time(), zone).astimezone(UTC)
    return nearest_open(offering, wanted, count)


def bounds_of(month: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The instants at which a month begins and ends on the clocks of `zone`, half-open."""
    following = (month.replace(day=1) + timedelta(days=32)).replace(day=1)
    return _midnight(month, zone), _midnight(following, zone)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def reach_of(rules: Rules, start: datetime, end: datetime) -> tuple[datetime, datetime]:
    """The span that slots starting in `[start, end)` touch, with their buffers."""
    return start - rules.buffer_before, end + rules.duration + rules.buffer_after


def busy_spans(
    host_id: int, start: datetime, end: datetime, *, moving: int | None = None
) -> list[Span]:
    """The host's held time, bookings with their buffers, and absences, that meet `[start, end)`;
    without what the booking `moving` holds."""
    if moving is None:
        return _spans(_BUSY, host_id, start, end)
    return _spans(_BUSY_WITHOUT, host_id, start, end, moving=moving)


def booked_spans(host_id: int, start: datetime, end: datetime) -> list[Span]:
    """The bookings among them."""
    return _spans(_BOOKED, host_id, start, end)


def absences(host_id: int, start: datetime, end: datetime) -> list[Span]:
    """The host's time off among them."""
    return _spans(_AWAY, host_id, start, end)


def _spans(
    statement: Executable, host_id: int, start: datetime, end: datetime, **more: int
) -> list[Span]:
    values = {"host": host_id, "start": start, "end": end, "since": start - LONGEST_BLOCK} | more
    return list(starmap(Span, db.session.execute(statement, values).all()))


def booked_per_day(offering: Offering, start: datetime, end: datetime) -> Mapping[date, int]:
    """The page's live bookings by host-local day, where the page has a daily limit."""
    page = offering.page
    if page.daily_limit is None:
        return {}
    zone = ZoneInfo(page.timezone)
    day = timedelta(days=1)
    counts: dict[date, int] = {}
    for starts_at in db.session.scalars(
        select(Booking.starts_at).where(
            Booking.page_id == page.id,
            Booking.status != Status.CANCELLED,
            Booking.id != (offering.moving or 0),
            Booking.starts_at >= start - day,
            Booking.starts_at < end + day,
        )
    ):
        local = starts_at.astimezone(zone).date()
        counts[local] = counts.get(local, 0) + 1
    return counts


# Tables instead of models, and built once: putting a statement together takes longer than
# running it.
HOLDS: Table = Hold.__table__  # type: ignore[assignment]
TIME_OFF: Table = TimeOff.__table__  # type: ignore[assignment]
_BOOKED = select(HOLDS.c.blocked_from, HOLDS.c.blocked_until).where(
    HOLDS.c.host_id == bindparam("host"),
    HOLDS.c.blocked_from < bindparam("end"),
    HOLDS.c.blocked_from > bindparam("since"),
    HOLDS.c.blocked_until > bindparam("start"),
)
_AWAY = select(TIME_OFF.c.starts_at, TIME_OFF.c.ends_at).where(
    TIME_OFF.c.host_id == bindparam("host"),
    TIME_OFF.c.starts_at < bindparam("end"),
    TIME_OFF.c.ends_at > bindparam("start"),
)
_BUSY = union_all(_BOOKED, _AWAY)
_BUSY_WITHOUT = union_all(_BOOKED.where(HOLDS.c.booking_id != bindparam("moving")), _AWAY)
