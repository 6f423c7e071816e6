"""One booking's timeline: events and tasks in the order of time, live while something is under way."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from app import tasks
from app.accounts.models import User
from app.bookings import resend, service
from app.bookings.followups import mail_task
from app.bookings.models import Booking, Change
from app.db import db
from app.desk.timeline import DEEDS, timeline_of
from app.events import Action, Actor, record
from app.outbox import Task
from tests.support.cast import make_booking, make_host, make_page, visit_as
from tests.support.services import MailServer
from tests.support.visitor import Page

NOON = datetime(2026, 11, 25, 3, tzinfo=UTC)  # in Tokyo


@pytest.fixture
def host(app: Flask) -> User:
    return make_host()


@pytest.fixture
def booking(host: User) -> Booking:
    with time_machine.travel(NOON, tick=False):
        return make_booking(make_page(host), NOON + timedelta(days=2))


def shown(app: Flask, booking: Booking, path: str = "", **headers: str) -> Page:
    visitor = visit_as(app, booking.host, headers)
    return visitor.get(f"/dashboard/bookings/{booking.public_id}{path}")


def lines(page: Page) -> list[str]:
    return [" ".join(line.get_text(" ").split()) for line in page.all("ol.timeline li")]


def run_all() -> None:
    for task_id in db.session.scalars(select(Task.id).where(Task.state == "waiting")).all():
        tasks.run(task_id)
    db.session.expire_all()


def plan(booking: Booking, kind: str, due_at: datetime) -> None:
    booking.tasks.append(mail_task(booking, kind, f"{kind}:{due_at}", due_at))
    db.session.commit()


def test_deeds_and_tasks_stand_in_the_order_of_time_in_the_hosts_zone(
    app: Flask, booking: Booking, mails: MailServer
) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        clock.shift(60)
        run_all()
        clock.shift(3600)
        resend.send_again(booking, 0)
        clock.shift(60)
        run_all()
        clock.shift(3600)
        service.cancel(booking, by="host", words="I am ill")
        page = shown(app, booking)
    assert lines(page) == [
        "Booked by the client Wed 25 Nov 12:00",
        "Confirmation to the client done Wed 25 Nov 12:01",
        "Confirmation to you done Wed 25 Nov 12:01",
        "Email sent again at your wish Wed 25 Nov 13:01",
        "Confirmation to the client done Wed 25 Nov 13:02",
        "Cancelled by you Wed 25 Nov 14:02",
        "Cancellation to the client waiting",
        "Cancellation to you waiting",
    ]


def test_what_is_planned_stands_at_the_end_and_goes_without_a_word(
    app: Flask, booking: Booking, mails: MailServer
) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        plan(booking, "mail.host.confirmed", NOON + timedelta(days=1, hours=3))
        plan(booking, "mail.attendee.confirmed", NOON + timedelta(days=1))
        run_all()
        page = shown(app, booking)
        assert lines(page)[-2:] == [
            "Confirmation to the client planned Thu 26 Nov 12:00",
            "Confirmation to you planned Thu 26 Nov 15:00",
        ]
        assert page.all("ol.timeline li.planned") == page.all("ol.timeline li")[-2:]
        assert not page.one("#timeline").has_attr("hx-get")
        service.cancel(booking, by="client")
        clock.shift(60)
        run_all()
        after = lines(shown(app, booking))
    assert not [line for line in after if "planned" in line or "no longer needed" in line]


def test_it_looks_again_only_while_something_is_under_way(
    app: Flask, booking: Booking, mails: MailServer
) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        part = shown(app, booking).one("#timeline")
        address = f"/dashboard/bookings/{booking.public_id}/timeline"
        assert (part["hx-get"], part["hx-trigger"]) == (address, "every 2s")
        clock.shift(60)
        again = shown(app, booking, "/timeline", **{"HX-Request": "true"})
        assert again.one("#timeline")["hx-trigger"] == "every 10s"
        assert not again.all("html")
        assert again.one("#details").has_attr("hx-swap-oob")
        run_all()
        rest = shown(app, booking, "/timeline", **{"HX-Request": "true"})
        assert not rest.one("#timeline").has_attr("hx-get")
        # Without a script the same address is the whole page.
        whole = shown(app, booking, "/timeline")
        assert whole.all("html")
        assert lines(whole) == lines(rest)


def test_a_try_that_comes_next_says_when_and_one_that_failed_says_why(
    app: Flask, booking: Booking
) -> None:
    first, second = booking.tasks
    first.attempts, first.due_at = 3, NOON + timedelta(minutes=9)
    second.state, second.last_error = "failed", "smtp_refused"
    second.finished_at = NOON + timedelta(minutes=1)
    db.session.commit()
    with time_machine.travel(NOON + timedelta(minutes=2), tick=False):
        page = shown(app, booking)
    assert lines(page)[-1] == "Confirmation to the client next try Wed 25 Nov 12:09"
    assert "The mail server refused this message" in lines(page)[1]
    assert page.form("Retry")


def test_a_move_tells_the_time_before_and_the_words(app: Flask, booking: Booking) -> None:
    booking.changes.append(
        Change(sequence=1, by="host", words="Sooner?", old_starts_at=booking.starts_at)
    )
    record(
        "booking.moved",  # type: ignore[arg-type]
        Actor.HOST,
        host_id=booking.host_id,
        subject_id=booking.id,
        sequence=1,
    )
    db.session.commit()
    [line] = [line for line in lines(shown(app, booking)) if line.startswith("Moved by you")]
    assert line.endswith("It was on Friday 27 November 2026 at 12:00. Sooner?")


def test_a_booking_older_than_the_events_begins_with_itself(host: User, booking: Booking) -> None:
    older = Booking(
        **{
            name: getattr(booking, name)
            for name in Booking.__table__.columns.keys()  # noqa: SIM118
            if name not in {"id", "public_id", "ical_uid", "idempotency_key", "join_hash"}
        },
        public_id="older",
        ical_uid="older",
        idempotency_key="older",
    )
    db.session.add(older)
    db.session.commit()
    [entry] = timeline_of(older).entries
    assert (str(entry.words), entry.at) == ("Booked by the client", booking.created_at)


def test_every_deed_about_a_booking_has_words() -> None:
    assert {action for action in Action if action.startswith("booking.")} <= set(DEEDS)


def test_another_hosts_timeline_is_not_there(app: Flask, booking: Booking) -> None:
    mallory = visit_as(app, make_host("Mallory"))
    assert mallory.get(f"/dashboard/bookings/{booking.public_id}/timeline").status == 404


def test_the_list_calls_no_mail_on_its_way_that_is_planned(
    app: Flask, booking: Booking, mails: MailServer
) -> None:
    with time_machine.travel(NOON, tick=False):
        listed = visit_as(app, booking.host)
        assert "Sending emails" in listed.get("/dashboard/bookings").text
        plan(booking, "mail.host.confirmed", NOON + timedelta(days=1))
        for task in booking.tasks[:2]:
            tasks.run(task.id)
        assert "Emails sent" in listed.get("/dashboard/bookings").text
