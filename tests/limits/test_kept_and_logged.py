"""What limits leave behind: neither Valkey nor the log learns whose they are."""

import logging
from collections.abc import Callable

import pytest
from flask import Flask

from app.core.config import Settings
from app.outbox import queue
from app.web.rate_limits import LimitReached, count, mailbox, network
from tests.limits.test_bookings import OFFICE, book
from tests.limits.test_sign_in import sign_in, try_wrong
from tests.support.cast import make_host, make_page
from tests.support.visitor import Visitor

At = Callable[..., Visitor]
PERSONAL = ("203.0.113", "aya@", "example.jp", "ken@", "example.com")


def test_valkeys_keys_and_values_name_nobody(limited: Flask, at: At, settings: Settings) -> None:
    page = make_page(make_host())
    try_wrong(at(OFFICE), 2)
    sign_in(at(OFFICE))
    for number in range(11):
        book(at(OFFICE), page, number, "ken@example.com")
    valkey = queue._connection(settings.redis_url)
    keys = [key.decode() for key in valkey.keys("LIMITS:*")]
    assert {key.split(":")[1] for key in keys} >= {"book", "form", "wrong password", "signed in"}
    kept = " ".join([*keys, *(str(valkey.lrange(key, 0, -1)) for key in keys)])
    assert not [words for words in PERSONAL if words in kept]
    assert all(0 < valkey.ttl(key) <= 90 * 86_400 for key in keys)


def test_another_secret_gives_other_keys(limited: Flask, settings: Settings) -> None:
    """A hash that anybody can compute would be an address by another name."""

    def key_now() -> set[bytes]:
        valkey = queue._connection(settings.redis_url)
        valkey.flushall()
        with limited.test_request_context("/"):
            count("sign-up")
        return set(valkey.keys("LIMITS:sign-up*"))

    first = key_now()
    limited.config["SECRET_KEY"] = "another secret for tests, long enough"
    assert len(first & key_now()) == 0


def test_the_log_names_nobody_who_is_turned_away(
    limited: Flask, at: At, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        page = make_page(make_host())
        assert try_wrong(at(OFFICE), 11)[-1] == 429
        for number in range(11):
            book(at(OFFICE), page, number, "ken@example.com")
    chatty = [one for one in caplog.records if one.levelno >= logging.INFO]
    told = " ".join(record.getMessage() for record in chatty)
    assert not [words for words in PERSONAL if words in told]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("203.0.113.7", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.0/24"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
        ("nonsense", "unknown"),
    ],
)
def test_a_network_is_what_one_office_has_whole(
    limited: Flask, address: str, expected: str
) -> None:
    with limited.test_request_context("/", environ_overrides={"REMOTE_ADDR": address}):
        assert network() == expected


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("ken@example.com", "ken@example.com"),
        ("ken+roof@example.com", "ken@example.com"),
        ("k.e.n+roof@googlemail.com", "ken@gmail.com"),
        ("k.en@example.com", "k.en@example.com"),
        ("+ken@example.com", "+ken@example.com"),
    ],
)
def test_a_mailbox_has_one_name(address: str, expected: str) -> None:
    assert mailbox(address) == expected


def test_the_wait_that_is_told_is_the_longest_of_those_that_are_full(limited: Flask) -> None:
    with limited.test_request_context("/"):
        for number in range(10):
            count("book", client="ken@example.com", page=1, host=number)
        with pytest.raises(LimitReached) as reached:
            count("book", client="ken@example.com", page=1, host=11)
    assert 3590 <= reached.value.seconds <= 3600


def test_switched_off_nothing_is_counted(app: Flask, settings: Settings) -> None:
    with app.test_request_context("/"):
        for _ in range(200):
            count("sign-up")
    assert queue._connection(settings.redis_url).keys("LIMITS:*") == []
