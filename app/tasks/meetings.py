"""Making and deleting a booking's meeting at Zoom."""

from collections.abc import Callable

from .. import outbox
from ..bookings.models import Booking
from ..bookings.service import MadeMeeting, attach_meeting, fail_meeting, find_with_parties
from ..extensions import db
from ..logs import log
from ..outbox import Lease, OutcomeUnknown, Refused, Unavailable
from ..web import current_settings
from ..zoom import meetings
from ..zoom.api import Meeting, MeetingRequest

# Why a try was put off with its outcome unknown. Zoom has no idempotency key: after a lost answer
# one more try is worth a possible orphan, which nobody is ever told of; then the host decides.
# Where the host lets us list meetings, ours is found by its reference and no other is made.
IN_THE_DARK = {"zoom_answer_lost", "zoom_answer_broken"}


class LeaseLost(Exception):
    """The lease ran out and another worker may have the task: stop without a trace."""


def create(lease: Lease) -> None:
    """Make the meeting and keep it. Nothing to do when it exists or the booking is cancelled."""
    booking = find_with_parties(lease.booking_id)
    if not booking.is_live or booking.zoom_meeting_id is not None:
        return
    host_id, booking_id, wanted = booking.host_id, booking.id, _request_for(booking)
    made = _made_before(lease, host_id, wanted.agenda) or _make(lease, host_id, wanted)
    # Before anything else: a meeting that nobody wrote down is an orphan.
    if not attach_meeting(booking_id, MadeMeeting(made.id, made.join_url, made.passcode)):
        log.warning("another meeting was kept first", task_id=lease.task_id)
    meetings.learn_host(host_id, made)


def _made_before(lease: Lease, host_id: int, reference: str) -> Meeting | None:
    """The meeting of a try whose answer was lost, where the host lets us look for it."""
    if lease.last_error not in IN_THE_DARK or not meetings.may_find(host_id):
        return None
    try:
        return meetings.find(host_id, reference, before_call=_renewing(lease))
    except Unavailable as error:
        # Still in the dark: the next try must look again before it makes another.
        raise OutcomeUnknown("zoom_answer_lost", error.retry_at) from error


def _make(lease: Lease, host_id: int, wanted: MeetingRequest) -> Meeting:
    try:
        return meetings.create(host_id, wanted, before_call=_renewing(lease))
    except OutcomeUnknown as unknown:
        if lease.last_error in IN_THE_DARK and not meetings.may_find(host_id):
            raise Refused("zoom_answer_lost") from unknown
        raise


def create_failed(lease: Lease, refusal: Refused) -> None:
    """Tell the booking that it has no meeting, and why; its mails go without."""
    if lease.booking_id is not None:
        fail_meeting(lease.booking_id, str(refusal))


def delete(lease: Lease) -> None:
    """Delete a cancelled booking's meeting at Zoom."""
    booking = db.session.get_one(Booking, lease.booking_id)
    if booking.is_live or booking.zoom_meeting_id is None:
        return
    meetings.delete(booking.host_id, booking.zoom_meeting_id, before_call=_renewing(lease))


def _request_for(booking: Booking) -> MeetingRequest:
    return MeetingRequest(
        topic=f"{booking.page.title}: {booking.client_name}",
        agenda=f"CalSync {booking.public_id}",
        starts_at=booking.starts_at,
        minutes=int(booking.length.total_seconds() // 60),
        timezone=booking.page.timezone,
    )


def _renewing(lease: Lease) -> Callable[[], None]:
    def renew() -> None:
        if not outbox.renew(lease, current_settings().lease):
            raise LeaseLost

    return renew
