"""What a page offers, as the slot engine takes it: read for everybody who opens a shared link."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    ScalarSelect,
    Select,
    String,
    bindparam,
    cast,
    func,
    literal,
    select,
)
from sqlalchemy.orm import InstrumentedAttribute, joinedload

from ..availability import Rules
from ..availability.holidays import holidays_in
from ..extensions import db
from ..i18n import DEFAULT_LANGUAGE
from .models import BookingPage, PageHours, PageOverride

Range = tuple[int, int]


@dataclass(frozen=True)
class Offer:
    """A page with its hours as (weekday, opens, closes) and overrides as (date, opens, closes)."""

    page: BookingPage
    hours: Sequence[tuple[int, int, int]]
    overrides: Sequence[tuple[date, int | None, int | None]]

    @classmethod
    def of(cls, page: BookingPage) -> "Offer":
        """The offer of a page that is at hand."""
        return cls(
            page,
            [(row.weekday, row.opens, row.closes) for row in page.hours],
            [(row.date, row.opens, row.closes) for row in page.overrides],
        )

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
        page = self.page
        weekly: dict[int, list[Range]] = {}
        for weekday, opens, closes in self.hours:
            weekly.setdefault(weekday, []).append((opens, closes))
        years = range(start.year - 1, end.year + 2)
        overrides: dict[date, list[Range]] = {day: [] for day in self.holidays(years)}
        for day, first, last in self.overrides:
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


def find_live(slug: str) -> Offer | None:
    """The live page behind a shared link, its host and its hours, in one statement."""
    row = db.session.execute(_LIVE, {"slug": slug.lower()}).one_or_none()
    if row is None:
        return None
    page, hours, overrides = row
    return Offer(
        page,
        [(int(day), int(opens), int(closes)) for day, opens, closes in _rows(hours)],
        [
            (
                date.fromisoformat(day),
                int(opens) if opens else None,
                int(closes) if closes else None,
            )
            for day, opens, closes in _rows(overrides)
        ],
    )


def _rows(text: str | None) -> list[list[str]]:
    return [row.split(",") for row in text.split(";")] if text else []


def _live_page() -> Select[BookingPage, str, str]:
    return (
        select(
            BookingPage,
            _joined(PageHours.weekday, PageHours.opens, PageHours.closes),
            _joined(PageOverride.date, PageOverride.opens, PageOverride.closes),
        )
        .options(joinedload(BookingPage.host, innerjoin=True))
        .where(
            BookingPage.slug == bindparam("slug"),
            BookingPage.is_live.is_(True),
            BookingPage.archived_at.is_(None),
        )
    )


def _joined(*columns: InstrumentedAttribute[Any]) -> ScalarSelect[str]:
    """A page's rows of one table as one text, `0,540,720;0,780,1020`: a join of both tables
    would give each with each."""
    table = columns[0].class_
    row: ColumnElement[str] = literal("")
    for number, column in enumerate(columns):
        text = func.coalesce(cast(column, String), "")
        row = row + "," + text if number else text
    return (
        select(func.aggregate_strings(row, ";"))
        .where(table.page_id == BookingPage.id)
        .correlate(BookingPage)
        .scalar_subquery()
    )


# Built once: putting a statement together takes longer than running it.
_LIVE = _live_page()
