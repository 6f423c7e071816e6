"""What of the Bookings section an address asks for: `?tab=&q=&page_id=&from=&to=`, and the place in the
list, `?after=` or `?before=`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from ..bookings.slot_addresses import SLOT_FORM
from ..core import text
from ..i18n import gettext as _

TABS = ("upcoming", "past", "cancelled", "attention")
MOST_SEARCHED = 100  # characters
# What keeps a place in the list, in the address of a booking and back.
PLACE = ("tab", "q", "page_id", "from", "to", "after", "before")
DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")
YEARS = range(2000, 2200)  # no bookings are outside, and every zone has clocks for them
A_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Place:
    """A booking's place in a list: its start (aware UTC) and its row's number."""

    starts_at: datetime
    id: int

    def __str__(self) -> str:
        return f"{self.starts_at.astimezone(UTC):{SLOT_FORM}}-{self.id}"


@dataclass(frozen=True)
class Filters:
    """Which bookings are asked for. The days are of the host's zone, both inclusive; a page is one
    of the host's. `errors` say of the parts `from` and `to` what is wrong; `typed` is what was sent."""

    zone: ZoneInfo
    tab: str = TABS[0]
    query: str = ""
    page_id: int | None = None
    first_day: date | None = None
    last_day: date | None = None
    errors: Mapping[str, str] = field(default_factory=dict)
    typed: Mapping[str, str] = field(default_factory=dict)

    @property
    def since(self) -> datetime | None:
        """From when on bookings start, aware UTC."""
        return _midnight(self.first_day, self.zone) if self.first_day else None

    @property
    def until(self) -> datetime | None:
        """Before when they start, aware UTC."""
        return _midnight(self.last_day + A_DAY, self.zone) if self.last_day else None

    @property
    def are_narrow(self) -> bool:
        """Whether more than tab and words choose."""
        return bool(self.page_id or self.first_day or self.last_day or self.errors)

    @property
    def address(self) -> dict[str, Any]:
        """The parts of an address that ask for the same; what goes without saying is left out."""
        parts = {
            "tab": self.tab if self.tab != TABS[0] else None,
            "q": self.query or None,
            "page_id": self.page_id,
            "from": self.first_day.isoformat() if self.first_day else None,
            "to": self.last_day.isoformat() if self.last_day else None,
        }
        return {name: value for name, value in parts.items() if value is not None}

    def in_month(self, month: date) -> "Filters":
        """The same of one month, `month` being a day of it."""
        first = month.replace(day=1)
        return replace(self, first_day=first, last_day=_next_month(first) - A_DAY)

    def is_month(self, month: date) -> bool:
        whole = self.in_month(month)
        return (self.first_day, self.last_day) == (whole.first_day, whole.last_day)

    def months_around(self, today: date) -> list[date]:
        """The first days of the month that is looked at and of those beside it; today's month where
        none is. Upcoming bookings have no earlier month, past ones no later."""
        this = today.replace(day=1)
        looked_at = (self.first_day or this).replace(day=1)
        around = [(looked_at - A_DAY).replace(day=1), looked_at, _next_month(looked_at)]
        if self.tab == "past":
            return [month for month in around if month <= this]
        return [month for month in around if month >= this or self.tab == "cancelled"]


def read_filters(sent: Mapping[str, str], zone: ZoneInfo) -> Filters:
    """The filters that an address names. A tab or page that there is not counts as not named; a day
    that cannot be read is an error, and chooses nothing."""
    errors: dict[str, str] = {}
    days: dict[str, date | None] = {}
    for name in ("from", "to"):
        days[name] = day = _day(typed) if (typed := text.fold(sent.get(name))) else None
        if typed and day is None:
            errors[name] = _("Enter a date such as 2026-12-01.")
    first, last = days["from"], days["to"]
    if first and last and first > last:
        errors["to"] = _("Choose a last day that is not before the first.")
        last = None
    tab = sent.get("tab", TABS[0])
    number = text.fold(sent.get("page_id"))
    return Filters(
        zone=zone,
        tab=tab if tab in TABS else TABS[0],
        query=text.line(sent.get("q"), MOST_SEARCHED)[:MOST_SEARCHED],
        page_id=int(number) if number.isascii() and number.isdigit() and len(number) < 10 else None,
        first_day=first,
        last_day=last,
        errors=errors,
        typed={name: text.line(sent.get(name), 20)[:20] for name in ("from", "to")},
    )


def read_place(typed: str | None) -> Place | None:
    """The place that `str(place)` has written; None for anything else."""
    start, _mark, number = (typed or "")[:40].partition("-")
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        return None
    try:
        return Place(datetime.strptime(start, SLOT_FORM).replace(tzinfo=UTC), int(number))
    except ValueError:
        return None


def _day(typed: str) -> date | None:
    found = DAY.fullmatch(typed)
    if found is None or int(found[1]) not in YEARS:
        return None
    try:
        return date(*map(int, found.groups()))
    except ValueError:
        return None


def _next_month(first: date) -> date:
    return (first + timedelta(days=32)).replace(day=1)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
