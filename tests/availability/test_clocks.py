"""Hours on days when the wall clock jumps, repeats, or shows an odd offset."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from app.availability import open_slots
from tests.availability import zones
from tests.availability.page import LONG_AGO, hours, offered, page

WITH_OFFSET = "%H:%M%z"
SPRING, AUTUMN = "2026-03-29", "2026-10-25"  # Berlin: 02:00 to 03:00, and 03:00 to 02:00


@pytest.mark.parametrize("key", zones.ALL)
def test_no_zone_ever_changed_and_came_back_within_three_days(key: str) -> None:
    listed = zones.listed_changes(key)
    for (at, before, _), (then, _, after) in pairwise(listed):
        assert before != after or then - at > 3 * 86400


def test_an_hour_that_does_not_exist_opens_nothing() -> None:
    rules = page("Europe/Berlin", "01:00-04:00", minutes=60)
    assert offered(rules, SPRING) == ["01:00", "03:00"]


def test_an_hour_that_occurs_twice_is_open_twice() -> None:
    rules = page("Europe/Berlin", "02:00-03:00", minutes=60)
    assert offered(rules, AUTUMN, show=WITH_OFFSET) == ["02:00+0200", "02:00+0100"]


@pytest.mark.parametrize(("day", "length"), [(SPRING, 23), (AUTUMN, 25), ("2026-06-01", 24)])
def test_a_day_of_any_length_neither_repeats_nor_loses_a_slot(day: str, length: int) -> None:
    rules = page("Europe/Berlin", "00:00-24:00", minutes=60)
    start = datetime.fromisoformat(day).replace(tzinfo=rules.zone)
    slots = open_slots(rules, [], now=LONG_AGO, start=start, end=start + timedelta(days=1))
    hour = timedelta(hours=1)
    assert slots == [start.astimezone(UTC) + n * hour for n in range(length)]


def test_a_window_inside_the_gap_opens_nothing() -> None:
    assert offered(page("Europe/Berlin", "02:15-02:45", minutes=5), SPRING) == []


def test_a_window_that_reaches_into_the_gap_ends_with_it() -> None:
    assert offered(page("Europe/Berlin", "01:30-02:30", minutes=10), SPRING) == [
        "01:30",
        "01:40",
        "01:50",
    ]
    assert offered(page("Europe/Berlin", "02:30-03:30", minutes=15), SPRING) == ["03:00", "03:15"]


def test_slots_are_stepped_in_absolute_time_across_the_gap() -> None:
    rules = page("Europe/Berlin", "01:00-06:00", minutes=90)
    assert offered(rules, SPRING) == ["01:00", "03:30"]


def test_windows_on_both_sides_of_the_gap_touch_and_are_one() -> None:
    rules = page("Europe/Berlin", "01:00-02:00", "03:00-04:00", minutes=40)
    assert offered(rules, SPRING) == ["01:00", "01:40", "03:20"]


def test_part_of_a_repeated_hour_opens_at_both_its_passes() -> None:
    rules = page("Europe/Berlin", "02:30-03:30", minutes=30)
    assert offered(rules, AUTUMN, show=WITH_OFFSET) == ["02:30+0200", "02:30+0100", "03:00+0100"]


def test_the_grid_starts_afresh_with_the_second_pass() -> None:
    rules = page("Europe/Berlin", "02:10-02:55", minutes=20)
    expected = ["02:10+0200", "02:30+0200", "02:10+0100", "02:30+0100"]
    assert offered(rules, AUTUMN, show=WITH_OFFSET) == expected


def test_a_change_of_half_an_hour_moves_hours_by_half_an_hour() -> None:
    rules = page("Australia/Lord_Howe", "01:00-03:00")
    assert offered(rules, "2026-10-04") == ["01:00", "01:30", "02:30"]
    assert offered(rules, "2026-04-05", show=WITH_OFFSET) == [
        "01:00+1100",
        "01:30+1100",
        "01:30+1030",
        "02:00+1030",
        "02:30+1030",
    ]


def test_a_midnight_that_does_not_exist_opens_with_the_first_minute_that_does() -> None:
    rules = page("America/Sao_Paulo", "00:00-02:00")
    assert offered(rules, "2018-11-03T12:00", "2018-11-04T12:00") == ["01:00", "01:30"]


def test_clocks_put_back_across_midnight_repeat_the_end_of_the_day_before() -> None:
    rules = page("America/St_Johns", weekly={5: hours("23:00-24:00")}, minutes=29)
    starts = offered(rules, "2010-11-06", "2010-11-08", show="%d %H:%M%z")
    # 23:00 to 24:00, a minute of Sunday, then Saturday's 23:01 to 24:00 once more.
    assert starts == ["06 23:00-0230", "06 23:29-0230", "06 23:01-0330", "06 23:30-0330"]


def test_a_day_that_the_zone_skipped_opens_nothing() -> None:
    skipped = {date(2011, 12, 30): hours("00:00-24:00")}
    rules = page("Pacific/Apia", "09:00-10:00", minutes=60, overrides=skipped)
    starts = offered(rules, "2011-12-29", "2012-01-01", show="%d %H:%M%z")
    assert starts == ["29 09:00-1000", "31 09:00+1400"]


def test_windows_on_both_sides_of_a_skipped_day_touch_and_are_one() -> None:
    edges = {date(2011, 12, 29): hours("23:00-24:00"), date(2011, 12, 31): hours("00:00-01:00")}
    rules = page("Pacific/Apia", minutes=40, overrides=edges)
    starts = offered(rules, "2011-12-29", "2012-01-01", show="%d %H:%M")
    assert starts == ["29 23:00", "29 23:40", "31 00:20"]


def test_an_offset_with_seconds_is_honoured() -> None:
    rules = page("Africa/Monrovia", "09:00-09:30")  # 44 min 30 s behind UTC until 1972
    start = datetime(1971, 6, 1, tzinfo=UTC)
    slots = open_slots(rules, [], now=LONG_AGO, start=start, end=start + timedelta(days=1))
    assert slots == [datetime(1971, 6, 1, 9, 44, 30, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("zone", "opens"),
    [
        ("Pacific/Kiritimati", datetime(2026, 5, 31, 19, tzinfo=UTC)),
        ("Pacific/Apia", datetime(2026, 5, 31, 20, tzinfo=UTC)),
        ("Pacific/Pago_Pago", datetime(2026, 6, 1, 20, tzinfo=UTC)),
    ],
)
def test_weekdays_and_overrides_are_days_of_the_host_not_of_utc(zone: str, opens: datetime) -> None:
    monday, tuesday = {0: hours("09:00-09:30")}, {date(2026, 6, 2): hours("09:00-09:30")}
    rules = page(zone, weekly=monday, overrides=tuesday)
    slots = open_slots(
        rules, [], now=LONG_AGO, start=opens - timedelta(days=2), end=opens + timedelta(days=3)
    )
    assert slots == [opens, opens + timedelta(days=1)]


def test_the_zone_of_a_question_does_not_matter() -> None:
    rules = page("Asia/Tokyo", "09:00-12:00")
    noon = datetime(2026, 6, 1, 3, tzinfo=UTC)
    asked = {"now": LONG_AGO, "start": noon - timedelta(hours=2), "end": noon}
    elsewhere = {name: at.astimezone(ZoneInfo("Asia/Kathmandu")) for name, at in asked.items()}
    slots = open_slots(rules, [], **asked)
    assert slots == open_slots(rules, [], **elsewhere)
    assert len(slots) == 4
    assert all(slot.tzinfo is UTC for slot in slots)
