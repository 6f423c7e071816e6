"""Connecting Zoom in the browser, and every way that it must not happen."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import responses
import time_machine
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from flask import Flask

from app.core.clock import utcnow
from app.core.config import Settings
from app.db import db
from app.zoom import tokens as zoom_tokens
from app.zoom.models import ZoomConnection
from tests.conftest import ZOOM_OAUTH
from tests.support.cast import connect_zoom, make_host, visit_as
from tests.support.visitor import Answer, InProcess, Page, Visitor
from tests.zoom.test_service import REVOKE, TOKEN, tokens


def start(visitor: Visitor) -> dict[str, list[str]]:
    """Begin to connect; gives what Zoom is told."""
    answer = visitor.transport.send("GET", "/zoom/connect", None)
    assert answer.status == 302
    address = urlsplit(answer.headers["Location"])
    assert f"{address.scheme}://{address.netloc}{address.path}" == f"{ZOOM_OAUTH}/oauth/authorize"
    return parse_qs(address.query, keep_blank_values=True)


def state_of(visitor: Visitor) -> str:
    return start(visitor)["state"][0]


def come_back(visitor: Visitor, **query: str) -> Page:
    return visitor.get("/zoom/callback?" + requests.compat.urlencode(query))


def is_offered_a_fresh_start(page: Page) -> bool:
    """The page with a way to connect, and nothing said of settings."""
    return page.path == "/zoom/callback" and bool(page.all('main a[href="/zoom/connect"]'))


def connections() -> int:
    return db.session.query(ZoomConnection).count()


@pytest.fixture
def token_answer(wire: responses.RequestsMock) -> responses.BaseResponse:
    return wire.post(TOKEN, json=tokens(1))


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


# --- every other state that Add may find


def test_the_confirmation_is_in_the_guides_words(
    app: Flask, token_answer: responses.BaseResponse
) -> None:
    aya = visit_as(app, make_host())
    page = come_back(aya, code="code-1", state=state_of(aya))
    assert page.path == "/settings/integrations"
    assert page.one("main .note.done[role=status]").get_text(strip=True) == "Zoom is connected."
    assert page.all('form[action="/zoom/disconnect"]')


def test_adding_when_already_connected_takes_the_new_grant(
    app: Flask, token_answer: responses.BaseResponse
) -> None:
    host = make_host()
    connect_zoom(host, access_token="older")
    aya = visit_as(app, host)
    come_back(aya, code="code-1", state=state_of(aya))
    assert connections() == 1
    assert zoom_tokens.access_for(host.id).token == "access-1"


def test_the_back_button_and_a_reload_replay_nothing_and_say_that_all_is_well(
    app: Flask, token_answer: responses.BaseResponse
) -> None:
    aya = visit_as(app, make_host())
    state = state_of(aya)
    come_back(aya, code="code-1", state=state)
    again = come_back(aya, code="code-1", state=state)
    assert "is connected to Zoom already" in again.one("main .note.done").get_text()
    assert again.all('main a[href="/settings/integrations"]')
    assert token_answer.call_count == 1
    assert connections() == 1


def test_an_arrival_without_state_changes_nothing_for_a_connected_host(
    app: Flask, token_answer: responses.BaseResponse
) -> None:
    host = make_host()
    connect_zoom(host, access_token="mine")
    page = come_back(visit_as(app, host), code="attackers-code")
    assert is_offered_a_fresh_start(page)
    assert len(page.all('main a[href="/zoom/connect"]')) == 1
    assert zoom_tokens.access_for(host.id).token == "mine"
    assert token_answer.call_count == 0


@pytest.mark.parametrize(
    ("language", "title", "button"),
    [
        ("en", "Finish connecting Zoom", "Connect Zoom"),
        ("ja", "Zoom の接続を完了する", "Zoom を接続"),
    ],
)
def test_finish_connecting_speaks_both_languages(
    app: Flask, language: str, title: str, button: str
) -> None:
    visitor = visit_as(app, make_host(), {"Accept-Language": language})
    page = come_back(visitor, code="code-1")
    assert page.one("h1").get_text(strip=True) == title
    assert page.one('main a[href="/zoom/connect"]').get_text(strip=True) == button


def test_who_has_no_account_yet_is_led_through_sign_up_to_zoom(app: Flask, visit: Visitor) -> None:
    door = come_back(visit, code="code-1").open('main a[href="/zoom/connect"]')
    form = door.open('main a[href^="/signup"]').form("Sign up")
    data = dict(form.fields) | {
        "name": "Aya Sato", "email": "aya@example.jp", "password": "correct horse battery",
    }  # fmt: skip
    answer = visit.transport.send("POST", "/signup", list(data.items()))
    assert (answer.status, answer.headers["Location"]) == (303, "/zoom/connect")
    to_zoom = visit.transport.send("GET", "/zoom/connect", None)
    assert to_zoom.headers["Location"].startswith(f"{ZOOM_OAUTH}/oauth/authorize?")


@pytest.mark.parametrize("query", [{}, {"code": ""}])
def test_our_state_without_a_code_or_error_connects_nothing(
    app: Flask, wire: responses.RequestsMock, query: dict[str, str]
) -> None:
    wire.post(TOKEN, status=400, json={"error": "invalid_request", "reason": "no code"})
    aya = visit_as(app, make_host())
    page = come_back(aya, state=state_of(aya), **query)
    assert page.one("main .note.failed[role=status]")
    assert connections() == 0


def test_another_error_than_declining_is_not_called_declining(
    app: Flask, token_answer: responses.BaseResponse
) -> None:
    aya = visit_as(app, make_host())
    page = come_back(aya, error="server_error", state=state_of(aya))
    assert "declined" not in page.one("main .note.failed[role=status]").get_text()
    assert token_answer.call_count == 0


@pytest.mark.parametrize("is_known", [True, False])
def test_declining_after_the_state_ran_out_connects_nothing(app: Flask, is_known: bool) -> None:
    aya = visit_as(app, make_host())
    state = state_of(aya) if is_known else "made-up"
    with time_machine.travel(utcnow() + timedelta(minutes=11), tick=False):
        page = come_back(aya, error="access_denied", state=state)
    assert is_offered_a_fresh_start(page)
    assert connections() == 0


# --- Zoom's numbered errors

ADVICE = {
    4700: ("Clear your browser cache and cookies.", "ブラウザーのキャッシュと Cookie を削除してください。"),
    4702: ("The fault is in how CalSync is set up", "CalSync の設定に問題があります"),
    4704: ("The fault is in how CalSync is set up", "CalSync の設定に問題があります"),
    4705: ("The fault is in how CalSync is set up", "CalSync の設定に問題があります"),
    4706: ("The fault is in how CalSync is set up", "CalSync の設定に問題があります"),
    4709: ("The fault is in how CalSync is set up", "CalSync の設定に問題があります"),
    4711: ("allow all of them", "すべての権限を許可してください"),
    4717: ("The fault is in how CalSync is set up", "CalSync の設定に問題があります"),
    4733: ("Connect once more.", "もう一度接続してください。"),
    4734: ("Connect once more.", "もう一度接続してください。"),
    4735: ("no longer exists", "存在しません"),
    4737: ("Connect once more.", "もう一度接続してください。"),
    4738: ("Zoom administrator", "Zoom の管理者"),
    4741: ("Connect once more.", "もう一度接続してください。"),
}  # fmt: skip


@pytest.mark.parametrize("code", ADVICE)
@pytest.mark.parametrize("language", ["en", "ja"])
def test_each_of_zooms_errors_says_what_to_do(app: Flask, code: int, language: str) -> None:
    visitor = visit_as(app, make_host(), {"Accept-Language": language})
    page = come_back(visitor, error=str(code), state=state_of(visitor))
    assert page.status == 200
    assert ADVICE[code][language == "ja"] in page.text
    assert str(code) in page.text
    assert connections() == 0


def test_4700_gives_the_guides_five_steps(app: Flask, visit: Visitor) -> None:
    page = come_back(visit, error="invalid_request", error_description="Invalid redirect (4,700)")
    assert [" ".join(item.get_text().split()) for item in page.all("main ol li")] == [
        "Clear your browser cache and cookies.",
        "Make sure you are using the latest version of your browser.",
        "Try using a different browser or incognito/private mode.",
        "Ensure you are not using a VPN or proxy that might interfere with the redirect.",
        "If the issue persists, contact support@calsync.site.",
    ]
    assert page.one('main a[href="mailto:support@calsync.site"]')
    assert page.all('main a[href="/zoom/connect"]')


@pytest.mark.parametrize(
    "query", [{"error_code": "4738", "error": "x"}, {"error": "x", "error_description": "(4738)"}]
)
def test_the_number_may_stand_in_any_of_the_answers_words(
    app: Flask, visit: Visitor, query: dict[str, str]
) -> None:
    assert "Zoom administrator" in come_back(visit, **query).text


@pytest.mark.parametrize("number", ["47001", "14700", "470", "4699", "<b>"])
def test_what_is_none_of_the_numbers_is_no_numbered_error(
    app: Flask, visit: Visitor, number: str
) -> None:
    page = come_back(visit, error=number)
    assert is_offered_a_fresh_start(page)
    assert "<b>" not in page.answer.text


@pytest.mark.parametrize(
    ("code", "words"), [(4733, "no longer valid"), (4709, "CalSync is set up")]
)
def test_a_number_in_the_token_answer_says_what_to_do_as_well(
    app: Flask, wire: responses.RequestsMock, code: int, words: str
) -> None:
    reason = f"Something about the code ({code})"
    wire.post(TOKEN, status=400, json={"error": "invalid_grant", "reason": reason})
    host = make_host()
    aya = visit_as(app, host)
    state = state_of(aya)
    page = come_back(aya, code="code-1", state=state)
    assert words in page.text
    assert connections() == 0
    assert is_offered_a_fresh_start(come_back(aya, code="code-1", state=state))


def test_credentials_that_zoom_refuses_are_not_the_hosts_fault(
    app: Flask, wire: responses.RequestsMock
) -> None:
    reason = "Invalid client_id or client_secret"
    wire.post(TOKEN, status=401, json={"error": "invalid_client", "reason": reason})
    browser = visit_as(app, make_host())
    page = come_back(browser, code="the-code", state=state_of(browser))
    assert "Zoom reported error 4702." in page.text
    assert "not with you" in page.text
    assert page.all('main a[href="mailto:support@calsync.site"]')
    assert connections() == 0


def test_an_error_with_a_code_beside_it_exchanges_nothing(
    app: Flask, token_answer: responses.BaseResponse
) -> None:
    aya = visit_as(app, make_host())
    come_back(aya, error="4700", code="code-1", state=state_of(aya))
    assert token_answer.call_count == 0


# --- disconnecting


def test_a_disconnection_that_zoom_did_not_confirm_says_so(
    app: Flask, wire: responses.RequestsMock
) -> None:
    wire.post(REVOKE, status=500)
    host = make_host()
    connect_zoom(host)
    page = visit_as(app, host).get("/settings/integrations").press("Disconnect Zoom")
    assert connections() == 0
    assert "Zoom is disconnected." in page.text
    assert "Manage > Installed Apps" in page.text


def test_disconnecting_twice_is_calm(app: Flask, wire: responses.RequestsMock) -> None:
    wire.post(REVOKE, json={"status": "success"})
    host = make_host()
    connect_zoom(host)
    page = visit_as(app, host).get("/settings/integrations")
    page.press("Disconnect Zoom")
    assert page.press("Disconnect Zoom").status == 200
    assert len(wire.calls) == 1


def test_settings_say_where_calsync_can_be_removed_at_zoom(app: Flask, settings: Settings) -> None:
    host = make_host()
    connect_zoom(host)
    page = visit_as(app, host).get("/settings/integrations")
    assert page.link("Zoom App Marketplace")["href"] == settings.zoom_marketplace_url


def test_a_connection_that_may_not_create_is_not_called_connected(app: Flask) -> None:
    host = make_host()
    connect_zoom(host, scopes="meeting:read:meeting")
    page = visit_as(app, host).get("/settings/integrations")
    assert "Reconnection needed" in page.one("#zoom").get_text()
    assert "did not grant the permission to create meetings" in page.text
    assert page.has_link("Reconnect Zoom")
    assert page.form_to("/zoom/disconnect")
