"""What Zoom tells the webhook: who is believed, and what a removal deletes."""

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import responses
from flask import Flask
from sqlalchemy import select, text
from werkzeug.test import TestResponse

from app import tasks
from app.accounts.models import User
from app.bookings.models import Booking
from app.core.clock import utcnow
from app.core.config import Settings
from app.db import db
from app.outbox import Task
from app.tasks.sweep import sweep
from app.zoom import service
from app.zoom.models import ZoomConnection, ZoomEvent
from tests.support.cast import (
    connect_zoom,
    give_meeting,
    make_booking,
    make_host,
    make_page,
    visit_as,
)
from tests.zoom.events import ZOOM_USER, removal, seconds, signature
from tests.zoom.test_service import REVOKE, TOKEN, reread
from tests.zoom.test_service import tokens as token_answer

SECRET = "webhook-secret"


def post(
    app: Flask,
    body: object,
    *,
    secret: str = SECRET,
    at: datetime | None = None,
    headers: dict[str, str | None] | None = None,
) -> TestResponse:
    """Send a body as Zoom does; `headers` replaces some, and None leaves one out."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    timestamp = seconds(at or utcnow())
    sent = {
        "Content-Type": "application/json; charset=utf-8",
        "x-zm-request-timestamp": timestamp,
        "x-zm-signature": signature(secret, timestamp, raw),
    } | (headers or {})
    response = app.test_client().post(
        "/zoom/webhook",
        data=raw,
        headers={name: value for name, value in sent.items() if value is not None},
        base_url="http://127.0.0.1",
    )
    db.session.rollback()
    db.session.expire_all()
    return response


def connections() -> int:
    db.session.expire_all()
    return db.session.query(ZoomConnection).count()


def an_hour_ago() -> datetime:
    return utcnow() - timedelta(hours=1)


@pytest.fixture
def host(app: Flask) -> User:
    """Aya, connected for an hour as a Zoom user that we know."""
    aya = make_host()
    connect_zoom(
        aya,
        zoom_user_id=ZOOM_USER,
        zoom_account_id="EabCDEFghiLHMA",
        zoom_email="aya@zoom.example",
        authorized_at=an_hour_ago(),
    )
    return aya


# --- who is believed


def test_a_removal_deletes_tokens_ids_and_mail_address(app: Flask, host: User) -> None:
    assert post(app, removal()).status_code == 200
    rows = db.session.execute(text("SELECT * FROM zoom_connections")).all()
    assert rows == []
    assert not service.is_connected(host.id)


def test_a_missing_signature_is_401(app: Flask, host: User) -> None:
    assert post(app, removal(), headers={"x-zm-signature": None}).status_code == 401
    assert connections() == 1


def test_a_missing_timestamp_is_401(app: Flask, host: User) -> None:
    assert post(app, removal(), headers={"x-zm-request-timestamp": None}).status_code == 401
    assert connections() == 1


@pytest.mark.parametrize("wrong", ["", "v0=", "v0=" + "0" * 64, "v1=abc", "é", "v0=\u00ff"])
def test_a_wrong_signature_is_401(app: Flask, host: User, wrong: str) -> None:
    assert post(app, removal(), headers={"x-zm-signature": wrong}).status_code == 401
    assert connections() == 1


def test_a_signature_by_another_secret_is_401(app: Flask, host: User) -> None:
    assert post(app, removal(), secret="another secret").status_code == 401
    assert connections() == 1


def test_a_signature_of_another_body_is_401(app: Flask, host: User) -> None:
    signed = signature(SECRET, seconds(utcnow()), b"{}")
    assert post(app, removal(), headers={"x-zm-signature": signed}).status_code == 401
    assert connections() == 1


def test_a_signature_under_another_timestamp_is_401(app: Flask, host: User) -> None:
    old = seconds(utcnow() - timedelta(hours=1))
    body = json.dumps(removal()).encode()
    headers: dict[str, str | None] = {"x-zm-signature": signature(SECRET, old, body)}
    assert post(app, body, headers=headers).status_code == 401
    assert connections() == 1


@pytest.mark.parametrize("secret", ["newer secret", "older secret"])
def test_any_of_several_secrets_will_do(
    app: Flask, host: User, change_settings: Callable[..., Settings], secret: str
) -> None:
    change_settings(zoom_webhook_secrets=("newer secret", "older secret"))
    assert post(app, removal(), secret=secret).status_code == 200
    assert connections() == 0


@pytest.mark.parametrize(("off", "status"), [(290, 200), (-290, 200), (310, 401), (-310, 401)])
def test_an_event_is_good_for_five_minutes_either_way(
    app: Flask, host: User, off: int, status: int
) -> None:
    at = utcnow() + timedelta(seconds=off)
    assert post(app, removal(), at=at).status_code == status
    assert connections() == (0 if status == 200 else 1)


@pytest.mark.parametrize("timestamp", ["", "soon", "1e9", "9" * 30, "-1", "nan", "9" * 5000])
def test_a_signed_timestamp_that_is_no_time_is_401(app: Flask, host: User, timestamp: str) -> None:
    body = json.dumps(removal()).encode()
    headers: dict[str, str | None] = {
        "x-zm-request-timestamp": timestamp,
        "x-zm-signature": signature(SECRET, timestamp, body),
    }
    assert post(app, body, headers=headers).status_code == 401
    assert connections() == 1


# --- bodies


@pytest.mark.parametrize(
    "body", [b"", b"not json", b'{"event":', b"\xff\xfe", b"event=x", b"[" * 100_000]
)
def test_a_body_that_is_no_json_is_400_once_its_signature_holds(app: Flask, body: bytes) -> None:
    assert post(app, body).status_code == 400
    assert post(app, body, secret="another secret").status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        [],
        "text",
        7,
        None,
        {"event": "app_deauthorized"},
        {"event": "app_deauthorized", "payload": "x"},
        {"event": "app_deauthorized", "payload": {}},
        removal(user_id=""),
        removal() | {"payload": {"user_id": 7}},
        {"event": "endpoint.url_validation", "payload": {}},
        {"event": "endpoint.url_validation", "payload": {"plainToken": 7}},
        {"event": "endpoint.url_validation", "payload": {"plainToken": "\ud800"}},
    ],
)
def test_json_that_is_no_event_is_400(app: Flask, host: User, body: object) -> None:
    assert post(app, body).status_code == 400
    assert connections() == 1


def test_an_event_of_another_kind_is_accepted_and_does_nothing(app: Flask, host: User) -> None:
    event = {"event": "meeting.started", "event_ts": 1, "payload": {"user_id": ZOOM_USER}}
    assert post(app, event).status_code == 200
    assert connections() == 1


def test_the_address_proves_that_it_knows_the_secret(app: Flask) -> None:
    plain = "qgg8vlvZRS6UYooatFL8Aw"
    event = {"event": "endpoint.url_validation", "event_ts": 1, "payload": {"plainToken": plain}}
    answer = post(app, event)
    assert answer.status_code == 200
    assert answer.get_json() == {
        "plainToken": plain,
        "encryptedToken": hmac.new(SECRET.encode(), plain.encode(), hashlib.sha256).hexdigest(),
    }


def test_the_proof_is_by_the_secret_that_signed(
    app: Flask, change_settings: Callable[..., Settings]
) -> None:
    change_settings(zoom_webhook_secrets=("newer secret", "older secret"))
    event = {"event": "endpoint.url_validation", "payload": {"plainToken": "plain"}}
    answer = post(app, event, secret="older secret").get_json()
    expected = hmac.new(b"older secret", b"plain", hashlib.sha256).hexdigest()
    assert answer == {"plainToken": "plain", "encryptedToken": expected}


def test_a_validation_without_signature_proves_nothing(app: Flask) -> None:
    event = {"event": "endpoint.url_validation", "payload": {"plainToken": "plain"}}
    answer = post(app, event, headers={"x-zm-signature": None})
    assert (answer.status_code, answer.data) == (401, b"")


def test_no_session_and_no_forms_token_are_needed_and_no_cookie_is_set(app: Flask) -> None:
    answer = post(app, removal())
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers


def test_only_post_is_answered(app: Flask) -> None:
    assert app.test_client().get("/zoom/webhook", base_url="http://127.0.0.1").status_code == 405


def test_a_failing_database_is_500_so_that_zoom_sends_it_again(bare_app: Flask) -> None:
    with bare_app.app_context():
        assert post(bare_app, removal()).status_code == 500
        assert post(bare_app, removal(), secret="another secret").status_code == 401
        validation = {"event": "endpoint.url_validation", "payload": {"plainToken": "plain"}}
        assert post(bare_app, validation).status_code == 200


# --- what a removal does


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


# --- nobody known by that id


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


# --- what the host sees then


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
