"""Every other state that Add may find, and Zoom's numbered errors."""

from datetime import timedelta

import pytest
import responses
import time_machine
from flask import Flask

from app.core.clock import utcnow
from app.zoom import tokens as zoom_tokens
from tests.conftest import ZOOM_OAUTH
from tests.support.cast import connect_zoom, make_host, visit_as
from tests.support.visitor import Visitor
from tests.zoom.steps import TOKEN
from tests.zoom.view_steps import come_back, connections, is_offered_a_fresh_start, state_of


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
