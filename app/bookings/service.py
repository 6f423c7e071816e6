"""Booking and cancelling, and what happens to a booking's meeting. Only these functions commit."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select
from sqlalchemy.exc import IntegrityError, NoResultFound
from sqlalchemy.orm import joinedload

from .. import outbox
from ..accounts.service import lock
from ..booking_pages.models import BookingPage
from ..booking_pages.offerings import Offering, PageSnapshot, offering_of
from ..core.clock import utcnow
from ..core.config import current_settings
from ..core.crypto import fingerprint, new_reference, new_token
from ..db import commit_and_keep, db
from ..db.retry import retry_on_conflict
from ..outbox import Due, Task
from ..zoom.meetings import may_delete
from . import followups
from .models import Booking
from .openings import busy_spans, is_open

WITH_PARTIES = (
    joinedload(Booking.page, innerjoin=True),
    joinedload(Booking.host, innerjoin=True),
)


class SlotTaken(Exception):
    """A live booking of the host overlaps."""


class OutsideHours(Exception):
    """The page's rules do not offer this time, or no longer."""


@dataclass(frozen=True)
class Client:
    """Who books. `timezone` is an IANA zone, `locale` a language of ours."""

    name: str
    email: str
    note: str
    timezone: str
    locale: str


@dataclass(frozen=True)
class MadeMeeting:
    """A meeting at Zoom, as plain values; `host_id` is the Zoom user whose it is, or empty."""

    id: int
    join_url: str
    passcode: str | None
    host_id: str = ""


@retry_on_conflict
def book(page: PageSnapshot | BookingPage, start: datetime, client: Client, key: str) -> Booking:
    """Give `client` the slot at `start` (aware UTC) and commit, with the tasks that follow from it.

    The host's row is the lock, so clients of all the host's pages queue here; the database's
    own overlap constraint stands behind it. The same idempotency `key` returns the booking it
    made the first time.

    Raises SlotTaken when a live booking overlaps, OutsideHours when the page's rules no longer
    offer `start`.
    """
    page_id = page.id
    try:
        lock(page.user_id)
        offering = offering_of(page_id)  # what was read before the lock may be old
        _check(offering, start)
        booking = _new_booking(offering.page, start, client, key)
        db.session.add(booking)
        tasks = followups.after_booking(booking)
        booking.tasks.extend(tasks)
        commit_and_keep()
    except (SlotTaken, OutsideHours, IntegrityError, NoResultFound) as refusal:
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
    return db.session.scalar(select(Booking).where(Booking.token_hash == fingerprint(token)))


def find_with_parties(booking_id: int | None) -> Booking:
    """A task's booking with its page and its host, in one statement. Raises NoResultFound."""
    return db.session.get_one(Booking, booking_id, options=WITH_PARTIES)


def _check(offering: Offering, start: datetime) -> None:
    page = offering.page
    if not offering.is_live:
        raise OutsideHours
    if is_open(offering, start):
        return
    blocked_from, blocked_until = _blocked(page, start)
    raise (SlotTaken if busy_spans(page.user_id, blocked_from, blocked_until) else OutsideHours)


def _blocked(page: PageSnapshot, start: datetime) -> tuple[datetime, datetime]:
    """The span with its buffers, half-open."""
    return (
        start - timedelta(minutes=page.buffer_before),
        start + timedelta(minutes=page.duration + page.buffer_after),
    )


def _new_booking(page: PageSnapshot, start: datetime, client: Client, key: str) -> Booking:
    token = new_token()
    public_id = new_reference()
    blocked_from, blocked_until = _blocked(page, start)
    return Booking(
        public_id=public_id,
        token=token,
        token_hash=fingerprint(token),
        page_id=page.id,
        host_id=page.user_id,
        starts_at=start,
        ends_at=start + timedelta(minutes=page.duration),
        blocked_from=blocked_from,
        blocked_until=blocked_until,
        status="confirmed",
        client_name=client.name,
        client_email=client.email,
        client_timezone=client.timezone,
        client_locale=client.locale,
        note=client.note,
        ical_uid=f"{public_id}@{current_settings().mail_domain}",
        ical_sequence=0,
        meeting_state="wanted" if page.auto_zoom else "none",
        idempotency_key=key,
        created_at=utcnow(),
    )


@retry_on_conflict
def cancel(booking: Booking, by: str) -> None:
    """Call the booking off for `by` ('client' or 'host') and commit; both get a mail.

    The slot is free at once. Tasks that wait are cancelled. The meeting is deleted at Zoom
    where the host granted that. Cancelling twice changes nothing.
    """
    lock(booking.host_id)
    db.session.refresh(
        booking, with_for_update={"key_share": True}
    )  # a meeting may be put on it just now
    if not booking.is_live:
        db.session.rollback()
        return
    booking.status = "cancelled"
    booking.cancelled_at = utcnow()
    booking.cancelled_by = by
    booking.ical_sequence += 1
    outbox.call_off_waiting(Task.booking_id == booking.id)
    added = followups.mails(booking, followups.CANCELLED)
    booking.tasks.extend(added)
    if booking.zoom_meeting_id is not None:
        added += _delete_if_possible(booking)
    db.session.commit()
    outbox.enqueue(added)


def attach_meeting(reference: str, meeting: MadeMeeting) -> bool:
    """Keep a new meeting on its booking and commit: the first to be kept is the only one.

    Waiting mails fall due. Who already has a confirmation without link gets an update with it.
    A booking cancelled meanwhile has the meeting deleted. False when another was kept before.

    `reference` is the booking's public id: SQLite gives the numbers of deleted rows to new ones.
    Raises NoResultFound when there is no such booking, or no longer.
    """
    booking = _locked(Booking.public_id == reference)
    if booking.meeting_state == "ready":
        db.session.rollback()
        return booking.zoom_meeting_id == meeting.id
    booking.zoom_meeting_id = meeting.id
    booking.zoom_host_id = meeting.host_id or None
    booking.join_url = meeting.join_url
    booking.passcode = meeting.passcode
    booking.meeting_state = "ready"
    booking.meeting_error = None
    brought_forward: list[Due] = []
    added: list[Task] = []
    if not booking.is_live:
        added = _delete_if_possible(booking)
    else:
        brought_forward = outbox.bring_forward(followups.confirmations_of(booking.id))
        if len(brought_forward) < len(followups.PARTIES):
            added = followups.tell_link_late(booking)
    commit_and_keep()
    outbox.push([*brought_forward, *(Due(task.id, task.kind) for task in added)])
    return True


def note_meeting(reference: str, meeting_id: int, host_id: str) -> None:
    """Remember a meeting that was made while its link is still to be asked for, and commit: no
    second one is made then. Raises NoResultFound as `attach_meeting` does."""
    booking = _locked(Booking.public_id == reference)
    if booking.meeting_state == "ready":
        db.session.rollback()
        return
    booking.zoom_meeting_id = meeting_id
    booking.zoom_host_id = host_id or None
    added = [] if booking.is_live else _delete_if_possible(booking)
    db.session.commit()
    outbox.enqueue(added)


def _delete_if_possible(booking: Booking) -> list[Task]:
    if not may_delete(booking.host_id, of=booking.zoom_host_id):
        return []
    return followups.add_once(booking, followups.DELETE_MEETING)


def fail_meeting(booking_id: int, reason: str) -> None:
    """No meeting for now, and why; mails go out without a link. Commits."""
    booking = _locked(Booking.id == booking_id)
    if booking.meeting_state == "ready":
        db.session.rollback()
        return
    booking.meeting_state = "failed"
    booking.meeting_error = reason
    brought_forward = outbox.bring_forward(followups.confirmations_of(booking_id))
    db.session.commit()
    outbox.push(brought_forward)


def retry(booking: Booking, task: Task) -> None:
    """Try a failed task of this booking once more, and commit. One that has not failed, or not
    yet, is left alone with its booking: nobody would ever take back that its meeting is wanted."""
    # What was read before may be old: Retry is pressed twice, and while a task is being given up.
    booking = _locked(Booking.id == booking.id)
    state = db.session.scalar(select(Task.state).where(Task.id == task.id).with_for_update())
    if state != "failed":
        db.session.rollback()
        return
    if task.kind == followups.CREATE_MEETING and booking.meeting_state == "failed":
        booking.meeting_state = "wanted"  # its error stays until there is a meeting
    if outbox.retry(task):
        db.session.expire_all()
        outbox.enqueue([task])


def _locked(which: ColumnElement[bool]) -> Booking:
    return db.session.execute(
        select(Booking)
        .where(which)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).scalar_one()
