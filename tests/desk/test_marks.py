"""The host's own note, the no-show mark, and what stands first when a meeting is near."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from app import tasks
from app.accounts.models import User
from app.bookings import marks
from app.bookings.models import PRIVATE_NOTE_LENGTH, Booking
from app.db import db
from app.events import Event
from app.outbox import Task
from tests.support.cast import (
    connect_zoom,
    give_meeting,
    make_booking,
    make_host,
    make_page,
    move_back,
    visit_as,
)
from tests.support.services import MailServer
from tests.support.visitor import Page, Visitor

NOTE = "Pays late.\n<b>Careful</b> 要注意"


@pytest.fixture
def host(app: Flask) -> User:
    return make_host()


@pytest.fixture
def booking(host: User) -> Booking:
    return make_booking(make_page(host))


def shown(app: Flask, booking: Booking) -> Page:
    return visit_as(app, booking.host).get(f"/dashboard/bookings/{booking.public_id}")


def begin(booking: Booking) -> None:
    """Let it have begun ten minutes ago."""
    move_back(booking, booking.starts_at - datetime.now(UTC) + timedelta(minutes=10))


def test_the_note_is_kept_as_typed_and_is_the_hosts_alone(
    app: Flask, booking: Booking, mails: MailServer, visit: Visitor
) -> None:
    page = shown(app, booking).press("Save note", private_note=NOTE.replace("\n", "\r\n"))
    assert "Saved." in page.text
    assert booking.private_note == NOTE
    assert page.one("#private_note").get_text().strip() == NOTE
    for task in booking.tasks:
        tasks.run(task.id)
    token = booking.client.token
    seen = [
        visit.get(path).answer.text for path in (f"/booking/{token}", f"/booking/{token}/cancel")
    ]
    seen.append(visit.get(f"/booking/{token}/invite.ics").answer.text)
    for address in (booking.client.email, booking.host.email):
        for mail in mails.to(address):
            seen += [
                part.get_payload(decode=True).decode()
                for part in mail.walk()
                if not part.is_multipart()
            ]
    assert len(seen) > 10
    assert not [text for text in seen if "Pays late" in text]
    assert shown(app, booking).press("Save note", private_note="").status == 200
    assert booking.private_note is None


def test_a_note_that_is_too_long_is_told_and_kept(app: Flask, booking: Booking) -> None:
    long = "長" * (PRIVATE_NOTE_LENGTH + 1)
    page = shown(app, booking).press("Save note", private_note=long)
    assert page.status == 422
    assert "Use a shorter text" in page.one(".summary").get_text()
    assert page.one("#private_note").get_text().strip() == long
    assert page.one("title").get_text().startswith("Error")
    assert booking.private_note is None


def test_a_note_of_another_tab_is_shown_beside_and_written_over_only_when_told(
    app: Flask, booking: Booking
) -> None:
    first, second = shown(app, booking), shown(app, booking)
    first.press("Save note", private_note="From the first tab")
    page = second.press("Save note", private_note="From the second tab")
    assert page.status == 409
    assert page.one("#note blockquote").get_text() == "From the first tab"
    assert page.one("#private_note").get_text().strip() == "From the second tab"
    assert booking.private_note == "From the first tab"
    page.press("Save note")
    assert booking.private_note == "From the second tab"


def test_the_languages_button_keeps_the_note(app: Flask, booking: Booking) -> None:
    page = shown(app, booking)
    button = page.one("header button[name=lang]")
    assert button["form"] == "note-form"
    sent = dict(page.form("Save note").fields) | {"private_note": NOTE, "lang": "ja"}
    again = page.visitor.post(str(button["formaction"]), sent)
    assert again.one("html")["lang"] == "ja"
    assert again.one("#private_note").get_text().strip() == NOTE
    assert booking.private_note is None


def test_a_no_show_is_marked_after_the_start_and_taken_back_and_nobody_is_told(
    app: Flask, booking: Booking, visit: Visitor
) -> None:
    begin(booking)
    tasks_before = db.session.scalars(select(Task.id)).all()
    page = shown(app, booking).press("The client did not come")
    assert booking.no_show_at is not None
    assert "The client did not come." in page.text
    assert "Marked as a no-show" in page.one("#timeline").get_text()
    listed = visit_as(app, booking.host).get("/dashboard/bookings")
    assert "No-show" in listed.one("ul.bookings li").get_text()
    assert "come" not in visit.get(f"/booking/{booking.client.token}").text.replace("comes", "")
    page.press("Take the no-show mark back")
    assert booking.no_show_at is None
    assert db.session.scalars(select(Task.id)).all() == tasks_before
    actions = db.session.scalars(select(Event.action).order_by(Event.id)).all()
    assert actions[-2:] == ["booking.no_show", "booking.no_show_taken_back"]


def test_before_the_start_nobody_has_stayed_away(app: Flask, booking: Booking) -> None:
    page = shown(app, booking)
    address = f"/dashboard/bookings/{booking.public_id}/no-show"
    assert address not in page.answer.text
    token = str(page.all("input[name=csrf_token]")[0]["value"])
    page.visitor.post(address, {"csrf_token": token, "is_no_show": "1"})
    assert booking.no_show_at is None
    begin(booking)
    assert page.visitor.post(address, {"csrf_token": token, "is_no_show": "x"}).status == 400
    booking.status = "cancelled"
    db.session.commit()
    with pytest.raises(marks.NotYet):
        marks.mark_no_show(booking, True)


def test_pressing_twice_marks_once(booking: Booking) -> None:
    begin(booking)
    marks.mark_no_show(booking, True)
    at = booking.no_show_at
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=1)):
        marks.mark_no_show(booking, True)
    assert booking.no_show_at == at
    assert len([a for a in db.session.scalars(select(Event.action)) if "no_show" in a]) == 1


def test_the_mail_is_sent_again_by_a_plain_button(app: Flask, booking: Booking) -> None:
    form = shown(app, booking).form("Send the email again")
    assert form.form.find_parent("details") is None


@pytest.mark.parametrize("scopes", ["meeting:read:meeting meeting:write:meeting", "meeting:write"])
def test_the_start_stands_first_when_the_meeting_is_near_and_else_behind_the_details(
    app: Flask, host: User, booking: Booking, scopes: str
) -> None:
    connect_zoom(host, scopes=scopes)
    give_meeting(booking, join_url="https://zoom.example/j/1")
    may_read = "read" in scopes
    words = "Start meeting" if may_read else "Join the Zoom meeting"
    far = shown(app, booking).answer.text
    assert (words in far) is may_read
    if may_read:
        assert far.index("Reference") < far.index(words)
    move_back(booking, booking.starts_at - datetime.now(UTC) - timedelta(minutes=20))
    near = shown(app, booking)
    assert near.one(".start .button").get_text() == words
    assert near.answer.text.index(words) < near.answer.text.index("Reference")
    move_back(booking, timedelta(minutes=30))
    assert shown(app, booking).one(".start .button").get_text() == words
    move_back(booking, timedelta(minutes=30))
    assert not shown(app, booking).all(".start")
