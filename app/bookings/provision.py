"""What becomes of a booking's meeting: kept, noted, failed, tried again. Only these functions commit."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import contains_eager

from .. import outbox
from ..db import commit_and_keep, db
from ..events import Action, Actor, record
from ..outbox import Due, State, Task
from . import followups
from .meetings import Meeting, MeetingState
from .models import Booking


@dataclass(frozen=True)
class MadeMeeting:
    """A meeting at Zoom, as plain values; `host_id` is the Zoom user whose it is, or empty."""

    id: int
    join_url: str
    passcode: str | None
    host_id: str = ""


def attach_meeting(reference: str, made: MadeMeeting) -> bool:
    """Keep a new meeting on its booking and commit: the first to be kept is the only one.

    Waiting mails fall due. Who already has a confirmation without link gets an update with it.
    A booking cancelled meanwhile has the meeting deleted. False when another was kept before.

    `reference` is the booking's public id, which is never given twice. Raises NoResultFound when
    there is no such booking, or no longer, or it wants no meeting.
    """
    booking, meeting = _locked(Booking.public_id == reference)
    if meeting.state == MeetingState.READY:
        db.session.rollback()
        return meeting.external_id == made.id
    meeting.external_id = made.id
    meeting.zoom_host_id = made.host_id or None
    meeting.join_url = made.join_url
    meeting.passcode = made.passcode
    meeting.state = MeetingState.READY
    meeting.error = None
    brought_forward: list[Due] = []
    added: list[Task] = []
    if not booking.is_live:
        added = followups.delete_meeting(booking)
    else:
        brought_forward = outbox.bring_forward(followups.confirmations_of(booking.id))
        if len(brought_forward) < len(followups.PARTIES):
            added = followups.tell_link_late(booking)
    commit_and_keep()
    outbox.push([*brought_forward, *(Due(task.id, task.kind) for task in added)])
    return True


def note_meeting(reference: str, meeting_id: int, host_id: str) -> None:
    """Remember a meeting that was made while its link is still to be asked for, and commit: no
    second one is made then. Raises NoResultFound as `attach_meeting` does."""
    booking, meeting = _locked(Booking.public_id == reference)
    if meeting.state == MeetingState.READY:
        db.session.rollback()
        return
    meeting.external_id = meeting_id
    meeting.zoom_host_id = host_id or None
    added = [] if booking.is_live else followups.delete_meeting(booking)
    db.session.commit()
    outbox.enqueue(added)


def fail_meeting(booking_id: int, reason: str) -> None:
    """No meeting for now, and why; mails go out without a link. Commits."""
    _booking, meeting = _locked(Booking.id == booking_id)
    if meeting.state == MeetingState.READY:
        db.session.rollback()
        return
    meeting.state = MeetingState.FAILED
    meeting.error = reason
    brought_forward = outbox.bring_forward(followups.confirmations_of(booking_id))
    db.session.commit()
    outbox.push(brought_forward)


def retry(booking: Booking, task: Task, by: Actor) -> None:
    """Try a failed task of this booking once more for `by`, and commit. One that has not failed, or not
    yet, is left alone with its booking: nobody would ever take back that its meeting is wanted."""
    # What was read before may be old: Retry is pressed twice, and while a task is being given up.
    makes_meeting = task.kind == followups.CREATE_MEETING
    meeting = _locked(Booking.id == booking.id)[1] if makes_meeting else None
    state = db.session.scalar(select(Task.state).where(Task.id == task.id).with_for_update())
    if state != State.FAILED:
        db.session.rollback()
        return
    if meeting is not None and meeting.state == MeetingState.FAILED:
        meeting.state = MeetingState.WANTED  # its error stays until there is a meeting
    record(
        Action.BOOKING_RETRIED, by, host_id=booking.host_id, subject_id=booking.id, kind=task.kind
    )
    if outbox.retry(task):
        db.session.expire_all()
        outbox.enqueue([task])


def _locked(which: ColumnElement[bool]) -> tuple[Booking, Meeting]:
    """A booking and its meeting as they stand now, both held by one statement. Raises
    NoResultFound."""
    booking = db.session.execute(
        select(Booking)
        .join(Booking.meeting)
        .where(which)
        .options(contains_eager(Booking.meeting))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).scalar_one()
    assert booking.meeting is not None
    return booking, booking.meeting
