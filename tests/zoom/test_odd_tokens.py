"""Token answers that are odd, late, or about a connection that is another by now."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
import requests
import responses
from flask import Flask
from sqlalchemy import update

from app.core.clock import utcnow
from app.db import db
from app.outbox import Task, Unavailable
from app.zoom import service
from app.zoom import tokens as zoom_tokens
from app.zoom.models import ZoomConnection
from tests.support.cast import connect_zoom, make_host
from tests.zoom.steps import TOKEN, in_minutes, reread, tokens


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
