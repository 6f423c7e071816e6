"""A call to Zoom for one host, with the one refresh that a refused token is worth."""

from collections.abc import Callable
from typing import TypeVar

from ..extensions import db
from ..outbox import Refused
from . import api, service
from .api import Meeting, MeetingRequest

T = TypeVar("T")

DELETE_SCOPE = "meeting:delete:meeting"


def create(user_id: int, wanted: MeetingRequest, before_call: Callable[[], None]) -> Meeting:
    """Make a meeting as the host `user_id`.

    `before_call` runs before each outgoing call, with the database connection let go: a
    caller under a lease renews it there. Raises Refused or Unavailable.
    """
    return _with_access(user_id, before_call, lambda access: api.create_meeting(access, wanted))


def learn_host(user_id: int, meeting: Meeting) -> None:
    """Remember which Zoom user made the meeting, for the day this user removes the app."""
    if meeting.host_id:
        service.learn_identity(user_id, meeting.host_id, meeting.host_email)


def delete(user_id: int, meeting_id: int, before_call: Callable[[], None]) -> None:
    """Delete a meeting as the host `user_id`, where the granted scopes allow it.

    Raises Refused("zoom_scope_missing") where they do not.
    """
    _with_access(user_id, before_call, lambda access: api.delete_meeting(access, meeting_id))


def may_delete(user_id: int) -> bool:
    """Whether a cancelled booking's meeting can be removed at Zoom."""
    connection = service.connection_of(user_id)
    return connection is not None and connection.is_active and connection.may(DELETE_SCOPE)


def _with_access(
    user_id: int, before_call: Callable[[], None], call: Callable[[service.Access], T]
) -> T:
    for _ in range(2):
        before_call()
        access = service.access_for(user_id)
        before_call()
        # A connection held while Zoom thinks is one that a booker waits for.
        db.session.remove()
        try:
            return call(access)
        except api.TokenRefused:
            service.forget_token(user_id, access.token)
        except Refused as refusal:
            if refusal.reason == "zoom_user_gone":
                service.mark_needs_reconnect(user_id)
            raise
    service.mark_needs_reconnect(user_id)
    raise Refused("zoom_needs_reconnect")
