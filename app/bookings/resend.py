"""Sending a client's mail again, to the same address or to a corrected one. Only these commit."""

from sqlalchemy import select

from .. import outbox
from ..db import db
from ..db.retry import retry_on_conflict
from ..events import Action, Actor, record
from ..outbox import OPEN_STATES, State, Task
from . import followups
from .models import Booking
from .occasions import mail_kind
from .search_words import search_words

AGAIN = "again"


class NothingToSend(Exception):
    """The booking is over, and nothing about it needs to reach its client any more."""


def times_sent_again(booking: Booking) -> int:
    """How often the client's mail was sent again: a form says it, so that a second press of the same
    form asks for the same mail."""
    mails = [task for task in booking.tasks if task.kind.startswith(followups.TO_ATTENDEE)]
    return sum(1 for task in mails if number_of(task.dedupe_key))


def number_of(dedupe_key: str) -> int:
    """Which time again a task's mail is sent; 0 for the first."""
    last = dedupe_key.rpartition(":")[2]
    return int(last.removeprefix(AGAIN)) if last.startswith(AGAIN) else 0


@retry_on_conflict
def send_again(booking: Booking, after: int) -> bool:
    """Mail the client once more, unless such a mail is on its way or this one was sent: the one that
    follows `after` others. Commits. False: nothing was added. Raises NothingToSend.
    """
    booking = _locked(booking)
    kind = _kind(booking)
    is_on_its_way = any(task.state in OPEN_STATES for task in _mails(booking))
    if is_on_its_way or after < times_sent_again(booking):
        db.session.rollback()
        return False
    _record(Action.BOOKING_SENT_AGAIN, booking)
    _commit(booking, [followups.mail_task(booking, kind, _key(booking, after + 1))])
    return True


@retry_on_conflict
def correct_address(booking: Booking, email: str) -> bool:
    """Give the client another mail address (folded) and mail there; commit.

    The people have changed, so the invitation's SEQUENCE rises: the calendar behind the new address
    takes later changes. A mail that waits goes there by itself. False: it is this address already.
    Raises NothingToSend.
    """
    booking = _locked(booking)
    if booking.client.email == email:
        db.session.rollback()
        return False
    booking.client.email = email
    booking.search_words = search_words(booking.client.name, email, booking.title)
    _record(Action.BOOKING_ADDRESS_CORRECTED, booking)
    booking.version += 1
    booking.ical_sequence += 1
    kind = _kind(booking)
    waits = any(task.state == State.WAITING for task in _mails(booking))
    number = times_sent_again(booking) + 1
    _commit(booking, [] if waits else [followups.mail_task(booking, kind, _key(booking, number))])
    return True


def _record(action: Action, booking: Booking) -> None:
    record(action, Actor.HOST, host_id=booking.host_id, subject_id=booking.id)


def _locked(booking: Booking) -> Booking:
    """The booking as it stands, held; its tasks are read after the lock. Raises NothingToSend."""
    asked = select(Booking).where(Booking.id == booking.id).with_for_update(key_share=True)
    held = db.session.execute(asked.execution_options(populate_existing=True)).scalar_one()
    if held.is_live and held.is_past:
        db.session.rollback()
        raise NothingToSend
    db.session.expire(held, ["tasks", "client"])
    return held


def _kind(booking: Booking) -> str:
    occasion = followups.CONFIRMED if booking.is_live else followups.CANCELLED
    return mail_kind("attendee", occasion)


def _mails(booking: Booking) -> list[Task]:
    """The client's mails that tell how the booking stands, the one about a move too."""
    kinds = {_kind(booking)}
    if booking.is_live:
        kinds.add(mail_kind("attendee", followups.MOVED))
    return [task for task in booking.tasks if task.kind in kinds]


def _key(booking: Booking, number: int) -> str:
    return f"{booking.public_id}:{_kind(booking)}:{AGAIN}{number}"


def _commit(booking: Booking, added: list[Task]) -> None:
    """Keep what was changed. What failed before is called off: the new mail takes its place."""
    for task in booking.tasks:
        if task.kind.startswith(followups.TO_ATTENDEE) and task.state == State.FAILED:
            task.state = State.CANCELLED
    booking.tasks.extend(added)
    db.session.commit()
    outbox.enqueue(added)
