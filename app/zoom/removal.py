"""What follows when a Zoom user removes CalSync at Zoom. These functions commit.

Source: Zoom's "Data deauthorization" page. Zoom sends the event again after 5, 20 and 60 minutes
when it is not accepted, so it may come late and more than once.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.exc import IntegrityError

from ..core.clock import utcnow
from ..core.crypto import fingerprint
from ..core.logs import log
from ..db import db, delete_some, forget_old_pages
from ..db.retry import retry_on_conflict
from ..events import Action, Actor, record
from .models import ZoomConnection, ZoomErasure, ZoomEvent

EVENT = "app_deauthorized"
# Zoom's last retry comes after 85 minutes; a week leaves room for a queue that was stopped there.
KEPT = timedelta(days=7)


@dataclass(frozen=True)
class Removal:
    """Who removed CalSync, and when (aware UTC, by Zoom's clock). `leaves_data` is False where
    this user wants what came from Zoom deleted (`user_data_retention`)."""

    zoom_user_id: str
    at: datetime
    leaves_data: bool = True


@retry_on_conflict
def apply(removal: Removal) -> None:
    """Delete the connection of that Zoom user, tokens, ids, mail address and all; commit.

    The account and its bookings stay, and so do the meetings and their links. A connection that
    was authorized after the event stays too. The same event has its effect once. When no
    active connection has that id, every one of unknown identity is doubted, and the sweep has it
    checked; an ended one, which no check can tell apart, loses its tokens. Where the data is not
    left to CalSync, the sweep deletes what of it lies on bookings.
    """
    if not _is_first(removal):
        return
    is_known = db.session.scalar(
        select(ZoomConnection.id).where(
            ZoomConnection.zoom_user_id == removal.zoom_user_id,
            ZoomConnection.status == "active",
        )
    )
    changed = _delete(removal)
    if not is_known:
        # An ended connection may hold the id that a younger one has not learned yet.
        changed += _doubt_unknown(removal)
        _forget_unknown(removal)
    if not removal.leaves_data:
        _ask_for_erasure(removal)
    db.session.commit()
    forget_old_pages()
    log.info("zoom app removed", is_known=bool(is_known), connections=changed)


def _is_first(removal: Removal) -> bool:
    """Note the event in the caller's transaction; False when it is noted already."""
    key = f"{EVENT}:{removal.zoom_user_id}:{removal.at.timestamp():.3f}"
    event = ZoomEvent(
        digest=fingerprint(key), event=EVENT, event_at=removal.at, received_at=utcnow()
    )
    db.session.add(event)
    try:
        db.session.flush()
    except IntegrityError:
        db.session.rollback()
        return False
    return True


def forget_old_events(most: int) -> int:
    """Delete up to `most` events that Zoom will not send again; commit. Returns how many."""
    return delete_some(ZoomEvent, ZoomEvent.received_at < utcnow() - KEPT, most)


def _delete(removal: Removal) -> int:
    hosts = db.session.scalars(
        delete(ZoomConnection)
        .where(
            ZoomConnection.zoom_user_id == removal.zoom_user_id,
            ZoomConnection.authorized_at <= removal.at,
        )
        .returning(ZoomConnection.user_id)
        .execution_options(synchronize_session=False)
    ).all()
    for host_id in hosts:
        record(Action.ZOOM_REMOVED, Actor.ZOOM, host_id=host_id)
    return len(hosts)


def _ask_for_erasure(removal: Removal) -> None:
    """Once, in the caller's transaction; and not where this user has come back meanwhile."""
    is_back = db.session.scalar(
        select(ZoomConnection.id).where(ZoomConnection.zoom_user_id == removal.zoom_user_id)
    )
    if is_back:
        return
    known = db.session.scalar(
        select(ZoomErasure).where(ZoomErasure.zoom_user_id == removal.zoom_user_id)
    )
    erasure = known or ZoomErasure(zoom_user_id=removal.zoom_user_id)
    erasure.asked_at, erasure.due_at = removal.at, utcnow()
    db.session.add(erasure)


def call_off_erasure(zoom_user_id: str | None) -> None:
    """This Zoom user has added CalSync again: nothing more is deleted, in the caller's transaction."""
    db.session.execute(delete(ZoomErasure).where(ZoomErasure.zoom_user_id == zoom_user_id))


def _doubt_unknown(removal: Removal) -> int:
    result = db.session.execute(
        update(ZoomConnection)
        .where(
            ZoomConnection.status == "active",
            ZoomConnection.zoom_user_id.is_(None),
            ZoomConnection.authorized_at <= removal.at,
        )
        .values(doubted_at=utcnow())
        .execution_options(synchronize_session=False)
    )
    assert isinstance(result, CursorResult)
    return result.rowcount


def _forget_unknown(removal: Removal) -> None:
    db.session.execute(
        update(ZoomConnection)
        .where(
            ZoomConnection.status == "needs_reconnect",
            ZoomConnection.zoom_user_id.is_(None),
            ZoomConnection.authorized_at <= removal.at,
        )
        .values(access_token=None, refresh_token=None)
        .execution_options(synchronize_session=False)
    )
