"""The sandbox's time: seconds since 1970 (UTC) inside, RFC 3339 with Z outside."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def now() -> float:
    """Seconds since 1970."""
    return time.time()


def iso(at: float, timespec: str = "seconds") -> str:
    """`at` as 2026-11-03T15:00:00Z."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec=timespec).replace("+00:00", "Z")


def in_words(at: float) -> str:
    """`at` for a page, as 2026-11-03 15:00:00 UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def utc_day(at: float) -> str:
    """The UTC day of `at`, as 2026-11-03; Zoom counts its daily limits by it."""
    return datetime.fromtimestamp(at, UTC).date().isoformat()
