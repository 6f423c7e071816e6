"""What a visitor is shown of a page's month, and by which wishes of theirs."""

from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask import request

from ..booking_pages.forms import zone_choices
from ..booking_pages.offers import Facts, Offer
from ..clock import utcnow
from ..i18n import current_language, is_timezone
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

    offer: Offer
    view: View
    today: date
    counts: tuple[tuple[date, int], ...]  # of open starts, by the client's local day
    day: date | None
    starts: tuple[datetime, ...]  # those of `day`
    next_open: date | None


def read_view(page: Facts) -> View:
    """The visitor's wishes from the address; what makes no sense falls back to the present."""
    asked = request.args.get("tz")
    zone = ZoneInfo(asked if asked and is_timezone(asked) else page.timezone)
    day = _read_date(request.args.get("date", ""))
    month = _read_date(request.args.get("month", "") + "-01")
    extra = tuple(
        (name, value)
        for name in ("tz", "lang")
        if (value := request.args.get(name)) and value != page.timezone
    )
    today = utcnow().astimezone(zone).date()
    return View(zone, (month or day or today).replace(day=1), day, extra)


def _read_date(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if is_drawable(day) else None


def is_drawable(day: date) -> bool:
    """Beyond these a zone's offset could carry an instant out of datetime's range."""
    return 1970 <= day.year <= 9000


def neighbouring_months(page: Facts, view: View, today: date) -> tuple[date | None, date | None]:
    """The months before and after, where they can hold anything bookable."""
    before = (view.month - timedelta(days=1)).replace(day=1)
    after = (view.month + timedelta(days=32)).replace(day=1)
    last = today + timedelta(days=page.horizon_days + 1) if page.horizon_days else None
    return (
        before if before >= today.replace(day=1) else None,
        after if last is None or after <= last else None,
    )


def zone_values(page: Facts, zone: ZoneInfo) -> dict[str, object]:
    """The zone and the zones to choose from: the usual ones, or all with `?zones=all`."""
    everything = request.args.get("zones") == "all"
    usual = dict.fromkeys((zone.key, page.timezone, *USUAL_ZONES))
    return {
        "zone": zone,
        "zones": zone_choices(zone.key) if everything else list(usual),
        "shows_all_zones": everything,
    }


def look_at(offer: Offer, view: View) -> Shown:
    """What the page offers in the view's month, right now."""
    days = openings.open_days(offer, view.month, view.zone)
    day = view.day if view.day in days else min(days, default=None)
    return Shown(
        offer,
        view,
        today=utcnow().astimezone(view.zone).date(),
        counts=tuple((day, len(starts)) for day, starts in days.items()),
        day=day,
        starts=tuple(days[day]) if day else (),
        next_open=None if day else openings.next_open_day(offer, view.month, view.zone),
    )


def month_values(shown: Shown, address: str) -> dict[str, object]:
    """The month's table and the times of its chosen day; `address` is where its links lead."""
    view, page = shown.view, shown.offer.page
    notes = shown.offer.holidays_in_month(view.month, current_language())
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
        "next_open": shown.next_open,
        "neighbours": neighbouring_months(page, view, shown.today),
        # The zone is named with the offset it has on the day that is shown.
        "day_instant": shown.starts[0] if shown.starts else noon_of(shown.today, view.zone),
    }


def noon_of(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(12), zone)
