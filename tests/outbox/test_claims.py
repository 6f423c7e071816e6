"""Claims and leases: one runner has a task, and who lost it changes nothing."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from flask import Flask

from app import outbox
from app.accounts.models import User
from app.core.clock import utcnow
from app.db import db
from app.outbox import Lease, Refused, Task, Unavailable
from tests.outbox.steps import A_MINUTE, add, claim, reread, run_out


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
