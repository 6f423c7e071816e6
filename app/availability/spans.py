"""Spans of absolute time."""

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True, init=False)
class Span:
    """The instants from `start` up to, not including, `end`; both are kept in UTC.

    Aware datetimes of any zone are taken. A span that ends where it starts holds nothing.
    Raises ValueError when a datetime is naive, or when the span ends before it starts.
    """

    start: datetime
    end: datetime

    def __init__(self, start: datetime, end: datetime) -> None:
        start, end = in_utc(start), in_utc(end)
        if end < start:
            raise ValueError(f"a span cannot end before it starts: {start} to {end}")
        # The slots' own setters: a month has hundreds of spans, and __setattr__ is frozen.
        _set_start(self, start)
        _set_end(self, end)

    def overlaps(self, other: "Span") -> bool:
        """Whether the two share an instant. Spans that only touch do not."""
        return max(self.start, other.start) < min(self.end, other.end)


_set_start, _set_end = vars(Span)["start"].__set__, vars(Span)["end"].__set__


def in_utc(at: datetime) -> datetime:
    """The same instant in UTC. Raises ValueError when `at` is naive."""
    if at.tzinfo is UTC:
        return at
    if at.utcoffset() is None:
        raise ValueError(f"a naive datetime names no instant: {at!r}")
    return at.astimezone(UTC)
