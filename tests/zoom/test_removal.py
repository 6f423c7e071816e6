"""What a removal at Zoom does, and what the host sees then."""

import json
from datetime import timedelta
from typing import Any

import pytest
import responses
from flask import Flask
from sqlalchemy import select, text

from app import tasks
from app.accounts.models import User
from app.bookings.models import Booking
from app.core.clock import utcnow
from app.db import db
from app.outbox import Task
from app.tasks.sweep import sweep
from app.zoom import service
from app.zoom.models import ZoomEvent
from tests.support.cast import (
    connect_zoom,
    give_meeting,
    make_booking,
    make_host,
    make_page,
    visit_as,
)
from tests.zoom.events import ZOOM_USER, removal
from tests.zoom.steps import REVOKE, TOKEN, reread
from tests.zoom.steps import tokens as token_answer
from tests.zoom.webhook_steps import an_hour_ago, connections, post


def test_account_bookings_and_their_links_stay(app: Flask, host: User) -> None:
    booking = make_booking(make_page(host, auto_zoom=True))
    give_meeting(booking, join_url="https://zoom.example/j/85012345678")
    post(app, removal())
    kept = db.session.scalars(select(Booking)).one()
    assert kept.is_live
    assert (kept.meeting.external_id, kept.join_url) == (
        85012345678,
        "https://zoom.example/j/85012345678",
    )
    assert db.session.scalars(select(User)).one().email == "aya@example.jp"
    assert "Ken Yamada" in visit_as(app, host).get("/dashboard/bookings").text


def test_a_connection_that_needs_to_be_made_anew_is_deleted_as_well(app: Flask) -> None:
    connect_zoom(
        make_host(),
        zoom_user_id=ZOOM_USER,
        status="needs_reconnect",
        access_token=None,
        refresh_token=None,
        authorized_at=an_hour_ago(),
    )
    post(app, removal())
    assert connections() == 0


def test_the_hosts_of_other_zoom_users_are_left_alone(app: Flask, host: User) -> None:
    mallory = make_host("Mallory")
    connect_zoom(mallory, zoom_user_id="another", authorized_at=an_hour_ago())
    post(app, removal())
    assert service.is_connected(mallory.id)
    assert reread(mallory.id).doubted_at is None
    assert not service.is_connected(host.id)


def test_an_event_from_before_the_connection_is_ignored(app: Flask, host: User) -> None:
    before = an_hour_ago() - timedelta(minutes=1)
    assert post(app, removal(at=before)).status_code == 200
    assert service.is_connected(host.id)
    assert reread(host.id).doubted_at is None


def test_an_event_without_its_time_counts_from_when_it_was_sent(app: Flask, host: User) -> None:
    event = removal()
    del event["event_ts"]
    assert post(app, event).status_code == 200
    assert connections() == 0


@pytest.mark.parametrize("retention", ["true", "false", None])
def test_what_zoom_says_of_retention_changes_nothing(
    app: Flask, host: User, retention: str | None
) -> None:
    assert post(app, removal(user_data_retention=retention)).status_code == 200
    assert connections() == 0


def test_the_same_event_has_one_effect(app: Flask, host: User) -> None:
    event = removal()
    assert post(app, event).status_code == 200
    connect_zoom(host, zoom_user_id=ZOOM_USER, authorized_at=an_hour_ago())
    assert post(app, event).status_code == 200
    assert service.is_connected(host.id)
    assert db.session.query(ZoomEvent).count() == 1


def test_two_removals_of_one_user_are_two_events(app: Flask, host: User) -> None:
    post(app, removal())
    connect_zoom(host, zoom_user_id=ZOOM_USER)
    post(app, removal(at=utcnow() + timedelta(seconds=1)))
    assert connections() == 0
    assert db.session.query(ZoomEvent).count() == 2


def test_a_late_retry_does_not_touch_what_was_added_again(app: Flask, host: User) -> None:
    """Our database was down for the first three tries; meanwhile the host has added us again."""
    event = removal(at=utcnow() - timedelta(minutes=30))
    db.session.execute(text("DELETE FROM zoom_connections"))
    db.session.commit()
    connect_zoom(host, zoom_user_id=ZOOM_USER, authorized_at=utcnow() - timedelta(minutes=20))
    assert post(app, event).status_code == 200
    assert service.is_connected(host.id)


def test_the_echo_of_our_own_disconnection_does_no_harm(
    app: Flask, host: User, wire: responses.RequestsMock
) -> None:
    wire.post(REVOKE, json={"status": "success"})
    service.disconnect(host.id)
    echo = removal()
    connect_zoom(host, zoom_user_id=ZOOM_USER, authorized_at=utcnow() + timedelta(seconds=1))
    assert post(app, echo).status_code == 200
    assert service.is_connected(host.id)


def test_an_unknown_user_is_accepted(app: Flask) -> None:
    assert post(app, removal("nobody")).status_code == 200


def test_an_unknown_user_has_every_active_connection_of_unknown_identity_checked(
    app: Flask, host: User, wire: responses.RequestsMock
) -> None:
    """Hana's refresh token is dead, Mallory's is not; Aya is known to be somebody else."""
    hana, mallory = make_host("Hana"), make_host("Mallory")
    connect_zoom(hana, refresh_token="hanas", authorized_at=an_hour_ago())
    connect_zoom(mallory, refresh_token="mallorys", authorized_at=an_hour_ago())

    def answer(request: Any) -> tuple[int, dict[str, str], str]:
        if "refresh_token=hanas" in str(request.body):
            return 400, {}, json.dumps({"error": "invalid_grant", "reason": "Invalid Token!"})
        return 200, {}, json.dumps(token_answer(2))

    wire.add_callback(responses.POST, TOKEN, answer)
    assert post(app, removal("hana-at-zoom")).status_code == 200
    assert len(wire.calls) == 0  # the webhook itself asks nobody
    sweep()
    for task in db.session.scalars(select(Task).where(Task.kind == "zoom.check")).all():
        assert task.user_id in {hana.id, mallory.id}
    run_checks()
    assert reread(hana.id).status == "needs_reconnect"
    assert reread(mallory.id).access_token == "access-2"
    assert reread(host.id).access_token == "access-1"
    assert len(wire.calls) == 2
    for connection in (hana, mallory, host):
        assert reread(connection.id).doubted_at is None
    sweep()
    run_checks()
    assert len(wire.calls) == 2


def test_a_connection_younger_than_the_event_is_not_doubted(app: Flask) -> None:
    mallory = make_host("Mallory")
    connect_zoom(mallory)
    post(app, removal("nobody", at=an_hour_ago()))
    assert reread(mallory.id).doubted_at is None


def run_checks() -> None:
    """What the worker does of them; mails have no server here and wait."""

    for task_id in db.session.scalars(select(Task.id).where(Task.kind == "zoom.check")).all():
        tasks.run(task_id)
    db.session.expire_all()


def test_dashboard_page_form_and_settings_say_what_happens_instead(app: Flask, host: User) -> None:
    page = make_page(host, auto_zoom=True)
    aya = visit_as(app, host)
    post(app, removal())
    dashboard = aya.get("/dashboard")
    assert "Zoom is not connected" in dashboard.text
    assert dashboard.all('.note a[href="/zoom/connect"]')
    form = aya.get(f"/dashboard/pages/{page.id}")
    assert "Clients can book all the same; the link follows once you connect." in form.text
    settings = aya.get("/settings/integrations")
    assert not settings.all('form[action="/zoom/disconnect"]')
    assert settings.all('a[href="/zoom/connect"]')


def test_a_booking_after_the_removal_stands_and_asks_zoom_nothing(
    app: Flask, host: User, wire: responses.RequestsMock
) -> None:
    page = make_page(host, auto_zoom=True)
    post(app, removal())
    booking = make_booking(page)
    [create] = [task for task in booking.tasks if task.kind == "meeting.create"]

    tasks.run(create.id)
    db.session.expire_all()
    assert booking.is_live
    assert (booking.meeting_state, booking.meeting.error) == ("failed", "zoom_not_connected")
    assert len(wire.calls) == 0
