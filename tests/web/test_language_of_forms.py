"""A form that is half filled in stays so when its reader chooses another language."""

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from bs4 import Tag
from flask import Flask
from sqlalchemy import select

from app.accounts.models import User
from app.bookings.models import Booking
from app.db import db
from tests.conventions.test_routes import rows
from tests.support.cast import PASSWORD, visit_as
from tests.support.visitor import Form, InProcess, Page, Visitor
from tests.web.typed import NAMES, Typed, expect_kept, forms, host, typed_form, visitor_of

__all__ = ["host", "visitor_of"]


def press_language(page: Page, values: dict[str, str]) -> Page:
    """Press the language's button as a browser does: it sends the form that it names."""
    button = page.one("header button[name=lang]")
    assert button["form"] == page.one("form#typed")["id"]
    form = Form(page, page.one("form#typed"), button)
    return form.send(**values)


@pytest.mark.parametrize("name", NAMES)
def test_another_language_keeps_what_was_typed(
    app: Flask, host: User, visitor_of: Callable[[Typed], Visitor], name: str
) -> None:
    typed = forms(app)[name]
    visitor = visitor_of(typed)
    before = rows(app)
    page = press_language(visitor.get(typed.path), typed.values | {"password": PASSWORD})
    assert page.status == 200
    assert page.one("html")["lang"] == "ja"
    assert page.path == typed.path
    expect_kept(page, typed)
    assert not page.all(".summary")
    after = rows(app)
    assert {table for table in before if before[table] != after[table]} <= {"users"}
    assert visitor.get("/support").one("html")["lang"] == "ja"
    # The form that is shown is as good as the one before.
    back = press_language(page, {})
    assert back.one("html")["lang"] == "en"
    expect_kept(back, typed)


def test_the_language_of_an_address_gives_way_to_the_button(app: Flask, host: User) -> None:
    typed = forms(app)["booking"]
    page = Visitor(InProcess(app)).get(f"{typed.path}?lang=en&tz=Asia/Seoul")
    switched = press_language(page, {"note": "My case"})
    assert switched.one("html")["lang"] == "ja"
    assert urlsplit(switched.url).query == "tz=Asia%2FSeoul"
    booked = typed_form(switched).send(name="Ken", email="ken@example.com")
    assert booked.one("html")["lang"] == "ja"
    assert db.session.scalars(select(Booking)).one().note == "My case"


def test_the_chosen_language_is_the_profiles_too(app: Flask, host: User) -> None:
    page = press_language(visit_as(app, host).get("/settings"), {"name": "Aya Ito"})
    saved = typed_form(page).send()
    assert saved.status == 200
    assert (host.name, host.locale) == ("Aya Ito", "ja")


def test_a_language_switch_of_a_lost_time_books_nothing(app: Flask, host: User) -> None:
    typed = forms(app)["booking"]
    form = typed_form(Visitor(InProcess(app)).get(typed.path))
    form.send(name="Mallory", email="m@example.com")
    other = typed_form(Visitor(InProcess(app)).get(typed.path.replace("01", "02")))
    lost = form.page.visitor.post(
        typed.path,
        [("name", "Ken"), ("email", "k@example.com"), ("note", "Mine"), ("key", dict(other.fields)["key"])],
    )  # fmt: skip
    assert lost.status in {409, 422}
    switched = press_language(lost, {"note": "Mine"})
    assert switched.one("html")["lang"] == "ja"
    assert dict(typed_form(switched).fields)["note"] == "Mine"
    assert len(db.session.scalars(select(Booking)).all()) == 1


@pytest.mark.parametrize("name", NAMES)
def test_enter_never_presses_a_language(
    app: Flask, host: User, visitor_of: Callable[[Typed], Visitor], name: str
) -> None:
    """A form's first submit button in the page's order, wherever it stands, is what Enter presses."""
    typed = forms(app)[name]
    page = visitor_of(typed).get(typed.path)
    of_form: list[Tag] = [
        button
        for button in page.all("button[type=submit]")
        if button.get("form") == "typed" or button.find_parent("form", id="typed")
    ]
    assert not of_form[0].has_attr("name")
    assert not of_form[0].has_attr("formaction")
    assert "disabled" not in of_form[0].attrs


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}]
)
def test_another_sites_form_shows_nothing_in_another_language(
    app: Flask, host: User, headers: dict[str, str]
) -> None:
    typed = forms(app)["new page"]
    visitor = visit_as(app, host, headers)
    answer = visitor.post(typed.path, typed.values | {"lang": "ja"})
    assert answer.status == 400
    assert "Erstgespräch" not in answer.answer.text
    db.session.expire_all()
    assert host.locale == "en"
