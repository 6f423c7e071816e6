"""The host books the same client again in two presses: pick a time, confirm it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from app import tasks
from app.accounts.models import User
from app.booking_pages import service as pages
from app.booking_pages.models import BookingPage
from app.bookings import service
from app.bookings.models import Booking
from app.db import db
from app.events import Event
from app.schedules.models import TimeOff
from tests.notifications.rows import text_of
from tests.support.cast import make_booking, make_client, make_host, make_page, visit_as
from tests.support.services import MailServer
from tests.support.visitor import Page, Visitor

OFFICE = [(weekday, 540, 1020) for weekday in range(5)]
NOW = datetime(2026, 11, 25, 3, tzinfo=UTC)  # Wednesday noon in Tokyo
SOON = datetime(2026, 11, 26, 1, tzinfo=UTC)
FAR = datetime(2027, 6, 1, 1, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("noon")


@pytest.fixture
def noon():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def host(app: Flask) -> User:
    return make_host()


@pytest.fixture
def page(host: User) -> BookingPage:
    return make_page(host, hours=OFFICE, notice=1440, horizon_days=10, daily_limit=1, increment=30)


@pytest.fixture
def booking(page: BookingPage) -> Booking:
    return make_booking(page, datetime(2026, 11, 27, 1, tzinfo=UTC), note="The roof")


@pytest.fixture
def aya(app: Flask, host: User) -> Visitor:
    return visit_as(app, host)


def confirm(aya: Visitor, booking: Booking, start: datetime) -> Page:
    return aya.get(f"/dashboard/bookings/{booking.public_id}/rebook/{start:%Y%m%dT%H%M%SZ}")


def latest() -> Booking:
    return db.session.scalars(select(Booking).order_by(Booking.id.desc())).all()[0]


def booked() -> int:
    return db.session.scalar(select(func.count()).select_from(Booking)) or 0


def test_pick_and_confirm_book_the_same_client_in_their_language_and_zone(
    aya: Visitor, booking: Booking, host: User, mails: MailServer
) -> None:
    shown = aya.get(f"/dashboard/bookings/{booking.public_id}")
    picker = shown.follow("Book again for this client")
    day = aya.get(f"{picker.path}?month=2027-06&date=2027-06-01")  # beyond the page's horizon
    question = day.follow("10:00")
    assert question.path.endswith("/rebook/20270601T010000Z")
    assert "Tue 1 Jun 03:00–03:30 Central European Time (Berlin)" in question.text
    done = question.press("Book this time", message="As agreed.\nBring <plans>")
    assert "Booked. Ken Yamada gets an email." in done.text
    made = latest()
    assert done.path == f"/dashboard/bookings/{made.public_id}"
    assert (made.starts_at, made.page_id, made.note) == (FAR, booking.page_id, "")
    names = ("name", "email", "locale", "timezone")
    assert [getattr(made.client, name) for name in names] == [
        getattr(booking.client, name) for name in names
    ]
    assert made.client.token != booking.client.token
    event = db.session.scalars(select(Event).where(Event.subject_id == made.id)).one()
    assert (event.action, event.actor_kind, event.actor_id) == ("booking.made", "host", host.id)
    assert "Booked by you" in done.one("#timeline").get_text()
    for task in made.tasks:
        tasks.run(task.id)
    [mail] = mails.to(made.client.email)
    assert "Aya Sato has booked a time for you.\n\n> As agreed.\n> Bring <plans>\n" in text_of(mail)
    assert "Tuesday 1 June 2027 03:00–03:30" in text_of(mail)
    assert "Bring &lt;plans&gt;" in text_of(mail, "html")
    [own] = mails.to(host.email)
    assert "You have booked a time for Ken Yamada." in text_of(own)
    assert "As agreed" not in text_of(own)


def test_notice_limit_and_horizon_do_not_bind_the_host_and_the_fences_do(
    aya: Visitor, booking: Booking, page: BookingPage
) -> None:
    same_day = booking.starts_at + timedelta(hours=2)  # the daily limit is reached
    for start in (SOON, FAR, same_day):
        assert confirm(aya, booking, start).status == 200
    away = datetime(2026, 11, 30, 1, tzinfo=UTC)
    db.session.add(TimeOff(host_id=page.user_id, starts_at=away, ends_at=away + timedelta(hours=1)))
    db.session.commit()
    evening = SOON.replace(hour=12)
    for start in (booking.starts_at, away, evening, NOW - timedelta(hours=1)):
        lost = confirm(aya, booking, start)
        assert lost.status == 409
        assert "no longer available" in lost.text


def test_a_lost_race_keeps_the_message_and_offers_near_times(
    aya: Visitor, booking: Booking, page: BookingPage
) -> None:
    question = confirm(aya, booking, SOON)
    service.book(page, SOON, make_client(), "k", by_host=service.ByHost())
    lost = question.press("Book this time", message="Until then")
    assert lost.status == 409
    assert lost.one("textarea").get_text().strip() == "Until then"
    near = next(button for button in lost.all("button.time") if "10:30" in button.get_text())
    sent = dict(lost.form("Thu 26 Nov 10:30").fields)
    again = aya.post(str(near["formaction"]), sent | {"message": "Until then"})
    assert again.status == 200
    assert booked() == 2
    again.press("Book this time")
    made = latest()
    assert made.starts_at == SOON + timedelta(minutes=30)
    assert made.opening_change is not None
    assert made.opening_change.words == "Until then"


def test_one_key_books_once_however_often_it_is_pressed(aya: Visitor, booking: Booking) -> None:
    question = confirm(aya, booking, SOON)
    first = question.press("Book this time")
    second = question.press("Book this time")
    assert first.path == second.path
    assert booked() == 2
    address = f"/dashboard/bookings/{booking.public_id}/rebook"
    sent = dict(question.form("Book this time").fields)
    assert aya.post(address, sent | {"form_key": "forged"}).status in {409, 422}
    assert aya.post(address, sent | {"start": "soon"}).status == 400
    assert booked() == 2


def test_what_is_too_long_or_was_changed_meanwhile_is_told(
    aya: Visitor, booking: Booking, page: BookingPage
) -> None:
    question = confirm(aya, booking, SOON)
    long = question.press("Book this time", message="x" * 1001)
    assert long.status == 422
    draft = pages.draft_of(page)
    pages.update_page(page, replace(draft, columns=draft.columns | {"duration": 60}))
    changed = question.press("Book this time", message="Mine")
    assert changed.status == 409
    assert "changed meanwhile" in changed.one(".summary").get_text()
    assert changed.one("textarea").get_text().strip() == "Mine"
    changed.press("Book this time")
    assert latest().duration == 60


def test_a_page_that_is_off_books_for_its_host_and_an_archived_one_for_nobody(
    aya: Visitor, booking: Booking, page: BookingPage
) -> None:
    pages.set_live(page, False)
    confirm(aya, booking, SOON).press("Book this time")
    assert booked() == 2
    pages.archive(page)
    picker = aya.get(f"/dashboard/bookings/{booking.public_id}/rebook")
    assert "archived" in picker.text
    assert not picker.all("a.time")
    assert confirm(aya, booking, FAR).status == 409


def test_another_hosts_booking_is_not_there(app: Flask, booking: Booking) -> None:
    mallory = visit_as(app, make_host("Mallory"))
    assert confirm(mallory, booking, SOON).status == 404
    assert mallory.get(f"/dashboard/bookings/{booking.public_id}/rebook").status == 404


def test_the_languages_button_keeps_the_message(aya: Visitor, booking: Booking) -> None:
    question = confirm(aya, booking, SOON)
    button = question.one("header button[name=lang]")
    sent = dict(question.form("Book this time").fields) | {"message": "Mine", "lang": "ja"}
    again = aya.post(str(button["formaction"]), sent)
    assert again.one("html")["lang"] == "ja"
    assert again.one("textarea").get_text().strip() == "Mine"
    assert booked() == 1


def test_the_picker_answers_htmx_with_the_month_alone(
    app: Flask, host: User, booking: Booking
) -> None:
    htmx = visit_as(app, host, {"HX-Request": "true"})
    part = htmx.get(f"/dashboard/bookings/{booking.public_id}/rebook?month=2027-06")
    assert not part.all("html")
    assert part.one("#when")
    assert not part.all("[hx-swap-oob]")
