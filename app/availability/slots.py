"""Open slots: hours become absolute windows, and one sweep takes the busy time out of them.

A window is a pair of instants (opens, closes), half-open; a block is a pair (after, before),
and no slot starts strictly between the two.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from itertools import accumulate, repeat
from math import inf
from operator import add
from types import MappingProxyType

from .days import DAY, EPOCH, Instant, LocalDay, local_days, utc_midnight
from .rules import Rules
from .spans import Span, in_utc

Pair = tuple[Instant, Instant]
AFTER_MIDNIGHT = [timedelta(minutes=minute) for minute in range(1441)]
NEVER = timedelta.max


def open_slots(
    rules: Rules,
    busy: Iterable[Span],
    *,
    now: datetime,
    start: datetime,
    end: datetime,
    booked_per_day: Mapping[date, int] = MappingProxyType({}),
) -> list[datetime]:
    """The aware UTC starts s of open slots, start <= s < end, ascending.

    An instant belongs to the hours when its minute on the wall clock of `rules.zone` does.
    Windows that touch or overlap, also across midnight, are one, and slots step from its
    opening in absolute time. The slot of s is open when [s, s + duration) lies inside a
    window, s >= now + notice, and [s - buffer_before, s + duration + buffer_after) meets no
    span of `busy`, which may come in any order, overlapping, or outside the range; and when
    the host-local day of s is within horizon and period, and `booked_per_day` (counts by
    host-local day) has not reached the daily limit on it.

    Only hours move the grid, never now, horizon, period or the range asked: a window opens
    where its hours do, however long ago. Hours that never close have no opening; their grid
    runs through local midnight of 1 January 2024, a Monday. The calendar's outermost two
    days at either end are closed. Raises ValueError for a naive datetime.
    """
    now, start, end = in_utc(now), in_utc(start), in_utc(end)
    first_day, last_day = bookable_days(rules, now)
    earliest = max(start - EPOCH, now - EPOCH + rules.notice, utc_midnight(first_day) - DAY)
    latest = min(end - EPOCH, utc_midnight(last_day) + 2 * DAY)
    days = list(local_days(rules.zone, earliest, latest + rules.duration))
    windows = windows_of(rules, days)
    if windows and windows[0][0] == earliest:
        windows[0] = opening_of(rules, earliest), windows[0][1]

    limit = inf if rules.daily_limit is None else rules.daily_limit
    blocks = busy_blocks(rules, busy)
    for day, _, begins, ends in days:
        if not first_day <= day <= last_day or booked_per_day.get(day, 0) >= limit:
            blocks.append((begins - timedelta.resolution, ends))
    blocks.sort()

    slots: list[datetime] = []
    for first, count in free_runs(rules, windows, blocks, earliest, latest):
        slots.extend(accumulate(repeat(rules.step, count - 1), add, initial=EPOCH + first))
    return slots


def bookable_days(rules: Rules, now: datetime) -> tuple[date, date]:
    """The first and the last local day on which a slot may start."""
    first, last = rules.first_day or date.min, rules.last_day or date.max
    if rules.horizon_days is not None:
        today = now.astimezone(rules.zone).date()
        horizon = min(today.toordinal() + rules.horizon_days, date.max.toordinal())
        first, last = max(first, today), min(last, date.fromordinal(horizon))
    return first, last


def windows_of(rules: Rules, days: Iterable[LocalDay]) -> list[Pair]:
    """The windows within `days`, ascending; those that touch are one."""
    windows: list[Pair] = []
    for day, midnight, begins, ends in days:
        for opening, closing in rules.hours_on(day):
            opens = max(begins, midnight + AFTER_MIDNIGHT[opening])
            closes = min(ends, midnight + AFTER_MIDNIGHT[closing])
            if opens < closes:
                if windows and windows[-1][1] == opens:
                    opens = windows.pop()[0]
                windows.append((opens, closes))
    return windows


def opening_of(rules: Rules, instant: Instant) -> Instant:
    """Where the window that holds `instant` opens; if nowhere, a point of its grid before."""
    never_closes = all(rules.weekly.get(weekday) == ((0, 1440),) for weekday in range(7))
    while True:
        if never_closes:  # but on overrides: nothing else need be looked at
            overrides = [day for day in rules.overrides if utc_midnight(day) - DAY <= instant]
            if not overrides:
                anchor = datetime(2024, 1, 1, tzinfo=rules.zone) - EPOCH
                return instant - (instant - anchor) % rules.step
            instant = min(instant, utc_midnight(max(overrides)) + 2 * DAY)
        since = instant - 8 * DAY  # a week, and more than a change of clocks
        days = local_days(rules.zone, since, instant + timedelta.resolution)
        opens, _ = windows_of(rules, days)[-1]
        if opens > since:
            return opens
        instant = since


def busy_blocks(rules: Rules, busy: Iterable[Span]) -> list[Pair]:
    """What each busy span, widened by the slot and its buffers, forbids as a start."""
    ahead, behind = EPOCH + rules.duration + rules.buffer_after, EPOCH - rules.buffer_before
    return [(span.start - ahead, span.end - behind) for span in busy if span.start < span.end]


def free_runs(
    rules: Rules, windows: list[Pair], blocks: list[Pair], earliest: Instant, latest: Instant
) -> Iterator[tuple[Instant, int]]:
    """Runs (first start, count) of open slots in [earliest, latest) on the windows' grids.

    Windows (apart from one another) and blocks (perhaps overlapping) both ascend, and are
    walked once, side by side.
    """
    step = rules.step
    upcoming = iter(blocks)
    after, before = next(upcoming, (NEVER, NEVER))
    for opens, closes in windows:
        at = opens if opens >= earliest else opens - (opens - earliest) // step * step
        last = min(closes - rules.duration, latest - timedelta.resolution)
        while at <= last:
            while before <= at:
                after, before = next(upcoming, (NEVER, NEVER))
            if after >= at:
                yield at, (min(after, last) - at) // step + 1
                if after >= last:
                    break
            at = opens - (opens - before) // step * step
