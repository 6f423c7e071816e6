"""The pages are plain, safe, and say what they are."""

import re

import pytest

PAGES = [
    "/",
    "/marketplace",
    "/marketplace/installed",
    "/marketplace/installed/remove",
    "/mail",
    "/faults",
    "/j/1",
]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_says_that_it_is_not_zoom(zoom, path):
    page = zoom.get(path)
    assert "Sandbox – not Zoom" in page.text
    assert not re.search(r"<script|<style|\son\w+=|\sstyle=", page.text)
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]


def test_it_is_alive(zoom):
    answer = zoom.get("/healthz")
    assert (answer.status_code, answer.text) == (200, "ok")


def test_the_marketplace_adds_in_both_ways(zoom):
    page = zoom.get("/marketplace").text
    assert f'id="add" href="{zoom.process.calsync_url}/zoom/connect"' in page
    stateless = re.search(r'id="add-from-zoom" href="([^"]+)"', page).group(1)
    assert "state=" not in stateless
    assert zoom.get(stateless.replace("&amp;", "&")).status_code == 200


def test_anybody_can_sign_in_by_a_name(zoom):
    answer = zoom.post(
        "/signed-in", data={"zoom_user": "Ken Yamada", "next": "//evil.example"},
        allow_redirects=False,
    )  # fmt: skip
    assert answer.headers["Location"] == "/marketplace"
    assert "ken-yamada@zoom-sandbox.example" in zoom.get("/marketplace").text


def test_faults_and_settings_have_forms(zoom):
    zoom.post("/faults", data={"kind": "429-second", "count": "2", "seconds": "3"})
    assert zoom.get("/api/faults").json() == [{"kind": "429-second", "count": 2, "seconds": 3.0}]
    assert zoom.post("/faults", data={"kind": "500", "count": "x"}).status_code == 422
    zoom.post("/faults/clear")
    assert zoom.get("/api/faults").json() == []
    form = {"expires_in": "5", "daily_limit": "9", "scopes": ["user:read:user"]}
    zoom.post("/settings", data=form)
    chosen = zoom.get("/api/settings").json()
    assert (chosen["expires_in"], chosen["daily_limit"]) == (5, 9)
    assert chosen["scopes"] == ["user:read:user"]


def test_foreign_pages_cannot_press_buttons(zoom):
    foreign = {"Origin": "http://evil.example"}
    assert zoom.post("/faults/clear", headers=foreign).status_code == 403
    own = {"Origin": zoom.process.url}
    assert zoom.post("/faults/clear", headers=own).status_code == 200


def test_foreign_names_for_this_machine_are_refused(zoom):
    assert zoom.get("/", headers={"Host": "rebound.example"}).status_code == 400
