"""Calendars' answers as they are on the wire, and what several files of this folder do with them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from email.message import EmailMessage

import pytest
from sqlalchemy import select, update

from app.bookings.models import Booking
from app.core.clock import utcnow
from app.core.errors import Unavailable
from app.db import db
from app.events import Event
from app.outbox import Task
from app.replies.models import ReplyMailbox
from app.replies.reading import read_replies
from tests.support.imap import SECRET

KEN = "ken@example.com"
LONG_AGO = utcnow() - timedelta(hours=2)
TOLD = "mail.host.declined"
WRONG = SECRET.replace("word", "wrong")


def answer(
    booking: Booking,
    partstat: str = "DECLINED",
    *,
    attendee: str = KEN,
    stamp: datetime | None = None,
    method: str = "REPLY",
    sequence: int | None = None,
    more: Sequence[str] = (),
) -> str:
    """What a calendar writes; `stamp` is its DTSTAMP, now if left out."""
    lines = [
        "BEGIN:VCALENDAR",
        "PRODID:-//Google Inc//Google Calendar 70.9054//EN",
        "VERSION:2.0",
        "CALSCALE:GREGORIAN",
        f"METHOD:{method}",
        "BEGIN:VEVENT",
        f"DTSTART:{booking.starts_at:%Y%m%dT%H%M%SZ}",
        f"DTEND:{booking.ends_at:%Y%m%dT%H%M%SZ}",
        f"DTSTAMP:{stamp or utcnow():%Y%m%dT%H%M%SZ}",
        f"ORGANIZER;CN=Aya Sato:mailto:{booking.organizer_email}",
        f"UID:{booking.ical_uid}",
        f"ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT={partstat};CN=Ken",
        f"  Yamada;X-NUM-GUESTS=0:mailto:{attendee}",
        f"SEQUENCE:{booking.ical_sequence if sequence is None else sequence}",
        "STATUS:CONFIRMED",
        "SUMMARY:Consultation with Aya Sato",
        *more,
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return "\r\n".join(lines) + "\r\n"


def mail_with(calendar: str, *, subtype: str = "calendar", method: str = "REPLY") -> bytes:
    """A mail as calendars write it: text, HTML and the answer."""
    mail = EmailMessage()
    mail["From"] = f"Ken Yamada <{KEN}>"
    mail["To"] = "no-reply@calsync.example"
    mail["Subject"] = "Declined: Consultation"
    mail.set_content("Ken Yamada has declined this invitation.\n")
    mail.add_alternative("<p>Ken Yamada has declined this invitation.</p>", subtype="html")
    mail.add_alternative(calendar, subtype=subtype, params={"method": method}, cte="base64")
    return mail.as_bytes()


def other_mail(text: str = "I am away until Monday.") -> bytes:
    mail = EmailMessage()
    mail["From"], mail["Subject"] = "somebody@example.org", "Out of office"
    mail.set_content(text + "\n")
    return mail.as_bytes()


def later(minutes: float) -> datetime:
    """The same instant whenever it is asked for, all of them past; more minutes are later."""
    return LONG_AGO + timedelta(minutes=minutes)


def declined_at(booking: Booking) -> datetime | None:
    db.session.expire_all()
    return booking.client.declined_at


def notices(booking: Booking) -> list[Task]:
    """The mails to the host about a decline."""
    db.session.expire_all()
    return [task for task in booking.tasks if task.kind == TOLD]


def deeds() -> list[str]:
    """What the record says of declines, in order."""
    found = (
        select(Event.action).where(Event.action.startswith("booking.decline")).order_by(Event.id)
    )
    return list(db.session.scalars(found))


def mailbox_row() -> ReplyMailbox:
    db.session.expire_all()
    return db.session.scalars(select(ReplyMailbox)).one()


def make_due() -> None:
    """The pause is over; a lease that nobody ended has run out."""
    past = utcnow() - timedelta(seconds=1)
    db.session.execute(update(ReplyMailbox).values(due_at=past))
    db.session.execute(
        update(ReplyMailbox).where(ReplyMailbox.lease_until.is_not(None)).values(lease_until=past)
    )
    db.session.commit()


def trouble() -> str:
    """Why the mailbox cannot be read now."""
    with pytest.raises(Unavailable) as error:
        read_replies(even_early=True)
    assert mailbox_row().trouble == error.value.reason
    assert mailbox_row().lease_token is None
    return error.value.reason
