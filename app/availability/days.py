"""A zone's local days as stretches of absolute time, whatever its clocks do.

An Instant is the time since 1970 in UTC: as quick as a datetime, and no calendar ends it.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo

Instant = timedelta
LocalDay = tuple[date, Instant, Instant, Instant]
Offsets = Callable[[Instant], timedelta]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_DAY = EPOCH.toordinal()
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)


def utc_midnight(day: date) -> Instant:
    """00:00 UTC on `day`; local midnight is less than a day from it."""
    return timedelta(day.toordinal() - EPOCH_DAY)


# The outermost days of the calendar have no date in some zones: they are left out.
EARLIEST, LATEST = utc_midnight(date.min) + 2 * DAY, utc_midnight(date.max) - DAY


def local_days(zone: tzinfo, since: Instant, until: Instant) -> Iterator[LocalDay]:
    """The local days within [since, until) as (date, midnight, begins, ends), ascending.

    [begins, ends) is what the day has of one offset from UTC, and `midnight` the instant
    when wall clocks would show 00:00 by that offset. So a day on which clocks change comes
    in parts, which need not be in a row, and a day that the zone skips does not come.

    One question a day finds every change: offsets change on whole seconds, and none ever
    changed and came back within three days. The tests look at every zone for that.
    """
    begins, until = max(since, EARLIEST), min(until, LATEST)
    offset_at = offsets_of(zone)
    offset = offset_at(min(begins, LATEST))
    while begins < until:
        number = (begins + offset).days
        midnight = timedelta(number) - offset
        ends = min(midnight + DAY, until)
        following = offset_at(ends)
        if following != offset:
            ends = first_change(offset_at, begins, ends)
            following = offset_at(ends)
        yield date.fromordinal(EPOCH_DAY + number), midnight, begins, ends
        begins, offset = ends, following


def offsets_of(zone: tzinfo) -> Offsets:
    """The function that tells how far `zone` is ahead of UTC at an instant."""
    epoch = EPOCH.replace(tzinfo=zone)

    def offset_at(at: Instant) -> timedelta:
        utc = epoch + at  # in the form that fromutc() takes
        return zone.fromutc(utc) - utc

    return offset_at


def first_change(offset_at: Offsets, before: Instant, after: Instant) -> Instant:
    """The first whole second, not past `after`, of another offset than `before`."""
    offset, second = offset_at(before), before // SECOND
    seconds = range(second, after // SECOND)
    later = bisect_left(seconds, True, key=lambda at: offset_at(at * SECOND) != offset)
    return (second + later) * SECOND
