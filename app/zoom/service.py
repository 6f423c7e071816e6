"""A host's connection: linking, keeping its token fresh, removing it. These functions commit."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.exc import IntegrityError

from ..clock import utcnow
from ..extensions import db
from ..logs import log
from ..outbox import Refused, Unavailable
from . import oauth
from .models import ZoomConnection

# Nobody refreshes longer than this; afterwards another worker may try.
REFRESH_LEASE = timedelta(seconds=45)
EARLY = timedelta(minutes=5)


@dataclass(frozen=True)
class Access:
    """The right to call Zoom for one host, right now."""

    token: str
    scopes: frozenset[str]


def connection_of(user_id: int) -> ZoomConnection | None:
    """The host's connection, active or not."""
    return db.session.scalar(select(ZoomConnection).where(ZoomConnection.user_id == user_id))


def is_connected(user_id: int) -> bool:
    """Whether meetings can be made for this host."""
    connection = connection_of(user_id)
    return connection is not None and connection.is_active


def link(user_id: int, grant: oauth.Grant) -> None:
    """Keep what Zoom granted to this host, in place of any earlier connection, and commit."""
    connection = connection_of(user_id) or ZoomConnection(user_id=user_id)
    connection.access_token = grant.access_token
    connection.refresh_token = grant.refresh_token
    connection.expires_at = grant.expires_at
    connection.lifetime = grant.lifetime
    connection.scopes = grant.scopes
    connection.status = "active"
    connection.authorized_at = utcnow()
    connection.refreshing_until = None
    # Another Zoom user may have been chosen this time; the first meeting tells who.
    connection.zoom_user_id = connection.zoom_account_id = connection.zoom_email = None
    db.session.add(connection)
    db.session.commit()


def disconnect(user_id: int) -> None:
    """Delete the host's connection at once and commit, then give the token back to Zoom."""
    connection = connection_of(user_id)
    if connection is None:
        return
    access_token = connection.access_token
    db.session.delete(connection)
    db.session.commit()
    if access_token and not oauth.revoke(access_token):
        log.warning("zoom did not confirm the revocation", user_id=user_id)


def access_for(user_id: int) -> Access:
    """A token that will live long enough for a call; refreshes and commits where needed.

    The refresh is claimed by a conditional UPDATE, and no row stays locked while Zoom answers.

    Raises Refused("zoom_not_connected" or "zoom_needs_reconnect"), or Unavailable when Zoom is
    ill or another worker is refreshing just now.
    """
    connection = connection_of(user_id)
    if connection is None:
        raise Refused("zoom_not_connected")
    if not connection.is_active or not connection.refresh_token:
        raise Refused("zoom_needs_reconnect")
    if not _is_stale(connection):
        return _access(connection)
    return _refresh(connection)


def forget_token(user_id: int, token: str) -> None:
    """Zoom refused `token` before its time: let the next `access_for` refresh. Commits."""
    connection = connection_of(user_id)
    if connection is not None and connection.access_token == token:
        connection.expires_at = utcnow()
        db.session.commit()


def learn_identity(user_id: int, zoom_user_id: str, zoom_email: str | None) -> None:
    """Remember who the Zoom user is, from a meeting's answer, and commit.

    The documented scopes do not tell at connect; the deauthorization webhook needs to know.
    """
    connection = connection_of(user_id)
    if connection is None or connection.zoom_user_id == zoom_user_id:
        return
    connection.zoom_user_id = zoom_user_id
    connection.zoom_email = zoom_email
    try:
        db.session.commit()
    except IntegrityError:
        # Another host has linked the same Zoom user, whose newer token has killed this one.
        db.session.rollback()
        log.warning("zoom user is linked to two hosts", user_id=user_id)


def _is_stale(connection: ZoomConnection) -> bool:
    margin = min(EARLY, timedelta(seconds=connection.lifetime) / 10)
    return connection.expires_at - utcnow() < margin


def _refresh(connection: ZoomConnection) -> Access:
    now = utcnow()
    until = now + REFRESH_LEASE
    connection_id, old = connection.id, connection.refresh_token
    is_free = and_(
        ZoomConnection.id == connection_id,
        ZoomConnection.expires_at == connection.expires_at,
        or_(
            ZoomConnection.refreshing_until.is_(None),
            ZoomConnection.refreshing_until < now,
        ),
    )
    if not _change(is_free, refreshing_until=until) or old is None:
        raise Unavailable("zoom_refresh_under_way", retry_at=now + timedelta(seconds=1))
    claim = and_(ZoomConnection.id == connection_id, ZoomConnection.refreshing_until == until)
    try:
        grant = oauth.refresh(old)
    except Refused as refusal:
        if not _needs_reconnect(claim):
            # The host has connected anew meanwhile; that connection is alive.
            raise Unavailable("zoom_refresh_under_way", retry_at=utcnow()) from refusal
        raise Refused("zoom_needs_reconnect") from refusal
    except Unavailable:
        _release(claim)
        raise
    return _keep(claim, grant)


def _keep(claim: ColumnElement[bool], grant: oauth.Grant) -> Access:
    """Store the tokens, unless the host has disconnected or connected anew meanwhile."""
    connection = db.session.scalar(
        select(ZoomConnection)
        .where(claim)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if connection is None:
        db.session.rollback()
        raise Unavailable("zoom_refresh_under_way", retry_at=utcnow())
    connection.access_token = grant.access_token
    connection.refresh_token = grant.refresh_token
    connection.expires_at = grant.expires_at
    connection.lifetime = grant.lifetime
    connection.scopes = grant.scopes or connection.scopes
    connection.refreshing_until = None
    db.session.commit()
    return _access(connection)


def _release(claim: ColumnElement[bool]) -> None:
    _change(claim, refreshing_until=None)


def _needs_reconnect(condition: ColumnElement[bool]) -> bool:
    return _change(
        condition,
        status="needs_reconnect",
        access_token=None,
        refresh_token=None,
        refreshing_until=None,
    )


def _change(condition: ColumnElement[bool], **values: object) -> bool:
    result = db.session.execute(
        update(ZoomConnection)
        .where(condition)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    db.session.commit()
    assert isinstance(result, CursorResult)
    return bool(result.rowcount)


def mark_needs_reconnect(user_id: int) -> None:
    """Zoom no longer knows the token or the user: wipe the tokens and commit."""
    connection = connection_of(user_id)
    if connection is not None:
        _needs_reconnect(ZoomConnection.id == connection.id)


def _access(connection: ZoomConnection) -> Access:
    assert connection.access_token is not None
    return Access(connection.access_token, frozenset(connection.scopes.split()))
