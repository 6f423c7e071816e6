"""What a page promises about Zoom is what will happen."""

import pytest
from flask import Flask

from tests.support.cast import connect_zoom, make_host, make_page, tomorrow, visit_as
from tests.support.visitor import Visitor

AT_ONCE = "Zoom link sent right after booking"
LATER = "On Zoom; the link follows by email"
WARNING = "the link follows once you connect"


@pytest.mark.parametrize(
    ("connection", "promise"),
    [
        ({}, AT_ONCE),
        ({"scopes": "meeting:write meeting:read"}, AT_ONCE),
        ({"scopes": "meeting:read:meeting"}, LATER),
        ({"status": "needs_reconnect"}, LATER),
        (None, LATER),
    ],
)
def test_the_link_is_promised_at_once_only_where_it_comes_at_once(
    app: Flask, visit: Visitor, connection: dict[str, str] | None, promise: str
) -> None:
    host = make_host()
    other = make_host("Mallory")
    connect_zoom(other, access_token="access-of-mallory", refresh_token="refresh-of-mallory")
    page = make_page(host, auto_zoom=True)
    if connection is not None:
        connect_zoom(host, **connection)
    slot = f"{tomorrow(5):%Y%m%dT%H%M%SZ}"
    for address in (
        f"/b/{page.slug}",
        f"/b/{page.slug}/{slot}",
        f"/b/{page.slug}/20200101T000000Z",
    ):
        shown = visit.get(address).text
        assert promise in shown
        assert ({AT_ONCE, LATER} - {promise}).pop() not in shown


def test_a_page_without_zoom_promises_nothing(app: Flask, visit: Visitor) -> None:
    host = make_host()
    connect_zoom(host)
    shown = visit.get(f"/b/{make_page(host).slug}").text
    assert AT_ONCE not in shown
    assert LATER not in shown


def test_a_connection_made_meanwhile_changes_the_promise_at_once(
    app: Flask, visit: Visitor
) -> None:
    host = make_host()
    page = make_page(host, auto_zoom=True)
    assert LATER in visit.get(f"/b/{page.slug}").text
    connect_zoom(host)
    assert AT_ONCE in visit.get(f"/b/{page.slug}").text


@pytest.mark.parametrize(
    ("auto_zoom", "connection", "is_warned"),
    [
        (True, None, True),
        (True, {"scopes": "meeting:read:meeting"}, True),
        (True, {"status": "needs_reconnect"}, True),
        (True, {}, False),
        (False, None, False),
    ],
)
def test_the_form_warns_only_where_a_page_would_wait_for_zoom(
    app: Flask, auto_zoom: bool, connection: dict[str, str] | None, is_warned: bool
) -> None:
    host = make_host()
    if connection is not None:
        connect_zoom(host, **connection)
    page = make_page(host, auto_zoom=auto_zoom)
    form = visit_as(app, host).get(f"/dashboard/pages/{page.id}")
    assert (WARNING in form.text) is is_warned
