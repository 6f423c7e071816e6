"""Days, times and zones in words, in both languages."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask_babel import Babel

from app import i18n

NIGHT = datetime(2026, 12, 8, 15, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def words() -> Iterator[Callable[[str], object]]:
    app = Flask(__name__)
    Babel(app)
    with app.app_context():
        yield i18n.use_language


@pytest.mark.parametrize(
    ("language", "day", "short", "month"),
    [
        ("en", "Tuesday 8 December 2026", "Tue 8 Dec", "December 2026"),
        ("ja", "2026年12月8日(火)", "12月8日(火)", "2026年12月"),
    ],
)
def test_days(words: Callable, language: str, day: str, short: str, month: str) -> None:
    with words(language):
        assert i18n.day_in_words(date(2026, 12, 8)) == day
        assert i18n.short_day(date(2026, 12, 8)) == short
        assert i18n.month_in_words(date(2026, 12, 8)) == month


@pytest.mark.parametrize(
    ("language", "zone", "at", "expected"),
    [
        ("en", "Asia/Tokyo", NIGHT, "Japan Time (Tokyo), UTC+9"),
        ("ja", "Asia/Tokyo", NIGHT, "日本時間 (Asia/Tokyo)、UTC+9"),
        ("en", "Asia/Kolkata", NIGHT, "India Time (Kolkata), UTC+5:30"),
        (
            "en",
            "America/St_Johns",
            NIGHT,
            "Newfoundland Time (St Johns), UTC−3:30",
        ),
        (
            "en",
            "Europe/Berlin",
            datetime(2026, 7, 1, tzinfo=UTC),
            "Central European Time (Berlin), UTC+2",
        ),
        ("en", "UTC", NIGHT, "Coordinated Universal Time (UTC)"),
    ],
)
def test_zones_have_the_offset_of_that_date(
    words: Callable, language: str, zone: str, at: datetime, expected: str
) -> None:
    with words(language):
        assert i18n.zone_in_words(ZoneInfo(zone), at) == expected


def test_times_are_on_the_readers_clock() -> None:
    end = datetime(2026, 12, 8, 16, 15, tzinfo=UTC)
    assert i18n.time_range(NIGHT, end, ZoneInfo("Asia/Tokyo")) == "00:30–01:15"


def test_every_zone_can_be_named(words: Callable) -> None:
    from zoneinfo import available_timezones  # noqa: PLC0415

    for language in i18n.LANGUAGES:
        with words(language):
            for name in sorted(available_timezones()):
                words_of_zone = i18n.zone_in_words(ZoneInfo(name), NIGHT)
                assert not any(word in words_of_zone for word in ("Unknown", "不明", "None"))
                assert "UTC" in words_of_zone
