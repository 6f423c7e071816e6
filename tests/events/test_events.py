"""The record of who did what: written with each deed, changed by nobody, gone with its account alone."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from app.accounts import service as accounts
from app.accounts.models import User
from app.booking_pages import service as pages
from app.booking_pages.models import BookingPage
from app.bookings import declines, marks, resend, service
from app.bookings.models import Booking
from app.core.clock import utcnow
from app.db import db
from app.events import Action, Actor, Event, record
from app.ical.replies import Reply
from app.schedules import time_off
from app.zoom import removal
from app.zoom import service as zoom
from tests.support.cast import PASSWORD, connect_zoom, make_booking, make_host, make_page, tomorrow
from tests.zoom.steps import grant


@pytest.fixture
def host(app: Flask) -> User:
    return make_host()


def events() -> list[tuple[str, str]]:
    db.session.expire_all()
    found = db.session.scalars(select(Event).order_by(Event.id))
    return [(event.actor_kind, event.action) for event in found]


@pytest.fixture
def event(host: User) -> Event:
    record(Action.ACCOUNT_CHANGED, Actor.HOST, host_id=host.id)
    db.session.commit()
    return db.session.scalars(select(Event)).one()


@pytest.mark.parametrize("values", [{"action": "page.made"}, {"host_id": None}, {"details": {}}])
def test_the_database_refuses_every_change(event: Event, values: dict[str, object]) -> None:
    with pytest.raises(DBAPIError, match="neither changed nor deleted"):
        db.session.execute(update(Event).values(values))
    db.session.rollback()


def test_the_database_refuses_a_deletion_while_the_account_exists(event: Event) -> None:
    with pytest.raises(DBAPIError, match="neither changed nor deleted"):
        db.session.execute(delete(Event))
    db.session.rollback()
    assert len(events()) == 1


def test_sqlite_replaces_no_event_either(event: Event, engine: str) -> None:
    if engine != "sqlite":
        pytest.skip("PostgreSQL has no INSERT OR REPLACE")
    with pytest.raises(DBAPIError, match="neither changed nor deleted"):
        db.session.connection().exec_driver_sql(
            "INSERT OR REPLACE INTO events (id, at, actor_kind, action, subject_kind, details)"
            " VALUES (?, '2026-01-01 00:00:00.000000', 'host', 'page.made', 'page', '{}')",
            (event.id,),
        )
    db.session.rollback()


def test_what_has_gone_already_is_disconnected_once(host: User) -> None:
    connection_id, host_id = connect_zoom(host).id, host.id
    for _ in range(2):
        zoom._delete(connection_id, host_id, Actor.HOST)
    assert events() == [("host", "zoom.disconnected")]


def test_deleting_an_account_takes_its_events_along_and_nobody_elses(event: Event) -> None:
    mallory = make_host("Mallory")
    record(Action.ACCOUNT_CHANGED, Actor.HOST, host_id=mallory.id)
    db.session.commit()
    db.session.execute(delete(User).where(User.id == event.host_id))
    db.session.commit()
    kept = db.session.scalars(select(Event)).all()
    assert [one.host_id for one in kept] == [mallory.id]


def test_deleting_pages_and_bookings_deletes_no_event(host: User) -> None:
    page = make_page(host)
    make_booking(page)
    before = events()
    db.session.execute(delete(BookingPage))
    db.session.commit()
    assert events() == before
    assert len(before) == 2


def test_what_concerns_no_account_may_go_by_retention(app: Flask) -> None:
    record(Action.ZOOM_REMOVED, Actor.ZOOM, host_id=None)
    db.session.commit()
    db.session.execute(delete(Event))
    db.session.commit()
    assert events() == []


def test_an_event_falls_with_its_deed(host: User) -> None:
    page = make_page(host)
    booking = make_booking(page)
    before = events()
    with pytest.raises(service.SlotTaken):
        make_booking(page, booking.starts_at)
    service.cancel(booking, by="client")
    service.cancel(booking, by="client")
    assert events() == [*before, ("client", "booking.cancelled")]


def sign_up() -> None:
    accounts.sign_up("new@example.jp", PASSWORD, "New", locale="en", timezone="UTC")


def decline(booking: Booking, partstat: str) -> bool:
    return declines.hear(Reply(booking.ical_uid, 0, "ken@example.com", partstat, None), utcnow())


DEEDS: dict[str, tuple[Callable[[User], object], str]] = {
    "account.changed": (lambda host: accounts.update_profile(host, "Aya", "UTC", "ja"), "host"),
    "account.taken_over": (lambda host: accounts.promote(host, PASSWORD), "operator"),
    "page.made": (make_page, "host"),
    "page.changed": (
        lambda host: pages.update_page(
            made := make_page(host),
            replace(draft := pages.draft_of(made), columns=draft.columns | {"title": "New"}),
        ),
        "host",
    ),
    "page.turned_off": (lambda host: pages.set_live(make_page(host), False), "host"),
    "page.archived": (lambda host: pages.archive(make_page(host)), "host"),
    "page.restored": (lambda host: pages.restore(make_page(host)), "host"),
    "time_off.added": (lambda host: time_off.add(host, tomorrow(1), tomorrow(2)), "host"),
    "time_off.removed": (
        lambda host: time_off.delete(time_off.add(host, tomorrow(1), tomorrow(2))), "host",
    ),
    "zoom.connected": (lambda host: zoom.link(host.id, grant(1)), "host"),
    "booking.made": (lambda host: make_booking(make_page(host)), "client"),
    "booking.cancelled": (
        lambda host: service.cancel(make_booking(make_page(host)), by="host"), "host",
    ),
    "booking.declined": (
        lambda host: decline(make_booking(make_page(host)), "DECLINED"), "client",
    ),
    "booking.decline_withdrawn": (
        lambda host: [
            decline(booking, partstat)
            for booking in [make_booking(make_page(host))] for partstat in ("DECLINED", "ACCEPTED")
        ],
        "client",
    ),
    "booking.address_corrected": (
        lambda host: resend.correct_address(make_booking(make_page(host)), "k@example.org"), "host",
    ),
}  # fmt: skip


@pytest.mark.parametrize("action", DEEDS)
def test_every_deed_is_recorded_once_with_whose_it_is(host: User, action: str) -> None:
    deed, actor = DEEDS[action]
    deed(host)
    db.session.rollback()
    assert events().count((actor, action)) == 1
    last = db.session.scalars(select(Event).where(Event.action == action)).one()
    assert (last.host_id, last.subject_kind) == (host.id, action.partition(".")[0])
    assert last.subject_id is not None
    assert last.actor_id == (host.id if actor == "host" else None)


def test_a_sign_up_is_recorded_with_its_account(app: Flask) -> None:
    sign_up()
    found = db.session.scalars(select(Event)).one()
    assert (found.action, found.host_id) == ("account.made", db.session.scalar(select(User.id)))


def test_a_removal_at_zoom_is_zooms_deed(host: User) -> None:
    connection = connect_zoom(host, zoom_user_id="aya-at-zoom")
    removal.apply(removal.Removal("aya-at-zoom", connection.authorized_at + timedelta(minutes=1)))
    assert events() == [("zoom", "zoom.removed")]


def test_a_change_of_a_page_names_the_fields_and_not_what_was_typed(host: User) -> None:
    page = make_page(host)
    draft = pages.draft_of(page)
    changed = draft.columns | {"title": "A secret title", "first_day": date(2026, 12, 1)}
    pages.update_page(page, replace(draft, columns=changed, hours=[(0, 540, 600)]))
    last = db.session.scalars(select(Event).where(Event.action == "page.changed")).one()
    assert last.details == {"changed": ["title", "first_day", "hours"]}


def test_no_event_names_anybody(host: User) -> None:
    booking = make_booking(make_page(host, title="Knee pain"), note="My knee hurts")
    resend.correct_address(booking, "other@example.org")
    marks.keep_note(booking, "My knee again", None)
    service.cancel(booking, by="client", words="My knee is better")
    written = str(db.session.execute(text("SELECT * FROM events")).all())
    for word in ("Ken", "ken@", "other@", "Aya", "Knee", "knee", booking.client.token):
        assert word not in written


def test_numbers_of_events_are_not_given_twice(host: User) -> None:
    record(Action.ACCOUNT_CHANGED, Actor.HOST, host_id=host.id)
    db.session.commit()
    last = db.session.scalar(select(Event.id)) or 0
    db.session.execute(delete(User))
    db.session.commit()
    made = db.session.scalar(
        insert(Event)
        .values(actor_kind="system", action="zoom.ended", subject_kind="zoom", details={})
        .returning(Event.id)
    )
    db.session.rollback()
    assert made is not None
    assert made > last
