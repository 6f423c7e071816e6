"""Which host is ours, which proxy is believed, and which path is local."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, request
from werkzeug.test import TestResponse

from app import create_app
from app.core.config import load_settings
from app.core.crypto import sign, unsign
from app.db import db
from app.web.addresses import local_path
from tests.web.test_config import production


def ask(app: Flask, path: str = "/healthz", **environment: str) -> TestResponse:
    return app.test_client().get(path, environ_overrides=environment)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200),
        ("127.0.0.1:5080", 200),
        ("evil.example", 400),
        ("127.0.0.1.evil.example", 400),
    ],
)
def test_only_our_own_host_is_answered(bare_app: Flask, host: str, status: int) -> None:
    assert ask(bare_app, HTTP_HOST=host).status_code == status


@pytest.fixture
def make_app(tmp_path: Path) -> Iterator[Any]:
    """`make_app(PROXY_HOPS="1")`: production, with nothing behind it."""
    made: list[Flask] = []

    def make(**more: str) -> Flask:
        made.append(create_app(load_settings(production(tmp_path, **more))))
        return made[-1]

    yield make
    for app in made:
        with app.app_context():
            db.engine.dispose()


FORWARDED = {
    "HTTP_X_FORWARDED_FOR": "198.51.100.7",
    "HTTP_X_FORWARDED_PROTO": "https",
    "HTTP_X_FORWARDED_HOST": "calsync.example",
    "REMOTE_ADDR": "10.0.0.1",
}


@pytest.mark.parametrize(
    ("hops", "address", "scheme"), [("0", "10.0.0.1", "http"), ("1", "198.51.100.7", "https")]
)
def test_a_proxy_is_believed_only_when_we_have_one(
    make_app: Any, hops: str, address: str, scheme: str
) -> None:

    app = make_app(PROXY_HOPS=hops)
    seen: list[tuple[str | None, str]] = []

    @app.get("/who")
    def who() -> str:
        seen.append((request.remote_addr, request.scheme))
        return ""

    host = "calsync.example" if hops == "0" else "10.0.0.2"
    assert ask(app, "/who", HTTP_HOST=host, **FORWARDED).status_code == 200
    assert seen == [(address, scheme)]


def test_a_forged_hop_more_is_not_believed(make_app: Any) -> None:

    app = make_app(PROXY_HOPS="1")
    seen: list[str | None] = []

    @app.get("/who")
    def who() -> str:
        seen.append(request.remote_addr)
        return ""

    forged = FORWARDED | {"HTTP_X_FORWARDED_FOR": "203.0.113.9, 198.51.100.7"}
    ask(app, "/who", HTTP_HOST="calsync.example", **forged)
    assert seen == ["198.51.100.7"]


def test_production_asks_browsers_to_stay_on_https(make_app: Any) -> None:
    response = ask(make_app(), HTTP_HOST="calsync.example")
    assert "max-age=31536000" in response.headers["Strict-Transport-Security"]


def test_production_cookies_travel_by_https_only(make_app: Any) -> None:
    client = make_app().test_client()
    response = client.get("/login", base_url="https://calsync.example")
    cookie = response.headers["Set-Cookie"]
    assert cookie.startswith("__Host-calsync=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
    assert "Domain" not in cookie


@pytest.mark.parametrize("path", ["/", "/b/x", "/b/x?tz=Asia/Tokyo&date=2026-12-01", "/%5Cok"])
def test_a_path_of_ours_is_local(path: str) -> None:
    assert local_path(path, "/default") == path


@pytest.mark.parametrize(
    "wish",
    [None, "", "x", "//x", "/\\x", "/x\\y", "///x", "http:/x", "https://x", "/\tx", "/ x", "/x\n", "/\x00"],
)  # fmt: skip
def test_anything_else_is_not(wish: str | None) -> None:
    assert local_path(wish, "/default") == "/default"


def test_a_signed_token_is_good_for_its_purpose_and_its_time(bare_app: Flask) -> None:
    with bare_app.app_context():
        token = sign("one", [1, "x"])
        assert unsign("one", token, 60) == [1, "x"]
        assert unsign("another", token, 60) is None
        assert unsign("one", token, -1) is None
        # Of the last character some bits are padding, which readers ignore.
        assert (
            unsign("one", token[:-4] + ("a" if token[-4] != "a" else "b") + token[-3:], 60) is None
        )
        assert unsign("one", "", 60) is None
