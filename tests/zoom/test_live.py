"""The host's booking page asks Zoom: live details, and Start meeting."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import responses
from flask import Flask

from app.bookings.models import Booking
from app.core.clock import utcnow
from app.db import db
from tests.conftest import ZOOM_API
from tests.support.cast import (
    connect_zoom,
    give_meeting,
    make_booking,
    make_host,
    make_page,
    move_back,
    visit_as,
)
from tests.support.visitor import InProcess, Visitor
from tests.zoom.steps import TOKEN, reread, tokens

MEETING = f"{ZOOM_API}/meetings/85012345678"
START = "https://us05web.zoom.example/s/85012345678?zak=hosts-rights"
PART = {"HX-Request": "true"}


def meeting(booking: Booking, **more: Any) -> dict[str, Any]:
    return {
        "id": 85012345678,
        "status": "waiting",
        "start_time": f"{booking.starts_at:%Y-%m-%dT%H:%M:%SZ}",
        "duration": 30,
        "password": "654321",
        "join_url": "https://zoom.example/j/85012345678",
        "start_url": START,
    } | more


@pytest.fixture
def booking(app: Flask) -> Booking:
    """Ken's booking with Aya, who is connected; its meeting exists."""
    host = make_host()
    connect_zoom(host, zoom_user_id="aya-at-zoom")
    made = make_booking(make_page(host, auto_zoom=True))
    return give_meeting(
        made, zoom_host_id="aya-at-zoom", join_url="https://zoom.example/j/85012345678"
    )


def address(booking: Booking, what: str = "") -> str:
    return f"/dashboard/bookings/{booking.public_id}{what}"


def aya_of(app: Flask, booking: Booking, headers: dict[str, str] | None = None) -> Visitor:
    return visit_as(app, booking.host, headers)


# --- live details


def test_the_page_itself_asks_zoom_nothing_and_loads_the_part_later(
    app: Flask, booking: Booking, wire: responses.RequestsMock
) -> None:
    page = aya_of(app, booking).get(address(booking))
    link = page.one("#live a[hx-get]")
    assert link["hx-get"] == link["href"] == address(booking, "/live")
    assert (link["hx-trigger"], link["hx-target"]) == ("load", "#live")
    assert len(wire.calls) == 0


@pytest.mark.parametrize("headers", [None, PART])
def test_status_time_and_passcode_come_from_zoom(
    app: Flask, booking: Booking, wire: responses.RequestsMock, headers: dict[str, str] | None
) -> None:
    wire.get(MEETING, json=meeting(booking, status="started"))
    page = aya_of(app, booking, headers).get(address(booking, "/live"))
    live = page.one("#live")
    assert not live.select("[hx-get]")  # it is loaded once
    words = " ".join(live.get_text(" ").split())
    assert "in progress" in words
    assert "10:00–10:30" in words
    assert "654321" in words
    assert bool(page.all("html")) is (headers is None)


def test_the_start_url_is_in_no_page_and_in_no_row(
    app: Flask, booking: Booking, wire: responses.RequestsMock, caplog: pytest.LogCaptureFixture
) -> None:
    wire.get(MEETING, json=meeting(booking))
    aya = aya_of(app, booking)
    assert "zak" not in aya.get(address(booking, "/live")).answer.text
    aya.transport.send("GET", address(booking, "/start"), None)
    with db.engine.connect() as connection:
        for table in db.metadata.sorted_tables:
            assert "hosts-rights" not in str(connection.execute(table.select()).all())
    assert "hosts-rights" not in caplog.text


def test_a_meeting_that_was_moved_in_zoom_is_told(
    app: Flask, booking: Booking, wire: responses.RequestsMock
) -> None:
    moved = booking.starts_at + timedelta(hours=1)
    wire.get(MEETING, json=meeting(booking, start_time=f"{moved:%Y-%m-%dT%H:%M:%SZ}"))
    page = aya_of(app, booking).get(address(booking, "/live"))
    assert "was moved in Zoom" in page.one("#live .note").get_text()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"status": 404, "json": {"code": 3001, "message": "x"}}, "no longer exists in Zoom"),
        ({"status": 400, "json": {"code": 4711, "message": "x"}}, "did not grant the permission"),
        ({"status": 500, "body": "<html>"}, "does not answer just now"),
        ({"status": 429, "json": {"code": 429}}, "does not answer just now"),
        ({"status": 200, "body": "not json"}, "does not answer just now"),
        ({"body": requests.ReadTimeout()}, "does not answer just now"),
        ({"body": requests.ConnectTimeout()}, "does not answer just now"),
    ],
)
def test_a_zoom_that_does_not_tell_is_taken_calmly(
    app: Flask, booking: Booking, wire: responses.RequestsMock, answer: dict[str, Any], words: str
) -> None:
    wire.get(MEETING, **answer)
    host_id = booking.host_id
    page = aya_of(app, booking).get(address(booking, "/live"))
    assert page.status == 200
    assert words in page.one("#live").get_text()
    assert "Ken Yamada" in page.text
    assert reread(host_id).is_active


@pytest.mark.parametrize(
    "answer", [{}, {"status": "", "start_time": "soon", "duration": "x"}, {"duration": 10**12}]
)
def test_half_an_answer_shows_what_there_is(
    app: Flask, booking: Booking, wire: responses.RequestsMock, answer: dict[str, Any]
) -> None:
    wire.get(MEETING, json=answer)
    assert aya_of(app, booking).get(address(booking, "/live")).status == 200


def test_a_connection_found_dead_says_what_to_do(
    app: Flask, booking: Booking, wire: responses.RequestsMock
) -> None:
    wire.get(MEETING, status=401, json={"code": 124})
    wire.post(TOKEN, status=400, json={"error": "invalid_grant"})
    page = aya_of(app, booking).get(address(booking, "/live"))
    assert "Zoom has ended the connection." in page.one("#live .note").get_text()
    assert page.one('#live a[href="/settings/integrations"]')


def test_a_token_that_ran_out_is_refreshed_for_it(
    app: Flask, booking: Booking, wire: responses.RequestsMock
) -> None:
    reread(booking.host_id).expires_at = utcnow()
    db.session.commit()
    wire.post(TOKEN, json=tokens(2))
    wire.get(MEETING, json=meeting(booking))
    page = aya_of(app, booking).get(address(booking, "/live"))
    assert "654321" in page.text


def test_somebody_waits_so_zoom_is_not_waited_for_long(
    app: Flask, booking: Booking, wire: responses.RequestsMock
) -> None:
    seen: list[Any] = []

    def answer(request: Any) -> tuple[int, dict[str, str], str]:
        seen.append(request.req_kwargs["timeout"])
        return 500, {}, ""

    wire.add_callback(responses.GET, MEETING, answer)
    aya_of(app, booking).get(address(booking, "/live"))
    [(connect, read)] = seen
    assert connect + read <= 10


@pytest.mark.parametrize("state", ["cancelled", "past", "no meeting", "not connected", "no scope"])
def test_where_there_is_nothing_to_ask_nothing_is_asked_or_offered(
    app: Flask, booking: Booking, wire: responses.RequestsMock, state: str
) -> None:
    connection = reread(booking.host_id)
    if state == "cancelled":
        booking.status = "cancelled"
    elif state == "past":
        move_back(booking, timedelta(days=3))
    elif state == "no meeting":
        booking.meeting.external_id = None
    elif state == "not connected":
        db.session.delete(connection)
    else:
        connection.scopes = "meeting:write:meeting"
    db.session.commit()
    aya = aya_of(app, booking)
    assert not aya.get(address(booking)).all("#live")
    assert not aya.get(address(booking, "/live")).all(f'a[href="{address(booking, "/start")}"]')
    started = aya.transport.send("GET", address(booking, "/start"), None)
    assert (started.status, urlsplit(started.headers["Location"]).path) == (303, address(booking))
    assert len(wire.calls) == 0


def test_another_host_sees_and_starts_nothing(
    app: Flask, booking: Booking, wire: responses.RequestsMock
) -> None:
    mallory = make_host("Mallory")
    connect_zoom(mallory)
    visitor = visit_as(app, mallory)
    for what in ("/live", "/start"):
        assert visitor.get(address(booking, what)).status == 404
    assert len(wire.calls) == 0


# --- Start meeting


def test_starting_leads_to_a_fresh_address_that_is_kept_nowhere(
    app: Flask, booking: Booking, wire: responses.RequestsMock
) -> None:
    fetched = wire.get(MEETING, json=meeting(booking))
    aya = aya_of(app, booking)
    page = aya.get(address(booking))
    assert page.link("Start meeting")["href"] == address(booking, "/start")
    for times in (1, 2):
        answer = aya.transport.send("GET", address(booking, "/start"), None)
        assert (answer.status, answer.headers["Location"]) == (303, START)
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert fetched.call_count == times


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 404, "json": {"code": 3001, "message": "x"}},
        {"status": 500},
        {"json": {"id": 1}},
        {"json": {"start_url": "javascript:alert(1)"}},
        {"json": {"start_url": "//elsewhere.example"}},
    ],
)
def test_a_start_that_fails_leads_back_to_the_booking_and_its_reason(
    app: Flask, booking: Booking, wire: responses.RequestsMock, answer: dict[str, Any]
) -> None:
    wire.get(MEETING, **answer)
    transport = aya_of(app, booking).transport
    assert isinstance(transport, InProcess)
    sent = transport.send("GET", address(booking, "/start"), None)
    assert (sent.status, sent.headers["Location"]) == (303, address(booking, "/live"))
