"""A host's tokens: fresh when they are needed, refreshed by one worker at a time, ended when Zoom
says so. These functions commit.

Where two rows are locked, the host's comes first and the connection's second.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, or_, select, update
from sqlalchemy.engine import CursorResult

from .. import outbox
from ..accounts import service as accounts
from ..core.clock import utcnow
from ..core.logs import log
from ..db import db
from ..events import Action, Actor, record
from ..outbox import Busy, Refused, Unavailable
from . import oauth
from .models import ENDED, SCOPE_MISSING, ZoomConnection
from .values import Access

# Nobody refreshes longer than this; afterwards another worker may try.
REFRESH_LEASE = timedelta(seconds=45)
# So long new tokens are held while the database is away; a browser may wait for it.
IN_HAND = timedelta(seconds=15)
EARLY = timedelta(minutes=5)
# Zoom forgets a refresh token after 90 days.
IDLE = timedelta(days=30)
# The task that tells the host; its handler is above.
RECONNECT_MAIL = "mail.host.reconnect"


def no_op() -> None:
    """What comes before a call where nothing has to: a browser's request holds no lease."""


def access_for(user_id: int, before_refresh: Callable[[], None] = no_op) -> Access:
    """A token that will live long enough for a call; refreshes and commits where needed.

    The refresh is claimed by a conditional UPDATE, and no row stays locked while Zoom answers.
    It is an outgoing call as well: `before_refresh` comes right before it.

    Raises Refused("zoom_not_connected" or "zoom_needs_reconnect"), or Unavailable when Zoom is
    ill or another worker is refreshing just now.
    """
    connection = _usable(user_id)
    if not _is_stale(connection):
        return _access(connection)
    before_refresh()  # which may commit, and the host may have disconnected meanwhile
    return _refresh(_usable(user_id))


def check(user_id: int) -> None:
    """Refresh a connection that is doubted or has idled, which shows whether it is alive. Commits.

    Raises Refused when it is over (the host is told), Unavailable when Zoom does not say.
    """
    connection = connection_of(user_id)
    if connection is None or not connection.is_active or not connection.refresh_token:
        return
    if connection.doubted_at or connection.expires_at < utcnow() - IDLE:
        _refresh(connection)


def probe(user_id: int) -> None:
    """Refresh the host's token now, to see whether the connection is alive. Commits.

    Raises as `access_for` does.
    """
    _refresh(_usable(user_id))


def _usable(user_id: int) -> ZoomConnection:
    connection = connection_of(user_id)
    if connection is None:
        raise Refused("zoom_not_connected")
    if not (connection.is_active and connection.access_token and connection.refresh_token):
        raise Refused("zoom_needs_reconnect")
    return connection


def forget_token(user_id: int, token: str) -> None:
    """Zoom refused `token` before its time: let the next `access_for` refresh. Commits."""
    connection = locked(user_id)  # a removal at Zoom is told of at this very moment
    if connection is not None and connection.access_token == token:
        connection.expires_at = utcnow()
    db.session.commit()


def end(user_id: int, because: str, token: str) -> None:
    """The connection is of no use any more: the host is to make it anew, and is told once. Commits.

    Nothing happens unless `token` is still the one kept: it may have been refreshed meanwhile,
    or the host has connected anew.
    """
    accounts.lock(user_id)
    connection = locked(user_id)
    if connection is None or not connection.is_active or connection.access_token != token:
        db.session.rollback()
        return
    end_locked(connection, because)


def _is_stale(connection: ZoomConnection) -> bool:
    margin = min(EARLY, timedelta(seconds=connection.lifetime) / 10)
    return connection.expires_at - utcnow() < margin


@dataclass(frozen=True)
class _Claim:
    """One worker's right to ask for new tokens."""

    user_id: int
    refresh_token: str
    began_at: datetime
    until: datetime


def _refresh(connection: ZoomConnection) -> Access:
    claim = _claim(connection)
    try:
        grant = oauth.refresh(claim.refresh_token)
    except Refused as refusal:
        _end_refused(claim)
        raise Refused("zoom_needs_reconnect") from refusal
    except Unavailable:
        _release(claim)
        raise
    # Zoom takes no other refresh token any more: a commit that fails must not lose it.
    return outbox.retry_while_database_down(lambda: _keep(claim, grant), IN_HAND)


def _claim(connection: ZoomConnection) -> _Claim:
    """Be the one who refreshes, and commit. Raises Unavailable when another worker is."""
    now = utcnow()
    claim = _Claim(connection.user_id, connection.refresh_token or "", now, now + REFRESH_LEASE)
    is_free = and_(
        ZoomConnection.id == connection.id,
        ZoomConnection.status == "active",
        ZoomConnection.expires_at == connection.expires_at,
        or_(ZoomConnection.refreshing_until.is_(None), ZoomConnection.refreshing_until < now),
    )
    result = db.session.execute(
        update(ZoomConnection)
        .where(is_free)
        .values(refreshing_until=claim.until)
        .execution_options(synchronize_session=False)
    )
    db.session.commit()
    assert isinstance(result, CursorResult)
    if not result.rowcount:
        raise _under_way(timedelta(seconds=1))
    return claim


def _keep(claim: _Claim, grant: oauth.Grant) -> Access:
    """Store the tokens, unless the host has disconnected or connected anew meanwhile.

    What decides is the refresh token that they replace: even when the claim has run out, these
    are the only ones that Zoom still takes.
    """
    connection = locked(claim.user_id)
    if connection is None or connection.refresh_token != claim.refresh_token:
        db.session.rollback()
        raise _under_way()
    store(connection, grant)
    connection.scopes = grant.scopes or connection.scopes
    if connection.doubted_at is not None and connection.doubted_at < claim.began_at:
        connection.doubted_at = None
    db.session.commit()
    return _access(connection)


def _end_refused(claim: _Claim) -> None:
    """Zoom says that the refresh token is dead. Look again before believing it: another worker
    may have rotated it, or be about to. Raises Unavailable then."""
    accounts.lock(claim.user_id)
    connection = locked(claim.user_id)
    if (
        connection is None
        or not connection.is_active
        or connection.refresh_token != claim.refresh_token
        or connection.refreshing_until != claim.until
    ):
        db.session.rollback()
        raise _under_way()
    end_locked(connection, ENDED)


def _under_way(wait: timedelta = timedelta(0)) -> Unavailable:
    return Busy("zoom_refresh_under_way", retry_at=utcnow() + wait)


def _release(claim: _Claim) -> None:
    connection = locked(claim.user_id)
    if connection is not None and connection.refreshing_until == claim.until:
        connection.refreshing_until = None
    db.session.commit()


def store(connection: ZoomConnection, grant: oauth.Grant) -> None:
    """Put a grant's tokens into a connection, in the caller's transaction."""
    connection.access_token = grant.access_token
    connection.refresh_token = grant.refresh_token
    connection.expires_at = grant.expires_at
    connection.lifetime = grant.lifetime
    connection.refreshing_until = None


def end_locked(connection: ZoomConnection, because: str) -> None:
    """End a locked, active connection, with a mail to its host, and commit."""
    connection.status = "needs_reconnect"
    connection.ended_because = because
    connection.refreshing_until = connection.doubted_at = None
    if because != SCOPE_MISSING:  # those tokens are alive, and given back when the host disconnects
        connection.access_token = connection.refresh_token = None
    # Once for each authorization.
    key = f"zoom:{connection.id}:reconnect:{connection.authorized_at.timestamp():.6f}"
    task = outbox.new_task(RECONNECT_MAIL, key)
    task.user_id = connection.user_id
    db.session.add(task)
    record(Action.ZOOM_ENDED, Actor.SYSTEM, host_id=connection.user_id, because=because)
    db.session.commit()
    log.warning("zoom connection ended", user_id=connection.user_id, because=because)
    outbox.enqueue([task])


def connection_of(user_id: int) -> ZoomConnection | None:
    """The host's connection, active or not."""
    return db.session.scalar(select(ZoomConnection).where(ZoomConnection.user_id == user_id))


def locked(user_id: int) -> ZoomConnection | None:
    """The connection as it is now, held until the transaction ends."""
    return db.session.scalar(
        select(ZoomConnection)
        .where(ZoomConnection.user_id == user_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def _access(connection: ZoomConnection) -> Access:
    assert connection.access_token is not None
    return Access(
        connection.access_token,
        frozenset(connection.scopes.split()),
        connection.expires_at,
        connection.zoom_user_id,
    )
