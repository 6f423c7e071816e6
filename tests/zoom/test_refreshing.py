"""A token is refreshed near its end, by one worker, and what it brings is kept."""

import threading
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import requests
import responses
from flask import Flask
from sqlalchemy import text, update

from app.core.clock import utcnow
from app.db import db
from app.outbox import Refused, Unavailable
from app.zoom import removal, service
from app.zoom import tokens as zoom_tokens
from app.zoom.models import ZoomConnection
from tests.support.cast import connect_zoom, make_host
from tests.support.services import sqlite_bytes
from tests.zoom.steps import REVOKE, TOKEN, grant, in_minutes, reread, sent_refresh_tokens, tokens


@pytest.mark.parametrize("way", ["in CalSync", "at Zoom"])
def test_nothing_of_a_removed_connection_is_left_in_sqlites_files(
    app: Flask, engine: str, wire: responses.RequestsMock, way: str
) -> None:
    if engine != "sqlite":
        pytest.skip("PostgreSQL frees the space in its own time")
    wire.post(REVOKE, json={"status": "success"})
    host = make_host()
    connect_zoom(host, zoom_user_id="aya-at-zoom", authorized_at=in_minutes(-1))
    sealed = text("SELECT access_token, refresh_token FROM zoom_connections")
    secrets = {"aya-at-zoom", *db.session.execute(sealed).one()}
    db.session.rollback()

    def left() -> set[str]:
        stored = sqlite_bytes(Path(str(db.engine.url.database)))
        return {secret for secret in secrets if secret.encode() in stored}

    assert left() == secrets
    if way == "at Zoom":
        removal.apply(removal.Removal("aya-at-zoom", utcnow()))
    else:
        service.disconnect(host.id)
    assert left() == set()


def test_tokens_lie_sealed_in_the_database(app: Flask) -> None:
    host = make_host()
    service.link(host.id, grant(1))
    row = db.session.execute(text("SELECT * FROM zoom_connections")).one()
    assert "access-1" not in str(row)
    assert "refresh-1" not in str(row)
    assert reread(host.id).access_token == "access-1"


def test_connecting_again_overwrites_the_old_connection(app: Flask) -> None:
    host = make_host()
    connect_zoom(
        host,
        status="needs_reconnect",
        zoom_user_id="old-zoom-user",
        zoom_email="old@zoom.example",
        refreshing_until=in_minutes(1),
        authorized_at=in_minutes(-60),
    )
    service.link(host.id, grant(2, scopes="meeting:write:meeting"))
    connection = reread(host.id)
    assert db.session.query(ZoomConnection).count() == 1
    assert (connection.access_token, connection.refresh_token) == ("access-2", "refresh-2")
    assert connection.status == "active"
    assert connection.scopes == "meeting:write:meeting"
    assert connection.zoom_user_id is None
    assert connection.zoom_email is None
    assert connection.refreshing_until is None
    assert connection.authorized_at > in_minutes(-1)


def test_a_fresh_token_is_used_as_it_is(app: Flask, wire: responses.RequestsMock) -> None:
    host = make_host()
    connect_zoom(host)
    access = zoom_tokens.access_for(host.id)
    assert access.token == "access-1"
    assert access.scopes == {"meeting:read:meeting", "meeting:write:meeting"}
    assert len(wire.calls) == 0


@pytest.mark.parametrize(
    ("lifetime", "left", "refreshes"),
    [
        (3599, 5.1, False),
        (3599, 4.9, True),
        (3599, -1, True),
        (600, 1.1, False),  # a tenth of ten minutes
        (600, 0.9, True),
        (60, 0.2, False),
        (60, 0.05, True),
    ],
)
def test_a_token_is_refreshed_only_near_its_end(
    app: Flask, wire: responses.RequestsMock, lifetime: int, left: float, refreshes: bool
) -> None:
    wire.post(TOKEN, json=tokens(2))
    host = make_host()
    connect_zoom(host, lifetime=lifetime, expires_at=in_minutes(left))
    assert zoom_tokens.access_for(host.id).token == ("access-2" if refreshes else "access-1")
    assert len(wire.calls) == int(refreshes)


def test_a_refresh_authenticates_by_basic_and_sends_the_form_only(
    app: Flask, wire: responses.RequestsMock
) -> None:
    wire.post(TOKEN, json=tokens(2))
    host = make_host()
    connect_zoom(host, expires_at=utcnow())
    zoom_tokens.access_for(host.id)
    request = wire.calls[0].request
    assert request.headers["Authorization"] == requests.auth._basic_auth_str(
        "client-id", "client-secret"
    )
    assert parse_qs(str(request.body)) == {
        "grant_type": ["refresh_token"],
        "refresh_token": ["refresh-1"],
    }
    assert request.url == TOKEN


def test_the_rotated_refresh_token_is_the_one_used_next(
    app: Flask, wire: responses.RequestsMock
) -> None:
    wire.post(TOKEN, json=tokens(2))
    wire.post(TOKEN, json=tokens(3))
    host = make_host()
    connect_zoom(host, expires_at=utcnow())
    zoom_tokens.access_for(host.id)
    assert reread(host.id).refresh_token == "refresh-2"
    zoom_tokens.forget_token(host.id, "access-2")
    assert zoom_tokens.access_for(host.id).token == "access-3"
    assert sent_refresh_tokens(wire) == ["refresh-1", "refresh-2"]


def test_forgetting_a_token_that_is_no_longer_kept_changes_nothing(app: Flask) -> None:
    host = make_host()
    connect_zoom(host)
    zoom_tokens.forget_token(host.id, "access-0")
    assert reread(host.id).expires_at > in_minutes(30)


@pytest.mark.parametrize("status", [200, 400, 401])
def test_invalid_grant_ends_the_connection_whatever_its_status(
    app: Flask, wire: responses.RequestsMock, status: int
) -> None:
    wire.post(TOKEN, status=status, json={"reason": "Invalid Token!", "error": "invalid_grant"})
    host = make_host()
    connect_zoom(host, expires_at=utcnow())
    for _ in range(2):
        with pytest.raises(Refused) as refusal:
            zoom_tokens.access_for(host.id)
        assert refusal.value.reason == "zoom_needs_reconnect"
    connection = reread(host.id)
    assert (connection.access_token, connection.refresh_token) == (None, None)
    assert connection.status == "needs_reconnect"
    assert not service.is_connected(host.id)
    assert len(wire.calls) == 1  # never retried


@pytest.mark.parametrize(
    "answer",
    [
        {"body": requests.ReadTimeout()},
        {"body": requests.ConnectionError()},
        {"status": 500, "body": "<html>"},
        {"status": 503, "json": {"error": "server_error"}},
        {"status": 401, "json": {"error": "invalid_client"}},
        {"status": 200, "json": {"refresh_token": "half an answer"}},
        {"status": 200, "json": ["a", "list"]},
    ],
)
def test_a_refresh_that_fails_keeps_the_same_stored_token_for_the_next_try(
    app: Flask, wire: responses.RequestsMock, answer: dict[str, Any]
) -> None:
    wire.post(TOKEN, **answer)
    wire.post(TOKEN, json=tokens(2))
    host = make_host()
    connect_zoom(host, expires_at=utcnow())
    with pytest.raises(Unavailable):
        zoom_tokens.access_for(host.id)
    connection = reread(host.id)
    assert (connection.status, connection.refresh_token) == ("active", "refresh-1")
    assert zoom_tokens.access_for(host.id).token == "access-2"
    assert sent_refresh_tokens(wire) == ["refresh-1", "refresh-1"]


def test_a_host_without_connection_is_refused(app: Flask) -> None:
    with pytest.raises(Refused) as refusal:
        zoom_tokens.access_for(make_host().id)
    assert refusal.value.reason == "zoom_not_connected"


def test_of_two_workers_one_refreshes(app: Flask, wire: responses.RequestsMock) -> None:
    host = make_host()
    host_id = host.id
    connect_zoom(host, expires_at=utcnow())
    outcomes: list[object] = []

    def other_worker() -> None:
        with app.app_context():
            try:
                outcomes.append(zoom_tokens.access_for(host_id).token)
            except Unavailable as error:
                outcomes.append(error)

    def answer(_request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        # The other asks while Zoom is still thinking about the first.
        thread = threading.Thread(target=other_worker)
        thread.start()
        thread.join(timeout=10)
        return 200, {}, requests.compat.json.dumps(tokens(2))

    wire.add_callback(responses.POST, TOKEN, answer)
    assert zoom_tokens.access_for(host_id).token == "access-2"
    assert len(wire.calls) == 1
    [outcome] = outcomes
    assert isinstance(outcome, Unavailable)
    assert outcome.retry_at is not None
    other_worker()
    assert outcomes[-1] == "access-2"


def test_a_refresh_that_its_worker_did_not_survive_is_taken_over(
    app: Flask, wire: responses.RequestsMock
) -> None:
    wire.post(TOKEN, json=tokens(2))
    host = make_host()
    connect_zoom(host, expires_at=utcnow(), refreshing_until=in_minutes(1))
    with pytest.raises(Unavailable):
        zoom_tokens.access_for(host.id)
    db.session.execute(update(ZoomConnection).values(refreshing_until=in_minutes(-1)))
    db.session.commit()
    db.session.expire_all()
    assert zoom_tokens.access_for(host.id).token == "access-2"


@pytest.mark.parametrize(
    "late_answer", [(200, tokens(2)), (400, {"error": "invalid_grant"}), (500, {})]
)
def test_a_late_answer_does_not_touch_a_connection_made_meanwhile(
    app: Flask, wire: responses.RequestsMock, late_answer: tuple[int, dict[str, Any]]
) -> None:
    host = make_host()
    host_id = host.id
    connect_zoom(host, expires_at=utcnow())

    def reconnect() -> None:
        with app.app_context():
            service.link(host_id, grant(9))

    def answer(_request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        thread = threading.Thread(target=reconnect)
        thread.start()
        thread.join(timeout=10)
        return late_answer[0], {}, requests.compat.json.dumps(late_answer[1])

    wire.add_callback(responses.POST, TOKEN, answer)
    with pytest.raises(Unavailable):
        zoom_tokens.access_for(host_id)
    assert reread(host_id).status == "active"
    assert zoom_tokens.access_for(host_id).token == "access-9"
