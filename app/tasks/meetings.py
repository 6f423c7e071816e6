"""Making and deleting a booking's meeting at Zoom."""

from dataclasses import dataclass
from functools import partial

from sqlalchemy.exc import SQLAlchemyError

from ..bookings.meetings import MeetingState
from ..bookings.models import Booking
from ..bookings.provision import MadeMeeting, attach_meeting, fail_meeting, note_meeting
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
    wanted = _request_for(booking)
    renew = partial(leases.renew, lease)
    if noted := _noted(booking):
        _fetch(lease, host_id, reference, noted)
        return
    outcome_unknown = is_outcome_unknown(lease)
    may_be_made = (
        outcome_unknown or lease.last_error == "zoom_ill" or booking.meeting.error is not None
    )
    may_look = may_be_made and meetings.may_find(host_id)
    try:
        made = meetings.find(host_id, wanted.agenda, renew) if may_look else None
        made = made or meetings.create(host_id, wanted, renew)
        _keep(lease, reference, made)
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
    _keep(lease, reference, made)
    meetings.learn_host(host_id, made)


def is_outcome_unknown(lease: Lease) -> bool:
    """Whether an earlier try may have made a meeting that nobody wrote down.

    A lease that ran out leaves no reason behind: its worker died somewhere on the way.
    """
    return lease.last_error in OUTCOME_UNKNOWN or (lease.attempt > 1 and lease.last_error is None)


def _keep(lease: Lease, reference: str, made: Meeting) -> None:
    """Before anything else: a meeting that nobody wrote down is an orphan."""
    meeting = MadeMeeting(made.id, made.join_url, made.passcode, made.host_id)
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


def delete(lease: Lease) -> None:
    """Delete a cancelled booking's meeting at Zoom."""
    booking = db.session.get_one(Booking, lease.booking_id)
    meeting = booking.meeting
    if booking.is_live or meeting is None or meeting.external_id is None:
        return
    meetings.delete(
        booking.host_id,
        meeting.external_id,
        before_call=partial(leases.renew, lease),
        of=meeting.zoom_host_id,
    )


def _request_for(booking: Booking) -> MeetingRequest:
    return MeetingRequest(
        topic=f"{booking.title}: {booking.client.name}",
        agenda=f"CalSync {booking.public_id}",
        starts_at=booking.starts_at,
        minutes=booking.duration,
        timezone=booking.timezone,
    )
