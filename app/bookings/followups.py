"""The tasks that follow from a booking: its meeting, and the mails to both parties."""

from datetime import datetime

from sqlalchemy import ColumnElement, and_, select

from ..core.clock import utcnow
from ..core.config import current_settings
from ..db import db
from ..outbox import Task, new_task
from .models import Booking

CREATE_MEETING = "meeting.create"
DELETE_MEETING = "meeting.delete"
PARTIES = ("client", "host")
CONFIRMED = "confirmed"
LINK = "link"
CANCELLED = "cancelled"


def mail_kind(party: str, occasion: str) -> str:
    """`mail.client.confirmed`: what is written to whom."""
    return f"mail.{party}.{occasion}"


def mail_kinds(occasion: str) -> tuple[str, ...]:
    """The same mail to both parties."""
    return tuple(mail_kind(party, occasion) for party in PARTIES)


def after_booking(booking: Booking) -> list[Task]:
    """Meeting and mails of a new booking. Mails wait for the link, up to the link wait."""
    if booking.meeting_state == "none":
        return mails(booking, CONFIRMED)
    later = utcnow() + current_settings().link_wait
    return [task(booking, CREATE_MEETING), *mails(booking, CONFIRMED, due_at=later)]


def mails(booking: Booking, occasion: str, due_at: datetime | None = None) -> list[Task]:
    """One mail to each party."""
    return [task(booking, kind, due_at) for kind in mail_kinds(occasion)]


def task(booking: Booking, kind: str, due_at: datetime | None = None) -> Task:
    """A task of this booking at its present sequence."""
    return new_task(kind, _key(booking, kind), due_at=due_at)


def add_once(booking: Booking, kind: str) -> list[Task]:
    """The task, added to the booking, unless it has one of this kind and sequence.

    The caller holds the booking's lock, so nobody adds the same meanwhile.
    """
    if db.session.scalar(select(Task.id).where(Task.dedupe_key == _key(booking, kind))):
        return []
    added = task(booking, kind)
    booking.tasks.append(added)
    return [added]


def _key(booking: Booking, kind: str) -> str:
    return f"{booking.public_id}:{kind}:{booking.ical_sequence}"


def tell_link_late(booking: Booking) -> list[Task]:
    """An update to those whose confirmation has left, or is leaving, without the link.

    One that is due and waits is locked: whoever takes it afterwards sees the link.
    """
    confirmations = db.session.execute(
        select(Task.kind, Task.state)
        .where(confirmations_of(booking.id))
        .order_by(Task.id)
        .with_for_update(key_share=True)
    )
    told = {kind for kind, state in confirmations if state in {"done", "running"}}
    late = [party for party in PARTIES if mail_kind(party, CONFIRMED) in told]
    if late:
        booking.ical_sequence += 1
    return [task for party in late for task in add_once(booking, mail_kind(party, LINK))]


def confirmations_of(booking_id: int) -> ColumnElement[bool]:
    """The confirmations of a booking, to both parties."""
    return and_(
        Task.booking_id == booking_id,
        Task.kind.in_(mail_kinds(CONFIRMED)),
    )
