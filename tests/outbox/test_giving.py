"""Retrying, calling off, and giving tasks to the queue once, whatever becomes of it."""

import json
import socket
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from redis import Redis
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app import outbox
from app.accounts.models import User
from app.bookings.service import SlotTaken
from app.core.clock import utcnow
from app.core.config import Settings
from app.db import db
from app.outbox import Refused, Task, queue
from tests.outbox.steps import A_MINUTE, _data, add, claim, queued_ids, queued_jobs, reread, run_out
from tests.support.cast import make_booking, make_page

PERSONAL = ("Ken", "Yamada", "ken@example.com", "Aya", "Sato", "aya@example.jp", "Consultation")


def test_a_failed_task_is_tried_again_from_the_start(host: User) -> None:
    task_id = add(host)
    outbox.give_up(claim(task_id), Refused("smtp_refused"))
    assert outbox.retry(reread(task_id))
    task = reread(task_id)
    assert (task.state, task.attempts, task.finished_at) == ("waiting", 0, None)
    assert claim(task_id).attempt == 1


@pytest.mark.parametrize("state", ["waiting", "running", "done", "cancelled"])
def test_only_a_failed_task_is_tried_again(host: User, state: str) -> None:
    task_id = add(host, state=state, attempts=3)
    assert not outbox.retry(reread(task_id))
    task = reread(task_id)
    assert (task.state, task.attempts) == (state, 3)


def test_only_waiting_tasks_are_brought_forward(host: User) -> None:
    later = utcnow() + timedelta(hours=1)
    waiting = add(host, "waiting", due_at=later)
    other = add(host, "other", due_at=later)
    failed = add(host, "failed", due_at=later, state="failed")
    outbox.bring_forward(Task.dedupe_key.in_(["waiting", "failed"]))
    db.session.commit()
    assert reread(waiting).due_at <= utcnow()
    assert reread(waiting).enqueued_at is not None
    assert reread(other).due_at == later
    assert reread(failed).due_at == later


def test_only_waiting_tasks_are_called_off(host: User) -> None:
    ids = {state: add(host, state, state=state) for state in ("waiting", "running", "done")}
    outbox.call_off_waiting(Task.user_id == host.id)
    db.session.commit()
    states = {name: reread(task_id).state for name, task_id in ids.items()}
    assert states == {"waiting": "cancelled", "running": "running", "done": "done"}
    assert outbox.claim(ids["waiting"], A_MINUTE) is None


def test_calling_off_is_undone_with_the_callers_transaction(host: User) -> None:
    task_id = add(host)
    outbox.call_off_waiting(Task.id == task_id)
    db.session.rollback()
    assert reread(task_id).state == "waiting"


def test_the_same_effect_cannot_be_asked_for_twice(host: User) -> None:
    add(host, "same")
    with pytest.raises(IntegrityError):
        add(host, "same")
    db.session.rollback()


def test_what_is_due_is_given_to_the_queue_once(host: User, valkey_of_app: Redis) -> None:
    due = add(host, "due")
    add(host, "later", due_at=utcnow() + A_MINUTE)
    add(host, "done", state="done")
    assert outbox.enqueue_due() == 1
    assert outbox.enqueue_due() == 0
    assert queued_ids(valkey_of_app) == [due]


def test_a_task_whose_runner_died_is_given_to_the_queue_again(
    host: User, valkey_of_app: Redis
) -> None:
    task_id = add(host)
    claim(task_id)
    assert outbox.enqueue_due() == 0
    run_out(task_id)
    assert outbox.enqueue_due() == 1
    assert queued_ids(valkey_of_app) == [task_id]


def test_what_a_flushed_queue_has_lost_is_found_after_its_time(
    host: User, valkey_of_app: Redis, settings: Settings
) -> None:
    booking = make_booking(make_page(host))
    expected = sorted(task.id for task in booking.tasks)
    assert sorted(queued_ids(valkey_of_app)) == expected
    valkey_of_app.flushall()
    assert outbox.enqueue_due() == 0  # they may still be in the queue, for all the rows know
    for task in booking.tasks:
        task.enqueued_at = utcnow() - settings.enqueue_again_after - timedelta(seconds=1)
    db.session.commit()
    assert outbox.enqueue_due() == 2
    assert sorted(queued_ids(valkey_of_app)) == expected


@pytest.fixture
def dead_queue(change_settings: Callable[..., Settings], tmp_path: Path) -> None:
    change_settings(redis_url=f"unix://{tmp_path / 'nobody.sock'}")


@pytest.mark.usefixtures("dead_queue")
def test_an_unreachable_queue_loses_nothing(host: User, valkey_of_app: Redis) -> None:
    booking = make_booking(make_page(host))
    assert [task.state for task in booking.tasks] == ["waiting", "waiting"]
    assert [task.enqueued_at for task in booking.tasks] == [None, None]
    assert not queue.is_reachable()


@pytest.mark.usefixtures("dead_queue")
def test_a_sweep_without_the_queue_tries_again_at_the_next(host: User) -> None:
    task_id = add(host)
    outbox.enqueue_due()
    assert reread(task_id).enqueued_at is None


def test_a_queue_that_hangs_is_asked_once_a_sweep_and_not_once_a_task(
    host: User, change_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    door = tmp_path / "hangs.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(door))
        listener.listen(1)
        change_settings(redis_url=f"unix://{door}")
        ids = [add(host, f"task-{number}") for number in range(5)]
        began = time.monotonic()
        outbox.enqueue_due()
        # Each try waits a second; five would take five.
        assert time.monotonic() - began < 4
    assert [reread(task_id).enqueued_at for task_id in ids] == [None] * 5


def test_tasks_that_the_queue_missed_are_given_to_it_when_it_is_back(
    host: User, valkey_of_app: Redis, change_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    alive = change_settings().redis_url
    change_settings(redis_url=f"unix://{tmp_path / 'nobody.sock'}")
    booking = make_booking(make_page(host))
    change_settings(redis_url=alive)
    assert outbox.enqueue_due() == 2
    assert sorted(queued_ids(valkey_of_app)) == sorted(task.id for task in booking.tasks)


def test_two_schedulers_at_once_give_each_task_once(
    app: Flask, host: User, valkey_of_app: Redis
) -> None:
    ids = [add(host, f"task-{number}") for number in range(20)]
    db.session.remove()
    ready, counts = threading.Barrier(2), []

    def work() -> None:
        with app.app_context():
            ready.wait()
            counts.append(outbox.enqueue_due())

    both = [threading.Thread(target=work) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join(timeout=30)
    assert sum(counts) == 20
    assert sorted(queued_ids(valkey_of_app)) == ids


def test_a_job_is_json_with_an_id_and_no_personal_data(host: User, valkey_of_app: Redis) -> None:
    booking = make_booking(make_page(host, auto_zoom=True), note="please call 0312345678")
    for job_id in queued_jobs(valkey_of_app):
        fields = valkey_of_app.hgetall(f"rq:job:{job_id}")
        data = json.loads(_data(valkey_of_app, job_id))
        assert data[0] == "app.tasks.run"
        assert data[2] == [data[2][0]]
        assert isinstance(data[2][0], int)
        assert data[3] == {}
        everything = f"{fields!r}{data!r}"
        assert not any(
            word in everything for word in (*PERSONAL, booking.client.token, "0312345678")
        )
        assert fields[b"description"] == f"task {data[2][0]}".encode()
    [meeting] = db.session.scalars(select(Task.id).where(Task.kind == "meeting.create"))
    assert queued_ids(valkey_of_app) == [meeting]  # the mails wait for the link


def test_nothing_is_queued_for_a_booking_that_was_refused(host: User, valkey_of_app: Redis) -> None:
    page = make_page(host)
    make_booking(page)
    waiting = len(queued_ids(valkey_of_app))
    with pytest.raises(SlotTaken):
        make_booking(page)
    assert len(queued_ids(valkey_of_app)) == waiting


def test_a_task_needs_a_booking_or_a_user(app: Flask) -> None:
    db.session.add(outbox.new_task("mail.host.confirmed", "of-nobody"))
    with pytest.raises(IntegrityError):
        db.session.commit()
    db.session.rollback()


def test_a_later_task_is_not_given_to_the_queue_by_its_maker(app: Flask) -> None:
    later: datetime = utcnow() + A_MINUTE
    assert outbox.new_task("mail.host.confirmed", "later", due_at=later).enqueued_at is None
    assert outbox.new_task("mail.host.confirmed", "now").enqueued_at is not None
