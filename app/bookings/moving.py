"""Giving a booking another time. Only `move` commits."""

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import bindparam, select
from sqlalchemy.exc import IntegrityError, NoResultFound
from sqlalchemy.orm import joinedload

from .. import outbox
from ..accounts.service import lock
from ..booking_pages.models import BookingPage
from ..booking_pages.offerings import Offering, PageSnapshot, offering_of
from ..core.clock import utcnow
from ..db import commit_and_keep, db
from ..db.retry import retry_on_conflict
from ..events import Actor
from . import declines, followups
from .models import Booking, Change
from .moved_parts import write_parts
from .openings import for_booking, for_host, is_open
from .service import OutsideHours, SlotTaken, blocked, refusal_of

WORDS_LENGTH = 1000
_HELD = (
    select(Booking)
    .where(Booking.id == bindparam("booking"))
    .options(joinedload(Booking.client, innerjoin=True))
    .with_for_update(key_share=True, of=Booking)
)
_AS_IT_STANDS = {"populate_existing": True}


class Barred(StrEnum):
    """Why a booking cannot be moved by somebody."""

    CANCELLED = "cancelled"
    OVER = "over"  # to a client from its start on, to the host from its end on
    NOTICE = "notice"  # the page's change notice has begun
    PAGE_OFF = "page_off"  # the page offers clients no times just now


class CannotMove(Exception):
    """It cannot be moved (any more): `why`."""

    def __init__(self, why: Barred) -> None:
        super().__init__(why)
        self.why = why


class Stale(Exception):
    """The booking was changed since the form was shown."""


def barred_from(
    booking: Booking, by: Actor, page: BookingPage | PageSnapshot | None = None
) -> Barred | None:
    """Why `by` (client or host) cannot move the booking now; None where they can. `page` is the
    booking's, where it was read already."""
    now = utcnow()
    if not booking.is_live:
        return Barred.CANCELLED
    if by is Actor.HOST:
        return Barred.OVER if booking.ends_at <= now else None
    if booking.starts_at <= now:
        return Barred.OVER
    page = page or booking.page
    if booking.starts_at - timedelta(minutes=page.change_notice) <= now:
        return Barred.NOTICE
    return Barred.PAGE_OFF if not page.is_live or page.archived_at is not None else None


def offering_for(booking: Booking, by: Actor) -> Offering:
    """What the booking's page offers it as another time: by the page's present rules, in the agreed
    length, and to the host without the rules that only bind clients."""
    offering = for_booking(offering_of(booking.page_id), booking.id, booking.duration)
    return for_host(offering) if by is Actor.HOST else offering


@retry_on_conflict
def move(
    booking: Booking, start: datetime, by: Actor, *, words: str = "", version: int | None = None
) -> None:
    """Give the booking the time that begins at `start` (aware UTC) and commit, with the tasks that
    follow. The former time is free in the same transaction; what was agreed goes along. `words`
    go to the other party. To move to the time it has already changes nothing.

    `version` is the booking's that the mover was shown; None asks for no comparison. Raises
    CannotMove; Stale when it was changed since; SlotTaken and OutsideHours as `service.book` does.
    After any of them the booking stands as it was.
    """
    booking_id, host_id = booking.id, booking.host_id
    try:
        lock(host_id)
    except NoResultFound as gone:
        db.session.rollback()
        raise CannotMove(Barred.CANCELLED) from gone  # the account was deleted a moment ago
    db.session.execute(_HELD, {"booking": booking_id}, execution_options=_AS_IT_STANDS).scalar_one()
    # A meeting may be put on it just now, so that is read after the booking's row is held.
    db.session.expire(booking, ["meeting"])
    if booking.is_live and booking.starts_at == start:
        db.session.rollback()
        return
    try:
        tasks = _moved(booking, _checked(booking, start, by, version), start, by, words)
        commit_and_keep()
    except (Stale, CannotMove, SlotTaken, OutsideHours):
        db.session.rollback()
        raise
    except IntegrityError as error:
        db.session.rollback()
        raise SlotTaken from error
    db.session.expire(booking, ["changes", "hold", "tasks"])
    outbox.enqueue(tasks)


def _checked(booking: Booking, start: datetime, by: Actor, version: int | None) -> Offering:
    """What the booking is offered, `start` among it."""
    if version not in {None, booking.version}:
        raise Stale
    offering = offering_for(booking, by)
    if barred := barred_from(booking, by, offering.page):
        raise CannotMove(barred)
    if not is_open(offering, start):
        raise refusal_of(offering, start)
    return offering


def _moved(
    booking: Booking, offering: Offering, start: datetime, by: Actor, words: str
) -> list[outbox.Task]:
    former = booking.starts_at
    booking.starts_at = start
    booking.ends_at = start + timedelta(minutes=booking.duration)
    booking.version += 1
    booking.ical_sequence += 1
    booking.no_show_at = None  # said of the former time, as a decline is
    declines.forget(booking.client)
    if booking.meeting is not None and booking.meeting.erase_at is not None:
        booking.meeting.erase_at = booking.ends_at  # its link is to last until then
    db.session.flush()
    change = Change(
        sequence=booking.ical_sequence,
        by=by,
        old_starts_at=former,
        words=words or None,
        at=utcnow(),
    )
    write_parts(booking, change, blocked(offering.page, start))
    return followups.after_move(booking, offering.reminders)
