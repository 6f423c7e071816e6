"""Answers of Zoom's that are not what they seem at first."""

import json
from typing import Any

import pytest
import responses
from flask import Flask

from app import outbox
from app.bookings.models import Booking
from app.bookings.service import cancel
from app.core.clock import utcnow
from app.db import db
from app.outbox import Refused, Unavailable
from app.zoom import api, meetings, service
from app.zoom import tokens as zoom_tokens
from tests.conftest import ZOOM_API
from tests.support.cast import connect_zoom, make_booking, make_host, make_page, visit_as
from tests.support.services import MailServer
from tests.tasks.steps import let_time_pass, task_of, work
from tests.zoom.api_steps import ACCESS, MEETING, MEETINGS, made, wanted
from tests.zoom.conftest import Sandbox
from tests.zoom.steps import TOKEN, reread, sent_refresh_tokens, tokens
from tests.zoom.test_meetings import nothing

FAMILY = "👩‍👩‍👧‍👦"  # eleven UTF-16 units, one character
ACCENTED = "e\u0301"  # two, one character
FLAG = "🇯🇵"  # four, one character


def topic_sent(wire: responses.RequestsMock, topic: str) -> str:
    wire.post(MEETINGS, status=201, json=made())
    api.create_meeting(ACCESS, wanted(topic=topic))
    sent: str = json.loads(wire.calls[-1].request.body)["topic"]
    return sent


@pytest.mark.parametrize(
    ("topic", "sent"),
    [
        ("😀" * 101, "😀" * 100),
        ("x" * 190 + FAMILY + "y", "x" * 190),
        ("x" * 189 + FAMILY + "y", "x" * 189 + FAMILY),
        ("x" * 199 + ACCENTED, "x" * 199),
        ("x" * 198 + ACCENTED + "y", "x" * 198 + ACCENTED),
        ("x" * 197 + FLAG, "x" * 197),
        ("か\u3099" * 101, "か\u3099" * 100),
        ("相" * 201, "相" * 200),
        ("short", "short"),
    ],
)
def test_a_topic_is_cut_to_200_units_between_two_characters(
    app: Flask, wire: responses.RequestsMock, topic: str, sent: str
) -> None:
    assert topic_sent(wire, topic) == sent


def test_zooms_reasons_for_each_field_reach_the_host(
    app: Flask, mails: MailServer, sandbox: Sandbox
) -> None:
    host = make_host()
    service.link(host.id, sandbox.grant("aya"))
    sandbox.fault("fields-refused")
    booking = make_booking(make_page(host, auto_zoom=True))
    work()
    assert booking.meeting_state == "failed"
    shown = visit_as(app, host).get(f"/dashboard/bookings/{booking.public_id}").text
    assert "topic: Not allowed here. duration: Too long." in shown


@pytest.mark.parametrize("errors", [None, "x", [1], [{}], [{"field": None, "message": None}]])
def test_a_list_of_fields_in_another_form_costs_nothing(
    app: Flask, wire: responses.RequestsMock, errors: object
) -> None:
    answer = {"code": 300, "message": "Validation Failed.", "errors": errors}
    wire.post(MEETINGS, status=400, json=answer)
    with pytest.raises(Refused) as refusal:
        api.create_meeting(ACCESS, wanted())
    assert str(refusal.value).startswith("zoom_refused: Validation Failed.")


def test_a_zone_that_zoom_does_not_know_is_left_out_and_the_meeting_made(
    app: Flask, mails: MailServer, sandbox: Sandbox
) -> None:
    host = make_host()
    service.link(host.id, sandbox.grant("aya"))
    sandbox.fault("timezone-unknown", count=9)
    booking = make_booking(make_page(host, auto_zoom=True, timezone="Antarctica/Troll"))
    work()
    assert booking.meeting_state == "ready"
    [meeting] = sandbox.get("meetings")
    assert meeting["start_time"] == f"{booking.starts_at:%Y-%m-%dT%H:%M:%SZ}"


def test_another_field_than_the_zone_is_not_asked_for_again(
    app: Flask, wire: responses.RequestsMock
) -> None:
    answer = {"code": 300, "message": "No.", "errors": [{"field": "topic", "message": "No."}]}
    created = wire.post(MEETINGS, status=400, json=answer)
    host = make_host()
    host_id = host.id
    connect_zoom(host)
    with pytest.raises(Refused):
        meetings.create(host_id, wanted(), nothing)
    assert created.call_count == 1


@pytest.mark.parametrize("status", [400, 403, 404, 407, 413])
def test_a_page_in_place_of_zooms_answer_is_worth_another_try(
    app: Flask, wire: responses.RequestsMock, status: int
) -> None:
    wire.post(MEETINGS, status=status, body="<html>Forbidden</html>")
    with pytest.raises(Unavailable):
        api.create_meeting(ACCESS, wanted())


def test_a_firewalls_page_delays_a_meeting_and_costs_it_nothing(
    app: Flask, mails: MailServer, sandbox: Sandbox
) -> None:
    host = make_host()
    service.link(host.id, sandbox.grant("aya"))
    sandbox.fault("403-page")
    booking = make_booking(make_page(host, auto_zoom=True))
    work()
    assert (booking.meeting_state, task_of(booking, "meeting.create").state) == (
        "wanted",
        "waiting",
    )
    let_time_pass()
    work()
    assert booking.meeting_state == "ready"
    assert len(sandbox.get("meetings")) == 1


def test_a_page_with_401_does_not_end_the_connection(
    app: Flask, wire: responses.RequestsMock
) -> None:
    wire.get(f"{ZOOM_API}/meetings/7", status=401, body="<html>Sign in to the proxy</html>")
    wire.post(TOKEN, json=tokens(2))
    host = make_host()
    host_id = host.id
    connect_zoom(host)
    with pytest.raises(Unavailable):
        meetings.read(host_id, 7)
    assert reread(host_id).is_active


@pytest.mark.parametrize("left_out", [{}, {"refresh_token": None}, {"refresh_token": ""}])
def test_a_refresh_without_a_refresh_token_keeps_the_old_one(
    app: Flask, wire: responses.RequestsMock, left_out: dict[str, Any]
) -> None:
    answer = tokens(2)
    del answer["refresh_token"]
    wire.post(TOKEN, json=answer | left_out)
    wire.post(TOKEN, json=tokens(3))
    host = make_host()
    connect_zoom(host, expires_at=utcnow())
    assert zoom_tokens.access_for(host.id).token == "access-2"
    assert reread(host.id).refresh_token == "refresh-1"
    zoom_tokens.forget_token(host.id, "access-2")
    assert zoom_tokens.access_for(host.id).token == "access-3"
    assert sent_refresh_tokens(wire) == ["refresh-1", "refresh-1"]


def test_a_host_whose_zoom_does_not_rotate_stays_connected(app: Flask, sandbox: Sandbox) -> None:
    sandbox.choose(expires_in=0)
    host = make_host()
    host_id = host.id
    service.link(host_id, sandbox.grant("aya"))
    sandbox.fault("token-no-refresh", count=2)
    for _ in range(3):
        zoom_tokens.access_for(host_id)
    assert reread(host_id).is_active


# --- A meeting that was made without its link being told


@pytest.fixture
def booking(app: Flask, mails: MailServer) -> Booking:
    host = make_host()
    connect_zoom(host)
    return make_booking(make_page(host, auto_zoom=True))


def without_link() -> dict[str, Any]:
    answer = made()
    del answer["join_url"]
    return answer


def test_its_link_is_read_and_no_second_meeting_made(
    app: Flask, mails: MailServer, sandbox: Sandbox
) -> None:
    host = make_host()
    service.link(host.id, sandbox.grant("aya"))
    sandbox.fault("no-join-url")
    booking = make_booking(make_page(host, auto_zoom=True))
    work()
    [meeting] = sandbox.get("meetings")
    assert booking.meeting_state == "ready"
    assert (booking.meeting.external_id, booking.join_url) == (meeting["id"], meeting["join_url"])
    assert booking.passcode == meeting["password"]


@pytest.mark.parametrize(
    "ill",
    [
        {"status": 503},
        {"status": 200, "json": {"id": 85012345678}},
        {"status": 404, "json": {"code": 3001, "message": "not yet"}},
        {"status": 429, "json": {"code": 429}},
    ],
)
def test_while_the_link_cannot_be_read_no_second_meeting_is_made(
    booking: Booking, wire: responses.RequestsMock, ill: dict[str, Any]
) -> None:
    created = wire.post(MEETINGS, status=201, json=without_link())
    failing = wire.get(MEETING, **ill)
    for _ in range(3):
        work()
        let_time_pass()
    assert booking.meeting_state == "wanted"
    assert failing.call_count == 3
    wire.remove(failing)
    wire.get(MEETING, json=made())
    work()
    assert (booking.meeting_state, booking.join_url) == ("ready", made()["join_url"])
    assert created.call_count == 1


def test_a_link_that_may_not_be_read_is_read_once_that_is_permitted(
    booking: Booking, wire: responses.RequestsMock
) -> None:
    created = wire.post(MEETINGS, status=201, json=without_link())
    refused = wire.get(MEETING, status=400, json={"code": 4711, "message": "no scope"})
    work()
    assert booking.meeting_state == "failed"
    wire.remove(refused)
    wire.get(MEETING, json=made())
    task = task_of(booking, "meeting.create")
    outbox.retry(task)
    work()
    assert booking.meeting_state == "ready"
    assert created.call_count == 1


def test_a_booking_cancelled_meanwhile_has_that_meeting_deleted(
    booking: Booking, wire: responses.RequestsMock
) -> None:
    connection = reread(booking.host_id)
    connection.scopes += " meeting:delete:meeting"
    db.session.commit()
    wire.post(MEETINGS, status=201, json=without_link())
    wire.get(MEETING, status=503)
    deleted = wire.delete(MEETING, status=204)
    work()
    cancel(booking, by="client")
    work()
    assert deleted.call_count == 1
