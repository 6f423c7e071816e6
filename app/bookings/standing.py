"""How a booking stands right now. Its pages say and offer what is true at that moment."""

import math
from datetime import datetime, timedelta
from enum import StrEnum

from ..core.clock import utcnow
from ..outbox import State
from . import followups
from .meetings import MeetingState
from .models import Booking
from .occasions import mail_kind

# Zoom takes a second or two. Who has waited this long is told that it is slow.
SLOW_AFTER = timedelta(seconds=15)
# Before its start a booking is what its host has come for.
BEGINS_SOON = timedelta(minutes=30)
ASK_EVERY = (2, 10)  # seconds between two looks of the waiting page: at first, and when it is slow
RELOAD_EVERY = (4, 20)  # the same for a page without a script, which loads as a whole
SOON = timedelta(minutes=15)  # before the start joining becomes the first thing on the page
# A computer that sleeps stops the clock of a page: it looks again at least so often.
LONGEST_SLEEP = timedelta(minutes=5)
A_DAY = timedelta(days=1)


class Phase(StrEnum):
    """Where a booking stands between being made and being over."""

    TO_COME = "to_come"
    RUNNING = "running"
    OVER = "over"
    CANCELLED = "cancelled"


class Told(StrEnum):
    """What became of the latest mail to the client. NOTHING: none is to come, as after an outage."""

    SENT = "sent"
    ON_ITS_WAY = "on_its_way"
    BOUNCED = "bounced"
    NOTHING = "nothing"


def phase_of(booking: Booking) -> Phase:
    """The phase at this moment; a booking runs from its start up to, and without, its end."""
    if not booking.is_live:
        return Phase.CANCELLED
    if booking.is_past:
        return Phase.OVER
    return Phase.RUNNING if booking.starts_at <= utcnow() else Phase.TO_COME


def is_near(booking: Booking) -> bool:
    """Whether it is under way, or begins within half an hour."""
    is_ahead = booking.is_live and not booking.is_past
    return is_ahead and booking.starts_at - utcnow() <= BEGINS_SOON


def is_soon(booking: Booking) -> bool:
    """Whether it is to begin within minutes."""
    return phase_of(booking) is Phase.TO_COME and booking.starts_at - utcnow() <= SOON


def next_change(booking: Booking) -> int | None:
    """The seconds until a page of the booking says something else by the clock alone; None: never."""
    if not booking.is_live:
        return None
    now = utcnow()
    turns = (booking.starts_at - SOON, booking.starts_at, booking.ends_at)
    ahead = [turn - now for turn in turns if turn > now]
    return math.ceil(min(ahead).total_seconds()) if ahead else None


def ask_every(booking: Booking) -> int | None:
    """The seconds after which an open page looks again at how the booking stands; None: not any more."""
    if waits_for_meeting(booking):
        return ASK_EVERY[waits_long(booking)]
    left = next_change(booking)
    if left is None:
        return None
    is_far = left > A_DAY.total_seconds()
    longest = LONGEST_SLEEP * (12 if is_far else 1)
    return min(left, int(longest.total_seconds()))


def reload_every(booking: Booking) -> int | None:
    """The same for a page without a script: it loads as a whole, so exactly when it is to change."""
    if waits_for_meeting(booking):
        return RELOAD_EVERY[waits_long(booking)]
    left = next_change(booking)
    return left if left is not None and left <= A_DAY.total_seconds() else None


def can_book_again(booking: Booking) -> bool:
    """Whether its page still takes bookings."""
    return booking.page.is_live and booking.page.archived_at is None


def told_client(booking: Booking) -> Told:
    """The fate of the latest mail that tells the client how the booking stands."""
    of_time = (followups.CONFIRMED, followups.MOVED, followups.LINK, followups.REPAIRED)
    occasions = of_time if booking.is_live else (followups.CANCELLED,)
    kinds = {mail_kind("attendee", occasion) for occasion in occasions}
    states = [task.state for task in booking.tasks if task.kind in kinds]
    said = [state for state in states if state != State.CANCELLED]
    if not said:
        return Told.NOTHING
    return {State.DONE: Told.SENT, State.FAILED: Told.BOUNCED}.get(State(said[-1]), Told.ON_ITS_WAY)


def waits_for_meeting(booking: Booking) -> bool:
    """Whether a meeting is being made that somebody may still come to."""
    return booking.is_live and not booking.is_past and booking.meeting_state is MeetingState.WANTED


def waits_long(booking: Booking) -> bool:
    """Whether the client has waited for the meeting for longer than it usually takes: since they
    booked, or since the booking was moved to a meeting of its own."""
    if not waits_for_meeting(booking):
        return False
    move = followups.latest_move(booking)
    return utcnow() - (move.at if move else booking.created_at) >= SLOW_AFTER


def checked_at(booking: Booking) -> datetime | None:
    """When its meeting was last looked at before it begins and found as it should be (aware UTC); None where
    that is still to come, or tells nothing any more."""
    looked = any(
        task.kind == followups.CHECK_MEETING and task.state == State.DONE for task in booking.tasks
    )
    is_ready = booking.meeting_state is MeetingState.READY and booking.is_live
    return booking.meeting.checked_at if looked and is_ready and booking.meeting else None
