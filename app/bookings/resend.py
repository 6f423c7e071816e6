"""Sending a client's mail again, to the same address or to a corrected one. Only these commit."""

from sqlalchemy import select

from .. import outbox
from ..contention import tried_again
from ..extensions import db
from ..outbox import OPEN_STATES, Task, new_task
from . import followups
from .models import Booking

AGAIN = "again"


class NothingToSend(Exception):
    """The booking is over, and nothing about it needs to reach its client any more."""


def times_sent_again(booking: Booking) -> int:
    """How often the client's mail was sent again: a form says it, so that a second press of the same
    form asks for the same mail."""
    return sum(1 for task in booking.tasks if number_of(task.dedupe_key))


def number_of(dedupe_key: str) -> int:
    """Which time again a task's mail is sent; 0 for the first."""
    last = dedupe_key.rpartition(":")[2]
    return int(last.removeprefix(AGAIN)) if last.startswith(AGAIN) else 0


@tried_again
def send_again(booking: Booking, after: int) -> bool:
    """Mail the client once more, unless such a mail waits or was asked for `after` that many; commit.

    What failed before is called off: this mail takes its place. False: nothing was added. Raises
    NothingToSend.
    """
    return _commit(_locked(booking), after)


@tried_again
def correct_address(booking: Booking, email: str, after: int) -> bool:
    """Give the client another mail address (folded) and mail there; commit.

    The people have changed, so the invitation's SEQUENCE rises: the calendar behind the new address
    takes later changes. False: it is this address already, or the same form was sent before.
    Raises NothingToSend.
    """
    booking = _locked(booking)
    if booking.client_email == email:
        db.session.rollback()
        return False
    booking.client_email = email
    booking.ical_sequence += 1
    return _commit(booking, after)


def _locked(booking: Booking) -> Booking:
    asked = select(Booking).where(Booking.id == booking.id).with_for_update(key_share=True)
    held = db.session.execute(asked.execution_options(populate_existing=True)).scalar_one()
    if held.is_live and held.is_past:
        db.session.rollback()
        raise NothingToSend
    return held


def _commit(booking: Booking, after: int) -> bool:
    """Keep what was changed, with the mail about it; False, and nothing is kept, where it is there."""
    added = _mail_to_add(booking, after)
    if added is None:
        db.session.rollback()
        return False
    booking.tasks.append(added)
    db.session.commit()
    outbox.enqueue([added])
    return True


def _mail_to_add(booking: Booking, after: int) -> Task | None:
    occasion = followups.CONFIRMED if booking.is_live else followups.CANCELLED
    kind = followups.mail_kind("client", occasion)
    mine = Task.booking_id == booking.id
    waits = select(Task.id).where(mine, Task.kind == kind, Task.state.in_(OPEN_STATES))
    key = f"{booking.public_id}:{kind}:{AGAIN}{after + 1}"
    is_there = select(Task.id).where(Task.dedupe_key == key)
    if db.session.scalar(waits.limit(1)) or db.session.scalar(is_there):
        return None
    for task in db.session.scalars(
        select(Task).where(mine, Task.kind.startswith("mail.client."), Task.state == "failed")
    ):
        task.state = "cancelled"
    return new_task(kind, key)
