"""Addresses suggested while many hosts ask at once."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import icalendar
from babel import Locale
from flask import Flask

from app.accounts import passwords
from app.accounts.models import User
from app.booking_pages import slugs
from app.schedules import holidays, public_holidays
from tests.support.cast import make_host, visit_as
from tests.support.together import at_once

THREADS = 8
TITLES = {
    "初回面談": "shokai-mendan",
    "無料相談": "muryou-soudan",
    "採用面接": "saiyou-mensetsu",
}


def errors_of(work: Callable[[int], None]) -> list[object]:
    """What eight threads at once raised; each works `work(its number)`."""
    ends = at_once(*[partial(work, number) for number in range(THREADS)])
    return [end for end in ends if end is not None]


def test_eight_threads_read_japanese_titles_at_once() -> None:
    def read(number: int) -> None:
        for turn in range(100):
            title, spoken = list(TITLES.items())[(number + turn) % len(TITLES)]
            assert slugs._latin(title) == spoken

    assert errors_of(read) == []


def test_eight_hosts_are_suggested_addresses_at_once(app: Flask) -> None:
    hosts: list[User] = [make_host(f"Host{number}") for number in range(THREADS)]
    visitors = [visit_as(app, host) for host in hosts]
    statuses: list[int] = []

    def ask(number: int) -> None:
        for _ in range(5):
            answer = visitors[number].transport.send(
                "GET", "/dashboard/pages/new/slug?title=%E5%88%9D%E5%9B%9E%E9%9D%A2%E8%AB%87", None
            )
            statuses.append(answer.status)
            assert "shokai-mendan" in answer.text

    assert errors_of(ask) == []
    assert statuses == [200] * 5 * THREADS


def test_what_else_threads_share_may_be_shared() -> None:
    """The libraries that requests call without a lock of ours."""
    countries = holidays.countries()
    password_hash = passwords._hasher.hash("x")

    def use(number: int) -> None:
        for turn in range(4):
            assert holidays._year.__wrapped__(countries[(number * 7 + turn) % 40], 2026, "en")
            public_holidays.country_names.__wrapped__("ja")
            assert Locale.parse("ja").territories["JP"] == "日本"
            event = icalendar.Event()
            event.add("summary", f"{number};{turn},あ")
            event.add("dtstart", datetime(2026, 12, 1, tzinfo=UTC))
            read = icalendar.Event.from_ical(event.to_ical())
            assert read["summary"] == f"{number};{turn},あ"
        assert passwords._hasher.verify(password_hash, "x")

    assert errors_of(use) == []
