"""What a visitor is shown of a page's month, and by which wishes of theirs."""

from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask import request

from ..booking_pages.forms import zone_choices
from ..booking_pages.offerings import Offering, PageSnapshot
from ..core.clock import utcnow
from ..i18n import current_language
from ..i18n.zones import read_zone
from . import openings
from .month import halves_of, weeks_of

# A city for most offsets people live in; the whole list is one link away.
USUAL_ZONES = (
    "Asia/Tokyo", "Asia/Seoul", "Asia/Shanghai", "Asia/Hong_Kong", "Asia/Taipei",
    "Asia/Singapore", "Asia/Bangkok", "Asia/Ho_Chi_Minh", "Asia/Jakarta", "Asia/Manila",
    "Asia/Kolkata", "Asia/Dubai", "Australia/Sydney", "Australia/Perth", "Pacific/Auckland",
    "Europe/London", "Europe/Paris", "Europe/Berlin", "Europe/Madrid", "Europe/Helsinki",
    "Europe/Istanbul", "Africa/Johannesburg", "America/New_York", "America/Chicago",
    "America/Denver", "America/Los_Angeles", "America/Sao_Paulo", "Pacific/Honolulu", "UTC",
)  # fmt: skip


class View(NamedTuple):
    """What a visitor looks at: a zone, a month, perhaps a day, and what else they asked for by
    address: `tz` and `lang` go along into the next one."""

    zone: ZoneInfo
    month: date
    day: date | None
    extra: tuple[tuple[str, str], ...]

    def query(self, **changes: str) -> str:
        """`?month=…&date=…` of a neighbouring view, with what the visitor has chosen so far."""
        return "?" + urlencode(dict(self.extra) | changes)


class Shown(NamedTuple):
    """All that the drawing of a month depends on, besides the language and the address."""

    offering: Offering
    view: View
    today: date
    counts: tuple[tuple[date, int], ...]  # of open starts, by the client's local day
    day: date | None  # the one that was asked for, else the first open one
    starts: tuple[datetime, ...]  # those of `day`
    is_full: bool  # nothing is open on `day`, and bookings alone have taken it
    previous_open: date | None  # the nearest open days before and after it, or after the month
    next_open: date | None


def read_view(page: PageSnapshot, usual_zone: str | None = None) -> View:
    """The visitor's wishes from the address; what makes no sense falls back to the present.

    `usual_zone` (IANA) holds where the address names none, and is named in no link; the page's own
    unless said otherwise.
    """
    usual_zone = usual_zone or page.timezone
    zone = ZoneInfo(read_zone(request.args.get("tz")) or usual_zone)
    day = _read_date(request.args.get("date", ""))
    month = _read_date(request.args.get("month", "") + "-01")
    if at := read_instant(request.args.get("at", "")):
        # The zone is being changed: the day is the one that this instant has in the new zone.
        day = at.astimezone(zone).date()
        month = day
    extra = tuple(
        (name, value)
        for name in ("tz", "lang")
        if (value := request.args.get(name)) and value != usual_zone
    )
    today = utcnow().astimezone(zone).date()
    return View(zone, (month or day or today).replace(day=1), day, extra)


def _read_date(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if is_drawable(day) else None


def read_instant(text: str) -> datetime | None:
    """`2026-12-14T00:00:00Z` or `20261214T000000Z`; None for what is no instant."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.utcoffset() is not None and is_drawable(at) else None


def is_drawable(day: date) -> bool:
    """Beyond these a zone's offset could carry an instant out of datetime's range."""
    return 1970 <= day.year <= 9000


def neighbouring_months(
    page: PageSnapshot, view: View, today: date
) -> tuple[date | None, date | None]:
    """The months before and after, where they can hold anything bookable."""
    before = (view.month - timedelta(days=1)).replace(day=1)
    after = (view.month + timedelta(days=32)).replace(day=1)
    last = today + timedelta(days=page.horizon_days + 1) if page.horizon_days else None
    return (
        before if before >= today.replace(day=1) else None,
        after if last is None or after <= last else None,
    )


def zone_values(page: PageSnapshot, zone: ZoneInfo) -> dict[str, object]:
    """The zone and the zones to choose from: the usual ones, or all with `?zones=all`."""
    everything = request.args.get("zones") == "all"
    usual = dict.fromkeys((zone.key, page.timezone, *USUAL_ZONES))
    return {
        "zone": zone,
        "zones": zone_choices(zone.key) if everything else list(usual),
        "shows_all_zones": everything,
    }


def look_at(offering: Offering, view: View) -> Shown:
    """What the page offers in the view's month, right now."""
    days = openings.open_days(offering, view.month, view.zone)
    is_asked = view.day is not None and view.day.replace(day=1) == view.month
    day = view.day if is_asked else min(days, default=None)
    has_none = day not in days
    return Shown(
        offering,
        view,
        today=utcnow().astimezone(view.zone).date(),
        counts=tuple((day, len(starts)) for day, starts in days.items()),
        day=day,
        starts=tuple(days[day]) if day in days else (),
        is_full=day is not None and has_none and openings.is_full(offering, day, view.zone),
        previous_open=openings.open_day_before(offering, day, days, view.zone)
        if day and has_none
        else None,
        next_open=openings.open_day_after(offering, day or view.month, days, view.zone)
        if has_none
        else None,
    )


def month_values(shown: Shown, address: str) -> dict[str, object]:
    """The month's table and the times of its chosen day; `address` is where its links lead."""
    view, page = shown.view, shown.offering.page
    notes = shown.offering.holidays_in_month(view.month, current_language())
    first = shown.starts[0] if shown.starts else noon_of(shown.day or shown.today, view.zone)
    return {
        "page": page,
        "view": view,
        "address": address,
        "weeks": weeks_of(
            view.month, dict(shown.counts), today=shown.today, chosen=shown.day, notes=notes
        ),
        "notes": sorted(notes.items()),
        "day": shown.day,
        "halves": halves_of(shown.starts, view.zone),
        "is_full": shown.is_full,
        "previous_open": shown.previous_open,
        "next_open": shown.next_open,
        "neighbours": neighbouring_months(page, view, shown.today),
        # The zone is named with the offset it has on the day that is shown.
        "day_instant": first,
        "day_ends": shown.starts[-1] if shown.starts else first,
    }


def noon_of(day: date, zone: ZoneInfo) -> datetime:
    """Noon of `day` in `zone`, as an instant in UTC."""
    return datetime.combine(day, time(12), zone).astimezone(UTC)
