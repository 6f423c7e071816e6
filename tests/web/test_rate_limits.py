"""Limits go on while Valkey is away: nobody is turned away for that, and nothing is open."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask import Flask

from app import create_app
from app.core.config import load_settings
from app.web import rate_limits
from app.web.rate_limits import limits
from tests.chaos.parts import Valkey
from tests.conftest import test_environment

LIMIT = 120  # of sign-ins by one network in an hour


@pytest.fixture
def valkey_of_its_own(tmp_path: Path) -> Iterator[Valkey]:
    valkey = Valkey(tmp_path)
    valkey.start()
    yield valkey
    if valkey.is_up:
        valkey.stop()


@pytest.fixture
def limited(tmp_path: Path, valkey_of_its_own: Valkey) -> Flask:
    """An app with an address that may be asked for as often as people sign in."""
    more = {"REDIS_URL": valkey_of_its_own.url, "RATELIMIT_ENABLED": "true"}
    app = create_app(load_settings(test_environment(tmp_path, **more)))

    @app.get("/limited")
    @limits("sign-in")
    def answer() -> str:
        return "answered"

    return app


def ask(app: Flask) -> int:
    return app.test_client().get("/limited", base_url="http://127.0.0.1").status_code


def test_of_many_requests_under_way_when_valkey_hangs_none_is_turned_away(
    limited: Flask, valkey_of_its_own: Valkey
) -> None:
    assert ask(limited) == 200
    with valkey_of_its_own.frozen(), ThreadPoolExecutor(16) as crowd:
        answers = Counter(crowd.map(lambda _number: ask(limited), range(16)))
    assert answers == {200: 16}


def test_without_valkey_a_limit_is_a_limit(limited: Flask, valkey_of_its_own: Valkey) -> None:
    valkey_of_its_own.stop()
    with ThreadPoolExecutor(16) as crowd:
        answers = Counter(crowd.map(lambda _number: ask(limited), range(LIMIT + 20)))
    assert answers == {200: LIMIT, 429: 20}


def test_all_processes_count_together_while_it_is_there(
    limited: Flask, valkey_of_its_own: Valkey
) -> None:
    for _ in range(LIMIT):
        assert ask(limited) == 200
    # A second storage, as another process has it.
    rate_limits.init_app(limited, limited.extensions["settings"])
    assert ask(limited) == 429


def test_a_page_that_says_no_says_for_how_long(limited: Flask) -> None:
    for _ in range(LIMIT):
        ask(limited)
    answer = limited.test_client().get("/limited", base_url="http://127.0.0.1")
    assert 3500 < int(answer.headers["Retry-After"]) <= 3600
    assert "You can try again in 1 hour." in answer.text
