"""Wrong passwords are bounded, and no stranger can lock an account's owner out."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from app.core.clock import utcnow
from app.web.rate_limits import count
from tests.limits.conftest import network
from tests.support.cast import PASSWORD, make_host
from tests.support.visitor import Page, Visitor

At = Callable[..., Visitor]


def sign_in(visitor: Visitor, email: str = "aya@example.jp", password: str = PASSWORD) -> Page:
    return visitor.get("/login").form_to("/login").send(email=email, password=password)


def try_wrong(visitor: Visitor, times: int, email: str = "aya@example.jp") -> list[int]:
    """The statuses of so many wrong passwords, sent from one page."""
    form = visitor.get("/login").form_to("/login")
    return [form.send(email=email, password="not the password").status for _ in range(times)]


def fill_for_strangers(app: Flask) -> None:
    """Thirty tries for Aya's account, each from elsewhere."""
    for number in range(30):
        address = {"REMOTE_ADDR": network(number)}
        with app.test_request_context("/login", environ_overrides=address):
            count("wrong password", "stranger's wrong password", account="aya@example.jp")


def test_the_owners_browser_gets_in_whatever_strangers_try(limited: Flask, at: At) -> None:
    make_host()
    aya = at("203.0.113.7")
    sign_in(aya).form_to("/logout").send()
    fill_for_strangers(limited)
    aya.transport.headers["X-Forwarded-For"] = "198.51.100.9"  # type: ignore[attr-defined]
    assert sign_in(aya).path == "/dashboard"


def test_strangers_from_everywhere_are_slowed_together(limited: Flask, at: At) -> None:
    make_host()
    assert {try_wrong(at(network(number)), 1)[0] for number in range(30)} == {422}
    assert sign_in(at(network(77))).status == 429
    assert sign_in(at(network(77)), "ken@example.com").status == 422  # no other account


def test_a_network_that_has_signed_in_is_no_stranger(limited: Flask, at: At) -> None:
    make_host()
    sign_in(at("203.0.113.7"))
    fill_for_strangers(limited)
    assert sign_in(at("203.0.113.200")).path == "/dashboard"
    assert sign_in(at("203.0.114.7")).status == 429


def test_a_known_browser_has_limits_too(limited: Flask, at: At) -> None:
    make_host()
    aya = at("203.0.113.7")
    sign_in(aya).form_to("/logout").send()
    assert try_wrong(aya, 11) == [422] * 10 + [429]


def test_a_cookie_of_one_account_knows_no_other(limited: Flask, at: At) -> None:
    make_host()
    make_host("Mallory")
    mallory = at("203.0.113.7")
    sign_in(mallory, "mallory@example.jp").form_to("/logout").send()
    fill_for_strangers(limited)
    assert sign_in(mallory).status == 429


def test_tries_for_one_account_from_one_network_end_at_ten(limited: Flask, at: At) -> None:
    assert try_wrong(at("203.0.113.7"), 12) == [422] * 10 + [429] * 2
    assert try_wrong(at("203.0.113.8"), 1) == [429]
    assert try_wrong(at("203.0.114.8"), 1) == [422]


def test_an_accounts_door_is_counted_however_its_address_is_typed(limited: Flask, at: At) -> None:
    spellings = ["aya@example.jp", "AYA@example.jp ", "ａｙａ＠ｅｘａｍｐｌｅ．ｊｐ"] * 4
    statuses = [try_wrong(at("203.0.113.7"), 1, spelling)[0] for spelling in spellings]
    assert statuses == [422] * 10 + [429] * 2


def test_one_network_cannot_try_the_doors_of_all(limited: Flask, at: At) -> None:
    statuses = [
        try_wrong(at(f"2001:db8:1:2::{number:x}"), 1, f"host{number}@example.jp")[0]
        for number in range(32)
    ]
    assert statuses == [422] * 30 + [429] * 2  # one /64, however many addresses it has
    assert try_wrong(at("2001:db8:1:3::1"), 1) == [422]


def test_many_tries_at_once_pass_no_more_than_the_limit(limited: Flask, at: At) -> None:
    """Some of them are told that it is too busy, and are not counted."""
    forms = [at("203.0.113.7").get("/login").form_to("/login") for _ in range(40)]

    def send(number: int) -> int:
        with limited.app_context():
            sent = {"email": "aya@example.jp", "password": "not the password"}
            return forms[number].send(**sent).status

    with ThreadPoolExecutor(16) as crowd:
        found = Counter(crowd.map(send, range(40)))
    assert found[422] <= 10
    assert found[422] + found[429] + found[503] == 40


def test_who_knows_the_password_uses_no_try_up(limited: Flask, at: At) -> None:
    make_host()
    assert try_wrong(at("203.0.113.7"), 9) == [422] * 9
    for _ in range(3):
        assert sign_in(at("203.0.113.7")).path == "/dashboard"


def test_sign_ins_with_the_right_password_have_a_limit_as_well(limited: Flask, at: At) -> None:
    make_host()
    address = {"REMOTE_ADDR": "203.0.113.7"}
    with limited.test_request_context("/login", environ_overrides=address):
        for _ in range(120):
            count("sign-in")
    assert sign_in(at("203.0.113.9")).status == 429


@pytest.mark.parametrize("email", ["aya@example.jp", "nobody@example.jp"])
def test_the_answer_says_whose_limit_and_how_long_and_keeps_the_address(
    limited: Flask, at: At, email: str
) -> None:
    """The same for an address that has an account and one that has none."""
    make_host()
    try_wrong(at("203.0.113.7"), 10, email)
    with time_machine.travel(utcnow() + timedelta(minutes=22)):
        page = sign_in(at("203.0.113.7", "ja"), email)
    assert page.status == 429
    assert 37 * 60 < int(page.answer.headers["Retry-After"]) <= 38 * 60
    assert (
        "パスワードの入力回数が上限に達しました。あと38分でもう一度お試しいただけます。"
        in page.text
    )
    assert dict(page.form_to("/login").fields)["email"] == email
    with time_machine.travel(utcnow() + timedelta(minutes=61)):
        assert try_wrong(at("203.0.113.7"), 1, email) == [422]


def test_an_invalid_form_is_no_try(limited: Flask, at: At) -> None:
    make_host()
    form = at("203.0.113.7").get("/login").form_to("/login")
    assert {form.send(email="aya@example.jp").status for _ in range(20)} == {422}
    assert sign_in(at("203.0.113.7")).path == "/dashboard"


def test_sign_ups_are_limited_and_keep_what_was_typed(limited: Flask, at: At) -> None:
    make_host()
    sent = {"name": "Ken", "email": "aya@example.jp", "password": PASSWORD}
    form = at("203.0.113.7").get("/signup").form_to("/signup")
    address = {"REMOTE_ADDR": "203.0.113.7"}
    with limited.test_request_context("/signup", environ_overrides=address):
        for _ in range(29):
            count("sign-up")
    assert form.send(**sent).status == 422  # taken, which is an answer worth counting
    page = form.send(**sent)
    assert page.status == 429
    assert "Your network has reached its limit for forms sent." in page.text
    assert dict(page.form_to("/signup").fields)["name"] == "Ken"


def test_an_admins_password_is_asked_ten_times(limited: Flask, at: At) -> None:
    make_host(is_admin=True)
    aya = at("203.0.113.7")
    sign_in(aya)
    form = aya.get("/admin/confirm").form_to("/admin/confirm")
    statuses = [form.send(password="not the password").status for _ in range(11)]
    assert statuses == [422] * 10 + [429]
