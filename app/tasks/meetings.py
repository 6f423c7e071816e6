"""Making and deleting a booking's meeting at Zoom."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy.exc import SQLAlchemyError

from ..bookings import followups
from ..bookings.meetings import MeetingState
from ..bookings.models import Booking
from ..bookings.provision import (
    MadeMeeting,
    attach_meeting,
    confirm_meeting,
    fail_meeting,
    forget_meetings,
    note_meeting,
    realign_meeting,
    replace_meeting,
)
from ..bookings.remains import numbers_left_behind
from ..bookings.service import find_with_parties
from ..core.config import current_settings
from ..core.logs import log
from ..db import db
from ..outbox import (
    Lease,
    OutcomeUnknown,
    Overtaken,
    Refused,
    Unavailable,
    retry_while_database_down,
)
from ..zoom import meetings
from ..zoom.values import Meeting, MeetingRequest
from . import leases

# Why a try was put off with its outcome unknown. Zoom has no idempotency key: after a lost answer
# one more try is worth a possible orphan, which nobody is ever told of; then the host decides.
# Where the host lets us list meetings, ours is found by its reference and no other is made. We
# look there after an error of Zoom's own too, which may come from a gateway that does not know what
# was done behind it; and after a failure, which may have followed upon a lost answer.
OUTCOME_UNKNOWN = {"zoom_answer_lost", "zoom_answer_broken"}
# By these reasons this meeting will never be moved from here, and another is to take its place.
CANNOT_BE_MOVED = {
    "zoom_meeting_gone",
    "zoom_meeting_unknown",
    "zoom_other_account",
    "zoom_scope_missing",
}


def create(lease: Lease) -> None:
    """Make the meeting and keep it, unless it exists. Raises Overtaken where nobody would come."""
    booking = find_with_parties(lease.booking_id)
    if booking.meeting is None or booking.meeting.state == MeetingState.READY:
        return
    if not booking.is_live:
        raise Overtaken
    if booking.is_past:
        fail_meeting(booking.id, "booking_over")
        raise Overtaken
    host_id, reference = booking.host_id, booking.public_id
    wanted = request_for(booking)
    renew = partial(leases.renew, lease)
    if noted := _noted(booking):
        _fetch(lease, host_id, reference, noted)
        return
    outcome_unknown = is_outcome_unknown(lease)
    may_be_made = (
        outcome_unknown or lease.last_error == "zoom_ill" or booking.meeting.error is not None
    )
    may_look = may_be_made and meetings.may_find(host_id)
    former = numbers_left_behind(booking) if may_look else []
    try:
        made = meetings.find(host_id, wanted.agenda, renew, former) if may_look else None
        made = made or meetings.create(host_id, wanted, renew)
        _keep(lease, reference, made, wanted.starts_at)
    except meetings.LinkMissing as missing:
        noted = NotedMeeting(missing.meeting_id, missing.host_id)
        _note(reference, noted)
        _fetch(lease, host_id, reference, noted)
        return
    except Unavailable as error:
        if not outcome_unknown and not may_look:
            raise
        if isinstance(error, OutcomeUnknown) and not may_look:
            raise Refused("zoom_answer_lost") from error
        # The outcome is as unknown as before, whatever has failed this time.
        raise OutcomeUnknown("zoom_answer_lost", error.retry_at) from error
    meetings.learn_host(host_id, made)


@dataclass(frozen=True)
class NotedMeeting:
    """A meeting that was made without its link being told, and the Zoom user whose it is, or ''."""

    id: int
    host_id: str


def _noted(booking: Booking) -> NotedMeeting | None:
    """The one that an earlier try has left behind, unless it is out of this connection's reach."""
    meeting = booking.meeting
    if meeting is None or meeting.external_id is None:
        return None
    if meetings.is_of_earlier_account(booking.host_id, meeting.zoom_host_id):
        return None
    return NotedMeeting(meeting.external_id, meeting.zoom_host_id or "")


def _note(reference: str, noted: NotedMeeting) -> None:
    """Before it is asked for: whatever happens from here on, no second one is made."""
    try:
        retry_while_database_down(
            lambda: note_meeting(reference, noted.id, noted.host_id), current_settings().lease
        )
    except SQLAlchemyError as error:
        raise OutcomeUnknown("zoom_answer_lost") from error


def _fetch(lease: Lease, host_id: int, reference: str, noted: NotedMeeting) -> None:
    """Ask for the link of a meeting that exists, and keep it."""
    renew = partial(leases.renew, lease)
    made = meetings.read_made(host_id, noted.id, renew, of=noted.host_id or None)
    _keep(lease, reference, made, None)
    meetings.learn_host(host_id, made)


def is_outcome_unknown(lease: Lease) -> bool:
    """Whether an earlier try may have made a meeting that nobody wrote down.

    A lease that ran out leaves no reason behind: its worker died somewhere on the way.
    """
    return lease.last_error in OUTCOME_UNKNOWN or (lease.attempt > 1 and lease.last_error is None)


def _keep(lease: Lease, reference: str, made: Meeting, asked_for: datetime | None) -> None:
    """Before anything else: a meeting that nobody wrote down is an orphan. It is at the time that Zoom's
    answer says, else at the one that was `asked_for`."""
    starts_at = made.starts_at or asked_for
    meeting = MadeMeeting(made.id, made.join_url, made.passcode, made.host_id, starts_at)
    try:
        is_kept = retry_while_database_down(
            lambda: attach_meeting(reference, meeting), current_settings().lease
        )
    except SQLAlchemyError as error:
        raise OutcomeUnknown("zoom_answer_lost") from error
    if not is_kept:
        log.warning("another meeting was kept first", task_id=lease.task_id)


def create_failed(lease: Lease, refusal: Refused) -> None:
    """Tell the booking that it has no meeting, and why; its mails go without."""
    if lease.booking_id is not None:
        fail_meeting(lease.booking_id, str(refusal))


def move(lease: Lease) -> None:
    """Give the meeting at Zoom the booking's time; where it cannot be moved, have another made.

    The booking may be moved again while Zoom is asked, and a call for that may be faster: what was
    sent is compared with what the booking says by then, and sent anew.
    """
    booking = find_with_parties(lease.booking_id)
    while (number := _to_move(booking)) is not None:
        wanted, owner = request_for(booking), booking.zoom_host_id
        host_id, booking_id = booking.host_id, booking.id
        try:
            meetings.move(host_id, number, wanted, partial(leases.renew, lease), of=owner)
        except Refused as refusal:
            is_gone = refusal.reason == "zoom_meeting_gone"
            if refusal.reason in CANNOT_BE_MOVED and replace_meeting(
                booking_id, number, is_gone=is_gone
            ):
                return
            if _is_still_to_move(booking_id, number):
                raise
        else:
            if confirm_meeting(booking_id, wanted.starts_at):
                return
        booking = find_with_parties(lease.booking_id)
    raise Overtaken


def _is_still_to_move(booking_id: int, number: int) -> bool:
    """Whether this is still the meeting that somebody will come to: the booking may have been cancelled, or
    got another one, while Zoom was asked."""
    db.session.rollback()
    return _to_move(find_with_parties(booking_id)) == number


def _to_move(booking: Booking) -> int | None:
    """The number of the meeting that somebody will come to."""
    is_ahead = booking.is_live and not booking.is_past
    is_ready = booking.meeting_state is MeetingState.READY
    return booking.meeting.external_id if is_ahead and is_ready and booking.meeting else None


def check(lease: Lease) -> None:
    """See that the meeting is still at Zoom, at the booking's time, and have it moved or made again where
    it is not. One read; a meeting that cannot be read from here is left to its host."""
    booking = find_with_parties(lease.booking_id)
    number = _to_move(booking)
    if number is None or not meetings.may_read(booking.host_id, of=booking.zoom_host_id):
        raise Overtaken
    host_id, booking_id, owner = booking.host_id, booking.id, booking.zoom_host_id
    agreed = booking.starts_at
    try:
        live = meetings.read(host_id, number, before_call=partial(leases.renew, lease), of=owner)
    except Refused as refusal:
        if refusal.reason not in {"zoom_meeting_gone", "zoom_meeting_unknown"}:
            raise
        is_gone = refusal.reason == "zoom_meeting_gone"
        if replace_meeting(booking_id, number, is_gone=is_gone):
            return
        if _is_still_to_move(booking_id, number):
            raise
        raise Overtaken from refusal
    if not confirm_meeting(booking_id, live.starts_at or agreed):
        realign_meeting(booking_id, agreed)


def delete(lease: Lease) -> None:
    """Delete at Zoom the meetings that a booking needs no more: those that were left behind, and its own
    once it is cancelled. One that is another Zoom user's stays; the others go nevertheless, and where it
    was left behind, that is no failure: the host is told of it as long as it is there."""
    booking = db.session.get_one(Booking, lease.booking_id)
    host_id, booking_id = booking.host_id, booking.id
    wanted = [
        (one.external_id, one.zoom_host_id, one.state)
        for one in followups.unneeded(booking)
        if one.external_id is not None
    ]
    refused: Refused | None = None
    for number, owner, state in wanted:
        try:
            meetings.delete(host_id, number, before_call=partial(leases.renew, lease), of=owner)
        except Refused as refusal:
            is_told = state == MeetingState.LEFT_BEHIND and refusal.reason == "zoom_other_account"
            refused = refused if is_told else refusal
            continue
        if state == MeetingState.LEFT_BEHIND:
            forget_meetings(booking_id, [number])
    if refused:
        raise refused


def request_for(booking: Booking) -> MeetingRequest:
    return MeetingRequest(
        topic=f"{booking.title}: {booking.client.name}",
        agenda=f"CalSync {booking.public_id}",
        starts_at=booking.starts_at,
        minutes=booking.duration,
        timezone=booking.timezone,
    )
