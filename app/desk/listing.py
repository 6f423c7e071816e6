"""Finding a host's bookings, and saying in a word what became of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from ..accounts.models import User
from ..bookings.attendees import Attendee
from ..bookings.followups import CREATE_MEETING, TO_ATTENDEE
from ..bookings.models import Booking, Status
from ..bookings.reminders import is_reminder
from ..core.clock import utcnow
from ..db import db
from ..db.search import contains
from ..outbox import OPEN_STATES, State, Task
from ..zoom.meetings import WANTS_CONNECTING
from .timeline import is_under_way

TABS = ("upcoming", "past", "cancelled", "attention")
PAGE_SIZE = 50
# What a row of a list shows, in one statement and one for all tasks.
SHOWN = (
    joinedload(Booking.client, innerjoin=True),
    joinedload(Booking.meeting),
    selectinload(Booking.tasks),
)
HAS_FAILED = Task.state == State.FAILED
WAITS_FOR_ZOOM = or_(
    *(func.coalesce(Task.last_error, "").startswith(reason) for reason in WANTS_CONNECTING)
)


def find_bookings(host: User, tab: str, query: str, page: int) -> tuple[Sequence[Booking], bool]:
    """One page of a tab, and whether there is more. `query` matches client and title."""
    wanted = _in_tab(select(Booking).where(Booking.host_id == host.id), tab)
    if query:
        wanted = wanted.join(Booking.client).where(
            contains(query, Attendee.name, Attendee.email, Booking.title)
        )
    rows = db.session.scalars(
        wanted.options(*SHOWN).offset((page - 1) * PAGE_SIZE).limit(PAGE_SIZE + 1)
    ).all()
    return rows[:PAGE_SIZE], len(rows) > PAGE_SIZE


def _in_tab(bookings: Select[Any], tab: str) -> Select[Any]:
    now = utcnow()
    if tab == "cancelled":
        return bookings.where(Booking.status == Status.CANCELLED).order_by(Booking.starts_at.desc())
    live = bookings.where(Booking.status != Status.CANCELLED)
    if tab == "past":
        return live.where(Booking.ends_at <= now).order_by(Booking.starts_at.desc())
    upcoming = live.where(Booking.ends_at > now).order_by(Booking.starts_at)
    if tab == "attention":
        return upcoming.where(Booking.tasks.any(HAS_FAILED))
    return upcoming


def find_own(host: User, public_id: str) -> Booking | None:
    """The host's own booking; None for another's."""
    return db.session.scalar(
        select(Booking).where(Booking.public_id == public_id, Booking.host_id == host.id)
    )


@dataclass(frozen=True)
class Attention:
    """Upcoming bookings with something that failed: the soonest, how many more there are, and how
    many wait for nothing but a connection to Zoom."""

    bookings: Sequence[Booking]
    more: int
    waiting: int


def need_attention(host: User, limit: int, *, has_zoom: bool) -> Attention:
    """What the host is to look at, up to `limit`. Without a connection that makes meetings,
    bookings that this alone would help are only counted."""
    failed = _in_tab(select(Booking).where(Booking.host_id == host.id), "attention")
    each = failed if has_zoom else failed.where(Booking.tasks.any(HAS_FAILED & ~WAITS_FOR_ZOOM))
    bookings = db.session.scalars(each.options(*SHOWN).limit(limit)).all()
    found = len(bookings) if len(bookings) < limit else _count(each)
    waiting = 0 if has_zoom else _count(failed) - found
    return Attention(bookings, found - len(bookings), waiting)


def _count(bookings: Select[Any]) -> int:
    counted = bookings.order_by(None).with_only_columns(func.count())
    return db.session.scalar(counted) or 0


def latest_meetings(host: User, limit: int) -> Sequence[tuple[Booking, Task]]:
    """The bookings whose meetings were asked of Zoom last, newest first, each with its task."""
    rows = db.session.execute(
        select(Booking, Task)
        .join(Task, Task.booking_id == Booking.id)
        .where(Booking.host_id == host.id, Task.kind == CREATE_MEETING)
        .options(joinedload(Booking.client, innerjoin=True), joinedload(Booking.meeting))
        .order_by(Task.id.desc())
        .limit(limit)
    )
    return [(booking, task) for booking, task in rows]


def wants_connecting(task: Task) -> bool:
    """Whether a failed task fails again for as long as Zoom is not connected (anew)."""
    return (task.last_error or "").partition(": ")[0] in WANTS_CONNECTING


def mail_state(booking: Booking) -> State:
    """What became of a booking's mails, as one of the states of a task. What is planned for later is
    not on its way. Reminders tell nothing of how it stands: nobody misses a booking for want of one."""
    now = utcnow()
    states = {
        task.state
        for task in booking.tasks
        if task.kind.startswith("mail.")
        and not is_reminder(task.kind)
        and (task.state not in OPEN_STATES or task.attempts or is_under_way(task, now))
    }
    for state in (State.FAILED, State.RUNNING, State.WAITING, State.DONE):
        if state in states:
            return state
    return State.CANCELLED


def worst_failure(booking: Booking) -> Task | None:
    """Of a booking's failed tasks the one that leaves its client worst off: no mail, then no
    meeting, then a meeting that was not deleted, then a mail to the host, then a reminder."""
    failed = [task for task in booking.tasks if task.state == State.FAILED]
    return min(failed, key=_rank, default=None)


def _rank(task: Task) -> int:
    ranks = (TO_ATTENDEE, CREATE_MEETING, "meeting.", "mail.")
    if is_reminder(task.kind):
        return len(ranks)
    return next((rank for rank, kind in enumerate(ranks) if task.kind.startswith(kind)), len(ranks))


def has_failed_reminder(booking: Booking) -> bool:
    """Whether somebody was not reminded, since their mail server refused it."""
    return any(task.state == State.FAILED and is_reminder(task.kind) for task in booking.tasks)


def soonest(host: User, limit: int) -> Sequence[Booking]:
    """The next bookings, soonest first, however far ahead they are."""
    return db.session.scalars(
        _in_tab(select(Booking).where(Booking.host_id == host.id), "upcoming")
        .options(*SHOWN)
        .limit(limit)
    ).all()
