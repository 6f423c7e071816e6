"""Mails about a booking, each to one party."""

from sqlalchemy import bindparam, exists, select

from ..bookings import followups, resend
from ..bookings.models import Booking
from ..bookings.occasions import mail_kind, named
from ..bookings.reminders import reminder_of
from ..bookings.service import WITH_PARTIES
from ..db import db, read_only
from ..notifications.messages import compose
from ..notifications.smtp import send
from ..outbox import Lease, Overtaken, Task, Unavailable
from . import leases

_BOOKING_AND_LINK = (
    select(
        Booking,
        exists().where(
            Task.booking_id == Booking.id,
            Task.kind == bindparam("link_mail"),
            Task.id > bindparam("task"),
        ),
        exists().where(
            Task.booking_id == Booking.id,
            Task.kind == bindparam("move_mail"),
            Task.id > bindparam("task"),
        ),
        select(Task.dedupe_key).where(Task.id == bindparam("task")).scalar_subquery(),
    )
    .where(Booking.id == bindparam("booking"))
    .options(*WITH_PARTIES)
)


def deliver(lease: Lease) -> None:
    """Write and send the mail that `lease.kind` names: `mail.<attendee or host>.<occasion>`."""
    _mail, party, name = lease.kind.split(".")
    occasion = named(name)
    read_only()
    booking, has_link_mail, is_moved_since, key = _read(lease, party)
    again = resend.number_of(key)
    if is_moved_since and occasion.method == "REQUEST":
        raise Overtaken  # it was running when the booking was moved, and says nothing of that
    if occasion.is_overtaken(booking, has_link_mail=has_link_mail and not again):
        raise Overtaken
    reminder = reminder_of(key)
    if reminder and (why := reminder.why_not(booking, party)) is not None:
        raise Overtaken(why)
    if occasion.tells_link and booking.has_unreadable_link:
        raise Unavailable("key_missing")  # "the link will follow" would not be true
    reader = "client" if party == "attendee" else party
    message = compose(booking, reader, name, again=again, reminder=reminder)
    leases.renew(lease)
    db.session.remove()  # a mail server may take its time; the connection need not wait for it
    send(message)


def _read(lease: Lease, party: str) -> tuple[Booking, bool, bool, str]:
    """The booking with its host, client and meeting; whether this party gets, or got, a later mail
    with the link of its own, and one about a later move; and the task's key.

    All by one statement: a link that the message tells, and the mail about it, are seen together.
    """
    asked = {
        "booking": lease.booking_id, "task": lease.task_id,
        "link_mail": mail_kind(party, followups.LINK), "move_mail": mail_kind(party, followups.MOVED),
    }  # fmt: skip
    booking, is_told, is_moved, key = db.session.execute(_BOOKING_AND_LINK, asked).one()
    return booking, is_told, is_moved, key
