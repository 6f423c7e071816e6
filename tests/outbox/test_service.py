"""A task's life: one runner at a time, nothing lost, nothing done twice."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
from app.outbox import Lease, Refused, Task, Unavailable, queue
from tests.support.cast import make_booking, make_host, make_page

A_MINUTE = timedelta(minutes=1)
PERSONAL = ("Ken", "Yamada", "ken@example.com", "Aya", "Sato", "aya@example.jp", "Consultation")


@pytest.fixture
def host(app: Flask) -> User:
    return make_host()


@pytest.fixture
def valkey_of_app(settings: Settings) -> Redis:
    return Redis.from_url(settings.redis_url)


def add(host: User, key: str = "task-1", **columns: object) -> int:
    """A committed task that was not given to the queue by anybody yet."""
    task = outbox.new_task("mail.host.confirmed", key)
    task.user_id = host.id
    task.enqueued_at = None
    for name, value in columns.items():
        setattr(task, name, value)
    db.session.add(task)
    db.session.commit()
    return task.id


def reread(task_id: int) -> Task:
    db.session.expire_all()
    return db.session.get_one(Task, task_id)


def claim(task_id: int, for_: timedelta = A_MINUTE) -> Lease:
    lease = outbox.claim(task_id, for_)
    assert lease is not None
    return lease


def run_out(task_id: int) -> None:
    """As if the lease's time had passed."""
    reread(task_id).lease_until = utcnow() - timedelta(seconds=1)
    db.session.commit()


def queued_ids(valkey: Redis) -> list[int]:
    """The ids in the queue, as a worker would read them."""
    return [json.loads(_data(valkey, job_id))[2][0] for job_id in queued_jobs(valkey)]


def queued_jobs(valkey: Redis) -> list[str]:
    return [
        job_id.decode()
        for name in queue.NAMES
        for job_id in valkey.lrange(f"rq:queue:{name}", 0, -1)
    ]


def _data(valkey: Redis, job_id: str) -> bytes:
    import zlib  # noqa: PLC0415

    data = valkey.hget(f"rq:job:{job_id}", "data")
    assert isinstance(data, bytes)
    return zlib.decompress(data)


@contextmanager
def other_session(app: Flask) -> Iterator[Callable[[Callable[[], object]], object]]:
    """Runs a function as another worker would: its own thread, context and connection."""

    def run(what: Callable[[], object]) -> object:
        outcome: list[object] = []

        def work() -> None:
            with app.app_context():
                outcome.append(what())

        thread = threading.Thread(target=work)
        thread.start()
        thread.join(timeout=20)
        assert outcome, "the other session is stuck"
        return outcome[0]

    yield run


def test_a_due_task_is_claimed_under_a_lease(host: User) -> None:
    task_id = add(host)
    before = utcnow()
    lease = claim(task_id)
    task = reread(task_id)
    assert (task.state, task.attempts, lease.attempt) == ("running", 1, 1)
    assert task.lease_until is not None
    a_tick = timedelta(milliseconds=1)  # in which SQLite's clock counts
    assert before + A_MINUTE - a_tick <= task.lease_until <= utcnow() + A_MINUTE
    assert (lease.kind, lease.user_id, lease.booking_id) == ("mail.host.confirmed", host.id, None)


def test_of_two_sessions_one_wins_the_claim(app: Flask, host: User) -> None:
    task_id = add(host)
    with other_session(app) as other:
        assert outbox.claim(task_id, A_MINUTE) is not None
        assert other(lambda: outbox.claim(task_id, A_MINUTE)) is None
    assert reread(task_id).attempts == 1


def test_a_crowd_at_once_gives_one_lease(app: Flask, host: User) -> None:
    task_id = add(host)
    db.session.remove()
    ready, leases = threading.Barrier(6), []

    def work() -> None:
        with app.app_context():
            ready.wait()
            leases.append(outbox.claim(task_id, A_MINUTE))

    crowd = [threading.Thread(target=work) for _ in range(6)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join(timeout=30)
    assert len(leases) == 6
    assert len([lease for lease in leases if lease]) == 1
    assert reread(task_id).attempts == 1


@pytest.mark.parametrize("state", ["done", "failed", "cancelled"])
def test_what_is_over_is_not_claimed(host: User, state: str) -> None:
    assert outbox.claim(add(host, state=state), A_MINUTE) is None


def test_what_is_not_due_is_not_claimed(host: User) -> None:
    assert outbox.claim(add(host, due_at=utcnow() + A_MINUTE), A_MINUTE) is None


def test_an_unknown_task_is_not_claimed(app: Flask) -> None:
    assert outbox.claim(12345, A_MINUTE) is None


def test_a_lease_that_ran_out_passes_to_the_next(host: User) -> None:
    task_id = add(host)
    first = claim(task_id)
    run_out(task_id)
    second = claim(task_id)
    assert second.token != first.token
    assert second.attempt == 2


@pytest.mark.parametrize(
    "deed",
    [
        outbox.finish,
        lambda lease: outbox.postpone(lease, Unavailable("late")),
        lambda lease: outbox.give_up(lease, Refused("late")),
        lambda lease: outbox.renew(lease, A_MINUTE * 9),
    ],
    ids=["finish", "postpone", "give_up", "renew"],
)
@pytest.mark.parametrize("taken_over", ["running", "done", "waiting"])
def test_a_runner_whose_lease_ran_out_changes_nothing(
    host: User, deed: Callable[[Lease], object], taken_over: str
) -> None:
    task_id = add(host)
    late = claim(task_id)
    run_out(task_id)
    current = claim(task_id)
    if taken_over == "done":
        outbox.finish(current)
    if taken_over == "waiting":
        outbox.postpone(current, Unavailable("zoom_ill"))
    before = columns_of(task_id)
    assert not deed(late)
    assert columns_of(task_id) == before


def columns_of(task_id: int) -> dict[str, object]:
    task = reread(task_id)
    return {column.key: getattr(task, column.key) for column in Task.__table__.columns}


def test_a_renewed_lease_lasts_longer(host: User) -> None:
    task_id = add(host)
    lease = claim(task_id)
    assert outbox.renew(lease, timedelta(hours=1))
    until = reread(task_id).lease_until
    assert until is not None
    assert until > utcnow() + timedelta(minutes=59)
    outbox.finish(lease)
    assert reread(task_id).state == "done"


def test_a_finished_task_tells_when_and_forgets_its_lease_and_error(host: User) -> None:
    task_id = add(host, last_error="zoom_ill")
    outbox.finish(claim(task_id))
    task = reread(task_id)
    assert (task.state, task.last_error) == ("done", None)
    assert (task.lease_until, task.lease_token) == (None, None)
    assert task.finished_at is not None


def test_a_refusal_is_kept_with_its_words(host: User) -> None:
    task_id = add(host)
    assert outbox.give_up(claim(task_id), Refused("smtp_refused", "550 no such user"))
    task = reread(task_id)
    assert (task.state, task.last_error) == ("failed", "smtp_refused: 550 no such user")


def test_a_task_waits_until_the_time_the_other_side_named(host: User) -> None:
    task_id = add(host)
    later = utcnow() + timedelta(hours=5)
    outbox.postpone(claim(task_id), Unavailable("zoom_rate_limit", retry_at=later))
    task = reread(task_id)
    assert (task.state, task.due_at, task.enqueued_at) == ("waiting", later, None)
    assert task.last_error == "zoom_rate_limit"
    assert outbox.claim(task_id, A_MINUTE) is None


@pytest.mark.parametrize(
    ("attempt", "seconds"), [(1, 2), (2, 4), (3, 8), (9, 512), (10, 600), (200, 600)]
)
def test_pauses_double_up_to_ten_minutes_with_jitter(
    app: Flask, attempt: int, seconds: int
) -> None:
    pauses = {outbox.service.pause_after(attempt) for _ in range(20)}
    assert all(seconds <= pause.total_seconds() <= seconds * 1.25 for pause in pauses)
    assert len(pauses) > 1


def test_a_crash_half_way_leaves_nothing_of_the_handlers_work(host: User) -> None:
    task_id = add(host)
    lease = claim(task_id)
    db.session.get_one(User, host.id).name = "half done"
    outbox.postpone(lease, Unavailable("internal_error"))
    db.session.expire_all()
    assert db.session.get_one(User, host.id).name == "Aya Sato"


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
