"""The time that bookings hold: always there, never twice, found by an index however long the history."""

from datetime import timedelta
from random import Random

import pytest
from flask import Flask
from sqlalchemy import Connection, delete, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import Executable

from app.bookings import resend, service
from app.bookings.models import Booking, Hold
from app.bookings.openings import _BUSY, LONGEST_BLOCK
from app.core.clock import utcnow
from app.db import db
from app.tasks import sweep
from tests.support.cast import make_booking, make_host, make_page, move_back, tomorrow

QUARTER = timedelta(minutes=15)


def holds() -> int:
    return db.session.scalar(select(func.count()).select_from(Hold)) or 0


def test_a_booking_holds_its_time_with_its_buffers(app: Flask) -> None:
    page = make_page(make_host(), buffer_before=5, buffer_after=10)
    booking = make_booking(page)
    hold = db.session.scalars(select(Hold)).one()
    assert (hold.booking_id, hold.host_id) == (booking.id, page.user_id)
    assert hold.blocked_from == booking.starts_at - timedelta(minutes=5)
    assert hold.blocked_until == booking.ends_at + timedelta(minutes=10)


def test_every_live_booking_to_come_has_its_hold_and_no_cancelled_one_has(app: Flask) -> None:
    page = make_page(make_host())
    bookings = [make_booking(page, tomorrow(hour)) for hour in range(1, 7)]
    for booking in bookings[::2]:
        service.cancel(booking, by="client")
    resend.correct_address(bookings[1], "new@example.com")
    sweep.sweep()
    for booking in db.session.scalars(select(Booking)):
        assert (booking.hold is not None) == booking.is_live
    assert holds() == 3


def test_a_hold_goes_some_days_after_its_booking_is_over_and_the_booking_stays(app: Flask) -> None:
    page = make_page(make_host())
    kept, gone = make_booking(page, tomorrow(1)), make_booking(page, tomorrow(2))
    move_back(kept, timedelta(days=7))
    move_back(gone, timedelta(days=9))
    app.extensions.pop(sweep.FORGET, None)  # it is due, whatever another test has asked for
    sweep.sweep()
    db.session.expire_all()
    assert (kept.hold is not None, gone.hold) == (True, None)
    assert len(db.session.scalars(select(Booking)).all()) == 2


def test_the_database_agrees_with_brute_force_about_what_overlaps(app: Flask) -> None:
    """Random inserts, changes, deletions and re-inserts, typed by hand past all of our code."""
    chance = Random(4711)
    page = make_page(make_host())
    booking = make_booking(page)
    db.session.execute(delete(Hold))
    db.session.commit()
    begin = tomorrow()
    known: dict[int, tuple[int, int]] = {}
    with db.engine.connect() as connection:
        for _ in range(400):
            first = chance.randrange(96)
            span = (first, first + chance.randrange(1, 6))
            mine = chance.choice([*known]) if known and chance.random() < 0.4 else None
            others = [other for hold_id, other in known.items() if hold_id != mine]
            is_free = all(span[1] <= start or end <= span[0] for start, end in others)
            values = {
                "blocked_from": begin + QUARTER * span[0],
                "blocked_until": begin + QUARTER * span[1],
            }
            whose = {"booking_id": booking.id, "host_id": page.user_id}
            if mine is not None and chance.random() < 0.2:
                connection.execute(delete(Hold).where(Hold.id == mine))
                connection.commit()
                del known[mine]
            elif mine is None:
                made = attempt(connection, insert(Hold).values(whose | values).returning(Hold.id))
                assert (made is not None) == is_free
                if made is not None:
                    known[made] = span
            else:
                changed = update(Hold).where(Hold.id == mine).values(values).returning(Hold.id)
                assert (attempt(connection, changed) is not None) == is_free
                if is_free:
                    known[mine] = span
    assert len(known) > 5


def attempt(connection: Connection, statement: Executable) -> int | None:
    """The row's id, or None when the database refuses."""
    try:
        made: int = connection.execute(statement).scalar_one()
    except DBAPIError:
        connection.rollback()
        return None
    connection.commit()
    return made


@pytest.fixture
def long_history(app: Flask) -> int:
    """A host with 5,000 holds, on tables that the planner knows. Returns the host's id."""
    page = make_page(make_host())
    booking = make_booking(page)
    begin = tomorrow() - timedelta(days=100)
    rows = [
        {
            "booking_id": booking.id,
            "host_id": page.user_id,
            "blocked_from": begin + timedelta(hours=number),
            "blocked_until": begin + timedelta(hours=number, minutes=30),
        }
        for number in range(5_000)
    ]
    db.session.execute(delete(Hold))
    db.session.execute(insert(Hold), rows)
    db.session.commit()
    host_id = page.user_id
    db.session.remove()  # a transaction that is open keeps VACUUM from its work
    is_postgresql = db.engine.dialect.name == "postgresql"
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # As a table is that no test has filled and emptied before.
        for word in ("FULL", "ANALYZE") if is_postgresql else ():
            connection.execute(text(f"VACUUM ({word}) holds"))
        if not is_postgresql:
            connection.execute(text("ANALYZE"))
    return host_id


def plan_of(statement: Executable, values: dict[str, object]) -> str:
    """How the database would go about it, in its own words."""
    explain = "EXPLAIN" if db.engine.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
    compiled = statement.compile(db.engine)  # type: ignore[attr-defined]
    bound = {name: value for name, value in values.items() if name in compiled.params}
    typed = compiled.construct_params(bound)
    processors = compiled._bind_processors
    ready = {n: processors[n](v) if n in processors else v for n, v in typed.items()}
    raw = tuple(ready[n] for n in compiled.positiontup) if compiled.positional else ready
    with db.engine.connect() as connection:
        rows = connection.exec_driver_sql(f"{explain} {compiled}", raw).all()
    return "\n".join(str(row[-1]) for row in rows)


def test_the_public_pages_busy_query_reads_the_index_alone(long_history: int, engine: str) -> None:
    start = utcnow()
    asked = {
        "host": long_history, "start": start, "since": start - LONGEST_BLOCK,
        "end": start + timedelta(days=31),
    }  # fmt: skip
    plan = plan_of(_BUSY, asked)
    if engine == "postgresql":
        assert "Index Only Scan using ix_holds_host_id_busy" in plan
    else:
        assert "USING COVERING INDEX ix_holds_host_id_busy" in plan


def test_sqlites_fence_takes_one_step_in_the_index(long_history: int, engine: str) -> None:
    if engine != "sqlite":
        pytest.skip("PostgreSQL's fence is an index itself")
    with db.engine.connect() as connection:
        plan = connection.exec_driver_sql(
            "EXPLAIN QUERY PLAN SELECT blocked_until FROM holds WHERE host_id = ?"
            " AND blocked_from < ? AND id IS NOT ? ORDER BY blocked_from DESC LIMIT 1",
            (long_history, "2026-12-01 00:00:00.000000", 1),
        ).all()
    assert [row[-1] for row in plan] == [
        "SEARCH holds USING COVERING INDEX ix_holds_host_id_busy (host_id=? AND blocked_from<?)"
    ]
