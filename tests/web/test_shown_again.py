"""Forms that are shown again with everything that was typed, where their views may not run."""

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select

from app.accounts.models import SignIn, User
from app.booking_pages.models import BookingPage
from app.db import db
from tests.conventions.test_routes import rows
from tests.support.cast import PASSWORD, make_host, make_page, visit_as
from tests.support.visitor import Form, InProcess, Visitor
from tests.web.typed import NAMES, NEW, Typed, expect_kept, forms, host, typed_form, visitor_of

__all__ = ["host", "visitor_of"]


@pytest.mark.parametrize("name", [name for name in NAMES if name != "booking"])
def test_an_expired_form_is_shown_again_and_can_be_sent(
    app: Flask, host: User, visitor_of: Callable[[Typed], Visitor], name: str
) -> None:
    typed = forms(app)[name]
    visitor = visitor_of(typed)
    before = rows(app)
    sent = typed.values | {"password": PASSWORD, "csrf_token": "of a session before"}
    page = typed_form(visitor.get(typed.path)).send(**sent)
    assert page.status == 400
    assert "What you typed is still here" in page.one(".kept").get_text()
    expect_kept(page, typed)
    assert rows(app) == before
    # Its token is good: what is wrong with the form itself is told next, or it is done.
    assert typed_form(page).send(password=PASSWORD).status in {200, 422}


@pytest.mark.parametrize("name", ["new page", "page", "time off", "profile"])
@pytest.mark.parametrize("keeps_token", [True, False])
def test_a_sign_in_that_is_over_loses_nothing(
    app: Flask, host: User, name: str, keeps_token: bool
) -> None:
    typed = forms(app)[name]
    aya = visit_as(app, host)
    form = typed_form(aya.get(typed.path))
    db.session.execute(SignIn.__table__.delete())
    db.session.commit()
    if not keeps_token:
        aya.transport.client.delete_cookie("calsync", domain="127.0.0.1")  # type: ignore[attr-defined]
    before = rows(app)
    door = form.send(**typed.values)
    assert door.status == 403
    assert "Sign in, and what you typed is shown again" in door.text
    assert not door.all(".kept")
    assert rows(app) == before
    wrong = typed_form(door).send(email=host.email, password="wrong wrong")
    assert wrong.status == 422
    page = typed_form(wrong).send(email=host.email, password=PASSWORD)
    expect_kept(page, typed)
    assert "You are signed in" in page.one(".kept").get_text()
    assert str(page.one("form#typed")["action"]) == typed.path
    assert page.one("html")["lang"] == "en"
    again = typed_form(page).send()
    assert again.status in {200, 422}
    assert again.path == typed.path or again.path.startswith("/dashboard")


def test_what_one_host_typed_opens_no_page_of_theirs_to_another(app: Flask, host: User) -> None:
    typed = forms(app)["page"]
    aya = visit_as(app, host)
    form = typed_form(aya.get(typed.path))
    db.session.execute(SignIn.__table__.delete())
    db.session.commit()
    door = form.send(**typed.values)
    mallory = make_host("Mallory")
    page = typed_form(door).send(email=mallory.email, password=PASSWORD)
    assert page.path == "/dashboard"
    assert "Room 4" not in page.answer.text


@pytest.mark.parametrize("kept", ["forged", "WyJ4Il0.aaaa.bbbb", ""])
def test_forged_words_are_nobodys(app: Flask, host: User, kept: str) -> None:
    visitor = Visitor(InProcess(app))
    page = typed_form(visitor.get("/login")).send(email=host.email, password=PASSWORD, kept=kept)
    assert page.path == "/dashboard"


def test_without_a_token_nobody_sees_or_changes_a_page_of_aya(app: Flask, host: User) -> None:
    typed = forms(app)["page"]
    before = rows(app)
    mallory = visit_as(app, make_host("Mallory"))
    before = rows(app)
    for extra in ({}, {"lang": "ja"}):
        answer = mallory.post(typed.path, typed.values | extra)
        assert answer.status == 404
        assert "Room 4" not in answer.answer.text
    changed = rows(app)
    assert {table for table in before if before[table] != changed[table]} <= {"users"}


@pytest.mark.parametrize("is_signed_in", [True, False])
def test_what_another_site_filled_in_is_not_shown(
    app: Flask, host: User, is_signed_in: bool
) -> None:
    """It would be one press away from being saved by a host who believes to have typed it."""
    typed = forms(app)["new page"]
    headers = {"Sec-Fetch-Site": "cross-site"}
    visitor = visit_as(app, host, headers) if is_signed_in else Visitor(InProcess(app, headers))
    answer = visitor.post(typed.path, typed.values)
    assert answer.status == 400
    assert "Erstgespräch" not in answer.answer.text
    assert not answer.all("[name=kept]")


def test_a_button_that_has_expired_is_to_be_pressed_again(app: Flask, host: User) -> None:
    page = make_page(host)
    aya = visit_as(app, host)
    answer = aya.post(f"/dashboard/pages/{page.id}/archive", {"csrf_token": "old"})
    assert answer.status == 400
    assert "press the button again" in answer.text
    assert page.archived_at is None


def test_an_expired_row_button_replaces_the_whole_page_for_htmx(app: Flask, host: User) -> None:
    """A part would leave the old token where it is, and each next press would fail as well."""
    aya = visit_as(app, host, {"HX-Request": "true"})
    answer = aya.transport.send(
        "POST", NEW, [("title", "Talk"), ("add", "hours:1"), ("csrf_token", "old")]
    )
    assert answer.status == 400
    assert answer.headers["Hx-Retarget"] == "body"
    assert "<html" in answer.text
    assert 'value="Talk"' in answer.text


def test_every_view_with_a_form_of_fields_shows_it_again(app: Flask) -> None:
    """A new form fails here until somebody has said how it is shown again, or why it need not be."""
    by_buttons_alone = {
        "accounts.choose_language", "accounts.end_session", "booking_pages.set_live",
        "booking_pages.archive", "booking_pages.restore", "time_off.delete",
        "bookings.retry", "reminders.turn_off", "reminders.turn_on", "settings.diagnose", "zoom.disconnect", "resend.again", "failed.retry", "marks.no_show",
        "feed_address.make", "feed_address.end",
    }  # fmt: skip
    not_a_persons = {"zoom_webhook.receive", "public.booked"}
    a_password_alone = {"admin.confirm"}
    for rule in app.url_map.iter_rules():
        if "POST" not in (rule.methods or set()) or rule.endpoint.startswith("rq_dashboard."):
            continue
        draws = hasattr(app.view_functions[rule.endpoint], "draws_again")
        exempt = rule.endpoint in by_buttons_alone | not_a_persons | a_password_alone
        assert draws != exempt, rule.endpoint


def test_connecting_zoom_in_the_form_saves_it_first(app: Flask, host: User) -> None:
    aya = visit_as(app, host)
    page = aya.get(NEW)
    button = page.one("form#typed button[name=then]")
    form = Form(page, page.one("form#typed"), button)
    wrong = form.send(title="", description="Kept")
    assert wrong.status == 422
    assert typed_form(wrong).fields
    assert dict(typed_form(wrong).fields)["description"] == "Kept"
    answer = aya.transport.send("POST", NEW, [
        *[pair for pair in form.fields if pair[0] != "title"], ("title", "Talk"), ("then", "zoom"),
    ])  # fmt: skip
    assert (answer.status, answer.headers["Location"]) == (303, "/zoom/connect")
    assert db.session.scalars(select(BookingPage)).one().title == "Talk"
    # Browsers hold form-action against the redirect that follows as well.
    assert "https://zoom.example" in page.answer.headers["Content-Security-Policy"]
