"""Addresses suggested while many hosts ask at once."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime

import icalendar
from babel import Locale
from flask import Flask

from app.accounts import service as accounts
from app.accounts.models import User
from app.booking_pages import holidays, public_holidays, slugs
from tests.cast import make_host, visit_as

THREADS = 8
TITLES = {
    "初回面談": "shokai-mendan",
    "無料相談": "muryou-soudan",
    "採用面接": "saiyou-mensetsu",
}


def at_once(work: Callable[[int], None]) -> list[BaseException]:
    """What eight threads, let go at the same moment, raised; each works `work(its number)`."""
    start = threading.Barrier(THREADS)
    raised: list[BaseException] = []

    def run(number: int) -> None:
        start.wait()
        try:
            work(number)
        except BaseException as error:  # noqa: BLE001  (a thread's error is the test's)
            raised.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_eight_threads_read_japanese_titles_at_once() -> None:
    def read(number: int) -> None:
        for turn in range(100):
            title, spoken = list(TITLES.items())[(number + turn) % len(TITLES)]
            assert slugs._latin(title) == spoken

    assert at_once(read) == []


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

    assert at_once(ask) == []
    assert statuses == [200] * 5 * THREADS


def test_what_else_threads_share_may_be_shared() -> None:
    """The libraries that requests call without a lock of ours."""
    countries = holidays.countries()
    password_hash = accounts._hasher.hash("x")

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
        assert accounts._hasher.verify(password_hash, "x")

    assert at_once(use) == []
