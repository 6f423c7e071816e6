"""What a reminder's task knows, told by its key: for which start of its booking it was planned, and how
long before. Nothing here reads or writes the database.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ..core.clock import utcnow
from ..outbox import State, Task
from ..outbox.queue import REMINDING
from .models import Booking

REMINDER = REMINDING.removeprefix(".")  # the occasion's name
TOO_LATE, TURNED_OFF = "reminder_late", "reminders_off"  # why one was called off
# One that comes later than this is no help, and says what is no longer true.
LATEST, OF_THE_LEAD = timedelta(minutes=15), 5


@dataclass(frozen=True)
class Reminder:
    """A mail `minutes` before `starts_at` (aware UTC, whole seconds), planned at an iCalendar
    `sequence` of its booking.

    The sequence alone would not say for which start: it rises with the link and with a corrected
    address too, and these leave a reminder as it is.
    """

    starts_at: datetime
    minutes: int
    sequence: int

    @property
    def due_at(self) -> datetime:
        """The moment it is for; a task's own `due_at` moves with each try."""
        return self.starts_at - timedelta(minutes=self.minutes)

    @property
    def latest(self) -> datetime:
        """Until when it may leave: a fifth of its lead, and no more than a quarter of an hour."""
        return self.due_at + min(LATEST, timedelta(minutes=self.minutes) / OF_THE_LEAD)

    @property
    def is_late(self) -> bool:
        return utcnow() > self.latest

    def is_of_start(self, booking: Booking) -> bool:
        """Whether the booking still starts when this was planned for."""
        return _seconds(booking.starts_at) == _seconds(self.starts_at)

    def why_not(self, booking: Booking, party: str) -> str | None:
        """Why it must not be sent to `attendee` or `host`: a code, empty where the booking itself
        says it; None when it may."""
        if not booking.is_live or not self.is_of_start(booking):
            return ""
        if party == "attendee" and booking.client.reminders_off_at:
            return TURNED_OFF
        return TOO_LATE if self.is_late else None

    def key(self, booking: Booking, kind: str) -> str:
        """The key of its task, unique for ever: a booking that moves away and back is reminded of
        anew."""
        start = _seconds(self.starts_at)
        return f"{booking.public_id}:{kind}:{self.sequence}:{start}:{self.minutes}"


def reminder_of(dedupe_key: str) -> Reminder | None:
    """What the key of a reminder's task says; None for any other task's."""
    parts = dedupe_key.split(":")
    if len(parts) != 5 or not is_reminder(parts[1]):
        return None
    sequence, start, minutes = map(int, parts[2:])
    return Reminder(datetime.fromtimestamp(start, UTC), minutes, sequence)


def is_reminder(kind: str) -> bool:
    """Whether a task of this kind reminds somebody."""
    return kind.endswith(REMINDING)


def ahead(booking: Booking, kind: str) -> list[int]:
    """How many minutes before the start reminders of a kind are still to come, the longest first."""
    found = (
        reminder_of(task.dedupe_key)
        for task in booking.tasks
        if task.kind == kind and task.state == State.WAITING
    )
    return sorted({one.minutes for one in found if one and one.is_of_start(booking)}, reverse=True)


def same_as(planned: Task, tasks: Iterable[Task]) -> list[Task]:
    """Those of `tasks` that remind the same person of the same start at the same moment."""
    wanted = reminder_of(planned.dedupe_key)
    assert wanted is not None
    return [
        task
        for task in tasks
        if task.kind == planned.kind
        and (one := reminder_of(task.dedupe_key))
        and (one.starts_at, one.minutes) == (wanted.starts_at, wanted.minutes)
    ]


def _seconds(at: datetime) -> int:
    return int(at.timestamp())
