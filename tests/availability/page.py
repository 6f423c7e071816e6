"""Aya's booking page in as few words as a test needs."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from app.availability import Rules, Span, open_slots

LONG_AGO = datetime(1800, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def hours(*windows: str) -> list[tuple[int, int]]:
    """`hours("09:00-12:00")` as minutes after midnight."""
    return [tuple(map(minute, window.split("-"))) for window in windows]  # type: ignore[misc]


def minute(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])


def page(
    zone: str, *windows: str, minutes: int = 30, every: int | None = None, **more: Any
) -> Rules:
    """Rules with the same hours on each day, unless `weekly` says otherwise."""
    return Rules(
        zone=ZoneInfo(zone),
        weekly=more.pop("weekly", dict.fromkeys(range(7), hours(*windows))),
        duration=minutes * MINUTE,
        increment=None if every is None else every * MINUTE,
        **more,
    )


def local(rules: Rules, wall: str, *, fold: int = 0) -> datetime:
    return datetime.fromisoformat(wall).replace(tzinfo=rules.zone, fold=fold)


def offered(
    rules: Rules,
    since: str,
    until: str | None = None,
    *,
    busy: Iterable[Span] = (),
    now: datetime = LONG_AGO,
    booked_per_day: Mapping[date, int] = {},
    show: str = "%H:%M",
) -> Sequence[str]:
    """The starts on the wall clocks of the page's zone, on one local day unless told more."""
    start = local(rules, since)
    end = local(rules, until) if until else start + timedelta(days=1)
    slots = open_slots(rules, busy, now=now, start=start, end=end, booked_per_day=booked_per_day)
    return [slot.astimezone(rules.zone).strftime(show) for slot in slots]
