"""Which permissions a grant holds, in whatever family of names Zoom tells them, or does not."""

from typing import Any

import pytest
import requests
import responses
from flask import Flask
from sqlalchemy import select

from app.bookings.meetings import Meeting
from app.core.clock import utcnow
from app.db import db
from app.zoom import meetings, oauth, service
from app.zoom import tokens as zoom_tokens
from app.zoom.abilities import Abilities, missing_in
from tests.support.cast import connect_zoom, make_booking, make_host, make_page, visit_as
from tests.support.services import MailServer
from tests.tasks.steps import work
from tests.zoom.conftest import Sandbox
from tests.zoom.steps import TOKEN, reread, tokens


@pytest.mark.parametrize("end", ["", ":admin"])
@pytest.mark.parametrize(
    ("scope", "able"),
    [
        ("meeting:write:meeting", {"creates"}),
        ("meeting:read:meeting", {"reads"}),
        ("meeting:delete:meeting", {"deletes"}),
        ("meeting:read:list_meetings", {"finds"}),
        ("user:read:user", {"identifies"}),
        ("meeting:write", {"creates", "updates", "deletes"}),
        ("meeting:read", {"reads", "finds"}),
        ("user:read", {"identifies"}),
        ("meeting:update:meeting", {"updates"}),
        ("xmeeting:write", set()),
        ("", set()),
    ],
)
def test_a_scope_of_each_family_gives_its_abilities(scope: str, end: str, able: set[str]) -> None:
    abilities = Abilities.of(f"other:scope {scope}{end}")
    assert {name for name, has in vars(abilities).items() if has} == able


def test_nothing_is_missing_where_another_family_grants_it() -> None:
    assert missing_in("meeting:write:admin meeting:read") == []
    assert missing_in("meeting:read:meeting:admin") == ["meeting:write:meeting"]


@pytest.mark.parametrize(
    "scopes",
    [
        ["meeting:write", "meeting:read"],
        ["meeting:write:meeting:admin", "meeting:read:meeting:admin"],
        ["meeting:write:admin", "meeting:read:admin"],
    ],
)
def test_with_classic_or_admin_scopes_the_host_reads_of_no_missing_permission(
    app: Flask, mails: MailServer, sandbox: Sandbox, scopes: list[str]
) -> None:
    sandbox.choose(scopes=scopes)
    host = make_host()
    service.link(host.id, sandbox.grant("aya"))
    booking = make_booking(make_page(host, auto_zoom=True))
    work()
    assert booking.meeting_state == "ready"
    aya = visit_as(app, host)
    assert "Reconnect" not in aya.get("/dashboard").text
    settings = aya.get("/settings/integrations")
    assert settings.one("#zoom .tag").get_text() == "Connected"
    assert "Meetings can be created and read." in settings.press("Check the connection").text


def test_an_answer_that_names_no_scope_grants_what_was_asked(app: Flask) -> None:
    grant = oauth._grant({"access_token": "a", "refresh_token": "r", "expires_in": 3599})
    assert Abilities.of(grant.scopes) == Abilities.of("meeting:write:meeting meeting:read:meeting")


@pytest.mark.parametrize("scope", [None, ""])
def test_a_refresh_that_names_no_scope_changes_none(
    app: Flask, wire: responses.RequestsMock, scope: str | None
) -> None:
    wire.post(TOKEN, json=tokens(2) | {"scope": scope})
    host = make_host()
    connect_zoom(host, scopes="meeting:write meeting:read", expires_at=utcnow())
    zoom_tokens.access_for(host.id)
    assert reread(host.id).scopes == "meeting:write meeting:read"


def test_connecting_works_where_zoom_names_no_scope(
    app: Flask, mails: MailServer, sandbox: Sandbox
) -> None:
    sandbox.fault("token-no-scope")
    host = make_host()
    service.link(host.id, sandbox.grant("aya"))
    assert reread(host.id).makes_meetings
    make_booking(make_page(host, auto_zoom=True))
    work()
    assert db.session.scalars(select(Meeting.state)).one() == "ready"


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 401, "json": {"code": 4711, "message": "does not contain scopes"}},
        {"status": 400, "json": {"code": 4711, "message": "does not contain scopes"}},
    ],
)
def test_a_missing_scope_leaves_a_connection_alive_whatever_its_status(
    app: Flask, wire: responses.RequestsMock, answer: dict[str, Any]
) -> None:
    wire.get("https://api.zoom.example/v2/meetings/7", **answer)
    host = make_host()
    host_id = host.id
    connect_zoom(host)
    with pytest.raises(meetings.Refused) as refusal:
        meetings.read(host_id, 7)
    assert refusal.value.reason == "zoom_scope_missing"
    assert len(wire.calls) == 1  # a fresh token would lack it too
    assert reread(host_id).is_active


def test_a_missing_scope_told_with_401_asks_for_the_permission(
    app: Flask, mails: MailServer, sandbox: Sandbox
) -> None:
    host = make_host()
    service.link(host.id, sandbox.grant("aya"))
    sandbox.fault("401-scope")
    make_booking(make_page(host, auto_zoom=True))
    work()
    connection = reread(host.id)
    assert (connection.status, connection.ended_because) == ("needs_reconnect", "scope_missing")
    assert requests.get(f"{sandbox.url}/api/meetings", timeout=10).json() == []
