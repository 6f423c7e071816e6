"""A task's life: waiting, running under a lease, then done, failed or cancelled.

Every change of state is here, each a conditional UPDATE whose row count decides who won.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any, cast

from sqlalchemy import ColumnElement, Table, and_, bindparam, case, null, or_, select, update
from sqlalchemy.engine import CursorResult

from ..clock import utcnow
from ..crypto import new_token
from ..extensions import db
from ..web import current_settings
from . import queue
from .errors import Refused, Unavailable
from .models import Task

# With pauses of at most ten minutes this is about a day.
MOST_ATTEMPTS = 150

_ROWS = cast(Table, Task.__table__)


def is_claimable(now: datetime | ColumnElement[datetime]) -> ColumnElement[bool]:
    """Due and free at `now`: waiting, or under a lease that has run out."""
    return or_(
        and_(_ROWS.c.state == "waiting", _ROWS.c.due_at <= now),
        and_(_ROWS.c.state == "running", _ROWS.c.lease_until < now),
    )


# Every task needs these two, so they are built once, and speak to the table, not to the model.
_CLAIM = (
    update(_ROWS)
    .where(_ROWS.c.id == bindparam("wanted_id"), is_claimable(bindparam("now")))
    .values(
        state="running",
        attempts=_ROWS.c.attempts + 1,
        lease_until=bindparam("until"),
        lease_token=bindparam("new_token"),
        # What put off the try before the one that died says nothing about that one.
        last_error=case((_ROWS.c.state == "running", null()), else_=_ROWS.c.last_error),
    )
    .returning(
        _ROWS.c.kind, _ROWS.c.booking_id, _ROWS.c.user_id, _ROWS.c.attempts, _ROWS.c.last_error
    )
)
_UPDATE_HELD = update(_ROWS).where(
    _ROWS.c.id == bindparam("held_id"),
    _ROWS.c.state == "running",
    _ROWS.c.lease_token == bindparam("held_token"),
)


@dataclass(frozen=True)
class Lease:
    """The right to do one task until it runs out, taken at `taken_at`. `attempt` counts from 1,
    and `last_error` is why the one before it was put off: None where that one's lease ran out."""

    task_id: int
    token: str
    taken_at: datetime
    kind: str
    booking_id: int | None
    user_id: int | None
    attempt: int
    last_error: str | None


def new_task(kind: str, key: str, *, due_at: datetime | None = None) -> Task:
    """A task to add to the caller's transaction, due at once unless `due_at` says later.

    `key` is unique for ever: the same effect cannot be asked for twice.
    """
    now = utcnow()
    due_at = due_at or now
    return Task(
        kind=kind,
        dedupe_key=key,
        due_at=due_at,
        created_at=now,
        # What is due is given to the queue right after the commit, by `enqueue`.
        enqueued_at=now if due_at <= now else None,
    )


def enqueue(tasks: Iterable[Task]) -> None:
    """Tell the queue about those of `tasks` that are due. Best effort, after the commit.

    When the queue cannot be reached they stay for the sweep, which is told so at once.
    """
    push([task.id for task in tasks if task.state == "waiting" and task.enqueued_at])


def push(task_ids: Sequence[int]) -> None:
    """The same by their ids, for tasks that are due and say that they are in the queue."""
    # One try in vain is enough: a queue that hangs would make a sweep wait for each of hundreds.
    pushed = sum(1 for _ in takewhile(queue.push, task_ids))
    if lost := task_ids[pushed:]:
        db.session.execute(update(Task).where(Task.id.in_(lost)).values(enqueued_at=None))
        db.session.commit()


def claim(task_id: int, for_: timedelta) -> Lease | None:
    """Take a due task for the length `for_` and commit; None when it is not due or not free."""
    now = utcnow()
    token = new_token()
    asked = {"wanted_id": task_id, "now": now, "until": now + for_, "new_token": token}
    taken = db.session.execute(_CLAIM, asked).one_or_none()
    db.session.commit()
    return Lease(task_id, token, now, *taken) if taken else None


def renew(lease: Lease, for_: timedelta) -> bool:
    """Hold on for another `for_` before an outgoing call, and commit. False: it is no longer ours."""
    return _update_held(lease, lease_until=utcnow() + for_)


def finish(lease: Lease) -> None:
    """Done, if the lease is still ours. Commits."""
    _settle(lease, state="done", finished_at=utcnow(), last_error=None)


def call_off(lease: Lease) -> None:
    """No longer needed, if the lease is still ours. Commits."""
    _settle(lease, state="cancelled", finished_at=utcnow(), last_error=None)


def give_up(lease: Lease, refusal: Refused) -> bool:
    """Failed for good; the host sees it and may retry. Commits. False: it is no longer ours."""
    return _settle(lease, state="failed", finished_at=utcnow(), last_error=str(refusal))


def postpone(lease: Lease, error: Unavailable) -> None:
    """Wait and try again, when the other side said or after a growing pause. Commits."""
    due_at = error.retry_at or utcnow() + pause_after(lease.attempt)
    _settle(lease, state="waiting", due_at=due_at, enqueued_at=None, last_error=error.reason)


def pause_after(attempt: int) -> timedelta:
    """Doubling from the first pause to the longest, with up to a quarter of jitter."""
    settings = current_settings()
    pause: timedelta = min(settings.retry_first * 2 ** min(attempt - 1, 20), settings.retry_longest)
    return pause * random.uniform(1.0, 1.25)  # noqa: S311  (no secret: it spreads retries)


def retry(task: Task) -> bool:
    """Make a failed task due again and commit; the caller enqueues it. False: it had not failed."""
    now = utcnow()
    again = _update(
        and_(Task.id == task.id, Task.state == "failed"),
        state="waiting",
        attempts=0,
        last_error=None,
        due_at=now,
        enqueued_at=now,
        finished_at=None,
    )
    db.session.commit()
    return again


def bring_forward(condition: ColumnElement[bool]) -> list[int]:
    """Make waiting tasks due now, in the caller's transaction; the caller pushes these ids."""
    now = utcnow()
    brought = db.session.scalars(
        update(Task)
        .where(Task.state == "waiting", Task.due_at > now, condition)
        .values(due_at=now, enqueued_at=now)
        .returning(Task.id)
        .execution_options(synchronize_session=False)
    )
    return list(brought)


def cancel(condition: ColumnElement[bool]) -> None:
    """Call off waiting tasks, in the caller's transaction. What runs is left to finish."""
    _update(
        and_(Task.state == "waiting", condition),
        state="cancelled",
        finished_at=utcnow(),
    )


def enqueue_due() -> int:
    """Give the queue every task that is due and not known to be in it; commit. Returns how many.

    A running task whose lease has run out is one: its worker is gone.

    Two schedulers at once are harmless: each row is taken by one conditional UPDATE, and a
    task that is in the queue twice is done by the first to claim it.
    """
    now = utcnow()
    missing = and_(
        is_claimable(now),
        or_(
            Task.enqueued_at.is_(None),
            Task.enqueued_at < now - current_settings().enqueue_again_after,
        ),
    )
    candidates = db.session.scalars(select(Task.id).where(missing).order_by(Task.due_at).limit(500))
    taken = [
        task_id
        for task_id in candidates.all()
        if _update(and_(Task.id == task_id, missing), enqueued_at=now)
    ]
    db.session.commit()
    push(taken)
    return len(taken)


def _settle(lease: Lease, **values: object) -> bool:
    db.session.rollback()  # nothing a handler left half done may ride along
    return _update_held(lease, lease_until=None, lease_token=None, **values)


def _update_held(lease: Lease, **values: object) -> bool:
    mine = {"held_id": lease.task_id, "held_token": lease.token}
    result = db.session.execute(_UPDATE_HELD, mine | values)
    db.session.commit()
    return bool(cast(CursorResult[Any], result).rowcount)


def _update(condition: ColumnElement[bool], **values: object) -> bool:
    result = db.session.execute(
        update(Task).where(condition).values(**values).execution_options(synchronize_session=False)
    )
    assert isinstance(result, CursorResult)
    return bool(result.rowcount)
