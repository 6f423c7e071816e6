"""Mails about a booking, each to one party."""

from ..bookings import followups
from ..bookings.service import find_with_parties
from ..extensions import db
from ..notifications.messages import compose
from ..notifications.smtp import send
from ..outbox import Lease


def deliver(lease: Lease) -> None:
    """Write and send the mail that `lease.kind` names: `mail.<party>.<occasion>`."""
    booking = find_with_parties(lease.booking_id)
    _mail, party, occasion = lease.kind.split(".")
    if booking.is_live == (occasion == followups.CANCELLED):
        return  # overtaken: a cancellation has its own mail, and takes this one's place
    message = compose(booking, party, occasion)
    db.session.remove()  # a mail server may take its time; the connection need not wait for it
    send(message)
