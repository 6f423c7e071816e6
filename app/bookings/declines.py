"""What a client's calendar answers to the invitation. It never cancels anything: whoever knows an
invitation can write such an answer, so all that comes of it is that the host is told. Only `hear` commits.
"""

from datetime import datetime

from sqlalchemy import func, select

from .. import outbox
from ..core.clock import utcnow
from ..db import db
from ..db.retry import retry_on_conflict
from ..events import Action, Actor, record
from ..ical.replies import Reply
from ..outbox import Task
from . import followups, resend
from .attendees import Attendee
from .models import Booking, Change
from .occasions import mail_kind

DECLINED = "declined"
NO = {"DECLINED"}
YES = {"ACCEPTED", "TENTATIVE"}
# A calendar that says no and yes by turns, or somebody who plays with an invitation, fills nobody's mailbox.
MOST_NOTICES = 5


@retry_on_conflict
def hear(reply: Reply, arrived_at: datetime) -> bool:
    """Keep what a client's calendar says, and tell the host of a decline, once; commit. Whether anything
    has changed.

    `arrived_at` (aware UTC) stands in where the reply has no stamp. Not heard are: who is not the
    booking's client, what was said before (or in another order than it came), answers to an earlier
    time of a booking that was moved, and all about one that is cancelled or over.
    """
    found = select(Booking.id).join(Booking.client).where(
        Booking.ical_uid == reply.uid, Attendee.email == reply.attendee
    )  # fmt: skip
    booking_id = db.session.scalar(found) if reply.partstat in NO | YES else None
    if booking_id is None:
        db.session.rollback()
        return False
    held = select(Booking).where(Booking.id == booking_id).with_for_update(key_share=True)
    booking = db.session.execute(held.execution_options(populate_existing=True)).scalar_one()
    db.session.expire(booking, ["client", "tasks"])
    # A clock that is ahead must not keep later answers from being heard.
    stamp = min(reply.stamped_at or arrived_at, utcnow())
    if not booking.is_live or booking.is_past or _is_old_news(booking, reply, stamp):
        db.session.rollback()
        return False
    said_no, says_no = booking.client.declined_at is not None, reply.partstat in NO
    added: list[Task] = []
    booking.client.reply_stamped_at = stamp
    if said_no != says_no:
        booking.client.declined_at = stamp if says_no else None
        action = Action.BOOKING_DECLINED if says_no else Action.BOOKING_DECLINE_WITHDRAWN
        record(action, Actor.CLIENT, host_id=booking.host_id, subject_id=booking.id)
        added = _notices(booking) if says_no else []
    booking.tasks.extend(added)
    db.session.commit()
    outbox.enqueue(added)
    return said_no != says_no


def forget(client: Attendee) -> None:
    """The booking has another time now, about which nothing was said yet; in the caller's transaction."""
    client.declined_at = None


def _is_old_news(booking: Booking, reply: Reply, stamp: datetime) -> bool:
    """A lower SEQUENCE than that of the last move is about the earlier time (RFC 5546, 2.1.5)."""
    last = booking.client.reply_stamped_at
    moves = select(func.max(Change.sequence)).where(
        Change.booking_id == booking.id, Change.old_starts_at.is_not(None)
    )
    moved_at = db.session.scalar(moves) or 0
    return (last is not None and stamp <= last) or reply.sequence < moved_at


def _notices(booking: Booking) -> list[Task]:
    """The mail to the host; each decline has one of its own, up to a number."""
    kind = mail_kind("host", DECLINED)
    earlier = sum(1 for task in booking.tasks if task.kind == kind)
    if earlier >= MOST_NOTICES:
        return []
    if not earlier:
        return [followups.task(booking, kind)]
    return [
        followups.mail_task(booking, kind, f"{booking.public_id}:{kind}:{resend.AGAIN}{earlier}")
    ]
