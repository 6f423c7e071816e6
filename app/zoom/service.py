"""A host's connection: linking, keeping its token fresh, removing it. These functions commit.

Where two rows are locked, the host's comes first and the connection's second.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, or_, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.exc import IntegrityError

from .. import outbox
from ..accounts import service as accounts
from ..clock import utcnow
from ..extensions import db
from ..logs import log
from ..outbox import Refused, Unavailable
from . import oauth
from .models import ENDED, LINKED_ELSEWHERE, SCOPE_MISSING, ZoomConnection
from .values import UNKNOWN, Access, Identity

# Nobody refreshes longer than this; afterwards another worker may try.
REFRESH_LEASE = timedelta(seconds=45)
EARLY = timedelta(minutes=5)
# Zoom forgets a refresh token after 90 days.
IDLE = timedelta(days=30)
# The task that tells the host; its handler is above.
RECONNECT_MAIL = "mail.host.reconnect"


class LinkedElsewhere(Exception):
    """This Zoom user belongs to another host's connection."""


def connection_of(user_id: int) -> ZoomConnection | None:
    """The host's connection, active or not."""
    return db.session.scalar(select(ZoomConnection).where(ZoomConnection.user_id == user_id))


def is_connected(user_id: int) -> bool:
    """Whether meetings can be made for this host."""
    connection = connection_of(user_id)
    return connection is not None and connection.is_active


def link(user_id: int, grant: oauth.Grant, identity: Identity = UNKNOWN) -> None:
    """Keep what Zoom granted to this host, in place of any earlier connection, and commit.

    Raises LinkedElsewhere when the Zoom user is another host's; then nothing of the grant is
    kept. It is not revoked either, since that would remove the other host's connection.
    """
    accounts.lock(user_id)
    if not _is_free(identity.user_id, user_id):
        db.session.commit()
        raise LinkedElsewhere
    connection = _locked(user_id) or ZoomConnection(user_id=user_id)
    _store(connection, grant)
    connection.scopes = grant.scopes
    connection.status = "active"
    connection.ended_because = connection.doubted_at = None
    connection.authorized_at = utcnow()
    # Another Zoom user may have been chosen this time; who is unknown shows with a meeting.
    connection.zoom_user_id = identity.user_id
    connection.zoom_account_id = identity.account_id
    connection.zoom_email = identity.email
    db.session.add(connection)
    try:
        db.session.commit()
    except IntegrityError as error:
        db.session.rollback()
        raise LinkedElsewhere from error


def _is_free(zoom_user_id: str | None, user_id: int) -> bool:
    """Whether this host may have the Zoom user, in the caller's transaction.

    A connection that is over gives its Zoom user up. One that is alive keeps it, but is doubted:
    of several authorizations Zoom lets only the last one live (4741).
    """
    if zoom_user_id is None:
        return True
    owner = db.session.scalar(
        select(ZoomConnection)
        .where(ZoomConnection.zoom_user_id == zoom_user_id, ZoomConnection.user_id != user_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if owner is None:
        return True
    if owner.is_active:
        owner.doubted_at = utcnow()
        return False
    owner.zoom_user_id = owner.zoom_account_id = owner.zoom_email = None
    db.session.flush()
    return True


def learn_identity(user_id: int, identity: Identity) -> None:
    """Remember who the Zoom user is, from a meeting's answer, and commit.

    When that is another host's Zoom user, this connection should never have been made, and ends.
    """
    connection = connection_of(user_id)
    if connection is None or identity.user_id is None:
        return
    email = identity.email or connection.zoom_email
    if (connection.zoom_user_id, connection.zoom_email) == (identity.user_id, email):
        return
    accounts.lock(user_id)
    connection = _locked(user_id)
    if connection is None or not connection.is_active:
        db.session.rollback()
        return
    if not _is_free(identity.user_id, user_id):
        _end(connection, LINKED_ELSEWHERE)
        return
    connection.zoom_user_id, connection.zoom_email = identity.user_id, email
    try:
        db.session.commit()
    except IntegrityError:
        # Another host's meeting told the same at this very moment; the next one settles it.
        db.session.rollback()


def disconnect(user_id: int) -> bool:
    """Delete the host's connection at once and commit, then give the token back to Zoom.

    False when Zoom did not confirm, so that CalSync may still be among its installed apps.
    """
    connection = connection_of(user_id)
    if connection is None:
        return True
    access_token, refresh_token = connection.access_token, connection.refresh_token
    has_expired = connection.expires_at <= utcnow()
    db.session.delete(connection)
    db.session.commit()
    if access_token is None or refresh_token is None:
        return True
    if has_expired:
        try:
            access_token = oauth.refresh(refresh_token).access_token
        except Refused:
            return True  # Zoom ended it before we did
        except Unavailable:
            log.warning("zoom did not confirm the revocation", user_id=user_id)
            return False
    if oauth.revoke(access_token):
        return True
    log.warning("zoom did not confirm the revocation", user_id=user_id)
    return False


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


def check(user_id: int) -> None:
    """Refresh a connection that is doubted or has idled, which shows whether it is alive. Commits.

    Raises Refused when it is over (the host is told), Unavailable when Zoom does not say.
    """
    connection = connection_of(user_id)
    if connection is None or not connection.is_active:
        return
    if connection.doubted_at or connection.expires_at < utcnow() - IDLE:
        _refresh(connection)


def probe(user_id: int) -> None:
    """Refresh the host's token now, to see whether the connection is alive. Commits.

    Raises as `access_for` does.
    """
    connection = connection_of(user_id)
    if connection is None:
        raise Refused("zoom_not_connected")
    if not connection.is_active:
        raise Refused("zoom_needs_reconnect")
    _refresh(connection)


def forget_token(user_id: int, token: str) -> None:
    """Zoom refused `token` before its time: let the next `access_for` refresh. Commits."""
    connection = connection_of(user_id)
    if connection is not None and connection.access_token == token:
        connection.expires_at = utcnow()
        db.session.commit()


def end(user_id: int, because: str, token: str) -> None:
    """The connection is of no use any more: the host is to make it anew, and is told once. Commits.

    Nothing happens unless `token` is still the one kept: it may have been refreshed meanwhile,
    or the host has connected anew.
    """
    accounts.lock(user_id)
    connection = _locked(user_id)
    if connection is None or not connection.is_active or connection.access_token != token:
        db.session.rollback()
        return
    _end(connection, because)


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
    return _keep(claim, grant)


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
    connection = _locked(claim.user_id)
    if connection is None or connection.refresh_token != claim.refresh_token:
        db.session.rollback()
        raise _under_way()
    _store(connection, grant)
    connection.scopes = grant.scopes or connection.scopes
    if connection.doubted_at is not None and connection.doubted_at < claim.began_at:
        connection.doubted_at = None
    db.session.commit()
    return _access(connection)


def _end_refused(claim: _Claim) -> None:
    """Zoom says that the refresh token is dead. Look again before believing it: another worker
    may have rotated it, or be about to. Raises Unavailable then."""
    accounts.lock(claim.user_id)
    connection = _locked(claim.user_id)
    if (
        connection is None
        or connection.refresh_token != claim.refresh_token
        or connection.refreshing_until != claim.until
    ):
        db.session.rollback()
        raise _under_way()
    _end(connection, ENDED)


def _under_way(wait: timedelta = timedelta(0)) -> Unavailable:
    return Unavailable("zoom_refresh_under_way", retry_at=utcnow() + wait)


def _release(claim: _Claim) -> None:
    connection = _locked(claim.user_id)
    if connection is not None and connection.refreshing_until == claim.until:
        connection.refreshing_until = None
    db.session.commit()


def _store(connection: ZoomConnection, grant: oauth.Grant) -> None:
    connection.access_token = grant.access_token
    connection.refresh_token = grant.refresh_token
    connection.expires_at = grant.expires_at
    connection.lifetime = grant.lifetime
    connection.refreshing_until = None


def _end(connection: ZoomConnection, because: str) -> None:
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
    db.session.commit()
    log.warning("zoom connection ended", user_id=connection.user_id, because=because)
    outbox.enqueue([task])


def _locked(user_id: int) -> ZoomConnection | None:
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
        connection.access_token, frozenset(connection.scopes.split()), connection.expires_at
    )
