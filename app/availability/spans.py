"""Spans of absolute time."""

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Span:
    """The instants from `start` up to, not including, `end`; both are kept in UTC.

    Aware datetimes of any zone are taken. A span that ends where it starts holds nothing.
    Raises ValueError when a datetime is naive, or when the span ends before it starts.
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is not UTC or self.end.tzinfo is not UTC:
            object.__setattr__(self, "start", in_utc(self.start))
            object.__setattr__(self, "end", in_utc(self.end))
        if self.end < self.start:
            raise ValueError(f"a span cannot end before it starts: {self.start} to {self.end}")

    def overlaps(self, other: "Span") -> bool:
        """Whether the two share an instant. Spans that only touch do not."""
        return max(self.start, other.start) < min(self.end, other.end)


def in_utc(at: datetime) -> datetime:
    """The same instant in UTC. Raises ValueError when `at` is naive."""
    if at.tzinfo is UTC:
        return at
    if at.utcoffset() is None:
        raise ValueError(f"a naive datetime names no instant: {at!r}")
    return at.astimezone(UTC)
