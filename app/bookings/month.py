"""A month of days and a day's times, ready to be shown."""

import calendar
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from ..i18n import clock_time, day_in_words, ngettext
from ..i18n import gettext as _

NOON = 12
WEEKS = calendar.Calendar(calendar.SUNDAY)


class Cell(NamedTuple):
    """One day of the table. `label` says it in full, `note` why it is special, if it is."""

    iso: str
    number: int
    label: str
    is_open: bool
    is_today: bool
    is_chosen: bool
    note: str


BLANK = Cell("", 0, "", False, False, False, "")


class Time(NamedTuple):
    """One start: the end of its address, its instant in UTC, and what the client's clock shows."""

    slot: str
    iso: str
    text: str


def days_of(month: date) -> list[date]:
    """The days of `month`, given by any of its days."""
    _weekday, length = calendar.monthrange(month.year, month.month)
    return [month.replace(day=number) for number in range(1, length + 1)]


def weeks_of(
    month: date,
    counts: Mapping[date, int],
    *,
    today: date,
    chosen: date | None,
    notes: Mapping[date, str],
) -> list[list[Cell]]:
    """The weeks of `month`, Sunday first, with `counts` of open starts by day; BLANK stands for
    days of other months."""
    comma = _(", ")
    return [
        [
            _cell(day, counts.get(day, 0), comma, day == today, day == chosen, notes)
            if day.month == month.month
            else BLANK
            for day in week
        ]
        for week in WEEKS.monthdatescalendar(month.year, month.month)
    ]


def _cell(  # noqa: PLR0917
    day: date, count: int, comma: str, is_today: bool, is_chosen: bool, notes: Mapping[date, str]
) -> Cell:
    note = notes.get(day, "")
    label = ""
    if count:
        slots = ngettext("%(num)d slot", "%(num)d slots", count)
        label = comma.join(filter(None, (day_in_words(day), note, slots)))
    return Cell(day.isoformat(), day.day, label, count > 0, is_today, is_chosen, note)


def halves_of(starts: Sequence[datetime], zone: ZoneInfo) -> list[tuple[str, list[Time]]]:
    """A day's times before and after noon on the client's clock, each under its name."""
    morning: list[Time] = []
    afternoon: list[Time] = []
    for start in starts:
        local = start.astimezone(zone)
        half = morning if local.hour < NOON else afternoon
        half.append(Time(_slot(start), _iso(start), clock_time(start, zone)))
    halves = [(_("Morning"), morning), (_("Afternoon"), afternoon)]
    return [(words, times) for words, times in halves if times]


def _slot(at: datetime) -> str:
    return f"{at.year:04}{at.month:02}{at.day:02}T{at.hour:02}{at.minute:02}{at.second:02}Z"


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
