"""What all calls to Zoom share: turns, patience, and reading answers that may not be JSON."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import requests

from ..core import outgoing
from ..core.clock import utcnow
from ..core.config import Settings, current_settings
from ..db import db
from ..outbox import Unavailable

# No limit of Zoom's is longer than its day; a task must not sleep for years.
LONGEST_WAIT = timedelta(days=1)


def timeouts(settings: Settings) -> tuple[float, float]:
    """Seconds to connect and to answer."""
    return (
        settings.zoom_connect_timeout.total_seconds(),
        settings.zoom_read_timeout.total_seconds(),
    )


def send(
    method: str, address: str, *, patience: tuple[float, float] | None = None, **content: Any
) -> requests.Response:
    """One request to Zoom, following no redirect. `patience` is seconds to connect and to answer,
    those of the settings if left out; less where a browser waits (see app.core.outgoing).

    Raises requests.RequestException, or Unavailable("zoom_busy"), and then nothing has left.
    """
    with turn():
        return requests.request(
            method,
            address,
            timeout=outgoing.patience(*(patience or timeouts(current_settings()))),
            allow_redirects=False,
            **content,
        )


@contextmanager
def turn() -> Iterator[None]:
    """Wait for Zoom, if not too many do already. Raises Unavailable("zoom_busy") at once else.

    The database's connection is let go for that time, since a booker may be waiting for it: who
    calls has nothing open that could be lost.
    """
    db.session.rollback()
    try:
        with outgoing.turn():
            yield
    except outgoing.Busy as busy:
        raise Unavailable("zoom_busy") from busy


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
    at = _instant_in(response.headers.get("Retry-After", "").strip(), now)
    # What is over already is no time to wait for: a pause that does not grow would use up all
    # tries in minutes.
    if at and at > now:
        return min(at, now + LONGEST_WAIT)
    if "daily" in words.lower():
        return (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return None


def _instant_in(text: str, now: datetime) -> datetime | None:
    if text.isdecimal() and len(text) < 9:
        return now + timedelta(seconds=int(text))
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            at = read(text)
            return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            continue
    return None
