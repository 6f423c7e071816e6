"""Reminders are planned with a booking, and move and fall with it."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from flask import Flask
from sqlalchemy import event, select

from app import outbox
from app.accounts.models import User
from app.bookings import followups, provision, resend, service
from app.bookings.models import Booking
from app.bookings.provision import MadeMeeting
from app.bookings.reminders import Reminder, reminder_of
from app.core.clock import utcnow
from app.db import db
from app.desk.listing import mail_state, worst_failure
from app.outbox import State, Task
from app.tasks import sweep
from tests.support.cast import make_booking, make_host, make_page, tomorrow, visit_as
from tests.support.visitor import InProcess, Visitor

BOTH = [("client", 1440), ("client", 60), ("host", 10)]
TO_CLIENT, TO_HOST = "mail.attendee.reminder", "mail.host.reminder"


@pytest.fixture
def host(app: Flask) -> User:
    return make_host()


def reminders_of(booking: Booking) -> list[Task]:
    db.session.expire_all()
    asked = select(Task).where(followups.reminders_of(booking.id)).order_by(Task.due_at)
    return list(db.session.scalars(asked))


def planned(booking: Booking) -> list[tuple[str, datetime]]:
    return [(one.kind, one.due_at) for one in reminders_of(booking) if one.state == State.WAITING]


def move(booking: Booking, start: datetime) -> None:
    """What a move does about reminders: the old ones called off, new ones planned, one commit."""
    booking.starts_at, booking.ends_at = start, start + timedelta(minutes=30)
    booking.ical_sequence += 1
    outbox.call_off_waiting(followups.reminders_of(booking.id))
    db.session.add_all(followups.reminders(booking))
    db.session.commit()


def test_each_moment_that_is_to_come_has_a_task_of_its_own(host: User) -> None:
    start = utcnow().replace(microsecond=0) + timedelta(hours=30)
    booking = make_booking(make_page(host, reminders=BOTH), _on_the_hour(start))
    start = booking.starts_at
    assert planned(booking) == [
        (TO_CLIENT, start - timedelta(days=1)),
        (TO_CLIENT, start - timedelta(hours=1)),
        (TO_HOST, start - timedelta(minutes=10)),
    ]
    assert {one.attendee_id for one in reminders_of(booking)} == {booking.client.id, None}
    found = [reminder_of(one.dedupe_key) for one in reminders_of(booking)]
    assert found[0] == Reminder(start, 1440, 0)


def _on_the_hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def test_nothing_is_reminded_whose_moment_was_over_when_it_was_booked(host: User) -> None:
    page = make_page(host, reminders=BOTH)
    start = _on_the_hour(utcnow() + timedelta(hours=5))
    assert [lead for lead, _at in _leads(make_booking(page, start))] == [60, 10]
    with time_machine.travel(start + timedelta(hours=2, minutes=55), tick=False):
        late = make_booking(page, start + timedelta(hours=3))
    assert reminders_of(late) == []


def _leads(booking: Booking) -> list[tuple[int, datetime]]:
    tasks = reminders_of(booking)
    return [(int(one.dedupe_key.rpartition(":")[2]), one.due_at) for one in tasks]


def test_a_page_without_reminders_plans_none_and_old_pages_are_as_before(host: User) -> None:
    assert reminders_of(make_booking(make_page(host))) == []


def test_booking_with_reminders_reads_nothing_more(host: User) -> None:
    statements: list[str] = []

    def listen(*args: object) -> None:
        if str(args[2]).startswith("SELECT"):
            statements.append(str(args[2]))

    plain, with_reminders = make_page(host), make_page(host, reminders=BOTH)
    for page in (plain, with_reminders):  # the first of each reads what is kept
        make_booking(page, tomorrow(3 if page is plain else 4))
    counts = []
    event.listen(db.engine, "before_cursor_execute", listen)
    try:
        for page, hour in ((plain, 5), (with_reminders, 6)):
            db.session.remove()
            statements.clear()
            make_booking(page, tomorrow(hour))
            counts.append(len(statements))
    finally:
        event.remove(db.engine, "before_cursor_execute", listen)
    assert counts[0] == counts[1] > 0


@pytest.mark.parametrize(("day", "hours"), [("2026-10-25", 24), ("2026-03-29", 24)])
def test_a_day_before_is_24_hours_whatever_the_clocks_do(host: User, day: str, hours: int) -> None:
    zone = ZoneInfo("Europe/Berlin")
    start = datetime.fromisoformat(f"{day}T10:00").replace(tzinfo=zone).astimezone(UTC)
    with time_machine.travel(start - timedelta(days=9), tick=False):
        booking = make_booking(make_page(host, reminders=[("client", 1440)]), start)
        [(_kind, due_at)] = planned(booking)
    assert start - due_at == timedelta(hours=hours)
    assert due_at.astimezone(zone).hour == (11 if day == "2026-10-25" else 9)


def test_a_cancelled_booking_is_reminded_of_no_more(host: User) -> None:
    booking = make_booking(make_page(host, reminders=BOTH), tomorrow(1) + timedelta(days=2))
    service.cancel(booking, by="client")
    assert {one.state for one in reminders_of(booking)} == {State.CANCELLED}
    assert followups.reminders(booking) == []


def test_a_moved_booking_is_reminded_of_at_its_new_time_even_where_it_moves_back(
    host: User,
) -> None:
    first = tomorrow(1) + timedelta(days=2)
    booking = make_booking(make_page(host, reminders=[("client", 60)]), first)
    second = first + timedelta(days=1)
    for start in (second, first, second):
        move(booking, start)
        assert planned(booking) == [(TO_CLIENT, start - timedelta(hours=1))]
    assert len(reminders_of(booking)) == 4


def test_a_link_and_a_corrected_address_leave_reminders_as_they_are(host: User) -> None:
    page = make_page(host, reminders=[("client", 60)], auto_zoom=True)
    booking = make_booking(page, tomorrow(1) + timedelta(days=2))
    confirmations = followups.tellings_of(booking.id)
    outbox.service.change(confirmations, state=State.DONE)
    db.session.commit()
    before = [(one.id, one.due_at, one.state) for one in reminders_of(booking)]
    provision.attach_meeting(booking.public_id, MadeMeeting(1, "https://zoom.example/j/1", None))
    resend.correct_address(booking, "kens.new@example.com")
    assert booking.ical_sequence == 2
    assert [(one.id, one.due_at, one.state) for one in reminders_of(booking)] == before


def test_waiting_reminders_say_nothing_about_how_a_booking_stands(host: User, app: Flask) -> None:
    booking = make_booking(make_page(host, reminders=BOTH), tomorrow(1) + timedelta(days=2))
    outbox.service.change(Task.kind.like("%confirmed"), state=State.DONE)
    db.session.commit()
    db.session.expire_all()
    assert mail_state(booking) == State.DONE
    page = visit_as(app, host).get(f"/dashboard/bookings/{booking.public_id}")
    timeline = page.one(".timeline").get_text(" ", strip=True)
    assert "Reminder to the client: 1 day before planned" in timeline
    assert timeline.count("planned") == 3
    client = Visitor(InProcess(app)).get(f"/booking/{booking.client.token}")
    assert "The confirmation was sent to ken@example.com." in client.text
    assert "We remind you by email 1 day and 1 hour before." in client.text


def test_a_failed_reminder_is_the_least_of_failures(host: User, app: Flask) -> None:
    booking = make_booking(make_page(host, reminders=BOTH), tomorrow(1) + timedelta(days=2))
    outbox.service.change(Task.kind == TO_CLIENT, state=State.FAILED, last_error="smtp_refused")
    outbox.service.change(Task.kind.like("%confirmed"), state=State.DONE)
    db.session.commit()
    db.session.expire_all()
    assert mail_state(booking) == State.DONE
    worst = worst_failure(booking)
    assert worst is not None
    assert worst.kind == TO_CLIENT
    aya = visit_as(app, host)
    assert "A reminder could not be sent" in aya.get("/dashboard").text
    row = aya.get("/dashboard/bookings?tab=attention").one("ul.bookings li").get_text(" ")
    assert "Reminder not sent" in row
    assert "Email failed" not in row
    outbox.service.change(Task.kind == "mail.host.confirmed", state=State.FAILED)
    db.session.commit()
    db.session.expire_all()
    assert worst_failure(booking).kind == "mail.host.confirmed"  # type: ignore[union-attr]


def test_the_sweep_gives_reminders_by_tens_behind_all_else(app: Flask, host: User) -> None:
    page = make_page(host, reminders=[("client", 60)])
    bookings = [make_booking(page, tomorrow(hour) + timedelta(days=1)) for hour in range(12)]
    past = utcnow() - timedelta(minutes=5)
    outbox.service.change(Task.kind == TO_CLIENT, due_at=past)
    outbox.service.change(Task.kind != TO_CLIENT, due_at=utcnow(), enqueued_at=None)
    db.session.commit()
    assert sweep.sweep() == 36
    valkey = outbox.queue._connection(app.extensions["settings"].redis_url)
    jobs = [job.decode() for job in valkey.lrange("rq:queue:reminders", 0, -1)]
    assert [len(job.partition("-")[0].split("_")) for job in jobs] == [10, 2]
    assert outbox.queue.task_ids() == {
        task.id for task in db.session.scalars(select(Task).where(Task.state == State.WAITING))
    }
    assert len(bookings) == 12
