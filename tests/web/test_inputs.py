"""What a request may carry: fields of bounded size, and addresses that a sentence has swallowed."""

import time
from urllib.parse import urlencode

import pytest
from flask import Flask

from app.accounts.forms import SignUpForm
from app.booker.forms import BookingForm
from app.booking_pages.forms import PageForm
from tests.support.cast import make_booking, make_host, make_page, visit_as
from tests.support.visitor import InProcess, Visitor

BASE = "http://127.0.0.1"
FORM = "application/x-www-form-urlencoded"
FORMS = ["/signup", "/login", "/language", "/b/talk/20261208T000000Z", "/dashboard/pages/new"]
COSTLY = {
    "marks": "Z" + "\u0315\u0300" * 10_000,
    "separators": ";," * 60_000,
    "digits": "9" * 120_000,
    "percent": "%" * 40_000,
    "ligatures": "ﷺ" * 13_000,
}


@pytest.fixture
def host_client(app: Flask) -> InProcess:
    host = make_host()
    make_page(host, slug="talk")
    transport = visit_as(app, host).transport
    assert isinstance(transport, InProcess)
    return transport


@pytest.mark.parametrize("address", FORMS)
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b'{"name": ["x"], "email": {"a": 1}}'), ("application/json", b"[" * 100_000),
        ("text/plain", b"name=x"), ("application/xml", b"<a/>"),
    ],
)  # fmt: skip
def test_a_body_that_is_no_form_is_refused(
    app: Flask, host_client: InProcess, address: str, kind: str, body: bytes
) -> None:
    answer = app.test_client().post(address, data=body, content_type=kind, base_url=BASE)
    assert answer.status_code == 415


@pytest.mark.parametrize("address", FORMS)
def test_a_file_in_place_of_a_field_is_refused(
    app: Flask, host_client: InProcess, address: str
) -> None:
    boundary = "x"
    part = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="email"; filename="a"\r\n\r\nx\r\n'
    )
    answer = app.test_client().post(
        address,
        data=f"{part}--{boundary}--\r\n".encode(),
        content_type=f"multipart/form-data; boundary={boundary}",
        base_url=BASE,
    )
    assert answer.status_code in {400, 403, 422}


@pytest.mark.parametrize("address", FORMS)
def test_more_than_128_kilobytes_is_413(app: Flask, host_client: InProcess, address: str) -> None:
    body = b"email=" + b"x" * (128 * 1024)
    answer = app.test_client().post(address, data=body, content_type=FORM, base_url=BASE)
    assert answer.status_code == 413


def fields() -> list[str]:
    """Every field that a form of ours reads."""
    declared = {name for form in (SignUpForm, PageForm, BookingForm) for name in dir(form)}
    known = {"name", "email", "password", "timezone", "title", "slug", "description", "location",
             "duration", "first_day", "note", "key"}  # fmt: skip
    assert known <= declared
    return sorted(
        known | {"lang", "next", "label", "opens", "hours-0-opens", "hours-0-weekday", "q"}
    )


@pytest.mark.parametrize("costly", COSTLY.values(), ids=COSTLY.keys())
def test_no_field_of_any_form_holds_a_process(
    app: Flask, engine: str, host_client: InProcess, costly: str
) -> None:
    if engine == "postgresql":
        pytest.skip("what is measured comes before the database")
    addresses = app.url_map.bind("")
    posted = [
        addresses.build(rule.endpoint, {}, method="POST")
        for rule in app.url_map.iter_rules()
        if "POST" in (rule.methods or set()) and not rule.arguments and "admin" not in rule.rule
    ]
    assert len(posted) > 8
    for name in fields():
        body = urlencode({name: costly})[: 128 * 1024 - 1]
        for address in [*posted, "/b/talk/20261208T000000Z"]:
            began = time.perf_counter()
            answer = host_client.client.post(address, data=body, content_type=FORM, base_url=BASE)
            took = time.perf_counter() - began
            assert answer.status_code < 500, (address, name)
            assert took < 1, (address, name, took)


@pytest.mark.parametrize("costly", COSTLY.values(), ids=COSTLY.keys())
def test_no_query_and_no_header_holds_a_process(
    app: Flask, engine: str, host_client: InProcess, costly: str
) -> None:
    if engine == "postgresql":
        pytest.skip("what is measured comes before the database")
    queries = [
        f"{path}?{name}=" for path in ("/", "/b/talk", "/dashboard/bookings", "/login")
        for name in ("q", "tz", "lang", "month", "date", "next", "page", "tab")
    ]  # fmt: skip
    for query in queries:
        began = time.perf_counter()
        answer = host_client.client.get(query + costly, base_url=BASE)
        assert answer.status_code < 500, query
        assert time.perf_counter() - began < 1, query
    plain = costly.encode("ascii", "replace").decode()
    for header in (
        "Accept-Language",
        "Cookie",
        "User-Agent",
        "Referer",
        "X-Forwarded-For",
        "Origin",
    ):
        began = time.perf_counter()
        answer = app.test_client().get("/login", headers={header: plain}, base_url=BASE)
        assert answer.status_code < 500, header
        assert time.perf_counter() - began < 1, header


@pytest.mark.parametrize("behind", ["/", ".", "。", ")", ">", "、", ").", "」", "//", "...", "%20"])
def test_what_a_sentence_puts_behind_a_link_leads_to_the_page(app: Flask, behind: str) -> None:
    page = make_page(make_host(), slug="talk")
    booking = make_booking(page)
    for path in (
        "/b/talk",
        f"/booking/{booking.client.token}",
        "/docs",
        "/b/talk/20261208T010000Z",
    ):
        answer = app.test_client().get(f"{path}{behind}?lang=ja", base_url=BASE)
        assert answer.status_code == 302, path
        assert answer.headers["Location"] == f"{path}?lang=ja"


@pytest.mark.parametrize(
    "path", ["//evil.example/x/", "/%5Cevil.example/", "//evil.example.", "/nowhere.", "/b/", "/."]
)
def test_nothing_leads_off_the_site_or_in_a_circle(app: Flask, path: str) -> None:
    answer = app.test_client().get(path, base_url=BASE)
    assert answer.status_code in {308, 404}
    assert not answer.headers.get("Location", "/").startswith(("//", "/\\", "http://evil"))


def test_a_page_that_does_not_exist_is_not_found_after_one_redirect(visit: Visitor) -> None:
    assert visit.get("/b/nobody.").status == 404
