"""A host's connection: linking it, knowing whose it is, removing it. These functions commit.

Where two rows are locked, the host's comes first and the connection's second.
"""

from dataclasses import dataclass, field

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from ..accounts import service as accounts
from ..core.clock import utcnow
from ..core.logs import log
from ..db import db, forget_old_pages
from ..db.retry import retry_on_conflict
from ..events import Action, Actor, record
from ..outbox import Refused, Unavailable
from . import oauth, removal
from .models import LINKED_ELSEWHERE, ZoomConnection
from .tokens import connection_of, end_locked, locked, store
from .values import UNKNOWN, Identity


class LinkedElsewhere(Exception):
    """This Zoom user belongs to another host's connection."""


def is_connected(user_id: int) -> bool:
    """Whether the host has a connection that is alive."""
    connection = connection_of(user_id)
    return connection is not None and connection.is_active


def makes_meetings(user_id: int) -> bool:
    """Whether meetings can be made for this host: connected, and with the permission to create."""
    connection = connection_of(user_id)
    return connection is not None and connection.makes_meetings


def link(user_id: int, grant: oauth.Grant, identity: Identity = UNKNOWN) -> bool:
    """Keep what Zoom granted to this host, in place of any earlier connection, and commit; then
    give back what another Zoom user had granted before.

    False when Zoom did not confirm that, so that CalSync may still be among the earlier user's
    installed apps. Where one of the two users is not known they may be the same, whose new grant a
    revocation would end too: then the earlier tokens are only deleted.

    Raises LinkedElsewhere when the Zoom user is another host's; then nothing of the grant is
    kept. It is not revoked either, since that would remove the other host's connection.
    """
    accounts.lock(user_id)
    if not _is_free(identity.user_id, user_id):
        db.session.commit()
        raise LinkedElsewhere
    connection = locked(user_id) or ZoomConnection(user_id=user_id)
    earlier = _Grant.another_users(connection, identity)
    store(connection, grant)
    connection.scopes = grant.scopes
    connection.status = "active"
    connection.ended_because = connection.doubted_at = None
    connection.authorized_at = utcnow()
    # Another Zoom user may have been chosen this time; who is unknown shows with a meeting.
    connection.zoom_user_id = identity.user_id
    connection.zoom_account_id = identity.account_id
    connection.zoom_email = identity.email
    removal.call_off_erasure(identity.user_id)
    db.session.add(connection)
    record(Action.ZOOM_CONNECTED, Actor.HOST, host_id=user_id)
    try:
        db.session.commit()
    except IntegrityError as error:
        db.session.rollback()
        raise LinkedElsewhere from error
    return earlier is None or earlier.give_back(user_id)


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
    if identity.user_id is None or _is_known(user_id, identity):
        return
    accounts.lock(user_id)
    connection = locked(user_id)
    if connection is None or not connection.is_active:
        db.session.rollback()
        return
    if not _is_free(identity.user_id, user_id):
        end_locked(connection, LINKED_ELSEWHERE)
        return
    connection.zoom_user_id = identity.user_id
    connection.zoom_email = identity.email or connection.zoom_email
    removal.call_off_erasure(identity.user_id)
    try:
        db.session.commit()
    except IntegrityError:
        # Another host's meeting told the same at this very moment; the next one settles it.
        db.session.rollback()


def _is_known(user_id: int, identity: Identity) -> bool:
    """Whether there is nothing to learn. Each meeting asks, so it is a look at two columns."""
    known = db.session.execute(
        select(ZoomConnection.zoom_user_id, ZoomConnection.zoom_email).where(
            ZoomConnection.user_id == user_id
        )
    ).one_or_none()
    return known is None or (
        known.zoom_user_id == identity.user_id and identity.email in {None, known.zoom_email}
    )


def disconnect(user_id: int, by: Actor = Actor.HOST) -> bool:
    """Delete the host's connection at once and commit, then give the token back to Zoom.

    False when Zoom did not confirm, so that CalSync may still be among its installed apps.
    """
    connection = connection_of(user_id)
    if connection is None:
        return True
    given = _Grant.of(connection)
    was_active = connection.is_active
    _delete(connection.id, user_id, by)
    forget_old_pages()
    if given is None:
        return not was_active  # an active one's are there, but no key opens them
    return given.give_back(user_id)


@retry_on_conflict
def _delete(connection_id: int, user_id: int, by: Actor) -> None:
    """By a statement, and commit: Zoom may tell of a removal at this very moment."""
    gone = db.session.scalar(
        delete(ZoomConnection)
        .where(ZoomConnection.id == connection_id)
        .returning(ZoomConnection.id)
        .execution_options(synchronize_session=False)
    )
    if gone is not None:
        record(Action.ZOOM_DISCONNECTED, by, host_id=user_id)
    db.session.commit()


@dataclass(frozen=True)
class _Grant:
    """What a connection holds, to be given back once it is deleted here."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    has_expired: bool

    @classmethod
    def of(cls, connection: ZoomConnection) -> "_Grant | None":
        """None where no tokens are left, or no key opens them."""
        if connection.access_token is None or connection.refresh_token is None:
            return None
        has_expired = connection.expires_at <= utcnow()
        return cls(connection.access_token, connection.refresh_token, has_expired)

    @classmethod
    def another_users(cls, connection: ZoomConnection, identity: Identity) -> "_Grant | None":
        """That of an earlier connection, where `identity` is certainly another Zoom user."""
        known = connection.zoom_user_id
        if known is None or identity.user_id is None or known == identity.user_id:
            return None
        return cls.of(connection)

    def give_back(self, user_id: int) -> bool:
        """Revoke it at Zoom, by a fresh access token where its own has run out; False when Zoom did
        not confirm."""
        is_confirmed = self._revoke()
        if not is_confirmed:
            log.warning("zoom did not confirm the revocation", user_id=user_id)
        return is_confirmed

    def _revoke(self) -> bool:
        access_token = self.access_token
        try:
            if self.has_expired:
                access_token = oauth.refresh(self.refresh_token).access_token
        except Refused:
            return True  # Zoom ended it before we did
        except Unavailable:
            return False
        return oauth.revoke(access_token)
