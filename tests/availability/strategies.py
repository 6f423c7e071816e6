"""Random rules, busy time and questions, crowded around the moments when clocks change.

What depends on what was drawn before is drawn as a distance from it: a strategy that is made anew for
each example takes hypothesis longer than the example does.
"""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from app.availability import Rules, Span, open_slots
from tests.availability import zones

NOTHING, MINUTE = timedelta(0), timedelta(minutes=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
YEAR_1970 = datetime(1970, 1, 1, tzinfo=UTC)
TELLING_MINUTES = [0, 1, 30, 60, 90, 120, 135, 150, 165, 180, 240, 540, 720, 1380, 1410, 1439, 1440]
WHOLE_DAY = [(0, 1440)]
T = TypeVar("T")


class Situation(NamedTuple):
    """A question to open_slots, and what a test may ask next."""

    rules: Rules
    busy: list[Span]
    asked: dict[str, Any]

    def slots(self, **changed: Any) -> list[datetime]:
        return open_slots(self.rules, self.busy, **(self.asked | changed))


def whole_minutes(least: int, most: int, *telling: int) -> st.SearchStrategy[timedelta]:
    return (st.sampled_from(telling) | st.integers(least, most)).map(lambda count: count * MINUTE)


@cache
def distances(least: timedelta, most: timedelta) -> st.SearchStrategy[timedelta]:
    """None at all, whole minutes, or to the microsecond."""
    minutes = st.integers(least // MINUTE, most // MINUTE).map(lambda count: count * MINUTE)
    return st.just(NOTHING) | minutes | st.timedeltas(least, most)


durations = whole_minutes(1, 240, 15, 30, 45, 50, 60, 1440, 1500)
increments = whole_minutes(5, 120, 15, 30, 50, 60, 1440) | st.timedeltas(7 * MINUTE, 2 * HOUR)


def rarely(values: st.SearchStrategy[T]) -> st.SearchStrategy[T | None]:
    return st.integers(0, 5).flatmap(lambda dice: st.none() if dice else values)


telling = st.sampled_from(TELLING_MINUTES)
pairs = st.tuples(telling, st.integers(1, 1440)) | st.tuples(telling, telling)
hours = st.sampled_from([WHOLE_DAY, [(0, 150)], [(90, 150)], [(60, 1440)], []]) | st.lists(
    pairs.filter(lambda pair: pair[0] != pair[1]).map(lambda pair: (min(pair), max(pair))),
    min_size=1,
    max_size=3,
)
weeks = st.tuples(hours, hours, st.sampled_from([0, 0, 1, 6, 42])).map(
    lambda drawn: {day: drawn[drawn[2] >> day & 1] for day in range(7)}
)


keys = st.sampled_from(zones.ALL)
dice = st.integers(0, 3)
minutes_of_three_centuries = st.integers(-120 * 525_600, 180 * 525_600)


@cache
def changes(key: str) -> st.SearchStrategy[datetime]:
    """The instants at which a zone's clocks change; it has some."""
    return st.sampled_from(zones.changes(key))


@st.composite
def moments(draw: st.DrawFn, key: str) -> datetime:
    """An instant in UTC, mostly one at which the zone's clocks change."""
    if zones.changes(key) and draw(dice):
        return draw(changes(key))
    return YEAR_1970 + draw(minutes_of_three_centuries) * MINUTE


# From a moment to the start and from there to the end of a busy span.
spans = st.tuples(
    st.tuples(
        st.integers(-3 * 1440, 4 * 1440), st.just(NOTHING) | st.timedeltas(NOTHING, MINUTE)
    ).map(lambda drawn: drawn[0] * MINUTE + drawn[1]),
    whole_minutes(0, 300, 15, 30, 60) | st.timedeltas(MINUTE, 6 * HOUR),
)
several_spans = st.lists(spans, max_size=5)
# Days before and after today.
days = st.integers(-4, 4)
days_with_hours = st.dictionaries(days, hours, max_size=2)
days_with_bookings = st.dictionaries(days, st.integers(0, 2), max_size=2)
rarely_a_day_past = rarely(days.filter(lambda day: day <= 0))
rarely_a_day_to_come = rarely(days.filter(lambda day: day >= 0))
rarely_a_horizon = rarely(st.integers(0, 4))
rarely_a_limit = rarely(st.integers(0, 2))
maybe_increments = st.none() | increments
lengths_asked = st.just(DAY) | distances(NOTHING, 48 * HOUR)


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    key = draw(keys)
    zone, moment = ZoneInfo(key), draw(moments(key))
    today = moment.astimezone(zone).date()

    def day(distance: int | None) -> date | None:
        return None if distance is None else today + distance * DAY

    rules = Rules(
        zone=zone,
        weekly=draw(weeks),
        overrides={today + n * DAY: of_day for n, of_day in draw(days_with_hours).items()},
        duration=draw(durations),
        increment=draw(maybe_increments),
        buffer_before=draw(distances(NOTHING, HOUR)),
        buffer_after=draw(distances(NOTHING, HOUR)),
        notice=draw(distances(NOTHING, 12 * HOUR)),
        horizon_days=draw(rarely_a_horizon),
        first_day=day(draw(rarely_a_day_past)),
        last_day=day(draw(rarely_a_day_to_come)),
        daily_limit=draw(rarely_a_limit),
    )
    start = moment + draw(distances(-36 * HOUR, 12 * HOUR))
    return Situation(
        rules,
        busy=[
            Span(moment + distance, moment + distance + length)
            for distance, length in draw(several_spans)
        ],
        asked={
            "now": start + draw(distances(-90 * HOUR, 6 * HOUR)),
            "start": start,
            "end": start + draw(lengths_asked),
            "booked_per_day": {
                today + n * DAY: count for n, count in draw(days_with_bookings).items()
            },
        },
    )
