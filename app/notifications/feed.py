"""A host's private calendar feed: the confirmed bookings of the last 90 days and all that are ahead.

Whether anything has changed is told by one statement, which names each booking with what changes whenever
its event does: its version and SEQUENCE, and which meeting it has, whose link stays as it is once it is
ready. Two indexes alone answer it. Events that were drawn are kept by that name in the process, so that one new booking costs
one event: drawing means opening the sealed link and passcode of each.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from itertools import islice
from threading import Lock

from sqlalchemy import String, cast, func, select
from sqlalchemy.orm import joinedload
from sqlalchemy.orm.attributes import set_committed_value

from ..accounts.models import User
from ..bookings.attendees import Attendee
from ..bookings.meetings import Meeting, MeetingState
from ..bookings.models import Booking, Change, Status
from ..core.clock import utcnow
from ..core.config import current_settings
from ..core.crypto import fingerprint
from ..db import db
from ..i18n import gettext as _
from ..i18n import use_language
from ..ical import event, feed
from .invitations import entry_of

BACK = timedelta(days=90)
LOOK_AGAIN = 1  # hours
FORM = "1"  # raised with whatever changes in the events of bookings that do not
AT_ONCE = 500  # bookings
MOST_KEPT = 24_000_000  # octets of events, in each process
BOOKINGS, MEETINGS, CHANGES = Booking.__table__.c, Meeting.__table__.c, Change.__table__.c
READ = (
    joinedload(Booking.client, innerjoin=True).defer(Attendee.token),
    joinedload(Booking.meeting),
)


@dataclass(frozen=True)
class Subscription:
    """A host's feed as it stands: its validator, and the names of its events. `about` stands for all
    that they share: the host's name, address and language, and where CalSync is."""

    host_id: int
    locale: str
    calendar_name: str
    etag: str
    about: str
    names: Sequence[str]


def find_feed(token: str) -> Subscription | None:
    """The feed that `token` opens, by one statement; None where it opens none, or no longer."""
    meeting = (
        select(cast(MEETINGS.id, String) + MEETINGS.state)
        .where(MEETINGS.booking_id == BOOKINGS.id, MEETINGS.state != MeetingState.LEFT_BEHIND)
        .correlate(Booking.__table__)
        .scalar_subquery()
    )
    parts = (cast(BOOKINGS.id, String), cast(BOOKINGS.version, String),
             cast(BOOKINGS.ical_sequence, String), func.coalesce(meeting, ""))  # fmt: skip
    named = (
        select(reduce(lambda before, part: before + ":" + part, parts).label("name"))
        .where(
            BOOKINGS.host_id == User.id,
            BOOKINGS.status == Status.CONFIRMED,
            BOOKINGS.starts_at >= utcnow() - BACK,
        )
        .correlate(User)
        .subquery()
    )
    row = db.session.execute(
        select(
            User.id, User.name, User.email, User.locale,
            select(func.aggregate_strings(named.c.name, " ")).scalar_subquery().label("names"),
        ).where(User.feed_token_hash == fingerprint(token), User.disabled_at.is_(None))
    ).one_or_none()  # fmt: skip
    if row is None:
        return None
    names = sorted((row.names or "").split())
    base = current_settings().public_base_url
    about = [FORM, base, str(row.id), row.name, row.email, row.locale]
    digest = hashlib.sha256("\0".join([*about, *names]).encode())
    return Subscription(
        host_id=row.id,
        locale=row.locale,
        calendar_name=row.name,
        etag=digest.hexdigest()[:40],
        about="\0".join(about),
        names=names,
    )


def drawn(found: Subscription) -> bytes:
    """The feed as a calendar, in the host's language."""
    with use_language(found.locale):
        known = KEPT.of(found.host_id, found.about)
        missing = {name: int(name.partition(":")[0]) for name in found.names if name not in known}
        fresh = dict(_draw(found.host_id, list(missing.values())))
        events = {
            name: fresh.get(missing[name], b"") if name in missing else known[name]
            for name in found.names
        }
        KEPT.keep(found.host_id, found.about, events)
        name = _("%(name)s (CalSync)", name=found.calendar_name)
        return feed(name, events.values(), LOOK_AGAIN)


def _draw(host_id: int, numbers: Sequence[int]) -> Iterator[tuple[int, bytes]]:
    """The events of bookings by their ids. No connection is held while they are drawn."""
    host = db.session.get_one(User, host_id)
    rest = iter(numbers)
    while some := list(islice(rest, AT_ONCE)):
        bookings = (
            db.session.scalars(select(Booking).where(Booking.id.in_(some)).options(*READ))
            .unique()
            .all()
        )
        revised = _revised(some)
        db.session.expunge_all()
        db.session.rollback()
        for booking in bookings:
            set_committed_value(booking, "host", host)
            stamped = max(booking.created_at, revised.get(booking.id, booking.created_at))
            yield booking.id, event(entry_of(booking, "host", stamped))


def _revised(numbers: Sequence[int]) -> Mapping[int, datetime]:
    rows = db.session.execute(
        select(CHANGES.booking_id, func.max(CHANGES.at).label("at"))
        .where(CHANGES.booking_id.in_(numbers))
        .group_by(CHANGES.booking_id)
    )
    return {row.booking_id: row.at for row in rows}


class Kept:
    """Events by host, those of the feeds that were read last; at most so many octets in all."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._size = 0
        self._hosts: OrderedDict[int, tuple[str, Mapping[str, bytes], int]] = OrderedDict()
        self._lock = Lock()

    def of(self, host_id: int, about: str) -> Mapping[str, bytes]:
        """What was kept for a host of whom the same is so."""
        with self._lock:
            kept_about, events, _size = self._hosts.get(host_id, ("", {}, 0))
            return events if kept_about == about else {}

    def keep(self, host_id: int, about: str, events: Mapping[str, bytes]) -> None:
        """In place of what was kept for this host. A feed beyond all bounds is not kept."""
        size = sum(map(len, events.values()))
        with self._lock:
            self._forget(host_id)
            if size > self._most:
                return
            self._hosts[host_id] = (about, events, size)
            self._size += size
            while self._size > self._most:
                self._forget(next(iter(self._hosts)))

    def _forget(self, host_id: int) -> None:
        self._size -= self._hosts.pop(host_id, ("", {}, 0))[2]


KEPT = Kept(MOST_KEPT)
