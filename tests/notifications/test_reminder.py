"""How a reminder says when: by the calendar day of its reader."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from flask import Flask

from app.bookings.reminders import Reminder
from app.i18n import use_language
from app.notifications.messages import compose
from app.notifications.occasions.reminder import begins
from tests.notifications.rows import booking_row

TOKYO, BERLIN, LORD_HOWE = map(ZoneInfo, ("Asia/Tokyo", "Europe/Berlin", "Australia/Lord_Howe"))


def at(text: str, zone: ZoneInfo) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


@pytest.mark.parametrize(
    ("start", "now", "zone", "english", "japanese"),
    [
        ("2026-12-01T10:00", "2026-11-30T10:00", TOKYO, "tomorrow at 10:00", "明日 10:00 開始"),
        ("2026-12-01T10:00", "2026-12-01T09:00", TOKYO, "in 1 hour, at 10:00", "1時間後（10:00 開始）"),
        ("2026-12-01T00:30", "2026-11-30T23:30", TOKYO, "in 1 hour, at 00:30", "1時間後（00:30 開始）"),
        ("2026-12-01T18:00", "2026-12-01T06:00", TOKYO, "today at 18:00", "本日 18:00 開始"),
        ("2026-12-03T18:00", "2026-11-30T18:00", TOKYO, "on Thursday 3 December 2026 at 18:00", "2026年12月3日(木) 18:00 開始"),
        ("2026-12-01T10:00", "2026-12-01T09:12", TOKYO, "in 48 minutes, at 10:00", "48分後（10:00 開始）"),
        # Clocks go back and forward: 24 hours before 10:00 is 11:00, or 9:00, the day before.
        ("2026-10-25T10:00", "2026-10-24T11:00", BERLIN, "tomorrow at 10:00", "明日 10:00 開始"),
        ("2026-03-29T03:30", "2026-03-29T01:30", BERLIN, "in 1 hour, at 03:30", "1時間後（03:30 開始）"),
        ("2026-10-25T02:30", "2026-10-24T20:00", BERLIN, "tomorrow at 02:30 (UTC+2)", "明日 02:30 (UTC+2) 開始"),
        ("2026-10-04T02:40", "2026-10-04T01:40", LORD_HOWE, "in 30 minutes, at 02:40", "30分後（02:40 開始）"),
    ],
)  # fmt: skip
def test_when_is_told_by_the_readers_calendar(
    app: Flask, start: str, now: str, zone: ZoneInfo, english: str, japanese: str
) -> None:
    for language, words in (("en", english), ("ja", japanese)):
        with use_language(language):
            assert begins(at(start, zone), at(now, zone), zone) == words


def test_each_party_reads_its_own_day(app: Flask) -> None:
    """Tomorrow in Tokyo is today in Berlin."""
    now, start = at("2026-11-30T20:00", TOKYO), at("2026-12-01T07:00", TOKYO)
    with use_language("en"):
        assert begins(start, now, TOKYO) == "tomorrow at 07:00"
        assert begins(start, now, BERLIN) == "today at 23:00"


def test_an_address_in_a_header_is_cut_nowhere_however_long_it_is(app: Flask) -> None:
    row = booking_row(public_id="abcdefghjkabcdef", client_token="t" * 43, page_id=7)
    wire = compose(row, "client", "reminder", reminder=Reminder(row.starts_at, 60, 3)).as_bytes()
    [line] = [one for one in wire.split(b"\r\n") if one.startswith(b"List-Unsubscribe:")]
    assert line.startswith(b"List-Unsubscribe: <http://127.0.0.1/reminders/abcdefghjkabcdef-")
    assert line.endswith(b">")
    assert b".reminder-60.3.client@" in wire
    host = compose(row, "host", "reminder", reminder=Reminder(row.starts_at, 60, 3))
    assert host["List-Unsubscribe"] is None
