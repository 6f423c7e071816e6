"""What becomes of a booking's meeting at Zoom when the booking is cancelled: never said otherwise
than it is. Reads only."""

from collections.abc import Sequence
from enum import StrEnum

from sqlalchemy import select

from ..db import db
from ..outbox import OPEN_STATES, State, Task
from ..zoom.meetings import is_of_earlier_account, may_delete
from .followups import CREATE_MEETING, DELETE_MEETING, MOVE_MEETING, sequence_of
from .meetings import Meeting, MeetingState
from .models import Booking, Change

# Reasons by which a deletion fails that another Zoom user would have to make.
OF_ANOTHER = {"zoom_other_account", "zoom_meeting_unknown"}


class Remains(StrEnum):
    """Why a meeting remains at Zoom; templates have the words."""

    MAY_NOT_DELETE = "may_not_delete"
    EARLIER_ACCOUNT = "earlier_account"  # the host has connected another Zoom user since
    DELETION_FAILED = "deletion_failed"


def will_remain(booking: Booking) -> Remains | None:
    """Of a booking that may be cancelled: why its meeting would remain; None where it would not."""
    if not booking.has_meeting:
        return None
    if is_of_earlier_account(booking.host_id, booking.zoom_host_id):
        return Remains.EARLIER_ACCOUNT
    # What CalSync has forgotten at Zoom's wish it cannot delete either.
    is_known = booking.meeting is not None and booking.meeting.external_id is not None
    if is_known and may_delete(booking.host_id, of=booking.zoom_host_id):
        return None
    return Remains.MAY_NOT_DELETE


def remains(booking: Booking) -> Remains | None:
    """Of a cancelled booking: why its meeting remains; None where it does not, or is just being
    deleted. What was asked for decides, not what would be possible today."""
    if not booking.has_meeting:
        return None
    deletion = db.session.scalar(
        select(Task)
        .where(
            Task.booking_id == booking.id,
            Task.kind == DELETE_MEETING,
            Task.created_at >= (booking.cancelled_at or booking.created_at),
        )
        .order_by(Task.id.desc())
        .limit(1)
    )
    if deletion is None or deletion.state == State.CANCELLED:
        is_earlier = is_of_earlier_account(booking.host_id, booking.zoom_host_id)
        return Remains.EARLIER_ACCOUNT if is_earlier else Remains.MAY_NOT_DELETE
    if deletion.state in {*OPEN_STATES, State.DONE}:
        return None
    return Remains.EARLIER_ACCOUNT if is_anothers(deletion) else Remains.DELETION_FAILED


def left_behind(booking: Booking) -> Sequence[Meeting]:
    """Meetings that a move of the booking has left at Zoom, the oldest first; none while they are just
    being deleted."""
    if booking.meeting is None:
        return []
    is_being_deleted = (
        select(Task.id)
        .where(
            Task.booking_id == booking.id,
            Task.kind == DELETE_MEETING,
            Task.state.in_(OPEN_STATES),
        )
        .exists()
    )
    return db.session.scalars(
        select(Meeting)
        .where(
            Meeting.booking_id == booking.id,
            Meeting.state == MeetingState.LEFT_BEHIND,
            ~is_being_deleted,
        )
        .order_by(Meeting.id)
    ).all()


def numbers_left_behind(booking: Booking) -> list[int]:
    """Zoom's numbers of all meetings that this booking has left behind, as far as they are known."""
    numbers = db.session.scalars(
        select(Meeting.external_id).where(
            Meeting.booking_id == booking.id,
            Meeting.state == MeetingState.LEFT_BEHIND,
            Meeting.external_id.is_not(None),
        )
    )
    return [number for number in numbers if number is not None]


def is_anothers(task: Task) -> bool:
    """Whether a task has failed because its meeting is another Zoom user's."""
    return (task.last_error or "").partition(": ")[0] in OF_ANOTHER


class AfterMove(StrEnum):
    """What a move has done to the meeting's link."""

    STAYS = "stays"
    NEW = "new"
    # Neither moved nor made anew at Zoom, where it is still planned at the former time.
    AT_FORMER_TIME = "at_former_time"


def link_after_move(booking: Booking, move: Change) -> AfterMove | None:
    """What became of the link by this move; None for a booking without a meeting that is there, or that
    got its first one meanwhile."""
    if booking.meeting_state is not MeetingState.READY:
        return None
    planned = db.session.execute(
        select(Task.kind, Task.dedupe_key, Task.finished_at)
        .where(Task.booking_id == booking.id, Task.kind.in_((CREATE_MEETING, MOVE_MEETING)))
        .order_by(Task.id)
    ).all()
    moved, made = False, None
    for kind, key, finished_at in planned:
        is_since = (sequence := sequence_of(key)) >= move.sequence
        if kind == MOVE_MEETING:
            moved = moved or is_since
        elif is_since or finished_at is None or finished_at >= move.at:
            made = sequence  # by this move, after it, or while it was made
    if made is not None:
        return AfterMove.NEW if made else None
    return AfterMove.STAYS if moved else AfterMove.AT_FORMER_TIME
