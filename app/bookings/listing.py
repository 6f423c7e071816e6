"""Finding a host's bookings, and saying in a word what became of each."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import joinedload, selectinload

from ..accounts.models import User
from ..booking_pages.models import BookingPage
from ..clock import utcnow
from ..extensions import db
from ..outbox import Task
from .followups import CREATE_MEETING
from .models import Booking

TABS = ("upcoming", "past", "cancelled")
PAGE_SIZE = 50


def find_bookings(host: User, tab: str, query: str, page: int) -> tuple[Sequence[Booking], bool]:
    """One page of a tab, and whether there is more. `query` matches client and page title."""
    wanted = _in_tab(select(Booking).where(Booking.host_id == host.id), tab)
    if query:
        pattern = f"%{_escape(query)}%"
        wanted = wanted.join(BookingPage, BookingPage.id == Booking.page_id).where(
            or_(
                Booking.client_name.ilike(pattern, escape="\\"),
                Booking.client_email.ilike(pattern, escape="\\"),
                BookingPage.title.ilike(pattern, escape="\\"),
            )
        )
    rows = db.session.scalars(
        wanted.options(joinedload(Booking.page), selectinload(Booking.tasks))
        .offset((page - 1) * PAGE_SIZE)
        .limit(PAGE_SIZE + 1)
    ).all()
    return rows[:PAGE_SIZE], len(rows) > PAGE_SIZE


def _in_tab(bookings: Select[Booking], tab: str) -> Select[Booking]:
    now = utcnow()
    if tab == "cancelled":
        return bookings.where(Booking.status == "cancelled").order_by(Booking.starts_at.desc())
    live = bookings.where(Booking.status != "cancelled")
    if tab == "past":
        return live.where(Booking.ends_at <= now).order_by(Booking.starts_at.desc())
    return live.where(Booking.ends_at > now).order_by(Booking.starts_at)


def _escape(query: str) -> str:
    return query.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def find_own(host: User, public_id: str) -> Booking | None:
    """The host's own booking; None for another's."""
    return db.session.scalar(
        select(Booking).where(Booking.public_id == public_id, Booking.host_id == host.id)
    )


def need_attention(host: User) -> Sequence[Booking]:
    """Upcoming bookings with something that failed, soonest first."""
    return db.session.scalars(
        _in_tab(select(Booking).where(Booking.host_id == host.id), "upcoming")
        .where(or_(Booking.meeting_state == "failed", Booking.tasks.any(state="failed")))
        .options(joinedload(Booking.page), selectinload(Booking.tasks))
        .limit(20)
    ).all()


def latest_meetings(host: User, limit: int) -> Sequence[tuple[Booking, Task]]:
    """The bookings whose meetings were asked of Zoom last, newest first, each with its task."""
    rows = db.session.execute(
        select(Booking, Task)
        .join(Task, Task.booking_id == Booking.id)
        .where(Booking.host_id == host.id, Task.kind == CREATE_MEETING)
        .options(joinedload(Booking.page))
        .order_by(Task.id.desc())
        .limit(limit)
    )
    return [(booking, task) for booking, task in rows]


def mail_state(booking: Booking) -> str:
    """What became of a booking's mails, as one of the states of a task."""
    states = {task.state for task in booking.tasks if task.kind.startswith("mail.")}
    for state in ("failed", "running", "waiting", "done"):
        if state in states:
            return state
    return "cancelled"


def soonest(host: User, until: datetime) -> Sequence[Booking]:
    """Upcoming bookings that start before `until` (aware UTC), soonest first."""
    return db.session.scalars(
        _in_tab(select(Booking).where(Booking.host_id == host.id), "upcoming")
        .where(Booking.starts_at < until)
        .options(joinedload(Booking.page), selectinload(Booking.tasks))
        .limit(20)
    ).all()
