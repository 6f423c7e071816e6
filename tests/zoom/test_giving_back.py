"""Giving the connection back with a token that has run out."""

import threading
from typing import Any
from urllib.parse import parse_qs

import pytest
import requests
import responses
from flask import Flask
from sqlalchemy import event

from app.db import db
from app.zoom import service
from app.zoom import tokens as zoom_tokens
from tests.support.cast import connect_zoom, make_host
from tests.zoom.steps import REVOKE, TOKEN, grant, in_minutes, tokens


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
