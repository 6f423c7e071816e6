"""A call to Zoom for one host, with the one refresh that a refused token is worth.

A meeting belongs to the Zoom user who made it. Whoever asks about one says whose it is (`of`, the
`host_id` of the answer that made it; None where it is not known), and where the host has connected
another Zoom user since, nothing is asked of Zoom.
"""

from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial
from typing import TypeVar

from ..core.clock import utcnow
from ..outbox import OutcomeUnknown, Refused, Unavailable
from . import api, service, tokens
from .abilities import Abilities
from .answers import FieldsRefused, LinkMissing, TokenRefused
from .models import ENDED, SCOPE_MISSING, USER_GONE
from .values import Access, Identity, LiveMeeting, Meeting, MeetingRequest

__all__ = [
    "WANTS_CONNECTING",
    "LinkMissing",
    "create",
    "delete",
    "find",
    "is_of_earlier_account",
    "learn_host",
    "may_create",
    "may_delete",
    "may_find",
    "may_move",
    "may_read",
    "move",
    "read",
    "read_made",
    "start_url",
]

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
    caller under a lease renews it there. Not every IANA zone is on Zoom's list: a meeting that is
    refused for its zone is asked for once more without, since its start is in UTC anyway. Raises
    Refused or Unavailable; LinkMissing where the meeting is made and its link not told.
    """

    def call(access: Access, wanted: MeetingRequest) -> Meeting:
        try:
            return api.create_meeting(access, wanted)
        except Refused as refusal:
            if refusal.reason == "zoom_scope_missing":
                # Without it no meeting will ever be made: better ask now than fail each time.
                tokens.end(user_id, SCOPE_MISSING, access.token)
            raise

    return _with_or_without_zone(
        wanted, lambda asked: _with_access(user_id, before_call, partial(call, wanted=asked))
    )


def move(
    user_id: int,
    meeting_id: int,
    wanted: MeetingRequest,
    before_call: Callable[[], None],
    *,
    of: str | None,
) -> None:
    """Give a meeting that exists the time of `wanted`; its link stays. Safe to ask for again.

    Raises Unavailable, or Refused: "zoom_meeting_gone", "zoom_meeting_unknown",
    "zoom_other_account", "zoom_scope_missing" say that this meeting cannot be moved from here.
    """

    def ask(asked: MeetingRequest) -> None:
        call = partial(api.move_meeting, meeting_id=meeting_id, wanted=asked)
        _with_access(user_id, before_call, _as_owner(of, call))

    _with_or_without_zone(wanted, ask)


def _with_or_without_zone(wanted: MeetingRequest, ask: Callable[[MeetingRequest], T]) -> T:
    try:
        return ask(wanted)
    except FieldsRefused as refusal:
        if "timezone" not in refusal.fields:
            raise
    return ask(replace(wanted, timezone=None))


def read_made(
    user_id: int, meeting_id: int, before_call: Callable[[], None], *, of: str | None
) -> Meeting:
    """The meeting that was made without its link being told, with its link.

    Raises Refused, or Unavailable: "zoom_link_missing" for as long as Zoom does not tell it.
    """
    ask = partial(api.read_made_meeting, meeting_id=meeting_id)
    try:
        return _with_access(user_id, before_call, _as_owner(of, ask))
    except OutcomeUnknown as error:  # of a call that only reads, nothing is left to be known
        raise Unavailable("zoom_link_missing", error.retry_at) from error
    except Refused as refusal:
        if refusal.reason not in {"zoom_meeting_gone", "zoom_meeting_unknown"}:
            raise
        raise Unavailable("zoom_link_missing") from refusal  # so young that Zoom finds it later


def may_find(user_id: int) -> bool:
    """Whether a meeting can be found again whose answer was lost."""
    return _abilities_of(user_id).finds


def find(
    user_id: int,
    reference: str,
    before_call: Callable[[], None],
    others: Collection[int] = (),
) -> Meeting | None:
    """The host's scheduled meeting whose agenda holds `reference`, or None. Those numbered in `others`
    are known, and are not it.

    Raises Refused or Unavailable; LinkMissing as `create` does.
    """
    page = ""
    for _ in range(MOST_PAGES):
        asked = partial(api.list_meetings, reference=reference, page=page, others=others)
        meeting, page = _with_access(user_id, before_call, asked)
        if meeting:
            return _with_passcode(user_id, meeting, before_call)
        if not page:
            return None
    return None


def _with_passcode(user_id: int, meeting: Meeting, before_call: Callable[[], None]) -> Meeting:
    if not may_read(user_id, of=meeting.host_id):
        return meeting
    live = _with_access(user_id, before_call, lambda access: api.read_meeting(access, meeting.id))
    return replace(meeting, passcode=live.passcode)


def learn_host(user_id: int, meeting: Meeting) -> None:
    """Remember which Zoom user made the meeting, for the day this user removes the app."""
    service.learn_identity(user_id, Identity.of(meeting.host_id, email=meeting.host_email))


def delete(
    user_id: int, meeting_id: int, before_call: Callable[[], None], *, of: str | None = None
) -> None:
    """Delete a meeting as the host `user_id`, where the granted scopes allow it.

    That Zoom knows no such meeting counts as deleted for the Zoom user who made it, and for nobody
    else. Raises Refused: "zoom_scope_missing", "zoom_other_account", "zoom_meeting_unknown".
    """
    ask = partial(api.delete_meeting, meeting_id=meeting_id)
    try:
        _with_access(user_id, before_call, _as_owner(of, ask))
    except Refused as refusal:
        if refusal.reason != "zoom_meeting_gone":
            raise


def read(
    user_id: int,
    meeting_id: int,
    before_call: Callable[[], None] = tokens.no_op,
    *,
    of: str | None = None,
) -> LiveMeeting:
    """What Zoom knows of a meeting now. Raises Refused or Unavailable."""
    ask = partial(api.read_meeting, meeting_id=meeting_id)
    live = _with_access(user_id, before_call, _as_owner(of, ask))
    _refuse_anothers(live.host_id, of)
    return live


def start_url(user_id: int, meeting_id: int, *, of: str | None = None) -> str:
    """A fresh address that starts the meeting as its host; it is not to be kept or logged.

    Raises Refused or Unavailable.
    """
    ask = partial(api.read_start_url, meeting_id=meeting_id)
    address, host_id = _with_access(user_id, tokens.no_op, _as_owner(of, ask))
    _refuse_anothers(host_id, of)
    return address


def may_read(user_id: int, *, of: str | None) -> bool:
    """Whether a meeting's details can be read, and so the meeting be started from here."""
    return _abilities_of(user_id).reads and not is_of_earlier_account(user_id, of)


def may_create(user_id: int) -> bool:
    """Whether a meeting can be made."""
    return _abilities_of(user_id).creates


def may_move(user_id: int, *, of: str | None) -> bool:
    """Whether a meeting can be given another time."""
    return _abilities_of(user_id).updates and not is_of_earlier_account(user_id, of)


def may_delete(user_id: int, *, of: str | None) -> bool:
    """Whether a cancelled booking's meeting can be removed at Zoom."""
    return _abilities_of(user_id).deletes and not is_of_earlier_account(user_id, of)


def is_of_earlier_account(user_id: int, of: str | None) -> bool:
    """Whether the meeting is another Zoom user's than the one who is connected now."""
    connection = tokens.connection_of(user_id)
    return connection is not None and _differ(connection.zoom_user_id, of)


def _abilities_of(user_id: int) -> Abilities:
    connection = tokens.connection_of(user_id)
    return Abilities.of(connection.scopes if connection and connection.is_active else "")


def _differ(zoom_user_id: str | None, of: str | None) -> bool:
    """Whether these are two Zoom users; nothing is said of those who are not known."""
    return bool(zoom_user_id and of) and zoom_user_id != of


def _refuse_anothers(zoom_user_id: str | None, of: str | None) -> None:
    if _differ(zoom_user_id, of):
        raise Refused("zoom_other_account")


def _as_owner(of: str | None, call: Callable[[Access], T]) -> Callable[[Access], T]:
    """`call`, but never with the access of another Zoom user than `of`.

    Zoom answers "gone" for the meetings of others as well: only where it is sure that the one who
    asks has made the meeting does that stay "zoom_meeting_gone".
    """

    def guarded(access: Access) -> T:
        _refuse_anothers(access.zoom_user_id, of)
        try:
            return call(access)
        except Refused as refusal:
            if refusal.reason == "zoom_meeting_gone" and not (of and access.zoom_user_id == of):
                raise Refused("zoom_meeting_unknown", refusal.words) from refusal
            raise

    return guarded


def _with_access(user_id: int, before_call: Callable[[], None], call: Callable[[Access], T]) -> T:
    is_zooms_word = True
    for _ in range(2):
        access = tokens.access_for(user_id, before_refresh=before_call)
        before_call()
        try:
            return call(access)
        except TokenRefused as refused:
            is_zooms_word = refused.is_zooms_word
            tokens.forget_token(user_id, access.token)
        except Refused as refusal:
            if refusal.reason == "zoom_user_gone":
                tokens.end(user_id, USER_GONE, access.token)
            raise
    if not is_zooms_word:
        raise Unavailable("zoom_ill")
    if utcnow() >= access.expires_at:
        # It ran out on its way, which says nothing about the connection.
        raise Unavailable("zoom_token_expired", retry_at=utcnow())
    tokens.end(user_id, ENDED, access.token)
    raise Refused("zoom_needs_reconnect")
