"""Never a double booking, on both databases."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import DBAPIError

from app.accounts.models import User
from app.booking_pages import service as pages
from app.booking_pages.offerings import find
from app.bookings import service
from app.bookings.models import Booking, Hold
from app.db import db
from tests.support.cast import make_booking, make_client, make_host, make_page, tomorrow


def count_bookings() -> int:
    return db.session.scalar(select(func.count()).select_from(Booking)) or 0


def copy_of(hold: Hold | None, **changes: object) -> dict[str, object]:
    """The row as plain values: what a hand would type."""
    assert hold is not None
    names = ("booking_id", "host_id", "blocked_from", "blocked_until")
    return {name: getattr(hold, name) for name in names} | changes


def test_a_slot_can_be_booked_once(app: Flask) -> None:
    page = make_page(make_host())
    make_booking(page)
    with pytest.raises(service.SlotTaken):
        make_booking(page)
    assert count_bookings() == 1


def test_an_overlap_across_two_pages_of_one_host_is_refused(app: Flask) -> None:
    host = make_host()
    make_booking(make_page(host, duration=60), tomorrow(1))
    with pytest.raises(service.SlotTaken):
        make_booking(make_page(host, duration=30), tomorrow(1, 30))


def test_bookings_that_touch_both_stand(app: Flask) -> None:
    page = make_page(make_host())
    make_booking(page, tomorrow(1))
    make_booking(page, tomorrow(1, 30))
    assert count_bookings() == 2


def test_buffers_are_kept_free(app: Flask) -> None:
    page = make_page(make_host(), buffer_after=15, increment=15)
    make_booking(page, tomorrow(1))
    with pytest.raises(service.SlotTaken):
        make_booking(page, tomorrow(1, 30))
    make_booking(page, tomorrow(1, 45))


def test_two_hosts_do_not_disturb_each_other(app: Flask) -> None:
    make_booking(make_page(make_host()))
    make_booking(make_page(make_host("Mallory")))
    assert count_bookings() == 2


def test_a_hand_typed_overlapping_insert_is_refused_by_the_database(app: Flask) -> None:
    booking = make_booking(make_page(make_host()))
    held = copy_of(booking.hold)
    for shift in (-29, 0, 29):
        minutes = timedelta(minutes=shift)
        shifted = held | {
            "blocked_from": booking.starts_at + minutes, "blocked_until": booking.ends_at + minutes
        }  # fmt: skip
        with pytest.raises(DBAPIError):
            db.session.execute(insert(Hold).values(shifted))
        db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(Hold)) == 1


def test_an_update_into_an_overlap_is_refused_by_the_database(app: Flask) -> None:
    page = make_page(make_host())
    make_booking(page, tomorrow(1))
    second = make_booking(page, tomorrow(2))
    hour = timedelta(hours=1)
    moved = update(Hold).where(Hold.booking_id == second.id)
    for values in (
        {"blocked_from": second.starts_at - hour, "blocked_until": second.ends_at - hour},
        {"blocked_from": second.starts_at - hour},
    ):
        with pytest.raises(DBAPIError):
            db.session.execute(moved.values(values))
        db.session.rollback()
    db.session.execute(moved.values(blocked_until=second.ends_at + hour))  # its own place is free


def test_holding_the_time_of_a_cancelled_booking_again_over_another_is_refused(app: Flask) -> None:
    page = make_page(make_host())
    first = make_booking(page)
    service.cancel(first, by="client")
    make_booking(page)
    second = db.session.scalars(select(Hold)).one()
    with pytest.raises(DBAPIError):
        db.session.execute(insert(Hold).values(copy_of(second, booking_id=first.id)))
    db.session.rollback()


def test_sqlite_refuses_an_instant_in_another_form(app: Flask, engine: str) -> None:
    if engine != "sqlite":
        pytest.skip("PostgreSQL compares instants, not text")
    booking = make_booking(make_page(make_host()))
    with pytest.raises(DBAPIError, match="instants are kept as"):
        db.session.connection().exec_driver_sql(
            "UPDATE holds SET blocked_from = '2026-12-01T00:35:00Z' WHERE booking_id = ?",
            (booking.id,),
        )
    db.session.rollback()


def test_a_cancelled_slot_is_free_at_once(app: Flask) -> None:
    page = make_page(make_host())
    service.cancel(make_booking(page), by="client")
    make_booking(page)
    assert count_bookings() == 2


def test_the_same_key_gives_the_same_booking(app: Flask) -> None:
    page = make_page(make_host())
    first = make_booking(page, key="pressed-twice")
    again = make_booking(page, key="pressed-twice")
    assert first.id == again.id
    assert count_bookings() == 1


def test_a_time_outside_the_hours_books_nothing(app: Flask) -> None:
    page = make_page(make_host(), hours=[])
    with pytest.raises(service.OutsideHours):
        make_booking(page)
    assert count_bookings() == 0


def test_a_time_off_the_grid_books_nothing(app: Flask) -> None:
    page = make_page(make_host())
    with pytest.raises(service.OutsideHours):
        make_booking(page, tomorrow(1, 7))


def test_a_page_that_went_off_books_nothing(app: Flask) -> None:
    page = make_page(make_host())
    pages.set_live(page, False)
    with pytest.raises(service.OutsideHours):
        make_booking(page)


def test_the_daily_limit_counts_in_the_hosts_day(app: Flask) -> None:
    page = make_page(make_host(), daily_limit=1, timezone="Asia/Tokyo")
    make_booking(page, tomorrow(1))  # 10:00 in Tokyo
    with pytest.raises(service.OutsideHours):
        make_booking(page, tomorrow(14))  # 23:00 in Tokyo, the same day
    make_booking(page, tomorrow(15))  # 00:00 in Tokyo, the next


def test_a_booking_and_its_tasks_are_one_transaction(app: Flask) -> None:
    booking = make_booking(make_page(make_host(), auto_zoom=True))
    assert [task.kind for task in booking.tasks] == [
        "meeting.create",
        "mail.attendee.confirmed",
        "mail.host.confirmed",
    ]
    with pytest.raises(service.SlotTaken):
        service.book(booking.page, booking.starts_at, make_client(), "another")
    assert len(booking.tasks) == 3


def test_a_page_whose_host_was_deleted_a_moment_ago_offers_nothing(app: Flask) -> None:
    make_page(make_host(), slug="talk")
    page = find("talk").page
    db.session.execute(delete(User))
    db.session.commit()
    with pytest.raises(service.OutsideHours):
        service.book(page, tomorrow(), make_client(), "key")
