"""The one clock."""

from datetime import UTC, datetime


def utcnow() -> datetime:
    """The present instant, aware, in UTC. Nothing else in CalSync asks for the time."""
    return datetime.now(UTC)


def require_aware(instant: datetime) -> datetime:
    """The same instant in UTC. Raises ValueError for a naive one."""
    if instant.utcoffset() is None:
        raise ValueError(f"naive datetime where an instant belongs: {instant!r}")
    return instant.astimezone(UTC)
