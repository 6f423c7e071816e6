"""Zoom's meeting calls. Plain values in, plain values out; raises Unavailable or Refused.

Source: Zoom's "Meetings API" reference. `start_url` gives host rights and is never kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from traceback import walk_tb
from typing import Any
from urllib.parse import urlsplit

import requests

from ..outbox import OutcomeUnknown, Refused, Unavailable
from ..web import current_settings
from .values import Access, Identity
from .wire import json_of, retry_at, timeouts

TOPIC_LENGTH = 200
AGENDA_LENGTH = 2000
# Seconds to connect and to answer, where a browser waits.
SHORT_PATIENCE = (3.0, 4.0)
PASSCODE_LENGTH = 64
LONGEST = 60 * 24 * 366  # minutes; more than that is no length of a meeting
LARGEST_ID = 2**63 - 1
PAGE_SIZE = 300  # the most that Zoom lists at once
SCHEDULED = 2  # Zoom's number for a meeting at a fixed time
SCOPE_CODES = {4711, 4700}
TOKEN_CODE = 124
USER_GONE = 1001
MEETING_GONE = 3001


class TokenRefused(Exception):
    """401: the token is expired or the app was removed. Refresh once, then ask to reconnect."""


@dataclass(frozen=True)
class MeetingRequest:
    """A meeting to make. `starts_at` is aware; `minutes` whole; `timezone` the host's IANA zone."""

    topic: str
    agenda: str
    starts_at: datetime
    minutes: int
    timezone: str


@dataclass(frozen=True)
class Meeting:
    """What Zoom made, as far as CalSync keeps it."""

    id: int
    join_url: str
    passcode: str | None
    host_id: str
    host_email: str | None


@dataclass(frozen=True)
class LiveMeeting:
    """A meeting as Zoom knows it now. `status` is Zoom's word: waiting, started."""

    status: str
    starts_at: datetime | None
    length: timedelta | None
    passcode: str | None


def create_meeting(access: Access, wanted: MeetingRequest) -> Meeting:
    """Make a scheduled meeting for the host whose access this is.

    No invitees and no mails by Zoom: CalSync writes its own. Raises OutcomeUnknown when the
    request left and no clear answer came, since Zoom has no idempotency key.
    """
    return _meeting_in(_call(access, "POST", "/users/me/meetings", json=_body_of(wanted)))


def list_meetings(access: Access, reference: str, page: str = "") -> tuple[Meeting | None, str]:
    """A page of the scheduled meetings: the one whose agenda holds `reference`, or None; and the
    name of the next page or ''.

    Zoom cuts agendas off here, and tells no passcodes. Needs `meeting:read:list_meetings`.
    """
    query = {"type": "scheduled", "page_size": str(PAGE_SIZE), "next_page_token": page}
    answer = _call(access, "GET", "/users/me/meetings", query=query)
    listed = answer.get("meetings")
    rows = [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []
    # The others are none of our business, and may lack what ours must have.
    ours = next((row for row in rows if reference in str(row.get("agenda") or "")), None)
    return _meeting_in(ours) if ours else None, str(answer.get("next_page_token") or "")


def _meeting_in(answer: Mapping[str, Any]) -> Meeting:
    try:
        number, join_url = int(answer["id"]), str(answer["join_url"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise OutcomeUnknown("zoom_answer_broken") from error
    if not (0 < number <= LARGEST_ID and _is_link(join_url)):
        raise OutcomeUnknown("zoom_answer_broken")
    return Meeting(
        id=number,
        join_url=join_url,
        passcode=_passcode_in(answer),
        host_id=str(answer.get("host_id") or ""),
        host_email=answer.get("host_email") or None,
    )


def _passcode_in(answer: Mapping[str, Any]) -> str | None:
    """The link works without: what is no passcode must not cost the meeting."""
    passcode = answer.get("password")
    if not isinstance(passcode, str | int) or not 0 < len(str(passcode)) <= PASSCODE_LENGTH:
        return None
    return str(passcode) if str(passcode).isprintable() else None


def _is_link(address: str) -> bool:
    """Whether a browser may be sent there: by https, or as we speak with Zoom ourselves."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    own = urlsplit(current_settings().zoom_api_base_url).scheme
    return parts.scheme in {"https", own} and bool(parts.netloc) and address.isprintable()


def read_meeting(access: Access, meeting_id: int) -> LiveMeeting:
    """What Zoom knows of a meeting now. A browser waits for it, so it is short."""
    answer = _show(access, meeting_id)
    minutes = answer.get("duration")
    return LiveMeeting(
        status=str(answer.get("status") or ""),
        starts_at=_instant(answer.get("start_time")),
        length=timedelta(minutes=minutes)
        if isinstance(minutes, int) and 0 <= minutes <= LONGEST
        else None,
        passcode=_passcode_in(answer),
    )


def read_start_url(access: Access, meeting_id: int) -> str:
    """An address that opens the meeting with the host's rights, for two hours. Never keep it.

    Raises Unavailable when Zoom's answer holds none.
    """
    address = str(_show(access, meeting_id).get("start_url") or "")
    if not _is_link(address):
        raise Unavailable("zoom_answer_broken")
    return address


def _show(access: Access, meeting_id: int) -> dict[str, Any]:
    return _call(access, "GET", f"/meetings/{meeting_id}", patience=SHORT_PATIENCE)


def _instant(text: object) -> datetime | None:
    """Zoom's time in UTC; None for a form that says no offset, or is none."""
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo else None


def delete_meeting(access: Access, meeting_id: int) -> None:
    """Delete a meeting. One that is gone already counts as deleted."""
    try:
        _call(access, "DELETE", f"/meetings/{meeting_id}")
    except Refused as refusal:
        if refusal.reason != "zoom_meeting_gone":
            raise


def read_user(access: Access) -> Identity:
    """Whose access this is. Needs `user:read:user`; somebody waits for it, so it is short."""
    answer = _call(access, "GET", "/users/me", patience=SHORT_PATIENCE)
    return Identity.of(answer.get("id"), answer.get("account_id"), answer.get("email"))


def _body_of(wanted: MeetingRequest) -> dict[str, object]:
    return {
        "topic": wanted.topic[:TOPIC_LENGTH],
        "type": SCHEDULED,
        "start_time": f"{wanted.starts_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "duration": wanted.minutes,
        "timezone": wanted.timezone,
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
    settings = current_settings()
    try:
        response = requests.request(
            method,
            settings.zoom_api_base_url + path,
            json=json,
            params=query,
            headers={"Authorization": f"Bearer {access.token}"},
            timeout=patience or timeouts(settings),
            allow_redirects=False,
        )
    except requests.ConnectTimeout as error:
        raise Unavailable("zoom_unreachable") from error
    except requests.ConnectionError as error:
        if _never_left(error):
            raise Unavailable("zoom_unreachable") from error
        raise OutcomeUnknown("zoom_answer_lost") from error
    except requests.RequestException as error:
        raise OutcomeUnknown("zoom_answer_lost") from error
    return _answer(response)


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


def _answer(response: requests.Response) -> dict[str, Any]:
    if response.status_code == HTTPStatus.NO_CONTENT:
        return {}
    body = json_of(response)
    if response.ok:
        if body is None or response.status_code >= HTTPStatus.MULTIPLE_CHOICES:
            raise OutcomeUnknown("zoom_answer_broken")
        return body
    _raise_for(response, body or {})
    raise AssertionError("unreachable")


def _raise_for(response: requests.Response, body: dict[str, Any]) -> None:
    status, code = response.status_code, body.get("code")
    code = code if isinstance(code, int) else None
    words = str(body.get("message") or "")[:300]
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise Unavailable("zoom_ill")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise Unavailable("zoom_rate_limit", retry_at=retry_at(response, words))
    if status == HTTPStatus.UNAUTHORIZED or code == TOKEN_CODE:
        raise TokenRefused
    if code in SCOPE_CODES:
        raise Refused("zoom_scope_missing", words)
    if status == HTTPStatus.NOT_FOUND and code == USER_GONE:
        raise Refused("zoom_user_gone", words)
    if status == HTTPStatus.NOT_FOUND and code == MEETING_GONE:
        raise Refused("zoom_meeting_gone", words)
    raise Refused("zoom_refused", words)
