"""A meeting whose answer was lost is found again by its reference, where the host allows to look."""

from datetime import timedelta
from typing import Any

import pytest
import requests
import responses
from flask import Flask
from sqlalchemy import select

from app import outbox, tasks
from app.bookings.models import Booking
from app.db import db
from app.tasks.sweep import sweep
from app.zoom import service
from app.zoom.models import ZoomConnection
from tests.support.cast import connect_zoom, make_booking, make_host, make_page
from tests.support.services import MailServer
from tests.tasks.steps import Connections, let_time_pass, task_of, work
from tests.zoom.api_steps import MEETING, MEETINGS, made
from tests.zoom.conftest import Sandbox
from tests.zoom.steps import grant

SCOPES = "meeting:read:meeting meeting:write:meeting meeting:read:list_meetings"


@pytest.fixture
def booking(app: Flask, mails: MailServer) -> Booking:
    host = make_host()
    connect_zoom(host, scopes=SCOPES)
    return make_booking(make_page(host, auto_zoom=True))


def listed(*agendas: str, more: str = "") -> dict[str, Any]:
    meetings = [
        {name: value for name, value in made(id=85012345678 + number, agenda=agenda).items()
         if name not in {"password", "host_email", "start_url"}}
        for number, agenda in enumerate(agendas)
    ]  # fmt: skip
    return {"meetings": meetings, "next_page_token": more}


def test_the_lost_meeting_is_adopted_and_no_other_is_made(
    booking: Booking, wire: responses.RequestsMock
) -> None:
    created = wire.post(MEETINGS, body=requests.ReadTimeout())
    reference = f"CalSync {booking.public_id}"
    wire.get(MEETINGS, json=listed("of another app", more="page-2"))
    second = wire.get(MEETINGS, json=listed(reference))
    wire.get(MEETING, json=made(password="654321"))
    work()
    assert task_of(booking, "meeting.create").last_error == "zoom_answer_lost"
    let_time_pass()
    work()
    assert (booking.meeting_state, booking.meeting.external_id) == ("ready", 85012345678)
    assert booking.passcode == "654321"
    assert created.call_count == 1
    assert "next_page_token=page-2" in str(second.calls[0].request.url)


def test_what_was_never_made_is_made_then(booking: Booking, wire: responses.RequestsMock) -> None:
    wire.post(MEETINGS, body=requests.ReadTimeout())
    wire.get(MEETINGS, json=listed("CalSync of another booking"))
    wire.post(MEETINGS, status=201, json=made())
    work()
    let_time_pass()
    work()
    assert booking.meeting_state == "ready"


@pytest.mark.parametrize(
    "answer", [{"status": 500}, {"body": requests.ReadTimeout()}, {"body": "x"}]
)
def test_while_zoom_does_not_let_us_look_no_other_is_made(
    booking: Booking, wire: responses.RequestsMock, answer: dict[str, Any]
) -> None:
    created = wire.post(MEETINGS, body=requests.ReadTimeout())
    wire.get(MEETINGS, **answer)
    for _ in range(4):
        work()
        let_time_pass()
    task = task_of(booking, "meeting.create")
    assert (task.state, task.last_error) == ("waiting", "zoom_answer_lost")
    assert created.call_count == 1


def test_at_the_sandbox_a_dropped_answer_leaves_one_meeting(
    app: Flask, mails: MailServer, sandbox: Sandbox
) -> None:
    sandbox.choose(scopes=SCOPES.split())
    host = make_host()
    service.link(host.id, sandbox.grant("aya"))
    requests.post(f"{sandbox.url}/api/faults", json={"kind": "drop-after-create"}, timeout=10)
    booking = make_booking(make_page(host, auto_zoom=True))
    work()
    assert booking.meeting_state == "wanted"
    let_time_pass()
    work()
    [meeting] = sandbox.get("meetings")
    assert booking.meeting.external_id == meeting["id"]
    assert booking.passcode == meeting["password"]


def test_a_worker_that_dies_on_a_later_try_leaves_the_outcome_unknown_too(
    booking: Booking, wire: responses.RequestsMock
) -> None:
    """The try before it has left a reason: Zoom was ill. It says nothing about this one."""
    ill = wire.post(MEETINGS, status=503)
    work()
    task_id = task_of(booking, "meeting.create").id
    wire.remove(ill)
    created = wire.post(MEETINGS, status=201, json=made())
    wire.get(MEETINGS, json=listed(f"CalSync {booking.public_id}"))
    wire.get(MEETING, json=made())
    let_time_pass()
    assert outbox.claim(task_id, timedelta(seconds=45))  # makes the meeting, and then kill -9
    let_time_pass()
    tasks.run(task_id)
    assert created.call_count == 0
    assert db.session.get_one(Booking, booking.id).meeting.external_id == 85012345678


def test_what_a_dead_worker_left_unknown_outlives_a_database_that_is_away(
    booking: Booking, wire: responses.RequestsMock
) -> None:
    task_id, reference = task_of(booking, "meeting.create").id, f"CalSync {booking.public_id}"
    created = wire.post(MEETINGS, status=201, json=made())
    others = Connections()

    def answer(_request: object) -> tuple[int, dict[str, str], str]:
        others.hold(ZoomConnection.id, seconds=1)  # nobody can write down that it was refused
        return 401, {}, ""

    wire.add_callback(responses.GET, MEETINGS, answer)
    wire.get(MEETINGS, json=listed(reference))
    wire.get(MEETING, json=made())
    assert outbox.claim(task_id, timedelta(seconds=45))  # makes the meeting, and then kill -9
    let_time_pass()
    with others:
        tasks.run(task_id)
    let_time_pass()
    tasks.run(task_id)
    assert created.call_count == 0
    assert db.session.scalars(select(Booking)).one().meeting.external_id == 85012345678


def test_another_meeting_without_a_link_does_not_keep_ours_from_being_found(
    booking: Booking, wire: responses.RequestsMock
) -> None:
    wire.post(MEETINGS, body=requests.ReadTimeout())
    answer = listed("of another app", f"CalSync {booking.public_id}")
    del answer["meetings"][0]["join_url"]
    wire.get(MEETINGS, json=answer)
    wire.get(MEETING.replace("678", "679"), json=made())
    work()
    let_time_pass()
    work()
    assert (booking.meeting_state, booking.meeting.external_id) == ("ready", 85012345679)


def test_what_is_unknown_when_the_connection_ends_is_looked_for_once_it_is_made_anew(
    booking: Booking, wire: responses.RequestsMock
) -> None:
    created = wire.post(MEETINGS, body=requests.ReadTimeout())
    host_id, reference = booking.host_id, f"CalSync {booking.public_id}"
    work()
    service.disconnect(host_id)
    let_time_pass()
    work()
    assert booking.meeting.error == "zoom_not_connected"
    wire.get(MEETINGS, json=listed(reference))
    wire.get(MEETING, json=made())
    service.link(host_id, grant(2, scopes=SCOPES))
    sweep()
    work()
    assert (booking.meeting_state, booking.meeting.external_id) == ("ready", 85012345678)
    assert created.call_count == 1


@pytest.mark.parametrize("first_look", [None, {"status": 429}])
def test_a_meeting_that_an_ill_zoom_has_made_is_adopted(
    booking: Booking, wire: responses.RequestsMock, first_look: dict[str, Any] | None
) -> None:
    """A gateway that tells of an error does not know what was done behind it."""
    created = wire.post(MEETINGS, status=504)
    reference = f"CalSync {booking.public_id}"
    if first_look:
        wire.get(MEETINGS, **first_look)
    wire.get(MEETINGS, json=listed(reference))
    wire.get(MEETING, json=made())
    for _ in range(3):
        work()
        let_time_pass()
    assert (booking.meeting_state, booking.meeting.external_id) == ("ready", 85012345678)
    assert created.call_count == 1
