"""What a failed request is answered with, by who asked and how."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask, abort
from werkzeug.datastructures import Headers

from app import create_app
from app.core.config import load_settings
from app.db import db
from tests.conftest import test_environment
from tests.support.cast import make_booking, make_host, make_page, visit_as
from tests.support.visitor import InProcess, Visitor

HTMX = {"HX-Request": "true"}
STATUSES = (400, 403, 404, 405, 413, 429, 500, 503)


@pytest.fixture
def failing(tmp_path: Path) -> Iterator[Flask]:
    """An app with an address for each status."""
    app = create_app(load_settings(test_environment(tmp_path)))

    @app.get("/fail/<int:status>")
    def fail(status: int) -> str:
        abort(status)

    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.mark.parametrize("status", STATUSES)
def test_htmx_gets_a_message_in_its_fixed_place_and_a_browser_a_page(
    failing: Flask, status: int
) -> None:
    part = Visitor(InProcess(failing, HTMX)).get(f"/fail/{status}")
    assert part.status == status
    assert not part.all("html, main, header, form")
    assert part.one("p.note strong").get_text()
    assert part.answer.headers["Hx-Retarget"] == "#message"
    assert part.answer.headers["Hx-Reswap"] == "innerMorph"
    assert part.answer.headers["Hx-Push-Url"] == "false"

    page = Visitor(InProcess(failing)).get(f"/fail/{status}")
    assert page.status == status
    assert page.one("#message")["role"] == "alert"
    assert not page.one("#message").get_text().strip()
    assert "Hx-Retarget" not in page.answer.headers


def test_history_that_htmx_restores_gets_a_whole_page(failing: Flask) -> None:
    headers = HTMX | {"HX-History-Restore-Request": "true"}
    assert Visitor(InProcess(failing, headers)).get("/fail/404").all("main h1")


def test_an_expired_sign_in_still_moves_the_whole_window(app: Flask) -> None:
    answer = InProcess(app, HTMX).send("GET", "/dashboard/bookings", None)
    assert (answer.status, answer.text) == (204, "")
    assert answer.headers["Hx-Redirect"].startswith("/login")


def test_an_expired_form_of_htmx_is_a_message(app: Flask) -> None:
    host = make_host()
    page = make_page(host)
    aya = visit_as(app, host, HTMX)
    answer = aya.post(f"/dashboard/pages/{page.id}/live", {"is_live": "0", "csrf_token": "x"})
    assert answer.status == 400
    assert answer.one("p.note strong").get_text() == "This form has expired"


@pytest.mark.parametrize(
    ("address", "title"),
    [
        ("/booking/guess", "This booking link does not work"),
        ("/booking/guess/cancel", "This booking link does not work"),
        ("/b/nobody", "This booking page does not exist"),
        ("/b/nobody/20261201T003000Z", "This booking page does not exist"),
        ("/nothing", "This page does not exist"),
    ],
)
def test_what_is_missing_is_named_to_each_who_asks(
    app: Flask, visit: Visitor, address: str, title: str
) -> None:
    page = visit.get(address)
    assert page.status == 404
    assert page.one("main h1").get_text() == title


def test_a_signed_in_host_keeps_the_navigation_and_reads_no_word_of_clients(app: Flask) -> None:
    page = visit_as(app, make_host()).get("/dashboard/bookings/nothing")
    assert page.status == 404
    assert "booking page" not in page.one("main").get_text()
    assert page.one("main a.button")["href"] == "/dashboard"
    assert page.has_link("Bookings")


def test_another_hosts_booking_reads_like_one_that_never_was(app: Flask) -> None:
    booking = make_booking(make_page(make_host()))
    mallory = visit_as(app, make_host("Mallory"))
    texts = {
        mallory.get(f"/dashboard/bookings/{name}").text for name in (booking.public_id, "nothing")
    }
    assert len(texts) == 1


def test_405_says_which_methods_are_allowed(bare_app: Flask) -> None:
    allowed = Headers(
        list(InProcess(bare_app).send("GET", "/language", None).headers.items())
    ).getlist("Allow")
    assert {method.strip() for method in allowed[0].split(",")} == {"POST", "OPTIONS"}
