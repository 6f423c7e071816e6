"""How a browser's request waits for Zoom: with no database connection, not for long, few at once."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
import requests
import responses
from flask import Flask, request

from app.accounts.models import User
from app.core import outgoing
from app.db import db
from app.zoom import tokens as zoom_tokens
from app.zoom import wire as zoom_wire
from tests.support.cast import (
    connect_zoom,
    give_meeting,
    make_booking,
    make_host,
    make_page,
    visit_as,
)
from tests.zoom.api_steps import MEETING
from tests.zoom.steps import REVOKE, TOKEN, tokens
from tests.zoom.view_steps import come_back, connections, state_of


@contextmanager
def all_turns_taken(app: Flask) -> Iterator[None]:
    """As if other requests of this process were waiting for Zoom."""
    with ExitStack() as turns:
        for _ in range(outgoing.MOST_AT_ONCE):
            turns.enter_context(app.test_request_context())
            turns.enter_context(outgoing.turn())
        yield


@pytest.fixture
def host(app: Flask) -> User:
    return make_host()


def held() -> int:
    return int(db.engine.pool.checkedout())  # type: ignore[attr-defined]


@pytest.mark.parametrize("what", ["the code's exchange", "a revocation", "live details"])
def test_no_database_connection_is_held_meanwhile(
    app: Flask, host: User, wire: responses.RequestsMock, what: str
) -> None:
    seen: list[int] = []

    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        seen.append(held())
        return 503, {}, ""

    for method, address in (("POST", TOKEN), ("POST", REVOKE), ("GET", MEETING)):
        wire.add_callback(method, address, answer)
    aya = visit_as(app, host)
    if what == "the code's exchange":
        state = state_of(aya)
        db.session.rollback()
        come_back(aya, code="code-1", state=state)
    else:
        connect_zoom(host)
        booking = make_booking(make_page(host, auto_zoom=True))
        give_meeting(booking)
        address = f"/dashboard/bookings/{booking.public_id}/live"
        page = aya.get("/settings/integrations")
        db.session.rollback()
        if what == "a revocation":
            page.press("Disconnect Zoom")
        else:
            aya.get(address)
    assert seen == [0]


def test_who_finds_no_turn_is_told_at_once_and_zoom_is_not_asked(
    app: Flask, host: User, wire: responses.RequestsMock
) -> None:
    connect_zoom(host)
    booking = make_booking(make_page(host, auto_zoom=True))
    give_meeting(booking)
    address = f"/dashboard/bookings/{booking.public_id}"
    aya = visit_as(app, host)
    settings = aya.get("/settings/integrations")
    with all_turns_taken(app):
        live = aya.get(f"{address}/live")
        assert "Please try again in a minute." in live.one("#live").get_text()
        started = aya.transport.send("GET", f"{address}/start", None)
        assert started.headers["Location"] == f"{address}/live"
        assert "Please try again in a minute." in settings.press("Check the connection").text
    assert len(wire.calls) == 0
    assert zoom_tokens.connection_of(host.id).is_active  # type: ignore[union-attr]


def test_a_code_that_finds_no_turn_is_still_good_a_moment_later(
    app: Flask, host: User, wire: responses.RequestsMock
) -> None:
    wire.post(TOKEN, json=tokens(1))
    aya = visit_as(app, host)
    state = state_of(aya)
    with all_turns_taken(app):
        busy = come_back(aya, code="code-1", state=state)
        assert busy.status == 503
        assert busy.answer.headers["Retry-After"]
        assert len(wire.calls) == 0
    again = aya.get(str(busy.link("Try again")["href"]))
    assert again.path == "/settings/integrations"
    assert connections() == 1


def test_disconnecting_deletes_here_even_where_nobody_can_tell_zoom(
    app: Flask, host: User, wire: responses.RequestsMock
) -> None:
    connect_zoom(host)
    settings = visit_as(app, host).get("/settings/integrations")
    with all_turns_taken(app):
        told = settings.press("Disconnect Zoom")
    assert "Zoom did not confirm this." in told.text
    assert connections() == 0


def test_a_turn_is_free_again_whatever_became_of_the_call(app: Flask) -> None:
    for _ in range(outgoing.MOST_AT_ONCE * 2):
        with app.test_request_context(), pytest.raises(ValueError), outgoing.turn():
            raise ValueError
    with app.test_request_context(), outgoing.turn():
        pass


def test_workers_and_commands_take_no_turn(app: Flask) -> None:
    with all_turns_taken(app):
        tried: list[str] = []

        def work() -> None:
            with app.app_context(), outgoing.turn():
                tried.append("called")

        worker = threading.Thread(target=work)
        worker.start()
        worker.join(timeout=5)
    assert tried == ["called"]


def test_one_request_waits_a_bounded_time_in_all(app: Flask) -> None:
    with app.test_request_context():
        waits = [sum(outgoing.patience(5.0, 20.0))]
        assert waits[0] <= outgoing.PATIENCE < 20
        request.environ[outgoing.UNTIL] = time.monotonic() + 2
        assert sum(outgoing.patience(5.0, 20.0)) <= 2
        request.environ[outgoing.UNTIL] = time.monotonic() + 0.5
        with pytest.raises(outgoing.Busy):
            outgoing.patience(5.0, 20.0)
    assert outgoing.patience(5.0, 20.0) == (5.0, 20.0)  # a worker's


def test_a_call_without_patience_left_is_not_begun(
    app: Flask, wire: responses.RequestsMock
) -> None:
    with app.test_request_context():
        request.environ[outgoing.UNTIL] = time.monotonic()
        with pytest.raises(zoom_wire.Unavailable):
            zoom_wire.send("GET", MEETING)
    assert len(wire.calls) == 0
