"""Machines whose clocks differ, other sides that are down for long, and what gives way to what."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import event, text

from app import outbox
from app.accounts import service as accounts
from app.accounts.models import User
from app.bookings import service as bookings
from app.core.clock import utcnow
from app.db import db
from app.outbox import GIVE_UP_AFTER, Busy, Unavailable
from tests.outbox.conftest import host
from tests.outbox.steps import A_MINUTE, add, claim, reread
from tests.support.cast import make_booking, make_page

__all__ = ["host"]


def test_a_worker_whose_clock_is_ahead_takes_no_lease_that_still_runs(host: User) -> None:
    task_id = add(host)
    first = claim(task_id)
    with time_machine.travel(utcnow() + 2 * A_MINUTE):
        assert outbox.claim(task_id, A_MINUTE) is None
        assert outbox.enqueue_due() == 0
    outbox.finish(first)
    assert reread(task_id).state == "done"


def test_a_worker_whose_clock_is_behind_keeps_its_lease_for_its_whole_length(host: User) -> None:
    task_id = add(host)
    with time_machine.travel(utcnow() - 5 * A_MINUTE):
        lease = claim(task_id)
        assert outbox.renew(lease, A_MINUTE)
    assert outbox.claim(task_id, A_MINUTE) is None


def test_a_worker_whose_clock_is_behind_does_what_is_due(host: User) -> None:
    task_id = add(host)
    with time_machine.travel(utcnow() - A_MINUTE):
        assert outbox.claim(task_id, A_MINUTE) is not None


def test_a_moment_between_two_clocks_drops_no_fresh_task(host: User) -> None:
    task_id = add(host, due_at=utcnow() + timedelta(milliseconds=600))
    assert outbox.enqueue_due() == 0  # the sweep waits for the time itself
    assert outbox.claim(task_id, A_MINUTE) is not None


def test_a_pause_is_the_longer_of_ours_and_the_other_sides(host: User) -> None:
    lease = claim(add(host, attempts=9))
    before = utcnow()
    outbox.postpone(lease, Unavailable("zoom_rate_limit", before + timedelta(seconds=1)))
    assert reread(lease.task_id).due_at >= before + timedelta(minutes=5)
    lease = claim(add(host, "another"))
    tomorrow = utcnow() + timedelta(days=1)
    outbox.postpone(lease, Unavailable("zoom_rate_limit", tomorrow))
    assert reread(lease.task_id).due_at == tomorrow


def test_a_server_that_always_says_in_a_second_is_asked_for_two_days(host: User) -> None:
    """Tries in vain grow apart, so a hundred and fifty of them are about a day."""
    task_id = add(host)
    asked = 0
    now = began = utcnow()
    while True:
        with time_machine.travel(now, tick=False):
            # The database's clock cannot be moved, so by it the task must be due as well.
            reread(task_id).due_at = began
            db.session.commit()
            lease = claim(task_id)
            asked += 1
            if lease.is_old:
                break
            outbox.postpone(lease, Unavailable("zoom_rate_limit", now + timedelta(seconds=1)))
            now = reread(task_id).due_at
    assert GIVE_UP_AFTER <= now - began < GIVE_UP_AFTER + timedelta(minutes=15)
    assert asked < 400


def test_waiting_for_work_of_our_own_is_no_failed_try(host: User) -> None:
    task_id = add(host)
    for _ in range(200):
        lease = claim(task_id)
        outbox.come_back(lease, Busy("zoom_refresh_under_way", utcnow()))
    task = reread(task_id)
    assert (task.state, task.attempts, task.last_error) == ("waiting", 0, "zoom_refresh_under_way")
    assert not claim(task_id).is_old


def test_the_hosts_retry_begins_the_time_anew(host: User) -> None:
    task_id = add(host, state="failed", first_tried_at=utcnow() - 3 * GIVE_UP_AFTER)
    assert outbox.retry(reread(task_id))
    assert not claim(task_id).is_old


def test_a_hosts_lock_lets_rows_that_name_the_host_be_written(host: User, engine: str) -> None:
    """Somebody signs in while a client books."""
    if engine == "sqlite":
        pytest.skip("SQLite has one writer at a time; it waits its turn")
    host_id = host.id
    db.session.commit()
    accounts.lock(host_id)
    with db.engine.connect() as other:
        other.execute(text("SET lock_timeout = '500ms'"))
        other.execute(text("SELECT 1 FROM users WHERE id = :id FOR KEY SHARE"), {"id": host_id})
    db.session.rollback()


def test_the_lock_of_a_booking_is_one_that_keys_do_not_need(host: User, engine: str) -> None:
    if engine == "sqlite":
        pytest.skip("SQLite locks no rows")
    said: list[str] = []
    booking = make_booking(make_page(host))

    def listen(_c: object, _k: object, statement: str, *_more: object) -> None:
        said.append(statement)

    event.listen(db.engine, "before_cursor_execute", listen)
    try:
        bookings.cancel(booking, by="host")
    finally:
        event.remove(db.engine, "before_cursor_execute", listen)
    locks = [statement for statement in said if "FOR UPDATE" in statement]
    assert not locks
    assert len([statement for statement in said if "FOR NO KEY UPDATE" in statement]) >= 2
