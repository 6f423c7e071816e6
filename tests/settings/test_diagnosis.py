"""Settings > Integrations: why are no Zoom meetings made? Each line is OK or says one thing to do."""

from typing import Any

import pytest
import requests
import responses
from bs4 import Tag
from flask import Flask
from sqlalchemy import update

from app.accounts.models import User
from app.db import db
from app.outbox import Task
from tests.support.cast import connect_zoom, make_booking, make_host, make_page, tomorrow, visit_as
from tests.support.visitor import Page
from tests.zoom.steps import TOKEN, in_minutes, reread, tokens


def diagnose(app: Flask, host: User, headers: dict[str, str] | None = None) -> Page:
    page = visit_as(app, host, headers).get("/settings/integrations")
    return page.form_to("/settings/integrations/diagnosis").send()


def lines(page: Page) -> dict[str, Tag]:
    return {
        line.select("strong")[0].get_text(strip=True): line for line in page.all("#diagnosis li")
    }


def words(line: Tag) -> str:
    return " ".join(line.get_text(" ").split())


def is_ok(line: Tag) -> bool:
    return "done" in line["class"]


@pytest.fixture
def token_answer(wire: responses.RequestsMock) -> responses.BaseResponse:
    return wire.post(TOKEN, json=tokens(2))


@pytest.fixture
def host(app: Flask) -> User:
    aya = make_host()
    connect_zoom(aya)
    return aya


def test_opening_the_settings_asks_zoom_nothing(
    app: Flask, host: User, wire: responses.RequestsMock
) -> None:
    page = visit_as(app, host).get("/settings/integrations")
    assert not page.all("#diagnosis li")
    assert len(wire.calls) == 0


def test_all_is_well(app: Flask, host: User, token_answer: responses.BaseResponse) -> None:
    page_id = make_page(host, title="First talk", auto_zoom=True).id
    found = diagnose(app, host)
    assert found.status == 200
    assert all(is_ok(line) for line in lines(found).values())
    assert token_answer.call_count == 1  # a real refresh
    assert reread(host.id).access_token == "access-2"
    pages = lines(found)["Auto-create Zoom meeting"]
    assert pages.select(f'a[href="/dashboard/pages/{page_id}"]')
    assert "First talk" in words(pages)


def test_htmx_gets_the_part_alone(
    app: Flask, host: User, token_answer: responses.BaseResponse
) -> None:
    aya = visit_as(app, host)
    form = aya.get("/settings/integrations").form_to("/settings/integrations/diagnosis")
    aya.transport.headers["HX-Request"] = "true"  # type: ignore[attr-defined]
    page = form.send()
    assert page.all("#diagnosis li")
    assert "<html" not in page.answer.text
    # The part takes the place of what is shown, and brings its like for the next time.
    assert page.one("#diagnosis form")["hx-target"] == f"#{page.all('[id]')[0]['id']}"


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}], ids=["page", "htmx"])
def test_what_a_diagnosis_finds_the_section_above_says_as_well(
    app: Flask, host: User, wire: responses.RequestsMock, headers: dict[str, str]
) -> None:
    wire.post(TOKEN, status=400, json={"error": "invalid_grant"})
    aya = visit_as(app, host)
    before = aya.get("/settings/integrations")
    assert before.one("#zoom .tag").get_text() == "Connected"
    aya.transport.headers.update(headers)  # type: ignore[attr-defined]
    after = before.form_to("/settings/integrations/diagnosis").send()
    assert not is_ok(lines(after)["Connection"])
    assert after.one("#zoom .tag").get_text() == "Reconnection needed"
    assert after.all("#zoom a.button[href='/zoom/connect']")


def test_not_connected_says_connect(app: Flask, wire: responses.RequestsMock) -> None:
    line = lines(diagnose(app, make_host()))["Connection"]
    assert not is_ok(line)
    assert [link["href"] for link in line.select("a")] == ["/zoom/connect"]
    assert len(wire.calls) == 0


@pytest.mark.parametrize("before", ["active", "needs_reconnect"])
def test_a_connection_that_is_over_says_reconnect(
    app: Flask, wire: responses.RequestsMock, before: str
) -> None:
    wire.post(TOKEN, status=400, json={"error": "invalid_grant"})
    host = make_host()
    connect_zoom(host, status=before)
    found = diagnose(app, host)
    line = lines(found)["Connection"]
    assert not is_ok(line)
    assert "Reconnect Zoom" in words(line)
    assert "Access" not in lines(found)
    assert reread(host.id).status == "needs_reconnect"


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 503},
        {"body": requests.ConnectionError()},
        {"body": "<html>"},
        {"json": {"refresh_token": "half of an answer"}},
        {"status": 429, "json": {"error": "rate_limit"}},
    ],
)
def test_a_zoom_that_does_not_answer_says_later(
    app: Flask, host: User, wire: responses.RequestsMock, answer: dict[str, Any]
) -> None:
    wire.post(TOKEN, **answer)
    found = lines(diagnose(app, host))
    assert is_ok(found["Connection"])
    assert not is_ok(found["Access"])
    assert "try again in a minute" in words(found["Access"])


@pytest.mark.parametrize("error", ["invalid_client", "invalid_request", "unauthorized_client"])
def test_credentials_that_zoom_refuses_are_for_the_operator_to_mend(
    app: Flask, host: User, wire: responses.RequestsMock, error: str
) -> None:
    wire.post(TOKEN, status=401, json={"reason": "Invalid client_id", "error": error})
    line = lines(diagnose(app, host))["Access"]
    assert not is_ok(line)
    assert "The fault is not with you" in words(line)
    assert line.select("a[href='mailto:support@calsync.site']")
    assert reread(host.id).status == "active"


def test_a_refresh_under_way_says_in_a_few_seconds(
    app: Flask, wire: responses.RequestsMock
) -> None:
    host = make_host()
    connect_zoom(host, refreshing_until=in_minutes(1))
    assert "in a few seconds" in words(lines(diagnose(app, host))["Access"])
    assert len(wire.calls) == 0


def test_a_permission_that_is_missing_is_named(app: Flask, wire: responses.RequestsMock) -> None:
    wire.post(TOKEN, json=tokens(2) | {"scope": "meeting:read:meeting"})
    host = make_host()
    connect_zoom(host, scopes="meeting:read:meeting")
    line = lines(diagnose(app, host))["Permissions granted"]
    assert not is_ok(line)
    assert [scope.get_text() for scope in line.select("code")] == ["meeting:write:meeting"]


def test_no_page_with_auto_create_says_turn_it_on(
    app: Flask, host: User, token_answer: responses.BaseResponse
) -> None:
    make_page(host)
    line = lines(diagnose(app, host))["Auto-create Zoom meeting"]
    assert not is_ok(line)
    assert line.select('a[href="/dashboard/pages"]')


def test_the_last_five_meetings_come_with_zooms_own_words(
    app: Flask, host: User, token_answer: responses.BaseResponse
) -> None:
    page = make_page(host, auto_zoom=True)
    made = [make_booking(page, tomorrow(hour), name=f"Client {hour}") for hour in range(1, 8)]
    own = "Your user account is not allowed meeting hosting."
    last = made[-1].public_id
    db.session.execute(
        update(Task)
        .where(Task.booking_id == made[-1].id, Task.kind == "meeting.create")
        .values(state="failed", last_error=f"zoom_refused: {own}")
    )
    db.session.commit()
    found = {name: line for name, line in lines(diagnose(app, host)).items() if "Client" in name}
    assert [name.split(",")[0] for name in found] == [f"Client {hour}" for hour in (7, 6, 5, 4, 3)]
    [failed] = [line for line in found.values() if not is_ok(line)]
    assert own in words(failed)
    assert failed.select(f'a[href="/dashboard/bookings/{last}"]')


def test_another_hosts_meetings_are_not_told(
    app: Flask, host: User, token_answer: responses.BaseResponse
) -> None:
    make_booking(make_page(make_host("Mallory"), auto_zoom=True), name="Somebody")
    assert "Somebody" not in diagnose(app, host).text


def test_it_speaks_japanese(app: Flask, host: User, token_answer: responses.BaseResponse) -> None:
    found = diagnose(app, host, {"Accept-Language": "ja"})
    assert "Zoom でアクセス権を更新できました。" in found.text
