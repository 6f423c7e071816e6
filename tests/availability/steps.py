"""What several files of this folder do with the app in the same words."""

from datetime import datetime

from app.availability import Span

MONDAY, TUESDAY, WEDNESDAY = "2026-06-01", "2026-06-02", "2026-06-03"


def at(clock: str, day: str = MONDAY) -> datetime:
    return datetime.fromisoformat(f"{day}T{clock}+00:00")


def span(start: str, end: str) -> Span:
    return Span(at(start), at(end))
