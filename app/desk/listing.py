"""What stands out among a host's bookings, and saying in a word what became of each."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import defer, joinedload

from ..accounts.models import User
from ..bookings.attendees import Attendee
from ..bookings.followups import CREATE_MEETING, TO_ATTENDEE
from ..bookings.meetings import Meeting
from ..bookings.models import Booking
from ..bookings.reminders import is_reminder
from ..core.clock import utcnow
from ..db import db
from ..events import Action, Event
from ..outbox import OPEN_STATES, State, Task
from ..zoom.meetings import WANTS_CONNECTING
from .finding import HAS_FAILED, IN_ORDER, SHOWN, has_task, in_tab
from .timeline import is_under_way

MOST_LOOKED_AT = 200  # bookings
WAITS_FOR_ZOOM = or_(
    *(func.coalesce(Task.last_error, "").startswith(reason) for reason in WANTS_CONNECTING)
)


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
    failed = in_tab("attention", host.id)
    each = failed if has_zoom else failed.where(has_task(HAS_FAILED & ~WAITS_FOR_ZOOM))
    bookings = _soonest(each, limit)
    found = len(bookings) if len(bookings) < limit else _count(each)
    waiting = 0 if has_zoom else _count(failed) - found
    return Attention(bookings, found - len(bookings), waiting)


def soonest(host: User, limit: int) -> Sequence[Booking]:
    """The next bookings, soonest first, however far ahead they are."""
    return _soonest(in_tab("upcoming", host.id), limit)


def _soonest(wanted: Select[tuple[int]], limit: int) -> Sequence[Booking]:
    ids = wanted.order_by(*IN_ORDER).limit(limit)
    return (
        db.session.scalars(
            select(Booking).where(Booking.id.in_(ids)).options(*SHOWN).order_by(*IN_ORDER)
        )
        .unique()
        .all()
    )


def _count(bookings: Select[tuple[int]]) -> int:
    return db.session.scalar(select(func.count()).select_from(bookings.subquery())) or 0


def latest_meetings(host: User, limit: int) -> Sequence[tuple[Booking, Task]]:
    """The bookings whose meetings were asked of Zoom last, newest first, each with its task: of the
    host's last bookings, made or tried again, so that it takes as long whatever the history."""
    latest = (
        select(Event.subject_id)
        .where(
            Event.host_id == host.id,
            Event.action.in_([Action.BOOKING_MADE, Action.BOOKING_RETRIED]),
        )
        .order_by(Event.id.desc())
        .limit(MOST_LOOKED_AT)
    )
    rows = db.session.execute(
        select(Booking, Task)
        .join(Task, Task.booking_id == Booking.id)
        .where(Booking.id.in_(latest), Booking.host_id == host.id, Task.kind == CREATE_MEETING)
        .options(
            defer(Booking.join_token),
            joinedload(Booking.client, innerjoin=True).defer(Attendee.token),
            joinedload(Booking.meeting).defer(Meeting.passcode).defer(Meeting.join_url),
        )
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
