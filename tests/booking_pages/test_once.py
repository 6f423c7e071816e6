"""A form that makes something makes it once, however often and by how many hands it is pressed."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.accounts.models import User
from app.booking_pages.models import BookingPage, PageAddress, PageHours
from app.db import db
from app.schedules.models import TimeOff
from tests.support.cast import PASSWORD, make_host, visit_as
from tests.support.together import at_once
from tests.support.visitor import Answer, Form, InProcess, Page, Visitor

NEW = "/dashboard/pages/new"
TIME_OFF = "/dashboard/time-off"
PRESSES = 20


def count(model: type[Any]) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def sent(form: Form, **values: str) -> list[tuple[str, str]]:
    """What a browser sends of a form with these values."""
    return [pair for pair in form.fields if pair[0] not in values] + list(values.items())


def press_at_once(
    app: Flask, visitor: Visitor, path: str, fields: list[tuple[str, str]], times: int = PRESSES
) -> list[Answer]:
    """The answers to the same form, sent by as many browsers that share the visitor's cookies."""
    cookie = visitor.transport.client.get_cookie("calsync", domain="127.0.0.1")  # type: ignore[attr-defined]

    def press() -> Answer:
        transport = InProcess(app)
        transport.client.set_cookie("calsync", cookie.value, domain="127.0.0.1")
        return transport.send("POST", path, fields)

    ends = at_once(*[press] * times)
    db.session.expire_all()
    assert [end for end in ends if not isinstance(end, Answer)] == []
    return ends


@pytest.mark.parametrize("slug", ["", "first-meeting"])
def test_twenty_presses_make_one_page(app: Flask, aya: Visitor, slug: str) -> None:
    fields = sent(aya.get(NEW).form_to(NEW), title="First meeting", slug=slug)
    answers = press_at_once(app, aya, NEW, fields)
    assert (count(BookingPage), count(PageAddress), count(PageHours)) == (1, 1, 5)
    page = db.session.scalars(select(BookingPage)).one()
    assert (page.slug, page.version) == ("first-meeting", 1)
    assert {answer.status for answer in answers} == {303}
    assert {answer.headers["Location"] for answer in answers} == {f"/dashboard/pages/{page.id}"}


def test_a_second_form_makes_a_second_page(app: Flask, aya: Visitor) -> None:
    for _ in range(2):
        assert aya.get(NEW).form_to(NEW).send(title="First meeting").status == 200
    assert count(BookingPage) == 2


def test_a_form_sent_again_with_other_words_asks_and_loses_nothing(
    app: Flask, aya: Visitor
) -> None:
    """Back after saving, a word mended, saved again."""
    form = aya.get(NEW).form_to(NEW)
    form.send(title="Frist meeting", slug="first")
    again = form.send(title="First meeting", slug="first", description="More")
    assert again.status == 409
    shown = again.one("#conflict").get_text(" ")
    assert "First meeting" in shown
    assert "Frist meeting" in shown
    page = db.session.scalars(select(BookingPage)).one()
    saved = again.form_to(f"/dashboard/pages/{page.id}").send()
    assert saved.status == 200
    assert count(BookingPage) == 1
    assert (page.title, page.description, page.version) == ("First meeting", "More", 2)


@pytest.mark.parametrize("key", ["forged", "WyJ4Il0.aaaa.bbbb"])
def test_a_key_that_is_not_ours_shows_the_form_again(app: Flask, aya: Visitor, key: str) -> None:
    page = aya.get(NEW).form_to(NEW).send(title="First meeting", form_key=key)
    assert page.status == 422
    assert "open for too long" in page.one(".kept").get_text()
    assert dict(page.form_to(NEW).fields)["title"] == "First meeting"
    assert page.form_to(NEW).send().status == 200
    assert count(BookingPage) == 1


def test_another_hosts_key_makes_nothing(app: Flask, aya: Visitor) -> None:
    mallorys = dict(visit_as(app, make_host("Mallory")).get(NEW).form_to(NEW).fields)["form_key"]
    assert aya.get(NEW).form_to(NEW).send(title="x", form_key=mallorys).status == 422
    assert count(BookingPage) == 0


def test_title_and_slug_alone_make_a_page_each_time(app: Flask, aya: Visitor) -> None:
    token = dict(aya.get(NEW).form_to(NEW).fields)["csrf_token"]
    for slug in ("one", "two"):
        answer = aya.post(NEW, {"csrf_token": token, "title": "Talk", "slug": slug})
        assert answer.status == 200
    assert count(BookingPage) == 2


def test_twenty_presses_keep_time_off_once(app: Flask, aya: Visitor) -> None:
    fields = sent(
        aya.get(TIME_OFF).form_to(TIME_OFF), first_day="2030-12-24", last_day="", label="Trip"
    )
    answers = press_at_once(app, aya, TIME_OFF, fields)
    assert {answer.status for answer in answers} == {303}
    assert [row.label for row in db.session.scalars(select(TimeOff))] == ["Trip"]


def test_a_form_for_an_account_makes_one_and_every_press_signs_in(app: Flask) -> None:
    visitor = Visitor(InProcess(app))
    fields = sent(
        visitor.get("/signup").form_to("/signup"),
        email="aya@example.jp", name="Aya", password=PASSWORD,
    )  # fmt: skip
    answers = press_at_once(app, visitor, "/signup", fields, times=4)
    said = {(answer.status, answer.headers.get("Location")) for answer in answers}
    # A machine that is busy asks some to come again in five seconds (see passwords.hashing).
    assert (303, "/dashboard") in said
    assert said <= {(303, "/dashboard"), (503, None)}
    [again] = press_at_once(app, visitor, "/signup", fields, times=1)
    assert (again.status, again.headers.get("Location")) == (303, "/dashboard")
    assert count(User) == 1


def test_a_form_for_an_account_opens_nobody_elses(app: Flask, visit: Visitor) -> None:
    make_host("Mallory", email="mallory@example.jp")
    form = visit.get("/signup").form_to("/signup")
    told = form.send(email="mallory@example.jp", name="Aya", password=PASSWORD)
    assert told.status == 422
    assert "has an account already" in told.text
    made: Page = told.form_to("/signup").send(email="aya@example.jp", password="another one")
    assert made.path == "/dashboard"
    # The same form with another password is not the one that made the account.
    other = Visitor(InProcess(app)).get("/signup")
    again = other.form_to("/signup").send(
        form_key=dict(told.form_to("/signup").fields)["form_key"],
        email="aya@example.jp", name="Aya", password="a wrong one",
    )  # fmt: skip
    assert again.status == 422


def test_the_same_form_with_another_address_makes_another_account(
    app: Flask, visit: Visitor
) -> None:
    """Back after a slip in the address: the second one is no duplicate of the first."""
    form = visit.get("/signup").form_to("/signup")
    for email in ("aya@exmaple.jp", "aya@example.jp"):
        assert form.send(email=email, name="Aya", password=PASSWORD).path == "/dashboard"
        visit.get("/dashboard").press("Sign out")
        token = dict(visit.get("/signup").form_to("/signup").fields)["csrf_token"]
        form.form.select_one("[name=csrf_token]")["value"] = token  # type: ignore[index]
    assert count(User) == 2
