"""Deleting from bookings what came from Zoom, where a Zoom user who has removed CalSync wants it.

Source: the Marketplace's rule that such data goes within ten days. Tokens, ids and the address of
the connection go with the removal itself. Of the bookings made before it, those that are over or
cancelled lose number, link and passcode of their meeting at once. To those still to come their
clients hold the link: they lose all but link and passcode after a week, which leaves the user time
to come back, and these two when their meeting has ended.
"""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import selectinload

from ..bookings.followups import AT_ZOOM
from ..bookings.meetings import Meeting
from ..bookings.models import Booking, Status
from ..core.clock import utcnow
from ..core.logs import log
from ..db import db
from ..zoom.models import ZoomErasure

GRACE = timedelta(days=7)
LOOK_AGAIN = timedelta(hours=1)
MOST = 200  # meetings a round


def erase_zoom_data() -> int:
    """One round, bounded; commits. Returns how many bookings lost something."""
    now = utcnow()
    erased = _erase_all(Meeting.erase_at <= now, Meeting.erase_at.is_not(None))
    due = select(ZoomErasure).where(ZoomErasure.due_at <= now).order_by(ZoomErasure.id).limit(1)
    if erasure := db.session.scalar(due):
        erased += _carry_out(erasure)
    db.session.commit()
    if erased:
        log.info("zoom data erased", bookings=erased)
    return erased


def _carry_out(erasure: ZoomErasure) -> int:
    """A round of one user's erasure. It is over once no meeting bears the user's id any more."""
    made_before = and_(
        Meeting.zoom_host_id == erasure.zoom_user_id, Booking.created_at <= erasure.asked_at
    )
    if erased := _erase_all(made_before, _is_over()):
        return erased  # and there may be more: it stays due
    if not (to_come := _meetings(made_before)):
        db.session.delete(erasure)
        return 0
    if erasure.asked_at + GRACE > utcnow():
        erasure.due_at = utcnow() + LOOK_AGAIN
        return 0
    for meeting, booking in to_come:
        meeting.external_id = meeting.zoom_host_id = None
        meeting.erase_at = booking.ends_at
    return len(to_come)


def _is_over() -> ColumnElement[bool]:
    return or_(Booking.ends_at <= utcnow(), Booking.status == Status.CANCELLED)


def _meetings(*which: ColumnElement[bool]) -> Sequence[tuple[Meeting, Booking]]:
    rows = db.session.execute(
        select(Meeting, Booking)
        .join(Booking, Booking.id == Meeting.booking_id)
        .where(*which)
        .options(selectinload(Booking.tasks))
        .limit(MOST)
    )
    return [(meeting, booking) for meeting, booking in rows]


def _erase_all(*which: ColumnElement[bool]) -> int:
    found = _meetings(*which)
    for meeting, booking in found:
        _erase(meeting, booking)
    return len(found)


def _erase(meeting: Meeting, booking: Booking) -> None:
    """Number, link, passcode, and what Zoom has said about them; that there was a meeting stays."""
    meeting.external_id = meeting.zoom_host_id = None
    meeting.join_url = meeting.passcode = meeting.erase_at = None
    meeting.error = _code_of(meeting.error)
    for task in booking.tasks:
        if task.kind in AT_ZOOM:
            task.last_error = _code_of(task.last_error)


def _code_of(error: str | None) -> str | None:
    """Our own code, without Zoom's words behind it."""
    return error.partition(": ")[0] if error else error
