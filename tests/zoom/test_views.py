"""Connecting: the start, its state, the code that comes back, and who may finish."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import responses
import time_machine
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from flask import Flask

from app.core.clock import utcnow
from app.db import db
from app.zoom import tokens as zoom_tokens
from tests.conftest import ZOOM_OAUTH
from tests.support.cast import connect_zoom, make_host, visit_as
from tests.support.visitor import Answer, InProcess, Visitor
from tests.zoom.steps import REVOKE, TOKEN, tokens
from tests.zoom.view_steps import come_back, connections, is_offered_a_fresh_start, start, state_of


def test_zoom_is_told_who_asks_and_how_to_answer_but_no_scope(app: Flask) -> None:
    told = start(visit_as(app, make_host()))
    assert told["response_type"] == ["code"]
    assert told["client_id"] == ["client-id"]
    assert told["redirect_uri"] == ["http://127.0.0.1/zoom/callback"]
    assert told["code_challenge_method"] == ["S256"]
    assert len(told["code_challenge"][0]) == 43  # SHA-256 in base64url
    assert "scope" not in told


def test_each_start_has_a_state_nobody_can_guess(app: Flask) -> None:
    aya = visit_as(app, make_host())
    states = {state_of(aya) for _ in range(5)}
    assert len(states) == 5
    # 22 letters and digits carry 131 bits.
    assert all(len(state) >= 22 for state in states)


def test_a_code_that_answers_our_start_connects(
    app: Flask, wire: responses.RequestsMock, token_answer: responses.BaseResponse
) -> None:
    host = make_host()
    aya = visit_as(app, host)
    told = start(aya)
    page = come_back(aya, code="code-1", state=told["state"][0])
    assert page.path == "/settings/integrations"
    assert zoom_tokens.access_for(host.id).token == "access-1"
    request = wire.calls[0].request
    sent = parse_qs(str(request.body))
    assert sent["code"] == ["code-1"]
    assert sent["grant_type"] == ["authorization_code"]
    assert sent["redirect_uri"] == told["redirect_uri"]
    assert [create_s256_code_challenge(sent["code_verifier"][0])] == told["code_challenge"]
    assert request.headers["Authorization"].startswith("Basic ")
    assert "client_secret" not in sent


def test_a_state_is_used_once(app: Flask, token_answer: responses.BaseResponse) -> None:
    aya = visit_as(app, make_host())
    state = state_of(aya)
    come_back(aya, code="code-1", state=state)
    assert is_offered_a_fresh_start(come_back(aya, code="code-2", state=state))
    assert token_answer.call_count == 1


@pytest.mark.parametrize("query", [{}, {"state": ""}, {"state": "made-up"}, {"error": "x"}])
def test_an_arrival_without_a_state_of_ours_links_nothing(
    app: Flask, token_answer: responses.BaseResponse, query: dict[str, str]
) -> None:
    aya = visit_as(app, make_host())
    start(aya)
    assert is_offered_a_fresh_start(come_back(aya, code="attackers-code", **query))
    assert token_answer.call_count == 0
    assert connections() == 0


def test_a_stranger_who_comes_from_the_marketplace_is_shown_how_to_go_on(
    app: Flask, visit: Visitor, token_answer: responses.BaseResponse
) -> None:
    page = come_back(visit, code="code-1")
    assert is_offered_a_fresh_start(page)
    door = page.open('main a[href="/zoom/connect"]')
    assert door.path == "/login"
    assert parse_qs(urlsplit(door.url).query)["next"] == ["/zoom/connect"]
    assert token_answer.call_count == 0


def test_a_state_from_another_browser_of_the_same_host_is_refused(
    app: Flask, token_answer: responses.BaseResponse
) -> None:
    host = make_host()
    state = state_of(visit_as(app, host))
    assert is_offered_a_fresh_start(come_back(visit_as(app, host), code="c", state=state))
    assert token_answer.call_count == 0


def test_another_user_in_the_session_is_refused(
    app: Flask, token_answer: responses.BaseResponse
) -> None:
    aya, mallory = make_host(), make_host("Mallory")
    browser = visit_as(app, mallory)
    state = state_of(browser)
    # The same browser, its cookie kept, with another user in it.
    change_user(browser, aya.id)
    assert is_offered_a_fresh_start(come_back(browser, code="mallorys-code", state=state))
    assert token_answer.call_count == 0
    assert connections() == 0


def change_user(browser: Visitor, user_id: int) -> None:
    from app.accounts import service as accounts  # noqa: PLC0415
    from app.accounts.models import User  # noqa: PLC0415

    token = accounts.begin_session(db.session.get_one(User, user_id), "")
    assert isinstance(browser.transport, InProcess)
    with browser.transport.client.session_transaction(base_url="http://127.0.0.1") as session:
        session["_user_id"] = token


def test_signing_out_and_in_ends_a_started_connection(
    app: Flask, token_answer: responses.BaseResponse
) -> None:
    aya = visit_as(app, make_host())
    state = state_of(aya)
    aya.get("/dashboard").form_to("/logout").send()
    assert is_offered_a_fresh_start(come_back(aya, code="code-1", state=state))
    assert token_answer.call_count == 0


def test_a_start_is_good_for_ten_minutes(app: Flask, token_answer: responses.BaseResponse) -> None:
    host = make_host()
    aya = visit_as(app, host)
    with time_machine.travel(utcnow(), tick=False) as clock:
        late = state_of(aya)
        clock.shift(timedelta(minutes=10))
        assert is_offered_a_fresh_start(come_back(aya, code="code-1", state=late))
        assert token_answer.call_count == 0
        in_time = state_of(aya)
        clock.shift(timedelta(minutes=9, seconds=59))
        come_back(aya, code="code-1", state=in_time)
    assert token_answer.call_count == 1
    assert zoom_tokens.connection_of(host.id) is not None


def test_unfinished_starts_do_not_pile_up_in_the_cookie(
    app: Flask, token_answer: responses.BaseResponse
) -> None:
    aya = visit_as(app, make_host())
    first = state_of(aya)
    size = cookie_size(aya)
    for _ in range(10):
        last = state_of(aya)
    assert cookie_size(aya) <= size + 20
    assert is_offered_a_fresh_start(come_back(aya, code="code-1", state=first))
    assert last != first


def cookie_size(visitor: Visitor) -> int:
    assert isinstance(visitor.transport, InProcess)
    cookie = visitor.transport.client.get_cookie("calsync", domain="127.0.0.1")
    assert cookie is not None
    return len(cookie.value)


def test_declining_is_told_and_exchanges_nothing(
    app: Flask, token_answer: responses.BaseResponse
) -> None:
    aya = visit_as(app, make_host())
    page = come_back(aya, error="access_denied", state=state_of(aya))
    assert page.path == "/settings/integrations"
    assert page.one("main .note.attention[role=status]")
    assert token_answer.call_count == 0
    assert connections() == 0


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 400, "json": {"error": "invalid_grant", "reason": "Invalid authorization code"}},
        {"status": 400, "body": "<html>4700</html>"},
        {"status": 500, "body": "<html>"},
        {"status": 200, "json": {"access_token": "alone"}},
        {"status": 200, "json": {"error": "invalid_grant"}},
        {"status": 200, "json": ["access-1"]},
        {"status": 200, "body": "null"},
        {"status": 200, "json": tokens(1) | {"refresh_token": None}},
        {"body": requests.ReadTimeout()},
    ],
)
def test_a_code_that_zoom_does_not_take_is_told_and_links_nothing(
    app: Flask, wire: responses.RequestsMock, answer: dict[str, object]
) -> None:
    wire.post(TOKEN, **answer)
    aya = visit_as(app, make_host())
    page = come_back(aya, code="code-1", state=state_of(aya))
    assert page.path == "/settings/integrations"
    assert page.status == 200
    assert page.one("main .note.failed[role=status]")
    assert connections() == 0


def test_a_stranger_at_connect_signs_in_first_and_comes_back(app: Flask, visit: Visitor) -> None:
    answer = visit.transport.send("GET", "/zoom/connect", None)
    assert answer.status == 303
    assert answer.headers["Location"] == "/login?next=/zoom/connect"


def test_the_sign_in_page_may_lead_to_zoom(app: Flask, visit: Visitor) -> None:
    page = visit.get("/login?next=/zoom/connect")
    assert f"form-action 'self' {ZOOM_OAUTH};" in page.answer.headers["Content-Security-Policy"]
    assert ZOOM_OAUTH not in visit.get("/").answer.headers["Content-Security-Policy"]


def test_the_disconnect_form_is_there_exactly_when_a_connection_is(
    app: Flask, wire: responses.RequestsMock
) -> None:
    wire.post(REVOKE, json={"status": "success"})
    host = make_host()
    aya = visit_as(app, host)
    page = aya.get("/settings/integrations")
    assert not page.all('form[action="/zoom/disconnect"]')
    assert page.all('main a[href="/zoom/connect"]')
    connect_zoom(host)
    after = aya.get("/settings/integrations").form_to("/zoom/disconnect").send()
    assert after.path == "/settings/integrations"
    assert not after.all('form[action="/zoom/disconnect"]')
    assert connections() == 0


def test_disconnecting_needs_the_forms_token(app: Flask) -> None:
    host = make_host()
    connect_zoom(host)
    answer: Answer = visit_as(app, host).transport.send("POST", "/zoom/disconnect", [])
    assert answer.status == 400
    assert connections() == 1


def test_a_connection_that_ended_can_be_made_again_or_removed(app: Flask) -> None:
    host = make_host()
    connect_zoom(host, status="needs_reconnect", access_token=None, refresh_token=None)
    page = visit_as(app, host).get("/settings/integrations")
    assert page.all('main a[href="/zoom/connect"]')
    after = page.form_to("/zoom/disconnect").send()
    assert after.status == 200
    assert connections() == 0
