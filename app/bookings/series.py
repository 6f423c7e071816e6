"""Several sessions for one client, booked by the host at once: when they are, what stands in the way
of each, and cancelling those that remain. Only `cancel_remaining` commits, each by itself."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from ..availability import Rules, Span, open_slots
from ..booking_pages.offerings import Offering
from ..core.clock import utcnow
from ..db import db
from . import service
from .models import Booking
from .openings import absences, booked_spans, for_host, reach_of

FEWEST, MOST = 2, 26
Wall = tuple[date, int]  # a day, and minutes after its local midnight


class Obstacle(StrEnum):
    """Why a session cannot be had; OUTSIDE_HOURS alone can be lifted by its host."""

    PAST = "past"
    NO_SUCH_TIME = "no_such_time"
    BOOKED = "booked"
    TIME_OFF = "time_off"
    AMONG_THEMSELVES = "among_themselves"
    OUTSIDE_HOURS = "outside_hours"


@dataclass(frozen=True)
class Session:
    """One of them, by its start (aware UTC), and the first thing in its way."""

    start: datetime
    obstacle: Obstacle | None

    def can_be_had(self, *, outside_hours: bool) -> bool:
        """Whether it can be booked; `outside_hours`: the host wants it also outside the hours."""
        lifted = {None, Obstacle.OUTSIDE_HOURS} if outside_hours else {None}
        return self.obstacle in lifted


def repeated(first: datetime, zone: ZoneInfo, step: timedelta, count: int) -> list[Wall]:
    """`count` times from `first` (aware) on, `step` (whole days) apart, at one time of the clocks of
    `zone`, whatever these clocks do meanwhile."""
    local = first.astimezone(zone)
    minute = local.hour * 60 + local.minute
    return [(local.date() + number * step, minute) for number in range(count)]


def instant_of(wall: Wall, zone: ZoneInfo) -> tuple[datetime, bool]:
    """The instant of a wall-clock time, the first where it comes twice, and whether that clock shows
    this time on that day at all."""
    day, minute = wall
    local = datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=zone)
    at = local.astimezone(ZoneInfo("UTC"))
    return at, at.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None)


def look_at(offering: Offering, walls: Iterable[Wall], zone: ZoneInfo) -> list[Session]:
    """The sessions at these times of `zone`, ascending, each with what stands in its way right now:
    the host's bookings and time off with the page's buffers, an earlier one of these, the hours."""
    instants = dict(instant_of(wall, zone) for wall in walls)
    starts = sorted(instants)
    if not starts:
        return []
    lifted = for_host(offering)
    rules = lifted.rules_between(starts[0], starts[-1])
    reach = reach_of(rules, starts[0], starts[-1])
    host_id = offering.page.user_id
    booked, away = booked_spans(host_id, *reach), absences(host_id, *reach)
    sessions: list[Session] = []
    own: list[Span] = []
    for start in starts:
        block = Span(*reach_of(rules, start, start))
        if start < utcnow():
            obstacle: Obstacle | None = Obstacle.PAST
        elif not instants[start]:
            obstacle = Obstacle.NO_SUCH_TIME
        elif _meets(block, booked):
            obstacle = Obstacle.BOOKED
        elif _meets(block, away):
            obstacle = Obstacle.TIME_OFF
        elif _meets(block, own):
            obstacle = Obstacle.AMONG_THEMSELVES
        else:
            own.append(block)
            obstacle = None if _is_within_hours(rules, start) else Obstacle.OUTSIDE_HOURS
        sessions.append(Session(start, obstacle))
    return sessions


def _meets(block: Span, others: Sequence[Span]) -> bool:
    return any(block.start < other.end and other.start < block.end for other in others)


def _is_within_hours(rules: Rules, start: datetime) -> bool:
    """Whether the whole session lies in the page's hours, on their grid or not: a host says when."""
    by_the_minute = replace(rules, increment=timedelta(minutes=1))
    end = start + timedelta(microseconds=1)
    return bool(open_slots(by_the_minute, (), now=start, start=start, end=end))


def siblings_of(booking: Booking) -> Sequence[Booking]:
    """All bookings of its series, this one too, in the order of time; none where it has no series."""
    if booking.series_id is None:
        return []
    return db.session.scalars(
        select(Booking)
        .where(Booking.series_id == booking.series_id, Booking.host_id == booking.host_id)
        .options(joinedload(Booking.client, innerjoin=True))
        .order_by(Booking.starts_at, Booking.id)
    ).all()


def others_of_client(booking: Booking) -> list[Booking]:
    """The other bookings of its series that are the same client's, by address."""
    email = booking.client.email
    return [
        one for one in siblings_of(booking) if one.id != booking.id and one.client.email == email
    ]


def remaining(siblings: Sequence[Booking]) -> list[Booking]:
    """Those that are to come."""
    now = utcnow()
    return [one for one in siblings if one.is_live and one.starts_at > now]


def cancel_remaining(booking: Booking, words: str | None) -> int:
    """Cancel those as their host, each with its mails and these words, and commit each by itself.
    Returns how many there were."""
    to_come = remaining(siblings_of(booking))
    for one in to_come:
        service.cancel(one, by="host", words=words)
    return len(to_come)


def booked_by(page_id: int, once: str) -> dict[str, Booking]:
    """What the form with this key has booked, by the key of each."""
    found = db.session.scalars(
        select(Booking).where(Booking.page_id == page_id, Booking.series_id == once)
    )
    return {booking.idempotency_key: booking for booking in found}


def key_of(once: str, start: datetime) -> str:
    """The idempotency key of one session of a form."""
    return f"{once}.{start:%Y%m%dT%H%M}"
