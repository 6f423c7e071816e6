"""Inserting what hangs on a new booking: its client, the time it holds, a meeting that is
wanted, and the event.

As tables and in one statement where the database can (PostgreSQL: WITH … INSERT): by models each would
be a round trip of its own, and a booking a third slower.
"""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import BindParameter, Insert, Table, bindparam, insert
from sqlalchemy.orm import make_transient_to_detached
from sqlalchemy.orm.attributes import set_committed_value

from ..db import db
from ..events import Action, Actor, Event
from .attendees import Attendee, Role
from .meetings import Meeting, MeetingState
from .models import Booking, Hold
from .search_words import search_words

# Built once: putting a statement together takes longer than running it.
ATTENDEES: Table = Attendee.__table__  # type: ignore[assignment]


def _given(*names: str) -> dict[str, BindParameter[object]]:
    """Values that come with the execution; the plain names are SQLAlchemy's own."""
    return {name: bindparam(f"new_{name}") for name in names}


_EVENT = insert(Event.__table__).values(  # type: ignore[arg-type]
    action=Action.BOOKING_MADE,
    subject_kind="booking",
    subject_id=bindparam("new_booking_id"),
    details={},
    **_given("at", "host_id", "actor_kind", "actor_id"),
)
_HOLD = insert(Hold.__table__).values(  # type: ignore[arg-type]
    **_given("booking_id", "host_id", "blocked_from", "blocked_until")
)
_MEETING = insert(Meeting.__table__).values(  # type: ignore[arg-type]
    provider="zoom", state=MeetingState.WANTED, **_given("booking_id")
)
_CLIENT_GIVEN = ("booking_id", "name", "email", "locale", "timezone", "token_hash", "token")
_CLIENT = (
    insert(ATTENDEES).values(role=Role.CLIENT, **_given(*_CLIENT_GIVEN)).returning(ATTENDEES.c.id)
)
_BESIDE: Mapping[bool, tuple[Insert, ...]] = {
    False: (_HOLD, _EVENT),
    True: (_HOLD, _EVENT, _MEETING),
}
_TOGETHER = {
    has_meeting: _CLIENT.add_cte(*(one.cte(f"part_{n}") for n, one in enumerate(beside)))
    for has_meeting, beside in _BESIDE.items()
}


def insert_parts(
    booking: Booking,
    client: Attendee,
    hold: tuple[datetime, datetime],
    *,
    wants_meeting: bool,
    by: Actor = Actor.CLIENT,
) -> None:
    """Flush the booking and give it its parts, in the caller's transaction; `by`: who books.

    `client` is on the booking afterwards, as if it had been read. Raises IntegrityError where the
    hold overlaps another of the host's.
    """
    booking.search_words = search_words(client.name, client.email, booking.title)
    db.session.add(booking)
    db.session.flush()
    client.booking_id = booking.id
    values = {f"new_{name}": getattr(client, name) for name in _CLIENT_GIVEN} | {
        "new_host_id": booking.host_id,
        "new_blocked_from": hold[0],
        "new_blocked_until": hold[1],
        "new_at": booking.created_at,
        "new_actor_kind": by,
        "new_actor_id": booking.host_id if by is Actor.HOST else None,
    }
    if db.engine.dialect.name == "postgresql":
        made = db.session.execute(_TOGETHER[wants_meeting], values)
    else:
        for statement in _BESIDE[wants_meeting]:
            db.session.execute(statement, values)
        made = db.session.execute(_CLIENT, values)
    client.id = made.scalar_one()
    make_transient_to_detached(client)
    db.session.add(client)
    set_committed_value(booking, "client", client)
