"""Whose turn it is to read the mailbox, and how far it has been read. Only these functions commit."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import literal, null, or_, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.exc import IntegrityError

from ..core.clock import utcnow
from ..core.config import current_settings
from ..core.crypto import keyed_hash, new_token
from ..db import db
from ..db.types import database_clock
from .imap import Address, address_of
from .models import ReplyMailbox

# A wrong password that is tried every minute may get the account locked.
LONGEST_PAUSE = timedelta(minutes=30)
# An operator is told of what lasts: mail servers are restarted.
LONG = timedelta(minutes=30)


@dataclass(frozen=True)
class Turn:
    """The right to read the mailbox until its lease runs out, and how far it was read before."""

    row_id: int
    token: str
    uid_validity: int | None
    last_uid: int | None
    failures: int


class TurnLost(Exception):
    """The lease ran out, and another process has the mailbox: stop without a trace."""


def take_turn(address: Address, *, even_early: bool = False) -> Turn | None:
    """The mailbox, if it is due and nobody else reads it; commits. `even_early`: also before it is due."""
    _ensure_row(address)
    now = database_clock(literal(0.0))
    token = new_token()
    mine = update(ReplyMailbox).where(
        ReplyMailbox.address_hash == _hash(address),
        or_(ReplyMailbox.lease_until.is_(None), ReplyMailbox.lease_until < now),
    )
    if not even_early:
        mine = mine.where(ReplyMailbox.due_at <= now)
    taken = db.session.execute(
        mine.values(lease_until=_in(current_settings().lease), lease_token=token)
        .returning(
            ReplyMailbox.id,
            ReplyMailbox.uid_validity,
            ReplyMailbox.last_uid,
            ReplyMailbox.failures,
        )
        .execution_options(synchronize_session=False)
    ).one_or_none()
    db.session.commit()
    if taken is None:
        return None
    return Turn(taken.id, token, taken.uid_validity, taken.last_uid, taken.failures)


def remember(turn: Turn, uid_validity: int, last_uid: int) -> None:
    """All up to this mail has been looked at. Commits. Raises TurnLost."""
    _update(turn, uid_validity=uid_validity, last_uid=last_uid)


def end_turn(turn: Turn, *, has_more: bool) -> None:
    """It has been read; the next is due after the usual pause, or at once. Commits. Raises TurnLost."""
    pause = timedelta(0) if has_more else current_settings().replies_every
    _update(
        turn, due_at=_in(pause), failures=0, failing_since=None, trouble=None,
        lease_until=None, lease_token=None,
    )  # fmt: skip


def give_up_turn(turn: Turn, reason: str) -> None:
    """It cannot be read for `reason` (a code); the pauses grow. Commits. Raises TurnLost."""
    pause = min(current_settings().replies_every * 2 ** min(turn.failures, 10), LONGEST_PAUSE)
    more: dict[str, object] = {} if turn.failures else {"failing_since": utcnow()}
    _update(
        turn, due_at=_in(pause), failures=turn.failures + 1, trouble=reason,
        lease_until=None, lease_token=None, **more,
    )  # fmt: skip


def long_trouble() -> tuple[str, datetime] | None:
    """Why the mailbox of IMAP_URL has not been readable for long, a code, and since when; None while it
    is, or where there is none."""
    url = current_settings().imap_url
    if not url:
        return None
    row = db.session.execute(
        select(ReplyMailbox.trouble, ReplyMailbox.failing_since).where(
            ReplyMailbox.address_hash == _hash(address_of(url)),
            ReplyMailbox.failing_since < utcnow() - LONG,
        )
    ).one_or_none()
    return (row.trouble or "", row.failing_since) if row else None


def _ensure_row(address: Address) -> None:
    if db.session.scalar(select(ReplyMailbox.id).filter_by(address_hash=_hash(address))):
        return
    db.session.add(ReplyMailbox(address_hash=_hash(address), due_at=utcnow()))
    try:
        db.session.commit()
    except IntegrityError:
        db.session.rollback()  # another scheduler was faster


def _hash(address: Address) -> str:
    return keyed_hash("reply mailbox", address.name)


def _in(length: timedelta) -> Any:
    return database_clock(literal(length.total_seconds()))


def _update(turn: Turn, **values: object) -> None:
    changed = db.session.execute(
        update(ReplyMailbox)
        .where(ReplyMailbox.id == turn.row_id, ReplyMailbox.lease_token == turn.token)
        .values(**{name: null() if value is None else value for name, value in values.items()})
        .execution_options(synchronize_session=False)
    )
    db.session.commit()
    if not cast(CursorResult[Any], changed).rowcount:
        raise TurnLost
