"""What is written to whom: each mail as text, HTML and invitation, in its reader's language and zone."""

from base64 import encodebytes
from dataclasses import dataclass
from email.message import EmailMessage, MIMEPart
from email.utils import format_datetime, parseaddr
from zoneinfo import ZoneInfo

from flask import render_template

from ..bookings import followups
from ..bookings.joining import join_address, zoom_link
from ..bookings.meetings import MeetingState
from ..bookings.models import Booking
from ..bookings.occasions import Occasion, named
from ..bookings.reminders import Reminder
from ..core.clock import utcnow
from ..core.config import current_settings
from ..i18n import day_in_words, time_range, use_language
from .headers import POLICY, as_written, box, say_a_machine_wrote_it
from .invitations import invitation


@dataclass(frozen=True)
class Reader:
    """Who a mail is for."""

    party: str
    name: str
    email: str
    locale: str
    zone: ZoneInfo
    other_name: str
    other_email: str


def reader_of(booking: Booking, party: str) -> Reader:
    """The client or the host of a booking, as the reader of a mail."""
    if party == "client":
        return Reader(
            party, booking.client.name, booking.client.email, booking.client.locale,
            booking.client.zone, booking.host.name, booking.host.email,
        )  # fmt: skip
    return Reader(
        party, booking.host.name, booking.host.email, booking.host.locale,
        booking.host_zone, booking.client.name, booking.client.email,
    )  # fmt: skip


def compose(
    booking: Booking,
    party: str,
    occasion: str,
    *,
    again: int = 0,
    reminder: Reminder | None = None,
) -> EmailMessage:
    """The mail about an occasion, by its name, to the client or the host; `again` counts
    how often it was asked for once more, and makes it a mail of its own, as each `reminder` is.

    multipart/mixed of an alternative (text, HTML, text/calendar) and the same calendar as
    `invite.ics` (application/ics), byte for byte: some clients read the one, some the other.
    Without a calendar part, of an occasion that has no method, text and HTML alone.
    """
    reader = reader_of(booking, party)
    kind = named(occasion)
    with use_language(reader.locale):
        message = _head(
            booking, reader, kind, message_id(booking, party, occasion, again, reminder)
        )
        values = {
            "booking": booking,
            "reader": reader,
            "occasion": kind,
            "own_words": f"mail/{kind.name}.txt",
            "subject": str(message["subject"]),
            "zone": reader.zone,
            "page_zone": booking.page_zone if party == "host" else None,
            "note_lines": booking.note.split("\n"),
            "said_lines": [],  # by the other party, with what has happened
            "join_address": join_address(booking),
            "zoom_link": zoom_link(booking),
            # A host whose meeting has failed is to do something, and is promised nothing.
            "link_follows": party == "client" or booking.meeting_state is not MeetingState.FAILED,
        } | kind.values(booking, party)
        message.set_content(render_template("mail/booking.txt", **values).strip() + "\n")
        html = render_template("mail/booking.html", **values).strip() + "\n"
        message.add_alternative(html, subtype="html")
        if kind.method is not None:
            _attach_invitation(message, invitation(booking, party, kind.method), kind.method)
    return message


def _head(booking: Booking, reader: Reader, occasion: Occasion, own_id: str) -> EmailMessage:
    """The headers. To a client the host is named as sender, whom a client recognises; the address
    equals the envelope's and the invitation's organizer, so DMARC has nothing to compare."""
    message = EmailMessage(policy=POLICY)
    sender_name, sender = parseaddr(current_settings().mail_from)
    product = sender_name or "CalSync"
    named = f"{reader.other_name} ({product})" if reader.party == "client" else product
    message["From"] = box(named, sender)
    message["To"] = box(reader.name, reader.email)
    message["Reply-To"] = box(reader.other_name, reader.other_email)
    message["Subject"] = as_written(_subject(booking, reader, occasion))
    message["Date"] = format_datetime(utcnow())
    message["Message-ID"] = own_id
    if (first := message_id(booking, reader.party, followups.CONFIRMED)) != own_id:
        message["References"] = first
    for name, value in occasion.headers(booking, reader.party).items():
        message[name] = value
    say_a_machine_wrote_it(message)
    return message


def _subject(booking: Booking, reader: Reader, occasion: Occasion) -> str:
    day = day_in_words(booking.starts_at.astimezone(reader.zone).date())
    words = {
        "title": booking.title,
        "name": reader.other_name,
        "when": f"{day} {time_range(booking.starts_at, booking.ends_at, reader.zone)}",
    }
    return occasion.subject(words)


def message_id(
    booking: Booking, party: str, occasion: str, again: int = 0, reminder: Reminder | None = None
) -> str:
    """The same for every try of the same mail, so that a doubled delivery shows as one. The first
    confirmation's is what all later mails refer to, whatever has changed since; a reminder's keeps
    the sequence that it was planned at."""
    is_first = occasion == followups.CONFIRMED and not again
    sequence = 0 if is_first else booking.ical_sequence
    if reminder:
        occasion, sequence = f"{occasion}-{reminder.minutes}", reminder.sequence
    time_again = f".again{again}" if again else ""
    domain = current_settings().mail_domain
    return f"<{booking.public_id}.{occasion}.{sequence}{time_again}.{party}@{domain}>"


def _attach_invitation(message: EmailMessage, calendar: bytes, method: str) -> None:
    inline = f'text/calendar; charset="UTF-8"; method={method}'
    message.attach(_calendar_part(calendar, inline))  # type: ignore[arg-type]  # typeshed: a Message
    message.make_mixed()
    attached = _calendar_part(calendar, 'application/ics; name="invite.ics"')
    attached["Content-Disposition"] = 'attachment; filename="invite.ics"'
    message.attach(attached)  # type: ignore[arg-type]


def _calendar_part(calendar: bytes, content_type: str) -> MIMEPart:
    part = MIMEPart(policy=POLICY)
    part["Content-Type"] = content_type
    # Base64 keeps the calendar's own line ends; quoted-printable would let relays change them.
    part["Content-Transfer-Encoding"] = "base64"
    part.set_payload(encodebytes(calendar).decode("ascii"))
    return part
