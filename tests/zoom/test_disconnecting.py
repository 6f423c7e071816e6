"""Disconnecting deletes at once, whatever Zoom says, and what a late answer finds then."""

import threading
from typing import Any
from urllib.parse import parse_qs

import pytest
import requests
import responses
from flask import Flask

from app.db import db
from app.zoom import service
from app.zoom import tokens as zoom_tokens
from app.zoom.models import ZoomConnection
from tests.support.cast import connect_zoom, make_host
from tests.zoom.steps import REVOKE


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
