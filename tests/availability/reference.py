"""The slot engine's contract, asked instant by instant: slow, and plain enough to be believed.

The grain is a minute on the wall clock, and a second where the clocks change within one;
they change on whole seconds, so nothing finer ever matters to the hours.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta

from app.availability import Rules, Span

SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
CHUNK = timedelta(hours=6)


def slots_by_definition(
    rules: Rules,
    busy: Iterable[Span],
    *,
    now: datetime,
    start: datetime,
    end: datetime,
    booked_per_day: Mapping[date, int],
) -> list[datetime]:
    busy = list(busy)
    return [
        slot
        for opens, closes in windows(rules, start, end)
        for slot in grid(rules, opens, start, end)
        if slot + rules.duration <= closes
        and slot >= now + rules.notice
        and not meets(slot - rules.buffer_before, slot + rules.duration + rules.buffer_after, busy)
        and day_is_bookable(rules, slot, now, booked_per_day)
    ]


def windows(rules: Rules, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """The maximal runs of open instants that hold some of [start, end), as (opens, closes).

    What never opened is given an opening on the grid through its anchor. A window is cut
    where even the last slot that starts before `end` has ended.
    """
    hour = start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    begins, anchor = look_back(rules, hour)
    found: list[tuple[datetime, datetime]] = []
    for instant, length in ticks(rules, begins, end + rules.duration):
        if is_open(rules, instant):
            if found and found[-1][1] == instant:
                found[-1] = found[-1][0], instant + length
            else:
                found.append((instant, instant + length))
    if anchor and found:
        step = rules.increment or rules.duration
        found[0] = anchor + (begins - anchor) // step * step, found[0][1]
    return found


def look_back(rules: Rules, at: datetime) -> tuple[datetime, datetime | None]:
    """From where to look to see each window's opening, and the anchor of one that never opened."""
    while True:
        before = at - CHUNK
        if not all(is_open(rules, instant) for instant, _ in ticks(rules, before, at)):
            return before, None
        at = before
        if always_was_open(rules, at):
            return at, datetime(2024, 1, 1, tzinfo=rules.zone).astimezone(UTC)


def always_was_open(rules: Rules, at: datetime) -> bool:
    today = at.astimezone(rules.zone).date()
    return all(rules.weekly.get(weekday) == ((0, 1440),) for weekday in range(7)) and all(
        day > today + DAY for day in rules.overrides
    )


def ticks(rules: Rules, begins: datetime, ends: datetime) -> Iterator[tuple[datetime, timedelta]]:
    """The instants to ask about, each with how long its answer holds."""
    while begins < ends:
        local = begins.astimezone(rules.zone)
        length = MINUTE - timedelta(seconds=local.second, microseconds=local.microsecond)
        if local.utcoffset() != (begins + length).astimezone(rules.zone).utcoffset():
            length = SECOND
        yield begins, length
        begins += length


def is_open(rules: Rules, instant: datetime) -> bool:
    """An instant belongs to the hours when its host-local wall-clock minute does."""
    local = instant.astimezone(rules.zone)
    minute = local.hour * 60 + local.minute
    day = local.date()
    hours = rules.overrides[day] if day in rules.overrides else rules.weekly.get(day.weekday(), ())
    return any(opens <= minute < closes for opens, closes in hours)


def grid(rules: Rules, opens: datetime, start: datetime, end: datetime) -> Iterator[datetime]:
    """The steps from an opening, of absolute time, that fall on start <= s < end."""
    increment = rules.increment or rules.duration
    slot = opens + max((start - opens) // increment, 0) * increment
    while slot < end:
        if slot >= start:
            yield slot
        slot += increment


def meets(begins: datetime, ends: datetime, busy: Iterable[Span]) -> bool:
    return any(max(begins, span.start) < min(ends, span.end) for span in busy)


def day_is_bookable(
    rules: Rules, slot: datetime, now: datetime, booked_per_day: Mapping[date, int]
) -> bool:
    day = slot.astimezone(rules.zone).date()
    today = now.astimezone(rules.zone).date()
    return (
        (rules.horizon_days is None or today <= day <= today + rules.horizon_days * DAY)
        and (rules.first_day is None or rules.first_day <= day)
        and (rules.last_day is None or day <= rules.last_day)
        and (rules.daily_limit is None or booked_per_day.get(day, 0) < rules.daily_limit)
    )
