"""Giving a booking another time. Only `move` commits."""

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError, NoResultFound

from .. import outbox
from ..accounts.service import lock
from ..booking_pages.offerings import Offering, offering_of
from ..core.clock import utcnow
from ..db import db
from ..db.retry import retry_on_conflict
from ..events import Action, Actor, record
from . import declines, followups
from .models import Booking, Change, Hold
from .openings import for_booking, for_host, is_open
from .service import OutsideHours, SlotTaken, blocked, refusal_of

WORDS_LENGTH = 1000


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


def barred_from(booking: Booking, by: Actor) -> Barred | None:
    """Why `by` (client or host) cannot move the booking now; None where they can."""
    now = utcnow()
    if not booking.is_live:
        return Barred.CANCELLED
    if by is Actor.HOST:
        return Barred.OVER if booking.ends_at <= now else None
    if booking.starts_at <= now:
        return Barred.OVER
    page = booking.page
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
    # A meeting may be put on it just now, so what hangs on it is read after its row is held.
    held = select(Booking).where(Booking.id == booking_id).with_for_update(key_share=True)
    db.session.execute(held.execution_options(populate_existing=True)).scalar_one()
    db.session.expire(booking, ["meeting", "hold", "page"])
    if booking.is_live and booking.starts_at == start:
        db.session.rollback()
        return
    try:
        tasks = _moved(booking, _checked(booking, start, by, version), start, by, words)
        db.session.commit()
    except (Stale, CannotMove, SlotTaken, OutsideHours):
        db.session.rollback()
        raise
    except IntegrityError as error:
        db.session.rollback()
        raise SlotTaken from error
    outbox.enqueue(tasks)


def _checked(booking: Booking, start: datetime, by: Actor, version: int | None) -> Offering:
    """What the booking is offered, `start` among it."""
    if version not in {None, booking.version}:
        raise Stale
    if barred := barred_from(booking, by):
        raise CannotMove(barred)
    offering = offering_for(booking, by)
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
    if booking.hold is None:
        booking.hold = Hold(host_id=booking.host_id)
    booking.hold.blocked_from, booking.hold.blocked_until = blocked(offering.page, start)
    record(
        Action.BOOKING_MOVED,
        by,
        host_id=booking.host_id,
        subject_id=booking.id,
        sequence=booking.ical_sequence,
    )
    booking.changes.append(
        Change(
            sequence=booking.ical_sequence,
            by=by,
            old_starts_at=former,
            words=words or None,
            at=utcnow(),
        )
    )
    db.session.flush()
    return followups.after_move(booking)
