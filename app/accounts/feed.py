"""The address of a host's private calendar feed. Only its token's fingerprint is kept."""

from ..core.crypto import fingerprint, new_token
from ..db import db
from ..events import Action, Actor, record
from .models import User
from .service import lock


def make_feed(host: User) -> str:
    """Give the host's feed a new address and commit; one that was known before ends. Returns the
    token, which can be told this once."""
    token = new_token()
    lock(host.id)
    host.feed_token_hash = fingerprint(token)
    record(Action.FEED_MADE, Actor.HOST, host_id=host.id)
    db.session.commit()
    return token


def end_feed(host: User) -> None:
    """Turn the feed off and commit: its address opens nothing any more."""
    lock(host.id)
    if host.feed_token_hash is not None:
        host.feed_token_hash = None
        record(Action.FEED_ENDED, Actor.HOST, host_id=host.id)
    db.session.commit()
