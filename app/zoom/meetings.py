"""A call to Zoom for one host, with the one refresh that a refused token is worth."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeVar

from ..clock import utcnow
from ..extensions import db
from ..outbox import Refused, Unavailable
from . import api, service, tokens
from .abilities import Abilities
from .api import LiveMeeting, Meeting, MeetingRequest
from .models import ENDED, SCOPE_MISSING, USER_GONE
from .values import Access, Identity

T = TypeVar("T")

MOST_PAGES = 20  # 6,000 meetings
# Reasons of Refused that only connecting Zoom (again) helps against.
WANTS_CONNECTING = (
    "zoom_not_connected",
    "zoom_needs_reconnect",
    "zoom_user_gone",
    "zoom_scope_missing",
)


def create(user_id: int, wanted: MeetingRequest, before_call: Callable[[], None]) -> Meeting:
    """Make a meeting as the host `user_id`.

    `before_call` runs before each outgoing call, with the database connection let go: a
    caller under a lease renews it there. Raises Refused or Unavailable.
    """

    def call(access: Access) -> Meeting:
        try:
            return api.create_meeting(access, wanted)
        except Refused as refusal:
            if refusal.reason == "zoom_scope_missing":
                # Without it no meeting will ever be made: better ask now than fail each time.
                tokens.end(user_id, SCOPE_MISSING, access.token)
            raise

    return _with_access(user_id, before_call, call)


def may_find(user_id: int) -> bool:
    """Whether a meeting can be found again whose answer was lost."""
    return _abilities_of(user_id).finds


def find(user_id: int, reference: str, before_call: Callable[[], None]) -> Meeting | None:
    """The host's scheduled meeting whose agenda holds `reference`, or None.

    Raises Refused or Unavailable.
    """
    page = ""
    for _ in range(MOST_PAGES):
        asked = partial(api.list_meetings, reference=reference, page=page)
        meeting, page = _with_access(user_id, before_call, asked)
        if meeting:
            return _with_passcode(user_id, meeting, before_call)
        if not page:
            return None
    return None


def _with_passcode(user_id: int, meeting: Meeting, before_call: Callable[[], None]) -> Meeting:
    if not may_read(user_id):
        return meeting
    live = _with_access(user_id, before_call, lambda access: api.read_meeting(access, meeting.id))
    return replace(meeting, passcode=live.passcode)


def learn_host(user_id: int, meeting: Meeting) -> None:
    """Remember which Zoom user made the meeting, for the day this user removes the app."""
    service.learn_identity(user_id, Identity.of(meeting.host_id, email=meeting.host_email))


def delete(user_id: int, meeting_id: int, before_call: Callable[[], None]) -> None:
    """Delete a meeting as the host `user_id`, where the granted scopes allow it.

    Raises Refused("zoom_scope_missing") where they do not.
    """
    _with_access(user_id, before_call, lambda access: api.delete_meeting(access, meeting_id))


def read(user_id: int, meeting_id: int) -> LiveMeeting:
    """What Zoom knows of a meeting now. Raises Refused or Unavailable."""
    return _with_access(
        user_id, tokens.nothing, lambda access: api.read_meeting(access, meeting_id)
    )


def start_url(user_id: int, meeting_id: int) -> str:
    """A fresh address that starts the meeting as its host; it is not to be kept or logged.

    Raises Refused or Unavailable.
    """
    return _with_access(
        user_id, tokens.nothing, lambda access: api.read_start_url(access, meeting_id)
    )


def may_read(user_id: int) -> bool:
    """Whether a meeting's details can be read, and so the meeting be started from here."""
    return _abilities_of(user_id).reads


def may_delete(user_id: int) -> bool:
    """Whether a cancelled booking's meeting can be removed at Zoom."""
    return _abilities_of(user_id).deletes


def _abilities_of(user_id: int) -> Abilities:
    connection = tokens.connection_of(user_id)
    return Abilities.of(connection.scopes if connection and connection.is_active else "")


def _with_access(user_id: int, before_call: Callable[[], None], call: Callable[[Access], T]) -> T:
    for _ in range(2):
        access = tokens.access_for(user_id, before_refresh=before_call)
        before_call()
        # A connection held while Zoom thinks is one that a booker waits for. Nothing is open
        # here that could be lost.
        db.session.rollback()
        try:
            return call(access)
        except api.TokenRefused:
            tokens.forget_token(user_id, access.token)
        except Refused as refusal:
            if refusal.reason == "zoom_user_gone":
                tokens.end(user_id, USER_GONE, access.token)
            raise
    if utcnow() >= access.expires_at:
        # It ran out on its way, which says nothing about the connection.
        raise Unavailable("zoom_token_expired", retry_at=utcnow())
    tokens.end(user_id, ENDED, access.token)
    raise Refused("zoom_needs_reconnect")
