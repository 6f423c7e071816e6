"""Signing up, in and out."""

from urllib.parse import urlencode

import pytest
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import func, select

from app.accounts import service
from app.accounts.models import SignIn, User
from app.core.clock import utcnow
from app.db import db
from tests.support.cast import PASSWORD, make_host, visit_as
from tests.support.visitor import InProcess, Page, Visitor


def sign_up(visitor: Visitor, **values: str) -> Page:
    sent = {"name": "Aya Sato", "email": "aya@example.jp", "password": PASSWORD} | values
    return visitor.get("/signup").form_to("/signup").send(**sent)


def sign_in(visitor: Visitor, email: str, password: str, at: str = "/login") -> Page:
    return visitor.get(at).form_to("/login").send(email=email, password=password)


def count(model: type[db.Model]) -> int:  # type: ignore[name-defined]
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def only_user() -> User:
    return db.session.scalars(select(User)).one()


def session_token(visitor: Visitor) -> str:
    assert isinstance(visitor.transport, InProcess)
    with visitor.transport.client.session_transaction(base_url="http://127.0.0.1") as session:
        return str(session["_user_id"])


def test_signing_up_signs_in_at_once(app: Flask, visit: Visitor) -> None:
    assert sign_up(visit, timezone="Europe/Berlin").path == "/dashboard"
    user = only_user()
    assert (user.name, user.email, user.timezone) == ("Aya Sato", "aya@example.jp", "Europe/Berlin")
    assert (user.locale, user.is_admin) == ("en", False)
    assert visit.get("/settings").status == 200


@pytest.mark.parametrize("suggested", ["", "Mars/Olympus", "../../etc/passwd"])
def test_a_zone_that_makes_no_sense_becomes_the_installations(
    app: Flask, visit: Visitor, suggested: str
) -> None:
    assert sign_up(visit, timezone=suggested).path == "/dashboard"
    assert only_user().timezone == "Asia/Tokyo"


def test_the_mails_language_is_that_of_the_sign_up(app: Flask) -> None:
    sign_up(Visitor(InProcess(app, {"Accept-Language": "ja"})))
    assert only_user().locale == "ja"


def test_a_taken_address_is_told_and_changes_nothing(app: Flask, visit: Visitor) -> None:
    before = make_host().credentials[0].secret
    page = sign_up(visit, name="Mallory", password="another password")
    assert page.status == 422
    assert page.one("#email-error")
    assert count(User) == 1
    user = only_user()
    assert (user.name, user.credentials[0].secret) == ("Aya Sato", before)
    assert count(SignIn) == 0
    assert visit.get("/dashboard").path == "/login"


@pytest.mark.parametrize(
    "typed",
    ["AYA@Example.JP", "  aya@example.jp ", "ａｙａ＠ｅｘａｍｐｌｅ．ｊｐ", "aya@EXAMPLE.jp\u3000"],
)
def test_an_address_is_one_however_it_is_typed(app: Flask, visit: Visitor, typed: str) -> None:
    sign_up(visit, email=typed)
    assert only_user().email == "aya@example.jp"
    assert sign_up(Visitor(InProcess(app)), email="aya@example.jp").status == 422
    assert sign_in(Visitor(InProcess(app)), typed, PASSWORD).path == "/dashboard"


def test_a_name_is_kept_as_typed_in_one_line(app: Flask, visit: Visitor) -> None:
    sign_up(visit, name="  Ａｙａ　Sato\r\nBcc: x\x00 ")
    assert only_user().name == "Ａｙａ　Sato Bcc: x"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 121),
        ("email", ""),
        ("email", "nobody"),
        ("email", "a@b"),
        ("email", "日本@example.jp"),  # most mail servers would not take it
        ("email", "aya@example.jp, ken@example.com"),
        ("email", f"{'a' * 250}@example.jp"),
        ("password", "short"),
        ("password", "x" * 513),
    ],
)
def test_what_is_wrong_is_told_at_its_field_and_the_rest_is_kept(
    app: Flask, visit: Visitor, field: str, value: str
) -> None:
    page = sign_up(visit, **{field: value})
    assert page.status == 422
    assert page.one(f"#{field}-error")
    assert page.one("title").get_text().startswith("Error:")
    kept = dict(page.form_to("/signup").fields)
    assert kept["name" if field != "name" else "email"] != ""
    assert kept["password"] == ""  # never sent back
    assert count(User) == 0


def test_an_international_domain_is_kept_in_its_ascii_spelling(app: Flask, visit: Visitor) -> None:
    assert sign_up(visit, email="aya@例え.jp").path == "/dashboard"
    assert only_user().email == "aya@xn--r8jz45g.jp"


def test_a_password_may_be_anything_of_eight_characters(app: Flask, visit: Visitor) -> None:
    sign_up(visit, password="パスワード です")
    assert (
        sign_in(Visitor(InProcess(app)), "aya@example.jp", "パスワード です").path == "/dashboard"
    )


@pytest.mark.usefixtures("costly_passwords")
def test_a_password_lies_in_the_database_as_argon2id(app: Flask) -> None:
    user = service.sign_up("aya@example.jp", PASSWORD, "Aya", locale="en", timezone="UTC")
    assert user.credentials[0].secret.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert service.hash_password(PASSWORD) != user.credentials[0].secret


@pytest.mark.usefixtures("costly_passwords")
def test_an_old_hash_is_renewed_at_sign_in(app: Flask) -> None:
    host = make_host(password_hash=PasswordHasher(time_cost=1, memory_cost=64).hash(PASSWORD))
    assert service.authenticate(host.email, PASSWORD)
    assert "m=65536,t=3" in host.credentials[0].secret
    assert service.authenticate(host.email, PASSWORD)


def test_a_wrong_password_and_an_unknown_address_look_the_same(app: Flask) -> None:
    make_host()
    wrong = sign_in(Visitor(InProcess(app)), "aya@example.jp", "not the password")
    unknown = sign_in(Visitor(InProcess(app)), "ken@example.com", "not the password")
    assert wrong.status == unknown.status == 422
    assert wrong.text == unknown.text
    assert wrong.one("#password-error").get_text() == unknown.one("#password-error").get_text()


def test_a_disabled_host_looks_unknown_and_is_signed_out_everywhere(app: Flask) -> None:
    host = make_host()
    aya = visit_as(app, host)
    assert aya.get("/dashboard").path == "/dashboard"
    host.disabled_at = utcnow()
    db.session.commit()
    assert aya.get("/dashboard").path == "/login"
    disabled = sign_in(Visitor(InProcess(app)), "aya@example.jp", PASSWORD)
    unknown = sign_in(Visitor(InProcess(app)), "ken@example.com", PASSWORD)
    assert (disabled.status, disabled.text) == (unknown.status, unknown.text)


def test_signing_out_deletes_the_session_and_a_copied_cookie_is_dead(app: Flask) -> None:
    host = make_host()
    aya, other_browser = visit_as(app, host), visit_as(app, host)
    assert isinstance(aya.transport, InProcess)
    stolen = aya.transport.client.get_cookie("calsync", domain="127.0.0.1")
    assert stolen is not None
    assert aya.get("/dashboard").form_to("/logout").send().path == "/login"
    assert count(SignIn) == 1
    thief = InProcess(app)
    thief.client.set_cookie("calsync", stolen.value, domain="127.0.0.1")
    assert Visitor(thief).get("/dashboard").path == "/login"
    assert other_browser.get("/dashboard").path == "/dashboard"


def test_the_database_keeps_the_fingerprint_of_a_sessions_token_only(app: Flask) -> None:
    token = session_token(visit_as(app, make_host()))
    row = db.session.scalars(select(SignIn)).one()
    assert row.token_hash != token
    assert token not in str(vars(row))
    assert len(token) >= 43


def test_each_sign_in_has_a_token_of_its_own(app: Flask) -> None:
    make_host()
    browser = Visitor(InProcess(app))
    sign_in(browser, "aya@example.jp", PASSWORD)
    first = session_token(browser)
    browser.get("/dashboard").form_to("/logout").send()
    sign_in(browser, "aya@example.jp", PASSWORD)
    assert session_token(browser) != first


def test_a_new_admin_password_signs_every_browser_out(app: Flask) -> None:
    aya = visit_as(app, make_host())
    service.promote(only_user(), "another password")
    assert aya.get("/dashboard").path == "/login"
    assert only_user().is_admin


@pytest.mark.parametrize(
    "path", ["/settings", "/dashboard/bookings?tab=past", "/dashboard/pages/new"]
)
def test_a_stranger_comes_back_to_where_they_were_going(
    app: Flask, visit: Visitor, path: str
) -> None:
    make_host()
    door = visit.get(path)
    assert door.path == "/login"
    page = door.form_to("/login").send(email="aya@example.jp", password=PASSWORD)
    assert page.url.endswith(path)


def test_the_wish_goes_along_to_the_sign_up(app: Flask, visit: Visitor) -> None:
    page = visit.get("/login?next=/settings").open('main a[href^="/signup"]')
    sent = {"name": "Aya", "email": "aya@example.jp", "password": PASSWORD}
    assert page.form_to("/signup").send(**sent).path == "/settings"


@pytest.mark.parametrize(
    "wish",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "\\/evil.example",
        "/ok\\..\\evil",
        "///evil.example",
        "/\t/evil.example",
        "/\r\nLocation: https://evil.example",
        " //evil.example",
        "javascript:alert(1)",
        "evil.example",
        "",
    ],
)
def test_a_wish_never_leads_off_the_site(app: Flask, wish: str) -> None:
    aya = visit_as(app, make_host())
    for path in ("/login", "/signup"):
        answer = aya.transport.send("GET", f"{path}?{urlencode({'next': wish})}", None)
        assert (answer.status, answer.headers["Location"]) == (303, "/dashboard")


def test_a_wish_in_the_form_is_no_freer_than_one_in_the_address(app: Flask) -> None:
    make_host()
    browser = InProcess(app)
    sent = dict(Visitor(browser).get("/login").form_to("/login").fields) | {
        "next": "//evil.example/", "email": "aya@example.jp", "password": PASSWORD,
    }  # fmt: skip
    answer = browser.send("POST", "/login", list(sent.items()))
    assert (answer.status, answer.headers["Location"]) == (303, "/dashboard")


@pytest.mark.parametrize(
    "path", ["/login", "/signup", "/logout", "/settings", "/dashboard/pages/new"]
)
def test_a_form_without_its_token_is_refused(app: Flask, path: str) -> None:
    host = make_host()
    answer = visit_as(app, host).transport.send(
        "POST", path, [("email", "x@example.jp"), ("password", PASSWORD), ("title", "x")]
    )
    assert answer.status == 400
    assert count(User) == 1
    assert count(SignIn) == 1


def test_a_token_of_another_browser_is_refused(app: Flask, visit: Visitor) -> None:
    mallorys = dict(visit.get("/login").form_to("/login").fields)["csrf_token"]
    aya = visit_as(app, make_host())
    assert aya.transport.send("POST", "/logout", [("csrf_token", mallorys)]).status == 400
    assert aya.get("/dashboard").path == "/dashboard"


def test_htmx_is_sent_to_the_door_by_its_own_header(app: Flask) -> None:
    answer = InProcess(app, {"HX-Request": "true"}).send("GET", "/dashboard/bookings", None)
    assert (answer.status, answer.headers["Hx-Redirect"]) == (
        204,
        "/login?next=/dashboard/bookings",
    )
