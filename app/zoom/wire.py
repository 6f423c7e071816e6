"""What all calls to Zoom share: patience, and reading answers that may not be JSON."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import requests

from ..clock import utcnow
from ..config import Settings


def timeouts(settings: Settings) -> tuple[float, float]:
    """Seconds to connect and to answer."""
    return (
        settings.zoom_connect_timeout.total_seconds(),
        settings.zoom_read_timeout.total_seconds(),
    )


def json_of(response: requests.Response) -> dict[str, Any] | None:
    """The answer's JSON object; None when the body is anything else (Zoom sends XML and HTML too)."""
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def retry_at(response: requests.Response, words: str = "") -> datetime | None:
    """When Zoom will listen again: its Retry-After, 00:00 UTC for a daily limit, else unknown.

    Retry-After is seconds or a date (RFC 9110, 10.2.3); Zoom's documentation writes the date in
    the form of RFC 3339.
    """
    now = utcnow()
    named = response.headers.get("Retry-After", "").strip()
    if named.isdecimal() and len(named) < 9:
        return now + timedelta(seconds=int(named))
    if at := _date_in(named):
        return max(at, now)
    if "daily" in words.lower():
        return (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return None


def _date_in(text: str) -> datetime | None:
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            at = read(text)
        except ValueError:
            continue
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    return None
