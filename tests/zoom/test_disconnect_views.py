"""Disconnecting as the host sees it."""

import responses
from flask import Flask

from app.core.config import Settings
from tests.support.cast import connect_zoom, make_host, visit_as
from tests.zoom.steps import REVOKE
from tests.zoom.view_steps import connections


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
