"""What belongs to an account: which rows, and how many. Reads only."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from ..accounts.models import SignIn
from ..booking_pages.models import BookingPage
from ..bookings.attendees import Attendee
from ..bookings.models import Booking, Status
from ..core.clock import utcnow
from ..db import db
from ..outbox import Task
from ..schedules.models import TimeOff
from ..zoom.models import ZoomConnection


@dataclass(frozen=True)
class Inventory:
    """How much of each. Numbers only: it is shown on a terminal, and terminals remember."""

    pages: int
    to_come: int
    other_bookings: int
    clients: int
    time_off: int
    zoom_connections: int
    sessions: int
    tasks: int


def inventory(user_id: int) -> Inventory:
    """What would go with this account. Clients are counted by their address."""
    to_come = count(select(Booking.id).where(is_to_come(user_id)))
    return Inventory(
        pages=count(pages_of(user_id)),
        to_come=to_come,
        other_bookings=count(bookings_of(user_id)) - to_come,
        clients=count(
            select(Attendee.email)
            .join(Booking, Booking.id == Attendee.booking_id)
            .where(Booking.host_id == user_id)
            .distinct()
        ),
        time_off=count(select(TimeOff.id).where(TimeOff.host_id == user_id)),
        zoom_connections=count(select(ZoomConnection.id).where(ZoomConnection.user_id == user_id)),
        sessions=count(select(SignIn.id).where(SignIn.user_id == user_id)),
        tasks=count(select(Task.id).where(is_task_of(user_id))),
    )


def pages_of(user_id: int) -> Select[int]:
    return select(BookingPage.id).where(BookingPage.user_id == user_id)


def bookings_of(user_id: int) -> Select[int]:
    return select(Booking.id).where(Booking.host_id == user_id)


def is_to_come(user_id: int) -> ColumnElement[bool]:
    """The host's live bookings that have not begun: whoever is in a meeting may finish it."""
    return and_(
        Booking.host_id == user_id,
        Booking.status != Status.CANCELLED,
        Booking.starts_at > utcnow(),
    )


def is_task_of(user_id: int) -> ColumnElement[bool]:
    """The account's own tasks, and those of its bookings."""
    return or_(Task.user_id == user_id, Task.booking_id.in_(bookings_of(user_id)))


def count(rows: Select[Any]) -> int:
    """How many rows a query gives."""
    return db.session.scalar(select(func.count()).select_from(rows.subquery())) or 0
