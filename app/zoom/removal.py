"""What follows when a Zoom user removes CalSync at Zoom. These functions commit.

Source: Zoom's "Data deauthorization" page. Zoom sends the event again after 5, 20 and 60 minutes
when it is not accepted, so it may come late and more than once.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.exc import IntegrityError

from ..clock import utcnow
from ..crypto import fingerprint
from ..extensions import db, delete_some, forget_old_pages
from ..logs import log
from .models import ZoomConnection, ZoomEvent

EVENT = "app_deauthorized"
# Zoom's last retry comes after 85 minutes; a week leaves room for a queue that was stopped there.
KEPT = timedelta(days=7)


@dataclass(frozen=True)
class Removal:
    """Who removed CalSync, and when (aware UTC, by Zoom's clock)."""

    zoom_user_id: str
    at: datetime


def apply(removal: Removal) -> None:
    """Delete the connection of that Zoom user, tokens, ids, mail address and all; commit.

    The account and its bookings stay, and so do the meetings and their links. A connection that
    was authorized after the event stays too. The same event has its effect once. When no
    active connection has that id, every one of unknown identity is doubted, and the sweep has it
    checked; an ended one, which no check can tell apart, loses its tokens.
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
    result = db.session.execute(
        delete(ZoomConnection)
        .where(
            ZoomConnection.zoom_user_id == removal.zoom_user_id,
            ZoomConnection.authorized_at <= removal.at,
        )
        .execution_options(synchronize_session=False)
    )
    assert isinstance(result, CursorResult)
    return result.rowcount


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
