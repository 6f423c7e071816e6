"""The host's own absences: busy on every page of theirs. Only these functions commit."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select

from ..accounts.models import User
from ..accounts.service import lock
from ..core.clock import utcnow
from ..db import db
from ..events import Action, Actor, record
from .models import MINUTES_A_DAY, TimeOff

MOST_AHEAD = 100  # of one host: each visitor's page reads them all


class TooMany(Exception):
    """The host has as much time off ahead as is kept."""


def span_of(
    zone: ZoneInfo, first_day: date, last_day: date, opens: int | None, closes: int | None
) -> tuple[datetime, datetime]:
    """From `opens` on the first day to `closes` on the last (minutes after local midnight in
    `zone`; None: from the day's start, to its end) as aware UTC instants, half-open."""
    begins, _latest = _readings(zone, first_day, opens or 0)
    _earliest, ends = _readings(zone, last_day, MINUTES_A_DAY if closes is None else closes)
    return begins, ends


def whole_days_of(zone: ZoneInfo, time_off: TimeOff) -> tuple[date, date] | None:
    """The first and the last day in `zone` where it begins and ends with a local day."""
    first_day = time_off.starts_at.astimezone(zone).date()
    last_day = time_off.ends_at.astimezone(zone).date() - timedelta(days=1)
    is_whole = span_of(zone, first_day, last_day, None, None) == (
        time_off.starts_at,
        time_off.ends_at,
    )
    return (first_day, last_day) if is_whole else None


def upcoming_of(host: User) -> Sequence[TimeOff]:
    """The host's absences that are not over, the soonest first."""
    return db.session.scalars(
        select(TimeOff)
        .where(TimeOff.host_id == host.id, TimeOff.ends_at > utcnow())
        .order_by(TimeOff.starts_at, TimeOff.id)
    ).all()


def time_off_of(host: User, time_off_id: int) -> TimeOff | None:
    """The host's own; None for another's."""
    return db.session.scalar(
        select(TimeOff).where(TimeOff.id == time_off_id, TimeOff.host_id == host.id)
    )


def add(host: User, starts_at: datetime, ends_at: datetime, label: str = "") -> TimeOff:
    """Close all pages of the host for [starts_at, ends_at) and commit. Bookings inside stay.

    The same span sent twice is kept once, by the host's lock and the table's unique index:
    deleting it has to open the pages again. Raises TooMany beyond MOST_AHEAD.
    """
    lock(host.id)
    time_off = db.session.scalar(
        select(TimeOff).where(
            TimeOff.host_id == host.id,
            TimeOff.starts_at == starts_at,
            TimeOff.ends_at == ends_at,
        )
    )
    if time_off is None:
        if len(upcoming_of(host)) >= MOST_AHEAD:
            db.session.rollback()
            raise TooMany
        time_off = TimeOff(host_id=host.id, starts_at=starts_at, ends_at=ends_at)
        db.session.add(time_off)
        db.session.flush()
        record(Action.TIME_OFF_ADDED, Actor.HOST, host_id=host.id, subject_id=time_off.id)
    time_off.label = label or time_off.label or ""
    db.session.commit()
    return time_off


def delete(time_off: TimeOff) -> None:
    """Open the pages again and commit."""
    record(Action.TIME_OFF_REMOVED, Actor.HOST, host_id=time_off.host_id, subject_id=time_off.id)
    db.session.delete(time_off)
    db.session.commit()


def _readings(zone: ZoneInfo, day: date, minute: int) -> tuple[datetime, datetime]:
    """The earliest and the latest instant that a wall-clock time of `zone` can mean.

    Where clocks go back a time comes twice; one that they skip is read by the offset before
    and by the one after (PEP 495). An absence takes what makes it longer. A midnight is where
    a day begins, its first instant, and so means that one only.
    """
    local = datetime.combine(day, time.min) + timedelta(minutes=minute)
    folds = (0,) if minute % MINUTES_A_DAY == 0 else (0, 1)
    read = [local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in folds]
    return min(read), max(read)
