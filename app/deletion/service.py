"""Deleting an account for good: close it, call its bookings off, send word, then erase it.

Where a deletion stands is read from the account's own rows, and every step can be done again:
whoever is interrupted, even by kill -9, begins anew and comes through to where it stopped.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, delete, select, update

from .. import outbox
from ..accounts.models import SignIn, User
from ..booking_pages.models import BookingPage
from ..bookings import service as bookings
from ..bookings.models import Booking
from ..core.clock import utcnow
from ..core.crypto import new_reference
from ..core.logs import log
from ..db import LOCK_PATIENCE, db, forget_old_pages
from ..db.retry import retry_on_conflict
from ..events import Action, Actor, record
from ..outbox import Task
from .inventory import bookings_of, count, is_task_of, is_to_come, pages_of
from .models import Deletion
from .notices import AWAITED, progress_of


class UnknownAccount(Exception):
    """There is no such account, or no longer."""


class Unsettled(Exception):
    """Somebody has not had word yet, or a worker has a task in hand: nothing was deleted."""


@dataclass(frozen=True)
class Begun:
    """A deletion under way, as plain values: it outlives sessions. `begun_at` is aware UTC."""

    id: int
    reference: str
    user_id: int
    begun_at: datetime


@retry_on_conflict
def begin(user_id: int) -> Begun:
    """Close the account and commit: no sign-in, every browser signed out, every page off.

    A deletion that is under way is gone on with. Bookings are made behind the host's lock, so
    none comes after this. Of the tasks that wait, only what the deletion waits for stays.

    Raises UnknownAccount.
    """
    user = _lock(user_id)
    deletion = db.session.scalar(select(Deletion).where(Deletion.user_id == user_id))
    if deletion is None:
        deletion = Deletion(reference=new_reference(), user_id=user_id, begun_at=utcnow())
        db.session.add(deletion)
        record(Action.ACCOUNT_CLOSED, Actor.OPERATOR, host_id=user_id)
    user.disabled_at = user.disabled_at or deletion.begun_at
    db.session.execute(delete(SignIn).where(SignIn.user_id == user_id))
    db.session.execute(
        update(BookingPage).where(BookingPage.user_id == user_id).values(is_live=False)
    )
    outbox.call_off_waiting(and_(is_task_of(user_id), Task.kind.not_in(AWAITED)))
    db.session.flush()
    begun = Begun(deletion.id, deletion.reference, user_id, deletion.begun_at)
    db.session.commit()
    log.info("account closed for deletion", deletion_id=begun.id, user_id=user_id)
    return begun


def cancel_bookings(begun: Begun) -> int:
    """Cancel what is to come, as the host would, each booking with its mails in one transaction.

    Returns how many.
    """
    to_come = db.session.scalars(select(Booking).where(is_to_come(begun.user_id))).all()
    for booking in to_come:
        bookings.cancel(booking, by="host")
    db.session.remove()
    return len(to_come)


@retry_on_conflict
def erase(begun: Begun, *, even_unsent: bool = False) -> None:
    """Delete the account with all that hangs on it, in one transaction, and commit.

    The database's own cascades take pages, hours, overrides, bookings, time off, connection,
    sessions and tasks along. Task rows are locked first: what nobody has in hand nobody takes.

    Raises Unsettled, unless `even_unsent`, while word is missing; UnknownAccount when another
    run was faster.
    """
    user_id = begun.user_id
    _lock(user_id)
    deletion = db.session.get_one(Deletion, begun.id, populate_existing=True)
    if deletion.user_id != user_id:  # SQLite gives the numbers of deleted rows to new ones
        db.session.rollback()
        raise UnknownAccount
    db.session.scalars(
        select(Task.id).where(is_task_of(user_id)).order_by(Task.id).with_for_update()
    ).all()
    progress = progress_of(user_id, begun.begun_at)
    still_to_come = count(select(Booking.id).where(is_to_come(user_id))) > 0
    if still_to_come or (progress.missing and not even_unsent):
        db.session.rollback()
        raise Unsettled
    called_off = bookings_of(user_id).where(
        Booking.cancelled_by == "host", Booking.cancelled_at >= begun.begun_at
    )
    deletion.pages = count(pages_of(user_id))
    deletion.bookings = count(bookings_of(user_id))
    deletion.called_off = count(called_off)
    deletion.unsent = progress.unsent
    deletion.finished_at = utcnow()
    deletion.user_id = None
    db.session.flush()
    db.session.execute(
        delete(User).where(User.id == user_id).execution_options(synchronize_session=False)
    )
    db.session.commit()
    log.info("account deleted", deletion_id=begun.id, user_id=user_id)
    forget_old_pages(LOCK_PATIENCE)
    db.session.remove()


def deletions() -> Sequence[Deletion]:
    """Every deletion, the newest first."""
    return db.session.scalars(select(Deletion).order_by(Deletion.id.desc())).all()


def _lock(user_id: int) -> User:
    """The host's row, which bookers queue behind."""
    user: User | None = db.session.scalar(
        select(User)
        .where(User.id == user_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if user is None:
        db.session.rollback()
        raise UnknownAccount
    return user
