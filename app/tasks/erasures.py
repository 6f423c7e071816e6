"""Deleting from bookings what came from Zoom, where a Zoom user who has removed CalSync wants it.

Source: the Marketplace's rule that such data goes within ten days. Tokens, ids and the address of
the connection go with the removal itself. Of the bookings made before it, those that are over or
cancelled lose number, link and passcode of their meeting at once. To those still to come their
clients hold the link: they lose all but link and passcode after a week, which leaves the user time
to come back, and these two when their meeting has ended.
"""

from datetime import timedelta

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import selectinload

from ..bookings.followups import CREATE_MEETING, DELETE_MEETING
from ..bookings.models import Booking
from ..core.clock import utcnow
from ..core.logs import log
from ..db import db
from ..zoom.models import ZoomErasure

GRACE = timedelta(days=7)
LOOK_AGAIN = timedelta(hours=1)
MOST = 200  # bookings a round


def erase_zoom_data() -> int:
    """One round, bounded; commits. Returns how many bookings lost something."""
    now = utcnow()
    erased = _erase_all(Booking.zoom_erase_at <= now, Booking.zoom_erase_at.is_not(None))
    due = select(ZoomErasure).where(ZoomErasure.due_at <= now).order_by(ZoomErasure.id).limit(1)
    if erasure := db.session.scalar(due):
        erased += _carry_out(erasure)
    db.session.commit()
    if erased:
        log.info("zoom data erased", bookings=erased)
    return erased


def _carry_out(erasure: ZoomErasure) -> int:
    """A round of one user's erasure. It is over once no booking bears the user's id any more."""
    made_before = and_(
        Booking.zoom_host_id == erasure.zoom_user_id, Booking.created_at <= erasure.asked_at
    )
    if erased := _erase_all(made_before, _is_over()):
        return erased  # and there may be more: it stays due
    if db.session.scalar(select(Booking.id).where(made_before).limit(1)) is None:
        db.session.delete(erasure)
        return 0
    if erasure.asked_at + GRACE > utcnow():
        erasure.due_at = utcnow() + LOOK_AGAIN
        return 0
    to_come = db.session.scalars(select(Booking).where(made_before).limit(MOST)).all()
    for booking in to_come:
        booking.zoom_meeting_id = booking.zoom_host_id = None
        booking.zoom_erase_at = booking.ends_at
    return len(to_come)


def _is_over() -> ColumnElement[bool]:
    return or_(Booking.ends_at <= utcnow(), Booking.status == "cancelled")


def _erase_all(*which: ColumnElement[bool]) -> int:
    bookings = db.session.scalars(
        select(Booking).where(*which).options(selectinload(Booking.tasks)).limit(MOST)
    ).all()
    for booking in bookings:
        _erase(booking)
    return len(bookings)


def _erase(booking: Booking) -> None:
    """Number, link, passcode, and what Zoom has said about them; that there was a meeting stays."""
    booking.zoom_meeting_id = booking.zoom_host_id = None
    booking.join_url = booking.passcode = booking.zoom_erase_at = None
    booking.meeting_error = _code_of(booking.meeting_error)
    for task in booking.tasks:
        if task.kind in {CREATE_MEETING, DELETE_MEETING}:
            task.last_error = _code_of(task.last_error)


def _code_of(error: str | None) -> str | None:
    """Our own code, without Zoom's words behind it."""
    return error.partition(": ")[0] if error else error
