"""Zoom's meeting calls. Plain values in, plain values out; raises Unavailable or Refused.

Source: Zoom's "Meetings API" reference. `start_url` gives host rights and is never kept.
"""

from collections.abc import Collection, Mapping
from datetime import UTC
from traceback import walk_tb
from typing import Any

import regex
import requests

from ..core.config import current_settings
from ..outbox import OutcomeUnknown, Unavailable
from .answers import TokenRefused, content_of, is_link, live_meeting_in, meeting_in
from .values import Access, Identity, LiveMeeting, Meeting, MeetingRequest
from .wire import send

__all__ = [
    "LiveMeeting",
    "Meeting",
    "MeetingRequest",
    "TokenRefused",
    "create_meeting",
    "delete_meeting",
    "list_meetings",
    "move_meeting",
    "read_made_meeting",
    "read_meeting",
    "read_start_url",
    "read_user",
]

TOPIC_LENGTH = 200  # UTF-16 units
AGENDA_LENGTH = 2000
# Seconds to connect and to answer, where a browser waits.
SHORT_PATIENCE = (3.0, 4.0)
PAGE_SIZE = 300  # the most that Zoom lists at once
SCHEDULED = 2  # Zoom's number for a meeting at a fixed time
# What a reader takes for one character (UAX #29): an emoji with its skin, a letter with its accents.
CHARACTER = regex.compile(r"\X")


def create_meeting(access: Access, wanted: MeetingRequest) -> Meeting:
    """Make a scheduled meeting for the host whose access this is.

    No invitees and no mails by Zoom: CalSync writes its own. Raises OutcomeUnknown when the
    request left and no clear answer came, since Zoom has no idempotency key; LinkMissing, one of
    its kind, when the meeting is made and only its link is not told.
    """
    return meeting_in(_call(access, "POST", "/users/me/meetings", json=_body_of(wanted)))


def move_meeting(access: Access, meeting_id: int, wanted: MeetingRequest) -> None:
    """Give a meeting the time that is `wanted`, and nothing else of it; its link stays. To ask twice does
    no harm. Needs `meeting:update:meeting`."""
    _call(access, "PATCH", f"/meetings/{meeting_id}", json=_time_of(wanted))


def list_meetings(
    access: Access, reference: str, page: str = "", others: Collection[int] = ()
) -> tuple[Meeting | None, str]:
    """A page of the scheduled meetings: the one whose agenda holds `reference` and that is none of
    `others` (numbers), or None; and the name of the next page or ''.

    Zoom cuts agendas off here, and tells no passcodes. Needs `meeting:read:list_meetings`.
    """
    query = {"type": "scheduled", "page_size": str(PAGE_SIZE), "next_page_token": page}
    answer = _call(access, "GET", "/users/me/meetings", query=query)
    listed = answer.get("meetings")
    rows = [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []
    # The others are none of our business, and may lack what ours must have.
    ours = next(
        (
            row
            for row in rows
            if reference in str(row.get("agenda") or "") and row.get("id") not in others
        ),
        None,
    )
    return meeting_in(ours) if ours else None, str(answer.get("next_page_token") or "")


def read_meeting(access: Access, meeting_id: int) -> LiveMeeting:
    """What Zoom knows of a meeting now. A browser waits for it, so it is short."""
    return live_meeting_in(_show(access, meeting_id))


def read_made_meeting(access: Access, meeting_id: int) -> Meeting:
    """A meeting that was made, with its link. Raises OutcomeUnknown where it is not told now
    either."""
    return meeting_in(_show(access, meeting_id))


def read_start_url(access: Access, meeting_id: int) -> tuple[str, str]:
    """An address that opens the meeting with the host's rights, for two hours, and the Zoom user
    whose meeting it is, or ''. Never keep the address.

    Raises Unavailable when Zoom's answer holds none.
    """
    answer = _show(access, meeting_id)
    address = str(answer.get("start_url") or "")
    if not is_link(address):
        raise Unavailable("zoom_answer_broken")
    return address, str(answer.get("host_id") or "")


def _show(access: Access, meeting_id: int) -> dict[str, Any]:
    return _call(access, "GET", f"/meetings/{meeting_id}", patience=SHORT_PATIENCE)


def delete_meeting(access: Access, meeting_id: int) -> None:
    """Delete a meeting. Raises Refused("zoom_meeting_gone") where this Zoom user has none of that
    number: gone already, or another's."""
    _call(access, "DELETE", f"/meetings/{meeting_id}")


def read_user(access: Access) -> Identity:
    """Whose access this is. Needs `user:read:user`; somebody waits for it, so it is short."""
    answer = _call(access, "GET", "/users/me", patience=SHORT_PATIENCE)
    return Identity.of(answer.get("id"), answer.get("account_id"), answer.get("email"))


def _body_of(wanted: MeetingRequest) -> dict[str, object]:
    body: dict[str, object] = {
        "topic": _cut(wanted.topic),
        "type": SCHEDULED,
        "agenda": wanted.agenda[:AGENDA_LENGTH],
        "default_password": True,
        "settings": {
            "use_pmi": False,
            "join_before_host": False,
            "waiting_room": True,
            "mute_upon_entry": True,
            "approval_type": 2,
            "auto_recording": "none",
        },
    }
    return body | _time_of(wanted)


def _time_of(wanted: MeetingRequest) -> dict[str, object]:
    time: dict[str, object] = {
        "start_time": f"{wanted.starts_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "duration": wanted.minutes,
    }
    return time if wanted.timezone is None else time | {"timezone": wanted.timezone}


def _cut(topic: str) -> str:
    """As much of it as Zoom takes, ending with a whole character: half an emoji is no emoji."""
    kept, length = [], 0
    for character in CHARACTER.findall(topic):
        length += len(character.encode("utf-16-le")) // 2
        if length > TOPIC_LENGTH:
            break
        kept.append(character)
    return "".join(kept)


def _call(
    access: Access,
    method: str,
    path: str,
    *,
    json: Mapping[str, object] | None = None,
    query: Mapping[str, str] | None = None,
    patience: tuple[float, float] | None = None,
) -> dict[str, Any]:
    """One call; {} for 204. `patience` is seconds to connect and to answer.

    Raises TokenRefused, Unavailable, OutcomeUnknown or Refused.
    """
    try:
        response = send(
            method,
            current_settings().zoom_api_base_url + path,
            json=json,
            params=query,
            headers={"Authorization": f"Bearer {access.token}"},
            patience=patience,
        )
    except requests.ConnectTimeout as error:
        raise Unavailable("zoom_unreachable") from error
    except requests.ConnectionError as error:
        if _never_left(error):
            raise Unavailable("zoom_unreachable") from error
        raise OutcomeUnknown("zoom_answer_lost") from error
    except requests.RequestException as error:
        raise OutcomeUnknown("zoom_answer_lost") from error
    return content_of(response)


def _never_left(error: requests.ConnectionError) -> bool:
    """Whether no connection was made at all, so that Zoom cannot have done anything."""
    is_unmade = "NewConnectionError" in repr(error) or "NameResolutionError" in repr(error)
    return is_unmade or _is_of_handshake(error)


def _is_of_handshake(error: BaseException | None) -> bool:
    """Whether TLS failed at its beginning. Where it was raised is the only sign: a connection that
    breaks under the answer gives the same errors."""
    while error is not None:
        if any(frame.f_code.co_name == "do_handshake" for frame, _ in walk_tb(error.__traceback__)):
            return True
        error = error.__cause__ or error.__context__
    return False
