"""The slot engine: its time against a plain integer sweep, the reference and a floor.

A host in Tokyo and one in New York: Monday to Friday 09:00–12:00 and 13:00–17:00, 30-minute
meetings that start every 15 minutes, buffers of 10 and 10 minutes, 4 hours of notice, two
overrides; horizons of 30, 60 and 365 days with 0, 200 and 2,000 busy spans.
"""

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from app.availability import Rules, Span, open_slots
from bench.measure import median_ms, take_turns, tell
from bench.plain import blocks_in_seconds, integer_sweep, sweep, windows_in_seconds
from tests.availability.reference import slots_by_definition

NOW = datetime(2026, 11, 2, 1, 23, tzinfo=UTC)
ZONES = ("Asia/Tokyo", "America/New_York")
HORIZONS = (30, 60, 365)
SPANS = (0, 200, 2000)
REFERENCE_HORIZON = 30  # it asks minute by minute
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def rules_of(zone: str, horizon: int) -> Rules:
    hours = [(540, 720), (780, 1020)]
    return Rules(
        zone=ZoneInfo(zone),
        weekly=dict.fromkeys(range(5), hours),
        overrides={date(2026, 11, 10): [], date(2026, 11, 14): [(600, 840)]},
        duration=30 * MINUTE,
        increment=15 * MINUTE,
        buffer_before=10 * MINUTE,
        buffer_after=10 * MINUTE,
        notice=240 * MINUTE,
        horizon_days=horizon,
    )


def busy_of(horizon: int, count: int) -> list[Span]:
    """Spans of 30 to 60 minutes anywhere in the horizon, in no order."""
    chance = random.Random(20261102)  # noqa: S311
    spans = []
    for _ in range(count):
        start = NOW.replace(minute=0) + chance.randrange(horizon * 96) * 15 * MINUTE
        spans.append(Span(start, start + chance.choice((30, 45, 60)) * MINUTE))
    return spans


def compare(zone: str, horizon: int, count: int) -> None:
    rules, busy = rules_of(zone, horizon), busy_of(horizon, count)
    end = NOW + timedelta(days=horizon)
    windows, blocks = windows_in_seconds(rules, NOW, end), blocks_in_seconds(rules, busy)
    earliest, last = int((NOW + rules.notice).timestamp()), int(end.timestamp())

    def engine() -> list[datetime]:
        return open_slots(rules, busy, now=NOW, start=NOW, end=end)

    def plain() -> list[datetime]:
        return integer_sweep(rules, busy, NOW, NOW, end)

    def floor() -> list[int]:
        return sweep(windows, blocks, 1800, 900, earliest, last)

    assert engine() == plain()
    turns = take_turns({"engine": engine, "plain": plain, "floor": floor}, seconds=1.5)
    times = turns.medians_ms()
    if horizon == REFERENCE_HORIZON:

        def reference() -> list[datetime]:
            return slots_by_definition(rules, busy, now=NOW, start=NOW, end=end, booked_per_day={})

        assert engine() == reference()
        times["reference"] = median_ms(reference, seconds=0)
    tell(
        bench="engine",
        zone=zone,
        days=horizon,
        spans=count,
        slots=len(engine()),
        **{f"{name}_ms": round(ms, 3) for name, ms in times.items()},
        to_plain=round(turns.ratio("engine", "plain"), 2),
        to_floor=round(turns.ratio("engine", "floor"), 2),
    )


def grow(zone: str) -> None:
    """How many times as long twice the days, twice the spans, and both take: 2 is linear."""
    now, days, spans = NOW, 180, 1000

    def asking(horizon: int, count: int) -> Callable[[], list[datetime]]:
        rules, busy, end = rules_of(zone, horizon), busy_of(horizon, count), now + horizon * DAY
        return lambda: open_slots(rules, busy, now=now, start=now, end=end)

    turns = take_turns(
        {
            "once": asking(days, spans),
            "days_twice": asking(2 * days, spans),
            "spans_twice": asking(days, 2 * spans),
            "both_twice": asking(2 * days, 2 * spans),
        },
        seconds=2,
        turns=10,
    )
    tell(
        bench="engine",
        growth=f"{days} days, {spans} spans",
        zone=zone,
        once_ms=round(turns.medians_ms()["once"], 3),
        **{name: round(turns.ratio(name, "once"), 2) for name in turns.times if name != "once"},
    )


def main() -> None:
    for zone in ZONES:
        for horizon in HORIZONS:
            for count in SPANS:
                compare(zone, horizon, count)
        grow(zone)


if __name__ == "__main__":
    main()
