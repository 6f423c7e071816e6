"""Passwords that are guessed first are refused with the reason; hashing holds nobody up."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import Flask

from app.accounts import passwords, service
from app.accounts.models import User
from app.db import db
from app.web.gates import Busy, Gate
from tests.support.cast import PASSWORD, make_host
from tests.support.visitor import InProcess, Page, Visitor


def sign_up(app: Flask, password: str, language: str = "en") -> Page:
    visitor = Visitor(InProcess(app, {"Accept-Language": language}))
    sent = {"name": "Aya Sato", "email": "aya.sato@example.jp", "password": password}
    return visitor.get("/signup").form_to("/signup").send(**sent)


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("password", "Many people use this password"),
        ("P@ssw0rd1", "Many people use this password"),
        ("iloveyou1", "Many people use this password"),
        ("12345678", "Many people use this password"),
        ("aya.sato@example.jp", "made of your name or address"),
        ("ayasato1", "made of your name or address"),
        ("calsync1", "made of your name or address"),
        ("aaaaaaaaaaaa", "follows a pattern"),
        ("abcdefghijkl", "follows a pattern"),
    ],
)
def test_a_password_that_is_guessed_first_is_refused_with_the_reason(
    app: Flask, password: str, reason: str
) -> None:
    page = sign_up(app, password)
    assert page.status == 422
    assert reason in page.one("#password-error").get_text()
    assert db.session.query(User).count() == 0


@pytest.mark.parametrize(
    "password", [PASSWORD, "another password", "パスワード です", "k3v9!qzt", "x7" * 256]
)
def test_others_are_taken_without_rules_of_composition(app: Flask, password: str) -> None:
    if len(set(password)) > 2:
        assert sign_up(app, password).path == "/dashboard"
    else:
        assert sign_up(app, password).status == 422  # looked at as far as its pattern goes


def test_the_reason_is_told_in_japanese(app: Flask) -> None:
    words = sign_up(app, "password", "ja").one("#password-error").get_text()
    assert "多くの人が使っているパスワード" in words


@pytest.mark.parametrize(
    "text", ["a" * 512, "Qw" * 256, "1q2w3e4r" * 64, "あ" * 512, "!@#$%" * 100]
)
def test_no_password_takes_long_to_look_at(text: str) -> None:
    passwords.weakness_of("warm", [])
    began = time.thread_time()
    passwords.weakness_of(text, ["aya@example.jp", "佐藤 美咲"])
    assert time.thread_time() - began < 0.5


def test_of_many_at_once_some_are_let_in_some_wait_and_the_rest_are_sent_away() -> None:
    gate = Gate(at_once=1, in_line=2, patience=5.0, seconds=3)
    go, found = threading.Event(), []

    def enter() -> None:
        try:
            with gate.passed():
                go.wait(10)
            found.append("in")
        except Busy as busy:
            found.append(f"back in {busy.seconds}")

    crowd = [threading.Thread(target=enter) for _ in range(8)]
    for person in crowd:
        person.start()
    while len(found) < 5:
        time.sleep(0.01)
    assert found == ["back in 3"] * 5  # without waiting
    go.set()
    for person in crowd:
        person.join()
    assert found[5:] == ["in"] * 3


def test_who_has_waited_too_long_is_sent_away() -> None:
    gate = Gate(at_once=1, in_line=2, patience=0.05, seconds=3)
    with gate.passed(), pytest.raises(Busy), gate.passed():
        pass
    with gate.passed():
        pass


@contextmanager
def crowd_at_the_door() -> Iterator[threading.Event]:
    """Every place at the hashing is taken, until the event is set."""
    leave = threading.Event()
    inside = threading.Barrier(2)

    def hold() -> None:
        with passwords.hashing.passed():
            inside.wait(10)
            leave.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    inside.wait(10)
    try:
        yield leave
    finally:
        leave.set()
        holder.join()


def test_a_crowd_is_told_in_how_many_seconds_and_nothing_typed_is_lost(app: Flask) -> None:
    make_host()
    form = Visitor(InProcess(app)).get("/login").form_to("/login")
    with crowd_at_the_door():
        page = form.send(email="aya@example.jp", password=PASSWORD)
    assert page.status == 503
    assert page.answer.headers["Retry-After"] == "5"
    assert "Please try again in 5 seconds." in page.text
    assert dict(page.form_to("/login").fields)["email"] == "aya@example.jp"


def test_no_connection_of_the_database_is_held_while_a_password_is_hashed(app: Flask) -> None:
    make_host()
    found: list[User | None] = []

    def sign_in() -> None:
        with app.app_context():
            found.append(service.authenticate("aya@example.jp", PASSWORD))

    db.session.rollback()
    before = db.engine.pool.checkedout()  # type: ignore[attr-defined]
    with crowd_at_the_door() as leave:
        waits = threading.Thread(target=sign_in)
        waits.start()
        time.sleep(0.5)
        held = db.engine.pool.checkedout() - before  # type: ignore[attr-defined]
        leave.set()
        waits.join()
    assert held == 0
    assert found[0] is not None
