"""A call for a host, with the one refresh that a refused token is worth."""

from datetime import timedelta

import pytest
import responses
from flask import Flask

from app.core.clock import utcnow
from app.db import db
from app.outbox import Refused, Unavailable
from app.zoom import meetings, service
from tests.conftest import ZOOM_API
from tests.support.cast import connect_zoom, make_host
from tests.zoom.api_steps import MEETINGS, made, wanted
from tests.zoom.steps import TOKEN, reread, tokens


def nothing() -> None:
    """A caller without a lease."""


def test_a_refused_token_is_refreshed_once_and_the_call_repeated(
    app: Flask, wire: responses.RequestsMock
) -> None:
    wire.post(MEETINGS, status=401, json={"code": 124, "message": "Access token is expired."})
    wire.post(TOKEN, json=tokens(2))
    wire.post(MEETINGS, status=201, json=made())
    host = make_host()
    host_id = host.id
    connect_zoom(host)
    assert meetings.create(host_id, wanted(), nothing).id == 85012345678
    assert wire.calls[-1].request.headers["Authorization"] == "Bearer access-2"


def test_a_token_refused_twice_asks_to_reconnect_without_a_loop(
    app: Flask, wire: responses.RequestsMock
) -> None:
    called = wire.post(MEETINGS, status=401, json={"code": 124})
    refreshed = wire.post(TOKEN, json=tokens(2))
    host = make_host()
    host_id = host.id
    connect_zoom(host)
    with pytest.raises(Refused) as refusal:
        meetings.create(host_id, wanted(), nothing)
    assert refusal.value.reason == "zoom_needs_reconnect"
    assert (called.call_count, refreshed.call_count) == (2, 1)
    assert not service.is_connected(host_id)


@pytest.mark.parametrize("code", [4711, 4700])
def test_a_missing_scope_asks_to_reconnect_and_does_not_refresh(
    app: Flask, wire: responses.RequestsMock, code: int
) -> None:
    words = "Invalid access token, does not contain scopes:[meeting:write:meeting]."
    called = wire.post(MEETINGS, status=400, json={"code": code, "message": words})
    host = make_host()
    host_id = host.id
    connect_zoom(host)
    with pytest.raises(Refused) as refusal:
        meetings.create(host_id, wanted(), nothing)
    assert (refusal.value.reason, refusal.value.words) == ("zoom_scope_missing", words)
    with pytest.raises(Refused) as refusal:
        meetings.create(host_id, wanted(), nothing)
    assert refusal.value.reason == "zoom_needs_reconnect"
    assert len(wire.calls) == called.call_count == 1
    connection = reread(host_id)
    assert (connection.status, connection.ended_because) == ("needs_reconnect", "scope_missing")


def test_a_scope_missing_for_a_deletion_leaves_the_connection_as_it_is(
    app: Flask, wire: responses.RequestsMock
) -> None:
    wire.delete(f"{ZOOM_API}/meetings/7", status=400, json={"code": 4711, "message": "no"})
    host = make_host()
    host_id = host.id
    connect_zoom(host)
    with pytest.raises(Refused):
        meetings.delete(host_id, 7, nothing)
    assert service.is_connected(host_id)
    assert len(wire.calls) == 1


def test_a_token_that_ran_out_on_its_way_does_not_end_the_connection(
    app: Flask, wire: responses.RequestsMock
) -> None:
    wire.post(MEETINGS, status=401, json={"code": 124, "message": "Access token is expired."})
    wire.post(TOKEN, json=tokens(2) | {"expires_in": 0})
    host = make_host()
    host_id = host.id
    connect_zoom(host)
    with pytest.raises(Unavailable):
        meetings.create(host_id, wanted(), nothing)
    assert service.is_connected(host_id)


def test_a_user_who_is_gone_needs_to_reconnect(app: Flask, wire: responses.RequestsMock) -> None:
    wire.post(MEETINGS, status=404, json={"code": 1001, "message": "User does not exist."})
    host = make_host()
    host_id = host.id
    connect_zoom(host)
    with pytest.raises(Refused):
        meetings.create(host_id, wanted(), nothing)
    assert not service.is_connected(host_id)


def test_the_lease_is_renewed_before_each_call_that_goes_out(
    app: Flask, wire: responses.RequestsMock
) -> None:
    order: list[str] = []

    def refreshed(_request: object) -> tuple[int, dict[str, str], str]:
        order.append("refresh")
        return 500, {}, ""

    wire.add_callback(responses.POST, TOKEN, refreshed)
    host = make_host()
    host_id = host.id
    connect_zoom(host, expires_at=utcnow() - timedelta(hours=1))
    with pytest.raises(Unavailable):
        meetings.create(host_id, wanted(), lambda: order.append("renew"))
    assert order == ["renew", "refresh"]


def test_no_database_connection_is_held_while_zoom_thinks(
    app: Flask, wire: responses.RequestsMock
) -> None:
    held: list[int] = []

    def answer(_request: object) -> tuple[int, dict[str, str], str]:
        held.append(db.engine.pool.checkedout())  # type: ignore[attr-defined]
        return 500, {}, ""

    wire.add_callback(responses.POST, MEETINGS, answer)
    host = make_host()
    host_id = host.id
    connect_zoom(host)
    with pytest.raises(Unavailable):
        meetings.create(host_id, wanted(), nothing)
    assert held == [0]


def test_no_database_connection_is_held_while_a_token_is_refreshed(
    app: Flask, wire: responses.RequestsMock
) -> None:
    held: list[int] = []

    def answer(_request: object) -> tuple[int, dict[str, str], str]:
        held.append(db.engine.pool.checkedout())  # type: ignore[attr-defined]
        return 500, {}, ""

    wire.add_callback(responses.POST, TOKEN, answer)
    host = make_host()
    host_id = host.id
    connect_zoom(host, expires_at=utcnow())
    with pytest.raises(Unavailable):
        meetings.create(host_id, wanted(), nothing)
    assert held == [0]


@pytest.mark.parametrize(
    ("scopes", "status", "may"),
    [
        ("meeting:read:meeting meeting:write:meeting", "active", False),
        ("meeting:write:meeting meeting:delete:meeting", "active", True),
        ("meeting:delete:meeting", "needs_reconnect", False),
        ("xmeeting:delete:meeting", "active", False),
    ],
)
def test_the_granted_scope_decides_whether_a_meeting_can_be_deleted(
    app: Flask, scopes: str, status: str, may: bool
) -> None:
    host = make_host()
    connect_zoom(host, scopes=scopes, status=status)
    assert meetings.may_delete(host.id, of=None) is may


def test_the_address_of_a_meeting_is_its_number(app: Flask, wire: responses.RequestsMock) -> None:
    deleted = wire.delete(f"{ZOOM_API}/meetings/99999999999", status=204)
    host = make_host()
    connect_zoom(host)
    meetings.delete(host.id, 99_999_999_999, nothing)
    assert deleted.call_count == 1
