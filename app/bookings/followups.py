"""The tasks that follow from a booking: its meeting, and the mails to both parties."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, select

from .. import outbox
from ..booking_pages.models import PageReminder, Party
from ..core.clock import utcnow
from ..db import db
from ..outbox import State, Task, new_task
from ..zoom.meetings import may_create, may_delete, may_move
from .meetings import Meeting, MeetingState
from .models import Booking, Change
from .occasions import Deed, mail_kind, planned
from .reminders import REMINDER, Reminder

CREATE_MEETING = "meeting.create"
MOVE_MEETING = "meeting.move"
DELETE_MEETING = "meeting.delete"
CHECK_MEETING = "meeting.check"
AT_ZOOM = {CREATE_MEETING, MOVE_MEETING, DELETE_MEETING, CHECK_MEETING}
PARTIES = ("attendee", "host")
TO_ATTENDEE = "mail.attendee."
CONFIRMED = "confirmed"
MOVED = "moved"
LINK = "link"
REPAIRED = "repaired"
CANCELLED = "cancelled"
# A meeting is looked at twice before it begins: while there is time to tell everybody by mail, and
# once more when they are about to come.
CHECKED_BEFORE = (timedelta(hours=24), timedelta(hours=1))
CLIENTS_REMINDER = mail_kind("attendee", REMINDER)
REMINDER_KINDS = {Party.CLIENT: CLIENTS_REMINDER, Party.HOST: mail_kind("host", REMINDER)}


def mail_kinds(*occasions: str) -> tuple[str, ...]:
    """The same mails to both parties."""
    return tuple(mail_kind(party, occasion) for occasion in occasions for party in PARTIES)


def after_booking(
    booking: Booking, *, wants_meeting: bool, leads: Iterable[tuple[str, int]] = ()
) -> list[Task]:
    """Meeting, mails and reminders (`leads`, see there) of a new booking that has its number."""
    meeting = [task(booking, CREATE_MEETING)] if wants_meeting else []
    told = mails(Deed.BOOKED, booking, waits_for_link=wants_meeting)
    return [*meeting, *told, *reminders(booking, leads)]


def reminders(booking: Booking, leads: Iterable[tuple[str, int]] | None = None) -> list[Task]:
    """A waiting task for each reminder of the booking's present start whose moment is still to come,
    to be added in the caller's transaction. None for a cancelled booking, nor for a client who has
    turned reminders off.

    `leads` are pairs of a party (`client`, `host`) and minutes before the start, as an Offering
    carries them; None asks for those of the booking's page. Who moves a booking raises its
    sequence first, and calls off what waits: `call_off_waiting(reminders_of(booking.id))`.
    """
    if not booking.is_live:
        return []
    now, added = utcnow(), []
    for party, minutes in _leads_of(booking.page_id) if leads is None else leads:
        if party == Party.CLIENT and booking.client.reminders_off_at:
            continue
        kind = REMINDER_KINDS[Party(party)]
        reminder = Reminder(booking.starts_at, minutes, booking.ical_sequence)
        if reminder.due_at > now:
            added.append(
                mail_task(booking, kind, reminder.key(booking, kind), due_at=reminder.due_at)
            )
    return added


def reminders_of(booking_id: int) -> ColumnElement[bool]:
    """The reminders of a booking, to both parties."""
    return and_(Task.booking_id == booking_id, Task.kind.in_(REMINDER_KINDS.values()))


def _leads_of(page_id: int) -> list[tuple[str, int]]:
    asked = select(PageReminder.party, PageReminder.minutes).where(PageReminder.page_id == page_id)
    return [(party, minutes) for party, minutes in db.session.execute(asked)]


def after_move(booking: Booking, leads: Iterable[tuple[str, int]]) -> list[Task]:
    """Meeting, mails and reminders (`leads`, see there) of a booking that has just got another time, added
    to it. What waited for the former time, or failed, is called off. The caller holds the booking's
    lock."""
    at_zoom = (CREATE_MEETING, DELETE_MEETING)  # these go by what the booking says when they run
    outbox.call_off_overtaken(and_(Task.booking_id == booking.id, Task.kind.not_in(at_zoom)))
    added = bring_meeting_along(booking)
    added += checks(booking)
    waits = booking.meeting_state is MeetingState.WANTED
    added += [*mails(Deed.MOVED, booking, waits_for_link=waits), *reminders(booking, leads)]
    db.session.add_all(added)
    return added


def bring_meeting_along(booking: Booking) -> list[Task]:
    """What lets the booking's meeting be at the booking's time: it is moved where the host granted that,
    else another is made and this one is left behind, where one can be made. Otherwise it stays as it
    is, since its link leads there at any time. One that is still to be made needs nothing.

    The caller holds the booking's lock, and adds the tasks to it.
    """
    meeting = booking.meeting
    if meeting is None or meeting.state != MeetingState.READY:
        return []
    is_known = meeting.external_id is not None
    if is_known and may_move(booking.host_id, of=meeting.zoom_host_id):
        return _once(booking, MOVE_MEETING)
    return make_anew(booking) if may_create(booking.host_id) else []


def after_repair(booking: Booking, *, was_changed: bool) -> list[Task]:
    """Of a meeting that is at another time at Zoom: what brings it back, and where it `was_changed` there,
    the mails that say so: they wait until it is back, and for no longer than somebody could come. The
    caller holds the booking's lock, has raised its SEQUENCE, and adds the tasks to it."""
    added = bring_meeting_along(booking)
    if was_changed and booking.meeting_state is MeetingState.READY and added:
        added += [task(booking, kind, booking.ends_at) for kind in mail_kinds(REPAIRED)]
    return added


def make_anew(booking: Booking, *, is_gone: bool = False) -> list[Task]:
    """Another meeting in place of the present one, which is left behind at Zoom unless it `is_gone`
    there; once for each SEQUENCE. The caller holds the booking's lock, and adds the tasks to it."""
    added = _once(booking, CREATE_MEETING)
    former = booking.meeting
    if added and former is not None:
        if is_gone:
            db.session.delete(former)
        else:
            former.state = MeetingState.LEFT_BEHIND
        db.session.flush()
        db.session.add(Meeting(booking_id=booking.id, provider="zoom", state=MeetingState.WANTED))
        db.session.flush()
        db.session.expire(booking, ["meeting"])
    return added


def checks(booking: Booking) -> list[Task]:
    """Looks at a meeting that is there before it begins, those whose moment is still to come; none where
    they are planned already."""
    planned_already = select(Task.id).where(
        Task.booking_id == booking.id, Task.kind == CHECK_MEETING, Task.state == State.WAITING
    )
    if booking.meeting_state is not MeetingState.READY:
        return []
    # Of a booking that never changed nothing was planned before its first meeting.
    if booking.ical_sequence and db.session.scalar(planned_already.limit(1)) is not None:
        return []
    now = utcnow()
    return [
        mail_task(booking, CHECK_MEETING, f"{_key(booking, CHECK_MEETING)}:{ahead}", due_at)
        for before in CHECKED_BEFORE
        for ahead, due_at in [(int(before.total_seconds()) // 60, booking.starts_at - before)]
        if due_at > now
    ]


def mails(deed: Deed, booking: Booking, *, waits_for_link: bool = False) -> list[Task]:
    """The mails that follow from what has just happened to the booking."""
    plans = planned(deed, booking, waits_for_link=waits_for_link)
    return [task(booking, kind, due_at) for kind, due_at in plans]


def task(booking: Booking, kind: str, due_at: datetime | None = None) -> Task:
    """A task of this booking at its present sequence."""
    return mail_task(booking, kind, _key(booking, kind), due_at)


def mail_task(booking: Booking, kind: str, key: str, due_at: datetime | None = None) -> Task:
    """The same under a key of its own; a mail to an attendee knows whom it is for."""
    added = new_task(kind, key, due_at=due_at)
    added.booking_id = booking.id
    if kind.startswith(TO_ATTENDEE):
        added.attendee_id = booking.client.id
    return added


def delete_meetings(booking: Booking) -> list[Task]:
    """The deletion at Zoom of what the booking needs no more: meetings that were left behind, and, once
    it is cancelled, its own. Added to it, where the host granted that."""
    ours = [one for one in unneeded(booking) if may_delete(booking.host_id, of=one.zoom_host_id)]
    if not ours:
        return []
    # A meeting that was being made may come to it later, at the same SEQUENCE.
    key = f"{_key(booking, DELETE_MEETING)}:{ours[-1].external_id}"
    if db.session.scalar(select(Task.id).where(Task.dedupe_key == key)):
        return []
    added = mail_task(booking, DELETE_MEETING, key)
    booking.tasks.append(added)
    return [added]


def unneeded(booking: Booking) -> list[Meeting]:
    """Meetings at Zoom, as far as CalSync knows their numbers, that nobody will come to."""
    is_left = Meeting.state == MeetingState.LEFT_BEHIND
    which = is_left if booking.is_live else Meeting.id.is_not(None)
    return list(
        db.session.scalars(
            select(Meeting)
            .where(Meeting.booking_id == booking.id, Meeting.external_id.is_not(None), which)
            .order_by(Meeting.id)
        )
    )


def add_once(booking: Booking, kind: str) -> list[Task]:
    """The task, added to the booking, unless it has one of this kind and sequence.

    The caller holds the booking's lock, so nobody adds the same meanwhile.
    """
    added = _once(booking, kind)
    booking.tasks.extend(added)
    return added


def _once(booking: Booking, kind: str) -> list[Task]:
    if was_planned(booking, kind, booking.ical_sequence):
        return []
    return [task(booking, kind)]


def was_planned(booking: Booking, kind: str, sequence: int) -> bool:
    """Whether the booking got a task of this kind at that SEQUENCE, whatever became of it."""
    key = f"{booking.public_id}:{kind}:{sequence}"
    return db.session.scalar(select(Task.id).where(Task.dedupe_key == key)) is not None


def _key(booking: Booking, kind: str) -> str:
    return f"{booking.public_id}:{kind}:{booking.ical_sequence}"


def sequence_of(key: str) -> int:
    """The sequence at which a task of such a key was planned."""
    return int(key.rpartition(":")[2])


def latest_move(booking: Booking) -> Change | None:
    """The change by which the booking got the time that it has; None where it was never moved."""
    moves = [change for change in booking.changes if change.old_starts_at is not None]
    return max(moves, key=lambda change: change.sequence, default=None)


def untold(booking: Booking, party: str) -> list[Change]:
    """What has happened to the booking since the last mail of its time that `client` or `host` got, the
    oldest first: a mail that waited for the link or the mail server is called off by the next move."""
    recipient = "attendee" if party == "client" else party
    kinds = {mail_kind(recipient, occasion) for occasion in (CONFIRMED, MOVED)}
    told = [task for task in booking.tasks if task.kind in kinds and task.state == State.DONE]
    ends = [task.dedupe_key.rpartition(":")[2] for task in told]
    numbers = [int(end) for end in ends if end.isdecimal()]  # none of what was sent again
    latest = max(numbers, default=-1)
    changes = sorted(booking.changes, key=lambda change: change.sequence)
    return [change for change in changes if change.sequence > latest]


def tell_link_late(booking: Booking) -> list[Task]:
    """An update to those whose latest mail of the time has left, or is leaving, without the link.

    One that is due and waits is locked: whoever takes it afterwards sees the link.
    """
    mails = db.session.execute(
        select(Task.kind, Task.state)
        .where(tellings_of(booking.id), Task.state != State.CANCELLED)
        .order_by(Task.id)
        .with_for_update(key_share=True)
    )
    latest = {kind.split(".")[1]: state for kind, state in mails}
    late = [party for party in PARTIES if latest.get(party) in {State.DONE, State.RUNNING}]
    if late:
        booking.ical_sequence += 1
    return [task for party in late for task in add_once(booking, mail_kind(party, LINK))]


def tellings_of(booking_id: int) -> ColumnElement[bool]:
    """The mails that tell both parties a booking's time, and its link if there is one by then."""
    return and_(
        Task.booking_id == booking_id,
        Task.kind.in_(mail_kinds(CONFIRMED, MOVED)),
    )
