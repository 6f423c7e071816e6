"""The tasks that follow from a booking: its meeting, and the mails to both parties."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, and_, select

from ..booking_pages.models import PageReminder, Party
from ..core.clock import utcnow
from ..db import db
from ..outbox import State, Task, new_task
from ..zoom.meetings import may_delete
from .models import Booking
from .occasions import Deed, mail_kind, planned
from .reminders import REMINDER, Reminder

CREATE_MEETING = "meeting.create"
DELETE_MEETING = "meeting.delete"
PARTIES = ("attendee", "host")
TO_ATTENDEE = "mail.attendee."
CONFIRMED = "confirmed"
LINK = "link"
CANCELLED = "cancelled"
CLIENTS_REMINDER = mail_kind("attendee", REMINDER)
REMINDER_KINDS = {Party.CLIENT: CLIENTS_REMINDER, Party.HOST: mail_kind("host", REMINDER)}


def mail_kinds(occasion: str) -> tuple[str, ...]:
    """The same mail to both parties."""
    return tuple(mail_kind(party, occasion) for party in PARTIES)


def after_booking(
    booking: Booking, *, wants_meeting: bool, leads: Iterable[tuple[str, int]] = ()
) -> list[Task]:
    """Meeting, mails and reminders (`leads`, see there) of a new booking that has its number."""
    meeting = [task(booking, CREATE_MEETING)] if wants_meeting else []
    told = mails(Deed.BOOKED, booking, waits_for_link=wants_meeting)
    return [*meeting, *told, *reminders(booking, leads)]


def reminders(booking: Booking, leads: Iterable[tuple[str, int]] | None = None) -> list[Task]:
    """A waiting task for each reminder of the booking's present start whose moment is still to come,
    to be added in the caller's transaction. None for a cancelled booking, nor for a client who has
    turned reminders off.

    `leads` are pairs of a party (`client`, `host`) and minutes before the start, as an Offering
    carries them; None asks for those of the booking's page. Who moves a booking raises its
    sequence first, and calls off what waits: `call_off_waiting(reminders_of(booking.id))`.
    """
    if not booking.is_live:
        return []
    now, added = utcnow(), []
    for party, minutes in _leads_of(booking.page_id) if leads is None else leads:
        if party == Party.CLIENT and booking.client.reminders_off_at:
            continue
        kind = REMINDER_KINDS[Party(party)]
        reminder = Reminder(booking.starts_at, minutes, booking.ical_sequence)
        if reminder.due_at > now:
            added.append(
                mail_task(booking, kind, reminder.key(booking, kind), due_at=reminder.due_at)
            )
    return added


def reminders_of(booking_id: int) -> ColumnElement[bool]:
    """The reminders of a booking, to both parties."""
    return and_(Task.booking_id == booking_id, Task.kind.in_(REMINDER_KINDS.values()))


def _leads_of(page_id: int) -> list[tuple[str, int]]:
    asked = select(PageReminder.party, PageReminder.minutes).where(PageReminder.page_id == page_id)
    return [(party, minutes) for party, minutes in db.session.execute(asked)]


def mails(deed: Deed, booking: Booking, *, waits_for_link: bool = False) -> list[Task]:
    """The mails that follow from what has just happened to the booking."""
    plans = planned(deed, booking, waits_for_link=waits_for_link)
    return [task(booking, kind, due_at) for kind, due_at in plans]


def task(booking: Booking, kind: str, due_at: datetime | None = None) -> Task:
    """A task of this booking at its present sequence."""
    return mail_task(booking, kind, _key(booking, kind), due_at)


def mail_task(booking: Booking, kind: str, key: str, due_at: datetime | None = None) -> Task:
    """The same under a key of its own; a mail to an attendee knows whom it is for."""
    added = new_task(kind, key, due_at=due_at)
    added.booking_id = booking.id
    if kind.startswith(TO_ATTENDEE):
        added.attendee_id = booking.client.id
    return added


def delete_meeting(booking: Booking) -> list[Task]:
    """The meeting's deletion at Zoom, where the host granted that."""
    if not may_delete(booking.host_id, of=booking.zoom_host_id):
        return []
    return add_once(booking, DELETE_MEETING)


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
    told = {kind for kind, state in confirmations if state in {State.DONE, State.RUNNING}}
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
