"""Reminders and the latest time for changes, in the form of a page."""

from collections.abc import Sequence

import pytest
from flask import Flask
from sqlalchemy import select

from app.accounts.models import User
from app.booking_pages.models import BookingPage
from app.booking_pages.offerings import offering_of
from app.db import db
from app.events import Action, Event
from tests.booking_pages.steps import NEW, only_page, page_form, post_new, token
from tests.booking_pages.test_versions import shown
from tests.support.cast import make_page
from tests.support.visitor import Page, Visitor

DEFAULT = [("client", 1440), ("client", 60)]


def kept() -> list[tuple[str, int]]:
    db.session.expire_all()
    return sorted(
        ((row.party, row.minutes) for row in only_page().reminders),
        key=lambda one: (one[0], -one[1]),
    )


def send(aya: Visitor, pairs: Sequence[tuple[str, str]], path: str = NEW) -> Page:
    """These fields, which may come several times, and the form's token."""
    return aya.post(path, [("csrf_token", token(aya)), ("title", "Talk"), *pairs])


def test_a_page_of_a_title_alone_reminds_its_client_a_day_and_an_hour_before(
    app: Flask, aya: Visitor
) -> None:
    post_new(aya, title="Talk", slug="talk")
    assert kept() == DEFAULT
    assert only_page().change_notice == 0


@pytest.mark.parametrize(
    ("pairs", "reminders"),
    [
        ([("client_reminders", "")], []),
        ([("client_reminders", ""), ("client_reminders", "10")], [("client", 10)]),
        (
            [("client_reminders", "60"), ("host_reminders", "10"), ("client_reminders", "60")],
            [("client", 60), ("host", 10)],
        ),
        ([("client_reminders", "７２０")], [("client", 720)]),
        (
            [("client_reminders", ""), ("client_reminders-own", "3"), ("client_reminders-unit", "1440")],
            [("client", 4320)],
        ),
        (
            [("client_reminders", "180"), ("client_reminders-own", "3"), ("client_reminders-unit", "60")],
            [("client", 180)],
        ),
        ([("host_reminders-own", "30"), ("host_reminders-unit", "1440")], [*DEFAULT, ("host", 43_200)]),
        ([("client_reminders-own", ""), ("client_reminders-unit", "60")], DEFAULT),
    ],
)  # fmt: skip
def test_what_is_sent_is_kept_and_what_is_left_out_is_as_offered(
    app: Flask, aya: Visitor, pairs: list[tuple[str, str]], reminders: list[tuple[str, int]]
) -> None:
    assert send(aya, pairs).status == 200
    assert kept() == reminders


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        ([("client_reminders", "0")], "Enter a whole number."),
        ([("client_reminders", "43201")], "1 minute to 30 days"),
        ([("client_reminders", "soon")], "Enter a whole number."),
        ([("client_reminders", "60"), ("client_reminders-own", "-3")], "1 minute to 30 days"),
        (
            [("client_reminders-own", "31"), ("client_reminders-unit", "1440")],
            "1 minute to 30 days",
        ),
        ([("host_reminders", str(n)) for n in range(1, 7)], "Choose at most 5 reminders."),
        ([("change_notice", "-1")], "Choose the latest time for client changes."),
        ([("change_notice", "x")], "Choose the latest time for client changes."),
    ],
)
def test_what_cannot_be_is_told_and_nothing_is_lost(
    app: Flask, aya: Visitor, pairs: list[tuple[str, str]], words: str
) -> None:
    answer = send(aya, [*pairs, ("description", "My words")])
    assert answer.status == 422
    assert words in answer.one(".summary").get_text()
    assert answer.one("textarea[name=description]").get_text().strip() == "My words"
    for name, value in pairs:
        if name.endswith("-own"):
            assert answer.one(f"[name={name}]")["value"] == value
        elif name.endswith("_reminders") and value.isdecimal() and 0 < int(value) <= 43_200:
            assert answer.all(f"[name={name}][value='{value}'][checked]"), value
    assert db.session.scalars(select(BookingPage)).all() == []


def test_a_saved_page_shows_its_own_and_saving_it_unchanged_changes_nothing(
    app: Flask, aya: Visitor, host: User
) -> None:
    reminders = [("client", 4320), ("client", 60), ("host", 7)]
    page = make_page(host, reminders=reminders, change_notice=90)
    shown_page = aya.get(f"/dashboard/pages/{page.id}")
    boxes = {
        (box["name"], box["value"]): box.has_attr("checked")
        for box in shown_page.all("#reminders [type=checkbox]")
    }
    assert {key for key, is_checked in boxes.items() if is_checked} == {
        ("client_reminders", "4320"), ("client_reminders", "60"), ("host_reminders", "7"),
    }  # fmt: skip
    assert ("host_reminders", "1440") in boxes
    assert shown_page.one("#change_notice option[selected]")["value"] == "90"
    assert page_form(aya, page).send().status == 200
    assert kept() == reminders
    assert only_page().version == 1


def test_a_change_of_reminders_counts_as_one_and_rows_that_stay_are_kept(
    app: Flask, aya: Visitor, host: User
) -> None:
    page = make_page(host, slug="mine", reminders=DEFAULT)
    ids = {row.minutes: row.id for row in page.reminders}
    path = f"/dashboard/pages/{page.id}"
    pairs = [("client_reminders", "60"), ("client_reminders", "10"), ("change_notice", "120")]
    send(aya, [("slug", "mine"), *pairs], path)
    assert kept() == [("client", 60), ("client", 10)]
    assert {row.minutes: row.id for row in only_page().reminders}[60] == ids[60]
    assert only_page().version == 2
    assert list(offering_of(page.id).reminders) in (
        [("client", 60), ("client", 10)], [("client", 10), ("client", 60)],
    )  # fmt: skip
    event = db.session.scalars(select(Event).where(Event.action == Action.PAGE_CHANGED)).one()
    assert set(event.details["changed"]) == {"title", "change_notice", "client_reminders"}


def test_an_older_tab_is_told_both_values(app: Flask, aya: Visitor, host: User) -> None:
    page = make_page(host, title="Talk", reminders=DEFAULT)
    old = page_form(aya, page)
    path = f"/dashboard/pages/{page.id}"
    send(aya, [("client_reminders", ""), ("change_notice", "60")], path)
    answer = old.send(change_notice="1440")
    assert answer.status == 409
    assert shown(answer) == {
        "Latest time for client changes": ("1 day before the start", "1 hour before the start"),
        "Reminders to the client": ("1 day and 1 hour before", "none"),
    }
    assert kept() == []


def test_the_form_speaks_japanese(app: Flask, aya: Visitor) -> None:
    page = aya.get(f"{NEW}?lang=ja")
    words = page.one("#reminders").get_text(" ", strip=True)
    for word in ("リマインダー", "1日前", "1時間前", "10分前"):
        assert word in words
