"""Who cancels says why: the other side reads it by mail, and both see it on their pages."""

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import text

from app import tasks
from app.accounts.models import User
from app.bookings import service
from app.bookings.models import WORDS_LENGTH, Booking
from app.db import db
from tests.notifications.rows import calendars, text_of
from tests.support.cast import make_booking, make_host, make_page, visit_as
from tests.support.services import MailServer
from tests.support.visitor import Page, Visitor

WORDS = "My train stands still.\nSorry <b> & 申し訳ありません"


@pytest.fixture
def host(app: Flask) -> User:
    return make_host()


@pytest.fixture
def booking(host: User) -> Booking:
    return make_booking(make_page(host))


@pytest.fixture
def ask(app: Flask, host: User, booking: Booking) -> Callable[[str], Page]:
    """The question as a party sees it."""

    def open_question(by: str) -> Page:
        if by == "host":
            return visit_as(app, host).get(f"/dashboard/bookings/{booking.public_id}/cancel")
        visitor: Visitor = visit_as(app, make_host("Ken"))
        return visitor.get(f"/booking/{booking.client.token}/cancel")

    return open_question


FIELDS = {"client": "reason", "host": "message"}


@pytest.mark.parametrize("by", FIELDS)
def test_the_other_side_reads_the_words_and_both_pages_show_them(
    app: Flask,
    host: User,
    booking: Booking,
    ask: Callable[[str], Page],
    mails: MailServer,
    visit: Visitor,
    by: str,
) -> None:
    ask(by).press("Cancel booking", **{FIELDS[by]: WORDS.replace("\n", "\r\n") + "  "})
    assert (booking.cancelled_by, booking.parting_words) == (by, WORDS)
    for task in booking.tasks:
        tasks.run(task.id)
    told = {"host": host.email, "client": booking.client.email}
    for party, address in told.items():
        mail = mails.to(address)[-1]
        is_told = party != by
        quoted = "> My train stands still.\n> Sorry <b> & 申し訳ありません\n"
        assert (quoted in text_of(mail)) is is_told
        as_html = "stands still.<br>Sorry &lt;b&gt; &amp; 申し訳ありません"
        assert (as_html in text_of(mail, "html")) is is_told
        assert all(b"train" not in calendar for calendar in calendars(mail))
    pages = (
        visit_as(app, host).get(f"/dashboard/bookings/{booking.public_id}"),
        visit.get(f"/booking/{booking.client.token}"),
    )
    for page in pages:
        assert page.one("blockquote").get_text() == WORDS


@pytest.mark.parametrize("by", FIELDS)
def test_too_many_words_are_told_and_kept(
    booking: Booking, ask: Callable[[str], Page], by: str
) -> None:
    long = "あ" * (WORDS_LENGTH + 1)
    page = ask(by).press("Cancel booking", **{FIELDS[by]: long})
    assert page.status == 422
    assert "Use a shorter text" in page.one(".summary").get_text()
    assert page.one("textarea").get_text().strip() == long
    assert booking.is_live
    page.press("Cancel booking", **{FIELDS[by]: long[1:]})
    assert booking.parting_words == long[1:]


@pytest.mark.parametrize("by", FIELDS)
def test_the_languages_button_keeps_them(ask: Callable[[str], Page], by: str) -> None:
    question = ask(by)
    question.one(f"button[form=typed][formaction='{question.path}']")
    sent = dict(question.form("Cancel booking").fields) | {"lang": "ja", FIELDS[by]: WORDS}
    page = question.visitor.post(question.path, sent)
    assert page.one("html")["lang"] == "ja"
    assert page.one("textarea").get_text().strip() == WORDS


def test_no_words_are_none_and_quoted_nowhere(
    app: Flask, host: User, booking: Booking, ask: Callable[[str], Page], mails: MailServer
) -> None:
    ask("client").press("Cancel booking", reason="  \u200b ")
    assert (booking.is_live, booking.parting_words) == (False, None)
    for task in booking.tasks:
        tasks.run(task.id)
    assert "\n>" not in text_of(mails.to(host.email)[-1])
    shown = visit_as(app, host).get(f"/dashboard/bookings/{booking.public_id}")
    assert not shown.all("blockquote")


def test_the_second_to_cancel_changes_no_words(booking: Booking) -> None:
    service.cancel(booking, by="host", words="First")
    service.cancel(booking, by="client", words="Second")
    assert (booking.cancelled_by, booking.parting_words) == ("host", "First")


def test_words_are_sealed_in_the_database(booking: Booking) -> None:
    service.cancel(booking, by="client", words=WORDS)
    rows = str(db.session.execute(text("SELECT * FROM changes")).all())
    rows += str(db.session.execute(text("SELECT * FROM events")).all())
    assert "train" not in rows
