"""What the slot engine is compared with: a careful sweep over integers, and a floor.

Both take everyday weeks only: no windows across midnight, no hours that clocks skip or repeat.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from app.availability import Rules, Span

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Pair = tuple[int, int]


def integer_sweep(
    rules: Rules, busy: Sequence[Span], now: datetime, start: datetime, end: datetime
) -> list[datetime]:
    """The plain way, done with care: windows and busy spans as whole seconds, one sweep."""
    starts = sweep(
        windows_in_seconds(rules, start, end),
        blocks_in_seconds(rules, busy),
        int(rules.duration.total_seconds()),
        int(rules.step.total_seconds()),
        max(int(start.timestamp()), int((now + rules.notice).timestamp())),
        int(end.timestamp()),
    )
    return [EPOCH + timedelta(seconds=second) for second in starts]


def windows_in_seconds(rules: Rules, start: datetime, end: datetime) -> list[Pair]:
    zone = rules.zone
    day, last = start.astimezone(zone).date(), end.astimezone(zone).date()
    windows = []
    while day <= last:
        hours = rules.overrides.get(day)
        if hours is None:
            hours = rules.weekly.get(day.weekday(), ())
        if hours:
            midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
            for opens, closes in hours:
                windows.append(
                    (
                        int((midnight + timedelta(minutes=opens)).timestamp()),
                        int((midnight + timedelta(minutes=closes)).timestamp()),
                    )
                )
        day += timedelta(days=1)
    return windows


def blocks_in_seconds(rules: Rules, busy: Sequence[Span]) -> list[Pair]:
    """What each busy span forbids as a start: strictly between the two."""
    ahead = int((rules.duration + rules.buffer_after).total_seconds())
    behind = int(rules.buffer_before.total_seconds())
    return sorted(
        (int(span.start.timestamp()) - ahead, int(span.end.timestamp()) + behind) for span in busy
    )


def sweep(  # noqa: PLR0917
    windows: list[Pair], blocks: list[Pair], duration: int, step: int, earliest: int, end: int
) -> list[int]:
    """All open starts, from ascending windows and blocks in seconds: the floor of what remains."""
    starts: list[int] = []
    count, at = len(blocks), 0
    for opens, closes in windows:
        second, last = opens, min(closes - duration, end - 1)
        if second < earliest:
            second += -((second - earliest) // step) * step
        while second <= last:
            while at < count and blocks[at][1] <= second:
                at += 1
            if at < count and blocks[at][0] < second:
                beyond = blocks[at][1]
                second += -((second - beyond) // step) * step
            else:
                starts.append(second)
                second += step
    return starts
