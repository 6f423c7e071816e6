"""What the scheduler does every few seconds: find what is due, lost, doubted, or possible again,
and now and then forget what is over."""

from datetime import timedelta

from flask import current_app
from sqlalchemy import func, literal, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import selectinload

from .. import outbox
from ..accounts.service import forget_old_sessions
from ..bookings import followups, provision
from ..bookings.meetings import Meeting, MeetingState
from ..bookings.models import Booking, Hold, Status
from ..core.clock import utcnow
from ..core.logs import log
from ..db import DATABASE_AWAY, db, delete_some
from ..events import Actor
from ..outbox import OPEN_STATES, State, Task
from ..zoom.meetings import WANTS_CONNECTING
from ..zoom.models import ZoomConnection
from ..zoom.removal import forget_old_events
from ..zoom.tokens import IDLE
from .connections import CHECK
from .erasures import erase_zoom_data

# After a check that failed for good, an idle connection is tried again.
CHECK_AGAIN = timedelta(days=1)
FORGET_EVERY = timedelta(hours=1)
# A hold that is over keeps nobody out; clocks and zones differ by less than this.
HOLDS_KEPT = timedelta(days=7)
MOST_FORGOTTEN = 5_000  # rows of each kind
FORGET = "forget_at"  # where the app keeps when it is due


def sweep() -> int:
    """One round; commits. Returns how many tasks were given to the queue.

    What is due comes first, and each step stands alone: a fault in one of them must not keep
    everybody's mails waiting.
    """
    given = outbox.enqueue_due()
    for step in (revive_meetings, check_connections, forget_what_is_over, erase_zoom_data):
        try:
            step()
        except DATABASE_AWAY:
            raise
        except Exception as error:  # noqa: BLE001  (the outermost net of a step)
            db.session.rollback()
            log.exception(
                "a step of the sweep failed", step=step.__name__, error=type(error).__name__
            )
    return given


def forget_what_is_over() -> None:
    """Delete events, sign-ins and holds that nothing asks for any more: once an hour, and a bounded
    number, so that neither a host nor Zoom waits behind it. Commits."""
    now = utcnow()
    due_at = current_app.extensions.get(FORGET)
    if due_at is not None and now < due_at:
        return
    current_app.extensions[FORGET] = now + FORGET_EVERY
    events, sign_ins = forget_old_events(MOST_FORGOTTEN), forget_old_sessions(MOST_FORGOTTEN)
    holds = delete_some(Hold, Hold.blocked_until < now - HOLDS_KEPT, MOST_FORGOTTEN)
    if events or sign_ins or holds:
        log.info("forgot what is over", zoom_events=events, sign_ins=sign_ins, holds=holds)


def revive_meetings() -> None:
    """Once a host has connected Zoom (again), make the meetings that failed for want of it."""
    waiting_for_zoom = (
        select(Booking)
        .join(ZoomConnection, ZoomConnection.user_id == Booking.host_id)
        .join(Booking.meeting)
        .join(Task, Task.booking_id == Booking.id)
        .where(
            Meeting.state == MeetingState.FAILED,
            Booking.status != Status.CANCELLED,
            Booking.starts_at > utcnow(),
            ZoomConnection.status == "active",
            ZoomConnection.authorized_at > Task.finished_at,
            Task.kind == followups.CREATE_MEETING,
            Task.state == State.FAILED,
            or_(*(Task.last_error.startswith(reason) for reason in WANTS_CONNECTING)),
        )
        .options(selectinload(Booking.tasks))
        .limit(50)
    )
    for booking in db.session.scalars(waiting_for_zoom).unique().all():
        for task in booking.tasks:
            if task.kind == followups.CREATE_MEETING:
                provision.retry(booking, task, Actor.SYSTEM)


def check_connections() -> None:
    """Have connections checked that are doubted, or that have idled for long. Commits.

    Calls to Zoom are a worker's: here each gets a task, and no second one while that is open.
    """
    now = utcnow()
    since = func.coalesce(
        ZoomConnection.doubted_at, literal(now - CHECK_AGAIN, ZoomConnection.doubted_at.type)
    )
    has_task = (
        select(Task.id)
        .where(
            Task.user_id == ZoomConnection.user_id,
            Task.kind == CHECK,
            or_(Task.state.in_(OPEN_STATES), Task.created_at >= since),
        )
        .exists()
    )
    unchecked = (
        select(ZoomConnection)
        .where(
            ZoomConnection.status == "active",
            or_(ZoomConnection.doubted_at.is_not(None), ZoomConnection.expires_at < now - IDLE),
            ~has_task,
        )
        .limit(50)
    )
    tasks = [_check_of(connection) for connection in db.session.scalars(unchecked).all()]
    for task in tasks:  # each by itself: one that is there already must not keep the others back
        db.session.add(task)
        try:
            db.session.commit()
        except IntegrityError:
            db.session.rollback()  # another scheduler was faster, or its clock is ahead of ours
        else:
            outbox.enqueue([task])


def _check_of(connection: ZoomConnection) -> Task:
    why_now = connection.doubted_at or utcnow().date()
    task = outbox.new_task(CHECK, f"zoom:{connection.id}:check:{why_now.isoformat()}")
    task.user_id = connection.user_id
    return task
