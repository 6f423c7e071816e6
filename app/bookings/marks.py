"""What a host writes on a booking for nobody else: a note, and that the client did not come. Only
these commit, and nobody is told."""

from sqlalchemy import select

from ..core.clock import utcnow
from ..db import db
from ..db.retry import retry_on_conflict
from ..events import Action, Actor, record
from ..web.forms import version_of
from .models import Booking


class NoteChanged(Exception):
    """The note says something else than what the form was filled in from."""


class NotYet(Exception):
    """Nobody can have stayed away: it has not begun, or was cancelled."""


def note_version(booking: Booking) -> str:
    """What changes whenever the private note does."""
    return version_of(booking.private_note or "")


@retry_on_conflict
def keep_note(booking: Booking, note: str, version: str | None) -> None:
    """Let the private note say `note`, empty for none, and commit. `version` is what the form was
    filled in from; None: whatever it was. Raises NoteChanged."""
    booking = _held(booking)
    if (booking.private_note or "") != note and version not in {None, note_version(booking)}:
        db.session.rollback()
        raise NoteChanged
    booking.private_note = note or None
    db.session.commit()


@retry_on_conflict
def mark_no_show(booking: Booking, is_no_show: bool) -> None:
    """Note that the client did not come, or take that back; commit. What is so already stays as it
    is. Raises NotYet before the start, and for a booking that was cancelled."""
    booking = _held(booking)
    now = utcnow()
    if not booking.is_live or booking.starts_at > now:
        db.session.rollback()
        raise NotYet
    if (booking.no_show_at is not None) == is_no_show:
        db.session.rollback()
        return
    booking.no_show_at = now if is_no_show else None
    action = Action.BOOKING_NO_SHOW if is_no_show else Action.BOOKING_NO_SHOW_TAKEN_BACK
    record(action, Actor.HOST, host_id=booking.host_id, subject_id=booking.id)
    db.session.commit()


def _held(booking: Booking) -> Booking:
    asked = select(Booking).where(Booking.id == booking.id).with_for_update(key_share=True)
    return db.session.execute(asked.execution_options(populate_existing=True)).scalar_one()
