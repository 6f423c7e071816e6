"""What stands in the queue while workers are away, and which queue it stands in."""

from collections import Counter
from datetime import timedelta

import pytest
from flask import Flask
from redis import Redis

from app import outbox
from app.accounts.models import User
from app.core.clock import utcnow
from app.core.config import Settings
from app.db import db
from app.outbox import Task, queue
from app.tasks import sweep as sweeping
from tests.outbox.conftest import host, valkey_of_app
from tests.outbox.steps import add, queued_ids
from tests.support.cast import make_booking, make_host, make_page

__all__ = ["host", "valkey_of_app"]


def let_time_pass(settings: Settings) -> None:
    """As if what was queued had been there for long."""
    long_ago = utcnow() - settings.enqueue_again_after - timedelta(seconds=1)
    for task in db.session.query(Task).filter(Task.enqueued_at.is_not(None)):
        task.enqueued_at = long_ago
    db.session.commit()


def test_an_hour_without_workers_leaves_each_task_in_the_queue_once(
    host: User, valkey_of_app: Redis, settings: Settings
) -> None:
    ids = [add(host, f"task-{number}") for number in range(20)]
    for _ in range(120):  # an hour of half minutes
        outbox.enqueue_due()
        let_time_pass(settings)
    assert Counter(queued_ids(valkey_of_app)) == Counter(ids)


def test_what_was_lost_is_found_although_others_are_still_there(
    host: User, valkey_of_app: Redis, settings: Settings
) -> None:
    ids = [add(host, f"task-{number}") for number in range(3)]
    outbox.enqueue_due()
    valkey_of_app.lpop(f"rq:queue:{queue.MAILS}")
    let_time_pass(settings)
    assert outbox.enqueue_due() == 1
    assert sorted(queued_ids(valkey_of_app)) == ids


def test_mails_and_meetings_stand_in_queues_of_their_own(host: User, valkey_of_app: Redis) -> None:
    make_booking(make_page(host, auto_zoom=True))
    make_booking(make_page(make_host("Mallory")))
    add(host, "mail", kind="mail.host.reconnect")
    add(host, "check", kind="zoom.check")
    add(host, "reminder", kind="mail.host.reminder")
    outbox.enqueue_due()
    kinds = {
        name: sorted(
            db.session.get_one(Task, int(job.decode().partition("-")[0])).kind
            for job in valkey_of_app.lrange(f"rq:queue:{name}", 0, -1)
        )
        for name in queue.NAMES
    }
    assert kinds == {
        "mails": ["mail.attendee.confirmed", "mail.host.confirmed", "mail.host.reconnect"],
        "meetings": ["meeting.create", "zoom.check"],
        "reminders": ["mail.host.reminder"],
    }


@pytest.mark.parametrize(
    ("names", "served"),
    [
        ([], ["mails", "meetings", "reminders"]),
        (["mails"], ["mails", "reminders"]),
        (["meetings"], ["meetings"]),
        (["reminders"], ["reminders"]),
        (["reminders", "mails"], ["mails", "reminders"]),
    ],
)
def test_a_worker_takes_reminders_where_no_other_mail_waits(
    names: list[str], served: list[str]
) -> None:
    assert queue.served_by(names) == served


def test_a_fault_in_one_step_of_the_sweep_stops_no_other(
    app: Flask, host: User, valkey_of_app: Redis
) -> None:
    task_id = add(host)
    app.extensions[sweeping.FORGET] = "no instant at all"
    try:
        assert sweeping.sweep() == 1
    finally:
        del app.extensions[sweeping.FORGET]
    assert queued_ids(valkey_of_app) == [task_id]
