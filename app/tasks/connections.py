"""Tasks about a host's connection to Zoom."""

from contextlib import suppress

from ..accounts.models import User
from ..db import db
from ..notifications import reconnect
from ..notifications.smtp import send
from ..outbox import Lease, Refused, Task
from ..zoom import tokens

CHECK = "zoom.check"


def check(lease: Lease) -> None:
    """See by a refresh whether a connection is alive. That it is not is an answer as well."""
    assert lease.user_id is not None
    with suppress(Refused):
        tokens.check(lease.user_id)


def ask_to_reconnect(lease: Lease) -> None:
    """Mail the host, unless the connection has been made anew or removed meanwhile."""
    assert lease.user_id is not None
    connection = tokens.connection_of(lease.user_id)
    if connection is None or connection.is_active:
        return
    host = db.session.get_one(User, lease.user_id)
    if not host.is_active:
        return  # closed, perhaps about to be deleted
    key = db.session.get_one(Task, lease.task_id).dedupe_key
    message = reconnect.compose(host, connection.ended_because, key)
    db.session.remove()  # a mail server may take its time; the connection need not wait for it
    send(message)
