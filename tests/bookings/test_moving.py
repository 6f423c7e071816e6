"""A booking gets another time: all of it, or nothing."""

from datetime import timedelta
from functools import partial

import pytest
from flask import Flask
from sqlalchemy import delete, event, func, select, update

from app.accounts.models import User
from app.bookings import marks, moving, service
from app.bookings.models import Booking, Change, Hold
from app.bookings.moving import Barred
from app.core.clock import utcnow
from app.db import db
from app.events import Actor, Event
from app.schedules.models import TimeOff
from tests.support.cast import make_booking, make_host, make_page, move_back, tomorrow
from tests.support.services import MailServer
from tests.support.together import at_once
from tests.tasks.steps import AYA, KEN, event_of, states, text_of, work

CLIENT, HOST = Actor.CLIENT, Actor.HOST
HALF_AN_HOUR = timedelta(minutes=30)


def hold_of(booking: Booking) -> tuple[object, object]:
    db.session.expire_all()
    assert booking.hold is not None
    return booking.hold.blocked_from, booking.hold.blocked_until


def test_the_former_time_is_free_and_the_new_one_taken(app: Flask) -> None:
    page = make_page(make_host(), buffer_before=10, buffer_after=5)
    booking = make_booking(page, tomorrow(3))
    moving.move(booking, tomorrow(6), CLIENT, words="My train is late")
    assert (booking.starts_at, booking.ends_at) == (tomorrow(6), tomorrow(6) + HALF_AN_HOUR)
    assert hold_of(booking) == (tomorrow(5, 50), tomorrow(6, 35))
    assert (booking.version, booking.ical_sequence) == (2, 1)
    [change] = booking.changes
    told = (change.by, change.old_starts_at, change.words, change.sequence)
    assert told == ("client", tomorrow(3), "My train is late", 1)
    assert make_booking(page, tomorrow(3)).is_live
    with pytest.raises(service.SlotTaken):
        make_booking(page, tomorrow(6))
    moved = db.session.scalars(select(Event).where(Event.action == "booking.moved")).one()
    assert (moved.subject_id, moved.actor_kind) == (booking.id, "client")
    assert "train" not in str(moved.details)


def test_it_may_overlap_the_time_it_has(app: Flask) -> None:
    page = make_page(make_host(), duration=60, increment=30)
    booking = make_booking(page, tomorrow(3))
    moving.move(booking, tomorrow(3, 30), HOST)
    assert booking.starts_at == tomorrow(3, 30)


def test_both_get_one_request_for_the_same_event(app: Flask, mails: MailServer) -> None:
    booking = make_booking(make_page(make_host()), tomorrow(3))
    work()
    moving.move(booking, tomorrow(6), HOST, words="A <b>meeting</b> came up\nSorry")
    work()
    for address in (KEN, AYA):
        first, moved = mails.to(address)
        assert event_of(moved)["UID"] == event_of(first)["UID"]
        assert event_of(moved)["SEQUENCE"] == 1
        assert event_of(moved).decoded("DTSTART") == tomorrow(6)
        assert moved["References"] == first["Message-ID"] != moved["Message-ID"]
    to_ken, to_aya = (text_of(mails.to(address)[1]).replace("\r\n", "\n") for address in (KEN, AYA))
    assert "> A <b>meeting</b> came up\n> Sorry" in to_ken
    assert "Aya Sato has moved this booking to another time." in to_ken
    assert "as you asked" in to_aya
    for time in ("04:00–04:30", "07:00–07:30"):  # Ken's zone is Berlin
        assert time in to_ken


def test_what_waited_for_the_former_time_is_called_off(app: Flask, mails: MailServer) -> None:
    booking = make_booking(make_page(make_host()), tomorrow(3))
    moving.move(booking, tomorrow(6), CLIENT)
    moving.move(booking, tomorrow(9), CLIENT)
    work()
    assert [len(mails.to(address)) for address in (KEN, AYA)] == [1, 1]
    assert event_of(mails.to(KEN)[0]).decoded("DTSTART") == tomorrow(9)
    assert states(booking)["mail.attendee.confirmed"] == "cancelled"


def test_a_decline_was_of_the_former_time(app: Flask) -> None:
    booking = make_booking(make_page(make_host()), tomorrow(3))
    booking.client.declined_at = utcnow()
    db.session.commit()
    moving.move(booking, tomorrow(6), CLIENT)
    assert booking.client.declined_at is None


def test_that_nobody_came_was_said_of_the_former_time(app: Flask) -> None:
    booking = make_booking(make_page(make_host()), tomorrow(3))
    move_back(booking, booking.starts_at - utcnow() + timedelta(minutes=10))
    marks.mark_no_show(booking, is_no_show=True)
    moving.move(booking, tomorrow(6), HOST)
    assert booking.no_show_at is None


def test_an_account_that_was_deleted_a_moment_ago_is_no_fault(app: Flask) -> None:
    host = make_host()
    booking = make_booking(make_page(host), tomorrow(3))
    with app.app_context():
        db.session.execute(delete(User).where(User.id == host.id))
        db.session.commit()
    with pytest.raises(moving.CannotMove):
        moving.move(booking, tomorrow(6), CLIENT)


def test_a_second_press_changes_nothing(app: Flask) -> None:
    booking = make_booking(make_page(make_host()), tomorrow(3))
    for _ in range(2):
        moving.move(booking, tomorrow(6), CLIENT, version=1)
    assert (booking.version, len(booking.changes)) == (2, 1)


def refused(booking: Booking, start: object, by: Actor, **more: object) -> Exception:
    """The refusal, after which all is as it was."""
    db.session.expire_all()
    before = (booking.starts_at, booking.version, booking.ical_sequence, hold_of(booking))
    with pytest.raises(Exception) as caught:
        moving.move(booking, start, by, **more)  # type: ignore[arg-type]
    db.session.expire_all()
    after = (booking.starts_at, booking.version, booking.ical_sequence, hold_of(booking))
    assert after == before
    assert db.session.scalar(select(func.count()).select_from(Change)) == 0
    return caught.value


def test_a_time_that_others_have_is_refused(app: Flask) -> None:
    host = make_host()
    booking = make_booking(make_page(host), tomorrow(3))
    make_booking(make_page(host), tomorrow(6))
    for by in (CLIENT, HOST):
        assert isinstance(refused(booking, tomorrow(6), by), service.SlotTaken)
    db.session.add(TimeOff(host_id=host.id, starts_at=tomorrow(8), ends_at=tomorrow(9), label=""))
    db.session.commit()
    for by in (CLIENT, HOST):
        assert isinstance(refused(booking, tomorrow(8), by), service.SlotTaken)


def test_a_time_that_the_page_does_not_offer_is_refused(app: Flask) -> None:
    page = make_page(make_host(), hours=[(day, 0, 720) for day in range(7)])
    booking = make_booking(page, tomorrow(1))
    for by in (CLIENT, HOST):  # 15:00 in Tokyo
        assert isinstance(refused(booking, tomorrow(6), by), service.OutsideHours)


def test_what_only_binds_clients_does_not_bind_the_host(app: Flask) -> None:
    page = make_page(make_host())
    booking, other = make_booking(page, tomorrow(3)), make_booking(page, tomorrow(6))
    page.daily_limit, page.notice = 1, 100_000
    db.session.commit()
    assert isinstance(refused(booking, tomorrow(4), CLIENT), service.OutsideHours)
    moving.move(booking, tomorrow(4), HOST)
    assert booking.starts_at == tomorrow(4) != other.starts_at


def test_its_own_place_in_the_daily_limit_goes_along(app: Flask) -> None:
    page = make_page(make_host(), daily_limit=1)
    booking = make_booking(page, tomorrow(3))
    moving.move(booking, tomorrow(4), CLIENT)
    assert booking.starts_at == tomorrow(4)


def test_what_was_agreed_goes_along(app: Flask) -> None:
    page = make_page(make_host())
    booking = make_booking(page, tomorrow(3))
    page.title, page.duration, page.location = "Something else", 60, "Elsewhere"
    db.session.commit()
    moving.move(booking, tomorrow(6), CLIENT)
    agreed = (booking.title, booking.duration, booking.location, booking.length)
    assert agreed == ("Consultation", 30, "", HALF_AN_HOUR)


def test_a_change_since_the_form_was_shown_is_told(app: Flask) -> None:
    booking = make_booking(make_page(make_host()), tomorrow(3))
    booking.version = 5
    db.session.commit()
    assert isinstance(refused(booking, tomorrow(6), CLIENT, version=4), moving.Stale)
    moving.move(booking, tomorrow(6), CLIENT, version=5)


def why(booking: Booking, by: Actor) -> Barred | None:
    db.session.expire_all()
    return moving.barred_from(booking, by)


def test_who_may_move_until_when(app: Flask) -> None:
    page = make_page(make_host())
    booking = make_booking(page, tomorrow(3))
    assert (why(booking, CLIENT), why(booking, HOST)) == (None, None)
    page.change_notice = 60 * 24 * 3
    db.session.commit()
    assert (why(booking, CLIENT), why(booking, HOST)) == (Barred.NOTICE, None)
    refusal = refused(booking, tomorrow(6), CLIENT)
    assert isinstance(refusal, moving.CannotMove)
    assert refusal.why is Barred.NOTICE
    page.change_notice, page.is_live = 0, False
    db.session.commit()
    assert (why(booking, CLIENT), why(booking, HOST)) == (Barred.PAGE_OFF, None)
    move_back(booking, booking.starts_at - utcnow() + timedelta(minutes=1))
    assert (why(booking, CLIENT), why(booking, HOST)) == (Barred.OVER, None)
    move_back(booking, timedelta(hours=1))
    assert (why(booking, CLIENT), why(booking, HOST)) == (Barred.OVER, Barred.OVER)
    service.cancel(booking, "client")
    assert (why(booking, CLIENT), why(booking, HOST)) == (Barred.CANCELLED, Barred.CANCELLED)


def test_the_database_itself_refuses_what_the_lock_let_pass(app: Flask) -> None:
    """Somebody takes the time by hand, after it was looked up and before it is taken."""
    host = make_host()
    page = make_page(host)
    booking, other = make_booking(page, tomorrow(3)), make_booking(page, tomorrow(9))
    taken = {"blocked_from": tomorrow(6), "blocked_until": tomorrow(7)}
    by_hand = update(Hold).where(Hold.booking_id == other.id).values(**taken)

    def take(*_: object) -> None:
        db.session.connection().execute(by_hand)

    event.listen(db.session, "before_flush", take, once=True)
    with pytest.raises(service.SlotTaken):
        moving.move(booking, tomorrow(6), CLIENT)
    db.session.expire_all()
    assert booking.starts_at == tomorrow(3)
    assert hold_of(booking) == (tomorrow(3), tomorrow(3, 30))


def test_of_twenty_who_move_onto_one_slot_one_moves(app: Flask) -> None:
    page = make_page(make_host())
    numbers = [make_booking(page, tomorrow(1) + n * HALF_AN_HOUR).id for n in range(20)]
    wanted = tomorrow(15)

    def try_to_move(booking_id: int) -> int:
        with app.app_context():
            moving.move(db.session.get_one(Booking, booking_id), wanted, CLIENT, version=1)
        return booking_id

    outcomes = at_once(*(partial(try_to_move, number) for number in numbers))
    [winner] = [outcome for outcome in outcomes if isinstance(outcome, int)]
    assert sum(isinstance(outcome, service.SlotTaken) for outcome in outcomes) == 19
    db.session.expire_all()
    bookings = db.session.scalars(select(Booking).order_by(Booking.id)).all()
    for number, booking in enumerate(bookings):
        kept = tomorrow(1) + number * HALF_AN_HOUR
        assert booking.starts_at == (wanted if booking.id == winner else kept)
        assert hold_of(booking) == (booking.starts_at, booking.ends_at)
