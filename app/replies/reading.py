"""One look into the mailbox: what is new, of that what may be a calendar's answer, and what it says.

Between two calls to the server nothing is held in the database. A mail that was heard and could not be
marked as read is heard again, which changes nothing (`bookings.declines`).
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..bookings import declines
from ..core.clock import utcnow
from ..core.config import current_settings
from ..core.errors import Unavailable
from ..core.logs import log
from ..ical.replies import replies_in
from . import mime, service
from .imap import Head, Mailbox, address_of, opened
from .service import Turn, TurnLost

# Of the lease, so that nobody else begins while this goes on.
OF_THE_LEASE = 0.5
# Of a mailbox that was never read, and of one whose numbers have changed, this much is looked at.
FIRST_LOOK = timedelta(days=7)
MOST_NUMBERS = 10_000  # UIDs asked about at a time: a mailbox may be full
MOST_MAILS = 100  # looked at in a round
KINDS = ("multipart/", *mime.CALENDARS)
NO_KINDS = ("multipart/report",)  # what bounced


@dataclass
class Round:
    """What came of a look: mails that were new, answers among them, and how many changed something."""

    mails: int = 0
    replies: int = 0
    heard: int = 0
    has_more: bool = False


def read_replies(
    is_stopped: Callable[[], bool] = lambda: False, *, even_early: bool = False
) -> Round | None:
    """Read what is new in the mailbox of IMAP_URL, if it is due; commits. None where it is not, where
    another process is at it, or there is none. Raises Unavailable, after it has been noted."""
    settings = current_settings()
    if not settings.imap_url:
        return None
    address = address_of(settings.imap_url)
    turn = service.take_turn(address, even_early=even_early)
    if turn is None:
        return None
    try:
        with opened(address, settings.lease.total_seconds() * OF_THE_LEASE) as mailbox:
            found = _read(mailbox, turn, is_stopped)
        service.end_turn(turn, has_more=found.has_more)
    except TurnLost:
        log.warning("replies: another process reads the mailbox")
        return None
    except Unavailable as error:
        log.error("replies cannot be read", reason=error.reason, failures=turn.failures + 1)
        with suppress(TurnLost):
            service.give_up_turn(turn, error.reason)
        raise
    if found.replies:
        log.info("replies read", mails=found.mails, replies=found.replies, heard=found.heard)
    return found


def _read(mailbox: Mailbox, turn: Turn, is_stopped: Callable[[], bool]) -> Round:
    found = Round()
    last = _read_up_to(mailbox, turn)
    until = min(last + MOST_NUMBERS, mailbox.next_uid - 1)
    new = mailbox.between(last + 1, until) if until > last else []
    now, later = new[:MOST_MAILS], new[MOST_MAILS:]
    found.mails = len(now)
    for head in mailbox.heads(now) if now else ():
        if _may_be_a_reply(head):
            _hear(mailbox.content(head.uid, mime.LARGEST), head.arrived_at, found)
            service.remember(turn, mailbox.uid_validity, head.uid)
            if is_stopped() or mailbox.is_late:
                found.has_more = True
                return found
    done = now[-1] if later else max(until, last)
    service.remember(turn, mailbox.uid_validity, done)
    found.has_more = done < mailbox.next_uid - 1
    return found


def _read_up_to(mailbox: Mailbox, turn: Turn) -> int:
    """The last UID that has been looked at, or is too old to be."""
    if turn.uid_validity == mailbox.uid_validity and turn.last_uid is not None:
        return turn.last_uid
    recent: Sequence[int] = mailbox.since((utcnow() - FIRST_LOOK).date())
    return recent[0] - 1 if recent else mailbox.next_uid - 1


def _may_be_a_reply(head: Head) -> bool:
    kind = head.content_type.lower()
    return head.size <= mime.LARGEST and kind.startswith(KINDS) and not kind.startswith(NO_KINDS)


def _hear(mail: bytes, arrived_at: datetime, found: Round) -> None:
    try:
        said = [replies_in(text, method) for text, method in mime.calendars_in(mail)]
    except Exception as error:  # noqa: BLE001  (a stranger's text must keep no other mail waiting)
        log.warning("a mail could not be read", error=type(error).__name__)
        return
    replies = dict.fromkeys(reply for one in said for reply in one)
    found.replies += len(replies)
    found.heard += sum(declines.hear(reply, arrived_at) for reply in replies)
