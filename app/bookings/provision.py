"""What becomes of a booking's meeting: kept, noted, failed, tried again. Only these functions commit."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, select
from sqlalchemy.orm import contains_eager

from .. import outbox
from ..core.clock import utcnow
from ..db import commit_and_keep, db
from ..events import Action, Actor, record
from ..outbox import OPEN_STATES, Due, State, Task
from ..zoom.meetings import may_create
from . import followups
from .meetings import Meeting, MeetingState
from .models import Booking
from .remains import AfterMove, link_after_move

# Zoom says a time in whole seconds at the most.
SAME_TIME = timedelta(minutes=1)


@dataclass(frozen=True)
class MadeMeeting:
    """A meeting at Zoom, as plain values; `host_id` is the Zoom user whose it is, or empty, `starts_at`
    (aware UTC) when it is, or None where that is not known."""

    id: int
    join_url: str
    passcode: str | None
    host_id: str = ""
    starts_at: datetime | None = None


def attach_meeting(reference: str, made: MadeMeeting) -> bool:
    """Keep a new meeting on its booking and commit: the first to be kept is the only one.

    Waiting mails fall due. Who already has a mail without the link gets an update with it. A
    booking that was moved meanwhile has the meeting moved, or another made; one that was cancelled
    has it deleted. False when another was kept before: this one is left behind.

    `reference` is the booking's public id, which is never given twice. Raises NoResultFound when
    there is no such booking, or no longer, or it wants no meeting.
    """
    booking, meeting = _locked(Booking.public_id == reference)
    if meeting.state == MeetingState.READY:
        is_this = meeting.external_id == made.id
        _leave_behind(booking, made)
        return is_this
    meeting.external_id = made.id
    meeting.zoom_host_id = made.host_id or None
    meeting.join_url = made.join_url
    meeting.passcode = made.passcode
    meeting.state = MeetingState.READY
    meeting.error = None
    meeting.checked_at = utcnow()
    brought_forward: list[Due] = []
    added: list[Task] = []
    if booking.is_live and not _is_at(made.starts_at, booking):
        db.session.flush()
        added = followups.bring_meeting_along(booking)
        db.session.add_all(added)
    if booking.is_live and booking.meeting_state is MeetingState.READY:
        brought_forward = outbox.bring_forward(followups.tellings_of(booking.id))
        if len(brought_forward) < len(followups.PARTIES):
            added += followups.tell_link_late(booking)
        db.session.add_all(followups.checks(booking))
    if booking.ical_sequence:  # one that never changed has left nothing behind
        added += followups.delete_meetings(booking)
    commit_and_keep()
    outbox.push([*brought_forward, *(Due(task.id, task.kind) for task in added)])
    return True


def _leave_behind(booking: Booking, made: MadeMeeting) -> None:
    """Let a meeting that nobody will come to be deleted at Zoom, or told to the host, unless it is one of
    the booking's; commits."""
    known = db.session.scalars(select(Meeting.external_id).where(Meeting.booking_id == booking.id))
    if made.id in known.all():
        db.session.rollback()
        return
    db.session.add(
        Meeting(
            booking_id=booking.id,
            provider="zoom",
            external_id=made.id,
            zoom_host_id=made.host_id or None,
            state=MeetingState.LEFT_BEHIND,
        )
    )
    db.session.flush()
    added = followups.delete_meetings(booking)
    db.session.commit()
    outbox.enqueue(added)


def _is_at(starts_at: datetime | None, booking: Booking) -> bool:
    return starts_at is None or abs(starts_at - booking.starts_at) < SAME_TIME


def note_meeting(reference: str, meeting_id: int, host_id: str) -> None:
    """Remember a meeting that was made while its link is still to be asked for, and commit: no
    second one is made then. Raises NoResultFound as `attach_meeting` does."""
    booking, meeting = _locked(Booking.public_id == reference)
    if meeting.state == MeetingState.READY:
        db.session.rollback()
        return
    meeting.external_id = meeting_id
    meeting.zoom_host_id = host_id or None
    added = [] if booking.is_live else followups.delete_meetings(booking)
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
    brought_forward = outbox.bring_forward(followups.tellings_of(booking_id))
    db.session.commit()
    outbox.push(brought_forward)


def confirm_meeting(booking_id: int, starts_at: datetime) -> bool:
    """Note that the booking's meeting is at Zoom at `starts_at` (aware UTC) and commit; mails that were to
    say so fall due. False: that is not the booking's time any more. Raises NoResultFound."""
    booking, meeting = _locked(Booking.id == booking_id)
    is_there = _is_at(starts_at, booking)
    repaired: list[Due] = []
    if is_there:
        meeting.checked_at = utcnow()
        kinds = followups.mail_kinds(followups.REPAIRED)
        repaired = outbox.bring_forward(and_(Task.booking_id == booking_id, Task.kind.in_(kinds)))
    db.session.commit()
    outbox.push(repaired)
    return is_there or not booking.is_live


def realign_meeting(booking_id: int, agreed: datetime) -> None:
    """Have the booking's meeting brought to the booking's time, as after a move, and commit: it was moved
    at Zoom. Not where the booking was moved since it had the time `agreed` (aware UTC), or a move
    of the meeting is still on its way. Raises NoResultFound."""
    booking, _meeting = _locked(Booking.id == booking_id)
    moves = select(Task.id).where(
        Task.booking_id == booking_id,
        Task.kind == followups.MOVE_MEETING,
        Task.state.in_(OPEN_STATES),
    )
    is_moved = booking.starts_at != agreed or db.session.scalar(moves.limit(1)) is not None
    if not booking.is_live or is_moved:
        db.session.rollback()
        return
    move = followups.latest_move(booking)
    # A move may have left it where it was: that is told already, and its link stays.
    was_left = move is not None and link_after_move(booking, move) is AfterMove.AT_FORMER_TIME
    booking.ical_sequence += 1
    added = followups.after_repair(booking, was_changed=not was_left)
    db.session.add_all(added)
    db.session.commit()
    outbox.enqueue(added)


def replace_meeting(booking_id: int, meeting_id: int, *, is_gone: bool) -> bool:
    """Have another meeting made in place of the one numbered `meeting_id`, which is gone from Zoom or
    cannot be moved there, and commit. Both parties get a mail with the new link once it is there. False
    where no meeting can be made, or another has taken its place already. Raises NoResultFound."""
    booking, meeting = _locked(Booking.id == booking_id)
    is_current = meeting.state == MeetingState.READY and meeting.external_id == meeting_id
    if not (is_current and booking.is_live and may_create(booking.host_id)):
        db.session.rollback()
        return False
    # The mail about it is one of a change, and so is the task that makes it.
    booking.ical_sequence += 1
    added = followups.make_anew(booking, is_gone=is_gone)
    db.session.add_all(added)
    db.session.commit()
    outbox.enqueue(added)
    return True


def forget_meetings(booking_id: int, meeting_ids: Collection[int]) -> None:
    """Forget meetings that were left behind, and are deleted at Zoom by now; commits."""
    db.session.execute(
        delete(Meeting).where(
            Meeting.booking_id == booking_id,
            Meeting.state == MeetingState.LEFT_BEHIND,
            Meeting.external_id.in_(meeting_ids),
        )
    )
    db.session.commit()


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
