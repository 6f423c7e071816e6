"""The one clock, and the one way an instant reaches the database."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect
from sqlalchemy.types import TypeDecorator


def utcnow() -> datetime:
    """The present instant, aware, in UTC. Nothing else in CalSync asks for the time."""
    return datetime.now(UTC)


def require_aware(instant: datetime) -> datetime:
    """The same instant in UTC. Raises ValueError for a naive one."""
    if instant.utcoffset() is None:
        raise ValueError(f"naive datetime where an instant belongs: {instant!r}")
    return instant.astimezone(UTC)


class UtcDateTime(TypeDecorator[datetime]):
    """Aware in, aware UTC out; a naive datetime is refused.

    PostgreSQL keeps `timestamptz`. SQLite keeps UTC as `YYYY-MM-DD HH:MM:SS.ffffff`: one form,
    whose text order is the order of time, which its overlap triggers rely on.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        utc = require_aware(value)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def result_processor(
        self, dialect: Dialect, coltype: object
    ) -> Callable[[Any], datetime | None]:
        """One call a value: a month of busy spans reads hundreds."""
        return _from_text if dialect.name == "sqlite" else _from_timestamptz


def _from_text(stored: str | None) -> datetime | None:
    return None if stored is None else datetime.fromisoformat(stored + "+00:00")


def _from_timestamptz(stored: datetime | None) -> datetime | None:
    return stored if stored is None or stored.tzinfo is UTC else stored.astimezone(UTC)
