"""Booking and cancelling. Only these functions commit."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parseaddr

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError, NoResultFound
from sqlalchemy.orm import contains_eager, joinedload

from .. import outbox
from ..accounts.service import lock
from ..booking_pages.models import BookingPage
from ..booking_pages.offerings import Offering, PageSnapshot, offering_of
from ..core.clock import utcnow
from ..core.config import current_settings
from ..core.crypto import fingerprint, new_reference, new_token
from ..db import commit_and_keep, db
from ..db.retry import retry_on_conflict
from ..events import Action, Actor, record
from ..outbox import Task
from . import followups
from .attendees import Attendee, Role
from .models import Booking, Change, Status
from .occasions import Deed
from .openings import busy_spans, is_open, is_open_to_host
from .parts import insert_parts

WITH_PARTIES = (
    joinedload(Booking.host, innerjoin=True),
    joinedload(Booking.client, innerjoin=True),
    joinedload(Booking.meeting),
)


class SlotTaken(Exception):
    """A live booking of the host overlaps."""


class OutsideHours(Exception):
    """The page's rules do not offer this time, or no longer."""


class TermsChanged(Exception):
    """The page offers the time in other terms than the client was shown."""


@dataclass(frozen=True)
class Client:
    """Who books. `timezone` is an IANA zone, `locale` a language of ours."""

    name: str
    email: str
    note: str
    timezone: str
    locale: str


@dataclass(frozen=True)
class ByHost:
    """That the host books for the client: also while the page is off, and without its minimum
    notice, daily limit and horizon; where `outside_hours`, at any time that is free. `words` go to
    the client with the confirmation."""

    words: str | None = None
    series_id: str | None = None
    outside_hours: bool = False


@retry_on_conflict
def book(
    page: PageSnapshot | BookingPage,
    start: datetime,
    client: Client,
    key: str,
    terms: str | None = None,
    *,
    by_host: ByHost | None = None,
) -> Booking:
    """Give `client` the slot at `start` (aware UTC) and commit, with the tasks that follow from it.
    The booking keeps the page's terms of this moment. `by_host`: its host books, else the client.

    The host's row is the lock, so clients of all the host's pages queue here; the database's
    own overlap constraint stands behind it. The same idempotency `key` returns the booking it
    made the first time.

    Raises SlotTaken when a live booking overlaps, OutsideHours when the page's rules no longer
    offer `start`, TermsChanged when the page's terms are not those that the client was shown
    (`terms`, see PageSnapshot; None: whatever they are).
    """
    page_id = page.id
    try:
        lock(page.user_id)
        offering = offering_of(page_id)  # what was read before the lock may be old
        _check(offering, start, terms, by_host)
        page = offering.page
        booking = _new_booking(page, start, client, key)
        booking.series_id = by_host.series_id if by_host else None
        insert_parts(
            booking,
            _new_client(client),
            blocked(page, start),
            wants_meeting=page.auto_zoom,
            by=Actor.HOST if by_host else Actor.CLIENT,
        )
        if by_host:
            db.session.add(
                Change(booking_id=booking.id, sequence=0, by=Actor.HOST, words=by_host.words)
            )
        tasks = followups.after_booking(
            booking, wants_meeting=page.auto_zoom, leads=offering.reminders
        )
        db.session.add_all(tasks)
        commit_and_keep()
    except (SlotTaken, OutsideHours, TermsChanged, IntegrityError, NoResultFound) as refusal:
        db.session.rollback()
        # A form that was sent before is refused by what it has booked itself.
        if earlier := find_by_key(page_id, key):
            return earlier
        if isinstance(refusal, IntegrityError):
            raise SlotTaken from refusal
        if isinstance(refusal, NoResultFound):
            raise OutsideHours from refusal  # the account was deleted a moment ago
        raise
    outbox.enqueue(tasks)
    return booking


def find_by_key(page_id: int, key: str) -> Booking | None:
    """The booking that a form with this idempotency key has made."""
    return db.session.scalar(
        select(Booking).where(Booking.page_id == page_id, Booking.idempotency_key == key)
    )


def find_by_token(token: str) -> Booking | None:
    """The booking whose client holds `token`."""
    return db.session.scalar(
        select(Booking)
        .join(Booking.client)
        .where(Attendee.token_hash == fingerprint(token))
        .options(contains_eager(Booking.client), joinedload(Booking.meeting))
    )


def find_with_parties(booking_id: int | None) -> Booking:
    """A task's booking with its host, its client and its meeting, in one statement. Raises
    NoResultFound."""
    return db.session.get_one(Booking, booking_id, options=WITH_PARTIES)


def _check(offering: Offering, start: datetime, terms: str | None, by_host: ByHost | None) -> None:
    page = offering.page
    if page.archived_at is not None or not (page.is_live or by_host):
        raise OutsideHours
    if by_host:
        is_free = is_open_to_host(offering, start, outside_hours=by_host.outside_hours)
    else:
        is_free = is_open(offering, start)
    if is_free:
        if terms not in {None, page.terms}:
            raise TermsChanged
        return
    raise refusal_of(offering, start)


def refusal_of(offering: Offering, start: datetime) -> Exception:
    """Why the offering does not hold `start` any more: SlotTaken or OutsideHours."""
    page = offering.page
    is_taken = busy_spans(page.user_id, *blocked(page, start), moving=offering.moving)
    return SlotTaken() if is_taken else OutsideHours()


def blocked(page: PageSnapshot, start: datetime) -> tuple[datetime, datetime]:
    """The span with its buffers, half-open."""
    return (
        start - timedelta(minutes=page.buffer_before),
        start + timedelta(minutes=page.duration + page.buffer_after),
    )


def _new_booking(page: PageSnapshot, start: datetime, client: Client, key: str) -> Booking:
    settings = current_settings()
    public_id, join_token = new_reference(), new_token()
    return Booking(
        public_id=public_id,
        page_id=page.id,
        host_id=page.user_id,
        title=page.title,
        location=page.location,
        timezone=page.timezone,
        duration=page.duration,
        page_version=page.version,
        organizer_email=parseaddr(settings.mail_from)[1],
        starts_at=start,
        ends_at=start + timedelta(minutes=page.duration),
        status=Status.CONFIRMED,
        version=1,
        note=client.note,
        join_token=join_token,
        join_hash=fingerprint(join_token),
        ical_uid=f"{public_id}@{settings.mail_domain}",
        ical_sequence=0,
        idempotency_key=key,
        created_at=utcnow(),
    )


def _new_client(client: Client) -> Attendee:
    token = new_token()
    return Attendee(
        role=Role.CLIENT,
        name=client.name,
        email=client.email,
        locale=client.locale,
        timezone=client.timezone,
        token=token,
        token_hash=fingerprint(token),
        reminders_off_at=None,  # said, so that nobody has to read it
    )


@retry_on_conflict
def cancel(booking: Booking, by: str, words: str | None = None) -> None:
    """Call the booking off for `by` ('client' or 'host') and commit; both get a mail, the other one
    with these `words`.

    The slot is free at once. Tasks that wait are cancelled. The meeting is deleted at Zoom
    where the host granted that. Cancelling twice changes nothing.
    """
    lock(booking.host_id)
    # A meeting may be put on it just now, so what hangs on it is read after its row is held.
    held = select(Booking).where(Booking.id == booking.id).with_for_update(key_share=True)
    db.session.execute(held.execution_options(populate_existing=True)).scalar_one()
    db.session.expire(booking, ["meeting", "hold"])
    if not booking.is_live:
        db.session.rollback()
        return
    booking.status = Status.CANCELLED
    booking.cancelled_at = utcnow()
    booking.cancelled_by = by
    booking.version += 1
    booking.ical_sequence += 1
    booking.hold = None
    record(
        Action.BOOKING_CANCELLED,
        Actor(by),
        host_id=booking.host_id,
        subject_id=booking.id,
        sequence=booking.ical_sequence,
    )
    booking.changes.append(
        Change(sequence=booking.ical_sequence, by=by, words=words, at=booking.cancelled_at)
    )
    outbox.call_off_waiting(Task.booking_id == booking.id)
    added = followups.mails(Deed.CANCELLED, booking)
    booking.tasks.extend(added)
    added += followups.delete_meetings(booking)
    db.session.commit()
    outbox.enqueue(added)
