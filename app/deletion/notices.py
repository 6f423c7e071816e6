"""What must be out before an account's rows go: the mails and the deletions at Zoom need them."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select

from .. import outbox, tasks
from ..bookings import followups
from ..bookings.meetings import Meeting, MeetingState
from ..bookings.models import Booking, Status
from ..db import db
from ..outbox import OPEN_STATES, State, Task
from .inventory import count, is_task_of

TO_CLIENT, TO_HOST = followups.mail_kinds(followups.CANCELLED)
AWAITED = (TO_CLIENT, TO_HOST, followups.DELETE_MEETING)
PAUSE = 0.2  # seconds between looks while others work, or while a pause runs


@dataclass(frozen=True)
class Progress:
    """How far the word has got.

    `open` is what may still be done. `unsent` are cancellations that no mail server has taken
    for a client; `missing` counts these and what else nobody may lose: a deletion at Zoom that
    is still open, and whatever a worker has in hand. The host's own mails are tried, but a
    host's full mailbox does not hold up what the host has asked for. `left_in_zoom` are
    meetings that remain there: CalSync may not delete them, another Zoom user has made them, or
    Zoom refused.
    """

    done: int
    open: int
    unsent: int
    missing: int
    left_in_zoom: int


def settle(user_id: int, since: datetime, patience: float) -> Iterator[Progress]:
    """Do what is awaited since the deletion began (`since`, aware UTC), and tell how far it is.

    The tasks run right here, so neither worker nor queue need be up; where they are, leases
    keep the two apart. What failed or was put off before is tried again at once. Ends when
    nothing is open, or when nothing came of it for `patience` seconds. Commits.
    """
    _try_again(user_id, since)
    progress = _look(user_id, since)
    yield progress
    fewest, quiet_since = progress.open, time.monotonic()
    while progress.open and time.monotonic() - quiet_since < patience:
        task_id = _next_due(user_id, since)
        if task_id is None:
            time.sleep(PAUSE)
        else:
            tasks.run(task_id)
        progress = _look(user_id, since)
        yield progress
        # What is put off and taken up again is no step forward.
        if progress.open < fewest:
            fewest, quiet_since = progress.open, time.monotonic()


def progress_of(user_id: int, since: datetime) -> Progress:
    """How far it is, in the caller's transaction."""
    counts = {
        (kind, state): number
        for kind, state, number in db.session.execute(
            select(Task.kind, Task.state, func.count())
            .where(_is_concerned(user_id, since))
            .group_by(Task.kind, Task.state)
        )
    }

    def how_many(*kinds: str, states: tuple[str, ...]) -> int:
        return sum(counts.get((kind, state), 0) for kind in kinds for state in states)

    in_hand = sum(number for (kind, _), number in counts.items() if kind not in AWAITED)
    unsent = how_many(TO_CLIENT, states=(*OPEN_STATES, State.FAILED))
    return Progress(
        done=how_many(*AWAITED, states=(State.DONE,)),
        open=how_many(*AWAITED, states=OPEN_STATES) + in_hand,
        unsent=unsent,
        missing=unsent + how_many(followups.DELETE_MEETING, states=OPEN_STATES) + in_hand,
        left_in_zoom=_left_in_zoom(user_id, since),
    )


def _left_in_zoom(user_id: int, since: datetime) -> int:
    """How many meetings of bookings that were cancelled before their time are not deleted, and are
    not about to be."""
    has_meeting = or_(Meeting.external_id.is_not(None), Meeting.state == MeetingState.READY)
    is_deleted = (
        select(Task.id)
        .where(
            Task.booking_id == Booking.id,
            Task.kind == followups.DELETE_MEETING,
            Task.state.in_((*OPEN_STATES, State.DONE)),
        )
        .exists()
    )
    return count(
        select(Booking.id)
        .join(Booking.meeting)
        .where(
            Booking.host_id == user_id,
            Booking.starts_at > since,
            Booking.status == Status.CANCELLED,
            has_meeting,
            ~is_deleted,
        )
    )


def _try_again(user_id: int, since: datetime) -> None:
    failed = and_(_is_awaited(user_id, since), Task.state == State.FAILED)
    for task in db.session.scalars(select(Task).where(failed)).all():
        outbox.retry(task)
    outbox.bring_forward(_is_awaited(user_id, since))
    db.session.commit()


def _look(user_id: int, since: datetime) -> Progress:
    """As of now, with the connection let go: what follows may take its time."""
    progress = progress_of(user_id, since)
    db.session.remove()
    return progress


def _next_due(user_id: int, since: datetime) -> int | None:
    """The one that has waited longest: what is put off goes to the end of the line."""
    task_id = db.session.scalar(
        select(Task.id)
        .where(_is_concerned(user_id, since), outbox.is_claimable())
        .order_by(Task.due_at, Task.id)
        .limit(1)
    )
    db.session.remove()
    return task_id


def _is_concerned(user_id: int, since: datetime) -> ColumnElement[bool]:
    """What is awaited, and whatever else somebody has in hand."""
    return or_(_is_awaited(user_id, since), and_(is_task_of(user_id), Task.state == State.RUNNING))


def _is_awaited(user_id: int, since: datetime) -> ColumnElement[bool]:
    """Cancellations of what was still to come, whoever cancelled; not those of last year."""
    to_come = select(Booking.id).where(Booking.host_id == user_id, Booking.starts_at > since)
    return and_(Task.kind.in_(AWAITED), Task.booking_id.in_(to_come))
