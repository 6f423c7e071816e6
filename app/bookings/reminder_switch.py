"""A client's own switch for reminders of one booking, and the address that opens it. Only these commit."""

from sqlalchemy import and_, select
from sqlalchemy.orm import contains_eager, joinedload

from .. import outbox
from ..core.clock import utcnow
from ..core.crypto import derived_token, is_same
from ..db import db
from ..db.retry import retry_on_conflict
from ..events import Action, Actor, record
from ..outbox import State, Task
from . import followups
from .models import Booking
from .reminders import TURNED_OFF, same_as

PURPOSE = "reminders"


def switch_token(booking: Booking) -> str:
    """What opens the client's switch and nothing else: mail providers read it in a header, and press
    it. It follows from the client's own token, so no column keeps it."""
    return f"{booking.public_id}-{derived_token(PURPOSE, booking.client.token)}"


def find_by_switch(token: str) -> Booking | None:
    """The booking whose client's switch this opens."""
    reference, _dash, _rest = token.partition("-")
    booking = db.session.scalar(
        select(Booking)
        .join(Booking.client)
        .where(Booking.public_id == reference)
        .options(contains_eager(Booking.client), joinedload(Booking.host, innerjoin=True))
    )
    if booking is None or not booking.client.token:
        return None
    return booking if is_same(switch_token(booking), token) else None


@retry_on_conflict
def turn_off(booking: Booking) -> None:
    """No more reminders to this client; what waits is called off. Commits. Once more changes nothing."""
    booking = _held(booking)
    if booking.client.reminders_off_at is not None:
        db.session.rollback()
        return
    booking.client.reminders_off_at = utcnow()
    theirs = and_(Task.booking_id == booking.id, Task.kind == followups.CLIENTS_REMINDER)
    outbox.call_off_waiting(theirs, TURNED_OFF)
    _record(Action.BOOKING_REMINDERS_OFF, booking)
    db.session.commit()


@retry_on_conflict
def turn_on(booking: Booking) -> None:
    """Remind this client again, of what is still to come and was not sent. Commits. Once more changes
    nothing."""
    booking = _held(booking)
    if booking.client.reminders_off_at is None:
        db.session.rollback()
        return
    booking.client.reminders_off_at = None
    for planned in followups.reminders(booking):
        if planned.kind != followups.CLIENTS_REMINDER:
            continue
        same = same_as(planned, booking.tasks)
        if not same:
            db.session.add(planned)
        elif all(task.state == State.CANCELLED for task in same):
            outbox.plan_again(same[-1], planned.due_at)
    _record(Action.BOOKING_REMINDERS_ON, booking)
    db.session.commit()


def _held(booking: Booking) -> Booking:
    """The booking as it stands, locked; its client and tasks are read after that."""
    asked = select(Booking).where(Booking.id == booking.id).with_for_update(key_share=True)
    held = db.session.execute(asked.execution_options(populate_existing=True)).scalar_one()
    db.session.expire(held, ["tasks", "client"])
    return held


def _record(action: Action, booking: Booking) -> None:
    record(action, Actor.CLIENT, host_id=booking.host_id, subject_id=booking.id)
