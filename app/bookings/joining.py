"""The join address: a booking's own address for life, which leads on to the meeting that is current."""

from datetime import timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from ..core.clock import utcnow
from ..core.crypto import fingerprint
from ..db import db
from ..web.addresses import public_url
from . import standing
from .followups import latest_move
from .models import Booking
from .standing import Phase

# Who comes to a booking that was moved reads when it takes place, unless it is about to begin.
EARLY = timedelta(hours=1)
# Meetings run over: for so long after the agreed end the page of the join address still offers the link.
RUNS_OVER = timedelta(hours=1)


class Way(StrEnum):
    """What the join address is good for at the moment."""

    OPEN = "open"
    MOVED = "moved"  # open, and not before long: somebody may have come at the old time
    NOT_YET = "not_yet"  # a meeting is wanted, and there is none, or its link cannot be told
    NONE = "none"  # nobody wants a meeting online
    OVER = "over"
    CANCELLED = "cancelled"


def join_address(booking: Booking) -> str | None:
    """The absolute address that people join a booking by; it holds before its meeting is made, too.

    Zoom's own link where no key opens the booking's token any more. None: there is nothing to join,
    or no key opens either.
    """
    if booking.meeting is None:
        return None
    if booking.join_token is None:
        return booking.join_url
    return public_url("join.go", token=booking.join_token)


def zoom_link(booking: Booking) -> str | None:
    """Zoom's own link, to stand beside the join address: calendars and meeting rooms know it by its
    looks. None where it is the join address itself, and where there is none."""
    return booking.join_url if booking.join_url != join_address(booking) else None


def find_by_join_token(token: str) -> Booking | None:
    """The booking whose join address ends with `token`, in one statement."""
    return db.session.scalar(
        select(Booking)
        .where(Booking.join_hash == fingerprint(token))
        .options(
            joinedload(Booking.host, innerjoin=True),
            joinedload(Booking.client, innerjoin=True),
            joinedload(Booking.meeting),
        )
    )


def way_of(booking: Booking) -> Way:
    """Where the booking's join address leads at this moment."""
    phase = standing.phase_of(booking)
    if phase is Phase.CANCELLED:
        return Way.CANCELLED
    if phase is Phase.OVER:
        return Way.OVER
    if booking.meeting is None:
        return Way.NONE
    if booking.join_url is None:
        return Way.NOT_YET
    is_early = booking.starts_at - utcnow() > EARLY
    return Way.MOVED if is_early and latest_move(booking) else Way.OPEN


def may_run_over(booking: Booking) -> bool:
    """Whether a booking that is over may still be under way."""
    return booking.is_live and utcnow() < booking.ends_at + RUNS_OVER


def asks_every(booking: Booking) -> int | None:
    """The seconds between two looks at whether the meeting is there by now; None: nobody waits for
    it at the page, since it is too early."""
    if standing.waits_for_meeting(booking):
        return standing.ASK_EVERY[standing.waits_long(booking)]
    if booking.has_unreadable_link:
        return None
    return None if booking.starts_at - utcnow() > EARLY else standing.ASK_EVERY[True]
