"""What became of one booking, in the order of time: its events, its tasks, and what is planned."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from ..bookings.models import Booking, Change
from ..bookings.standing import ASK_EVERY, SLOW_AFTER
from ..core.clock import utcnow
from ..db import db
from ..events import Action, Actor, Event
from ..outbox import OPEN_STATES, State, Task

# Longer than a mail waits for its link, and than the first pauses between tries.
SOON = timedelta(minutes=3)
# Each deed in words, by who did it; `None` is anybody else. A deed that is not here is not told.
DEEDS: Mapping[str, Mapping[str | None, Any]] = {
    Action.BOOKING_MADE: {None: _l("Booked by the client"), Actor.HOST: _l("Booked by you")},
    Action.BOOKING_MOVED: {None: _l("Moved by the client"), Actor.HOST: _l("Moved by you")},
    Action.BOOKING_CANCELLED: {
        None: _l("Cancelled by the client"),
        Actor.HOST: _l("Cancelled by you"),
    },
    Action.BOOKING_ADDRESS_CORRECTED: {None: _l("Address corrected by you")},
    Action.BOOKING_SENT_AGAIN: {None: _l("Email sent again at your wish")},
    Action.BOOKING_RETRIED: {
        None: _l("Tried again by an administrator"),
        Actor.HOST: _l("Tried again at your wish"),
    },
    Action.BOOKING_DECLINED: {None: _l("Declined in the client's calendar")},
    Action.BOOKING_DECLINE_WITHDRAWN: {None: _l("Accepted again in the client's calendar")},
    Action.BOOKING_REMINDERS_OFF: {None: _l("Reminders turned off by the client")},
    Action.BOOKING_REMINDERS_ON: {None: _l("Reminders turned on again by the client")},
    Action.BOOKING_NO_SHOW: {None: _l("Marked as a no-show")},
    Action.BOOKING_NO_SHOW_TAKEN_BACK: {None: _l("No-show mark taken back")},
}
# How each state of a task is marked, and where it stands: past, under way, planned.
MARKS = {
    State.DONE: "done",
    State.FAILED: "failed",
    State.RUNNING: "going",
    State.WAITING: "going",
    State.CANCELLED: "",
}
PAST, UNDER_WAY, PLANNED = range(3)


@dataclass(frozen=True)
class Entry:
    """One line. `at` is aware UTC; None for what is under way. Either `words` say what was done,
    with the `change` that it made, or it is a `task`, of which `fate` says how it stands."""

    at: datetime | None
    mark: str
    words: Any = None
    change: Change | None = None
    task: Task | None = None
    fate: str = ""


@dataclass(frozen=True)
class Timeline:
    """The entries, and in how many seconds to look again; None while nothing is under way."""

    entries: Sequence[Entry]
    ask_every: int | None


def timeline_of(booking: Booking) -> Timeline:
    """The booking's timeline at this moment. Reads only."""
    now = utcnow()
    placed = [*_deeds(booking), *_fates(booking, now)]
    open_since = [task.due_at for task in booking.tasks if is_under_way(task, now)]
    is_slow = bool(open_since) and now - min(open_since) >= SLOW_AFTER
    return Timeline(
        [entry for _place, entry in sorted(placed, key=lambda one: one[0])],
        ASK_EVERY[is_slow] if open_since else None,
    )


def is_under_way(task: Task, now: datetime) -> bool:
    """Whether something is being done, or is about to be: not what is planned for later."""
    return task.state in OPEN_STATES and (task.state == State.RUNNING or task.due_at <= now + SOON)


Placed = tuple[tuple[int, datetime, int, int], Entry]  # rank, instant, events before tasks, id


def _deeds(booking: Booking) -> Iterator[Placed]:
    events = db.session.scalars(
        select(Event)
        .where(Event.subject_kind == "booking", Event.subject_id == booking.id)
        .order_by(Event.id)
    ).all()
    # The words of a cancellation stand on top of the page.
    told = booking.changes if booking.is_live else booking.changes[:-1]
    changes = {change.sequence: change for change in told}
    if not any(event.action == Action.BOOKING_MADE for event in events):
        # It is older than the record of events.
        made = Entry(booking.created_at, "done", DEEDS[Action.BOOKING_MADE][None])
        yield (PAST, booking.created_at, 0, 0), made
    for event in events:
        if (deed := DEEDS.get(event.action)) is not None:
            words = deed.get(event.actor_kind, deed[None])
            change = changes.get(event.details.get("sequence", -1))
            yield (PAST, event.at, 0, event.id), Entry(event.at, "done", words, change)


def _fates(booking: Booking, now: datetime) -> Iterator[Placed]:
    for task in booking.tasks:
        ended = task.finished_at or task.created_at
        if task.state not in OPEN_STATES:
            if not _fell_away(task):
                entry = Entry(ended, MARKS[State(task.state)], task=task, fate=task.state)
                yield (PAST, ended, 1, task.id), entry
        elif task.state == State.WAITING and task.due_at > now:
            fate = "again" if task.attempts else "planned"
            entry = Entry(task.due_at, "planned", task=task, fate=fate)
            yield (PLANNED, task.due_at, 1, task.id), entry
        else:
            entry = Entry(None, "going", task=task, fate=task.state)
            yield (UNDER_WAY, task.due_at, 1, task.id), entry


def _fell_away(task: Task) -> bool:
    """Whether it was called off before its time had come: nothing that anybody has waited for."""
    is_early = task.finished_at is not None and task.due_at > task.finished_at
    return task.state == State.CANCELLED and not task.attempts and is_early
