"""What becomes of a booking's meeting at Zoom when the booking is cancelled: never said otherwise
than it is. Reads only."""

from enum import StrEnum

from sqlalchemy import select

from ..db import db
from ..outbox import OPEN_STATES, State, Task
from ..zoom.meetings import is_of_earlier_account, may_delete
from .followups import DELETE_MEETING
from .models import Booking

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
        .where(Task.booking_id == booking.id, Task.kind == DELETE_MEETING)
        .order_by(Task.id.desc())
        .limit(1)
    )
    if deletion is None or deletion.state == State.CANCELLED:
        is_earlier = is_of_earlier_account(booking.host_id, booking.zoom_host_id)
        return Remains.EARLIER_ACCOUNT if is_earlier else Remains.MAY_NOT_DELETE
    if deletion.state in {*OPEN_STATES, State.DONE}:
        return None
    return Remains.EARLIER_ACCOUNT if is_anothers(deletion) else Remains.DELETION_FAILED


def is_anothers(task: Task) -> bool:
    """Whether a task has failed because its meeting is another Zoom user's."""
    return (task.last_error or "").partition(": ")[0] in OF_ANOTHER
