"""Random rules, busy time and questions, crowded around the moments when clocks change."""

from datetime import UTC, datetime, timedelta
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


@st.composite
def moments(draw: st.DrawFn, key: str) -> datetime:
    """An instant in UTC, mostly one at which the zone's clocks change."""
    changes = zones.changes(key)
    if changes and draw(st.integers(0, 3)):
        return draw(st.sampled_from(changes))
    return YEAR_1970 + draw(st.integers(-120 * 525_600, 180 * 525_600)) * MINUTE


@st.composite
def spans(draw: st.DrawFn, around: datetime) -> Span:
    start = around + draw(st.integers(-3 * 1440, 4 * 1440)) * MINUTE
    start += draw(st.just(NOTHING) | st.timedeltas(NOTHING, MINUTE))
    length = draw(whole_minutes(0, 300, 15, 30, 60) | st.timedeltas(MINUTE, 6 * HOUR))
    return Span(start, start + length)


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    key = draw(st.sampled_from(zones.ALL))
    zone, moment = ZoneInfo(key), draw(moments(key))
    today = moment.astimezone(zone).date()
    days = st.integers(-4, 4).map(lambda n: today + n * DAY)
    rules = Rules(
        zone=zone,
        weekly=draw(weeks),
        overrides=draw(st.dictionaries(days, hours, max_size=2)),
        duration=draw(durations),
        increment=draw(st.none() | increments),
        buffer_before=draw(distances(NOTHING, HOUR)),
        buffer_after=draw(distances(NOTHING, HOUR)),
        notice=draw(distances(NOTHING, 12 * HOUR)),
        horizon_days=draw(rarely(st.integers(0, 4))),
        first_day=draw(rarely(days.filter(lambda day: day <= today))),
        last_day=draw(rarely(days.filter(lambda day: day >= today))),
        daily_limit=draw(rarely(st.integers(0, 2))),
    )
    start = moment + draw(distances(-36 * HOUR, 12 * HOUR))
    return Situation(
        rules,
        busy=draw(st.lists(spans(moment), max_size=5)),
        asked={
            "now": start + draw(distances(-90 * HOUR, 6 * HOUR)),
            "start": start,
            "end": start + draw(st.just(DAY) | distances(NOTHING, 48 * HOUR)),
            "booked_per_day": draw(st.dictionaries(days, st.integers(0, 2), max_size=2)),
        },
    )
