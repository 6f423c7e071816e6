"""A task's life: waiting, running under a lease, then done, failed or cancelled.

Every change of state is here, each a conditional UPDATE whose row count decides who won.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast

from sqlalchemy import (
    ColumnElement,
    Float,
    Table,
    Update,
    and_,
    bindparam,
    case,
    func,
    literal,
    null,
    or_,
    update,
)
from sqlalchemy.engine import CursorResult

from ..core.clock import utcnow
from ..core.config import current_settings
from ..core.crypto import new_token
from ..core.errors import Busy, Refused, Unavailable
from ..db import db
from ..db.types import UtcDateTime, database_clock
from .models import State, Task

# An outage of Zoom or of a mail server may last a weekend's night and day; what failed for so long
# is told to the host, who may press Retry.
GIVE_UP_AFTER = timedelta(days=2)
# A task's maker and the database have clocks of their own: one that was given to the queue and is due
# in a moment is due now. Otherwise a clock some milliseconds behind would drop a fresh job. The sweep
# gives nothing to the queue before its time, so a pause that Zoom has named is kept.
GRACE = 1.0

_ROWS = cast(Table, Task.__table__)


def is_claimable(grace: float = 0.0) -> ColumnElement[bool]:
    """Due and free by the database's clock: waiting, or under a lease that has run out. `grace` in
    seconds counts what is due in a moment as due.

    By a clock of the asker's own, one that is a minute ahead would take a lease that still runs,
    and do the same deed beside its holder.
    """
    return or_(
        and_(_ROWS.c.state == State.WAITING, _ROWS.c.due_at <= database_clock(literal(grace))),
        and_(_ROWS.c.state == State.RUNNING, _ROWS.c.lease_until < database_clock(literal(0.0))),
    )


# Every task needs these two, so they are built once, and speak to the table, not to the model.
_CLAIM = (
    update(_ROWS)
    .where(_ROWS.c.id == bindparam("wanted_id"), is_claimable(GRACE))
    .values(
        state=State.RUNNING,
        attempts=_ROWS.c.attempts + 1,
        lease_until=database_clock(bindparam("length", type_=Float)),
        lease_token=bindparam("new_token"),
        first_tried_at=func.coalesce(_ROWS.c.first_tried_at, bindparam("now", type_=UtcDateTime)),
        # What put off the try before the one that died says nothing about that one.
        last_error=case((_ROWS.c.state == State.RUNNING, null()), else_=_ROWS.c.last_error),
    )
    .returning(
        _ROWS.c.kind,
        _ROWS.c.booking_id,
        _ROWS.c.user_id,
        _ROWS.c.attempts,
        _ROWS.c.last_error,
        _ROWS.c.first_tried_at,
    )
)
_UPDATE_HELD = update(_ROWS).where(
    _ROWS.c.id == bindparam("held_id"),
    _ROWS.c.state == State.RUNNING,
    _ROWS.c.lease_token == bindparam("held_token"),
)
_RENEW_HELD = _UPDATE_HELD.values(lease_until=database_clock(bindparam("length", type_=Float)))


# A task that ended begins once more, as if nobody had ever tried it.
_AFRESH: dict[str, object] = {
    "state": State.WAITING,
    "attempts": 0,
    "first_tried_at": None,
    "last_error": None,
    "finished_at": None,
}


class Due(NamedTuple):
    """A task that may be done now; its kind tells which queue it belongs to."""

    id: int
    kind: str


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
    first_tried_at: datetime

    @property
    def is_old(self) -> bool:
        """Whether trying again has gone on for long enough."""
        return utcnow() - self.first_tried_at >= GIVE_UP_AFTER


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


def claim(task_id: int, for_: timedelta) -> Lease | None:
    """Take a due task for the length `for_` and commit; None when it is not due or not free."""
    now = utcnow()
    token = new_token()
    asked = {
        "wanted_id": task_id, "now": now, "length": for_.total_seconds(), "new_token": token,
    }  # fmt: skip
    taken = db.session.execute(_CLAIM, asked).one_or_none()
    db.session.commit()
    return Lease(task_id, token, now, *taken) if taken else None


def renew(lease: Lease, for_: timedelta) -> bool:
    """Hold on for another `for_` before an outgoing call, and commit. False: it is no longer ours."""
    return _execute_held(_RENEW_HELD, lease, {"length": for_.total_seconds()})


def finish(lease: Lease) -> None:
    """Done, if the lease is still ours. Commits."""
    _settle(lease, state=State.DONE, finished_at=utcnow(), last_error=None)


def call_off(lease: Lease, reason: str | None = None) -> None:
    """No longer needed, for a reason where that is a code, if the lease is still ours. Commits."""
    _settle(lease, state=State.CANCELLED, finished_at=utcnow(), last_error=reason)


def give_up(lease: Lease, refusal: Refused) -> bool:
    """Failed for good; the host sees it and may retry. Commits. False: it is no longer ours."""
    return _settle(lease, state=State.FAILED, finished_at=utcnow(), last_error=str(refusal))


def postpone(lease: Lease, error: Unavailable) -> None:
    """Wait and try again after a growing pause, longer where the other side said so. Commits.

    The pause grows whatever the other side says: a server that always says "in a second" would
    be asked every second for days.
    """
    due_at = utcnow() + pause_after(lease.attempt)
    if error.retry_at is not None:
        due_at = max(due_at, error.retry_at)
    _settle(lease, state=State.WAITING, due_at=due_at, enqueued_at=None, last_error=error.reason)


def come_back(lease: Lease, busy: Busy) -> None:
    """Wait until work of our own is over; this was no try. Commits."""
    _settle(
        lease,
        state=State.WAITING,
        due_at=busy.retry_at or utcnow(),
        enqueued_at=None,
        attempts=lease.attempt - 1,
        last_error=busy.reason,
    )


def pause_after(attempt: int) -> timedelta:
    """Doubling from the first pause to the longest, with up to a quarter of jitter."""
    settings = current_settings()
    pause: timedelta = min(settings.retry_first * 2 ** min(attempt - 1, 20), settings.retry_longest)
    return pause * random.uniform(1.0, 1.25)  # noqa: S311  (no secret: it spreads retries)


def retry(task: Task) -> bool:
    """Make a failed task due again and commit; the caller enqueues it. False: it had not failed."""
    now = utcnow()
    again = change(
        and_(Task.id == task.id, Task.state == State.FAILED),
        due_at=now,
        enqueued_at=now,
        **_AFRESH,
    )
    db.session.commit()
    return again


def bring_forward(condition: ColumnElement[bool]) -> list[Due]:
    """Make waiting tasks due now, in the caller's transaction; the caller pushes them."""
    now = utcnow()
    brought = db.session.execute(
        update(Task)
        .where(Task.state == State.WAITING, Task.due_at > now, condition)
        .values(due_at=now, enqueued_at=now)
        .returning(Task.id, Task.kind)
        .execution_options(synchronize_session=False)
    )
    return [Due(*row) for row in brought]


def call_off_waiting(condition: ColumnElement[bool], reason: str | None = None) -> None:
    """Call off waiting tasks, in the caller's transaction. What runs is left to finish."""
    change(
        and_(Task.state == State.WAITING, condition),
        state=State.CANCELLED,
        finished_at=utcnow(),
        **({"last_error": reason} if reason else {}),
    )


def call_off_overtaken(condition: ColumnElement[bool]) -> None:
    """Call off waiting tasks and failed ones, which nobody is to mend any more, in the caller's
    transaction. What runs is left to finish."""
    change(
        and_(Task.state.in_((State.WAITING, State.FAILED)), condition),
        state=State.CANCELLED,
        finished_at=utcnow(),
    )


def plan_again(task: Task, due_at: datetime) -> None:
    """Let a task that was called off wait again, in the caller's transaction."""
    change(
        and_(Task.id == task.id, Task.state == State.CANCELLED),
        due_at=due_at,
        enqueued_at=None,
        **_AFRESH,
    )


def _settle(lease: Lease, **values: object) -> bool:
    db.session.rollback()  # nothing a handler left half done may ride along
    return _update_held(lease, lease_until=None, lease_token=None, **values)


def _update_held(lease: Lease, **values: object) -> bool:
    return _execute_held(_UPDATE_HELD, lease, values)


def _execute_held(statement: Update, lease: Lease, values: dict[str, object]) -> bool:
    mine: dict[str, object] = {"held_id": lease.task_id, "held_token": lease.token}
    result = db.session.execute(statement, mine | values)
    db.session.commit()
    return bool(cast(CursorResult[Any], result).rowcount)


def change(condition: ColumnElement[bool], **values: object) -> bool:
    """Change the tasks of a condition in the caller's transaction; whether there were any."""
    result = db.session.execute(
        update(Task).where(condition).values(**values).execution_options(synchronize_session=False)
    )
    assert isinstance(result, CursorResult)
    return bool(result.rowcount)
