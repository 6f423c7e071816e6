"""What Rules and Span take, and what they refuse."""

from dataclasses import FrozenInstanceError
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.availability import Rules, Span

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def rules(**given: Any) -> Rules:
    return Rules(**({"zone": ZoneInfo("Asia/Tokyo"), "weekly": {}, "duration": HOUR} | given))


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"zone": "Asia/Tokyo"}, "zone"),
        ({"duration": timedelta(0)}, "duration"),
        ({"duration": -HOUR}, "duration"),
        ({"increment": timedelta(0)}, "increment"),
        ({"increment": -HOUR}, "increment"),
        ({"buffer_before": -HOUR}, "buffer_before"),
        ({"buffer_after": -HOUR}, "buffer_after"),
        ({"notice": -HOUR}, "notice"),
        ({"horizon_days": -1}, "horizon_days"),
        ({"daily_limit": -1}, "daily_limit"),
        ({"weekly": {7: []}}, "weekday"),
        ({"weekly": {-1: []}}, "weekday"),
        ({"weekly": {0: [(600, 540)]}}, "hours"),
        ({"weekly": {0: [(600, 600)]}}, "hours"),
        ({"weekly": {0: [(-1, 600)]}}, "hours"),
        ({"weekly": {0: [(600, 1441)]}}, "hours"),
        ({"overrides": {date(2026, 6, 1): [(600, 1441)]}}, "hours"),
        ({"overrides": {NOON: []}}, "plain date"),
        ({"overrides": {"2026-06-01": []}}, "plain date"),
        ({"first_day": NOON}, "plain date"),
        ({"last_day": NOON}, "plain date"),
        ({"first_day": date(2026, 6, 2), "last_day": date(2026, 6, 1)}, "last_day"),
    ],
)
def test_rules_that_make_no_sense_are_refused_by_name(given: Any, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        rules(**given)


def test_rules_need_only_zone_hours_and_duration() -> None:
    assert rules().overrides == {}
    assert rules().increment is None
    assert rules().notice == rules().buffer_before == rules().buffer_after == timedelta(0)


def test_a_period_may_be_a_single_day() -> None:
    assert rules(first_day=date(2026, 6, 1), last_day=date(2026, 6, 1))


def test_rules_do_not_change_when_the_given_hours_do() -> None:
    hours = [(540, 600)]
    made = rules(weekly={0: hours})
    hours.append((700, 800))
    assert list(made.weekly[0]) == [(540, 600)]


def test_a_span_is_kept_in_utc() -> None:
    tokyo = datetime(2026, 6, 1, 21, tzinfo=ZoneInfo("Asia/Tokyo"))
    span = Span(tokyo, tokyo + HOUR)
    assert (span.start, span.end) == (NOON, NOON + HOUR)
    assert span.start.tzinfo is UTC


def test_a_span_tells_the_two_passes_of_a_repeated_hour_apart() -> None:
    first = datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    assert Span(first, first.replace(fold=1)).end == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


def test_a_span_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot end before it starts"):
        Span(NOON, NOON - timedelta.resolution)


def test_a_span_without_length_holds_nothing() -> None:
    empty = Span(NOON, NOON)
    assert not empty.overlaps(Span(NOON - HOUR, NOON + HOUR))
    assert not Span(NOON - HOUR, NOON + HOUR).overlaps(empty)


def test_a_naive_span_is_refused() -> None:
    with pytest.raises(ValueError, match="naive"):
        Span(NOON.replace(tzinfo=None), NOON)
    with pytest.raises(ValueError, match="naive"):
        Span(NOON, NOON.replace(tzinfo=None) + HOUR)


def test_a_span_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        Span(NOON, NOON + HOUR).start = NOON  # type: ignore[misc]


def test_spans_overlap_when_they_share_an_instant_and_not_when_they_touch() -> None:
    span = Span(NOON, NOON + HOUR)
    assert span.overlaps(Span(NOON + HOUR / 2, NOON + 2 * HOUR))
    assert span.overlaps(Span(NOON - HOUR, NOON + 2 * HOUR))
    assert not span.overlaps(Span(NOON + HOUR, NOON + 2 * HOUR))
    assert not span.overlaps(Span(NOON - HOUR, NOON))
