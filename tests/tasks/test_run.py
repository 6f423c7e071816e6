"""From a booking to its meeting and its mails: the usual way, and what a host or a client changes meanwhile."""

import pytest
import requests
import responses
from flask import Flask
from sqlalchemy import update

from app import tasks
from app.bookings import provision
from app.bookings import service as bookings
from app.bookings.models import Booking
from app.db import db
from app.events import Actor
from app.outbox import Task
from app.tasks.sweep import sweep
from app.zoom import service as zoom
from tests.conftest import ZOOM_API
from tests.support.cast import connect_zoom, make_booking, make_host, make_page
from tests.support.services import MailServer
from tests.tasks.steps import (
    AYA,
    KEN,
    LINK,
    event_of,
    let_time_pass,
    states,
    task_of,
    text_of,
    work,
)
from tests.zoom.api_steps import MEETINGS, made
from tests.zoom.steps import grant


def test_a_booking_gets_its_meeting_and_then_its_mails(
    booking: Booking, wire: responses.RequestsMock, mails: MailServer
) -> None:
    created = wire.post(MEETINGS, status=201, json=made())
    tasks.run(task_of(booking, "meeting.create").id)
    assert mails.messages == []
    work()
    assert created.call_count == 1
    assert (booking.meeting_state, booking.join_url) == ("ready", LINK)
    assert booking.meeting.external_id == 85012345678
    assert {kind for kind, state in states(booking).items() if state != "done"} == {"meeting.check"}
    assert len(mails.messages) == 2
    for mail in (*mails.to(KEN), *mails.to(AYA)):
        assert LINK in text_of(mail)
        assert event_of(mail)["SEQUENCE"] == 0


def test_running_a_task_again_changes_nothing(
    booking: Booking, wire: responses.RequestsMock, mails: MailServer
) -> None:
    created = wire.post(MEETINGS, status=201, json=made())
    work()
    for task in list(booking.tasks):
        tasks.run(task.id)
    assert created.call_count == 1
    assert len(mails.messages) == 2


def test_a_page_without_auto_create_mails_at_once_and_speaks_of_no_link(
    app: Flask, mails: MailServer
) -> None:
    booking = make_booking(make_page(make_host(), location="Room 4"))
    work()
    assert booking.meeting is None
    assert len(mails.messages) == 2
    assert "Zoom" not in text_of(mails.to(KEN)[0])
    assert "Room 4" in text_of(mails.to(KEN)[0])


def test_a_host_who_is_not_connected_is_booked_all_the_same_and_the_link_follows_once(
    app: Flask, wire: responses.RequestsMock, mails: MailServer
) -> None:
    host = make_host()
    booking = make_booking(make_page(host, auto_zoom=True))
    work()
    assert booking.is_live
    assert (booking.meeting_state, booking.meeting.error) == ("failed", "zoom_not_connected")
    assert task_of(booking, "meeting.create").last_error == "zoom_not_connected"
    assert len(mails.to(KEN)) == len(mails.to(AYA)) == 1
    assert "https://zoom" not in text_of(mails.to(KEN)[0])
    first = event_of(mails.to(KEN)[0])

    sweep()
    work()
    assert booking.meeting_state == "failed"  # nothing has changed, so nothing is tried

    created = wire.post(MEETINGS, status=201, json=made())
    zoom.link(host.id, grant(1))
    for _ in range(3):
        sweep()
        work()
    assert created.call_count == 1
    assert booking.meeting_state == "ready"
    assert len(mails.to(KEN)) == len(mails.to(AYA)) == 2
    update_mail = mails.to(KEN)[1]
    second = event_of(update_mail)
    assert LINK in text_of(update_mail)
    assert second["UID"] == first["UID"]
    assert second["SEQUENCE"] > first["SEQUENCE"]
    assert first["LOCATION"] == second["LOCATION"]
    assert str(second["LOCATION"]).endswith(f"/join/{booking.join_token}")


def test_reconnecting_makes_the_meetings_that_failed_for_want_of_it(
    app: Flask, wire: responses.RequestsMock, mails: MailServer
) -> None:
    host = make_host()
    connect_zoom(host)
    booking = make_booking(make_page(host, auto_zoom=True))
    gone = wire.post(MEETINGS, status=404, json={"code": 1001, "message": "User not exist."})
    work()
    assert booking.meeting.error == "zoom_user_gone: User not exist."
    wire.remove(gone)
    wire.post(MEETINGS, status=201, json=made())
    zoom.link(host.id, grant(2))
    sweep()
    work()
    assert booking.meeting_state == "ready"


def test_mails_that_waited_too_long_go_without_the_link_and_the_link_follows(
    booking: Booking, wire: responses.RequestsMock, mails: MailServer
) -> None:
    ill = wire.post(MEETINGS, status=503)
    work()
    assert mails.messages == []
    assert states(booking)["meeting.create"] == "waiting"
    let_time_pass()
    work()
    assert len(mails.messages) == 2
    assert LINK not in text_of(mails.to(KEN)[0])
    wire.remove(ill)
    wire.post(MEETINGS, status=201, json=made())
    let_time_pass()
    work()
    assert len(mails.to(KEN)) == len(mails.to(AYA)) == 2
    assert LINK in text_of(mails.to(KEN)[1])
    assert event_of(mails.to(KEN)[1])["SEQUENCE"] == 1


def test_a_booking_cancelled_while_it_waits_makes_no_meeting_and_mails_the_cancellation_only(
    booking: Booking, wire: responses.RequestsMock, mails: MailServer
) -> None:
    created = wire.post(MEETINGS, status=201, json=made())
    bookings.cancel(booking, by="client")
    work()
    assert created.call_count == 0
    assert len(mails.to(KEN)) == len(mails.to(AYA)) == 1
    event = event_of(mails.to(KEN)[0])
    assert (event["STATUS"], event["SEQUENCE"]) == ("CANCELLED", 1)
    assert states(booking)["meeting.create"] == "cancelled"


@pytest.mark.parametrize("may_delete", [True, False])
def test_a_booking_cancelled_while_zoom_answers_keeps_the_meeting_from_everybody(
    app: Flask, wire: responses.RequestsMock, mails: MailServer, may_delete: bool
) -> None:
    host = make_host()
    connect_zoom(host, scopes="meeting:write:meeting meeting:delete:meeting" if may_delete else "")
    booking = make_booking(make_page(host, auto_zoom=True))
    booking_id = booking.id

    def answer(_request: object) -> tuple[int, dict[str, str], str]:
        bookings.cancel(db.session.get_one(Booking, booking_id), by="client")
        db.session.remove()
        return 201, {}, requests.compat.json.dumps(made())

    wire.add_callback(responses.POST, MEETINGS, answer)
    deleted = wire.delete(f"{ZOOM_API}/meetings/85012345678", status=204)
    work()
    booking = db.session.get_one(Booking, booking_id)
    assert booking.meeting.external_id == 85012345678
    assert deleted.call_count == int(may_delete)
    assert not any(LINK in text_of(mail) for mail in mails.messages)
    assert [event_of(mail)["STATUS"] for mail in mails.messages] == ["CANCELLED", "CANCELLED"]


def test_a_cancelled_booking_has_its_meeting_deleted_where_the_host_allows_it(
    app: Flask, wire: responses.RequestsMock, mails: MailServer
) -> None:
    host = make_host()
    connect_zoom(host, scopes="meeting:write:meeting meeting:delete:meeting")
    booking = make_booking(make_page(host, auto_zoom=True))
    wire.post(MEETINGS, status=201, json=made())
    deleted = wire.delete(f"{ZOOM_API}/meetings/85012345678", status=204)
    work()
    bookings.cancel(booking, by="client")
    work()
    assert deleted.call_count == 1
    assert states(booking)["meeting.delete"] == "done"


def test_without_the_permission_nothing_is_deleted_and_the_host_is_told(
    booking: Booking, wire: responses.RequestsMock, mails: MailServer
) -> None:
    wire.post(MEETINGS, status=201, json=made())
    work()
    bookings.cancel(booking, by="client")
    work()
    assert "meeting.delete" not in states(booking)
    assert "Zoom" in text_of(mails.to(AYA)[1])
    assert "Zoom" not in text_of(mails.to(KEN)[1])


def test_an_answer_lost_twice_asks_the_host_instead_of_trying_for_ever(
    booking: Booking, wire: responses.RequestsMock, mails: MailServer
) -> None:
    lost = wire.post(MEETINGS, body=requests.ReadTimeout())
    work()
    assert states(booking)["meeting.create"] == "waiting"
    for _ in range(4):
        let_time_pass()
        work()
    assert lost.call_count == 2
    assert task_of(booking, "meeting.create").last_error == "zoom_answer_lost"
    assert (booking.meeting_state, booking.meeting.error) == ("failed", "zoom_answer_lost")
    assert len(mails.to(KEN)) == len(mails.to(AYA)) == 1


def test_the_host_can_try_a_failed_meeting_again(
    booking: Booking, wire: responses.RequestsMock, mails: MailServer
) -> None:
    refused = wire.post(MEETINGS, status=400, json={"code": 3161, "message": "May not host."})
    work()
    assert booking.meeting.error == "zoom_refused: May not host."
    wire.remove(refused)
    wire.post(MEETINGS, status=201, json=made())
    provision.retry(booking, task_of(booking, "meeting.create"), Actor.HOST)
    work()
    assert booking.meeting_state == "ready"
    assert LINK in text_of(mails.to(KEN)[1])


def test_a_meeting_made_by_two_runners_is_kept_once(
    booking: Booking, wire: responses.RequestsMock, mails: MailServer
) -> None:
    first = provision.MadeMeeting(1, "https://zoom.example/j/1", None)
    second = provision.MadeMeeting(2, "https://zoom.example/j/2", None)
    assert provision.attach_meeting(booking.public_id, first)
    assert provision.attach_meeting(booking.public_id, first)
    assert not provision.attach_meeting(booking.public_id, second)
    work()
    assert booking.meeting.external_id == 1
    assert len(mails.messages) == 2
    assert not any("j/2" in text_of(mail) for mail in mails.messages)


def test_a_runner_that_lost_its_lease_neither_calls_zoom_nor_fails_the_meeting(
    booking: Booking, wire: responses.RequestsMock, mails: MailServer
) -> None:
    task_id, booking_id = task_of(booking, "meeting.create").id, booking.id

    def answer(_request: object) -> tuple[int, dict[str, str], str]:
        # Zoom took so long that another worker has the task by now.
        db.session.execute(update(Task).where(Task.id == task_id).values(lease_token="another's"))
        db.session.commit()
        return 400, {}, requests.compat.json.dumps({"code": 300, "message": "Invalid."})

    wire.add_callback(responses.POST, MEETINGS, answer)
    tasks.run(task_id)
    task = task_of(db.session.get_one(Booking, booking_id), "meeting.create")
    assert (task.state, task.lease_token) == ("running", "another's")
    assert db.session.get_one(Booking, booking_id).meeting_state == "wanted"
