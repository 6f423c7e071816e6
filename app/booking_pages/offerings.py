"""What a page offers, as the slot engine takes it: read for everybody who opens a shared link."""

from collections import namedtuple
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, Self
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    ScalarSelect,
    Select,
    String,
    Table,
    bindparam,
    cast,
    func,
    literal,
    select,
)

from ..accounts.models import User
from ..availability import Rules
from ..core.crypto import fingerprint
from ..db import db
from ..i18n import DEFAULT_LANGUAGE
from ..schedules.holidays import holidays_in
from ..zoom.abilities import Abilities
from ..zoom.models import ZoomConnection
from .models import BookingPage, PageAddress, PageHours, PageOverride, PageReminder

Range = tuple[int, int]


class PageHost(NamedTuple):
    """Whose page it is: the name clients see, and a language of ours."""

    name: str
    locale: str


PAGES: Table = BookingPage.__table__  # type: ignore[assignment]
READ = tuple(name for name in PAGES.c.keys() if name not in {"created_at", "form_key"})  # noqa: SIM118
if TYPE_CHECKING:

    class _PageRow(BookingPage):
        """To type checkers a row has what the model has, and can be read alone."""

        host: PageHost  # type: ignore[assignment]
        makes_meetings: bool

        @classmethod
        def _make(cls, values: Iterable[object]) -> Self: ...

        def _replace(self, **values: object) -> Self: ...

else:
    _PageRow = namedtuple("_PageRow", [*READ, "host", "makes_meetings"])


class PageSnapshot(_PageRow):
    """A booking page's row as it was read, under the columns' names, its host, and whether the
    host's connection to Zoom makes meetings."""

    __slots__ = ()

    @property
    def terms(self) -> str:
        """What a client agrees to by booking, as a short text that differs when one of it does."""
        agreed = (self.title, self.location, self.timezone, self.duration, self.auto_zoom)
        return fingerprint("\0".join(map(str, agreed)))[:16]

    @property
    def sends_link_at_once(self) -> bool:
        """Whether a booking gets its Zoom link right away: the host is connected and may create."""
        return self.auto_zoom and self.makes_meetings


@dataclass(frozen=True, eq=False)
class Offering:
    """A page with its hours as (weekday, opens, closes), overrides as (date, opens, closes) and
    reminders as (party, minutes before the start).

    An Offering is equal to itself only, and the same row read again is the same Offering: what is
    made from it can be kept by it. `moving` is the number of a booking that looks for another time:
    the one that it has now is free to it.
    """

    page: PageSnapshot
    hours: Sequence[tuple[int, int, int]]
    overrides: Sequence[tuple[date, int | None, int | None]]
    reminders: Sequence[tuple[str, int]] = ()
    moving: int | None = None

    @property
    def is_live(self) -> bool:
        """Whether clients may book."""
        return self.page.is_live and self.page.archived_at is None

    def holidays(self, years: range, language: str = DEFAULT_LANGUAGE) -> Mapping[date, str]:
        """The public holidays that close the page, by name; an override on that day wins."""
        if not self.page.holidays:
            return {}
        named = {day for day, _opens, _closes in self.overrides}
        found = holidays_in(self.page.holidays, years, language)
        return {day: name for day, name in found.items() if day not in named}

    def holidays_in_month(self, month: date, language: str) -> Mapping[date, str]:
        """Those of one month."""
        found = self.holidays(range(month.year, month.year + 1), language)
        return {day: name for day, name in found.items() if day.month == month.month}

    def rules_between(self, start: datetime, end: datetime) -> Rules:
        """The rules that decide about starts in `[start, end)`.

        They hold the holidays of the year before as well: hours that else never close open
        anew after a holiday, and their grid runs from there.
        """
        return _rules(self, range(start.year - 1, end.year + 2))


@lru_cache(maxsize=1024)
def _rules(offering: Offering, years: range) -> Rules:
    page = offering.page
    weekly: dict[int, list[Range]] = {}
    for weekday, opens, closes in offering.hours:
        weekly.setdefault(weekday, []).append((opens, closes))
    overrides: dict[date, list[Range]] = {day: [] for day in offering.holidays(years)}
    for day, first, last in offering.overrides:
        ranges = overrides.setdefault(day, [])
        if first is not None and last is not None:
            ranges.append((first, last))
    return Rules(
        zone=ZoneInfo(page.timezone),
        weekly=weekly,
        overrides=overrides,
        duration=timedelta(minutes=page.duration),
        increment=timedelta(minutes=page.increment) if page.increment else None,
        buffer_before=timedelta(minutes=page.buffer_before),
        buffer_after=timedelta(minutes=page.buffer_after),
        notice=timedelta(minutes=page.notice),
        horizon_days=page.horizon_days,
        first_day=page.first_day,
        last_day=page.last_day,
        daily_limit=page.daily_limit,
    )


def find_live(slug: str) -> Offering | None:
    """The live page behind a shared link (see `find`)."""
    offering = find(slug)
    return offering if offering and offering.is_live else None


def find(slug: str) -> Offering | None:
    """The page with this slug, live or not, in one statement; in two the page that had it before."""
    values = {"slug": slug.lower()}
    return _read(_BY_SLUG, values) or _read(_BY_FORMER_SLUG, values)


def offering_of(page_id: int) -> Offering:
    """The offer of a page that exists, as it is now, in one statement."""
    offering = _read(_BY_ID, {"id": page_id})
    assert offering is not None
    return offering


def _read(statement: Select[*tuple[Any, ...]], values: Mapping[str, object]) -> Offering | None:
    row = db.session.execute(statement, values).one_or_none()
    return _offering(tuple(row)) if row else None


@lru_cache(maxsize=1024)
def _offering(row: tuple[Any, ...]) -> Offering:
    *columns, name, locale, scopes, hours, overrides, reminders = row
    makes_meetings = Abilities.of(scopes or "").creates
    return Offering(
        PageSnapshot._make((*columns, PageHost(name, locale), makes_meetings)),
        tuple((int(day), int(opens), int(closes)) for day, opens, closes in _rows(hours)),
        tuple(
            (
                date.fromisoformat(day),
                int(opens) if opens else None,
                int(closes) if closes else None,
            )
            for day, opens, closes in _rows(overrides)
        ),
        tuple((party, int(minutes)) for party, minutes in _rows(reminders)),
    )


def _rows(text: str | None) -> list[list[str]]:
    return [row.split(",") for row in text.split(";")] if text else []


# Tables instead of models: a row is read into plain values quicker than into objects that the
# session watches.
HOSTS: Table = User.__table__  # type: ignore[assignment]
CONNECTIONS: Table = ZoomConnection.__table__  # type: ignore[assignment]


def _page_where(condition: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    return (
        select(
            *(PAGES.c[name] for name in READ),
            HOSTS.c.name,
            HOSTS.c.locale,
            _granted_scopes(),
            _joined(PageHours.__table__, "weekday", "opens", "closes"),  # type: ignore[arg-type]
            _joined(PageOverride.__table__, "date", "opens", "closes"),  # type: ignore[arg-type]
            _joined(PageReminder.__table__, "party", "minutes"),  # type: ignore[arg-type]
        )
        .join_from(PAGES, HOSTS)
        .where(condition)
    )


def _granted_scopes() -> ScalarSelect[str]:
    """The scopes of the host's connection, where it is alive."""
    return (
        select(CONNECTIONS.c.scopes)
        .where(CONNECTIONS.c.user_id == PAGES.c.user_id, CONNECTIONS.c.status == "active")
        .correlate(PAGES)
        .scalar_subquery()
    )


def _joined(table: Table, *names: str) -> ScalarSelect[str]:
    """A page's rows of one table as one text, `0,540,720;0,780,1020`: a join of both tables
    would give each with each."""
    row: ColumnElement[str] = literal("")
    for number, name in enumerate(names):
        text = func.coalesce(cast(table.c[name], String), "")
        row = row + "," + text if number else text
    return (
        select(func.aggregate_strings(row, ";"))
        .where(table.c.page_id == PAGES.c.id)
        .correlate(PAGES)
        .scalar_subquery()
    )


# Built once: putting a statement together takes longer than running it.
_BY_SLUG = _page_where(PAGES.c.slug == bindparam("slug"))
_ADDRESSES: Table = PageAddress.__table__  # type: ignore[assignment]
_BY_FORMER_SLUG = _page_where(
    PAGES.c.id
    == select(_ADDRESSES.c.page_id).where(_ADDRESSES.c.slug == bindparam("slug")).scalar_subquery()
)
_BY_ID = _page_where(PAGES.c.id == bindparam("id"))
