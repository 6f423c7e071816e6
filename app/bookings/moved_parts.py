"""What a move writes besides the booking's own row: the time that it holds, what its mail tells, and the event.

As tables and in one statement where the database can (PostgreSQL: WITH … UPDATE), as a new booking's parts
are inserted: by models each would be a round trip of its own.
"""

from datetime import datetime

from sqlalchemy import BindParameter, bindparam, insert, update

from ..db import db
from ..events import Action, Actor, Event
from .models import Booking, Change, Hold


def _given(*names: str) -> dict[str, BindParameter[object]]:
    """Values that come with the execution; the plain names are SQLAlchemy's own."""
    return {name: bindparam(f"moved_{name}") for name in names}


_HOLD = (
    update(Hold.__table__)  # type: ignore[arg-type]
    .where(Hold.__table__.c.booking_id == bindparam("moved_booking_id"))
    .values(**_given("blocked_from", "blocked_until"))
)
_CHANGED = ("sequence", "by", "old_starts_at", "words", "at")
_CHANGE = insert(Change.__table__).values(  # type: ignore[arg-type]
    **_given("booking_id", *_CHANGED)
)
_EVENT = insert(Event.__table__).values(  # type: ignore[arg-type]
    action=Action.BOOKING_MOVED,
    subject_kind="booking",
    subject_id=bindparam("moved_booking_id"),
    actor_kind=bindparam("moved_by"),
    **_given("at", "host_id", "actor_id", "details"),
)
_TOGETHER = _HOLD.add_cte(_CHANGE.cte("change"), _EVENT.cte("event"))


def write_parts(booking: Booking, change: Change, hold: tuple[datetime, datetime]) -> None:
    """Of a booking that was just given another time, in the caller's transaction, which holds its row
    and its host's; `change` is none of the session's. Raises IntegrityError where the hold overlaps
    another of the host's."""
    values = {f"moved_{name}": getattr(change, name) for name in _CHANGED} | {
        "moved_booking_id": booking.id,
        "moved_host_id": booking.host_id,
        "moved_actor_id": booking.host_id if change.by == Actor.HOST else None,
        "moved_details": {"sequence": change.sequence},
        "moved_blocked_from": hold[0],
        "moved_blocked_until": hold[1],
    }
    if db.engine.dialect.name == "postgresql":
        db.session.execute(_TOGETHER, values)
    else:
        for statement in (_HOLD, _CHANGE, _EVENT):
            db.session.execute(statement, values)
