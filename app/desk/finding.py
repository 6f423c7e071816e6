"""Choosing a host's bookings: the index `ix_bookings_host_id_listed` alone decides which, and only those that
are shown are read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, select, tuple_
from sqlalchemy.orm import defer, joinedload, selectinload

from ..bookings.attendees import Attendee
from ..bookings.meetings import Meeting
from ..bookings.models import Booking, Status
from ..core.clock import utcnow
from ..db import db
from ..db.search import contains
from ..outbox import State, Task
from .filters import Filters, Place

PAGE_SIZE = 50
# The longest booking that a page can offer. Naming it lets the index skip all that lies before.
LONGEST = timedelta(days=1)
HAS_FAILED = Task.state == State.FAILED
# What a row of a list shows, in one statement and one for all tasks. What is sealed and not shown
# stays unread: opening it would take a list longer than all else.
SHOWN = (
    defer(Booking.join_token),
    joinedload(Booking.client, innerjoin=True).defer(Attendee.token),
    joinedload(Booking.meeting).defer(Meeting.passcode),
    selectinload(Booking.tasks).load_only(Task.kind, Task.state, Task.last_error, Task.booking_id),
)
BOOKINGS: Table = Booking.__table__  # type: ignore[assignment]
LISTED = BOOKINGS.c
IN_ORDER: Sequence[ColumnElement[Any]] = (LISTED.starts_at, LISTED.id)


@dataclass(frozen=True)
class Found:
    """One page of a list, and the places of its first and last booking where there are more before
    or behind it."""

    bookings: Sequence[Booking]
    before: Place | None = None
    after: Place | None = None


def find_bookings(
    host_id: int, filters: Filters, *, after: Place | None = None, before: Place | None = None
) -> Found:
    """The page that follows `after`, or comes right before `before`; the first one without either."""
    place = after or before
    is_backward = before is not None and after is None
    ids = chosen(host_id, filters, place, is_backward=is_backward, most=PAGE_SIZE + 1)
    rows = list(
        db.session.scalars(
            select(Booking)
            .where(Booking.id.in_(ids))
            .options(*SHOWN)
            .order_by(*_order(goes_up(filters) != is_backward))
        ).unique()
    )
    has_more = len(rows) > PAGE_SIZE
    rows = rows[:PAGE_SIZE]
    if is_backward:
        rows.reverse()
    if not rows:
        return find_bookings(host_id, filters) if is_backward else Found(rows)
    first, last = (Place(one.starts_at, one.id) for one in (rows[0], rows[-1]))
    return Found(
        rows,
        before=first if (has_more if is_backward else after) else None,
        after=last if is_backward or has_more else None,
    )


def goes_up(filters: Filters) -> bool:
    """Whether the soonest comes first; of what is over the latest does."""
    return filters.tab in {"upcoming", "attention"}


def chosen(
    host_id: int, filters: Filters, place: Place | None, *, is_backward: bool = False, most: int
) -> Select[tuple[int]]:
    """The ids of up to `most` bookings behind `place` in the tab's order (before it, if backward)."""
    ascends = goes_up(filters) != is_backward
    since, until = filters.since, filters.until
    if place and ascends:
        since = max(since or place.starts_at, place.starts_at)
    elif place:
        just_after = place.starts_at + timedelta(microseconds=1)
        until = min(until or just_after, just_after)
    wanted = in_tab(filters.tab, host_id, since, until)
    if filters.query:
        wanted = wanted.where(contains(filters.query, LISTED.search_words))
    if filters.page_id:
        # Not by the index of the page's bookings, which knows no more of them.
        wanted = wanted.where(LISTED.page_id + 0 == filters.page_id)
    if place:
        each, here = tuple_(*IN_ORDER), tuple_(place.starts_at, place.id)
        wanted = wanted.where(each > here if ascends else each < here)
    return wanted.order_by(*_order(ascends)).limit(most)


def in_tab(
    tab: str, host_id: int, since: datetime | None = None, until: datetime | None = None
) -> Select[tuple[int]]:
    """The ids of a tab's bookings that start in `[since, until)`, in no order.

    Each end is named once: of two conditions SQLite enters an index by the first, whichever says more.
    """
    now = utcnow()
    if tab == "past":
        until = min(until or now, now)
    elif tab != "cancelled":
        since = max(since or now - LONGEST, now - LONGEST)
    own = select(LISTED.id).where(LISTED.host_id == host_id)
    if since:
        own = own.where(LISTED.starts_at >= since)
    if until:
        own = own.where(LISTED.starts_at < until)
    if tab == "cancelled":
        return own.where(LISTED.status == Status.CANCELLED)
    live = own.where(LISTED.status != Status.CANCELLED)
    if tab == "past":
        return live.where(LISTED.ends_at <= now)
    upcoming = live.where(LISTED.ends_at > now)
    if tab == "attention":
        return upcoming.where(has_task(HAS_FAILED))
    return upcoming


def has_task(which: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether one of the booking's tasks is such a one."""
    return select(Task.id).where(Task.booking_id == LISTED.id, which).exists()


def _order(ascends: bool) -> list[ColumnElement[Any]]:
    return [column.asc() if ascends else column.desc() for column in IN_ORDER]
