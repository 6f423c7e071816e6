"""What the scheduler does every few seconds: find what is due, lost, or possible again."""

from sqlalchemy import or_, select

from .. import outbox
from ..bookings import followups, service
from ..bookings.models import Booking
from ..clock import utcnow
from ..extensions import db
from ..outbox import Task
from ..zoom.models import ZoomConnection


def sweep() -> int:
    """One round; commits. Returns how many tasks were given to the queue."""
    revive_meetings()
    return outbox.enqueue_due()


def revive_meetings() -> None:
    """Once a host has connected Zoom (again), make the meetings that failed for want of it."""
    waiting_for_zoom = (
        select(Booking)
        .join(ZoomConnection, ZoomConnection.user_id == Booking.host_id)
        .join(Task, Task.booking_id == Booking.id)
        .where(
            Booking.meeting_state == "failed",
            Booking.status == "confirmed",
            Booking.starts_at > utcnow(),
            ZoomConnection.status == "active",
            ZoomConnection.authorized_at > Task.finished_at,
            Task.kind == followups.CREATE_MEETING,
            Task.state == "failed",
            or_(
                Task.last_error.in_(("zoom_not_connected", "zoom_needs_reconnect")),
                Task.last_error.startswith("zoom_user_gone"),
            ),
        )
        .limit(50)
    )
    for booking in db.session.scalars(waiting_for_zoom).unique().all():
        for task in booking.tasks:
            if task.kind == followups.CREATE_MEETING:
                service.retry(booking, task)
