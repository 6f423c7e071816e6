"""Who a connection's Zoom user is, in the order in which Zoom lets us know; and one host each."""

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import requests
import responses
from flask import Flask

from app.core.config import Settings
from app.db import db
from app.outbox import Task
from app.zoom import identity, meetings, service
from app.zoom import tokens as zoom_tokens
from app.zoom.api import Meeting
from app.zoom.models import ZoomConnection
from app.zoom.values import UNKNOWN, Identity
from tests.conftest import ZOOM_API
from tests.support.cast import connect_zoom, make_host, visit_as
from tests.support.visitor import Page
from tests.zoom.steps import TOKEN, grant, reread, tokens
from tests.zoom.view_steps import come_back, state_of

ME = f"{ZOOM_API}/users/me"
WITH_USER = "meeting:read:meeting meeting:write:meeting user:read:user"
AYA_AT_ZOOM = Identity("aya-at-zoom", "account-1", "aya@zoom.example")


def token_with(claims: object) -> str:
    """A token in JWT form, as Zoom's are; its signature is nobody's business."""
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJIUzUxMiJ9.{payload}.c2lnbmF0dXJl"


def met(host_id: str, email: str | None = None) -> Meeting:
    return Meeting(85012345678, "https://zoom.example/j/1", None, host_id, email)


def notes() -> int:
    """Mails that ask a host to reconnect."""
    return db.session.query(Task).filter_by(kind="mail.host.reconnect").count()


# --- learned at connect


def test_who_it_is_is_asked_where_that_is_granted(app: Flask, wire: responses.RequestsMock) -> None:
    wire.get(ME, json={"id": "me-1", "account_id": "account-1", "email": "aya@zoom.example"})
    token = token_with({"uid": "claimed"})
    found = identity.of_grant(grant(1, scopes=WITH_USER, access_token=token))
    assert found == Identity("me-1", "account-1", "aya@zoom.example")
    assert wire.calls[0].request.headers["Authorization"] == f"Bearer {token}"


def test_it_is_not_asked_where_it_is_not_granted(app: Flask, wire: responses.RequestsMock) -> None:
    token = token_with({"uid": "claimed", "aid": "account-1"})
    found = identity.of_grant(grant(1, access_token=token))
    assert found == Identity("claimed", "account-1", None)
    assert len(wire.calls) == 0


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 401, "json": {"code": 124}},
        {"status": 400, "json": {"code": 4711}},
        {"status": 500, "body": "<html>"},
        {"status": 200, "json": {"email": "aya@zoom.example"}},
        {"status": 200, "body": "not json"},
        {"body": requests.ReadTimeout()},
    ],
)
def test_when_asking_fails_the_tokens_claims_are_taken(
    app: Flask, wire: responses.RequestsMock, answer: dict[str, Any]
) -> None:
    wire.get(ME, **answer)
    granted = grant(1, scopes=WITH_USER, access_token=token_with({"uid": "claimed"}))
    assert identity.of_grant(granted).user_id == "claimed"


@pytest.mark.parametrize(
    "token",
    [
        "opaque",
        "a.b.c",
        "..",
        "a.é.c",
        "a.bm90IGpzb24.c",
        token_with([]),
        token_with("text"),
        token_with({}),
        token_with({"uid": 7}),
        token_with({"uid": ""}),
        token_with({"uid": "x" * 65}),
        token_with({"uid": "line\nbreak"}),
    ],
)
def test_a_token_that_tells_nothing_leaves_the_user_unknown(token: str) -> None:
    assert identity.in_claims(token).user_id is None


def test_who_it_is_is_kept_with_the_connection(app: Flask, wire: responses.RequestsMock) -> None:
    wire.post(TOKEN, json=tokens(1) | {"access_token": token_with({"uid": "u", "aid": "a"})})
    host = make_host()
    aya = visit_as(app, host)
    assert come_back(aya, code="code-1", state=state_of(aya)).path == "/settings/integrations"
    connection = reread(host.id)
    assert (connection.zoom_user_id, connection.zoom_account_id) == ("u", "a")


def test_connecting_anew_forgets_who_it_was(app: Flask) -> None:
    host = make_host()
    service.link(host.id, grant(1), AYA_AT_ZOOM)
    service.link(host.id, grant(2), UNKNOWN)
    connection = reread(host.id)
    assert (connection.zoom_user_id, connection.zoom_account_id, connection.zoom_email) == (
        None,
        None,
        None,
    )


# --- learned from a meeting


def test_an_unknown_zoom_user_is_learned_from_the_first_meeting(app: Flask) -> None:
    host = make_host()
    connect_zoom(host)
    meetings.learn_host(host.id, met("zoom-user-1", "aya@zoom.example"))
    connection = reread(host.id)
    assert (connection.zoom_user_id, connection.zoom_email) == ("zoom-user-1", "aya@zoom.example")


def test_a_meeting_adds_the_address_to_a_known_user_and_takes_none_away(app: Flask) -> None:
    host = make_host()
    connect_zoom(host, zoom_user_id="zoom-user-1")
    meetings.learn_host(host.id, met("zoom-user-1", "aya@zoom.example"))
    assert reread(host.id).zoom_email == "aya@zoom.example"
    meetings.learn_host(host.id, met("zoom-user-1"))
    assert reread(host.id).zoom_email == "aya@zoom.example"


@pytest.mark.parametrize("host_id", ["", "x" * 65])
def test_a_meeting_without_a_usable_host_id_teaches_nothing(app: Flask, host_id: str) -> None:
    host = make_host()
    connect_zoom(host)
    meetings.learn_host(host.id, met(host_id))
    assert reread(host.id).zoom_user_id is None


# --- one Zoom user, one host


def connect_through_the_browser(
    app: Flask, wire: responses.RequestsMock, host: Any, uid: str, language: str = "en"
) -> Page:
    wire.post(TOKEN, json=tokens(7) | {"access_token": token_with({"uid": uid})})
    visitor = visit_as(app, host, {"Accept-Language": language})
    return come_back(visitor, code="code-1", state=state_of(visitor))


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "This Zoom account is already connected to another CalSync account."),
        ("ja", "この Zoom アカウントは、別の CalSync アカウントに接続されています。"),
    ],
)
def test_linking_a_second_host_is_refused_in_words(
    app: Flask, wire: responses.RequestsMock, language: str, words: str
) -> None:
    aya, mallory = make_host(), make_host("Mallory")
    connect_zoom(aya, zoom_user_id="aya-at-zoom")
    page = connect_through_the_browser(app, wire, mallory, "aya-at-zoom", language)
    assert page.path == "/settings/integrations"
    assert words in page.one("main .note.failed[role=status]").get_text()
    assert not page.all('form[action="/zoom/disconnect"]')
    assert zoom_tokens.connection_of(mallory.id) is None
    assert reread(aya.id).access_token == "access-1"
    # Nothing is revoked: at Zoom that would remove the first host's connection.
    assert [call.request.url for call in wire.calls] == [TOKEN]


def test_a_refused_link_leaves_the_second_hosts_own_connection_alone(
    app: Flask, wire: responses.RequestsMock
) -> None:
    aya, mallory = make_host(), make_host("Mallory")
    connect_zoom(aya, zoom_user_id="aya-at-zoom")
    connect_zoom(mallory, zoom_user_id="mallory-at-zoom", access_token="mallorys")
    connect_through_the_browser(app, wire, mallory, "aya-at-zoom")
    kept = reread(mallory.id)
    assert (kept.access_token, kept.zoom_user_id) == ("mallorys", "mallory-at-zoom")


def test_the_first_host_is_checked_since_zoom_may_have_ended_that_connection(app: Flask) -> None:
    aya, mallory = make_host(), make_host("Mallory")
    connect_zoom(aya, zoom_user_id="aya-at-zoom")
    with pytest.raises(service.LinkedElsewhere):
        service.link(mallory.id, grant(2), AYA_AT_ZOOM)
    assert reread(aya.id).doubted_at is not None


def test_a_connection_that_is_over_gives_its_zoom_user_up(app: Flask) -> None:
    aya, mallory = make_host(), make_host("Mallory")
    connect_zoom(
        aya, zoom_user_id="aya-at-zoom", zoom_email="aya@zoom.example",
        status="needs_reconnect", access_token=None, refresh_token=None,
    )  # fmt: skip
    service.link(mallory.id, grant(2), AYA_AT_ZOOM)
    assert reread(mallory.id).zoom_user_id == "aya-at-zoom"
    given_up = reread(aya.id)
    assert (given_up.zoom_user_id, given_up.zoom_email) == (None, None)


def test_the_same_host_links_the_same_zoom_user_again(app: Flask) -> None:
    host = make_host()
    service.link(host.id, grant(1), AYA_AT_ZOOM)
    service.link(host.id, grant(2), AYA_AT_ZOOM)
    assert reread(host.id).access_token == "access-2"
    assert db.session.query(ZoomConnection).count() == 1


def test_learned_only_later_the_second_connection_ends_and_its_host_is_told(app: Flask) -> None:
    aya, mallory = make_host(), make_host("Mallory")
    connect_zoom(aya, zoom_user_id="aya-at-zoom")
    connect_zoom(mallory, access_token="mallorys")
    meetings.learn_host(mallory.id, met("aya-at-zoom", "aya@zoom.example"))
    ended = reread(mallory.id)
    assert (ended.status, ended.ended_because) == ("needs_reconnect", "linked_elsewhere")
    assert (ended.access_token, ended.refresh_token, ended.zoom_user_id) == (None, None, None)
    assert notes() == 1
    first = reread(aya.id)
    assert (first.status, first.zoom_user_id) == ("active", "aya-at-zoom")
    assert first.doubted_at is not None
    shown = visit_as(app, mallory).get("/dashboard").text
    assert "already connected to another CalSync account" in shown


def test_learned_only_later_from_a_connection_that_is_over_it_is_kept(app: Flask) -> None:
    aya, mallory = make_host(), make_host("Mallory")
    connect_zoom(aya, zoom_user_id="aya-at-zoom", status="needs_reconnect")
    connect_zoom(mallory)
    meetings.learn_host(mallory.id, met("aya-at-zoom"))
    assert (reread(mallory.id).status, reread(mallory.id).zoom_user_id) == ("active", "aya-at-zoom")


def test_hosts_are_never_matched_by_a_mail_address(app: Flask) -> None:
    aya, mallory = make_host(), make_host("Mallory")
    connect_zoom(aya, zoom_user_id="aya-at-zoom", zoom_email="same@zoom.example")
    service.link(mallory.id, grant(2), Identity("other", None, "same@zoom.example"))
    assert service.is_connected(aya.id)
    assert service.is_connected(mallory.id)


def test_asking_who_it_is_does_not_keep_a_browser_waiting_for_long(
    app: Flask, change_settings: Callable[..., Settings], wire: responses.RequestsMock
) -> None:
    change_settings(zoom_read_timeout=timedelta(seconds=20))
    seen: list[Any] = []

    def answer(request: Any) -> tuple[int, dict[str, str], str]:
        seen.append(request.req_kwargs["timeout"])
        return 500, {}, ""

    wire.add_callback(responses.GET, ME, answer)
    identity.of_grant(grant(1, scopes=WITH_USER))
    [(connect, read)] = seen
    assert connect + read <= 10
