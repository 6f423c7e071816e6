"""A booking keeps what was agreed; a form that shows other terms than the page has books nothing."""

from dataclasses import replace
from datetime import timedelta

import pytest
import responses
from flask import Flask
from sqlalchemy import select

from app import tasks
from app.accounts.models import User
from app.booking_pages import service as pages
from app.booking_pages.models import BookingPage
from app.bookings import service
from app.bookings.models import Booking
from app.core.config import Settings
from app.db import db
from app.outbox import Task
from tests.support.cast import connect_zoom, make_booking, make_host, make_page, tomorrow, visit_as
from tests.support.services import MailServer
from tests.support.visitor import Page, Visitor
from tests.tasks.steps import KEN, text_of, work
from tests.zoom.api_steps import MEETINGS, made

OLD = {"title": "Consultation", "location": "Room 4", "duration": 30, "timezone": "Asia/Tokyo"}
NEW = {"title": "Sales call", "location": "Basement", "duration": 60, "timezone": "Europe/Berlin"}


@pytest.fixture
def page(app: Flask) -> BookingPage:
    return make_page(make_host(), slug="talk", **OLD)


def edit(page: BookingPage, **columns: object) -> BookingPage:
    draft = pages.draft_of(page)
    return pages.update_page(page, replace(draft, columns=draft.columns | columns))


def open_form(visit: Visitor) -> Page:
    return visit.get(f"/b/talk/{tomorrow():%Y%m%dT%H%M%SZ}?tz=UTC")


def send(form: Page) -> Page:
    return form.press("Book this time", name="Ken", email=KEN, note="The roof leaks.")


def test_an_edit_of_the_page_changes_nothing_that_was_agreed(
    app: Flask, page: BookingPage, mails: MailServer, visit: Visitor
) -> None:
    booking = make_booking(page)
    work()
    edit(page, **NEW)
    address = f"/booking/{booking.client.token}"
    seen = {
        "the client's page": visit.get(address).text,
        "the invitation": visit.get(f"{address}/invite.ics").text,
        "the list": visit_as(app, booking.host).get("/dashboard/bookings").text,
        "the host's page": visit_as(app, booking.host)
        .get(f"/dashboard/bookings/{booking.public_id}")
        .text,
    }
    service.cancel(booking, by="host")
    work()
    seen["the cancellation"] = text_of(mails.to(KEN)[-1])
    for where, words in seen.items():
        assert OLD["title"] in words, where
        assert NEW["title"] not in words, where
        assert NEW["location"] not in words, where
    assert "Room 4" in seen["the invitation"]
    assert booking.ends_at - booking.starts_at == timedelta(minutes=30)


def test_the_meeting_at_zoom_bears_the_agreed_title_and_length(
    app: Flask, wire: responses.RequestsMock, mails: MailServer
) -> None:
    wire.post(MEETINGS, status=201, json=made())
    host = make_host()
    connect_zoom(host)
    page = make_page(host, auto_zoom=True, **OLD)
    make_booking(page)
    edit(page, **NEW)
    tasks.run(db.session.scalars(select(Task.id).where(Task.kind == "meeting.create")).one())
    asked = wire.calls[-1].request.body
    assert b"Consultation: Ken Yamada" in bytes(asked or b"")
    assert b'"duration": 30' in bytes(asked or b"")
    assert b"Asia/Tokyo" in bytes(asked or b"")


@pytest.mark.parametrize("name", ["title", "location", "duration", "auto_zoom"])
def test_an_open_form_whose_terms_changed_is_shown_the_new_ones_and_books_nothing(
    page: BookingPage, visit: Visitor, name: str
) -> None:
    form = open_form(visit)
    edit(page, **{name: (NEW | {"auto_zoom": True})[name]})
    answer = send(form)
    assert answer.status == 409
    assert "The host has just changed this page" in answer.text
    assert "Nothing is booked yet" in answer.text
    shown = {
        "title": "Sales call",
        "location": "Basement",
        "duration": "1 hour",
        "auto_zoom": "Zoom",
    }
    assert shown[name] in answer.text
    for typed in ("Ken", KEN, "The roof leaks."):
        assert typed in answer.answer.text
    assert db.session.scalars(select(Booking)).all() == []


def test_pressing_once_more_agrees_to_the_new_terms(page: BookingPage, visit: Visitor) -> None:
    form = open_form(visit)
    edit(page, duration=60)
    booked = send(send(form))
    assert booked.status == 200
    booking = db.session.scalars(select(Booking)).one()
    assert (booking.duration, booking.length) == (60, timedelta(hours=1))
    assert booking.note == "The roof leaks."


def test_what_no_client_is_shown_changes_no_terms(page: BookingPage, visit: Visitor) -> None:
    form = open_form(visit)
    edit(page, notice=15, buffer_after=10, daily_limit=9, description="Bring a plan.")
    assert send(form).status == 200
    assert len(db.session.scalars(select(Booking)).all()) == 1


def test_new_terms_that_leave_no_room_are_a_lost_slot(page: BookingPage, visit: Visitor) -> None:
    make_booking(page, tomorrow(1, 30))
    form = open_form(visit)
    edit(page, duration=60)
    answer = send(form)
    assert answer.status == 409
    assert "The roof leaks." in answer.answer.text
    assert "The host has just changed" not in answer.text


def test_the_form_that_has_booked_still_finds_its_booking_after_an_edit(
    page: BookingPage, visit: Visitor
) -> None:
    form = open_form(visit)
    first = send(form)
    edit(page, **NEW)
    again = send(form)
    assert (again.status, again.path) == (200, first.path)
    assert len(db.session.scalars(select(Booking)).all()) == 1


def test_the_organizer_stays_who_invited_whatever_sends_mails_now(
    app: Flask, page: BookingPage, visit: Visitor, change_settings, settings: Settings
) -> None:
    booking = make_booking(page)
    change_settings(mail_from="New name <bookings@elsewhere.example>")
    address = f"/booking/{booking.client.token}/invite.ics"
    assert "mailto:no-reply@calsync.example" in visit.get(address).text.replace("\r\n ", "")
    later = make_booking(make_page(db.session.get_one(User, booking.host_id)), tomorrow(5))
    assert later.organizer_email == "bookings@elsewhere.example"
