"""Mails about a booking, each to one party."""

from sqlalchemy import select

from ..bookings import followups
from ..bookings.models import Booking
from ..bookings.service import find_with_parties
from ..extensions import db
from ..notifications.messages import compose
from ..notifications.smtp import send
from ..outbox import Lease, Task
from . import leases


def deliver(lease: Lease) -> None:
    """Write and send the mail that `lease.kind` names: `mail.<party>.<occasion>`."""
    booking = find_with_parties(lease.booking_id)
    _mail, party, occasion = lease.kind.split(".")
    if booking.is_live == (occasion == followups.CANCELLED):
        return  # overtaken: a cancellation has its own mail, and takes this one's place
    message = compose(booking, party, occasion)
    if occasion == followups.CONFIRMED and _link_is_told_apart(booking, party):
        return  # overtaken: the link came while this began, and its mail says the same and more
    leases.renew(lease)
    db.session.remove()  # a mail server may take its time; the connection need not wait for it
    send(message)


def _link_is_told_apart(booking: Booking, party: str) -> bool:
    """Whether this party gets, or got, a mail with the link of its own.

    Read after the booking: a link that the message already tells is seen here too.
    """
    kind = followups.mail_kind(party, followups.LINK)
    return bool(
        db.session.scalar(
            select(Task.id).where(Task.booking_id == booking.id, Task.kind == kind).limit(1)
        )
    )
