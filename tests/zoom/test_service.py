"""A connection's tokens: kept sealed, refreshed in time by one worker, and forgotten."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import requests
import responses
from flask import Flask
from sqlalchemy import event, text, update

from app.core.clock import utcnow
from app.db import db
from app.outbox import Refused, Task, Unavailable
from app.zoom import removal, service
from app.zoom import tokens as zoom_tokens
from app.zoom.models import ZoomConnection
from app.zoom.oauth import Grant
from tests.conftest import ZOOM_OAUTH
from tests.support.cast import connect_zoom, make_host
from tests.support.services import sqlite_bytes

TOKEN = f"{ZOOM_OAUTH}/oauth/token"
REVOKE = f"{ZOOM_OAUTH}/oauth/revoke"


def grant(number: int, **more: Any) -> Grant:
    values = {
        "access_token": f"access-{number}",
        "refresh_token": f"refresh-{number}",
        "expires_at": utcnow() + timedelta(hours=1),
        "lifetime": 3599,
        "scopes": "meeting:read:meeting meeting:write:meeting",
    } | more
    return Grant(**values)


def tokens(number: int) -> dict[str, Any]:
    return {
        "access_token": f"access-{number}",
        "token_type": "bearer",
        "refresh_token": f"refresh-{number}",
        "expires_in": 3599,
        "scope": "meeting:read:meeting meeting:write:meeting",
        "api_url": "https://api-us.zoom.example",
    }


def sent_refresh_tokens(wire: responses.RequestsMock) -> list[str]:
    return [parse_qs(str(call.request.body))["refresh_token"][0] for call in wire.calls]


def reread(user_id: int) -> ZoomConnection:
    db.session.expire_all()
    connection = zoom_tokens.connection_of(user_id)
    assert connection is not None
    return connection


def in_minutes(minutes: float) -> datetime:
    return utcnow() + timedelta(minutes=minutes)


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


@pytest.mark.parametrize(
    "answer",
    [
        {"json": {"status": "success"}},
        {"status": 500},
        {"status": 400, "json": {"error": "invalid_token"}},
        {"body": requests.ConnectionError()},
    ],
)
def test_disconnecting_deletes_at_once_whatever_zoom_says(
    app: Flask, wire: responses.RequestsMock, answer: dict[str, Any]
) -> None:
    wire.post(REVOKE, **answer)
    host = make_host()
    connect_zoom(host)
    service.disconnect(host.id)
    assert zoom_tokens.connection_of(host.id) is None
    assert db.session.query(ZoomConnection).count() == 0
    assert parse_qs(str(wire.calls[0].request.body)) == {"token": ["access-1"]}


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 302, "headers": {"Location": "https://elsewhere.example/"}},
        {"status": 200, "body": "<html>sorry</html>"},
        {"status": 200, "json": {"error": "invalid_token"}},
    ],
)
def test_only_zooms_own_word_confirms_a_revocation(
    app: Flask, wire: responses.RequestsMock, answer: dict[str, Any]
) -> None:
    wire.post(REVOKE, **answer)
    host = make_host()
    connect_zoom(host)
    assert service.disconnect(host.id) is False


def test_the_row_is_gone_before_zoom_is_asked(app: Flask, wire: responses.RequestsMock) -> None:
    host = make_host()
    connect_zoom(host)
    seen: list[int] = []

    def look() -> None:
        with app.app_context():
            seen.append(db.session.query(ZoomConnection).count())

    def answer(_request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        thread = threading.Thread(target=look)
        thread.start()
        thread.join(timeout=10)
        return 200, {}, "{}"

    wire.add_callback(responses.POST, REVOKE, answer)
    service.disconnect(host.id)
    assert seen == [0]


def test_disconnecting_one_host_leaves_the_others_alone(
    app: Flask, wire: responses.RequestsMock
) -> None:
    wire.post(REVOKE, json={})
    aya, mallory = make_host(), make_host("Mallory")
    connect_zoom(aya)
    connect_zoom(mallory)
    service.disconnect(mallory.id)
    assert service.is_connected(aya.id)


@pytest.mark.parametrize(
    "answer",
    [
        {"body": "<?xml version='1.0'?><error>invalid_grant</error>", "content_type": "text/xml"},
        {"status": 400, "body": "<html><h1>Bad Request</h1></html>", "content_type": "text/html"},
        {"status": 200, "body": ""},
        {"status": 302, "headers": {"Location": "https://elsewhere.example/"}},
    ],
)
def test_an_answer_that_is_no_json_says_nothing_about_the_connection(
    app: Flask, wire: responses.RequestsMock, answer: dict[str, Any]
) -> None:
    wire.post(TOKEN, **answer)
    host = make_host()
    connect_zoom(host, expires_at=utcnow())
    with pytest.raises(Unavailable):
        zoom_tokens.access_for(host.id)
    assert (reread(host.id).status, reread(host.id).refresh_token) == ("active", "refresh-1")


@pytest.mark.parametrize(
    "wrong",
    [
        {"access_token": None},
        {"access_token": ""},
        {"refresh_token": ["refresh-2"]},
    ],
)
def test_an_answer_without_tokens_does_not_replace_those_that_are_kept(
    app: Flask, wire: responses.RequestsMock, wrong: dict[str, Any]
) -> None:
    wire.post(TOKEN, json=tokens(2) | wrong)
    host = make_host()
    connect_zoom(host, expires_at=utcnow())
    with pytest.raises(Unavailable):
        zoom_tokens.access_for(host.id)
    kept = reread(host.id)
    assert (kept.access_token, kept.refresh_token) == ("access-1", "refresh-1")
    assert kept.refreshing_until is None


@pytest.mark.parametrize("lifetime", [None, "", [], -1, 3600.0, 10**15, "an hour"])
def test_tokens_are_kept_whatever_is_said_of_their_lifetime(
    app: Flask, wire: responses.RequestsMock, lifetime: object
) -> None:
    wire.post(TOKEN, json=tokens(2) | {"expires_in": lifetime})
    host = make_host()
    connect_zoom(host, expires_at=utcnow())
    assert zoom_tokens.access_for(host.id).token == "access-2"
    kept = reread(host.id)
    assert (kept.refresh_token, kept.lifetime) == ("refresh-2", 3600)


@pytest.mark.parametrize(
    "scope",
    [
        ["meeting:write:meeting", "meeting:read:meeting"],
        "meeting:write:meeting,meeting:read:meeting",
        "meeting:write:meeting, meeting:read:meeting",
    ],
)
def test_scopes_are_understood_however_they_are_listed(
    app: Flask, wire: responses.RequestsMock, scope: object
) -> None:
    wire.post(TOKEN, json=tokens(2) | {"scope": scope})
    host = make_host()
    connect_zoom(host, expires_at=utcnow())
    zoom_tokens.access_for(host.id)
    can = reread(host.id).abilities
    assert (can.creates, can.reads, can.deletes) == (True, True, False)


def test_a_refresh_waits_as_long_as_zoom_says(app: Flask, wire: responses.RequestsMock) -> None:
    wire.post(TOKEN, status=429, json={"error": "rate_limit"}, headers={"Retry-After": "120"})
    host = make_host()
    connect_zoom(host, expires_at=utcnow())
    with pytest.raises(Unavailable) as error:
        zoom_tokens.access_for(host.id)
    assert error.value.retry_at is not None
    assert error.value.retry_at > in_minutes(1.9)


def during_the_refresh(
    app: Flask, wire: responses.RequestsMock, change: Callable[[], object], answer: dict[str, Any]
) -> None:
    """Lay out an answer of Zoom's, just before which something else happens elsewhere."""

    def reply(_request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        def elsewhere() -> None:
            with app.app_context():
                change()

        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join(timeout=10)
        return 200, {}, requests.compat.json.dumps(answer)

    wire.add_callback(responses.POST, TOKEN, reply)


def take_over() -> None:
    """Another worker claims the refresh, as it may when the first has been silent for long."""
    db.session.execute(update(ZoomConnection).values(refreshing_until=in_minutes(1)))
    db.session.commit()


def test_tokens_that_come_after_the_claim_ran_out_are_kept_all_the_same(
    app: Flask, wire: responses.RequestsMock
) -> None:
    host = make_host()
    host_id = host.id
    connect_zoom(host, expires_at=utcnow())
    during_the_refresh(app, wire, take_over, tokens(2))
    assert zoom_tokens.access_for(host_id).token == "access-2"
    assert reread(host_id).refresh_token == "refresh-2"


def test_a_dead_token_is_left_to_the_worker_who_has_taken_over(
    app: Flask, wire: responses.RequestsMock
) -> None:
    host = make_host()
    host_id = host.id
    connect_zoom(host, expires_at=utcnow())
    during_the_refresh(app, wire, take_over, {"error": "invalid_grant"})
    with pytest.raises(Unavailable):
        zoom_tokens.access_for(host_id)
    assert (reread(host_id).status, reread(host_id).refresh_token) == ("active", "refresh-1")


def test_a_connection_that_ended_during_a_refresh_does_not_end_twice(
    app: Flask, wire: responses.RequestsMock
) -> None:
    host = make_host()
    host_id = host.id
    connect_zoom(host, expires_at=utcnow())
    during_the_refresh(
        app,
        wire,
        lambda: zoom_tokens.end(host_id, "scope_missing", "access-1"),
        {"error": "invalid_grant"},
    )
    with pytest.raises(Unavailable):
        zoom_tokens.access_for(host_id)
    assert reread(host_id).ended_because == "scope_missing"
    assert db.session.query(Task).count() == 1


def test_a_doubt_that_comes_during_a_refresh_outlives_it(
    app: Flask, wire: responses.RequestsMock
) -> None:
    """Zoom may have answered before the removal."""

    def doubt() -> None:
        db.session.execute(update(ZoomConnection).values(doubted_at=utcnow()))
        db.session.commit()

    host = make_host()
    host_id = host.id
    connect_zoom(host, expires_at=utcnow())
    during_the_refresh(app, wire, doubt, tokens(2))
    zoom_tokens.access_for(host_id)
    assert reread(host_id).doubted_at is not None


def test_ending_a_connection_with_a_token_that_is_no_longer_kept_changes_nothing(
    app: Flask,
) -> None:
    host = make_host()
    connect_zoom(host)
    zoom_tokens.end(host.id, "ended", "access-0")
    assert service.is_connected(host.id)


# --- giving the connection back


def test_disconnecting_with_an_expired_token_gets_one_that_zoom_takes(
    app: Flask, wire: responses.RequestsMock
) -> None:
    wire.post(TOKEN, json=tokens(2))
    wire.post(REVOKE, json={"status": "success"})
    host = make_host()
    connect_zoom(host, expires_at=in_minutes(-600))
    assert service.disconnect(host.id) is True
    assert parse_qs(str(wire.calls[1].request.body)) == {"token": ["access-2"]}
    assert zoom_tokens.connection_of(host.id) is None


@pytest.mark.parametrize(
    ("answer", "is_confirmed"),
    [
        ({"json": {"error": "invalid_grant"}, "status": 400}, True),
        ({"status": 503}, False),
        ({"body": requests.ConnectionError()}, False),
    ],
)
def test_an_expired_token_that_zoom_does_not_renew_is_deleted_all_the_same(
    app: Flask, wire: responses.RequestsMock, answer: dict[str, Any], is_confirmed: bool
) -> None:
    wire.post(TOKEN, **answer)
    host = make_host()
    connect_zoom(host, expires_at=in_minutes(-600))
    assert service.disconnect(host.id) is is_confirmed
    assert zoom_tokens.connection_of(host.id) is None
    assert len(wire.calls) == 1


def test_a_connection_without_its_permission_still_gives_its_token_back(
    app: Flask, wire: responses.RequestsMock
) -> None:
    revoked = wire.post(REVOKE, json={"status": "success"})
    host = make_host()
    connect_zoom(host)
    zoom_tokens.end(host.id, "scope_missing", "access-1")
    assert service.disconnect(host.id) is True
    assert revoked.call_count == 1


def test_adding_again_works_at_once(app: Flask, wire: responses.RequestsMock) -> None:
    wire.post(REVOKE, json={"status": "success"})
    host = make_host()
    service.link(host.id, grant(1))
    service.disconnect(host.id)
    service.link(host.id, grant(2))
    assert zoom_tokens.access_for(host.id).token == "access-2"


def test_a_connection_that_is_removed_while_its_token_is_forgotten_is_simply_gone(
    app: Flask,
) -> None:
    """Zoom refuses the token because the app was removed, and tells of the removal just then."""
    host = make_host()
    connect_zoom(host)
    host_id = host.id
    db.session.remove()

    def remove() -> None:
        with app.app_context():
            service.disconnect(host_id)

    removal = threading.Thread(target=remove)

    def begin(session: object, *_more: object) -> None:
        if removal.ident is None:
            removal.start()
            removal.join(1)

    event.listen(db.session, "before_flush", begin)
    with responses.RequestsMock() as wire:
        wire.post(REVOKE, json={"status": "success"})
        try:
            zoom_tokens.forget_token(host_id, "access-1")
        finally:
            event.remove(db.session, "before_flush", begin)
        removal.join(20)
    assert zoom_tokens.connection_of(host_id) is None
