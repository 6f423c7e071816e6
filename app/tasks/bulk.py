"""Retrying in bulk what an outage has failed, for the operator."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, func, or_, select

from .. import outbox
from ..bookings import provision
from ..bookings.models import Booking, Status
from ..core.clock import utcnow
from ..db import db
from ..events import Actor
from ..outbox import State, Task

# A task's reason is a code, behind it may stand the other side's own words.
CODE_ENDS = ": "


class Failed(NamedTuple):
    """How many tasks of a kind have failed for a reason's code."""

    kind: str
    reason: str
    tasks: int


def failed_tasks() -> Sequence[Failed]:
    """What has failed and may still be done, by kind and reason, the most first."""
    rows = db.session.execute(
        select(Task.kind, Task.last_error, func.count())
        .outerjoin(Booking, Booking.id == Task.booking_id)
        .where(_may_be_done())
        .group_by(Task.kind, Task.last_error)
    )
    counts: dict[tuple[str, str], int] = {}
    for kind, error, count in rows:
        key = (kind, (error or "").partition(CODE_ENDS)[0])
        counts[key] = counts.get(key, 0) + count
    found = [Failed(kind, reason, count) for (kind, reason), count in counts.items()]
    return sorted(found, key=lambda one: (-one.tasks, one.kind, one.reason))


def retry_failed(kind: str = "", reason: str = "") -> int:
    """Try them once more, of a kind and for a reason or of all; commits each. Returns how many.

    Safe to repeat: what is under way again is no failed task any more.
    """
    which = [_may_be_done()]
    if kind:
        which.append(Task.kind == kind)
    if reason:
        which.append(or_(Task.last_error == reason, Task.last_error.startswith(reason + CODE_ENDS)))
    ids = db.session.scalars(
        select(Task.id)
        .outerjoin(Booking, Booking.id == Task.booking_id)
        .where(*which)
        .order_by(Task.id)
    ).all()
    return sum(_retry(task_id) for task_id in ids)


def _retry(task_id: int) -> bool:
    task = db.session.get(Task, task_id)
    if task is None or task.state != State.FAILED:
        return False
    if task.booking_id is not None:
        booking = db.session.get_one(Booking, task.booking_id)
        provision.retry(booking, task, Actor.OPERATOR)  # which gives the booking its state back too
    elif outbox.retry(task):
        db.session.expire_all()
        outbox.enqueue([task])
    return True


def _may_be_done() -> ColumnElement[bool]:
    """Failed, and not about a time that is over: a cancellation still takes its event away."""
    is_ahead = or_(
        Task.booking_id.is_(None), Booking.starts_at > utcnow(), Booking.status == Status.CANCELLED
    )
    return and_(Task.state == State.FAILED, is_ahead)
