"""Whose wish decides the language of a page."""

import pytest
from flask import Flask

from app.accounts.models import User
from app.db import db
from tests.support.cast import make_host, visit_as
from tests.support.visitor import InProcess, Visitor


def language_of(app: Flask, path: str = "/", cookie: str = "", **headers: str) -> str:
    transport = InProcess(app, {name.replace("_", "-"): value for name, value in headers.items()})
    if cookie:
        transport.client.set_cookie("lang", cookie, domain="127.0.0.1")
    return str(Visitor(transport).get(path).one("html")["lang"])


@pytest.mark.parametrize(
    ("path", "cookie", "accepted", "language"),
    [
        ("/", "", "", "en"),
        ("/", "", "ja", "ja"),
        ("/", "", "ja-JP,ja;q=0.9,en;q=0.8", "ja"),
        ("/", "", "fr,en;q=0.5", "en"),
        ("/", "", "fr", "en"),
        ("/", "ja", "en", "ja"),
        ("/", "fr", "ja", "ja"),
        ("/?lang=ja", "en", "en", "ja"),
        ("/?lang=xx", "ja", "en", "ja"),
    ],
)
def test_the_address_then_the_cookie_then_the_browser_decide(
    app: Flask, path: str, cookie: str, accepted: str, language: str
) -> None:
    assert language_of(app, path, cookie, Accept_Language=accepted) == language


def test_a_strangers_choice_is_kept_in_a_cookie(app: Flask, visit: Visitor) -> None:
    page = visit.get("/login?next=/settings").form_to("/language").send(lang="ja")
    assert page.path == "/login"
    assert page.one("html")["lang"] == "ja"
    answer = visit.transport.send("POST", "/language", [("lang", "en")])
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_a_hosts_choice_is_for_their_mails_too(app: Flask) -> None:
    host = make_host()
    visit_as(app, host).get("/dashboard").form_to("/language").send(lang="ja")
    db.session.expire_all()
    assert db.session.get_one(User, host.id).locale == "ja"


@pytest.mark.parametrize("language", ["fr", "", "en\r\nSet-Cookie: x=y"])
def test_a_language_we_do_not_speak_is_refused(app: Flask, visit: Visitor, language: str) -> None:
    assert visit.post("/language", {"lang": language}).status == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_sites_form_does_not_change_it(app: Flask, headers: dict[str, str]) -> None:
    host = make_host()
    answer = visit_as(app, host, headers).transport.send("POST", "/language", [("lang", "ja")])
    assert answer.status == 403
    db.session.expire_all()
    assert db.session.get_one(User, host.id).locale == "en"


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://127.0.0.1"}, {"Sec-Fetch-Site": "same-origin"}, {}]
)
def test_our_own_form_does(app: Flask, headers: dict[str, str]) -> None:
    answer = InProcess(app, headers).send("POST", "/language", [("lang", "ja"), ("next", "/docs")])
    assert (answer.status, answer.headers["Location"]) == (303, "/docs")


def test_the_way_back_stays_on_the_site(app: Flask, visit: Visitor) -> None:
    answer = visit.transport.send("POST", "/language", [("lang", "ja"), ("next", "//evil.example")])
    assert answer.headers["Location"] == "/"
