"""What every answer carries, and errors as pages of ours."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, abort

from app import create_app
from app.core.config import load_settings
from app.db import db
from tests.conftest import test_environment
from tests.support.cast import make_booking, make_host, make_page, tomorrow, visit_as
from tests.support.visitor import InProcess, Visitor

STRICT = {
    "default-src": "'none'", "script-src": "'self'", "style-src": "'self'",
    "img-src": "'self' data:", "connect-src": "'self'", "font-src": "'self'",
    "form-action": "'self'", "base-uri": "'none'", "frame-ancestors": "'none'",
}  # fmt: skip


def policy_of(headers: Any) -> dict[str, str]:
    directives = (
        part.strip().partition(" ") for part in headers["Content-Security-Policy"].split(";")
    )
    return {name: value for name, _space, value in directives}


def slot(start: Any) -> str:
    return f"{start:%Y%m%dT%H%M%SZ}"


@pytest.fixture
def addresses(app: Flask) -> dict[str, str]:
    """One of each kind of answer that strangers and clients get."""
    page = make_page(make_host(), slug="mine")
    booking = make_booking(page)
    return {
        "landing": "/",
        "page": "/b/mine",
        "form": f"/b/mine/{slot(tomorrow(3))}",
        "lost": f"/b/mine/{slot(tomorrow(1))}",
        "client": f"/booking/{booking.client.token}",
        "part": f"/booking/{booking.client.token}/meeting",
        "cancel": f"/booking/{booking.client.token}/cancel",
        "ics": f"/booking/{booking.client.token}/invite.ics",
        "again": f"/booking/{booking.client.token}/again",
        "join": f"/join/{booking.join_token}",
        "missing": "/nothing",
        "redirect": "/dashboard",
        "health": "/healthz",
        "static": "/static/css/base.css",
    }


def test_every_kind_of_answer_carries_the_headers(app: Flask, addresses: dict[str, str]) -> None:
    for kind, address in addresses.items():
        headers = InProcess(app).send("GET", address, None).headers
        assert policy_of(headers) == STRICT, kind
        assert headers["X-Content-Type-Options"] == "nosniff", kind
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin", kind
        assert headers["Referrer-Policy"] in {"same-origin", "no-referrer"}, kind
        assert "camera=()" in headers["Permissions-Policy"], kind
        assert "Strict-Transport-Security" not in headers, kind


def test_strangers_and_clients_get_no_cookie(app: Flask, addresses: dict[str, str]) -> None:
    for kind, address in addresses.items():
        assert "Set-Cookie" not in InProcess(app).send("GET", address, None).headers, kind


def test_booking_and_cancelling_set_no_cookie(app: Flask, addresses: dict[str, str]) -> None:
    ken = Visitor(InProcess(app))
    form = ken.get(addresses["form"]).form_to(addresses["form"])
    fields = dict(form.fields) | {"name": "Ken", "email": "ken@example.com"}
    booked = ken.transport.send("POST", addresses["form"], list(fields.items()))
    assert booked.status == 303
    assert "Set-Cookie" not in booked.headers
    cancelled = ken.transport.send("POST", f"{booked.headers['Location']}/cancel", [])
    assert cancelled.status == 303
    assert "Set-Cookie" not in cancelled.headers


def test_a_clients_page_leaves_no_trace(app: Flask, addresses: dict[str, str]) -> None:
    for kind in ("client", "part", "cancel", "ics"):
        headers = InProcess(app).send("GET", addresses[kind], None).headers
        assert headers["Cache-Control"] == "no-store", kind
        assert headers["Referrer-Policy"] == "no-referrer", kind
        assert headers["X-Robots-Tag"] == "noindex", kind


def test_a_hosts_pages_are_kept_by_no_cache(app: Flask) -> None:
    aya = visit_as(app, make_host())
    for path in ("/dashboard", "/dashboard/pages/new", "/settings", "/settings/integrations"):
        assert aya.get(path).answer.headers["Cache-Control"] == "no-store", path


def test_a_page_tells_caches_what_it_depends_on(app: Flask, addresses: dict[str, str]) -> None:
    vary = InProcess(app).send("GET", addresses["page"], None).headers["Vary"]
    assert {"HX-Request", "Cookie", "Accept-Language"} <= {part.strip() for part in vary.split(",")}


def test_what_is_joined_is_kept_for_ever_under_a_name_of_its_version(
    app: Flask, visit: Visitor
) -> None:
    address = str(visit.get("/").one("link[rel=stylesheet]")["href"])
    headers = visit.transport.send("GET", address, None).headers
    assert "immutable" in headers["Cache-Control"]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_an_error_page_speaks_the_visitors_language(app: Flask, language: str) -> None:
    page = Visitor(InProcess(app, {"Accept-Language": language})).get("/nothing")
    assert page.status == 404
    assert page.one("html")["lang"] == language
    assert page.one("main h1").get_text()
    assert page.all('main a[href="/"]')


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/b/nobody", 404),
        ("GET", "/booking/guess", 404),
        ("POST", "/", 405),
        ("GET", "/logout", 405),
        ("POST", "/login", 400),
    ],
)
def test_each_error_is_a_page_of_ours(app: Flask, method: str, address: str, status: int) -> None:
    answer = InProcess(app).send(method, address, [] if method == "POST" else None)
    assert answer.status == status
    assert 'id="main"' in answer.text
    assert "Werkzeug" not in answer.text
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "path",
    [
        "/b/talk%00",
        "/b/talk%00/20261201T003000Z",
        "/b/talk/99991231T235959Z",
        "/b/talk/00010101T000000Z",
        "/dashboard/bookings/a%00b",
        f"/dashboard/pages/{2**31}",
        f"/dashboard/pages/{10**20}/preview",
    ],
)
def test_an_address_that_nothing_can_have_is_not_found(app: Flask, path: str) -> None:
    host = make_host()
    make_page(host, slug="talk")
    assert visit_as(app, host).get(path).status == 404


def test_a_page_number_beyond_all_bounds_is_an_empty_page(app: Flask) -> None:
    aya = visit_as(app, make_host())
    assert aya.get(f"/dashboard/bookings?page={10**20}").status == 200


def test_too_much_is_refused(app: Flask) -> None:
    answer = InProcess(app).send("POST", "/language", [("lang", "x" * 300_000)])
    assert answer.status == 413


@pytest.fixture
def crashing(tmp_path: Path) -> Iterator[Flask]:
    """An app as in production, with an address that crashes over a secret."""
    app = create_app(load_settings(test_environment(tmp_path)))

    @app.get("/crash")
    def crash() -> str:
        raise RuntimeError("the secret of ken@example.com")

    @app.get("/teapot")
    def teapot() -> str:
        abort(418)

    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_crash_is_told_calmly_and_leaks_nothing(crashing: Flask, language: str) -> None:
    page = Visitor(InProcess(crashing, {"Accept-Language": language})).get("/crash")
    assert page.status == 500
    assert page.one("html")["lang"] == language
    for secret in ("RuntimeError", "ken@example.com", "Traceback", "crash"):
        assert secret not in page.text
    assert policy_of(page.answer.headers) == STRICT


def test_without_the_database_a_page_says_so_calmly_and_when_to_come_back(bare_app: Flask) -> None:
    page = Visitor(InProcess(bare_app)).get("/b/consultation")
    assert page.status == 503
    assert page.answer.headers["Retry-After"] == "5"
    assert page.answer.headers["Cache-Control"] == "no-store"
    assert "Please try again shortly." in page.text
    assert "sqlite" not in page.text


def test_an_error_without_words_of_its_own_has_words_too(crashing: Flask) -> None:
    page = Visitor(InProcess(crashing)).get("/teapot")
    assert page.status == 418
    assert page.one("main h1").get_text()
