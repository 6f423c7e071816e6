"""Reading what Zoom's API answers: values out of successes, exceptions out of the rest.

Source: Zoom's "Meetings API" reference; statuses and codes vary, so each rule says what it is by.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import requests

from ..core.config import current_settings
from ..outbox import OutcomeUnknown, Refused, Unavailable
from .values import Identity, LiveMeeting, Meeting
from .wire import json_of, retry_at

PASSCODE_LENGTH = 64
LONGEST = 60 * 24 * 366  # minutes; more than that is no length of a meeting
LARGEST_ID = 2**63 - 1
WORDS_LENGTH = 300  # of Zoom's own words, which the host reads
SCOPE_MISSING, CATCH_ALL = 4711, 4700
TOKEN_CODE = 124
INVALID_FIELDS = 300
GONE = {1001: "zoom_user_gone", 3001: "zoom_meeting_gone"}


class TokenRefused(Exception):
    """401: the token is expired or the app was removed. Refresh once, then ask to reconnect.

    `is_zooms_word` is False where the answer is none of Zoom's: a proxy's or a firewall's page
    says nothing about the connection.
    """

    def __init__(self, *, is_zooms_word: bool = True) -> None:
        super().__init__()
        self.is_zooms_word = is_zooms_word


class FieldsRefused(Refused):
    """Code 300: Zoom does not take these `fields` of the request."""

    def __init__(self, words: str, fields: frozenset[str]) -> None:
        super().__init__("zoom_refused", words)
        self.fields = fields


class LinkMissing(OutcomeUnknown):
    """A meeting was made, and the answer names it, but not the link. Read it: a second one would
    be an orphan."""

    def __init__(self, meeting_id: int, host_id: str) -> None:
        super().__init__("zoom_answer_broken")
        self.meeting_id = meeting_id
        self.host_id = host_id


def content_of(response: requests.Response) -> dict[str, Any]:
    """The body of a success; {} for 204.

    Raises TokenRefused, Unavailable, OutcomeUnknown or Refused.
    """
    if response.status_code == HTTPStatus.NO_CONTENT:
        return {}
    body = json_of(response)
    if response.ok:
        if body is None or response.status_code >= HTTPStatus.MULTIPLE_CHOICES:
            raise OutcomeUnknown("zoom_answer_broken")
        return body
    raise _failure(response, body)


def _failure(response: requests.Response, body: dict[str, Any] | None) -> Exception:
    status = response.status_code
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unavailable("zoom_ill")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Unavailable("zoom_rate_limit", retry_at=retry_at(response, _words_in(body or {})))
    if status == HTTPStatus.UNAUTHORIZED and body is None:
        return TokenRefused(is_zooms_word=False)
    if body is None:
        # Zoom's refusals are JSON. A page is of something in between, which may be gone soon.
        return Unavailable("zoom_ill")
    return _refusal(status, body)


def _refusal(status: int, body: dict[str, Any]) -> Exception:
    code = body.get("code")
    code = code if isinstance(code, int) else None
    words = _words_in(body)
    # A missing scope first, whatever the status: a fresh token would lack it as well.
    is_about_token = status == HTTPStatus.UNAUTHORIZED or code == TOKEN_CODE
    if is_about_token and code != SCOPE_MISSING:
        return TokenRefused()
    if code in {SCOPE_MISSING, CATCH_ALL}:
        return Refused("zoom_scope_missing", words)
    if code == INVALID_FIELDS:
        return FieldsRefused(words, frozenset(name for name, _ in _faults_in(body)))
    if status == HTTPStatus.NOT_FOUND and code in GONE:
        return Refused(GONE[code], words)
    return Refused("zoom_refused", words)


def _words_in(body: Mapping[str, Any]) -> str:
    """Zoom's message, and what it says of each field (code 300)."""
    faults = " ".join(f"{name}: {said}" if name else said for name, said in _faults_in(body))
    words = " ".join(part for part in (str(body.get("message") or ""), faults) if part)
    return words[:WORDS_LENGTH]


def _faults_in(body: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    listed = body.get("errors")
    rows = [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []
    return [(str(row.get("field") or ""), str(row.get("message") or "")) for row in rows]


def meeting_in(answer: Mapping[str, Any]) -> Meeting:
    """Raises LinkMissing where all but the link is there, OutcomeUnknown where not even the id is."""
    try:
        number = int(answer["id"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise OutcomeUnknown("zoom_answer_broken") from error
    if not 0 < number <= LARGEST_ID:
        raise OutcomeUnknown("zoom_answer_broken")
    host_id = _host_in(answer)
    join_url = answer.get("join_url")
    if not isinstance(join_url, str) or not is_link(join_url):
        raise LinkMissing(number, host_id)
    return Meeting(
        id=number,
        join_url=join_url,
        passcode=_passcode_in(answer),
        host_id=host_id,
        host_email=answer.get("host_email") or None,
        starts_at=_instant(answer.get("start_time")),
    )


def live_meeting_in(answer: Mapping[str, Any]) -> LiveMeeting:
    """As much of it as there is."""
    minutes = answer.get("duration")
    return LiveMeeting(
        status=str(answer.get("status") or ""),
        starts_at=_instant(answer.get("start_time")),
        length=timedelta(minutes=minutes)
        if isinstance(minutes, int) and 0 <= minutes <= LONGEST
        else None,
        passcode=_passcode_in(answer),
        host_id=_host_in(answer),
    )


def _host_in(answer: Mapping[str, Any]) -> str:
    """The Zoom user whose meeting it is; empty where that is not told."""
    return Identity.of(answer.get("host_id")).user_id or ""


def _passcode_in(answer: Mapping[str, Any]) -> str | None:
    """The link works without: what is no passcode must not cost the meeting."""
    passcode = answer.get("password")
    if not isinstance(passcode, str | int) or not 0 < len(str(passcode)) <= PASSCODE_LENGTH:
        return None
    return str(passcode) if str(passcode).isprintable() else None


def is_link(address: str) -> bool:
    """Whether a browser may be sent there: by https, or as we speak with Zoom ourselves."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    own = urlsplit(current_settings().zoom_api_base_url).scheme
    return parts.scheme in {"https", own} and bool(parts.netloc) and address.isprintable()


def _instant(text: object) -> datetime | None:
    """Zoom's time in UTC; None for a form that says no offset, or is none."""
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo else None
