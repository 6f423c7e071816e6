"""Two tabs on one row: the older one undoes nothing unasked, and loses nothing."""

from collections.abc import Callable
from datetime import date

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.accounts import service as accounts
from app.accounts.models import User
from app.booking_pages import service
from app.booking_pages.models import BookingPage, PageHours, PageOverride
from app.db import db
from tests.booking_pages.test_once import press_at_once, sent
from tests.support.cast import make_page, visit_as
from tests.support.together import at_once
from tests.support.visitor import Form, Page, Visitor

WEEK = [(0, 540, 1020), (1, 540, 1020)]
CLOSED_DAY = [(date(2030, 12, 24), None, None)]


@pytest.fixture
def page(app: Flask, host: User) -> BookingPage:
    return make_page(host, slug="mine", hours=WEEK, overrides=CLOSED_DAY)


def form_of(visitor: Visitor, page: BookingPage) -> Form:
    path = f"/dashboard/pages/{page.id}"
    return visitor.get(path).form_to(path)


def shown(answer: Page) -> dict[str, tuple[str, str]]:
    """The differences: label to what was typed and what is saved."""
    return {
        row.select("dt")[0].get_text(): tuple(
            " ".join(part.select(".pre")[0].get_text().split()) for part in row.select("dd")
        )  # type: ignore[misc]
        for row in answer.all("#conflict dl")
    }


def test_an_older_tab_is_told_both_values_and_saves_nothing(
    app: Flask, aya: Visitor, page: BookingPage
) -> None:
    old, new = form_of(aya, page), form_of(aya, page)
    assert new.send(title="Newer", overrides__0__date="2030-12-31").status == 200
    answer = old.send(title="Older", description="My words", hours__0__opens="10:00")
    assert answer.status == 409
    assert shown(answer) == {
        "Title": ("Older", "Newer"),
        "Description": ("My words", "empty"),
        "Weekly hours": (
            "Monday 10:00–17:00 Tuesday 09:00–17:00",
            "Monday 09:00–17:00 Tuesday 09:00–17:00",
        ),
        "Date overrides": (
            "Tuesday 24 December 2030 Closed",
            "Tuesday 31 December 2030 Closed",
        ),
    }
    kept = dict(answer.form_to(f"/dashboard/pages/{page.id}").fields)
    assert (kept["title"], kept["description"], kept["hours-0-opens"]) == (
        "Older",
        "My words",
        "10:00",
    )
    assert (page.title, page.description, page.version) == ("Newer", "", 2)
    assert [row.date for row in page.overrides] == [date(2030, 12, 31)]


def test_one_press_saves_ones_own_over_it(app: Flask, aya: Visitor, page: BookingPage) -> None:
    old = form_of(aya, page)
    form_of(aya, page).send(title="Newer", location="Room 4")
    told = old.send(title="Older")
    button = told.one("#conflict button")
    assert button["form"] == told.one("form#typed")["id"]
    assert told.form_to(f"/dashboard/pages/{page.id}").send().status == 200
    assert (page.title, page.location, page.version) == ("Older", "", 3)


def test_one_press_takes_what_is_saved(app: Flask, aya: Visitor, page: BookingPage) -> None:
    old = form_of(aya, page)
    form_of(aya, page).send(title="Newer")
    taken = old.send(title="Older").follow("Take what is saved")
    assert dict(taken.form_to(taken.path).fields)["title"] == "Newer"
    assert taken.form_to(taken.path).send(location="Room 4").status == 200
    assert (page.title, page.location, page.version) == ("Newer", "Room 4", 3)


def test_rows_added_in_an_older_tab_keep_its_version(
    app: Flask, aya: Visitor, page: BookingPage
) -> None:
    path = f"/dashboard/pages/{page.id}"
    old = form_of(aya, page)
    form_of(aya, page).send(title="Newer")
    more = aya.post(path, [*old.fields, ("add", "hours:3")])
    assert more.form_to(path).send().status == 409
    wrong = old.send(title="")
    assert wrong.status == 422
    assert wrong.form_to(path).send(title="Mine").status == 409


def test_turning_a_page_off_meanwhile_is_no_conflict(
    app: Flask, aya: Visitor, page: BookingPage
) -> None:
    old = form_of(aya, page)
    service.set_live(page, False)
    assert old.send(title="Changed").status == 200
    assert (page.title, page.is_live) == ("Changed", False)


@pytest.mark.parametrize("version", ["", "0", "-1", "x", "9" * 5000])
def test_a_version_that_is_nobodys_is_a_conflict(
    app: Flask, aya: Visitor, page: BookingPage, version: str
) -> None:
    assert form_of(aya, page).send(title="Mine", version=version).status == 409


def test_a_form_that_says_no_version_saves(app: Flask, aya: Visitor, page: BookingPage) -> None:
    assert form_of(aya, page).send(title="Mine", version=None).status == 200
    assert page.title == "Mine"


def test_saving_the_same_twice_is_one_save(app: Flask, aya: Visitor, page: BookingPage) -> None:
    form = form_of(aya, page)
    for _ in range(2):
        assert form.send(title="Changed").status == 200
    assert page.version == 2
    form_of(aya, page).send()
    assert page.version == 2


def test_twenty_presses_of_save_double_no_hours(
    app: Flask, aya: Visitor, page: BookingPage
) -> None:
    path = f"/dashboard/pages/{page.id}"
    fields = sent(form_of(aya, page), **{"title": "Changed", "hours-0-opens": "10:00"})
    answers = press_at_once(app, aya, path, fields)
    assert {answer.status for answer in answers} == {303}
    assert [(row.weekday, row.opens, row.closes) for row in page.hours] == [
        (0, 600, 1020),
        (1, 540, 1020),
    ]
    counts = [
        db.session.scalar(select(func.count()).select_from(model))
        for model in (PageHours, PageOverride)
    ]
    assert counts == [2, 1]
    assert page.version == 2


def test_of_different_tabs_at_once_one_saves_and_the_others_are_asked(
    app: Flask, host: User, page: BookingPage
) -> None:
    tabs = [form_of(visit_as(app, host), page) for _ in range(6)]

    def save(tab: Form, number: int) -> Callable[[], int]:
        return lambda: tab.send(title=f"Tab {number}").status

    statuses = at_once(*[save(tab, number) for number, tab in enumerate(tabs)])
    assert sorted(statuses) == [200, 409, 409, 409, 409, 409]
    db.session.expire_all()
    assert page.version == 2


def test_an_older_profile_is_told_both_values(app: Flask, aya: Visitor, host: User) -> None:
    old, new = (aya.get("/settings").form_to("/settings") for _ in range(2))
    new.send(name="Aya Ito")
    told = old.send(timezone="Europe/Berlin")
    assert told.status == 409
    assert shown(told) == {
        "Your name": ("Aya Sato", "Aya Ito"),
        "Time zone": ("Europe/Berlin", "Asia/Tokyo"),
    }
    assert (host.name, host.timezone) == ("Aya Ito", "Asia/Tokyo")
    assert told.form_to("/settings").send().status == 200
    assert (host.name, host.timezone) == ("Aya Sato", "Europe/Berlin")


def test_a_profile_saved_twice_or_after_a_choice_of_language_is_saved(
    app: Flask, aya: Visitor, host: User
) -> None:
    form = aya.get("/settings").form_to("/settings")
    for _ in range(2):
        assert form.send(name="Aya Ito").status == 200
    form = aya.get("/settings").form_to("/settings")
    accounts.set_language(host, "ja")
    assert form.send(name="Aya Abe").status == 200
    assert (host.name, host.locale) == ("Aya Abe", "en")
