"""Ranges that run past midnight: typed as one, kept as two.

A range is `(day, opens, closes)` in minutes after local midnight, where the day is a weekday
(Monday 0) or a date. One that is typed `18:00–02:00` has `closes < opens`. What is kept ends at
1440 at the latest, and goes on at 0 on the next day.
"""

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import TypeVar

from .models import MINUTES_A_DAY

Day = TypeVar("Day", int, date)

# The other way round `9:00–17:00` would be sixteen hours: a slip, not a night.
LONGEST_NIGHT = 720


def end_of_range(minute: int | None) -> int | None:
    """An end as it is meant: 0:00 is the end of the day, and 23:59 is what people type for it."""
    return MINUTES_A_DAY if minute in {0, MINUTES_A_DAY - 1} else minute


def runs_over(opens: int, closes: int) -> bool:
    """Whether a range as typed ends on the next day, twelve hours after its start at most."""
    return closes < opens and closes > 0 and MINUTES_A_DAY - opens + closes <= LONGEST_NIGHT


def split(
    ranges: Iterable[tuple[Day, int, int]], next_day: Callable[[Day], Day]
) -> list[tuple[Day, int, int]]:
    """Ranges as typed, as they are kept; the same one twice is kept once."""
    kept: dict[tuple[Day, int, int], None] = {}
    for day, opens, closes in ranges:
        if runs_over(opens, closes):
            kept[day, opens, MINUTES_A_DAY] = None
            kept[next_day(day), 0, closes] = None
        else:
            kept[day, opens, closes] = None
    return sorted(kept)


def join(
    ranges: Iterable[tuple[Day, int, int]], next_day: Callable[[Day], Day]
) -> list[tuple[Day, int, int]]:
    """Ranges as they are kept, as a person would type them: two that meet at midnight are one
    where `split` gives the two again."""
    rest = sorted(ranges)
    for day, opens, closes in list(rest):
        if closes != MINUTES_A_DAY or (day, opens, closes) not in rest:
            continue
        nights = (
            after
            for after in rest
            if after[0] == next_day(day) and after[1] == 0 and runs_over(opens, after[2])
        )
        if (after := next(nights, None)) is not None:
            rest.remove(after)
            rest[rest.index((day, opens, closes))] = (day, opens, after[2])
    return rest


def next_weekday(weekday: int) -> int:
    """Monday follows Sunday."""
    return (weekday + 1) % 7


def next_date(day: date) -> date:
    """The day after."""
    return day + timedelta(days=1)
