"""The webhook: who is believed, and what its bodies mean."""

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import text

from app.accounts.models import User
from app.core.clock import utcnow
from app.core.config import Settings
from app.db import db
from app.zoom import service
from tests.zoom.events import ZOOM_USER, removal, seconds, signature
from tests.zoom.webhook_steps import SECRET, connections, post


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
